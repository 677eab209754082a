"""Who made a change: asked of the sources that keep records of it, about new findings only, within bounds, never failing.

What is settled is cached in the store. What may be known later (an event that is not delivered yet, records that could
not be read) is not, and the next audit asks again.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from auditor.codec import canonical, decode, digest, encode
from auditor.collector import Context, Inquiry, Recorded
from auditor.errors import CollectError
from auditor.meters import Unmetered
from auditor.model import Author, GapReason

if TYPE_CHECKING:
    from datetime import datetime

    from auditor.collect import Environment, Source
    from auditor.collector import Witness
    from auditor.meters import Meters
    from auditor.model import Moved, Resource

_NAMESPACE = "author-1"
_WHY = {
    GapReason.ACCESS_DENIED: "its records may not be read",
    GapReason.THROTTLED: "its records were asked for too often",
    GapReason.TIMEOUT: "its records did not answer in time",
}
_UNREAD = "its records could not be read"
_SPENT = "not asked in this audit, which had asked all it may"
_log = logging.getLogger(__name__)


class Cache(Protocol):
    """What it needs of the store."""

    def cached(self, namespace: str, keys: Iterable[str]) -> dict[str, bytes]: ...

    def cache_put(self, namespace: str, items: Mapping[str, bytes]) -> None: ...


@dataclass(frozen=True, slots=True)
class Bounds:
    """What asking may cost an audit: requests to all sources together, and seconds spent on asking."""

    requests: int = 200
    seconds: float = 30.0


class _Spent(CollectError):
    """The audit has asked all that it may; that says nothing of the source."""


class Witnesses:
    """Asks about the findings of one audit; made for it, and used by one thread.

    `shared` is what audits of a process share (token buckets); `cancel` is set when the audit is being stopped; `ticks`
    are seconds since some moment, and `wait` waits that many. `notes` is what a person is told once of the whole audit,
    however many findings it concerns."""

    def __init__(
        self,
        environments: Mapping[str, Environment],
        store: Cache,
        clock: Callable[[], datetime],
        *,
        meters: Meters | None = None,
        shared: dict[str, Any] | None = None,
        cancel: threading.Event | None = None,
        bounds: Bounds = Bounds(),
        ticks: Callable[[], float] = time.monotonic,
        wait: Callable[[float], object] | None = None,
    ) -> None:
        self.notes: tuple[str, ...] = ()
        self._environments = environments
        self._store = store
        self._clock = clock
        self._meters = meters or Unmetered()
        self._shared = {} if shared is None else shared
        self._cancel = cancel or threading.Event()
        self._bounds = bounds
        self._ticks = ticks
        self._wait = wait or self._cancel.wait
        self._requests = 0
        self._seconds = 0.0
        self._began = 0.0
        self._witnesses: dict[tuple[str, int], Witness | None] = {}
        self._closed: dict[tuple[object, ...], Author] = {}

    def __call__(self, environment: str, resource: Resource, moved: Moved) -> Author | None:
        """Who made this change to this resource of this environment; None where nobody keeps records of it."""
        for position, source in enumerate(self._environments[environment].sources):
            # A source may find its accounts itself; each is called after it.
            mine = source.label in (resource.source, resource.source.rpartition("/")[0])
            if mine and isinstance(source.collector, Recorded):
                return self._cached(environment, position, source, resource, moved)
        return None

    def _cached(
        self, environment: str, position: int, source: Source, resource: Resource, moved: Moved
    ) -> Author | None:
        key = _key(environment, resource, moved)
        found = self._store.cached(_NAMESPACE, [key]).get(key)
        if found is not None:
            return decode(Author, json.loads(found))
        author = self._asked(environment, position, source, resource, moved)
        if author is not None and not author.ask_again:
            self._store.cache_put(_NAMESPACE, {key: canonical(encode(author))})
        return author

    def _asked(
        self, environment: str, position: int, source: Source, resource: Resource, moved: Moved
    ) -> Author | None:
        place = environment, position, resource.account, resource.region
        for closed in ((environment, position), place):
            if closed in self._closed:
                return self._closed[closed]
        self._began = self._ticks()
        try:
            try:
                witness = self._witness(environment, position, source)
            except CollectError as error:
                return self._close((environment, position), environment, source, resource, error)
            return witness.author(resource, moved) if witness is not None else None
        except _Spent as error:
            return Author(unknown=error.detail, ask_again=True)
        except CollectError as error:
            return self._close(place, environment, source, resource, error)
        except ImportError:
            raise
        except Exception as error:  # noqa: BLE001 - who did it is worth no audit; the fault is told
            # The error's own text may quote a record, so only its type is told.
            detail = f"{source.collector.name} failed with {type(error).__name__}"
            _log.debug("asking who made a change failed", exc_info=True)
            broken = CollectError(GapReason.MALFORMED, detail)
            return self._close(place, environment, source, resource, broken)
        finally:
            self._seconds += self._ticks() - self._began

    def _witness(self, environment: str, position: int, source: Source) -> Witness | None:
        key = environment, position
        if key not in self._witnesses:
            place = self._environments[environment]
            context = Context(
                environment=environment,
                folder=place.folder,
                cancelled=self._cancel,
                shared=self._shared,
                meter=partial(self._meters.api_request, environment),
            )
            inquiry = Inquiry(self._clock, self._take, self._ticks)
            assert isinstance(source.collector, Recorded)
            self._witnesses[key] = source.collector.witness(source.options, context, inquiry)
        return self._witnesses[key]

    def _take(self, pause: float) -> None:
        spent = self._seconds + self._ticks() - self._began
        if self._requests >= self._bounds.requests or spent + pause > self._bounds.seconds:
            self._note(
                "who made some of the changes was not asked: an audit asks at most "
                f"{self._bounds.requests} times and for {self._bounds.seconds:g} s; the next one goes on"
            )
            raise _Spent(GapReason.TIMEOUT, _SPENT)
        self._requests += 1
        self._wait(pause)
        if self._cancel.is_set():
            raise _Spent(GapReason.TIMEOUT, "the audit was stopped")

    def _close(
        self, place: tuple[object, ...], environment: str, source: Source, resource: Resource, error: CollectError
    ) -> Author:
        """Nothing more is asked there in this audit; it is told once per account and reason."""
        what = f"account {resource.account}" if resource.account else source.label
        told = f"who changed what in {environment} ({what}) is unknown: "
        if not any(note.startswith(told) for note in self.notes):
            self._note(f"{told}{error.detail}")
        self._closed[place] = Author(unknown=_WHY.get(error.reason, _UNREAD), ask_again=True)
        return self._closed[place]

    def _note(self, text: str) -> None:
        if text not in self.notes:
            _log.warning("%s", text)
            self.notes = (*self.notes, text)


def _key(environment: str, resource: Resource, moved: Moved) -> str:
    """The same change of the same resource, whichever pair and finding it is asked for."""
    asked = replace(moved, side="", snapshot="", agreed=True, author=None)
    who = [environment, resource.source, resource.account, resource.region, resource.kind, resource.identity]
    return digest(canonical([*who, encode(asked)]))
