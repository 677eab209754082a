"""How often who says that he lives, and how long a silence is a death."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds, but for the last.

    beat     a worker says this often that it lives
    silence  one that has not for this long is dead: what it was reading is delivered again
    sweep    this often every worker looks for the dead
    poll     this often it looks for work that nobody told it of
    orphan   a run whose asker has been silent for this long is over
    deliveries  so often is a part delivered at most, each time because the worker that had it died
    """

    beat: float = 2.0
    silence: float = 10.0
    sweep: float = 2.0
    poll: float = 2.0
    orphan: float = 60.0
    deliveries: int = 5


PACE = Pace()
