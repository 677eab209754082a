"""What the page and the API ask of the store: lists by the page, counts, trends, and what a snapshot holds. Part of `Store`'s face.

Nothing here takes longer because there are more findings that were resolved, or reads more content than it gives.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from auditor.life import Event, StoredFinding
from auditor.model import Category, Resource, Severity, Status
from auditor.store import facets, findings, gauges, inventory, recent, ruled, search, summaries
from auditor.store.database import Database
from auditor.store.days import DayPoint
from auditor.store.days import trend as trend_of
from auditor.store.homes import Homes
from auditor.store.inventory import Inventory, Manifests
from auditor.store.lookup import one
from auditor.store.pulse import pulse
from auditor.store.query import Facets, FindingPage, FindingQuery
from auditor.store.recent import Changed, RecentPage
from auditor.store.saving import Saver
from auditor.store.service import Service
from auditor.store.snapshots import SnapshotInfo, info
from auditor.store.summaries import PairSummary
from auditor.store.tables import SnapshotRow

Pair = tuple[str, str]


class Reading(Service):
    """One method per question, each one transaction."""

    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        super().__init__(database, clock)
        self._manifests = Manifests()
        self._homes = Homes()
        self._saver = Saver(database)

    def search(self, query: FindingQuery, after: str | None = None, limit: int = 50) -> FindingPage:
        """The first `limit` findings that fit `query`; `after` is the `next` of the page before.

        Raises ValueError for an `after` that is none of this list's, and for a `limit` below 1."""
        with self._database.reading() as session:
            return search.page(session, query, after, limit)

    def facets(self, query: FindingQuery) -> Facets:
        """How many unresolved findings each choice of severity, status, category, kind and owner would give."""
        with self._database.reading() as session:
            return facets.facets(session, query)

    def beginning(self, start: str, limit: int) -> tuple[StoredFinding, ...]:
        """The first `limit` findings whose fingerprints begin with `start`, by fingerprint; the one that is just that first."""
        with self._database.reading() as session:
            return findings.beginning(session, start, limit)

    def known(self, fingerprints: Sequence[str]) -> tuple[StoredFinding, ...]:
        """Those of whole fingerprints that are there, resolved ones too, in their order."""
        with self._database.reading() as session:
            return findings.of_fingerprints(session, fingerprints)

    def came_back(self, fingerprints: Collection[str], since: datetime) -> tuple[Event, ...]:
        """The events by which these findings, by whole fingerprints, came back at `since` or later."""
        with self._database.reading() as session:
            return recent.came_back(session, fingerprints, since)

    def rule_counts(self, rules: Iterable[str]) -> Mapping[str, int]:
        """How many findings of each of `rules` (`policy/id`) are not resolved, in all pairs."""
        with self._database.reading() as session:
            return ruled.by_rule(session, rules)

    def counts(self, pairs: Collection[Pair]) -> Mapping[Pair, Mapping[tuple[Category, Severity, Status], int]]:
        """How many findings of each sort are not resolved; of sorts that a pair has none of nothing is said."""
        with self._database.reading() as session:
            found = gauges.unresolved(session, pairs)
        return {pair: found.get(pair, {}) for pair in pairs}

    def pair_summaries(self, pairs: Iterable[Pair]) -> tuple[PairSummary, ...]:
        """The last audit of each of `pairs` in numbers, in their order; pairs that were never audited are left out."""
        with self._database.reading() as session:
            return summaries.pairs(session, pairs)

    def trend(self, pairs: Iterable[Pair], days: int = 30) -> Mapping[Pair, tuple[DayPoint, ...]]:
        """Each pair's last `days` days, today's included, oldest first. Days without an audit are left out."""
        since = (self._clock().astimezone(UTC) - timedelta(days=days - 1)).date()
        with self._database.reading() as session:
            return trend_of(session, pairs, since)

    def recent(
        self,
        since: datetime,
        pairs: Collection[Pair] | None = None,
        limit: int = 50,
        before: str | None = None,
        least: Severity = Severity.INFO,
    ) -> RecentPage:
        """What happened to findings (of `pairs`; None: of any) at `since` or later, each with its finding, newest first.

        Only to those that are at least as severe as `least` now.

        `before` is the `next` of the page before. Raises ValueError where it is none, and for a `limit` below 1."""
        with self._database.reading() as session:
            return recent.page(session, self._homes, since, pairs, limit, before, least)

    def changed(
        self, since: datetime, pairs: Collection[Pair] | None = None, least: Severity = Severity.INFO
    ) -> Mapping[Pair, Changed]:
        """How many findings of each pair were opened, resolved and so on at `since` or later; pairs without are left out.

        Only those count that are at least as severe as `least` now."""
        with self._database.reading() as session:
            return recent.changed(session, self._homes, since, pairs, least)

    def pulse(self) -> str:
        """A short text that is another one once an audit, an event, a snapshot or a waiver was recorded. Very cheap."""
        with self._database.reading() as session:
            return pulse(session)

    def snapshot_info(self, snapshot_id: str) -> SnapshotInfo:
        with self._database.reading() as session:
            return info(one(session, SnapshotRow, SnapshotRow.id, snapshot_id, "snapshot"))

    def listing(self, snapshot_id: str) -> Inventory:
        """A snapshot without the attributes of its resources: no document is read, and no manifest twice."""
        with self._database.reading() as session:
            row = one(session, SnapshotRow, SnapshotRow.id, snapshot_id, "snapshot")
            return inventory.inventory(session, row, self._manifests)

    def resource(
        self, snapshot_id: str, kind: str, identity: str, source: str | None = None, region: str | None = None
    ) -> Resource:
        """One resource as a snapshot holds it. Raises NotFoundError where it does not, or where several are called so.

        None of `source` and `region` asks for any; of several regions the one without a name is preferred."""
        with self._database.reading() as session:
            row = one(session, SnapshotRow, SnapshotRow.id, snapshot_id, "snapshot")
            return inventory.resource(session, row, self._manifests, kind, identity, source, region)
