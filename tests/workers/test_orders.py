"""What travels between the side that asks and the workers arrives as it was; who works with something else does not answer."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from auditor import __version__
from auditor.collector import Task
from auditor.document import Document
from auditor.errors import CollectError
from auditor.meters import Unmetered
from auditor.model import Gap, GapReason, Resource
from auditor.redact import Redactor
from auditor.workers.orders import Answer, Away, Order, keyed, read
from auditor.workers.orders import written as packed
from auditor.workers.reader import Reader
from auditor.workkeys import is_local, source_key
from collectors.http import HttpOptions
from tests.workers.company import KEY, NOW, Slow, SlowOptions, configured, written

STORE = "postgresql://nobody@127.0.0.1:1/none"


def test_an_answer_arrives_as_it_was_written() -> None:
    """Documents by content and digest, numbers that no 64 bits hold, half characters, gaps, tasks, and why it failed."""
    attributes = {"a": [1, 2.5, None, {"ü": "\ud800"}], "big": 2**70, "": False}
    resource = Resource("k", "i", attributes, source="s", region="r", account="1", tags={"t": "v"}, refs=("x",))
    gap = Gap("e", "s", "k", GapReason.THROTTLED, "slow down", "r", "i", "a", "l", 3)
    answer = Answer("w:1", (resource, gap))
    found = read(packed(answer))
    assert found == answer
    (document,) = (item.attributes for item in found.items if isinstance(item, Resource))
    assert isinstance(document, Document)
    assert document.digest == Document.of(attributes).digest
    failed = read(packed(Answer("w:1", (), (GapReason.ACCESS_DENIED, "no", "i", "a"))))
    assert isinstance(failed.failure, CollectError)
    assert (failed.failure.reason, failed.failure.resource, failed.failure.attribute) == (
        GapReason.ACCESS_DENIED,
        "i",
        "a",
    )
    assert read(packed(Answer("w:1", timed_out=True))).failure is None
    assert isinstance(read(packed(Answer("w:1", broken="no httpx"))).failure, ImportError)


def test_a_task_is_found_again_by_what_is_stable_about_it() -> None:
    """The same plan gives the same keys in any process; two tasks that say the same of themselves are told apart by turn."""
    tasks = [_task("a"), _task("a"), _task("b", region="eu-west-1")]
    keys = list(keyed(tasks))
    assert len(set(keys)) == 3
    assert list(keyed([_task("a"), _task("a"), _task("b", region="eu-west-1")])) == keys
    assert [task.label for task in keyed(reversed(tasks)).values()] == ["b", "a", "a"]
    away = [item for item in read(packed(Answer("w", tuple(tasks)))).items if isinstance(item, Task)]
    assert [task.run.key for task in away if isinstance(task.run, Away)] == keys
    assert [replace(task, run=tasks[0].run) for task in away] == [replace(task, run=tasks[0].run) for task in tasks]


def test_a_worker_of_another_version_configuration_or_key_refuses(tmp_path: Path) -> None:
    """Each is said in a sentence with a remedy, and nothing is asked of the far side."""
    with Slow() as slow:
        config, registry = configured(written(tmp_path, STORE, slow.url, 3))
        order = _order(source_key(config, "staging", 0, Redactor(KEY)))
        reader = Reader(config, registry, Redactor(KEY), Unmetered(), None, "w:1")
        assert len(reader.read(order).items) == 3
        other = Reader(config, registry, Redactor(b"x" * 40), Unmetered(), None, "w:1")
        asked = ((reader, replace(order, version="0.0.1")), (other, order), (reader, replace(order, source=7)))
        for who, what in asked:
            error = who.read(what).error
            assert error is not None
            assert error[0] is GapReason.UNSUPPORTED
            assert "worker w:1" in error[1]
        assert not slow.asked


def test_a_worker_reads_what_a_thread_would(tmp_path: Path) -> None:
    """Resources with their secrets replaced, gaps in their words, and of a mistake in the collector only its type."""
    with Slow(0) as slow:
        config, registry = configured(written(tmp_path, STORE, slow.url, 3))
        reader = Reader(config, registry, Redactor(KEY), Unmetered(), None, "w:1")
        digest = source_key(config, "staging", 0, Redactor(KEY))
        keys = [
            task.run.key for task in _tasks(read(packed(reader.read(_order(digest))))) if isinstance(task.run, Away)
        ]
        good, denied, broken = (reader.read(_order(digest, key)) for key in keys)
        assert "battery" not in str(list(good.items))
        assert [type(item) for item in good.items] == [Resource, Gap]
        assert denied.error == (GapReason.UNREACHABLE, "answered 500", "/staging/bad", None)
        assert broken.error == (
            GapReason.MALFORMED,
            "collector slow failed in 2 with RuntimeError",
            None,
            None,
        )
        unknown = reader.read(_order(digest, "0" * 32)).error
        assert unknown is not None
        assert unknown[0] is GapReason.MALFORMED
        assert "finds other parts" in unknown[1]


def test_what_means_this_machine_stays_on_it() -> None:
    """A folder or an address of this machine says something else on another one."""
    assert is_local(SlowOptions(url="http://localhost:1", parts=2))
    assert is_local(HttpOptions.model_validate({"services": {"a": "http://127.0.0.1/v"}}))
    assert not is_local(HttpOptions.model_validate({"services": {"a": "https://staging.example.com/v"}}))


def _tasks(answer: Answer) -> list[Task]:
    return [item for item in answer.items if isinstance(item, Task)]


def _order(config: str, task: str | None = None) -> Order:
    return Order("run", "staging", 0, task, __version__, config, NOW.isoformat())


def _task(label: str, region: str | None = None) -> Task:
    return Task("s", ("k",), lambda: iter(()), region=region, label=label)
