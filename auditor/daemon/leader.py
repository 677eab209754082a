"""Keep asking whether this copy leads, and answer everyone who is about to act.

What an answer is worth runs out by itself: a copy that was paused, starved or cut off does not lead any more when it
comes to its senses, before it has asked again.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from auditor.daemon.loop import Loop
from auditor.errors import StoreError

if TYPE_CHECKING:
    from auditor.store.leadership import Leadership

INTERVAL_SECONDS = 0.5
# From the death of a leader (its process, its machine, its network) until another copy leads.
TAKEOVER_SECONDS = 5.0

_log = structlog.get_logger(__name__)


def elapsed() -> float:
    """Seconds on a clock that only goes forward, and goes on while the machine sleeps where there is such a clock."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of the lead. `holder` is who has it (`host:pid`); `problem` why nothing is known."""

    leads: bool
    holder: str | None = None
    problem: str | None = None

    @property
    def known(self) -> bool:
        return self.leads or (self.problem is None and self.holder is not None)


class Leader:
    """One thread that holds the lead or waits for it.

    `changed` is told, in that thread, when this copy begins and ceases to lead; `beat` each time the thread comes round.
    `clock` gives seconds that only go forward.
    """

    def __init__(
        self,
        leadership: Leadership,
        *,
        changed: Callable[[bool], None],
        beat: Callable[[], None],
        clock: Callable[[], float] = elapsed,
        interval: float = INTERVAL_SECONDS,
    ) -> None:
        self._leadership = leadership
        self._changed = changed
        self._clock = clock
        self._valid_for = leadership.valid_for.total_seconds() if leadership.valid_for else None
        # Leads from the first (a lead that was just taken ripens) until the second; read and written as one.
        self._term: tuple[float, float] | None = None
        self._held = False
        self._told = False
        self._standing = Standing(leads=False)
        self._asking = threading.Lock()
        self._loop = Loop("leader", self.ask, interval=interval, beat=beat)

    def is_leading(self) -> bool:
        """Whether this copy may act now. Ask before every single thing that only one copy may do."""
        term = self._term
        return term is not None and term[0] <= self._clock() < term[1]

    @property
    def alone(self) -> bool:
        """Whether a copy that does not lead has no business here."""
        return self._leadership.alone

    @property
    def holds(self) -> bool:
        """Whether the lead is this copy's, be it that it has to ripen."""
        return self._held

    @property
    def standing(self) -> Standing:
        return Standing(self.is_leading(), self._standing.holder, self._standing.problem)

    def start(self) -> None:
        """Ask once, then go on asking in the background."""
        self.ask()
        self._loop.start()

    def stop(self) -> None:
        """Give the lead up and end the thread."""
        self._loop.stop()
        with self._asking:
            self._term, self._held = None, False
            self._leadership.release()
        self._tell()

    def ask(self) -> None:
        """Take or confirm the lead, once."""
        with self._asking:
            if self._loop.stopping.is_set():
                return
            asked_at = self._clock()
            try:
                holds = self._leadership.hold()
            except StoreError as error:
                self._lost(str(error))
            else:
                self._holds(asked_at) if holds else self._lost(None)
        self._tell()

    def _holds(self, asked_at: float) -> None:
        if self._valid_for is None:
            self._term = (asked_at, float("inf"))
        else:
            ripe = self._term[0] if self._held and self._term else self._clock() + self._valid_for
            self._term = (ripe, asked_at + self._valid_for)
        self._held = True
        self._standing = Standing(leads=True, holder=self._leadership.holder())

    def _lost(self, problem: str | None) -> None:
        if problem is not None and self._standing.problem is None:
            _log.warning("It cannot be told who leads; this copy waits.", error=problem)
        self._term, self._held = None, False
        self._standing = Standing(leads=False, holder=self._leadership.holder(), problem=problem)

    def _tell(self) -> None:
        leads = self.is_leading()
        if leads == self._told:
            return
        self._told = leads
        if leads:
            _log.info("This copy leads now: it runs the schedule and delivers what is to be told.")
        elif self._loop.stopping.is_set():
            _log.info("This copy gave the lead up.")
        else:
            _log.warning("This copy does not lead any more.", holder=self._standing.holder)
        self._changed(leads)
