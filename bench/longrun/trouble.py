"""What fails, when and for how long: drawn from a seed, so that a run that went wrong can be run again."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from tests.collectors.aws.faulty import Fault, broken, denied, hang, html, throttled
from tests.standins import slack

if TYPE_CHECKING:
    from bench.longrun.daemons import Daemon
    from bench.longrun.database import Database
    from bench.longrun.world import World


@dataclass(frozen=True, slots=True)
class Trouble:
    """One kind of failure. `begin` brings it about, `end` takes it back after at least `shortest`, at most `longest` seconds."""

    name: str
    begin: Callable[[], None]
    end: Callable[[], None]
    shortest: float = 1.0
    longest: float = 6.0
    weight: int = 1


def _nothing() -> None:
    """There is nothing to take back."""


def of_the_world(world: World, chance: random.Random) -> list[Trouble]:
    """What is audited answers with errors, nonsense, or not at all."""

    def spoiled(name: str, fault: Callable[[], Fault]) -> Trouble:
        return Trouble(
            f"AWS: {name}",
            lambda: world.proxy.faults.__setitem__(slice(None), [fault()]),
            world.proxy.faults.clear,
        )

    return [
        spoiled("denied", lambda: Fault(denied())),
        spoiled("throttled", lambda: Fault(throttled())),
        spoiled("errors", lambda: Fault(html(500))),
        spoiled("cut short", lambda: Fault(broken(), after=chance.randrange(3))),
        spoiled("hung", lambda: Fault(hang(), operation="GetParameters*")),
        Trouble(
            "services answer 503",
            lambda: setattr(world.services, "broken", True),
            lambda: setattr(world.services, "broken", False),
        ),
    ]


def of_slack(stand_in: slack.SlackStandIn, chance: random.Random) -> list[Trouble]:
    """Slack refuses, fails before or after it took a message, or keeps silent about it."""

    def failing(name: str, *faults: Callable[[], slack.Fault]) -> Trouble:
        return Trouble(f"Slack: {name}", lambda: stand_in.fail_next(*(fault() for fault in faults)), _nothing)

    return [
        failing("429", lambda: slack.Fault("ratelimited", retry_after=chance.randrange(1, 3))),
        failing("500", *[lambda: slack.Fault("status")] * 3),
        failing("cut before", lambda: slack.Fault("drop_before")),
        failing("cut after", lambda: slack.Fault("drop_after")),
        failing("update fails", lambda: slack.Fault("status", method="chat.update")),
    ]


def of_the_database(database: Database) -> list[Trouble]:
    """The store's server goes away, or stands still."""
    return [
        Trouble("database gone", database.kill, database.start, weight=2),
        Trouble("database frozen", database.freeze, database.thaw, longest=5.0),
    ]


def of_daemons(daemons: Sequence[Daemon], chance: random.Random) -> list[Trouble]:
    """A copy is killed and comes back, or stands still and goes on."""
    chosen: list[Daemon] = []

    def choose(act: Callable[[Daemon], None]) -> Callable[[], None]:
        def begin() -> None:
            daemon = chance.choice(list(daemons))
            chosen.append(daemon)
            act(daemon)

        return begin

    return [
        Trouble(
            "kill -9",
            choose(lambda daemon: daemon.kill()),
            lambda: chosen.pop().start(wait=False),
            shortest=0.2,
            longest=4.0,
            weight=3,
        ),
        Trouble("paused", choose(lambda daemon: daemon.pause()), lambda: chosen.pop().go_on(), longest=5.0),
    ]


class Clock:
    """The wall clock of the daemons, as a file that libfaketime reads: seconds off the true time."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.set(0)

    def set(self, seconds: int) -> None:
        draft = self.file.with_suffix(".draft")
        draft.write_text(f"{seconds:+d}\n")
        draft.replace(self.file)


def of_the_clock(clock: Clock, chance: random.Random) -> list[Trouble]:
    """The wall clock is set, forwards or backwards, by up to two hours, and back again."""
    hours = timedelta(hours=2).total_seconds()
    return [
        Trouble(
            "clock stepped",
            lambda: clock.set(chance.randrange(-int(hours), int(hours))),
            lambda: clock.set(0),
            longest=10.0,
            weight=2,
        )
    ]


def make(
    troubles: Sequence[Trouble], chance: random.Random, until: float, pause: float, stopped: threading.Event
) -> Counter[str]:
    """One trouble after the other until the monotonic time `until`, `pause` seconds apart on average. How many of each."""
    made: Counter[str] = Counter()
    weights = [trouble.weight for trouble in troubles]
    while time.monotonic() < until and not stopped.wait(chance.uniform(0, 2 * pause)):
        trouble = chance.choices(troubles, weights)[0]
        made[trouble.name] += 1
        trouble.begin()
        try:
            stopped.wait(chance.uniform(trouble.shortest, trouble.longest))
        finally:
            trouble.end()
    return made
