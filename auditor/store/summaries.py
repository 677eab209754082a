"""What gauges show of snapshots and audits, kept in small rows when these are stored, so that no scrape reads content.

A row holds only what was recorded last of its environment or pair, so an unchanged environment costs no further storage.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter

from sqlalchemy import select
from sqlalchemy.orm import Session

from auditor.codec import canonical, decode, encode
from auditor.deployed import deployed
from auditor.gauges import Deployed
from auditor.model import Audit, Category, GapReason, Snapshot, Tally
from auditor.store import blobs, days, snapshots
from auditor.store.database import Database, in_turn
from auditor.store.tables import CollectorSuccessRow, PairSummaryRow, SnapshotRow, SnapshotSummaryRow

# How far back a database that was made before there were summaries is searched for each collector's last success.
_LOOK_BACK = 200
_KIND, _SOURCE = attrgetter("kind"), attrgetter("source")


@dataclass(frozen=True, slots=True)
class Summary:
    """A snapshot in numbers: resources by kind, gaps by reason, and what is deployed.

    `told_by` is the digest of all that tells what is deployed, "" where that is not known."""

    resources: Mapping[str, int]
    gaps: Mapping[GapReason, int]
    deployed: tuple[Deployed, ...] = ()
    told_by: str = ""


@dataclass(frozen=True, slots=True)
class PairSummary:
    """What is known of a pair without reading an audit: its last one, in numbers.

    `audit` is its id, None where that is not known any more. `last_complete` is when one was last complete.
    `complete`, `gaps`, `score`, `scores`, `coverage` and `tallies` are the last one's, as in `Audit`."""

    left: str
    right: str
    audit: str | None
    last_audit: datetime
    last_complete: datetime | None
    complete: bool
    gaps: int
    score: float | None
    coverage: float
    scores: Mapping[Category, float]
    tallies: Mapping[Category, Tally]


@dataclass(frozen=True, slots=True)
class _Tallies:
    tallies: Mapping[Category, Tally]


def keep_snapshot(session: Session, snapshot: Snapshot, running: tuple[Deployed, ...], told_by: str = "") -> None:
    """Summarise `snapshot`, which is the last of its environment; no other one may be saved at the same time.

    `running` is what it says is deployed, `told_by` the digest of all that tells it."""
    summarised = Summary(
        resources=Counter(map(_KIND, snapshot.resources)),
        gaps=Counter(gap.reason for gap in snapshot.gaps),
        deployed=running,
        told_by=told_by,
    )
    row = {
        "environment": snapshot.environment,
        "snapshot": snapshot.id,
        "taken_at": snapshot.taken_at,
        "body": blobs.pack(encode(summarised)),
    }
    blobs.upsert(session, SnapshotSummaryRow, row)
    for collector in sorted(successful(snapshot)):
        _succeeded(session, snapshot.environment, collector, snapshot.taken_at)


def running(session: Session, environment: str) -> tuple[str, tuple[Deployed, ...]] | None:
    """What the last snapshot of an environment says is deployed, and what it is told by; None where that is not known."""
    row = session.get(SnapshotSummaryRow, environment)
    found = summary(row) if row is not None else None
    return (found.told_by, found.deployed) if found is not None and found.told_by else None


def successful(snapshot: Snapshot) -> frozenset[str]:
    """The collectors that read everything they are asked for: they read something, and left no gap in any source."""
    return _read(snapshot) - frozenset(_collector(gap.source) for gap in snapshot.gaps)


def keep_audit(session: Session, audit: Audit) -> None:
    """Summarise `audit`, which is the last of its pair; no other one may be recorded at the same time."""
    scores = {category.value: score for category, score in audit.scores.items()}
    row = {
        "left_environment": audit.left,
        "right_environment": audit.right,
        "last_audit": audit.finished_at,
        "score": audit.score,
        "coverage": audit.coverage.ratio,
        "scores": canonical(scores).decode("ascii"),
        "tallies": canonical(encode(_Tallies(audit.tallies))["tallies"]).decode("ascii"),
        "audit": audit.id,
        "complete": audit.complete,
        "gaps": len(audit.gaps),
    }
    if audit.complete:
        row["last_complete"] = audit.finished_at
    blobs.upsert(session, PairSummaryRow, row)
    days.keep(session, audit)


def pairs(session: Session, wanted: Iterable[tuple[str, str]]) -> tuple[PairSummary, ...]:
    """Those of `wanted` that were ever audited, in their order."""
    found = {(row.left_environment, row.right_environment): row for row in session.scalars(select(PairSummaryRow))}
    return tuple(_pair(found[pair]) for pair in wanted if pair in found)


def _pair(row: PairSummaryRow) -> PairSummary:
    return PairSummary(
        left=row.left_environment,
        right=row.right_environment,
        audit=row.audit,
        last_audit=row.last_audit,
        last_complete=row.last_complete,
        complete=row.complete,
        gaps=row.gaps,
        score=row.score,
        coverage=row.coverage,
        scores=scores(row),
        tallies=decode(_Tallies, {"tallies": json.loads(row.tallies)}).tallies,
    )


def scores(row: PairSummaryRow) -> dict[Category, float]:
    return {Category(name): float(score) for name, score in json.loads(row.scores).items()}


def summary(row: SnapshotSummaryRow) -> Summary:
    return decode(Summary, json.loads(blobs.decompress(row.body)))


def unsummarised(session: Session, environments: Iterable[str]) -> tuple[str, ...]:
    """Those of `environments`, which have no summary, that have a snapshot: it was saved before there were summaries."""
    return tuple(name for name in environments if _newest(session, name, 1))


def catch_up(session: Session, database: Database, environment: str) -> None:
    """Summarise the newest snapshot, and look in the older ones for when each of its collectors last succeeded."""
    in_turn(session, "snapshots", environment)
    if session.get(SnapshotSummaryRow, environment) is not None:
        # One was saved meanwhile.
        return
    missing: set[str] = set()
    for place, row in enumerate(_newest(session, environment, _LOOK_BACK)):
        snapshot = snapshots.load(session, row, database)
        if place == 0:
            keep_snapshot(session, snapshot, deployed(snapshot.resources, ()))
            missing = set(_read(snapshot)) | {_collector(gap.source) for gap in snapshot.gaps}
        found = successful(snapshot) & missing
        for collector in sorted(found):
            _succeeded(session, environment, collector, snapshot.taken_at)
        missing -= found
        if not missing:
            return


def _succeeded(session: Session, environment: str, collector: str, at: datetime) -> None:
    row = {"environment": environment, "collector": collector, "at": at}
    blobs.upsert(session, CollectorSuccessRow, row)


def _newest(session: Session, environment: str, limit: int) -> list[SnapshotRow]:
    return list(session.scalars(snapshots.newest_first(environment).limit(limit)))


def _read(snapshot: Snapshot) -> frozenset[str]:
    """The collectors that read anything: a complete listing, even of nothing, or a resource."""
    sources = {listing.source for listing in snapshot.listings} | set(map(_SOURCE, snapshot.resources))
    return frozenset(_collector(source) for source in sources)


def _collector(source: str) -> str:
    """`aws` of `aws:111122223333`: every source's label begins with its collector's name."""
    return source.partition(":")[0]
