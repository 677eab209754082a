"""How far an audit that was asked for has come with reading: what whoever waits for it is shown, source by source."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from auditor.collect import State

_ENDED = (State.DONE, State.INCOMPLETE, State.FAILED)


class Stage(StrEnum):
    """Where the reading of a source stands. `INCOMPLETE`: read, with gaps; `FAILED`: some of it could not be read at all."""

    READING = "reading"
    DONE = "done"
    INCOMPLETE = "incomplete"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class SourceReading:
    """One source of one environment: `ended` of `listings` are over, which brought so many resources and gaps."""

    environment: str
    source: str
    stage: Stage
    listings: int
    ended: int
    count: int


class Reading:
    """Is told what the collectors do (`auditor.collect.Progress`), and tells it. Safe to share between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sources: dict[tuple[str, str], dict[str, tuple[State, int]]] = {}

    def __call__(self, environment: str, source: str, label: str, state: State, count: int) -> None:
        with self._lock:
            self._sources.setdefault((environment, source), {})[label] = state, count

    def sources(self) -> tuple[SourceReading, ...]:
        """By environment and in the order in which they were begun."""
        with self._lock:
            known = [(*key, dict(parts)) for key, parts in self._sources.items()]
        return tuple(_of(*one) for one in sorted(known, key=lambda one: one[0]))


def _of(environment: str, source: str, parts: dict[str, tuple[State, int]]) -> SourceReading:
    # A part without a label is the planning of the source, which lists nothing itself.
    listings = {label: part for label, part in parts.items() if label}
    ended = sum(1 for state, _ in listings.values() if state in _ENDED)
    brought = sum(count for _, count in listings.values())
    return SourceReading(
        environment, source, _stage(state for state, _ in parts.values()), len(listings), ended, brought
    )


def _stage(states: Iterable[State]) -> Stage:
    found = set(states)
    if not found <= set(_ENDED):
        return Stage.READING
    if State.FAILED in found:
        return Stage.FAILED
    return Stage.INCOMPLETE if State.INCOMPLETE in found else Stage.DONE
