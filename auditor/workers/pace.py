"""How often who says that he lives, and how long a silence is a death."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds.

    beat     a worker says this often that it lives
    silence  one that has not for this long is dead: what it was reading is delivered again
    sweep    this often every worker looks for the dead
    poll     this often it looks for work that nobody told it of
    orphan   a run whose asker has been silent for this long is over
    """

    beat: float = 2.0
    silence: float = 10.0
    sweep: float = 2.0
    poll: float = 2.0
    orphan: float = 60.0


PACE = Pace()
# A part at which this many workers died in a row is not given to another one.
DELIVERIES = 5
