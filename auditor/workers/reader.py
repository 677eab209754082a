"""The side that reads: does what one order asks with the same jobs in the same pool as a run without workers.

A worker knows nothing of a run but its orders, so it plans a source itself, once for all parts of a run that it gets, and
finds the task that is meant by what is stable about it.
"""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from auditor import __version__
from auditor.collect import Part, Run, State
from auditor.collector import LIMITS, Context, Limits, Task
from auditor.errors import CollectCancelled
from auditor.model import GapReason
from auditor.pool import Pool
from auditor.realms import names_of
from auditor.workers.orders import Answer, Order, keyed
from auditor.workkeys import source_key

if TYPE_CHECKING:
    from auditor.config import Config
    from auditor.meters import Meters
    from auditor.pool import Job
    from auditor.redact import Redactor
    from auditor.registry import Registry

# Of how many runs the plans are remembered.
_RUNS = 16
_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Planned:
    """What one planning of a source said. `tasks` by their key."""

    tasks: Mapping[str, Task]
    answer: Answer


@dataclass(slots=True)
class _Source:
    """One source of one run, as this worker knows it."""

    part: Part
    lock: threading.Lock = field(default_factory=threading.Lock)
    planned: _Planned | None = None
    again: bool = False


@dataclass(slots=True)
class _Underway:
    """A run. `shared` is what its tasks share on this worker."""

    cancelled: threading.Event = field(default_factory=threading.Event)
    shared: dict[str, Any] = field(default_factory=dict)
    sources: dict[tuple[str, int], _Source] = field(default_factory=dict)


class Reader:
    """Reads for one worker, called `name`. Safe between threads, one for each order that it is at."""

    def __init__(
        self, config: Config, registry: Registry, redactor: Redactor, meters: Meters, limits: Limits | None, name: str
    ) -> None:
        self._config, self._registry, self._redactor = config, registry, redactor
        self._meters, self._limits, self._name = meters, limits, name
        self._lock = threading.Lock()
        self._runs: OrderedDict[str, _Underway] = OrderedDict()

    def read(self, order: Order) -> Answer:
        """What became of the order. Raises CollectCancelled soon after its run was cancelled."""
        refused = self._refusal(order)
        if refused is not None:
            _log.warning("An order is refused: %s", refused)
            return Answer(self._name, error=(GapReason.UNSUPPORTED, refused, None, None), refused=True)
        underway = self._underway(order.run)
        source = self._source(underway, order)
        if order.task is None:
            return self._plan(source, underway).answer
        planned = self._plan(source, underway)
        if order.task not in planned.tasks:
            planned = self._plan_again(source, underway)
        task = planned.tasks.get(order.task)
        if task is not None:
            return self._done(self._jobs(underway).task(source.part, task), underway)
        if planned.answer.error is not None or planned.answer.timed_out or planned.answer.broken:
            return Answer(self._name, (), planned.answer.error, planned.answer.timed_out, planned.answer.broken)
        detail = (
            f"the worker {self._name} finds other parts in the source than the run did: see that both reach the same"
        )
        return Answer(self._name, error=(GapReason.MALFORMED, detail, None, None))

    def cancel(self, run: str | None = None) -> None:
        """Have what is read for the run, or for all, come to its end."""
        with self._lock:
            for name, underway in self._runs.items():
                if run in (None, name):
                    underway.cancelled.set()
            if run is not None:
                self._runs.pop(run, None)

    def _refusal(self, order: Order) -> str | None:
        if order.version != __version__:
            return (
                f"the worker {self._name} is of version {__version__} and the audit of {order.version}: "
                "let both be of one version"
            )
        environment = self._config.environments.get(order.environment)
        known = environment is not None and 0 <= order.source < len(environment.sources)
        if known and source_key(self._config, order.environment, order.source, self._redactor) == order.config:
            return None
        return (
            f"the worker {self._name} works with another configuration, other variables or another fingerprint key "
            "than the audit: give both the same, and start the worker anew"
        )

    def _underway(self, run: str) -> _Underway:
        with self._lock:
            underway = self._runs.setdefault(run, _Underway())
            self._runs.move_to_end(run)
            while len(self._runs) > _RUNS:
                self._runs.popitem(last=False)
            if self._limits is not None:
                underway.shared.setdefault(LIMITS, self._limits)
            return underway

    def _source(self, underway: _Underway, order: Order) -> _Source:
        with self._lock:
            key = (order.environment, order.source)
            if key not in underway.sources:
                underway.sources[key] = _Source(self._part(underway, order))
            return underway.sources[key]

    def _part(self, underway: _Underway, order: Order) -> Part:
        """As `collect_all` makes it for the same run."""
        environment = self._config.environments[order.environment]
        source, names = environment.sources[order.source], names_of(self._config, order.environment)
        context = Context(
            environment=order.environment,
            folder=environment.folder,
            aliases=tuple(dict.fromkeys((*names.tokens, *source.aliases))),
            others=names.foreign,
            timeout=self._config.timeout.total_seconds(),
            cancelled=underway.cancelled,
            shared=underway.shared,
            fingerprint=self._redactor.fingerprint,
            meter=partial(self._meters.api_request, order.environment),
            now=datetime.fromisoformat(order.taken_at),
        )
        return Part(order.environment, source, source.label, context)

    def _plan(self, source: _Source, underway: _Underway) -> _Planned:
        with source.lock:
            if source.planned is None:
                source.planned = self._planned(source, underway)
            return source.planned

    def _plan_again(self, source: _Source, underway: _Underway) -> _Planned:
        """Once: what the run found meanwhile may have come after this worker looked."""
        with source.lock:
            if not source.again or source.planned is None:
                source.again, source.planned = True, self._planned(source, underway)
            return source.planned

    def _planned(self, source: _Source, underway: _Underway) -> _Planned:
        answer = self._done(self._jobs(underway).plan(source.part), underway)
        return _Planned(keyed(item for item in answer.items if isinstance(item, Task)), answer)

    def _jobs(self, underway: _Underway) -> Run:
        timeout = self._config.timeout.total_seconds()
        return Run(self._registry, self._redactor, _unwatched, timeout, underway.cancelled)

    def _done(self, job: Job, underway: _Underway) -> Answer:
        def go_on(_job: Job) -> None:
            if underway.cancelled.is_set():
                raise CollectCancelled

        Pool(1).run([job], on_start=go_on, on_tick=go_on, on_end=lambda _job: (), cancelled=threading.Event())
        go_on(job)
        if isinstance(job.error, ImportError):
            return Answer(self._name, broken=self._redactor.text(str(job.error)))
        if not isinstance(job.error, Exception | None):
            raise job.error
        error = None
        if job.error is not None:
            reason, detail, *about = self._jobs(underway).reason(job)
            resource, attribute = about
            error = (reason, self._redactor.text(detail), resource and self._redactor.text(resource), attribute)
        return Answer(self._name, job.items, error, job.timed_out)


def _unwatched(environment: str, source: str, label: str, state: State, count: int) -> None:
    """Whoever asked watches."""
