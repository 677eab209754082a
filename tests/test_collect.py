"""Collectors run side by side: what fails becomes a gap of exact scope, what was read stays, nothing hangs."""

from __future__ import annotations

import _thread
import itertools
import logging
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from auditor.collect import CollectCancelled, Environment, Source, State, collect, collect_all
from auditor.collector import Context, Options, Task
from auditor.errors import AuditorError, CollectError
from auditor.model import Category, Gap, GapReason, Kind, Listing, Resource, Snapshot
from auditor.redact import Redactor
from auditor.registry import Registry, UnknownCollector

KINDS = (
    Kind("shop.item", Category.COMPUTE, "An item", secret=("motto",)),
    Kind("shop.shelf", Category.COMPUTE, "A shelf"),
    Kind("shop.*", Category.STORAGE, "Anything else"),
)
NOON = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
REDACTOR = Redactor(b"k" * 32)
Work = Callable[[Context], Iterator[Any]]


@dataclass(frozen=True)
class Shop:
    """A collector whose tasks are given: the real protocol, without a far side."""

    tasks: Callable[[Context], Iterable[Task]]
    name: str = "shop"
    about: str = "A shop"
    kinds: tuple[Kind, ...] = KINDS
    options: type[Options] = Options
    permissions: tuple[str, ...] = ()

    def label(self, options: Any) -> str:
        return "shop:main"

    def plan(self, options: Any, context: Context) -> Iterable[Task]:
        return self.tasks(context)


def item(identity: str, **attributes: Any) -> Resource:
    return Resource("shop.item", identity, attributes)


def environment(
    *tasks: Work, name: str = "staging", kinds: tuple[str, ...] = ("shop.item",), **task: Any
) -> Environment:
    """One source with a task for each given generator function."""

    def plan(context: Context) -> Iterable[Task]:
        return [
            Task("shop:main", kinds, run=lambda work=work: work(context), label=f"part {index}", **task)  # type: ignore[misc]
            for index, work in enumerate(tasks)
        ]

    return planned(plan, name)


def planned(plan: Callable[[Context], Iterable[Task]], name: str = "staging") -> Environment:
    return Environment(name, (name,), ("prod",), Path(), (Source(Shop(plan), Options(), ("stg",)),))


def read(*environments: Environment, seconds: float = 5, **options: Any) -> Snapshot:
    registry = Registry([Shop(lambda _: ())])
    timeout = timedelta(seconds=seconds)
    snapshots = collect_all(environments, registry, REDACTOR, lambda: NOON, timeout=timeout, **options)
    return snapshots[environments[0].name]


def yields(*items: Any) -> Work:
    return lambda context: iter(items)


def fails(error: BaseException, *before: Any) -> Work:
    def work(context: Context) -> Iterator[Any]:
        yield from before
        raise error

    return work


def hangs(*before: Any) -> Work:
    def work(context: Context) -> Iterator[Any]:
        yield from before
        threading.Event().wait()

    return work


def test_what_was_read_to_the_end_is_a_listing() -> None:
    """Resources get the task's source, region and account where they name none."""
    snapshot = read(environment(yields(item("a")), region="eu-west-1", account="111122223333"))
    assert snapshot.listings == (Listing("shop:main", "shop.item", "eu-west-1"),)
    assert snapshot.gaps == ()
    (resource,) = snapshot.resources
    assert (resource.source, resource.region, resource.account) == ("shop:main", "eu-west-1", "111122223333")
    assert (snapshot.accounts, snapshot.regions) == (("111122223333",), ("eu-west-1",))
    assert snapshot.taken_at == NOON


def test_a_listing_that_fails_half_way_keeps_what_came_before() -> None:
    """The resource stays, the gap has the exact scope, and the listing is not claimed."""
    error = CollectError(GapReason.THROTTLED, "slow down")
    snapshot = read(environment(fails(error, item("a")), region="eu-west-1", kinds=("shop.item", "shop.shelf")))
    assert [resource.identity for resource in snapshot.resources] == ["a"]
    assert snapshot.listings == ()
    assert snapshot.gaps == tuple(
        Gap("staging", "shop:main", kind, GapReason.THROTTLED, "slow down", region="eu-west-1")
        for kind in ("shop.item", "shop.shelf")
    )


def test_a_single_thing_that_could_not_be_read_leaves_the_listing_complete() -> None:
    """A gap with a resource, or with an attribute, is not a gap of the listing; one without either is."""
    lost = Gap("", "", "shop.item", GapReason.ACCESS_DENIED, "no", resource="b")
    part = Gap("", "", "shop.item", GapReason.ACCESS_DENIED, "no", resource="a", attribute="tags")
    whole = Gap("", "", "shop.sh*", GapReason.ACCESS_DENIED, "no")
    snapshot = read(environment(yields(item("a"), lost, part, whole), kinds=("shop.item", "shop.shelf")))
    assert snapshot.listings == (Listing("shop:main", "shop.item"),)
    assert {gap.environment for gap in snapshot.gaps} == {"staging"}
    assert {gap.source for gap in snapshot.gaps} == {"shop:main"}


def test_a_listing_that_failed_in_one_task_is_not_claimed_by_another() -> None:
    """Two tasks may share a kind: both must have ended."""
    snapshot = read(environment(yields(item("a")), fails(CollectError(GapReason.TIMEOUT, "late"))))
    assert snapshot.listings == ()
    assert len(snapshot.resources) == 1


def test_an_error_that_names_its_resource_is_a_gap_of_that_resource() -> None:
    """Scope comes from the error, down to the attribute."""
    error = CollectError(GapReason.MALFORMED, "bad", resource="b", attribute="size")
    snapshot = read(environment(fails(error)))
    (gap,) = snapshot.gaps
    assert (gap.resource, gap.attribute, gap.kind) == ("b", "size", "shop.item")
    # The task did not come to its own end, so nobody knows what it would still have read.
    assert snapshot.listings == ()


def test_a_source_that_cannot_be_planned_is_one_gap_over_its_kinds() -> None:
    """And the other environment is read all the same."""

    def plan(context: Context) -> Iterable[Task]:
        raise CollectError(GapReason.ACCESS_DENIED, "no credentials")

    snapshot = read(planned(plan), environment(yields(item("a")), name="prod"))
    assert snapshot.gaps == (Gap("staging", "shop:main", "shop.*", GapReason.ACCESS_DENIED, "no credentials"),)
    assert snapshot.listings == ()


class ShopOptions(Options):
    """Options that know how much they ask for."""

    aisles: int

    def expected_listings(self) -> int:
        return 2 * self.aisles


def test_a_source_that_cannot_be_planned_says_how_many_listings_it_would_have_made() -> None:
    """By its options; a task that fails is one listing of its own. Two sources of one label stand for both, in one gap."""

    def refused(context: Context) -> Iterable[Task]:
        raise CollectError(GapReason.ACCESS_DENIED, "no credentials")

    sources = tuple(Source(Shop(refused), ShopOptions(aisles=aisles)) for aisles in (3, 1))
    (gap,) = read(Environment("staging", ("staging",), ("prod",), Path(), sources)).gaps
    assert gap == Gap("staging", "shop:main", "shop.*", GapReason.ACCESS_DENIED, "no credentials", listings=8)
    failing = environment(fails(CollectError(GapReason.ACCESS_DENIED, "no")))
    planned_whole = replace(failing.sources[0], options=ShopOptions(aisles=3))
    (gap,) = read(replace(failing, sources=(planned_whole,))).gaps
    assert (gap.kind, gap.listings) == ("shop.item", 0)


def test_an_unexpected_error_is_told_by_its_type_only(caplog: pytest.LogCaptureFixture) -> None:
    """Its text may quote a secret: the gap leaves it out, the debug log redacts it."""
    with caplog.at_level(logging.DEBUG, logger="auditor.collect"):
        (gap,) = read(environment(fails(KeyError("postgres://u:CaNaRy@h/d")))).gaps
    assert gap.reason is GapReason.MALFORMED
    assert gap.detail == "collector shop failed in part 0 with KeyError"
    assert "Traceback" in caplog.text
    assert "postgres://u:{secret:" in caplog.text
    assert "CaNaRy" not in caplog.text


def test_secrets_are_replaced_before_anything_is_kept() -> None:
    """In resources by the kind's declaration, in gaps by what the text shows."""
    snapshot = read(
        environment(
            yields(item("a", motto="CaNaRy", password="CaNaRy")),
            yields(Gap("", "", "shop.shelf", GapReason.TIMEOUT, "redis://:CaNaRy@cache is slow")),
            fails(CollectError(GapReason.UNREACHABLE, "https://u:CaNaRy@host failed")),
        )
    )
    assert "CaNaRy" not in repr(snapshot)
    assert snapshot.resources[0].attributes["motto"].startswith("{secret:")


def test_what_is_no_resource_is_a_malformed_gap() -> None:
    """A collector that yields something else is told, not believed."""
    (gap,) = read(environment(yields("text"))).gaps
    assert (gap.reason, gap.detail) == (GapReason.MALFORMED, "the collector yielded a str")


def test_a_hung_task_is_a_gap_after_its_deadline_and_holds_up_nobody() -> None:
    """What it read before stays; the run ends soon after the deadline."""
    began = time.monotonic()
    snapshot = read(environment(hangs(item("a")), yields(item("b"))), seconds=1, workers=2)
    assert time.monotonic() - began < 30
    assert [resource.identity for resource in snapshot.resources] == ["a", "b"]
    (gap,) = snapshot.gaps
    assert (gap.reason, gap.detail) == (GapReason.TIMEOUT, "no answer within 1 s")
    assert snapshot.listings == ()


def test_a_hung_task_gives_its_place_in_the_pool_back() -> None:
    """With one worker, the second task runs after the first was left behind."""
    snapshot = read(environment(hangs(), yields(item("b"))), seconds=1, workers=1)
    assert [resource.identity for resource in snapshot.resources] == ["b"]


def test_a_hung_plan_is_a_gap_too() -> None:
    """To ask who we are can hang as well."""

    def plan(context: Context) -> Iterable[Task]:
        threading.Event().wait()
        return ()

    (gap,) = read(planned(plan), seconds=0.2).gaps
    assert (gap.kind, gap.reason) == ("shop.*", GapReason.TIMEOUT)


def test_no_more_tasks_run_at_a_time_than_there_are_workers() -> None:
    """Over all environments together; and as many as that do."""
    lock, now, most = threading.Lock(), 0, 0
    together = threading.Barrier(3, timeout=60)

    def work(context: Context) -> Iterator[Any]:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        together.wait()
        with lock:
            now -= 1
        yield item("a")

    snapshot = read(environment(work, work, work), environment(work, work, work, name="prod"), workers=3, seconds=120)
    assert most == 3
    assert snapshot.gaps == ()


def test_sources_take_turns_and_each_keeps_its_order() -> None:
    """What a source begins with, since it takes longest, does not wait for what another ends with."""
    begun: list[str] = []

    def marked(mark: str) -> Work:
        def work(_: Context) -> Iterator[Any]:
            begun.append(mark)
            yield item(mark)

        return work

    work = [marked(f"{name}{number}") for name in ("left", "right") for number in (1, 2, 3)]
    read(environment(*work[:3]), environment(*work[3:], name="prod"), workers=1)
    assert begun == ["left1", "right1", "left2", "right2", "left3", "right3"]


def test_the_order_of_arrival_changes_nothing() -> None:
    """The same reads in any order are the same snapshot, with the same id; another clock or content has another."""
    parts = [yields(item("b", x=1)), yields(item("a")), yields(Gap("", "", "shop.shelf", GapReason.TIMEOUT, "late"))]
    snapshots = [read(environment(*order), workers=1) for order in itertools.permutations(parts)]
    assert all(snapshot == snapshots[0] for snapshot in snapshots)
    assert snapshots[0].id.startswith("20260131T120000000000Z-staging-")
    assert read(environment(yields(item("b", x=2)))).id != read(environment(yields(item("b", x=1)))).id
    assert [resource.identity for resource in snapshots[0].resources] == ["a", "b"]


def test_one_thing_read_twice_is_one_and_two_things_of_one_name_are_two() -> None:
    """Pages that moved repeat a resource; equal names with different content get a number."""
    snapshot = read(environment(yields(item("a", x=1), item("a", x=1), item("a", x=2)), yields(item("a", x=1))))
    assert [(resource.identity, resource.attributes["x"]) for resource in snapshot.resources] == [("a", 1), ("a#2", 2)]


def test_a_missing_package_is_not_a_gap() -> None:
    """An ImportError says that the installation is broken, and reaches the caller."""
    with pytest.raises(ImportError, match="psycopg"):
        read(environment(fails(ImportError("no psycopg"))))


def test_interrupting_tells_the_tasks_and_returns_at_once() -> None:
    """Ctrl-C while tasks run: the ones that look at `cancelled` end, the ones that hang are left."""
    stopped = threading.Event()

    def polite(context: Context) -> Iterator[Any]:
        _thread.interrupt_main()
        context.cancelled.wait(60)
        stopped.set()
        yield item("a")

    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        read(environment(hangs(), polite), seconds=60)
    assert time.monotonic() - began < 30
    assert stopped.wait(60)


def test_a_hung_task_does_not_keep_the_process_alive() -> None:
    """A real process with a task that never ends exits by itself."""
    code = (
        "import sys; sys.path.insert(0, '.')\n"
        "from tests.test_collect import *\n"
        "assert read(environment(hangs()), seconds=0.2).gaps[0].reason == 'timeout'\n"
    )
    root = Path(__file__).resolve().parents[1]
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=root, timeout=30, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_progress_is_told_for_every_part() -> None:
    """Planned, started and how it ended, with how much it read; all in the calling thread."""
    events: list[tuple[str, str, State, int]] = []
    threads = set()

    def watch(environment: str, source: str, label: str, state: State, count: int) -> None:
        threads.add(threading.current_thread())
        if state is not State.RUNNING:
            events.append((source, label, state, count))

    lost = Gap("", "", "shop.item", GapReason.ACCESS_DENIED, "no", resource="b")
    tasks = [yields(item("a")), yields(lost), fails(CollectError(GapReason.TIMEOUT, "late"))]
    read(environment(*tasks), on_event=watch, workers=1)
    assert threads == {threading.current_thread()}
    assert [event[1:] for event in events] == [
        ("", State.STARTED, 0),
        *(("", State.DONE, 3) for _ in range(1)),
        *((f"part {index}", State.PLANNED, 0) for index in range(3)),
        ("part 0", State.STARTED, 0),
        ("part 0", State.DONE, 1),
        ("part 1", State.STARTED, 0),
        ("part 1", State.INCOMPLETE, 1),
        ("part 2", State.STARTED, 0),
        ("part 2", State.FAILED, 0),
    ]


def test_a_task_is_told_of_the_run() -> None:
    """Names of the environment and of its source, the others' names, and one shared map for the whole run."""
    contexts: list[Context] = []

    def work(context: Context) -> Iterator[Any]:
        contexts.append(context)
        yield from ()

    read(environment(work), environment(work, name="prod"))
    first, second = sorted(contexts, key=lambda context: context.environment, reverse=True)
    assert first.aliases == ("staging", "stg")
    assert (first.others, first.timeout) == (("prod",), 5)
    assert first.shared is second.shared


def test_one_environment_alone_is_collected_the_same_way() -> None:
    """`collect` is `collect_all` of one."""
    alone = environment(yields(item("a")))
    assert collect(alone, Registry([Shop(lambda _: ())]), REDACTOR, lambda: NOON) == read(alone)


def test_the_registry_finds_every_collector_by_its_key() -> None:
    """Each module or package of `collectors` without an underscore holds one."""
    registry = Registry.load()
    assert {"http", "postgres"} <= set(registry.names)
    assert registry.get("postgres").name == "postgres"
    assert registry.kind("http.version").category is Category.DEPLOYMENT
    assert [collector.name for collector in registry.collectors] == list(registry.names)


def test_a_kind_that_two_collectors_read_is_declared_alike_by_both() -> None:
    """Which of them was needed first must not decide what is compared."""
    declared: dict[str, Kind] = {}
    shared = 0
    for collector in Registry.load().collectors:
        for kind in collector.kinds:
            shared += kind.name in declared
            assert declared.setdefault(kind.name, kind) == kind, (collector.name, kind.name)
    assert shared > 20


def test_only_the_collectors_that_are_asked_for_are_imported() -> None:
    """Most runs need two or three of the many, and each brings libraries of its own: for reading, not for its options."""
    code = (
        "import sys; from auditor.registry import Registry; registry = Registry.load();\n"
        "for name in ('files', 'aws'):\n"
        "    collector = registry.get(name); collector.kinds, collector.options\n"
        "    heavy = ('collectors.aws', 'collectors.files', 'redis', 'boto3', 'botocore')\n"
        "    print(','.join(sorted(name for name in sys.modules if name in heavy)))"
    )
    ran = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert ran.stdout.split() == ["collectors.files", "collectors.aws,collectors.files"]


def test_an_unknown_collector_is_told_with_the_nearest_name() -> None:
    """A typing mistake is one clear message."""
    with pytest.raises(UnknownCollector, match="did you mean shop") as caught:
        Registry([Shop(lambda _: ())]).get("shoop")
    assert caught.value.suggestion == "shop"


def test_a_kind_is_found_exactly_then_by_its_longest_glob_then_plainly() -> None:
    """A source may decide its kinds: the glob's declaration holds for them, under their own name."""
    registry = Registry([Shop(lambda _: ())])
    assert registry.kind("shop.item").secret == ("motto",)
    assert (registry.kind("shop.cart").name, registry.kind("shop.cart").category) == ("shop.cart", Category.STORAGE)
    assert registry.kind("other.thing") == Kind("other.thing", Category.CONFIG, "")
    # The registry's own kinds, which no collector reads, stand among them.
    assert [kind.name for kind in registry.kinds() if kind.name.startswith("shop")] == [
        "shop.*",
        "shop.item",
        "shop.shelf",
    ]


def test_a_collector_that_cannot_be_imported_stops_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Skipping it would call everything it reads in parity."""
    package = tmp_path / "broken_collectors"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "_helper.py").write_text("raise RuntimeError('helpers are not collectors')")
    (package / "lost.py").write_text("import a_package_that_is_not_there\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="a_package_that_is_not_there"):
        Registry.load("broken_collectors").get("lost")
    (package / "lost.py").write_text("")
    for name in [name for name in sys.modules if name.startswith("broken_collectors")]:
        monkeypatch.delitem(sys.modules, name)
    with pytest.raises(AuditorError, match="holds no COLLECTOR"):
        Registry.load("broken_collectors").kind("anything")


@pytest.mark.parametrize("work", [hangs(item("a")), fails(ImportError("no such module"))])
def test_a_cancelled_collection_ends_within_a_second_and_leaves_nothing(work: Work) -> None:
    """Neither a snapshot of what was read so far, nor a task that is not told."""
    seen: list[Context] = []
    cancel = threading.Event()

    def watched(context: Context) -> Iterator[Any]:
        seen.append(context)
        cancel.set()
        return work(context)

    began = time.monotonic()
    with pytest.raises(CollectCancelled):
        read(environment(watched), seconds=60, cancel=cancel)
    assert time.monotonic() - began < 30
    assert seen[0].cancelled.is_set()
