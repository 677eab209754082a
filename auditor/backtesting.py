"""Backtest a pair: its stored snapshots, as audits used them, under the policy as it is now. Reads the store only."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING

from auditor.backtest import Moment, Seen, Sight, Waiving, beginnings, is_timed, replay, thinned
from auditor.backtest_told import Mailbox, Outcome, outcome, told
from auditor.held import held_since
from auditor.judge import judge
from auditor.model import Severity
from auditor.moves import Histories
from auditor.past import recall
from auditor.past import seen as seen_to_be_gone
from auditor.pipeline import lay
from auditor.realms import realm_of
from auditor.waivers import Finder, finder

if TYPE_CHECKING:
    from auditor.config import Config
    from auditor.config import Pair as ConfiguredPair
    from auditor.life import StoredFinding
    from auditor.model import Snapshot
    from auditor.pipeline import Laid, Tools
    from auditor.rules import Policy
    from auditor.store import Store
    from auditor.waivers import Waiver

MOST_JUDGED = 1000
"""So many different contents of a pair's snapshots are judged unless more are asked for."""
_KEPT = 4


@dataclass(frozen=True, slots=True)
class Backtest:
    """What a policy would have said of one pair.

    first, last  the times of the first and the last audit; None where there was none
    audits       how many audits were replayed, `contents` how many different states they saw, `judged` how many of them
                 had to be judged, `left_out` how many states were not looked at because there were too many
    outcome      None where there was no audit
    notes        what has to be known to read it
    """

    left: str
    right: str
    policies: tuple[str, ...]
    since: datetime
    first: datetime | None
    last: datetime | None
    audits: int
    contents: int
    judged: int
    left_out: int
    outcome: Outcome | None
    notes: tuple[str, ...]

    def rises_to(self, severity: str) -> bool:
        """Whether a finding of this severity or above would be new, or rise to it."""
        least = Severity(severity).rank
        shifts = self.outcome.shifts if self.outcome else ()
        return any(
            shift.now is not None
            and shift.now.severity.rank >= least
            and (shift.then is None or shift.then.severity.rank < least)
            for shift in shifts
        )


def backtest(
    config: Config,
    pair: ConfiguredPair,
    policy: Policy,
    tools: Tools,
    since: datetime,
    *,
    most: int = MOST_JUDGED,
    progress: Callable[[int, int], None] = lambda _done, _all: None,
) -> Backtest:
    """Replay the pair's audits of `since` and later. Raises StoreError. Nothing but normal forms is written anywhere."""
    left, right = pair.left, pair.right
    everything, gone = _moments(tools.store, left, right, since)
    moments = thinned(everything, most)
    contents = sum(1 for _ in groupby(moments, key=lambda moment: moment.content))
    left_out = sum(1 for _ in groupby(everything, key=lambda moment: moment.content)) - contents
    notes = [f"the snapshots of {gone} audits were pruned: these are left out"] if gone else []
    if not moments:
        return Backtest(left, right, policy.names, since, None, None, 0, 0, 0, 0, None, tuple(notes))
    start, end = moments[0].at, moments[-1].at
    known = tools.store.previous(left, right)
    events = [event for event in tools.store.last_changes(left, right, start) if start < event.at <= end]
    late = {name: stored for name, stored in known.items() if stored.first_seen <= end}
    bench = _Bench(config, policy, tools)
    now = replay(
        moments,
        bench.look,
        timed=is_timed(policy),
        waiving=_waiving([*tools.waivers, *tools.store.waivers()], left, right),
        began=beginnings(late, events, start),
        mailbox=_mailbox(tools, left, right),
        progress=progress,
    )
    then = told(late, events, start, _mailbox(tools, left, right))
    if left_out:
        notes.append(f"{left_out} of {contents + left_out} different states were left out, evenly: dates are rough")
    notes += bench.notes.values()
    times = [moment.at for moment in everything]
    return Backtest(
        left,
        right,
        policy.names,
        since,
        start,
        end,
        len(moments),
        contents,
        now.judged,
        left_out,
        outcome(then, now.story, start, end, times),
        tuple(notes),
    )


def _moments(store: Store, left: str, right: str, since: datetime) -> tuple[list[Moment], int]:
    """The pair's audits in order of recording, and how many are left out because their snapshots are gone.

    A clock that was set back would let findings live backwards: what it stamped earlier than the audit before is left out.
    """
    looks = {
        look.id: Seen(look.id, look.taken_at, _content(look.facts, *look.manifests))
        for environment in (left, right)
        for look in store.past.looks(environment)
    }
    found: list[Moment] = []
    gone = 0
    for info in reversed(store.audits(left, right)):
        if info.finished_at < since or (found and info.finished_at < found[-1].at):
            continue
        if info.left_snapshot not in looks or info.right_snapshot not in looks:
            gone += 1
            continue
        found.append(Moment(info.finished_at, info.id, looks[info.left_snapshot], looks[info.right_snapshot]))
    return found, gone


def _content(*digests: str) -> str:
    return hashlib.sha256("\n".join(digests).encode()).hexdigest()


def _mailbox(tools: Tools, left: str, right: str) -> Mailbox | None:
    return Mailbox(tools.teller, left, right) if tools.teller is not None else None


def _waiving(waivers: Sequence[Waiver], left: str, right: str) -> Waiving:
    """The waivers as they were in force at a time of the past: one that was revoked later was in force until then."""
    turns = sorted({turn for waiver in waivers for turn in (waiver.created_at, waiver.ended_at)})
    finders: dict[int, Finder] = {}

    def at(time: datetime) -> Finder:
        passed = sum(1 for turn in turns if turn <= time)
        if passed not in finders:
            given = [
                replace(
                    waiver, revoked_at=waiver.revoked_at if waiver.revoked_at and waiver.revoked_at <= time else None
                )
                for waiver in waivers
                if waiver.created_at <= time
            ]
            finders[passed] = finder(given, left, right, time)
        return finders[passed]

    return Waiving(at, turns)


class _Bench:
    """Judges moments. Snapshots and what was laid side by side are kept for as long as they are likely to be asked for."""

    def __init__(self, config: Config, policy: Policy, tools: Tools) -> None:
        self._config, self._policy, self._tools = config, policy, tools
        self._snapshots: dict[str, Snapshot] = {}
        self._laid: tuple[tuple[str, str], Laid] | None = None
        self.notes: dict[str, str] = {}

    def look(self, moment: Moment) -> Sight:
        laid = self._lay(moment)
        comparison = replace(
            laid.comparison,
            left=replace(laid.comparison.left, id=moment.left.id, taken_at=moment.left.taken_at),
            right=replace(laid.comparison.right, id=moment.right.id, taken_at=moment.right.taken_at),
        )
        left, right = (
            realm_of(self._config, side.environment, self._tools.registry.kind)
            for side in (comparison.left, comparison.right)
        )
        pasts = Histories((left, right), self._tools.store.past, (moment.left.id, moment.right.id), moment.at)
        held = partial(held_since, pasts)
        history = recall(self._tools.store.deployments_since, laid.pair, comparison, self._config.promotes_to, held)
        pair, owner = laid.pair, self._config.owner_tag
        judgement = judge(comparison, self._policy, pair.left, pair.right, moment.at, owner, history)
        # One note per rule: which places it names changes from audit to audit.
        self.notes |= {note.partition(" had no answer")[0]: note for note in judgement.notes}

        def observed(stored: StoredFinding) -> bool:
            return seen_to_be_gone(comparison, history, stored.breach)

        return Sight(judgement.breaches, observed)

    def _lay(self, moment: Moment) -> Laid:
        if self._laid is None or self._laid[0] != moment.content:
            left, right = self._snapshot(moment.left), self._snapshot(moment.right)
            self._laid = moment.content, lay(self._config, left, right, self._tools)
        return self._laid[1]

    def _snapshot(self, seen: Seen) -> Snapshot:
        found = self._snapshots.get(seen.content)
        if found is None:
            while len(self._snapshots) >= _KEPT:
                self._snapshots.pop(next(iter(self._snapshots)))
            found = self._snapshots[seen.content] = self._tools.store.load_snapshot(seen.id)
        return found
