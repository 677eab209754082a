"""What people do about findings: acknowledge, waive, revoke. Each is recorded, with what is told of it, at once or not at all.

The command line, the page and Slack all come here, so that a finding's history reads the same whoever acted where.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING, Protocol

from auditor.errors import AuditorError
from auditor.life import Event, StoredFinding, reopened
from auditor.model import Severity, Status
from auditor.notices import Change, Happening, Telling
from auditor.store.errors import ConflictError, NotFoundError
from auditor.waivers import LONGEST, Waiver, covers, days, finder, in_force, moment, told, values_digest, waiver_id

if TYPE_CHECKING:
    from auditor.model import Audit
    from auditor.notices import Topic
    from auditor.notify import Teller

_TRIES = 5
_Pair = tuple[str, str]
_Turn = Callable[[StoredFinding], StoredFinding | None]
_TOLD = {
    Status.ACKNOWLEDGED: Happening.ACKNOWLEDGED,
    Status.WAIVED: Happening.WAIVED,
    Status.OPEN: Happening.REOPENED,
}


class ActError(AuditorError):
    """What a person asked for cannot be done. The text says why, and what can."""


class Acting(Protocol):
    """What acting needs of the store."""

    def finding(self, fingerprint: str) -> StoredFinding: ...

    def findings(
        self,
        left: str | None = None,
        right: str | None = None,
        *,
        status: Collection[Status] | None = None,
        severity: Severity | None = None,
    ) -> tuple[StoredFinding, ...]: ...

    def waivers(self) -> tuple[Waiver, ...]: ...

    def revoke_waiver(self, waiver_id: str, at: datetime, actor: str) -> Waiver: ...

    def topics(self, left: str, right: str) -> tuple[tuple[Topic, tuple[str, ...]], ...]: ...

    def last_audit(self, left: str, right: str) -> Audit | None: ...

    def record_acts(
        self,
        left: str,
        right: str,
        updated: Sequence[StoredFinding],
        events: Sequence[Event],
        telling: Telling = ...,
        waivers: Sequence[Waiver] = (),
    ) -> None: ...


def acknowledge(
    store: Acting,
    fingerprints: Sequence[str],
    actor: str,
    now: datetime,
    note: str = "",
    teller: Teller | None = None,
) -> tuple[StoredFinding, ...]:
    """Somebody knows of these findings and looks after them: silent until they are gone, or get worse.

    Returns them as they are now; one that was acknowledged before stays as it was. Fingerprints may be shortened.
    Raises ActError for one that is unknown, resolved or waived; then nothing is recorded.
    """
    _require(actor, "who acknowledges it")

    def turn(stored: StoredFinding) -> StoredFinding | None:
        _require_unresolved(stored)
        if stored.status is Status.WAIVED:
            raise ActError(f"{_short(stored)} is waived already: revoke the waiver first (`audit waivers` lists it)")
        return None if stored.status is Status.ACKNOWLEDGED else replace(stored, status=Status.ACKNOWLEDGED)

    found = _found(store, fingerprints)
    recorder = _Recorder(store, actor.strip(), note.strip() or "acknowledged", now, teller)
    changed = recorder.record(found, lambda _left, _right: turn)
    return tuple(changed.get(stored.fingerprint, stored) for stored in found)


def waive(
    store: Acting,
    fingerprints: Sequence[str],
    owner: str,
    reason: str,
    now: datetime,
    lasts: timedelta | datetime,
    origin: str,
    bind_values: bool = False,
    longest: timedelta = LONGEST,
    teller: Teller | None = None,
    actor: str = "",
) -> Waiver:
    """Tolerate these findings for a time, or until a time: they are waived at once, and audits keep them so.

    With `bind_values` only for as long as their values are what they are now, which has to be the same of all of them.
    `longest` is how long a waiver may last, counted to the end of the day. `actor` is who does it, where that may be
    somebody else than the owner who answers for it. Raises ActError for a finding that is unknown or resolved, an empty
    owner or reason, and a time that is over or too far; then nothing is recorded.
    """
    _require(owner, "who answers for it")
    _require(reason, "why it is tolerated")
    until = lasts if isinstance(lasts, datetime) else _later(now, lasts)
    _require_time(until, now, longest)
    found = _found(store, fingerprints)
    bound = {values_digest(stored.breach) for stored in found} if bind_values else {None}
    if len(bound) > 1:
        raise ActError("the findings have different values: waive them one by one to bind each to its own")
    pairs = {_pair(stored) for stored in found}
    left, right = pairs.pop() if len(pairs) == 1 else (None, None)
    waiver = Waiver(
        id="",
        owner=owner.strip(),
        reason=reason.strip(),
        created_at=now,
        expires_at=until,
        origin=origin,
        fingerprints=tuple(sorted({stored.fingerprint for stored in found})),
        left=left,
        right=right,
        values=bound.pop(),
    )
    # Another decision about the same findings is another waiver; the same one sent twice is not.
    waiver = replace(waiver, id=waiver_id(waiver, waiver.reason, origin, now.isoformat(), until.isoformat()))

    def turn(stored: StoredFinding) -> StoredFinding | None:
        _require_unresolved(stored)
        if bind_values and values_digest(stored.breach) != waiver.values:
            raise ActError(f"the values of {_short(stored)} have just changed: look at it again")
        return replace(stored, status=Status.WAIVED)

    doer = actor.strip() or waiver.owner
    why = told(waiver) if doer == waiver.owner else f"{told(waiver)}, in the name of {waiver.owner}"
    recorder = _Recorder(store, doer, why, now, teller)
    recorder.record(found, lambda _left, _right: turn, (waiver,))
    return waiver


def revoke(
    store: Acting,
    waiver: str,
    actor: str,
    now: datetime,
    written: Sequence[Waiver] = (),
    teller: Teller | None = None,
) -> Waiver:
    """Take a waiver back, by its id or the beginning of it; what nothing else covers is open again at once.

    `written` are those of the waiver file, which only the file can take back. To revoke one again changes nothing.
    Raises ActError for one that is unknown, ambiguous, expired, or written in the file.
    """
    _require(actor, "who revokes it")
    given = _known(waiver, store.waivers(), written)
    if not in_force(given, now) and given.revoked_at is None:
        raise ActError(f"the waiver {given.id} expired on {moment(given.expires_at)}: there is nothing to revoke")
    given = store.revoke_waiver(given.id, now, actor.strip())

    def turns(left: str, right: str) -> _Turn:
        tolerated = finder([*written, *store.waivers()], left, right, now)

        def turn(stored: StoredFinding) -> StoredFinding | None:
            if stored.status is not Status.WAIVED or tolerated(stored.breach) is not None:
                return None
            return reopened(stored, now)

        return turn

    waived = store.findings(given.left, given.right, status=[Status.WAIVED])
    concerned = [stored for stored in waived if covers(given, *_pair(stored), stored.breach)]
    _Recorder(store, actor.strip(), f"the waiver of {given.owner} was revoked", now, teller).record(concerned, turns)
    return given


class _Recorder:
    """Records one act: a transaction for each pair that it concerns, with its events and what is told of it."""

    def __init__(self, store: Acting, actor: str, reason: str, now: datetime, teller: Teller | None) -> None:
        self._store, self._actor, self._reason, self._now, self._teller = store, actor, reason, now, teller

    def record(
        self,
        found: Iterable[StoredFinding],
        turns: Callable[[str, str], _Turn],
        waivers: Sequence[Waiver] = (),
    ) -> Mapping[str, StoredFinding]:
        """Those that changed, by fingerprint. A turn gives the finding as it becomes, None where it stays as it is."""
        by_pair: dict[_Pair, list[StoredFinding]] = defaultdict(list)
        for stored in found:
            by_pair[_pair(stored)].append(stored)
        for pair, members in by_pair.items():
            turn = turns(*pair)
            for stored in members:
                # What cannot be done for one finding of one pair is not done for any of another.
                turn(stored)
        changed: dict[str, StoredFinding] = {}
        for pair, members in sorted(by_pair.items()):
            changed |= self._of_pair(pair, members, turns, waivers)
        return changed

    def _of_pair(
        self,
        pair: _Pair,
        members: Sequence[StoredFinding],
        turns: Callable[[str, str], _Turn],
        waivers: Sequence[Waiver],
    ) -> dict[str, StoredFinding]:
        attempt, before = 1, list(members)
        while True:
            turn = turns(*pair)
            after = {stored.fingerprint: changed for stored in before if (changed := turn(stored)) is not None}
            if not after:
                return after
            events = [
                self._event(stored, after[stored.fingerprint]) for stored in before if stored.fingerprint in after
            ]
            telling = self._telling(pair, after.values())
            try:
                self._store.record_acts(*pair, list(after.values()), events, telling, waivers)
            except ConflictError:
                # An audit or another person was faster: decide again on what is known now.
                if attempt == _TRIES:
                    raise
                attempt, before = attempt + 1, [self._store.finding(stored.fingerprint) for stored in members]
                continue
            return after

    def _event(self, before: StoredFinding, after: StoredFinding) -> Event:
        return Event(after.fingerprint, self._now, None, self._actor, before.status, after.status, self._reason)

    def _telling(self, pair: _Pair, changed: Iterable[StoredFinding]) -> Telling:
        changes = [
            Change(_TOLD[stored.status], stored, self._now, self._reason, self._actor)
            for stored in changed
            if stored.status in _TOLD
        ]
        if self._teller is None or not changes:
            return Telling()
        topics, last = self._store.topics(*pair), self._store.last_audit(*pair)
        return self._teller.tell_acts(*pair, changes, topics, self._now, last)


def _found(store: Acting, fingerprints: Sequence[str]) -> list[StoredFinding]:
    """The findings, each once. Raises ActError for one that is not there."""
    if not fingerprints:
        raise ActError("name a finding: its fingerprint, or the beginning of it")
    found: dict[str, StoredFinding] = {}
    for fingerprint in fingerprints:
        try:
            stored = store.finding(fingerprint)
        except NotFoundError as error:
            raise ActError(str(error).removeprefix("store: ")) from error
        found[stored.fingerprint] = stored
    return list(found.values())


def _known(start: str, given: Sequence[Waiver], written: Sequence[Waiver]) -> Waiver:
    found = [waiver for waiver in (*given, *written) if start and waiver.id.startswith(start)]
    found = [waiver for waiver in found if waiver.id == start] or found
    if not found:
        raise ActError(f"there is no waiver {start!r}: `audit waivers` lists them")
    if len(found) > 1:
        raise ActError(f"the waiver {start!r} is ambiguous ({found[0].id}, {found[1].id}): type more of it")
    if found[0] in written:
        raise ActError(f"the waiver {found[0].id} is written in {found[0].origin}: remove it there")
    return found[0]


def _require(text: str, what: str) -> None:
    if not text.strip():
        raise ActError(f"say {what}")


def _require_unresolved(stored: StoredFinding) -> None:
    if stored.status is Status.RESOLVED:
        raise ActError(f"{_short(stored)} is resolved: there is nothing left to tolerate or to look after")


def _later(now: datetime, lasts: timedelta) -> datetime:
    try:
        return now + lasts
    except OverflowError as error:
        raise ActError("a waiver cannot last that long") from error


def _require_time(until: datetime, now: datetime, longest: timedelta) -> None:
    if until <= now:
        raise ActError("the waiver would be over before it begins: name a time to come")
    last = datetime.combine((now + longest).astimezone(UTC).date() + timedelta(days=1), time(), UTC)
    if until > last:
        raise ActError(f"a waiver lasts {days(longest)} at most, so until {moment(last)}; what is to stay is a policy")


def _pair(stored: StoredFinding) -> _Pair:
    return stored.breach.left.environment, stored.breach.right.environment


def _short(stored: StoredFinding) -> str:
    return f"the finding {stored.fingerprint[:8]}"
