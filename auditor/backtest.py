"""What a policy would have said of the past: stored snapshots judged again, in order, on a history kept in memory. Pure.

What did not change is not judged again. Of snapshots that follow each other with the same content the first and, where
the policy asks for the time, the last are judged; only where these two disagree is it found out when that began. A life
is carried on the same way: between two audits that see the same, only a time that runs out can change a finding.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from typing import TYPE_CHECKING, Protocol

from auditor.backtest_told import Mailbox, Story
from auditor.life import LifeResult, StoredFinding, live
from auditor.model import Status

if TYPE_CHECKING:
    from auditor.life import Event
    from auditor.model import Breach
    from auditor.rules import Policy
    from auditor.waivers import Waiver

_TIMED = frozenset({"max_lag", "max_age"})


@dataclass(frozen=True, slots=True)
class Seen:
    """One stored snapshot. `content` is equal for those that hold the same."""

    id: str
    taken_at: datetime
    content: str


@dataclass(frozen=True, slots=True)
class Moment:
    """One audit of the past: when it judged what."""

    at: datetime
    audit_id: str
    left: Seen
    right: Seen

    @property
    def content(self) -> tuple[str, str]:
        return self.left.content, self.right.content


@dataclass(frozen=True, slots=True)
class Sight:
    """What the policy says of one moment. `observed` tells of a finding it does not see whether that is really gone."""

    breaches: tuple[Breach, ...]
    observed: Callable[[StoredFinding], bool]
    said: frozenset[tuple[object, ...]] = field(init=False)

    def __post_init__(self) -> None:
        # Messages tell ages, which change by the minute, and decide nothing.
        said = frozenset((one.fingerprint, one.severity, one.tolerated_for) for one in self.breaches)
        object.__setattr__(self, "said", said)


class Tolerance(Protocol):
    """What waives a breach at one time, and why nothing does any more: a `waivers.Finder`."""

    def __call__(self, breach: Breach) -> Waiver | None: ...

    def lapse(self, breach: Breach) -> str: ...


@dataclass(frozen=True, slots=True)
class Waiving:
    """The waivers of the past: what was in force `at` a time, and when one began or ended."""

    at: Callable[[datetime], Tolerance]
    turns: Sequence[datetime] = ()


@dataclass(frozen=True, slots=True)
class Replay:
    """The story that the policy tells of the moments. `judged` is how many of them had to be looked at."""

    story: Story
    judged: int


def is_timed(policy: Policy) -> bool:
    """Whether what the policy says of two snapshots may change while they stay the same."""
    return any(
        rule.expect.name in _TIMED or "now" in rule.expect.uses or (rule.where is not None and "now" in rule.where.uses)
        for rule in policy.rules
    )


def thinned(moments: Sequence[Moment], most: int) -> tuple[Moment, ...]:
    """At most `most` different contents of these, evenly spread; the first and the last are among them.

    Moments of one content are one; they are kept or left out together."""
    runs = [list(run) for _, run in groupby(moments, key=lambda moment: moment.content)]
    if len(runs) <= most:
        return tuple(moments)
    if most < 2:
        return tuple(runs[-1])
    kept = {round(index * (len(runs) - 1) / (most - 1)) for index in range(most)}
    return tuple(moment for index, run in enumerate(runs) if index in kept for moment in run)


def replay(
    moments: Sequence[Moment],
    look: Callable[[Moment], Sight],
    *,
    timed: bool,
    waiving: Waiving,
    began: Callable[[Breach], datetime | None],
    mailbox: Mailbox | None = None,
    progress: Callable[[int, int], None] = lambda _done, _all: None,
) -> Replay:
    """Judge the moments in order and carry the findings through them, as audits would have.

    `look` judges one moment, under the policy that is tried. `timed`: it may say something else of the same content later.
    `began` is since when something was known of a breach's place before the first moment, None where nothing was: its
    rule's `for` counts from there, and that it is open at the first moment is no news. `progress` hears how many moments
    are done, and of how many.
    """
    if not moments:
        return Replay(Story({}, {}, (), None), 0)
    walk = _Walk(waiving, mailbox)
    judged = 0

    def seen(moment: Moment) -> Sight:
        nonlocal judged
        judged += 1
        return look(moment)

    done = 0
    for _, group in groupby(moments, key=lambda moment: moment.content):
        run = list(group)
        for index, (sight, stretch) in enumerate(_stretches(run, _sights(run, seen, timed=timed), waiving.turns)):
            if done == index == 0:
                walk.begin(stretch[0], sight, began)
                walk.through(stretch[1:], sight)
            else:
                walk.through(stretch, sight)
        done += len(run)
        progress(done, len(moments))
    return Replay(walk.story(), judged)


def _sights(run: Sequence[Moment], look: Callable[[Moment], Sight], *, timed: bool) -> list[Sight]:
    """What is said at each moment of a run of equal contents: what is the same is one object."""
    first = look(run[0])
    sights = [first] * len(run)
    if timed and len(run) > 1:
        sights[-1] = look(run[-1])
        _settle(run, sights, 0, len(run) - 1, look)
    return sights


def _settle(run: Sequence[Moment], sights: list[Sight], low: int, high: int, look: Callable[[Moment], Sight]) -> None:
    """Find out what was said between two moments. What says the same at both ends said so in between."""
    if sights[low].said == sights[high].said:
        sights[low : high + 1] = [sights[low]] * (high - low + 1)
    elif high - low > 1:
        middle = (low + high) // 2
        sights[middle] = look(run[middle])
        _settle(run, sights, low, middle, look)
        _settle(run, sights, middle, high, look)


def _stretches(
    run: Sequence[Moment], sights: Sequence[Sight], turns: Sequence[datetime]
) -> Iterator[tuple[Sight, list[Moment]]]:
    """Moments in a row of which the same is said, under the same waivers."""

    def key(item: tuple[Moment, Sight]) -> tuple[int, int]:
        moment, sight = item
        return id(sight), sum(1 for turn in turns if turn <= moment.at)

    for _, group in groupby(zip(run, sights, strict=True), key=key):
        items = list(group)
        yield items[0][1], [moment for moment, _ in items]


class _Walk:
    """The findings on their way through the moments."""

    def __init__(self, waiving: Waiving, mailbox: Mailbox | None) -> None:
        self._waiving, self._mailbox = waiving, mailbox
        self._known: dict[str, StoredFinding] = {}
        self._initial: dict[str, Status] = {}
        self._events: list[Event] = []

    def begin(self, moment: Moment, sight: Sight, began: Callable[[Breach], datetime | None]) -> None:
        """The first moment: what was there before is no news, and tolerated from when it was first known."""
        for breach in sight.breaches:
            since = began(breach)
            if since is not None and since <= moment.at:
                self._known[breach.fingerprint] = StoredFinding(breach, Status.PENDING, since, moment.at, since)
        before = dict(self._known)
        life = self._life(moment, sight)
        self._keep(life)
        old = tuple(event for event in life.events if event.fingerprint in before)
        self._initial = {fingerprint: self._known[fingerprint].status for fingerprint in before}
        news = tuple(event for event in life.events if event.fingerprint not in before)
        self._events += news
        if self._mailbox:
            self._mailbox.tell(moment.at, f"{moment.audit_id}-before", life.updated, old, before, count=False)
            self._mailbox.tell(moment.at, moment.audit_id, life.updated, news, before)

    def through(self, moments: Sequence[Moment], sight: Sight) -> None:
        """A stretch in which the same is seen: its first moment, and those at which a time runs out."""
        if not moments:
            return
        self._step(moments[0], sight)
        rest = moments[1:]
        while rest and self._life(rest[-1], sight).events:
            index = self._next(rest, sight)
            self._step(rest[index], sight)
            rest = rest[index + 1 :]

    def story(self) -> Story:
        sent = self._mailbox.sent if self._mailbox else None
        return Story(dict(self._known), self._initial, tuple(self._events), sent)

    def _next(self, moments: Sequence[Moment], sight: Sight) -> int:
        """The first of the moments at which something happens, where something does at the last."""
        low, high = 0, len(moments) - 1
        while low < high:
            middle = (low + high) // 2
            if self._life(moments[middle], sight).events:
                high = middle
            else:
                low = middle + 1
        return low

    def _step(self, moment: Moment, sight: Sight) -> None:
        before = dict(self._known) if self._mailbox else {}
        life = self._life(moment, sight)
        self._keep(life)
        self._events += life.events
        if self._mailbox and life.events:
            self._mailbox.tell(moment.at, moment.audit_id, life.updated, life.events, before)

    def _keep(self, life: LifeResult) -> None:
        self._known.update({stored.fingerprint: stored for stored in life.updated})

    def _life(self, moment: Moment, sight: Sight) -> LifeResult:
        tolerated = self._waiving.at(moment.at)
        return live(self._known, sight.breaches, sight.observed, moment.at, moment.audit_id, tolerated, tolerated.lapse)


def beginnings(
    known: Mapping[str, StoredFinding], events: Sequence[Event], start: datetime
) -> Callable[[Breach], datetime | None]:
    """Since when each place had a finding that was not resolved at `start`; for `replay`."""
    first: dict[str, Status | None] = {}
    for event in sorted(events, key=lambda event: event.at):
        first.setdefault(event.fingerprint, event.from_status)
    found: dict[tuple[object, ...], datetime] = {}
    for fingerprint, stored in known.items():
        status = first.get(fingerprint, stored.status)
        if status in (None, Status.RESOLVED) or stored.first_seen > start:
            continue
        since = stored.since if stored.since <= start else stored.first_seen
        place = (stored.breach.kind, stored.breach.identity, stored.breach.path)
        found[place] = min(since, found.get(place, since))
    return lambda breach: found.get((breach.kind, breach.identity, breach.path))
