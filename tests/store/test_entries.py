from __future__ import annotations

import dataclasses
import random
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from auditor.codec import compact, digest, encode
from auditor.document import Document
from auditor.errors import StoreError
from auditor.model import Resource
from auditor.store import Store, entries
from auditor.store.documents import Documents, _Walk
from tests.store.samples import START, at, resource, snapshot
from tests.store.test_snapshots import company


def test_a_row_says_what_the_codec_says_of_a_resource():
    """Field by field, whatever fields there are; and back."""
    full = replace(resource("orders"), parent="vpc", region=None, tags={"b": "2", "a": "1"})
    (row,) = entries.rows([full])
    assert {*entries.FIELDS, "attributes"} == {field.name for field in dataclasses.fields(Resource)}
    known = Document.of(full.attributes).digest
    assert entries.said(row) == {**encode(full), "attributes": known}
    (again,) = entries.rows_of(compact([row]))
    assert entries.resource(tuple(again), full.attributes) == full
    assert entries.row_of(entries.said(row)) == row


def test_one_resource_more_or_less_or_other_is_one_other_chunk():
    """All others are shared: they are cut by names, whose number and place do not matter."""
    made = (replace(one, attributes=Document.of(one.attributes)) for one in company(2_000))
    here = sorted(made, key=lambda one: entries.names([one]))

    def chunks(resources: list[Resource]) -> list[bytes]:
        named = entries.names(resources)
        return [entries.spelled(resources[start:end]) for start, end in entries.cuts(named)]

    before = chunks(here)
    assert 20 < len(before) < 50
    chance = random.Random(3)
    for _ in range(5):
        place = chance.randrange(len(here))
        more = sorted([*here, resource(f"new-{place}")], key=lambda one: entries.names([one]))
        for other in (
            more,
            [*here[:place], *here[place + 1 :]],
            [*here[:place], replace(here[place], parent="x"), *here[place + 1 :]],
        ):
            assert len(set(chunks(other)) - set(before)) <= 2


ODD = ("orders", '"],["', "],[", 'a"],[["b', "\\", '["aws.rds.instance","orders",', "ö", "\ud800", "null", "")


def test_what_is_asked_of_a_chunk_is_told_without_reading_all_of_it():
    """Whatever the texts in it look like: by name, by its beginning, and by the lines that another chunk has not."""
    chance = random.Random(7)
    for number in range(150):
        odd = ODD if number % 3 else ODD[:1]
        made = [
            replace(
                resource(f"{chance.choice(odd)}{chance.choice(('', '', 'b'))}"),
                kind=chance.choice(("aws.rds.instance", "aws.rds.cluster")),
                region=chance.choice((None, "eu-west-1")),
                refs=tuple(chance.choices([*odd, "aws.rds.instance"], k=chance.randrange(4))),
                tags={chance.choice(odd): chance.choice(odd)},
                location=chance.choice((None, *odd)),
            )
            for _ in range(chance.randrange(1, 6))
        ]
        chunk = entries.spelled(made)
        rows = entries.rows_of(chunk)
        assert entries.first_name(chunk) in (entries.names(made)[0], None)
        assert entries.first_name(chunk) is not None or chunk[:1] == b" "
        assert list(map(entries.row_name, rows)) == entries.names(made)
        for kind, identity in {(row[0], row[1]) for row in rows} | {("aws.rds.instance", "nothing")}:
            found = [row for row in rows if (row[0], row[1]) == (kind, identity)]
            assert list(map(list, entries.rows_called(chunk, kind, identity))) == list(map(list, found))
        told = [(row[0], row[1], row[6]) for row in rows]
        assert entries.pointers(chunk, entries.lines(chunk)) == told
        other = entries.spelled([*made[:2], resource("new"), *made[3:]])
        apart = [line for line in entries.lines(chunk) if line not in entries.lines(other)]
        lost = {one.identity for one in made} - {row[1] for row in entries.rows_of(other)}
        assert lost <= {identity for _, identity, _ in entries.pointers(chunk, apart)}


def test_a_snapshot_of_known_documents_asks_for_none_of_them(store: Store):
    """Neither to spell nor to store: only what the store has not is read, and what it has not and nobody finds is an error."""
    asked: list[str] = []

    def load(digest: str) -> bytes:
        asked.append(digest)
        return store.document(digest)

    plain = company(200)
    store.save_snapshot(snapshot("s1", resources=plain))
    light = [replace(one, attributes=Document.of(one.attributes).let_go(load)) for one in plain]
    store.save_snapshot(snapshot("s2", taken_at=at(1), resources=light))
    light[7] = replace(light[7], attributes=Document.of({"engine": "mysql"}))
    store.save_snapshot(snapshot("s3", taken_at=at(2), resources=light))
    assert asked == []
    light[8] = replace(light[8], attributes=Document("0" * 64, load=load))
    with pytest.raises(StoreError, match=f"documents {'0' * 64} is missing"):
        store.save_snapshot(snapshot("s4", taken_at=at(3), resources=light))
    assert [info.id for info in store.snapshots()] == ["s3", "s2", "s1"]
    assert store.load_snapshot("s3").resources[7].attributes == {"engine": "mysql"}


def test_a_walk_knows_where_each_digest_stands():
    """Though some begin alike, and though one stands there twice: what counts is where it stands last."""
    alike = [bytes([number]) * 5 + bytes([other]) * 27 for number in (9, 3, 255, 0) for other in (7, 0, 255)]
    walk = _Walk([*alike, alike[4], alike[0]])
    places = {one.hex(): place for place, one in enumerate([*alike, alike[4], alike[0]])}
    assert {digest: walk.place(digest) for digest in places} == places
    assert [walk.place((bytes([head]) * 32).hex()) for head in (1, 3, 9, 254)] == [None] * 4
    assert list(walk.part(12, 99)) == [alike[4].hex(), alike[0].hex()]
    assert _Walk(()).place("0" * 64) is None


def test_documents_are_read_ahead_for_a_walk_and_one_by_one_for_a_look(sqlite_url: str):
    """And no more bytes are remembered than there is room for."""
    with Store.open(sqlite_url) as store:
        store.save_snapshot(snapshot(resources=company(500)))
        digests = [one.digest for one in store.listing("s1").resources]
        counted = _Counted(store._database)
        find = Documents(counted, map(bytes.fromhex, digests))  # type: ignore[arg-type]
        assert [digest(find(one)) == one for one in digests] == [True] * 500
        assert counted.transactions < 10
        find = Documents(counted, map(bytes.fromhex, digests), most=3_000)  # type: ignore[arg-type]
        counted.transactions = 0
        for place in (400, 300, 200, 100, 0):
            find(digests[place])
        assert counted.transactions == 5
        assert 0 < find._held <= 3_000


class _Counted:
    def __init__(self, database: object) -> None:
        self._database, self.transactions = database, 0

    def reading(self) -> object:
        self.transactions += 1
        return self._database.reading()  # type: ignore[attr-defined]


def test_a_loaded_snapshot_is_read_after_its_store_was_closed(store: Store):
    """Whoever shows it need not keep the store open."""
    store.save_snapshot(snapshot(resources=[resource("orders")]))
    loaded = store.load_snapshot("s1")
    store.close()
    assert loaded.resources[0].attributes["engine"] == "postgres"


def test_documents_written_ahead_that_were_pruned_are_written_again(url: str, monkeypatch: pytest.MonkeyPatch):
    """Pruning may come between the batches of a first snapshot and the transaction that makes it one."""
    monkeypatch.setattr("auditor.store.saving._BATCH", 50)
    with Store.open(url) as store, Store.open(url) as other:
        pruned: list[int] = []

        class Slow(Document):
            """The last one asked for; somebody prunes meanwhile."""

            def body(self) -> bytes:
                if not pruned:
                    pruned.append(other.prune(START).documents)
                return super().body()

        resources = company(120)
        last = max(resources, key=lambda one: Document.of(one.attributes).digest)
        slow = Document.of(last.attributes)
        place = resources.index(last)
        resources[place] = replace(last, attributes=Slow(slow.digest, slow.body()))
        saved = snapshot(resources=resources)
        store.save_snapshot(saved)
        assert pruned == [100]
        assert store.load_snapshot("s1") == saved


def test_segments_that_are_read_stay_young_and_a_damaged_one_is_left_out(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    """Pruning takes those that nobody reads; what was in a damaged one is worked out again, the rest is not."""
    now = [START]
    path = tmp_path / "auditor.db"
    with Store.open(f"sqlite:///{path}", clock=lambda: now[0]) as store:
        first, second = store.put_segments("forms-7", [b"one" * 100, b"two" * 100])
        store.put_segments("forms-6", [b"old"])
        now[0] += timedelta(days=80)
        assert store.segments("forms-7") == {first: b"one" * 100, second: b"two" * 100}
        now[0] += timedelta(days=80)
        assert store.prune(now[0] - timedelta(days=90)).cached == 1
        assert len(store.segments("forms-7")) == 2
        with closing(sqlite3.connect(path)) as connection, connection:
            body = bytearray(connection.execute("SELECT body FROM cache WHERE key = ?", (first,)).fetchone()[0])
            body[-6] ^= 1
            connection.execute("UPDATE cache SET body = ? WHERE key = ?", (bytes(body), first))
        assert store.segments("forms-7") == {first: b"", second: b"two" * 100}
        assert f"a segment of forms-7 ({first}) is left out" in caplog.text
        assert store.put_segments("forms-7", [], [first]) == ()
        assert store.segments("forms-7") == {second: b"two" * 100}
