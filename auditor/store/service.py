"""What the running service asks of the store: its outbox, waivers, leases, memory and gauges. Part of `Store`'s face."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from auditor.gauges import Gauges
from auditor.model import Json
from auditor.notices import Conversation, Delivery, Queued, Topic
from auditor.store import leases, memory, outbox, summaries
from auditor.store import waivers as waiving
from auditor.store.credentials import Credentials
from auditor.store.database import Database
from auditor.store.gauges import Reader
from auditor.store.leases import Lease
from auditor.store.lookup import one
from auditor.store.tables import NoticeRow, WaiverRow
from auditor.waivers import Waiver

_WRITTEN = "store:written"


class Service(Credentials):
    """One method per question, each one transaction."""

    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        super().__init__(database, clock)
        self._gauges = Reader()

    def waivers(self) -> tuple[Waiver, ...]:
        """Every waiver a person ever made, by when it expires; revoked and expired ones too."""
        with self._database.reading() as session:
            return waiving.listed(session)

    def revoke_waiver(self, waiver_id: str, at: datetime, actor: str) -> Waiver:
        """Take a waiver back, and return it as it then is. One that was taken back before stays as it was."""
        with self._database.writing() as session:
            return waiving.revoke(one(session, WaiverRow, WaiverRow.id, waiver_id, "waiver"), at, actor)

    def topics(self, left: str, right: str) -> tuple[tuple[Topic, tuple[str, ...]], ...]:
        """The pair's topics that are not closed, the oldest first, each with the fingerprints that belong to it."""
        with self._database.reading() as session:
            return outbox.topics(session, left, right)

    def conversation(self, topic_id: str) -> Conversation:
        """A topic with its findings as they are now; one about gaps with those of the pair's last audit."""
        with self._database.reading() as session:
            return outbox.conversation(session, topic_id)

    def due_notices(self, now: datetime, limit: int = 100) -> tuple[Queued, ...]:
        """What may be sent now, at most `limit`, in order of `sequence`; of each target the first ones that wait.

        Per target the order is kept: where sending one failed and it waits for its next try, none after it is given.
        So stop with a target at the first notice that is not delivered, and ask again. What quiet hours hold back holds
        back nothing else, but for later notices of its topic: they wait for the topic's first one, because they refer to
        it. They wait only while it is pending; once it has failed for good they are given all the same, and the topic
        then has no reference: they have to stand alone."""
        with self._database.reading() as session:
            return outbox.due(session, now, limit)

    def begin_attempt(self, notice_id: str, now: datetime, attempts: int) -> bool:
        """Claim a pending notice just before sending it. `attempts` is what `Queued` said.

        False: somebody else began since, or it is pending no more; do not send it then."""
        with self._database.writing() as session:
            return outbox.begin(session, notice_id, now, attempts)

    def end_attempt(
        self,
        notice_id: str,
        now: datetime,
        *,
        attempts: int | None = None,
        reference: Json | None = None,
        error: str | None = None,
        permanent: bool = False,
        next_at: datetime | None = None,
        doubt: bool = False,
    ) -> bool:
        """Say how an attempt ended, and return whether that counts. Without `error` the far side has the notice and calls it `reference`.

        The reference of a topic's first notice becomes the topic's. With `error` it waits until `next_at`; `permanent`
        gives it up. With `doubt` the far side may have it nevertheless, so `Queued.ended` stays false. What was delivered
        stays delivered, whoever says otherwise later. `attempts` is how many had begun with this one: the late failure of
        an attempt after which another one began says nothing of that one, and does not count."""
        with self._database.writing() as session:
            if error is None:
                outbox.delivered(session, notice_id, now, reference)
                return True
            return outbox.refused(
                session, notice_id, error, attempts=attempts, permanent=permanent, next_at=next_at, doubt=doubt
            )

    def notices(self, state: Delivery | None = None, limit: int | None = None) -> tuple[Queued, ...]:
        """Notices, newest first."""
        with self._database.reading() as session:
            return outbox.listed(session, state, limit)

    def requeue_notice(self, notice_id: str, now: datetime) -> None:
        """Let a notice that was given up be sent again, as if it never had been tried. It keeps its place in the order.

        One that is pending stays as it is. Raises StoreError for one that was delivered."""
        with self._database.writing() as session:
            outbox.requeue(one(session, NoticeRow, NoticeRow.id, notice_id, "notice"), now)

    def acquire_lease(self, name: str, holder: str) -> bool:
        """Whether `holder` has the lease now: nobody had it, or it had it already."""
        with self._database.writing() as session:
            return leases.acquire(session, name, holder)

    def lease(self, name: str) -> Lease | None:
        with self._database.reading() as session:
            return leases.read(session, name)

    def beat_lease(self, name: str, holder: str) -> bool:
        """Show that `holder` lives. False: it does not have the lease any more."""
        with self._database.writing() as session:
            return leases.beat(session, name, holder)

    def steal_lease(self, name: str, holder: str, seen: Lease) -> bool:
        """Take over a lease that still is just as it was `seen`. False: it is not; its holder lives, or it is gone."""
        with self._database.writing() as session:
            return leases.steal(session, name, holder, seen)

    def release_lease(self, name: str, holder: str) -> None:
        """Give the lease back, if `holder` still has it."""
        with self._database.writing() as session:
            leases.release(session, name, holder)

    def recall(self, key: str) -> Json | None:
        """What was last remembered under `key`; None where there is nothing."""
        with self._database.reading() as session:
            return memory.recall(session, key)

    def remember(self, key: str, value: Json) -> None:
        with self._database.writing() as session:
            memory.remember(session, key, value)

    def check_writing(self) -> None:
        """A small write, and slow where another writer is. Raises StoreError when the database takes none.

        A full disk and a database that turned read-only are not seen by reading: `check` finds nothing wrong."""
        with self._database.writing() as session:
            memory.count(session, _WRITTEN)

    def gauges(
        self, pairs: Sequence[tuple[str, str]], environments: Mapping[str, Sequence[str]], now: datetime
    ) -> Gauges:
        """The numbers of these pairs and environments as they are stored; `environments` maps each to its collectors.

        Reads small rows and indexes only. What the snapshots of an older version's database lack is made up for once."""
        with self._database.reading() as session:
            found = self._gauges.read(session, pairs, environments, now)
            unseen = [gauges.environment for gauges in found.environments if gauges.taken_at is None]
            missing = summaries.unsummarised(session, unseen)
        if not missing:
            return found
        for environment in missing:
            with self._database.writing() as session:
                summaries.catch_up(session, self._database, environment)
        with self._database.reading() as session:
            return self._gauges.read(session, pairs, environments, now)
