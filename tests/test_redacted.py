"""What was redacted before is known again: with the same result, without its secrets, and only where nothing changed."""

from __future__ import annotations

import hashlib
import math
import sqlite3
import threading
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor import redacted
from auditor.codec import compact
from auditor.collect import Environment, Source, collect_all
from auditor.collector import Context, Options, Task
from auditor.document import Document
from auditor.errors import StoreError
from auditor.kept import Keeping
from auditor.model import Category, GapReason, Kind, Resource, Snapshot
from auditor.redact import Redactor
from auditor.registry import Registry
from auditor.store import Store

KIND = Kind("shop.item", Category.CONFIG, "An item", secret=("motto",), references=("stores.secret",))
SECRET = "Qz7-CaNaRy!9"
FIRST = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Shop:
    """A collector that yields what it is given."""

    items: Iterable[Any]
    kind: Kind = KIND
    name: str = "shop"
    about: str = "A shop"
    options: type[Options] = Options
    permissions: tuple[str, ...] = ()

    @property
    def kinds(self) -> tuple[Kind, ...]:
        return (self.kind,)

    def label(self, options: Any) -> str:
        return "shop:main"

    def plan(self, options: Any, context: Context) -> Iterable[Task]:
        yield Task("shop:main", (self.kind.name,), lambda: iter(self.items), "eu-west-1", "111122223333")


@dataclass
class Shelf:
    """Documents in memory, where they can be lost."""

    bodies: dict[str, bytes] = field(default_factory=dict)
    broken: bool = False

    def document(self, digest: str) -> bytes:
        return self.bodies[digest]

    def has_documents(self, digests: Collection[str]) -> set[str]:
        if self.broken:
            raise StoreError("store: the database does not answer")
        return self.bodies.keys() & set(digests)

    def save_snapshot(self, snapshot: Snapshot) -> None:
        for resource in snapshot.resources:
            assert isinstance(resource.attributes, Document)
            if resource.attributes.digest not in self.bodies:
                self.bodies[resource.attributes.digest] = resource.attributes.body()


@dataclass
class Runs:
    """Runs one after the other, each of which keeps its snapshot."""

    store: Any
    keeping: Keeping
    key: bytes = b"k" * 32
    kind: Kind = KIND
    environment: str = "staging"
    seconds: float = 20
    taken_at: datetime = FIRST

    def read(self, *items: Any, memory: bool = True) -> Snapshot:
        shop = Shop(items, self.kind)
        source = Source(shop, Options())
        environment = Environment(self.environment, (self.environment,), ("prod",), Path(), (source,))
        self.taken_at += timedelta(minutes=1)
        found = collect_all(
            [environment],
            Registry([shop]),
            Redactor(self.key),
            lambda: self.taken_at,
            timeout=timedelta(seconds=self.seconds),
            keeping=self.keeping if memory else None,
            documents=self.store if memory else None,
        )[self.environment]
        if memory:
            self.store.save_snapshot(found)
        return found

    def known(self, *items: Any) -> list[bool]:
        """Of which items it was known what they are; whatever is known, the result is that of a run that knows nothing."""
        found, plain = self.read(*items), self.read(*items, memory=False)
        assert (found.resources, found.gaps, found.listings) == (plain.resources, plain.gaps, plain.listings)
        assert [compact(one.attributes) for one in found.resources] == [
            compact(one.attributes) for one in plain.resources
        ]
        assert found.id.partition("Z")[2] == plain.id.partition("Z")[2]
        return [not one.attributes.held for one in found.resources if isinstance(one.attributes, Document)]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(f"sqlite:///{tmp_path / 'auditor.db'}") as opened:
        yield opened


@pytest.fixture
def runs() -> Runs:
    return Runs(Shelf(), Keeping())


def item(identity: str = "orders", **attributes: Any) -> Resource:
    return Resource("shop.item", identity, {"db_password": SECRET, "size": 5, **attributes})


def test_what_was_read_before_is_known_again_by_another_process(store: Store) -> None:
    """Of what changed the document is at hand, of all else it is where the last snapshot left it."""
    assert Runs(store, Keeping(store)).known(item("a"), item("b"), item("c")) == [False] * 3
    later = Runs(store, Keeping(store), taken_at=FIRST + timedelta(hours=1))
    assert later.known(item("a"), item("b", size=6), item("c"), item("d")) == [True, False, True, False]
    shown = later.read(item("a")).resources[0].attributes
    assert shown["size"] == 5
    assert str(shown["db_password"]).startswith("{secret:")


def test_neither_a_secret_nor_a_hash_of_it_is_in_the_store(store: Store, tmp_path: Path) -> None:
    """Not even a hash of a document that holds one: whoever guesses the rest could try passwords with it."""
    runs = Runs(store, Keeping(store))
    read = [item(motto="no pasaran", url=f"postgres://app:{SECRET}@db/orders"), item("x", api_tokens=[SECRET])]
    runs.read(*read)
    runs.read(*read)
    hashed = [SECRET.encode(), b"no pasaran", *(compact(one.attributes) for one in read)]
    forbidden = [SECRET.encode(), b"no pasaran"]
    for plain in hashed:
        names = ("md5", "sha1", "sha256", "sha512", "blake2b", "blake2s")
        made = [hashlib.new(name, plain).digest()[:16] for name in names]
        made += [hashlib.blake2b(plain, digest_size=size).digest()[:16] for size in (16, 32)]
        forbidden += [spelled for one in made for spelled in (one, one.hex()[:16].encode())]
    with sqlite3.connect(tmp_path / "auditor.db") as database:
        tables = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        cells = [cell for table in tables for row in database.execute(f'SELECT * FROM "{table}"') for cell in row]
    contents = [cell if isinstance(cell, bytes) else str(cell).encode() for cell in cells]
    contents += [zstandard.decompress(cell) for cell in contents if cell[:4] == b"\x28\xb5\x2f\xfd"]
    assert any(b"{secret:" in content for content in contents)
    assert store.segments(f"redacted-{redacted.REDACTION_VERSION}:staging:shop:main")
    assert not [plain for plain in forbidden if any(plain in content for content in contents)]


def test_nothing_is_known_again_under_another_key_declaration_version_or_environment(
    runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever redaction depends on is part of what a resource is known by."""
    assert runs.known(item()) == [False]
    assert runs.known(item()) == [True]
    for changed in (
        {"key": b"l" * 32},
        {"kind": replace(KIND, secret=("motto", "size"))},
        {"kind": replace(KIND, references=())},
        {"environment": "prod"},
    ):
        assert replace(runs, **changed).known(item()) == [False], changed
    monkeypatch.setattr(redacted, "REDACTION_VERSION", redacted.REDACTION_VERSION + 1)
    assert runs.known(item()) == [False]


def test_every_field_is_part_of_what_a_resource_is_known_by(runs: Runs) -> None:
    """Where two say something else, or name no region instead of an empty one, both are looked through."""
    assert runs.known(item()) == [False]
    for changed in (
        {"kind": "shop.shelf"},
        {"identity": "orders2"},
        {"attributes": {**item().attributes, "size": 5.0}},
        {"attributes": {**item().attributes, "size": True}},
        {"source": "shop:main/one"},
        {"region": ""},
        {"account": "0"},
        {"parent": ""},
        {"refs": ("orders",)},
        {"tags": {"team": "tea"}},
        {"component": ""},
        {"component": "0"},
        {"location": "orders"},
    ):
        assert runs.known(replace(item(), **changed)) == [False], changed
    assert runs.known(item()) == [True]


def test_fields_that_held_secrets_are_free_of_them_again(runs: Runs) -> None:
    """An identity, a reference, a tag, a location: what redaction made of them is known, too."""
    url = f"https://u:{SECRET}@shop.example/x"
    read = replace(
        item(), identity=url, refs=("orders", url), tags={"api_token": SECRET, "team": "tea"}, parent=url,
        component=url, location=url, source=f"shop:main/{url}",
    )  # fmt: skip
    plain = replace(item("plain"), refs=("orders",), tags={"team": "tea"}, location="shop/1")
    assert runs.known(read, plain) == [False, False]
    assert runs.known(read, plain) == [True, True]
    assert SECRET not in repr(runs.read(read, plain))


def test_a_document_that_the_store_no_longer_has_is_worked_out_again(store: Store, tmp_path: Path) -> None:
    """What was pruned, damaged or never saved costs time, not the snapshot."""
    Runs(store, Keeping(store)).read(item("a"), item("b", size=6))
    lost = Document.of(Redactor(b"k" * 32).resource(item("b", size=6), KIND).attributes).digest
    with sqlite3.connect(tmp_path / "auditor.db") as database:
        assert database.execute("DELETE FROM documents WHERE digest = ?", (lost,)).rowcount == 1
    later = Runs(store, Keeping(store), taken_at=FIRST + timedelta(hours=1))
    assert later.known(item("a"), item("b", size=6)) == [True, False]


def test_a_run_that_was_never_saved_leaves_nothing_behind_that_is_relied_on(runs: Runs) -> None:
    """Its documents are not there, so the next run makes them."""
    kept = runs.store
    runs.store = Shelf()
    runs.read(item())
    runs.store = kept
    assert runs.known(item()) == [False]
    assert runs.known(item()) == [True]


def test_what_is_new_in_this_run_is_not_yet_in_the_store(runs: Runs) -> None:
    """Where one listing tells of it twice, it is made twice."""
    runs.read(item("a"))
    assert runs.known(item("a"), item("b"), item("b")) == [True, False]


def test_what_json_spells_alike_is_not_taken_for_each_other(runs: Runs) -> None:
    """A key that is a number is a collector's mistake, whatever was read before."""
    assert runs.known(Resource("shop.item", "a", {"1": 2**70})) == [False]
    assert runs.known(Resource("shop.item", "a", {1: 2**70})) == []  # type: ignore[dict-item]


def test_a_store_that_cannot_be_asked_costs_time_only(runs: Runs, caplog: pytest.LogCaptureFixture) -> None:
    """Everything is looked through again, and it is said why."""
    runs.read(item())
    runs.store.broken = True
    assert runs.known(item()) == [False]
    assert "the database does not answer" in caplog.text


def test_what_came_before_a_hang_stays_also_where_it_was_known(runs: Runs) -> None:
    """Nothing waits for the end of its task."""
    runs.read(item("a"), item("b"))
    goes_on = threading.Event()

    def hanging() -> Iterator[Resource]:
        yield item("a")
        yield item("b", size=6)
        goes_on.wait(10)

    shop = Shop(hanging())
    environment = Environment("staging", ("staging",), (), Path(), (Source(shop, Options()),))
    found = collect_all(
        [environment], Registry([shop]), Redactor(runs.key), lambda: FIRST, timeout=timedelta(seconds=0.3),
        keeping=runs.keeping, documents=runs.store,
    )["staging"]  # fmt: skip
    goes_on.set()
    assert [(one.identity, one.attributes["size"]) for one in found.resources] == [("a", 5), ("b", 6)]
    assert [gap.reason for gap in found.gaps] == [GapReason.TIMEOUT]


def test_a_number_that_is_none_is_its_text_and_never_null(runs: Runs) -> None:
    """YAML has `.nan` and `.inf`, JSON has not: they are neither null nor each other, also when they were read before."""
    numbers = [None, math.nan, math.inf, -math.inf, 0.5]
    shown = [None, "nan", "inf", "-inf", 0.5]
    for _ in range(2):
        for number, expected in zip(numbers, shown, strict=True):
            read = runs.read(item("n", ratio=number, nested=[{"ratio": number}]))
            assert read.resources[0].attributes["ratio"] == expected
            assert read.resources[0].attributes["nested"] == [{"ratio": expected}]
    hidden = runs.read(item("n", password=math.nan, token=math.nan, pin_token=-math.inf)).resources[0].attributes
    assert all(str(hidden[key]).startswith("{secret:") for key in ("password", "token", "pin_token"))


def test_a_document_that_json_cannot_say_is_a_gap_of_its_own(runs: Runs) -> None:
    """The listing it stands in stays complete."""
    found = runs.read(item("a"), item("b", price=Decimal("1.10")), item("c"))
    assert [one.identity for one in found.resources] == ["a", "c"]
    assert [(gap.reason, gap.resource, gap.region) for gap in found.gaps] == [(GapReason.MALFORMED, "b", "eu-west-1")]
    assert len(found.listings) == 1


LEAVES = st.sampled_from(
    [None, True, 1, 1.0, 2**70, math.inf, "a", SECRET, "password=x1", "\ud800", "null", f"u:{SECRET}@h:1/"]
)
DOCUMENTS = st.dictionaries(
    st.sampled_from(["a", "db_password", "motto", "env", "value"]),
    st.recursive(LEAVES, lambda below: st.lists(below, max_size=2) | st.dictionaries(st.sampled_from("ab"), below)),
    max_size=3,
)
ITEMS = st.builds(
    Resource, st.just("shop.item"), st.sampled_from(["orders", "DB_PASSWORD"]), DOCUMENTS, tags=st.just({"n": "null"}),
    location=st.sampled_from([None, f"u:{SECRET}@h:1/"]),
)  # fmt: skip


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.lists(ITEMS, max_size=4), st.integers(0, 3)), min_size=2, max_size=4))
def test_a_snapshot_is_the_same_with_and_without_memory(histories: list[tuple[list[Resource], int]]) -> None:
    """Whatever comes, goes, comes back, and is lost from the store in between."""
    runs = Runs(Shelf(), Keeping())
    for items, lost in histories:
        runs.known(*items)
        for digest in sorted(runs.store.bodies)[:lost]:
            del runs.store.bodies[digest]
        runs.known(*items)


def test_the_version_is_raised_with_what_redaction_makes_of_things() -> None:
    """What was redacted by an older program must not be taken for what this one makes: then this digest is another one,
    and REDACTION_VERSION has to be another one, too."""
    values = [
        "hunter2",
        "orders-8",
        "postgres://app:pw1@db/orders?token=x1",
        "Bearer abcdefgh1234",
        "AKIAQZ7CANARY9ABCDEF",
    ]
    values += [
        "--api-key k1 --queue default",
        "${DB_PASSWORD:-x1}",
        '{"password": "x1"}',
        "arn:aws:iam::111122223333:role/x",
    ]
    values += ["host=db password=x1", "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b", "Kj8sLq0ZmX3vB7nT5wYc2Q", "changeme"]
    keys = ["db_password", "size", "url", "credentials", "data", "tokenPolicy", "secretKeyRef", "image_digest"]
    document = {
        key: {"one": values, "value": values[0], "each": {f"{key}{n}": value for n, value in enumerate(values)}}
        for key in keys
    }
    found = Redactor(b"k" * 32).resource(item("/orders/DB_PASSWORD", **document), KIND)
    made = hashlib.sha256(compact([found.identity, found.attributes])).hexdigest()[:16]
    assert (redacted.REDACTION_VERSION, made) == (4, "692850831c7cd021")
