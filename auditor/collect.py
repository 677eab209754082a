"""Run the collectors of several environments side by side; what could not be read becomes a gap.

Nothing a collector yields is kept before the redactor has seen it, and that happens in the collector's own thread.
"""

from __future__ import annotations

import logging
import threading
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from auditor.assemble import Read, snapshot
from auditor.collector import Context, Task
from auditor.errors import CollectCancelled as CollectCancelled
from auditor.errors import CollectError
from auditor.metering import Readings
from auditor.meters import Meters, Unmetered
from auditor.model import Gap, GapReason, Resource
from auditor.pool import Elsewhere, Job, Pool
from auditor.redacted import Redacted

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from auditor.collector import Collector, Options
    from auditor.kept import Keeping
    from auditor.model import Snapshot
    from auditor.redact import Redactor
    from auditor.redacted import Documents
    from auditor.registry import Registry

_log = logging.getLogger(__name__)

# Enough to keep one processor busy while answers take 80 ms: docs/performance.md. More only wait for it.
DEFAULT_WORKERS = 64
DEFAULT_TIMEOUT = timedelta(seconds=120)


@dataclass(frozen=True, slots=True)
class Source:
    """One entry under `sources:`. `aliases` are further names of the environment that hold within this source only."""

    collector: Collector
    options: Options
    aliases: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        return self.collector.label(self.options)


@dataclass(frozen=True, slots=True)
class Environment:
    """What to read of one environment.

    aliases  every lower-case token that means it, its own name first
    others   the tokens of all other configured environments
    folder   where relative paths in options start
    """

    name: str
    aliases: tuple[str, ...]
    others: tuple[str, ...]
    folder: Path
    sources: tuple[Source, ...]


class State(StrEnum):
    """Where a part of the work stands. `PLANNED` comes once per part, before it waits for its turn."""

    PLANNED = "planned"
    STARTED = "started"
    RUNNING = "running"
    DONE = "done"
    INCOMPLETE = "incomplete"
    FAILED = "failed"


class Progress(Protocol):
    """Told, in the calling thread, how the work goes. `count` is how many resources and gaps the part has so far."""

    def __call__(self, environment: str, source: str, label: str, state: State, count: int) -> None: ...


def _silent(environment: str, source: str, label: str, state: State, count: int) -> None:
    """Nobody watches."""


@dataclass(frozen=True, slots=True)
class Part:
    """What a job is about: the planning of one source (`task` is None), or one of its tasks."""

    environment: str
    source: Source
    label: str
    context: Context
    task: Task | None = None


@dataclass(slots=True)
class Run:
    """Makes jobs of the parts, and keeps what they read. A worker elsewhere makes the same jobs."""

    registry: Registry
    redactor: Redactor
    progress: Progress
    timeout: float
    cancel: threading.Event
    read: dict[str, list[Read]] = field(default_factory=dict)
    readings: Readings = field(default_factory=Readings)
    keeping: Keeping | None = None
    documents: Documents | None = None
    redacted: Redacted = field(init=False)

    def __post_init__(self) -> None:
        self.redacted = Redacted(self.redactor, self.registry.kind, self.keeping, self.documents)

    def plan(self, part: Part) -> Job:
        def work() -> Iterable[Task]:
            return part.source.collector.plan(part.source.options, part.context)

        return Job(work, self.timeout, part)

    def task(self, part: Part, task: Task) -> Job:
        self._tell(part, task, State.PLANNED, 0)

        def work() -> Iterator[Resource | Gap]:
            for item in task.run():
                yield self._clean(item, part, task)

        return Job(work, self.timeout, replace(part, task=task))

    def started(self, job: Job) -> None:
        self._stop_if_cancelled()
        self.readings.started(job.about.environment, job.about.source.collector.name)
        self._tell(job.about, job.about.task, State.STARTED, 0)

    def running(self, job: Job) -> None:
        self._stop_if_cancelled()
        if job.about.task is not None:
            self._tell(job.about, job.about.task, State.RUNNING, job.count)

    def ended(self, job: Job) -> Iterable[Job]:
        """Keep what the job read. A planning job answers the tasks that it planned, even where it failed half-way."""
        self._stop_if_cancelled()
        part: Part = job.about
        if isinstance(job.error, ImportError) or not isinstance(job.error, Exception | None):
            raise job.error
        failures = self._failures(job)
        if part.task is None:
            tasks = [item for item in job.items if isinstance(item, Task)]
            self.read[part.environment].append(Read(None, (), failures))
            self.readings.ended(part.environment, part.source.collector.name, failures)
            self._tell(part, None, State.FAILED if failures else State.DONE, len(tasks))
            return [self.task(part, task) for task in tasks]
        read = Read(part.task, job.items, failures, ended=job.error is None and not job.timed_out)
        self.read[part.environment].append(read)
        self.readings.ended(part.environment, part.source.collector.name, read.gaps)
        state = State.FAILED if failures else State.INCOMPLETE if read.gaps else State.DONE
        self._tell(part, part.task, state, job.count)
        return []

    def _stop_if_cancelled(self) -> None:
        if self.cancel.is_set():
            raise CollectCancelled

    def _clean(self, item: Resource | Gap, part: Part, task: Task) -> Resource | Gap:
        if isinstance(item, Resource):
            try:
                return self.redacted.resource(part.environment, part.label, item, task)
            except RecursionError:
                detail = "the document is nested too deeply to be looked through for secrets"
            except ValueError:
                detail = "the document holds what JSON cannot say"
            return self._unread(item, part.environment, task, detail)
        if isinstance(item, Gap):
            filled_gap = replace(
                item,
                environment=part.environment,
                source=item.source or task.source,
                region=item.region if item.region is not None else task.region,
            )
            return self.redactor.gap(filled_gap)
        raise CollectError(GapReason.MALFORMED, f"the collector yielded a {type(item).__name__}")

    def _unread(self, item: Resource, environment: str, task: Task, detail: str) -> Gap:
        """One document that cannot be looked through costs itself, not the listing it stands in."""
        source, region = item.source or task.source, item.region if item.region is not None else task.region
        gap = Gap(environment, source, item.kind, GapReason.MALFORMED, detail, region=region, resource=item.identity)
        return self.redactor.gap(gap)

    def _failures(self, job: Job) -> tuple[Gap, ...]:
        if job.error is None and not job.timed_out:
            return ()
        part: Part = job.about
        reason, detail, resource, attribute = self.reason(job)
        kinds = part.task.kinds if part.task else (_common_glob([kind.name for kind in part.source.collector.kinds]),)
        return tuple(
            self.redactor.gap(
                Gap(
                    environment=part.environment,
                    source=part.task.source if part.task else part.label,
                    kind=kind,
                    reason=reason,
                    detail=detail,
                    region=part.task.region if part.task else None,
                    resource=resource,
                    attribute=attribute,
                    listings=0 if part.task else part.source.options.expected_listings(),
                )
            )
            for kind in kinds
        )

    def reason(self, job: Job) -> tuple[GapReason, str, str | None, str | None]:
        """Why the job did not end as it should: reason, detail, and the resource and attribute that it concerns."""
        if job.timed_out:
            return GapReason.TIMEOUT, f"no answer within {job.timeout:g} s", None, None
        if isinstance(job.error, CollectError):
            return job.error.reason, job.error.detail, job.error.resource, job.error.attribute
        part: Part = job.about
        text = "".join(traceback.format_exception(job.error))
        _log.debug("collector %s failed\n%s", part.source.collector.name, self.redactor.text(text))
        # The error's own text may quote what was read, so only its type is told.
        where = f" in {part.task.label}" if part.task and part.task.label else ""
        detail = f"collector {part.source.collector.name} failed{where} with {type(job.error).__name__}"
        return GapReason.MALFORMED, detail, None, None

    def _tell(self, part: Part, task: Task | None, state: State, count: int) -> None:
        label = (task.label or ", ".join(task.kinds)) if task else ""
        self.progress(part.environment, task.source if task else part.label, label, state, count)


def collect_all(
    environments: Sequence[Environment],
    registry: Registry,
    redactor: Redactor,
    clock: Callable[[], datetime],
    *,
    workers: int = DEFAULT_WORKERS,
    timeout: timedelta = DEFAULT_TIMEOUT,
    on_event: Progress | None = None,
    cancel: threading.Event | None = None,
    meters: Meters = Unmetered(),  # noqa: B008 - it has no state
    elsewhere: Elsewhere | None = None,
    keeping: Keeping | None = None,
    documents: Documents | None = None,
) -> dict[str, Snapshot]:
    """Read `environments` side by side, at most `workers` tasks at a time, each for at most `timeout`.

    `elsewhere` reads what it takes in other processes, as many at a time as these can. With `keeping`, and `documents`
    where the documents of earlier snapshots are, what is read as it was the last time is not redacted again: its document
    is then found there.

    `clock` answers an aware UTC time: the time of all snapshots, which is when the run began. Whatever a collector
    raises becomes a gap, except ImportError: a collector that is not installed whole is our failure, not the source's.
    Within a second of `cancel` being set it raises CollectCancelled. `meters` are told of every request and every
    collector that came to its end.
    """
    taken_at = clock()
    cancelled = threading.Event()
    shared: dict[str, Any] = {}
    progress, cancel = on_event or _silent, cancel or threading.Event()
    run = Run(registry, redactor, progress, timeout.total_seconds(), cancel, keeping=keeping, documents=documents)
    plans = []
    for environment in environments:
        run.read[environment.name] = []
        for source in environment.sources:
            context = Context(
                environment=environment.name,
                folder=environment.folder,
                aliases=tuple(dict.fromkeys((*environment.aliases, *source.aliases))),
                others=environment.others,
                timeout=timeout.total_seconds(),
                cancelled=cancelled,
                shared=shared,
                fingerprint=redactor.fingerprint,
                meter=partial(meters.api_request, environment.name),
                now=taken_at,
            )
            plans.append(run.plan(Part(environment.name, source, source.label, context)))
    Pool(workers, elsewhere).run(
        plans, on_start=run.started, on_tick=run.running, on_end=run.ended, cancelled=cancelled
    )
    run.readings.tell(meters)
    run.redacted.finish()
    return {name: snapshot(name, taken_at, read) for name, read in run.read.items()}


def collect(
    environment: Environment,
    registry: Registry,
    redactor: Redactor,
    clock: Callable[[], datetime],
    *,
    workers: int = DEFAULT_WORKERS,
    timeout: timedelta = DEFAULT_TIMEOUT,
    on_event: Progress | None = None,
) -> Snapshot:
    """Read one environment. The same as `collect_all` of it alone."""
    read = collect_all([environment], registry, redactor, clock, workers=workers, timeout=timeout, on_event=on_event)
    return read[environment.name]


def _common_glob(kinds: Sequence[str]) -> str:
    """One glob over all `kinds`: their common dotted beginning, then `*`."""
    if len(set(kinds)) == 1:
        return kinds[0]
    common = []
    for steps in zip(*(kind.split(".") for kind in kinds), strict=False):
        if len(set(steps)) > 1 or "*" in steps[0]:
            break
        common.append(steps[0])
    return ".".join((*common, "*"))
