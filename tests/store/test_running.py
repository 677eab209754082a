"""What the last snapshot of an environment says is deployed is worked out again only where what tells it has changed."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import delete

import auditor.store.saving
from auditor.document import Document
from auditor.model import Resource
from auditor.store import Store
from auditor.store.tables import DocumentRow
from tests.store.samples import at, resource, snapshot


def workload(version: str, name: str = "orders-staging") -> Resource:
    """An ECS task definition that runs this version."""
    containers = {"app": {"image": f"acme/orders:{version}"}}
    attributes = {"container_definitions": containers}
    return Resource("aws.ecs.task_definition", name, attributes, source="aws:1", component=name)


def away(whole: Resource) -> Resource:
    """The same, as it is when it was known again: nobody has looked at its document."""

    def refuse(digest: str) -> bytes:
        raise AssertionError(f"{digest} was read")

    return replace(whole, attributes=Document(Document.of(whole.attributes).digest, load=refuse))


def running(store: Store) -> list[tuple[str, str]]:
    (gauges,) = store.gauges([], {"staging": []}, at(60)).environments
    return [(row.component, row.version) for row in gauges.deployed]


def lose(store: Store, whole: Resource) -> None:
    """Take its document out of the store, so that whoever looks for it has to ask it for its own."""
    with store._database.writing() as session:
        session.execute(delete(DocumentRow).where(DocumentRow.digest == Document.of(whole.attributes).digest))


def test_an_unchanged_environment_runs_what_it_ran_and_no_document_is_read(url: str) -> None:
    """In a process that was just started; things of other kinds may change."""
    first = (resource("orders", size=1), workload("1.4.0"))
    with Store.open(url) as store:
        store.save_snapshot(snapshot(resources=first), ("staging",))
        assert running(store) == [("orders", "1.4.0")]
    with Store.open(url) as store:
        lose(store, first[1])
        then = (resource("orders", size=2), away(first[1]))
        store.save_snapshot(snapshot("s2", taken_at=at(1), resources=then), ("staging",))
        assert running(store) == [("orders", "1.4.0")]


@pytest.mark.parametrize("again", [False, True])
def test_what_tells_it_tells_it_anew_when_it_changed(url: str, again: bool) -> None:
    """Another version, another workload, other words for the environment: in one process, and in one that was just started."""
    store = Store.open(url)
    steps = [
        ((workload("1.4.0"),), ("staging",), [("orders", "1.4.0")]),
        ((workload("1.5.0"),), ("staging",), [("orders", "1.5.0")]),
        ((workload("1.5.0"), workload("2.0", "api")), ("staging",), [("api", "2.0"), ("orders", "1.5.0")]),
        ((workload("1.5.0"), workload("2.0", "api")), ("stg",), [("api", "2.0"), ("orders-staging", "1.5.0")]),
        ((workload("1.4.0"),), ("staging",), [("orders", "1.4.0")]),
    ]
    for minute, (resources, words, wanted) in enumerate(steps):
        store.save_snapshot(snapshot(f"s{minute}", taken_at=at(minute), resources=resources), words)
        assert running(store) == wanted
        if again:
            store.close()
            store = Store.open(url)
    store.close()


def test_another_way_to_tell_it_tells_it_anew(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What an older program worked out is not taken for granted."""
    with Store.open(url) as store:
        monkeypatch.setattr(auditor.store.saving, "DEPLOYED_VERSION", 0)
        store.save_snapshot(snapshot(resources=(workload("1.4.0"),)), ("staging",))
        monkeypatch.undo()
        lose(store, workload("1.4.0"))
        with pytest.raises(AssertionError, match="was read"):
            store.save_snapshot(snapshot("s2", taken_at=at(1), resources=(away(workload("1.4.0")),)), ("staging",))
