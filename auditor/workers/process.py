"""One `audit worker`, from its start to its end: it works until it is asked to stop, and outlives outages of the store."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import psycopg
from procrastinate.exceptions import ProcrastinateException

from auditor import __version__
from auditor.errors import CollectError
from auditor.model import GapReason
from auditor.workers.engine import Engine, Told, described, quiet
from auditor.workers.health import HealthServer, WorkerMeters
from auditor.workers.limits import TAKE, SharedLimits
from auditor.workers.pace import PACE, Pace
from auditor.workers.place import check, place_of
from auditor.workers.reader import Reader

if TYPE_CHECKING:
    from auditor.config import Config
    from auditor.redact import Redactor
    from auditor.registry import Registry

# How long to wait before the store is tried again, in seconds.
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 15.0
# For which part of its drain a worker lets jobs go on; the rest is for giving them back.
_FINISHING = 0.8
_LIMIT_SECONDS = 30.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Ground:
    """What a worker stands on. `listen` is where it tells of itself: host and port, None for nowhere."""

    config: Config
    registry: Registry
    redactor: Redactor
    concurrency: int
    listen: tuple[str, int] | None = None
    pace: Pace = PACE

    @property
    def name(self) -> str:
        return f"{socket.gethostname()}:{os.getpid()}"


def run(ground: Ground) -> None:
    """Work until SIGTERM or SIGINT; a second one ends at once. Raises StoreError where there is no queue to work from."""
    place = place_of(ground.config.store)
    check(place)
    meters = WorkerMeters(ground.concurrency)
    health = None
    if ground.listen is not None:
        health = HealthServer(*ground.listen, meters, within=6 * ground.pace.sweep)
    quiet()
    try:
        engine = Engine(place, ground.pace, ground.name, ground.concurrency)
        asyncio.run(_Process(ground, engine, meters).run(health.address if health else ""))
    finally:
        if health is not None:
            health.close()


class _Process:
    def __init__(self, ground: Ground, engine: Engine, meters: WorkerMeters) -> None:
        self._ground, self._engine, self._meters = ground, engine, meters
        self._stopping = asyncio.Event()

    async def run(self, address: str) -> None:
        ground, loop = self._ground, asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._asked, number)
        limits = SharedLimits(self._take(loop))
        reader = Reader(ground.config, ground.registry, ground.redactor, self._meters, limits, ground.name)
        told = Told(self._meters.running, self._meters.ended)
        extra = {"worker": ground.name, "version": __version__, "concurrency": ground.concurrency, "address": address}
        _log.info("The worker runs.", extra=extra)
        turning = asyncio.create_task(self._turn(), name="turn")
        pause = _FIRST_PAUSE
        while not self._stopping.is_set():
            try:
                async with self._engine.app.open_async():
                    self._meters.seen()
                    pause = _FIRST_PAUSE
                    await self._work(reader, told)
            except (ProcrastinateException, psycopg.Error, OSError) as error:
                _log.warning("The store does not answer; the worker tries again: %s", described(error))
            if not self._stopping.is_set():
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._stopping.wait(), pause)
                pause = min(2 * pause, _LONGEST_PAUSE)
        turning.cancel()
        reader.cancel()
        self._engine.close()
        _log.info("The worker has stopped.", extra={"worker": ground.name})

    async def _work(self, reader: Reader, told: Told) -> None:
        """Until asked to stop, or until the store fails."""
        grace = self._ground.config.serve.drain.total_seconds() * _FINISHING
        parts = [
            asyncio.create_task(self._engine.work(reader, told, grace), name="work"),
            asyncio.create_task(self._sweep(), name="sweep"),
            asyncio.create_task(self._stopping.wait(), name="stop"),
        ]
        done, _ = await asyncio.wait(parts, return_when=asyncio.FIRST_COMPLETED)
        for part in parts:
            part.cancel()
        ended = await asyncio.gather(*parts, return_exceptions=True)
        if self._stopping.is_set():
            return
        for part, result in zip(parts, ended, strict=True):
            if part in done and isinstance(result, BaseException):
                raise result

    async def _turn(self) -> None:
        while True:
            self._meters.turned()
            await asyncio.sleep(1)

    async def _sweep(self) -> None:
        while True:
            await self._engine.sweep()
            self._meters.seen()
            await asyncio.sleep(self._ground.pace.sweep)

    def _asked(self, number: int) -> None:
        if self._stopping.is_set():
            os._exit(128 + number)
        _log.info("The worker stops: it finishes what it is at, or gives it back.", extra={"worker": self._ground.name})
        self._stopping.set()

    def _take(self, loop: asyncio.AbstractEventLoop) -> Callable[[str, float, float, int], float]:
        """Asks for a share of a budget, from any thread but the loop's."""

        def take(name: str, rate: float, burst: float, count: int) -> float:
            asked = self._engine.take(TAKE, name=name, rate=rate, burst=burst, count=count)
            try:
                row = asyncio.run_coroutine_threadsafe(asked, loop).result(_LIMIT_SECONDS)
            except (ProcrastinateException, TimeoutError, RuntimeError) as error:
                # The loop of a worker that ends takes nothing up any more.
                asked.close()
                detail = f"the budget of {name} that the workers share could not be asked for: {described(error)}"
                raise CollectError(GapReason.TIMEOUT, detail) from error
            return float(row["seconds"])

        return take
