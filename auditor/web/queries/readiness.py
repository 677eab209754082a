"""The checklist of every environment, answered from what is stored: from here nothing is ever observed.

Answering reads two snapshots and lays them side by side, which may take a while where these are large. So it is done in
the background, and kept until there is another audit, another policy, or somebody acted on a finding.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from auditor.errors import ConfigError
from auditor.gating import judged_of
from auditor.model import Category, Severity, Status
from auditor.readiness.checklist import Checklist
from auditor.readiness.gather import checklist_of, pair_of
from auditor.web.queries.kept import FoundOut
from auditor.web.queries.versions import in_order
from auditor.workkeys import judging_key

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from auditor.config import Config, Pair
    from auditor.redact import Redactor
    from auditor.store import PairSummary, Store
    from auditor.web.backend import Backend, Loaded

AGAIN = timedelta(minutes=15)
"""An answer also rests on how long ago something was: after this time it is answered anew."""
FRESH = timedelta(hours=24)
"""How recent the last complete audit has to be where the pair has no schedule, as for `audit ready`."""
DEFAULT = Severity.MEDIUM


@dataclass(frozen=True, slots=True)
class Answered:
    checklist: Checklist
    at: datetime

    @property
    def ready(self) -> bool:
        return self.checklist.exit_code() == 0


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked of one environment. `audited` is None where its pair was never audited: then nothing can be said."""

    environment: str
    pair: Pair
    threshold: Severity
    audited: PairSummary | None
    key: tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Unasked:
    """Why nothing can be asked, and what to do. `others` are environments that it could be held against."""

    environment: str
    problem: str
    others: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Standing:
    """What answers depend on beside the files, of many pairs at once. `digests` are those that were made so far."""

    audited: Mapping[tuple[str, str], PairSummary]
    counts: Mapping[tuple[str, str], Mapping[tuple[Category, Severity, Status], int]]
    waivers: frozenset[tuple[str, datetime | None]]
    digests: dict[tuple[str, ...], str] = field(default_factory=dict)

    @classmethod
    def read(cls, store: Store, pairs: Sequence[tuple[str, str]]) -> Standing:
        audited = {(one.left, one.right): one for one in store.pair_summaries(pairs)}
        waivers = frozenset((one.id, one.revoked_at) for one in store.waivers())
        return cls(audited, store.counts(pairs), waivers)

    def digest(self, loaded: Loaded, pair: Pair, redactor: Redactor) -> str:
        """Equal as long as the pair is judged alike. It is the same for all pairs of the same policies."""
        if pair.policies not in self.digests:
            policy, waivers = loaded.policy(pair), loaded.waivers.waivers
            self.digests[pair.policies] = judging_key(loaded.config, policy, (), redactor, waivers)
        return self.digests[pair.policies]


class Readiness:
    """Answers checklists in the background and keeps them. Safe to share between threads."""

    def __init__(self) -> None:
        self._found: FoundOut[tuple[object, ...], Answered] = FoundOut(200)

    def asked(
        self,
        ground: Backend,
        name: str,
        against: str | None = None,
        threshold: Severity = DEFAULT,
        loaded: Loaded | None = None,
        standing: Standing | None = None,
    ) -> Asked | Unasked:
        """What to ask of the environment called `name`. Raises ConfigError where `against` is no environment.

        `standing` is how its pair stands, where that was read before."""
        loaded = loaded or ground.loaded()
        config = loaded.config
        if against is not None:
            config.environment(against)
        try:
            pair = pair_of(config, name, against)
        except ConfigError as error:
            said = " ".join(f"{one.message[:1].upper()}{one.message[1:]}." for one in error.problems)
            return Unasked(name, said, _others(config, name))
        ours = (pair.left, pair.right)
        standing = standing or Standing.read(ground.store, [ours])
        audited = standing.audited.get(ours)
        if audited is None or audited.audit is None:
            return Asked(name, pair, threshold, None, ())
        # Acts that silence or open are seen in the counts, and which findings a waiver is about in the waivers.
        counts = frozenset(standing.counts.get(ours, {}).items())
        digest = standing.digest(loaded, pair, ground.redactor)
        key = (name, *ours, audited.audit, threshold, digest, counts, standing.waivers)
        return Asked(name, pair, threshold, audited, key)

    def known(self, ground: Backend, asked: Asked) -> Answered | None:
        """The answers, where they were found out before and still hold."""
        found = self._found.known(asked.key) if asked.audited is not None else None
        return found if found is not None and ground.clock() - found.at < AGAIN else None

    def answer(self, ground: Backend, asked: Asked, seconds: float) -> Answered | None:
        """The answers, if they are found out within `seconds`; None: not yet. Raises NotFoundError where the audit is gone."""
        if (known := self.known(ground, asked)) is not None:
            return known
        self._found.forget(asked.key)
        return self._found.ask(asked.key, lambda: _answer(ground, asked), seconds)


def overview(ground: Backend, readiness: Readiness) -> tuple[tuple[Asked | Unasked, Answered | None], ...]:
    """Every environment in promotion order, with the answers that are known by now."""
    found = []
    loaded = ground.loaded()
    standing = Standing.read(ground.store, _pairs(loaded.config))
    for name in in_order(loaded.config):
        asked = readiness.asked(ground, name, loaded=loaded, standing=standing)
        found.append((asked, readiness.known(ground, asked) if isinstance(asked, Asked) else None))
    return tuple(found)


def _pairs(config: Config) -> list[tuple[str, str]]:
    """What each environment is held against, for those that are held against anything."""
    found: dict[tuple[str, str], None] = {}
    for name in in_order(config):
        try:
            pair = pair_of(config, name, None)
        except ConfigError:
            continue
        found[pair.left, pair.right] = None
    return list(found)


def _answer(ground: Backend, asked: Asked) -> Answered:
    loaded, tools = ground.loaded(), ground.tools()
    assert asked.audited is not None
    assert asked.audited.audit is not None
    judged = judged_of(ground.store.audit(asked.audited.audit), tools)
    policy = loaded.policy(asked.pair)
    made = checklist_of(
        loaded.config, asked.environment, asked.pair, policy, judged, tools, fresh=FRESH, threshold=asked.threshold
    )
    return Answered(made, ground.clock())


def _others(config: Config, name: str) -> tuple[str, ...]:
    paired = {other for pair in config.pairs if name in (pair.left, pair.right) for other in (pair.left, pair.right)}
    steps = {other for step in config.promotes_to.items() if name in step for other in step}
    return tuple(other for other in in_order(config) if other in (paired | steps) - {name})
