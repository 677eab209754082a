"""What stands between two snapshots and an audit reads few documents: only those that something points at."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

import pytest

from auditor.deployed import Told, deployed, deployed_by
from auditor.document import Document
from auditor.gauges import Deployed
from auditor.model import Json, Resource, spot
from auditor.overlap import Overlap, Sketches


class Reading:
    """Makes documents whose bodies are elsewhere, and counts how often one is fetched."""

    def __init__(self) -> None:
        self.read: list[str] = []
        self._names: dict[str, str] = {}

    def document(self, name: str, attributes: dict[str, Json]) -> Document:
        whole = Document.of({**attributes, "_": name})
        self._names[whole.digest] = name

        def load(digest: str) -> bytes:
            self.read.append(self._names[digest])
            return whole.body()

        return whole.let_go(load)

    def resources(self, kind: str, names: Iterable[str], attributes: dict[str, Json]) -> list[Resource]:
        return [Resource(kind, name, self.document(name, attributes), "aws:1") for name in names]


def test_only_what_can_say_what_is_deployed_is_read_and_each_once() -> None:
    """Of a kind that says nothing of it no document is fetched."""
    reading = Reading()
    others = reading.resources("aws.rds.instance", map(str, range(50)), {"engine": "postgres"})
    running = reading.resources("compose.service", ("api", "web"), {"image": "acme/shop:1.4.2"})
    assert [row.component for row in deployed([*others, *running])] == ["api", "web"]
    assert sorted(reading.read) == ["api", "web"]


def test_what_a_task_definition_says_but_for_its_time_is_told_without_reading_services() -> None:
    """All of them would have to be read to know since when its newest revision runs."""
    reading = Reading()
    containers: dict[str, Json] = {"container_definitions": {"api": {"image": "acme/shop:1.4.2"}}}
    (task,) = reading.resources("aws.ecs.task_definition", ["api"], containers)
    at: dict[str, Json] = {"task_definition": "api", "deployed_at": "2026-11-22T08:00:00+00:00"}
    told = Told([task, *reading.resources("aws.ecs.service", ["shop/api", "shop/web"], at)])
    assert told.undated_by(task) == (Deployed("api", "1.4.2"),)
    assert reading.read == ["api"]
    assert told.by(task) == (Deployed("api", "1.4.2", deployed_at=datetime(2026, 11, 22, 8, 0, tzinfo=UTC)),)
    assert set(reading.read) == {"api", "shop/api", "shop/web"}


def test_what_one_resource_says_is_told_without_reading_others() -> None:
    """But for those that share its component, which decide what it is called; and it is what all together say."""
    reading = Reading()
    alone = reading.resources("compose.service", ("api", "web", "job"), {"image": "acme/shop:1.4.2"})
    one, other = reading.resources("compose.service", ("blue", "green"), {"image": "acme/shop:1.4.3"})
    shared = [Resource(each.kind, each.identity, each.attributes, component="shop") for each in (one, other)]
    told = Told([*alone, *shared], ["prod"])
    assert [row.component for row in told.by(alone[0])] == ["api"]
    assert reading.read == ["api"]
    assert [row.component for row in told.by(shared[0])] == ["blue"]
    assert set(reading.read) == {"api", "blue", "green"}
    assert told.by(Resource("aws.rds.instance", "api", {})) == ()
    whole = deployed_by([*alone, *shared], ["prod"])
    assert {spot(each): told.by(each) for each in (*alone, *shared)} == whole


def test_fingerprints_are_looked_for_in_any_kind_and_no_other_document_is_parsed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A collector of anybody's may give them; a document that only speaks of them holds none."""
    parsed: list[str] = []
    plain = Document.plain

    def counted(document: Document) -> dict[str, Json]:
        parsed.append(document.digest)
        return plain(document)

    others = [Resource("aws.rds.instance", str(i), Document.of({"engine": "postgres", "i": i})) for i in range(50)]
    speaking = Resource("x.note", "note", Document.of({"about": "fingerprints"}))
    holding = Resource("acme.table", "users", Document.of({"fingerprints": ["1", "2"], "fingerprinted": 2}))
    monkeypatch.setattr(Document, "plain", counted)
    found = Sketches("prod", [*others, speaking, holding])
    assert set(parsed) == {speaking.attributes.digest, holding.attributes.digest}  # type: ignore[attr-defined]
    own = Resource("data.column", "mail", {"fingerprints": ["2", "3"], "fingerprinted": 2})
    assert found.overlap(own) == Overlap(1, 2, "users", "prod")
