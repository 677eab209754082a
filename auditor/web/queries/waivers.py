"""Waivers as the page lists them: what is in force by when it ends, what is over, and how many findings each covers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from auditor.model import Status
from auditor.store.query import LONGEST_TEXT, FindingQuery
from auditor.waivers import Waiver, WaiverState, in_force, matched, state
from auditor.web.queries.kept import FoundOut, Kept

if TYPE_CHECKING:
    from auditor.store import Store

OVER = 50
"""How many waivers that are over are listed of each sort, the latest ones."""
_WHOLE = 32
_PATIENCE_SECONDS = 0.1
# Findings that are read to count what one waiver of the file covers; beyond, the number is told as a least one.
_MOST_READ = 4_000
_MOST_READ_IN_ALL = 20_000
_FRESH = timedelta(minutes=2)
_PAGE = 500


@dataclass(frozen=True, slots=True)
class Count:
    """How many unresolved findings a waiver covers; `more`: at least so many, the rest was not read."""

    number: int
    more: bool = False


@dataclass(frozen=True, slots=True)
class WaiverLine:
    """One waiver. `covers` is what it names, a (what, which) each; `count` is None while it is not known yet.

    `written`: it stands in the file, and only there it can be taken back."""

    waiver: Waiver
    state: WaiverState
    covers: tuple[tuple[str, str], ...]
    count: Count | None
    written: bool

    @property
    def in_force(self) -> bool:
        return self.state in (WaiverState.ACTIVE, WaiverState.EXPIRING)


@dataclass(frozen=True, slots=True)
class WaiverFilter:
    """Which waivers; empty asks for any. `text` has to occur in owner, reason, origin or what it covers."""

    state: WaiverState | None = None
    owner: str = ""
    text: str = ""

    @property
    def narrowed(self) -> bool:
        return self != WaiverFilter()

    def fits(self, line: WaiverLine) -> bool:
        waiver = line.waiver
        # What ends soon is in force, too.
        if (
            self.state is not None
            and line.state is not self.state
            and not (self.state is WaiverState.ACTIVE and line.in_force)
        ):
            return False
        if self.owner and waiver.owner != self.owner:
            return False
        named = " ".join((waiver.id, waiver.owner, waiver.reason, waiver.origin, *(which for _, which in line.covers)))
        return all(word in named.lower() for word in self.text.lower().split())


@dataclass(frozen=True, slots=True)
class Waivers:
    """All that fit: in force by when they end, then what is over, the latest first. `more` of what is over is not listed.

    `states` and `owners` are counted over all waivers; `counting`: some numbers are not known yet."""

    in_force: tuple[WaiverLine, ...]
    expired: tuple[WaiverLine, ...]
    revoked: tuple[WaiverLine, ...]
    more: int
    states: Mapping[WaiverState, int]
    owners: tuple[str, ...]

    @property
    def counting(self) -> bool:
        return any(line.count is None for line in self.in_force)

    @property
    def listed(self) -> int:
        return len(self.in_force) + len(self.expired) + len(self.revoked)


@dataclass(frozen=True, slots=True)
class _Counted:
    """What was counted, at which pulse of the store, and when that was known."""

    pulse: str
    counts: Mapping[str, Count]
    at: datetime


class Covered:
    """How many findings each waiver covers. Those that name their findings are counted at once; others beside, and kept:
    they are counted again when something was recorded, but not all the time."""

    def __init__(self) -> None:
        self._counting: FoundOut[tuple[object, ...], tuple[str, Mapping[str, Count]]] = FoundOut(4)
        self._kept: Kept[tuple[Waiver, ...], _Counted] = Kept(4)

    def counts(self, store: Store, waivers: Sequence[Waiver], now: datetime) -> Mapping[str, Count]:
        """Of each waiver by its id. Those that were never counted are left out until they are."""
        named = [waiver for waiver in waivers if _is_named(waiver)]
        wide = tuple(waiver for waiver in waivers if not _is_named(waiver))
        return {**_of_named(store, named), **(self._of_wide(store, wide, now) if wide else {})}

    def _of_wide(self, store: Store, wide: tuple[Waiver, ...], now: datetime) -> Mapping[str, Count]:
        kept = self._kept.get(wide)
        if kept is not None and (now - kept.at < _FRESH or store.pulse() == kept.pulse):
            return kept.counts
        # One counting at a time, however often something is recorded meanwhile.
        key = (wide, kept.at if kept is not None else None)
        found = self._counting.ask(key, lambda: (store.pulse(), _of_all(store, wide)), _PATIENCE_SECONDS)
        if found is not None:
            kept = self._kept.put(wide, _Counted(*found, now))
        return kept.counts if kept is not None else {}


def waivers(store: Store, written: Sequence[Waiver], covered: Covered, wanted: WaiverFilter, now: datetime) -> Waivers:
    """`written` are those of the file."""
    everything = [*((waiver, True) for waiver in written), *((waiver, False) for waiver in store.waivers())]
    counts = covered.counts(store, [waiver for waiver, _ in everything if in_force(waiver, now)], now)
    lines = [
        WaiverLine(waiver, state(waiver, now), covers_text(waiver), counts.get(waiver.id), in_file)
        for waiver, in_file in everything
    ]
    fitting = [line for line in lines if wanted.fits(line)]
    over = {
        sort: sorted((line for line in fitting if line.state is sort), key=lambda one: _ended(one), reverse=True)
        for sort in (WaiverState.EXPIRED, WaiverState.REVOKED)
    }
    expired, revoked = over[WaiverState.EXPIRED], over[WaiverState.REVOKED]
    return Waivers(
        in_force=tuple(sorted((line for line in fitting if line.in_force), key=_ended)),
        expired=tuple(expired[:OVER]),
        revoked=tuple(revoked[:OVER]),
        more=max(len(expired) - OVER, 0) + max(len(revoked) - OVER, 0),
        states={sort: sum(1 for line in lines if line.state is sort) for sort in WaiverState},
        owners=tuple(sorted({line.waiver.owner for line in lines})),
    )


def covers_text(waiver: Waiver) -> tuple[tuple[str, str], ...]:
    """What a waiver names, a (what, which) each; findings are told by the page, which leads to them."""
    named = {"rule": waiver.rule, "kind": waiver.kind, "resource": waiver.identity, "path": waiver.path}
    found = [(what, which) for what, which in named.items() if which is not None]
    if waiver.left or waiver.right:
        found.append(("pair", f"{waiver.left or 'any'} against {waiver.right or 'any'}"))
    return tuple(found)


def one(store: Store, written: Iterable[Waiver], waiver_id: str) -> tuple[Waiver, bool] | None:
    """The waiver of this whole id, and whether it stands in the file; None where there is none."""
    for waiver in written:
        if waiver.id == waiver_id:
            return waiver, True
    return next(((waiver, False) for waiver in store.waivers() if waiver.id == waiver_id), None)


def _ended(line: WaiverLine) -> tuple[datetime, str]:
    return line.waiver.ended_at, line.waiver.id


def _is_named(waiver: Waiver) -> bool:
    """Whether it names its findings one by one, as those of people do."""
    return bool(waiver.fingerprints) and all(len(one) == _WHOLE for one in waiver.fingerprints)


def _of_named(store: Store, named: Sequence[Waiver]) -> dict[str, Count]:
    wanted = sorted({fingerprint for waiver in named for fingerprint in waiver.fingerprints})
    breaches = [stored.breach for stored in store.known(wanted) if stored.status is not Status.RESOLVED]
    return {waiver_id: Count(number) for waiver_id, number in matched(named, breaches).items()}


def _of_all(store: Store, wide: Sequence[Waiver]) -> Mapping[str, Count]:
    """Those that cover whatever fits, as far as so many may be read."""
    found, left = {}, _MOST_READ_IN_ALL
    for waiver in wide:
        found[waiver.id], read = _of_wide(store, waiver, min(left, _MOST_READ))
        left -= read
    return found


def _of_wide(store: Store, waiver: Waiver, most: int) -> tuple[Count, int]:
    """What may fit is searched for, and held against the waiver. Also how many were read."""
    query = _query(waiver)
    number, read, after = 0, 0, None
    while read < most:
        page = store.search(query, after=after, limit=_PAGE)
        number += matched([waiver], [stored.breach for stored in page.items])[waiver.id]
        read, after = read + len(page.items), page.next
        if after is None:
            return Count(number), read
    return Count(number, more=True), read


def _query(waiver: Waiver) -> FindingQuery:
    """All that the waiver may cover, and as little else as can be told without reading it."""
    kind = waiver.kind or ""
    plain_kind = kind and not _is_glob(kind.removesuffix(".*")) and kind == kind.lower()
    identity = waiver.identity or ""
    # Names are searched for in lower case, and as far as they are kept.
    plain_name = identity and not _is_glob(identity) and identity.isascii() and len(identity) <= LONGEST_TEXT
    return FindingQuery(
        left=waiver.left,
        right=waiver.right,
        kinds=(kind,) if plain_kind else (),
        text=identity if plain_name else "",
    )


def _is_glob(text: str) -> bool:
    return any(character in text for character in "*?[]{}\\")
