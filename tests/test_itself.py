"""A pair that reads one place twice is told so."""

from __future__ import annotations

from pathlib import Path

from auditor.collect import Environment, Source
from auditor.itself import compared_with_itself
from auditor.model import Resource, Snapshot
from collectors.files import COLLECTOR
from collectors.files.collector import FilesOptions
from tests.factories import snapshot

FOLDER = Path("/audit")


def _environment(name: str, path: str) -> Environment:
    sources = (Source(COLLECTOR, FilesOptions(path=path)),)
    return Environment(name, (name,), (), FOLDER, sources)


def _seen(name: str, *identities: str) -> Snapshot:
    found = (Resource("env.file", identity, {"A": "1"}, source="files:deploy") for identity in identities)
    return snapshot(name, resources=tuple(found))


def test_one_source_under_both_environments_is_told_where_both_found_the_same() -> None:
    """Copied by mistake: everything agrees, since it is one thing. Where each found its own, or reads its own, nothing is said."""
    staging, prod = _environment("staging", "deploy"), _environment("prod", "deploy")
    (told,) = compared_with_itself(staging, prod, _seen("staging", "app.env"), _seen("prod", "app.env"))
    assert told == (
        "staging and prod read the same files:deploy, so it was compared with itself: "
        "give each environment a source of its own"
    )
    assert compared_with_itself(staging, prod, _seen("staging", "app.stg.env"), _seen("prod", "app.env")) == ()
    assert compared_with_itself(staging, prod, _seen("staging"), _seen("prod")) == ()
    other = _environment("prod", "elsewhere")
    assert compared_with_itself(staging, other, _seen("staging", "app.env"), _seen("prod", "app.env")) == ()
