"""A pair that reads one place twice learns nothing from it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from auditor.collect import Environment, Source
from auditor.itself import compared_with_others
from auditor.model import Listing, Resource, Snapshot
from collectors.files import COLLECTOR
from collectors.files.collector import FilesOptions
from collectors.github import COLLECTOR as GITHUB
from collectors.http import COLLECTOR as HTTP
from collectors.http import HttpOptions
from tests.factories import snapshot

FOLDER = Path("/audit")


def _environment(name: str, path: str) -> Environment:
    sources = (Source(COLLECTOR, FilesOptions(path=path)),)
    return Environment(name, (name,), (), FOLDER, sources)


def _seen(name: str, *found: str) -> Snapshot:
    resources = (Resource("env.file", identity, {"A": "1"}, source="files:deploy") for identity in found)
    listings = (
        Listing("files:own", "env.file"),
        *(Listing("files:deploy", kind) for kind in ("env.file", "yaml.file")),
    )
    return replace(snapshot(name, resources=tuple(resources)), listings=listings)


def _unread(seen: Snapshot) -> list[tuple[str, str, str]]:
    return [(gap.source, gap.kind, gap.reason) for gap in seen.gaps]


WHY = (
    "staging and prod read the same files:deploy, so it would be compared with itself: "
    "give each environment a source of its own, or take it from both"
)


def test_with_nothing_but_one_place_there_is_nothing_to_compare() -> None:
    """Copied by mistake: everything agrees, since it is one thing. What it lists is a gap of both."""
    staging, prod = _environment("staging", "deploy"), _environment("prod", "./deploy/")
    *sides, notes = compared_with_others(staging, prod, _seen("staging", "app.env"), _seen("prod", "app.env"))
    for seen in sides:
        assert seen.resources == ()
        assert [listing.source for listing in seen.listings] == ["files:own"]
        assert _unread(seen) == [
            ("files:deploy", "env.file", "unsupported"),
            ("files:deploy", "yaml.file", "unsupported"),
        ]
        assert seen.gaps[0].detail == WHY
    assert [gap.environment for seen in sides for gap in seen.gaps] == ["staging", "staging", "prod", "prod"]
    assert notes == ()


def test_a_folder_in_common_is_noted_beside_what_is_each_ones_own() -> None:
    """Both do use it, so that it agrees is true, if by itself no news. Beside something of one side only it is all there is."""
    staging, prod = _environment("staging", "deploy"), _environment("prod", "deploy")
    mine, theirs = (
        Resource("env.file", "a", {}, source="files:mine"),
        Resource("env.file", "a", {}, source="files:theirs"),
    )
    ours = replace(_seen("staging", "app.env"), resources=(*_seen("staging", "app.env").resources, mine))
    others = _seen("prod", "app.env")
    both = replace(others, resources=(*others.resources, theirs))
    note = (
        "staging and prod read the same files:deploy, so it was compared with itself: "
        "give each environment a source of its own, unless they have it in common"
    )
    assert compared_with_others(staging, prod, ours, both) == (ours, both, (note,))
    assert compared_with_others(staging, prod, ours, others)[0].gaps[0].detail == WHY


def test_a_live_thing_in_common_is_a_gap_whatever_else_there_is() -> None:
    """Staging that reads production's endpoint was given the wrong address, or has none of its own."""
    source = Source(HTTP, HttpOptions(services={"api": "https://api.acme.example/version"}))
    staging, prod = (Environment(name, (name,), (), FOLDER, (source,)) for name in ("staging", "prod"))
    sides = [
        replace(
            snapshot(
                name, resources=tuple(Resource("env.file", "a", {}, source=each) for each in (source.label, name))
            ),
            listings=(Listing(source.label, "http.version"),),
        )
        for name in ("staging", "prod")
    ]
    *seen, notes = compared_with_others(staging, prod, sides[0], sides[1])
    assert [[one.source for one in each.resources] for each in seen] == [["staging"], ["prod"]]
    assert [_unread(each) for each in seen] == [[(source.label, "http.version", "unsupported")]] * 2
    assert notes == ()


def test_what_each_finds_of_its_own_is_compared() -> None:
    """In a place that both share, by its name, in two places, at two times, or where there is nothing at all."""
    staging, prod = _environment("staging", "deploy"), _environment("prod", "deploy")
    forge = (Source(GITHUB, GITHUB.options(repositories=("acme/orders",))),)
    for left, right, ours, theirs in (
        (staging, prod, ["app.stg.env"], ["app.env"]),
        (staging, prod, [], []),
        (staging, _environment("prod", "elsewhere"), ["app.env"], ["app.env"]),
        (staging, staging, ["app.env"], ["app.env"]),
        (replace(staging, sources=forge), replace(prod, sources=forge), ["acme/orders"], ["acme/orders"]),
    ):
        seen = tuple(
            replace(each, resources=tuple(replace(one, source=left.sources[0].label) for one in each.resources))
            for each in (_seen("staging", *ours), _seen("prod", *theirs))
        )
        assert compared_with_others(left, right, seen[0], seen[1]) == (*seen, ())


def test_an_account_of_a_source_that_both_read_is_part_of_it() -> None:
    """What an organization's source found in its accounts is called after it; a source of its own that is called alike is not."""
    sources = tuple(Source(COLLECTOR, FilesOptions(path=path)) for path in ("deploy", "deploy/own"))
    staging, prod = (
        Environment(name, (name,), (), FOLDER, sources[:count]) for name, count in (("staging", 2), ("prod", 1))
    )
    names = ("files:deploy/1", "files:deploy/own", "files:deployed")
    listings = tuple(Listing(name, "env.file", "eu-west-1") for name in names)
    sides = [
        replace(
            snapshot(name, resources=tuple(Resource("env.file", "a", {}, source=one) for one in found)),
            listings=listings,
        )
        for name, found in (("staging", names), ("prod", names[:1]))
    ]
    *seen, _ = compared_with_others(staging, prod, sides[0], sides[1])
    assert [[one.source for one in each.resources] for each in seen] == [["files:deploy/own", "files:deployed"], []]
    for each in seen:
        assert [one.source for one in each.listings] == ["files:deploy/own", "files:deployed"]
        assert [(gap.source, gap.region) for gap in each.gaps] == [("files:deploy/1", "eu-west-1")]
