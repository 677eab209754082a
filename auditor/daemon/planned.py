"""What the configuration asks to be done by the clock, and when the store says that it was last done."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from auditor.config import Config
    from auditor.store import Store


class Task(StrEnum):
    """What a job does."""

    AUDIT = "audit"
    SNAPSHOT = "snapshot"
    DIGEST = "digest"


@dataclass(frozen=True, slots=True)
class Planned:
    """One job: a pair to audit (`subject` is left and right), an environment to observe, or a publisher's digest.

    `schedule` is as it is written, `zone` the name of the time zone that it is read in.
    """

    task: Task
    subject: tuple[str, ...]
    schedule: str
    zone: str
    jitter: timedelta = timedelta(0)

    @property
    def id(self) -> str:
        return ":".join((self.task, *self.subject))


def planned(config: Config) -> dict[str, Planned]:
    """Every job that the configuration asks for, by its id."""
    common = config.scheduling
    jobs = [
        Planned(Task.AUDIT, (pair.left, pair.right), pair.schedule, common.timezone, common.jitter)
        for pair in config.pairs
        if pair.schedule is not None
    ]
    jobs += [
        Planned(Task.SNAPSHOT, (name,), schedule, common.timezone, common.jitter)
        for name, schedule in config.schedules.items()
    ]
    slack = config.publish.slack
    if slack is not None and slack.digest is not None:
        jobs.append(Planned(Task.DIGEST, ("slack",), slack.digest.schedule, slack.digest.timezone))
    return {job.id: job for job in jobs}


def last_done(store: Store, job: Planned) -> datetime | None:
    """When it was last begun, by the schedule or by hand; None where it never was. Raises StoreError."""
    match job.task:
        case Task.AUDIT:
            audits = store.audits(job.subject[0], job.subject[1], limit=1)
            return audits[0].started_at if audits else None
        case Task.SNAPSHOT:
            snapshots = store.snapshots(job.subject[0], limit=1)
            return snapshots[0].taken_at if snapshots else None
        case Task.DIGEST:
            told = store.recall(_key(job))
            return datetime.fromisoformat(told) if told else None


def note_done(store: Store, job: Planned, began: datetime) -> None:
    """Remember of a digest when it was done; audits and snapshots are remembered anyway. Raises StoreError."""
    if job.task is Task.DIGEST:
        store.remember(_key(job), began.isoformat())


def _key(job: Planned) -> str:
    return f"job:{job.id}"
