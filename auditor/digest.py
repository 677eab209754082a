"""The regular summary: how every pair stands, what came and went since the last one, and what is about to end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Protocol

from auditor.codec import encode
from auditor.life import Event, StoredFinding
from auditor.model import Audit, Gap, Json, Severity, Status
from auditor.notices import Notice, NoticeKind, Telling, stable_id
from auditor.ordering import order
from auditor.waivers import Waiver, WaiverState, state

if TYPE_CHECKING:
    from auditor.audiences import Audience
    from auditor.config import Config
    from auditor.notify import Teller

_OPEN = frozenset({Status.OPEN, Status.REGRESSED})
_UNRESOLVED = (*_OPEN, Status.PENDING, Status.ACKNOWLEDGED, Status.WAIVED)
_MOST = 5
_FLAPS_FROM = 3
_FLAPPING_WITHIN = timedelta(days=7)
# What the first digest looks back on.
_FIRST = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class PairDigest:
    """One pair. What is of its last audit is None or empty where there was none.

    open         findings that are open or came back, by severity; none of the others
    aside        pending, acknowledged and waived ones
    new, regressed, resolved   what happened since the last digest; one finding counts once each
    score_before as it was in the last digest, None where there was none
    worst        at most five of the open ones, the most severe and then the oldest first
    oldest       of the open ones, by when it was opened
    flapping     unresolved ones that came back three times or more within seven days; at most five
    gaps         what the last audit could not observe
    """

    left: str
    right: str
    audited_at: datetime | None = None
    complete: bool = False
    score: float | None = None
    score_before: float | None = None
    coverage: float | None = None
    open: Mapping[Severity, int] | None = None
    aside: int = 0
    new: int = 0
    regressed: int = 0
    resolved: int = 0
    worst: tuple[StoredFinding, ...] = ()
    oldest: StoredFinding | None = None
    flapping: tuple[StoredFinding, ...] = ()
    gaps: tuple[Gap, ...] = ()


@dataclass(frozen=True, slots=True)
class Digest:
    """Every configured pair from `since` (the last digest) until `at`.

    expiring   people's waivers that expire soon, the next first
    """

    since: datetime
    at: datetime
    pairs: tuple[PairDigest, ...]
    expiring: tuple[Waiver, ...] = ()


class Remembering(Protocol):
    """What a digest needs of the store."""

    def findings(
        self, left: str | None = None, right: str | None = None, *, status: Collection[Status] | None = None
    ) -> tuple[StoredFinding, ...]: ...

    def last_audit(self, left: str, right: str) -> Audit | None: ...

    def last_changes(self, left: str, right: str, since: datetime) -> tuple[Event, ...]: ...

    def waivers(self) -> tuple[Waiver, ...]: ...

    def recall(self, key: str) -> Json | None: ...

    def remember(self, key: str, value: Json) -> None: ...

    def record_acts(
        self,
        left: str,
        right: str,
        updated: Sequence[StoredFinding],
        events: Sequence[Event],
        telling: Telling = ...,
    ) -> None: ...


def post_digest(
    store: Remembering,
    config: Config,
    teller: Teller | None,
    now: datetime,
    waivers: Iterable[Waiver] = (),
) -> bool:
    """Put a digest of the configured pairs into the outbox for everybody who wants one; whether there was any.

    At most one a day, in the zone of its schedule. `waivers` are those of the reviewed file; people's are read from the
    store. Safe to repeat after a crash.
    """
    pairs = [(pair.left, pair.right) for pair in config.pairs]
    waivers = tuple(waivers)
    posted = False
    for audience in teller.audiences if teller is not None and pairs else ():
        posted |= audience.digest is not None and _post(store, pairs, audience, now, waivers)
    return posted


def _post(
    store: Remembering,
    pairs: Sequence[tuple[str, str]],
    audience: Audience,
    now: datetime,
    waivers: Iterable[Waiver],
) -> bool:
    key = f"digest:{audience.publisher}"
    before = store.recall(key)
    since = datetime.fromisoformat(before["at"]) if before else now - _FIRST
    day = now.astimezone(audience.digest_zone or UTC).date()
    if before and before["day"] == day.isoformat():
        return False
    scores = before["scores"] if before else {}
    made = digest(store, pairs, since, now, scores=scores, waivers=waivers)
    target = f"{audience.publisher}:{audience.digest}"
    notice = Notice(
        id=stable_id(target, "digest", day.isoformat()),
        target=target,
        kind=NoticeKind.DIGEST,
        topic=None,
        created_at=now,
        not_before=now,
        body=encode(made),
    )
    store.record_acts(*pairs[0], (), (), Telling(notices=(notice,)))
    # After a crash in between, the notice is there already, with this very id, and a second one is not made.
    store.remember(key, {"at": now.isoformat(), "day": day.isoformat(), "scores": _scores(made)})
    return True


def digest(
    store: Remembering,
    pairs: Iterable[tuple[str, str]],
    since: datetime,
    now: datetime,
    *,
    scores: Mapping[str, float | None] | None = None,
    waivers: Iterable[Waiver] = (),
) -> Digest:
    """How the pairs stand. `scores` are those of the last digest, by `left/right`."""
    known = scores or {}
    return Digest(
        since=since,
        at=now,
        pairs=tuple(_pair(store, left, right, since, now, known.get(f"{left}/{right}")) for left, right in pairs),
        expiring=tuple(
            sorted(
                (one for one in (*store.waivers(), *waivers) if state(one, now) is WaiverState.EXPIRING),
                key=lambda one: (one.expires_at, one.id),
            )
        ),
    )


def _pair(
    store: Remembering, left: str, right: str, since: datetime, now: datetime, score_before: float | None
) -> PairDigest:
    audit = store.last_audit(left, right)
    unresolved = store.findings(left, right, status=_UNRESOLVED)
    opened = sorted(
        (stored for stored in unresolved if stored.status in _OPEN), key=lambda stored: order(stored.finding)
    )
    week = store.last_changes(left, right, min(since, now - _FLAPPING_WITHIN))
    happened = [event for event in week if event.at > since]
    return PairDigest(
        left=left,
        right=right,
        audited_at=audit.finished_at if audit else None,
        complete=audit.complete if audit else False,
        score=audit.score if audit else None,
        score_before=score_before,
        coverage=audit.coverage.ratio if audit else None,
        open=dict(Counter(stored.breach.severity for stored in opened)),
        aside=len(unresolved) - len(opened),
        new=_findings(happened, to=Status.OPEN, of=(None, Status.PENDING, Status.RESOLVED)),
        regressed=_findings(happened, to=Status.REGRESSED, of=(Status.PENDING, Status.RESOLVED)),
        resolved=_findings(happened, to=Status.RESOLVED, of=(*_OPEN, Status.ACKNOWLEDGED, Status.WAIVED)),
        worst=tuple(opened[:_MOST]),
        oldest=min(opened, key=_opened_at, default=None),
        flapping=_flapping(week, unresolved, now),
        gaps=audit.gaps if audit else (),
    )


def _findings(events: Iterable[Event], *, to: Status, of: Collection[Status | None]) -> int:
    """How many findings went from one of these to that."""
    return len({event.fingerprint for event in events if event.to_status is to and event.from_status in of})


def _flapping(week: Iterable[Event], unresolved: Iterable[StoredFinding], now: datetime) -> tuple[StoredFinding, ...]:
    returns = Counter(
        event.fingerprint for event in week if event.to_status is Status.REGRESSED and event.at > now - _FLAPPING_WITHIN
    )
    often = [stored for stored in unresolved if returns[stored.fingerprint] >= _FLAPS_FROM]
    return tuple(sorted(often, key=lambda stored: (-returns[stored.fingerprint], stored.fingerprint))[:_MOST])


def _opened_at(stored: StoredFinding) -> datetime:
    return stored.opened_at or stored.first_seen


def _scores(made: Digest) -> dict[str, float | None]:
    return {f"{pair.left}/{pair.right}": pair.score for pair in made.pairs}
