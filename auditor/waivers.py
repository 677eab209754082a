"""What people tolerate: whose decision, why, and until when. Pure; the file and the store are read elsewhere."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import lru_cache

from auditor.codec import canonical, digest
from auditor.globs import PathGlob, kind_pattern, path_glob
from auditor.model import ABSENT, Absent, Breach, Json

LONGEST = timedelta(days=90)
"""How long a waiver lasts at most, unless the waiver file says otherwise."""
EXPIRING = timedelta(days=7)
SHORTEST_FINGERPRINT = 8
"""So many characters of a fingerprint name a finding of a pair: as many as reports print."""


@dataclass(frozen=True, slots=True)
class Waiver:
    """A tolerated finding, or several. Everything that is not None has to agree; globs are as in policies.

    id            stable: of a person's, given when it is made; of a file's, a digest of what it covers and the owner
    fingerprints  whole ones, or their first eight characters or more; empty: any
    values        digest of the two observed values it is bound to (`waivers.values_digest`): new values end its effect
    origin        where it was written: `cli`, `slack`, `api`, or `waivers.yaml:12`
    revoked_at    when somebody took it back, else None
    """

    id: str
    owner: str
    reason: str
    created_at: datetime
    expires_at: datetime
    origin: str
    fingerprints: tuple[str, ...] = ()
    left: str | None = None
    right: str | None = None
    rule: str | None = None
    kind: str | None = None
    identity: str | None = None
    path: str | None = None
    values: str | None = None
    revoked_at: datetime | None = None

    @property
    def ended_at(self) -> datetime:
        """When it ends, or ended: at its expiry, or earlier where somebody took it back."""
        return self.expires_at if self.revoked_at is None else min(self.revoked_at, self.expires_at)


class WaiverState(StrEnum):
    """Where a waiver stands; each is in exactly one. EXPIRING ones are in force, and that ends soon: for them the last
    quarter of their time has begun, and seven days at most are left."""

    ACTIVE = "active"
    EXPIRING = "expiring"
    EXPIRED = "expired"
    REVOKED = "revoked"


def in_force(waiver: Waiver, now: datetime) -> bool:
    """Whether it still silences. When it was made does not count: clocks of two machines differ a little."""
    return waiver.revoked_at is None and now < waiver.expires_at


def state(waiver: Waiver, now: datetime) -> WaiverState:
    if waiver.revoked_at is not None:
        return WaiverState.REVOKED
    if now >= waiver.expires_at:
        return WaiverState.EXPIRED
    # One for a few days was made to end soon: nobody needs to be warned of that from its first moment on.
    soon = min(EXPIRING, (waiver.expires_at - waiver.created_at) / 4)
    return WaiverState.EXPIRING if waiver.expires_at - now <= soon else WaiverState.ACTIVE


def states(waivers: Iterable[Waiver], now: datetime) -> Mapping[WaiverState, int]:
    """How many stand where; every state is a key."""
    found = dict.fromkeys(WaiverState, 0)
    for waiver in waivers:
        found[state(waiver, now)] += 1
    return found


def next_expiry(waivers: Iterable[Waiver], now: datetime) -> datetime | None:
    """When the next one that is in force expires, None where none is."""
    return min((waiver.expires_at for waiver in waivers if in_force(waiver, now)), default=None)


def values_digest(breach: Breach) -> str:
    """Digest of the two observed values, 64 hexadecimal characters. New values have another, equal ones the same."""
    return digest_of(breach.left.value, breach.right.value)


def digest_of(left: Json | Absent, right: Json | Absent) -> str:
    """The same of two values as a person writes them: `15.4` and `"15.4"` are one; null and absent are not."""
    sides = {side: _text(value) for side, value in (("left", left), ("right", right)) if value is not ABSENT}
    return digest(canonical(sides))


def told(waiver: Waiver) -> str:
    """A waiver as the reason of an event, beside its owner: until when, why, and where it was written."""
    return f"waived until {moment(waiver.expires_at)}: {waiver.reason} ({waiver.origin})"


def moment(at: datetime) -> str:
    """`2026-12-31 18:00 UTC`"""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def waiver_id(waiver: Waiver, *more: str) -> str:
    """Twelve hexadecimal characters made from what the waiver covers, its owner, and `more`."""
    covered = [list(waiver.fingerprints), waiver.left, waiver.right, waiver.rule, waiver.kind, waiver.identity]
    return digest(canonical([*covered, waiver.path, waiver.values, waiver.owner, *more]))[:12]


def days(span: timedelta) -> str:
    """`90d`, or hours where it is no whole number of days."""
    whole, rest = divmod(span, timedelta(days=1))
    return f"{span / timedelta(hours=1):g}h" if rest else f"{whole}d"


def covers(waiver: Waiver, left: str, right: str, breach: Breach) -> bool:
    """Whether the waiver is about this breach of the pair, were it in force."""
    return _fits(waiver, left, right, breach) and waiver.values in (None, values_digest(breach))


def finder(waivers: Sequence[Waiver], left: str, right: str, now: datetime) -> Finder:
    """What is tolerated in one pair at one time. A breach's waiver is the one that lasts longest, then the first by id."""
    return Finder(waivers, left, right, now)


class Finder:
    """Finds a breach's waiver without trying them all; 20,000 breaches against 1,000 waivers take less than a second."""

    def __init__(self, waivers: Sequence[Waiver], left: str, right: str, now: datetime) -> None:
        self._pair = left, right
        self._now = now
        self._all = [waiver for waiver in waivers if _of_pair(waiver, left, right)]
        self._index = _Index(waiver for waiver in self._all if in_force(waiver, now))
        self._every: _Index | None = None

    def __call__(self, breach: Breach) -> Waiver | None:
        """The waiver that covers `breach` now, None where nothing does."""
        fitting = list(self._index.fitting(*self._pair, breach))
        return min((one for one in fitting if one.values in (None, values_digest(breach))), key=_rank, default=None)

    def lapse(self, breach: Breach) -> str:
        """Why nothing covers a breach any more that was waived, for its history."""
        if self._every is None:
            self._every = _Index(self._all)
        fitting = list(self._every.fitting(*self._pair, breach))
        unequal = min((waiver for waiver in fitting if in_force(waiver, self._now)), key=_rank, default=None)
        if unequal is not None:
            return f"the values changed since the waiver of {unequal.owner}"
        ended = max(fitting, key=lambda waiver: (waiver.ended_at, waiver.id), default=None)
        if ended is None:
            return "its waiver was removed"
        return f"the waiver of {ended.owner} {'expired' if ended.revoked_at is None else 'was revoked'}"


def matched(waivers: Iterable[Waiver], breaches: Iterable[Breach]) -> Mapping[str, int]:
    """How many of the breaches, of any pair, each waiver covers, by its id; whether it is in force does not count."""
    waivers = list(waivers)
    found = dict.fromkeys((waiver.id for waiver in waivers), 0)
    index = _Index(waivers)
    for breach in breaches:
        for waiver in index.fitting(breach.left.environment, breach.right.environment, breach):
            if waiver.values in (None, values_digest(breach)):
                found[waiver.id] += 1
    return found


def unmatched(waivers: Iterable[Waiver], breaches: Iterable[Breach]) -> tuple[Waiver, ...]:
    """Those that cover none of the breaches: mended, or never right."""
    waivers = list(waivers)
    found = matched(waivers, breaches)
    return tuple(waiver for waiver in waivers if not found[waiver.id])


class _Index:
    """Waivers by the most telling thing that they name: a fingerprint, a literal identity, else kind, rule and path."""

    def __init__(self, waivers: Iterable[Waiver]) -> None:
        self._by_fingerprint: dict[str, list[Waiver]] = defaultdict(list)
        self._by_identity: dict[str, list[Waiver]] = defaultdict(list)
        self._others: list[Waiver] = []
        self._about: dict[tuple[str, ...], list[Waiver]] = {}
        self._at: dict[tuple[object, ...], list[Waiver]] = {}
        for waiver in waivers:
            literal = _literal(waiver.identity) if waiver.identity is not None else None
            if waiver.fingerprints and all(len(start) >= SHORTEST_FINGERPRINT for start in waiver.fingerprints):
                for start in {start[:SHORTEST_FINGERPRINT] for start in waiver.fingerprints}:
                    self._by_fingerprint[start].append(waiver)
            elif literal is not None:
                self._by_identity[literal].append(waiver)
            else:
                self._others.append(waiver)

    def fitting(self, left: str, right: str, breach: Breach) -> Iterator[Waiver]:
        """Those that fit but for the values, each once."""
        found = list(self._by_fingerprint.get(breach.fingerprint[:SHORTEST_FINGERPRINT], ()))
        if self._by_identity:
            for identity in {name.lower() for name in _identities(breach)}:
                found += self._by_identity.get(identity, ())
        found += self._at_place(breach)
        return (waiver for waiver in found if _fits(waiver, left, right, breach))

    def _at_place(self, breach: Breach) -> list[Waiver]:
        """Of the others, those that fit by kind, rule and path: looked up once for all resources that have the place."""
        if not self._others:
            return self._others
        place = (breach.kind, breach.rule.policy, breach.rule.id)
        about = self._about.get(place)
        if about is None:
            about = [waiver for waiver in self._others if _fits_kind(waiver, breach) and _fits_rule(waiver, breach)]
            self._about[place] = about
        at = self._at.get((*place, breach.path))
        if at is None:
            at = [waiver for waiver in about if _fits_path(waiver, breach)]
            self._at[(*place, breach.path)] = at
        return at


def _fits(waiver: Waiver, left: str, right: str, breach: Breach) -> bool:
    """All but the values agree."""
    return (
        _of_pair(waiver, left, right)
        and (not waiver.fingerprints or any(breach.fingerprint.startswith(start) for start in waiver.fingerprints))
        and _fits_kind(waiver, breach)
        and _fits_rule(waiver, breach)
        and (waiver.identity is None or any(_named(waiver.identity, name) for name in _identities(breach)))
        and _fits_path(waiver, breach)
    )


def _of_pair(waiver: Waiver, left: str, right: str) -> bool:
    return waiver.left in (None, left) and waiver.right in (None, right)


def _fits_kind(waiver: Waiver, breach: Breach) -> bool:
    return waiver.kind is None or _pattern(waiver.kind).match(breach.kind) is not None


def _fits_rule(waiver: Waiver, breach: Breach) -> bool:
    names = breach.rule.id, f"{breach.rule.policy}/{breach.rule.id}"
    return waiver.rule is None or any(_pattern(waiver.rule).match(name) for name in names)


def _fits_path(waiver: Waiver, breach: Breach) -> bool:
    return waiver.path is None or _glob(waiver.path).matches(breach.path)


def _identities(breach: Breach) -> tuple[str, ...]:
    """What its resource is called: in normal form, and as each side spells it."""
    return (breach.identity, *(side.identity for side in (breach.left, breach.right) if side.identity is not None))


def _named(pattern: str, identity: str) -> bool:
    literal = _literal(pattern)
    if literal is not None:
        return identity.lower() == literal
    return _pattern(identity_glob(pattern)).match(identity) is not None


def identity_glob(pattern: str) -> str:
    """`orders-{env}` is a name, not a choice: braces without a comma stand for themselves."""
    return re.sub(r"\{([^{},]*)\}", r"\\{\1\\}", pattern)


@lru_cache(maxsize=8192)
def _literal(pattern: str) -> str | None:
    """An identity that is no glob, in lower case."""
    return None if re.search(r"[*?\[\\{]", re.sub(r"\{[^{},]*\}", "", pattern)) else pattern.lower()


@lru_cache(maxsize=8192)
def _pattern(glob: str) -> re.Pattern[str]:
    return kind_pattern(glob)


@lru_cache(maxsize=8192)
def _glob(text: str) -> PathGlob:
    return path_glob(text)


def _rank(waiver: Waiver) -> tuple[float, str]:
    return -waiver.expires_at.timestamp(), waiver.id


def _text(value: Json) -> Json:
    """A value with its scalars as text; null stays null."""
    match value:
        case dict():
            return {key: _text(item) for key, item in value.items()}
        case list():
            return [_text(item) for item in value]
        case bool():
            return str(value).lower()
        case int() | float():
            return str(value)
    return value
