"""The queue between who asks and who reads: Procrastinate's, in PostgreSQL.

A job is delivered at least once: to another worker when the one that had it is silent, died or gave it back. Its result is
kept once, by run and part, so what is delivered twice counts once.
"""

from __future__ import annotations

import asyncio
import contextvars
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from procrastinate import App, PsycopgConnector
from procrastinate.exceptions import JobAborted
from procrastinate.job_context import JobContext
from procrastinate.retry import BaseRetryStrategy, RetryDecision
from psycopg_pool import AsyncConnectionPool
from structlog.contextvars import bound_contextvars

from auditor.errors import CollectCancelled
from auditor.model import GapReason
from auditor.workers.handing import QUEUE, TASK, channel
from auditor.workers.orders import Answer, Order, written
from auditor.workers.pace import Pace

if TYPE_CHECKING:
    from procrastinate.jobs import Job as Queued

    from auditor.workers.place import Place
    from auditor.workers.reader import Reader

# Fetching, finishing, beats and results: short statements, so few connections serve many jobs.
_CONNECTIONS = 6
_log = logging.getLogger(__name__)

_STANDING = """
    SELECT EXISTS (SELECT FROM collect_runs WHERE id = %(run)s) AS underway,
           EXISTS (SELECT FROM collect_results WHERE run = %(run)s AND part = %(part)s) AS done
"""
_KEEP = """
    WITH kept AS (
        INSERT INTO collect_results (run, part, worker, body)
        SELECT id, %(part)s, %(worker)s, %(body)s FROM collect_runs WHERE id = %(run)s FOR KEY SHARE
        ON CONFLICT DO NOTHING
        RETURNING part
    )
    SELECT pg_notify(%(channel)s, part) FROM kept
"""
# One statement, so that two workers that look at once do not deliver the same job twice.
_REDELIVER = """
    WITH stalled AS (
        SELECT job.id, job.attempts
          FROM procrastinate_jobs job LEFT JOIN procrastinate_workers worker ON worker.id = job.worker_id
         WHERE job.status = 'doing'
           AND (worker.id IS NULL OR worker.last_heartbeat < now() - make_interval(secs => %(silence)s))
           AND job.attempts < %(most)s
           FOR UPDATE OF job SKIP LOCKED
    ), again AS (
        SELECT id, attempts, procrastinate_retry_job_v2(id, now(), NULL, NULL, NULL)::text AS done FROM stalled
    )
    SELECT id, attempts, done, pg_notify('procrastinate_queue_v1#' || %(queue)s,
           json_build_object('type', 'job_inserted', 'job_id', id)::text)::text AS told FROM again
"""
_DEADLY = """
    SELECT job.id, job.args
      FROM procrastinate_jobs job LEFT JOIN procrastinate_workers worker ON worker.id = job.worker_id
     WHERE job.status = 'doing' AND job.attempts >= %(most)s
       AND (worker.id IS NULL OR worker.last_heartbeat < now() - make_interval(secs => %(silence)s))
"""
_BURY = "DELETE FROM procrastinate_jobs WHERE id = %(id)s"
# Those that were called off while they were read; all others are deleted by whoever ends them.
_ENDED = "DELETE FROM procrastinate_jobs WHERE status NOT IN ('todo', 'doing')"
_ORPHANED = """
    WITH gone AS (
        DELETE FROM collect_runs WHERE beat < now() - make_interval(secs => %(orphan)s) RETURNING id
    ), jobs AS (
        DELETE FROM procrastinate_jobs USING gone WHERE status = 'todo' AND args ->> 'run' = gone.id
    )
    SELECT id FROM gone
"""


@dataclass(frozen=True, slots=True)
class Told:
    """Who is told of each job: when it begins (1) and when it ended (-1), how, and after how many seconds."""

    running: Callable[[int], None]
    ended: Callable[[str, float], None]


class Engine:
    """One worker's end of the queue. All of it runs in one event loop, but for what the reader reads."""

    def __init__(self, place: Place, pace: Pace, name: str, concurrency: int) -> None:
        self._pace, self._name, self._concurrency = pace, name, concurrency
        self._threads = ThreadPoolExecutor(concurrency, thread_name_prefix="order")
        connector = PsycopgConnector(
            kwargs=dict(place.arguments), min_size=1, max_size=_CONNECTIONS, pool_factory=_unchecked
        )
        self.app = App(connector=connector)
        self._connector = connector

    async def work(self, reader: Reader, told: Told, grace: float) -> None:
        """Do jobs until cancelled. What is not done `grace` seconds after that is given back to the queue."""

        async def read(context: JobContext, /, **order: Any) -> None:
            await self._read(Order(**order), reader, told, again=context.job.attempts > 0)

        if TASK not in self.app.tasks:
            retry = GiveBack(self._pace.deliveries)
            self.app.task(name=TASK, queue=QUEUE, retry=retry, pass_context=True)(read)
        await self.app.run_worker_async(
            queues=[QUEUE],
            name=self._name,
            concurrency=self._concurrency,
            fetch_job_polling_interval=self._pace.poll,
            abort_job_polling_interval=self._pace.poll,
            shutdown_graceful_timeout=grace,
            delete_jobs="always",
            install_signal_handlers=False,
            update_heartbeat_interval=self._pace.beat,
            stalled_worker_timeout=self._pace.silence,
        )

    async def sweep(self) -> None:
        """Deliver again what the dead had, end what nobody survives, and let go of runs that nobody waits for."""
        most = {"silence": self._pace.silence, "most": self._pace.deliveries - 1}
        for job in await self._connector.execute_query_all_async(_REDELIVER, queue=QUEUE, **most):
            _log.warning(
                "A job is delivered again: its worker died.",
                extra={"job": job["id"], "deliveries": job["attempts"] + 2},
            )
        for job in await self._connector.execute_query_all_async(_DEADLY, **most):
            detail = f"{self._pace.deliveries} workers died while they read it: see what it takes, such as memory"
            answer = Answer(self._name, error=(GapReason.TIMEOUT, detail, None, None))
            await self._keep(Order(**job["args"]), written(answer))
            await self._connector.execute_query_async(_BURY, id=job["id"])
        await self._connector.execute_query_async(_ENDED)
        for run in await self._connector.execute_query_all_async(_ORPHANED, orphan=self._pace.orphan):
            _log.info("A run is over: who asked for it is silent.", extra={"run": run["id"]})

    async def take(self, statement: Any, **arguments: Any) -> dict[str, Any]:
        """One row."""
        row: dict[str, Any] = await self._connector.execute_query_one_async(statement, **arguments)
        return row

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _read(self, order: Order, reader: Reader, told: Told, *, again: bool) -> None:
        loop = asyncio.get_running_loop()
        began, outcome = loop.time(), "failed"
        told.running(1)
        try:
            with bound_contextvars(run=order.run, part=order.part):
                if again and await self._is_superfluous(order):
                    outcome = "superfluous"
                else:
                    outcome = await self._answered(order, reader)
        except asyncio.CancelledError:
            outcome = "given_back"
            raise
        finally:
            told.running(-1)
            told.ended(outcome, loop.time() - began)

    async def _is_superfluous(self, order: Order) -> bool:
        """Whether who had it before did it all the same, or nobody waits for it any more."""
        standing = await self.take(_STANDING, run=order.run, part=order.part)
        return bool(standing["done"]) or not standing["underway"]

    async def _answered(self, order: Order, reader: Reader) -> str:
        context = contextvars.copy_context()
        reading = asyncio.get_running_loop().run_in_executor(self._threads, context.run, lambda: _answer(order, reader))
        try:
            outcome, body = await asyncio.shield(reading)
        except asyncio.CancelledError:
            reader.cancel(order.run)
            await asyncio.wait([reading])
            # It was asked for what became of it, so nobody complains that nobody did.
            reading.exception()
            raise
        await self._keep(order, body)
        return outcome

    async def _keep(self, order: Order, body: bytes) -> None:
        await self._connector.execute_query_all_async(
            _KEEP, run=order.run, part=order.part, worker=self._name, body=body, channel=channel(order.run)
        )


def _unchecked(**arguments: Any) -> AsyncConnectionPool:
    """The engine would ask every connection whether it is alive before it asks what it wants to know. Where one is not, the
    worker begins anew."""
    return AsyncConnectionPool(**{**arguments, "check": None})


class GiveBack(BaseRetryStrategy):
    """What was stopped, or could not be kept, is delivered again: at once, or when the database may be well again."""

    def __init__(self, deliveries: int) -> None:
        self._deliveries = deliveries

    def get_retry_decision(self, *, exception: BaseException, job: Queued) -> RetryDecision | None:
        if isinstance(exception, asyncio.CancelledError | JobAborted | CollectCancelled):
            return RetryDecision()
        return RetryDecision(retry_in={"seconds": 1}) if job.attempts < self._deliveries - 1 else None


def _answer(order: Order, reader: Reader) -> tuple[str, bytes]:
    answer = reader.read(order)
    try:
        body = written(answer)
    except ValueError as error:
        # As the store would say it where threads read: nothing that JSON cannot say can be kept.
        answer = Answer(answer.worker, error=(GapReason.MALFORMED, f"what was read is not JSON: {error}", None, None))
        body = written(answer)
    _log.info("A part was read.", extra={"items": len(answer.items), "bytes": len(body)})
    return ("refused" if answer.refused else "done"), body


def quiet(level: int = logging.WARNING) -> None:
    """The engine tells of every job in lines of its own, which say less than ours."""
    logging.getLogger("procrastinate").setLevel(level)


def described(error: BaseException) -> str:
    """What went wrong with the database, without the engine's wrapping."""
    cause = error.__cause__ or error
    return (str(cause).strip() or type(cause).__name__).splitlines()[0]
