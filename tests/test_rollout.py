"""One table of versions: what several sources tell of a component is one row, whoever spells it how."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.cli.exits import guarded
from auditor.cli.root import audit
from auditor.deployed import deployed
from auditor.gauges import Deployed
from auditor.model import Gap, GapReason, Resource, Snapshot
from auditor.publish.versions import render
from auditor.rollout import Cell, Table, column
from auditor.store import Store

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
COMMIT = "4f3a9c1d2e5b6a7f8091a2b3c4d5e6f708192a3b"
DIGEST = "sha256:" + "0f3a" * 16
ROLLED = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)


def pipeline(
    version: str, commit: str = COMMIT, component: str = "orders", kind: str = "github.deployment"
) -> Resource:
    attributes = {"version": version, "commit": commit, "deployed": "2026-11-21T10:00:00Z", "by": "ada"}
    return Resource(kind, component, attributes, source="github:acme/orders", component=component)


def endpoint(version: str, **attributes: Any) -> Resource:
    return Resource("http.version", "orders", {"version": version, **attributes}, component="orders")


def task(image: str) -> Resource:
    containers = {"app": {"image": image}}
    return Resource(
        "aws.ecs.task_definition", "orders", {"container_definitions": containers}, source="aws:1", component="orders"
    )


@pytest.mark.parametrize(
    ("seen", "version"),
    [
        ((pipeline("v1.4.2"), task("acme/orders:1.4.2"), endpoint("1.4.2")), "1.4.2"),
        ((pipeline("1.4.2", kind="gitlab.deployment"), task("acme/orders:v1.4.2")), "v1.4.2"),
        ((pipeline("v1.4.2"), task(f"acme/orders:{COMMIT[:7]}")), COMMIT[:7]),
        ((pipeline(COMMIT), task(f"acme/orders:sha-{COMMIT[:10]}")), f"sha-{COMMIT[:10]}"),
        ((pipeline("v1.4.2"), endpoint("build-77", commit=COMMIT[:12])), "build-77"),
        ((pipeline("v1.4.2"), endpoint("1.4.2", digest=DIGEST), task(f"acme/orders@{DIGEST}")), "1.4.2"),
        ((pipeline("v1.4.2"),), "v1.4.2"),
    ],
)
def test_one_component_that_several_sources_tell_of_is_one_row(seen: tuple[Resource, ...], version: str) -> None:
    """As what runs spells it; who deployed it and when comes from the pipeline, the digest from where it is known."""
    (row,) = deployed(seen)
    assert (row.component, row.version, row.by, row.deployed_at) == ("orders", version, "ada", ROLLED)
    assert row.commit == COMMIT
    assert row.digest == (DIGEST if any(DIGEST in repr(each.attributes) for each in seen) else None)


def test_versions_that_are_not_the_same_stay_apart() -> None:
    """Another release, another commit, and a service that still runs the old one beside a pipeline's new one."""
    assert [row.version for row in deployed([pipeline("v1.5.0"), task("acme/orders:1.4.2")])] == ["1.4.2", "v1.5.0"]
    other = task(f"acme/orders:{'e' * 6}1")
    assert len(deployed([pipeline("v1.5.0"), other])) == 2
    assert deployed([endpoint("vault-7"), pipeline("ault-7", commit="f" * 40)])[1].version == "vault-7"


@given(
    st.permutations(
        [pipeline("v1.4.2"), task("acme/orders:1.4.2"), endpoint(COMMIT[:12]), pipeline("v1.4.1", "d" * 40)]
    )
)
def test_the_order_in_which_sources_are_read_does_not_matter(seen: list[Resource]) -> None:
    """The same rows, byte for byte."""
    assert deployed(seen) == deployed(
        [pipeline("v1.4.1", "d" * 40), endpoint(COMMIT[:12]), task("acme/orders:1.4.2"), pipeline("v1.4.2")]
    )


def snapshot(environment: str, *resources: Resource, gaps: tuple[Gap, ...] = ()) -> Snapshot:
    return Snapshot(f"{environment}-1", environment, NOW, resources, gaps, ())


def test_a_table_says_since_when_by_whom_and_what_is_not_known() -> None:
    """A dash is none, a question mark is unknown; an environment that was never observed says so."""
    denied = Gap("prod", "aws:1", "aws.*", GapReason.ACCESS_DENIED, "no")
    table = Table(
        (
            column("staging", snapshot("staging", pipeline("v1.5.0"), endpoint("1.5.0", digest=DIGEST)), ("staging",)),
            column("prod", snapshot("prod", task("acme/orders:1.4.2"), gaps=(denied,)), ("prod",)),
            column("test", None, ("test",)),
        )
    )
    assert table.columns[0].cells["orders"] == (Cell("1.5.0", DIGEST, COMMIT, ROLLED, True, "ada"),)
    assert table.apart("orders")
    text = render(table, "table", width=100, color=False)
    for told in (
        "1.5.0",
        "since 2026-11-21 10:00",
        "by ada",
        "digest 0f3a0f3a0f3a",
        "1.4.2",
        "prod: 1 gap among",
        "test was never",
    ):
        assert told in text, told
    assert "| orders | 1.5.0<br>" in render(table, "markdown", width=None, color=False)
    (row,) = json.loads(render(table, "json", width=None, color=False))["components"]
    assert (row["same"], row["versions"]["test"]) == (False, [])
    assert row["versions"]["staging"][0]["since_told_by"] == "source"
    empty = render(Table((column("prod", snapshot("prod"), ()),)), "table", width=80, color=False)
    assert "No source says which versions run" in empty


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("AUDITOR_CONFIG", raising=False)
    (tmp_path / "auditor.yaml").write_text(
        "environments:\n  staging: {sources: [{collector: http, services: {orders: 'https://s.acme.io'}}]}\n"
        "  prod: {sources: [{collector: http, services: {orders: 'https://acme.io'}}]}\n"
        "pairs: [{left: staging, right: prod}]\n"
    )
    return tmp_path


def test_audit_versions_tells_what_the_last_snapshots_hold(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Since when is what the history of snapshots saw, where no source says it."""
    with Store.open(f"sqlite:///{folder}/auditor.db") as store:
        for hours, version in ((2, "1.4.1"), (1, "1.4.2")):
            taken = NOW - timedelta(hours=hours)
            store.save_snapshot(Snapshot(f"prod-{hours}", "prod", taken, (endpoint(version),), (), ()), ("prod",))
    assert guarded(audit, ("versions", "prod", "--format", "json")) == 0
    found = json.loads(capsys.readouterr().out)
    assert [each["environment"] for each in found["environments"]] == ["prod"]
    assert found["components"][0]["versions"]["prod"] == [
        {"version": "1.4.2", "digest": None, "commit": None, "since": "2026-11-23T07:00:00Z",
         "since_told_by": "snapshots", "by": None}
    ]  # fmt: skip
    assert guarded(audit, ("versions",)) == 0
    assert "staging was never observed" in capsys.readouterr().out
    assert guarded(audit, ("versions", "nowhere")) == 2


def test_a_row_that_only_one_source_tells_is_as_it_was() -> None:
    """Without a pipeline nothing is respelled, and nobody is named."""
    assert deployed([endpoint("v1.4.2")]) == (Deployed("orders", "v1.4.2"),)
