"""What is asked of a worker, and what it answers, as they travel. Nothing secret: what was read has been redacted before."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any, NoReturn

from auditor.codec import decode, encode
from auditor.collector import Task
from auditor.document import Document
from auditor.errors import CollectError
from auditor.model import Gap, GapReason, Json, Resource

_Reason = tuple[GapReason, str, str | None, str | None]


@dataclass(frozen=True, slots=True)
class Order:
    """One part of a run: the planning of a source (`task` is None), or one of its tasks by its key.

    `source` is its position in the environment. `version` and `config` are what the one who asks works with: a worker of
    others does not answer. `taken_at` is when the run began, aware UTC, in ISO 8601."""

    run: str
    environment: str
    source: int
    task: str | None
    version: str
    config: str
    taken_at: str

    @property
    def part(self) -> str:
        """What its result is known by within the run."""
        return f"{self.environment}/{self.source}/{self.task or 'plan'}"


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of an order.

    items      what was read, redacted; of a planning, the tasks without what they do
    error      why it did not end as it should: reason, detail, and the resource and attribute concerned
    timed_out  it was left behind at its deadline
    broken     the worker cannot read such a source at all: that is no gap, but a failure of the auditor
    refused    the worker did not even try; who asked is told by the error
    """

    worker: str
    items: tuple[Resource | Gap | Task, ...] = ()
    error: _Reason | None = None
    timed_out: bool = False
    broken: str | None = None
    refused: bool = False

    @property
    def failure(self) -> Exception | None:
        """The error that the same work would have ended with here."""
        if self.broken is not None:
            return ImportError(f"{self.broken} (on the worker {self.worker})")
        if self.error is None or self.timed_out:
            return None
        reason, detail, resource, attribute = self.error
        return CollectError(reason, detail, resource=resource, attribute=attribute)


@dataclass(frozen=True, slots=True)
class Away:
    """What a task that somebody else planned does here: nothing. `key` is what it is asked for by."""

    key: str

    def __call__(self) -> NoReturn:
        raise RuntimeError(f"the task {self.key} is one for workers")


def keyed(tasks: Iterable[Task]) -> dict[str, Task]:
    """The tasks by what is stable about them, so that whoever plans the same source again finds the same one."""
    found: dict[str, Task] = {}
    for task in tasks:
        about = [task.source, task.region, task.account, list(task.kinds), task.label]
        ordinal = 0
        while (key := _key(about, ordinal)) in found:
            ordinal += 1
        found[key] = task
    return found


def _key(about: Sequence[Json], ordinal: int) -> str:
    return sha256(json.dumps([*about, ordinal]).encode()).hexdigest()[:32]


def written(answer: Answer) -> bytes:
    """The answer for the way, compressed. Raises ValueError for what JSON cannot say."""
    import zstandard

    tasks = keyed(item for item in answer.items if isinstance(item, Task))
    data = {
        "worker": answer.worker,
        "items": [_packed(item) for item in answer.items if not isinstance(item, Task)],
        "tasks": [_task(key, task) for key, task in tasks.items()],
        "error": answer.error and [answer.error[0].value, *answer.error[1:]],
        "timed_out": answer.timed_out,
        "broken": answer.broken,
    }
    try:
        body = json.dumps(data, separators=(",", ":")).encode()
    except TypeError as error:
        raise ValueError(str(error)) from error
    return zstandard.ZstdCompressor().compress(body)


def read(body: bytes) -> Answer:
    """The answer as it was written. Raises ValueError for what is none."""
    import zstandard

    try:
        data = json.loads(zstandard.ZstdDecompressor().decompress(body))
        error = data["error"] and (GapReason(data["error"][0]), *data["error"][1:])
        items = (*map(_unpacked, data["items"]), *map(_away, data["tasks"]))
        return Answer(data["worker"], items, error, data["timed_out"], data["broken"])
    except (zstandard.ZstdError, KeyError, TypeError) as problem:
        raise ValueError(f"not the answer of a worker: {problem}") from problem


def arguments(order: Order) -> dict[str, Any]:
    """The order as arguments of a job."""
    return {name: getattr(order, name) for name in Order.__slots__}


def _packed(item: Resource | Gap) -> list[Json]:
    if isinstance(item, Gap):
        return ["gap", encode(item)]
    document = Document.of(item.attributes)
    # As text within the text: whoever receives it need not look into it.
    return ["resource", {**encode(replace(item, attributes={})), "attributes": document.body().decode()}]


def _unpacked(data: Sequence[Json]) -> Resource | Gap:
    if data[0] == "gap":
        return decode(Gap, data[1])
    body = data[1]["attributes"].encode()
    resource = decode(Resource, {**data[1], "attributes": {}})
    return replace(resource, attributes=Document(sha256(body).hexdigest(), body))


def _task(key: str, task: Task) -> dict[str, Json]:
    fields = {name: getattr(task, name) for name in ("source", "region", "account", "label")}
    return {"key": key, "kinds": list(task.kinds), **fields}


def _away(data: Mapping[str, Any]) -> Task:
    return Task(
        source=data["source"],
        kinds=tuple(data["kinds"]),
        run=Away(data["key"]),
        region=data["region"],
        account=data["account"],
        label=data["label"],
    )
