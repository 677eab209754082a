"""Repeats in the history: looks that saw the very same as the one before and as the one after.

What lies between the first and the last look of such a stretch says nothing that these two do not: between which looks
something changed stays as it was, and so does what it changed from and to.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice

from sqlalchemy import select
from sqlalchemy.orm import Session

from auditor.store import audits, blobs
from auditor.store.tables import AuditRow, SnapshotManifestRow, SnapshotRow

_PAGE = 1_000


@dataclass(frozen=True, slots=True)
class Seen:
    """One record of a series: what it saw, as something that is equal where the same was seen."""

    id: str
    at: datetime
    saw: Hashable


Series = Sequence[Seen]


def repeats(series: Series, before: datetime) -> list[str]:
    """Those of `series`, which is in order of recording, that are older than `before` and lie within a stretch of the same."""
    return [
        here.id
        for earlier, here, later in zip(series, islice(series, 1, None), islice(series, 2, None), strict=False)
        if here.at < before and earlier.saw == here.saw == later.saw
    ]


def anchor(series: Series, before: datetime) -> str | None:
    """The last one that is older than `before`, where what it saw was still seen by the next one: it says what was so then."""
    for here, later in zip(reversed(series[:-1]), reversed(series), strict=False):
        if here.at < before:
            return here.id if here.saw == later.saw else None
    return None


def snapshots(session: Session) -> dict[str, list[Seen]]:
    """Every snapshot by environment."""
    numbers: dict[Hashable, int] = {}
    found: dict[str, list[Seen]] = defaultdict(list)
    rows = session.execute(
        select(SnapshotRow.id, SnapshotRow.environment, SnapshotRow.taken_at, SnapshotRow.facts).order_by(
            SnapshotRow.sequence, SnapshotRow.id
        )
    ).all()
    for page in blobs.groups(rows, _PAGE):
        manifests: dict[str, list[str]] = defaultdict(list)
        for snapshot, manifest in _links(session, [row.id for row in page]):
            manifests[snapshot].append(manifest)
        for row in page:
            saw = numbers.setdefault((row.facts, *manifests[row.id]), len(numbers))
            found[row.environment].append(Seen(row.id, row.taken_at, saw))
    return dict(found)


def recorded(session: Session, saw: dict[str, list[Seen]], before: datetime) -> dict[tuple[str, str], list[Seen]]:
    """Every audit by pair. Two saw the same where their snapshots did, and all else of them is equal but for when it was."""
    contents = {seen.id: seen.saw for series in saw.values() for seen in series}
    found: dict[tuple[str, str], list[Seen]] = defaultdict(list)
    shown = (AuditRow.findings, AuditRow.complete, AuditRow.score, AuditRow.coverage)
    names = (AuditRow.id, AuditRow.left_environment, AuditRow.right_environment, AuditRow.finished_at)
    looks = (AuditRow.left_snapshot, AuditRow.right_snapshot)
    for row in session.execute(select(*names, *looks, *shown).order_by(AuditRow.sequence, AuditRow.id)):
        same = (contents.get(row.left_snapshot), contents.get(row.right_snapshot), *row[-len(shown) :])
        found[row.left_environment, row.right_environment].append(Seen(row.id, row.finished_at, same))
    # The rest is read of those only that are alike so far, neighbours included.
    alike = {one for series in found.values() for one in _stretches(series, before)}
    rest = audits.rest(session, sorted(alike))
    return {
        pair: [replace(seen, saw=(seen.saw, rest.get(seen.id, seen.id))) for seen in series]
        for pair, series in found.items()
    }


def _stretches(series: Series, before: datetime) -> Iterator[str]:
    """Repeats, and the ones before and after each."""
    doomed = frozenset(repeats(series, before))
    for place, seen in enumerate(series):
        if seen.id in doomed:
            yield from (one.id for one in series[place - 1 : place + 2])


def _links(session: Session, ids: Iterable[str]) -> Iterator[tuple[str, str]]:
    for chunk in blobs.chunks(ids):
        statement = select(SnapshotManifestRow.snapshot, SnapshotManifestRow.manifest)
        statement = statement.where(SnapshotManifestRow.snapshot.in_(chunk))
        order = (SnapshotManifestRow.snapshot, SnapshotManifestRow.position)
        for row in session.execute(statement.order_by(*order)):
            yield row.snapshot, row.manifest
