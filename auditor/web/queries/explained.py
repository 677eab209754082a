"""What is asked of a pair that is laid side by side: why a place is a finding, and what each rule of a pack does there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from auditor.breaches import fingerprint
from auditor.chain import Part
from auditor.explain import State
from auditor.linting import known_kinds, meanings
from auditor.model import ABSENT
from auditor.policy_hits import Hits, count
from auditor.policy_lint import Known, Level, Remark, lint, lint_hits
from auditor.publish.explain_report import verdict
from auditor.publish.spelling import method_text, middle, spell
from auditor.store import NotFoundError

if TYPE_CHECKING:
    from auditor.chain import Link
    from auditor.config import Pair
    from auditor.explain import Explanation
    from auditor.explain import Told as Side
    from auditor.explaining import Stage
    from auditor.life import StoredFinding
    from auditor.store import Store
    from auditor.web.backend import Backend, Loaded
    from auditor.web.queries.policies import PackPage

_LONG = 2_000
_LOUD = frozenset({Part.DECIDES, Part.FAILS})
# Of these there is no more to say than their names.
_FOLDED: Mapping[Part, str] = {
    Part.PASSES: "Asked, and met",
    Part.TYPE: "About values of other types",
    Part.DIFFERS: "Asked about the difference instead",
}
_ORDER = list(Level)


@dataclass(frozen=True, slots=True)
class Value:
    """One side of a place: as it is spelled there, and as it is compared, where that is another text."""

    environment: str
    identity: str | None
    text: str
    compared: str


@dataclass(frozen=True, slots=True)
class Chain:
    """Rules of a place, the latest first. `folded` are those of which the names say enough, by why."""

    title: str
    links: tuple[Link, ...]
    folded: Mapping[str, tuple[Link, ...]]


@dataclass(frozen=True, slots=True)
class Place:
    """One place explained. `finding` is what an audit recorded of it, None where that is resolved or was never found."""

    explanation: Explanation
    verdict: str
    paired: str
    values: tuple[Value, ...]
    chains: tuple[Chain, ...]
    finding: StoredFinding | None


@dataclass(frozen=True, slots=True)
class Checked:
    """What was noticed of a pack, and what its rules do in one pair: by rule, empty where nothing was observed."""

    remarks: tuple[Remark, ...]
    hits: Mapping[str, Hits]
    stage: Stage | None

    @property
    def loud(self) -> tuple[Remark, ...]:
        return tuple(one for one in self.remarks if one.level is not Level.INFO)

    @property
    def quiet(self) -> tuple[Remark, ...]:
        return tuple(one for one in self.remarks if one.level is Level.INFO)


def told(store: Store, stage: Stage, explanations: Sequence[Explanation]) -> tuple[Place, ...]:
    """Explanations as they are shown."""
    pair = stage.scenery.environments
    return tuple(_place(store, pair, one) for one in explanations)


def checked(ground: Backend, loaded: Loaded, pack: PackPage, pair: Pair | None) -> Checked:
    """What is wrong with the pack's rules by themselves and, under the policy of `pair`, in what was observed of it.

    Raises NothingSeen where the pair was not observed."""
    name, policy = pack.line.pack.name, pack.policy if pair is None else loaded.policy(pair)
    known = Known(known_kinds(ground.registry), meanings(policy, loaded.config))
    remarks = dict.fromkeys(lint(policy, known, (name,)))
    hits: Mapping[str, Hits] = {}
    stage = None
    if pair is not None:
        stage = ground.stages.get(ground, loaded, pair)
        hits, sights = count(policy, [stage.scenery])
        # What can never happen need not be told to have not happened.
        wrong = {remark.rule for remark in remarks if remark.level is Level.ERROR}
        remarks.update(dict.fromkeys(one for one in lint_hits(policy, hits, sights, (name,)) if one.rule not in wrong))
    ordered = sorted(remarks, key=lambda one: (_ORDER.index(one.level), one.file, one.line, one.code))
    return Checked(tuple(ordered), hits, stage)


def _place(store: Store, pair: tuple[str, str], one: Explanation) -> Place:
    finding = _recorded(store, pair, one)
    values: tuple[Value, ...] = ()
    if one.left is not None and one.right is not None and one.path:
        values = (_value(pair[0], one.left), _value(pair[1], one.right))
    chains = tuple(
        _chain(title, links)
        for title, links in (("Of the difference", one.comparing), ("Of each value", one.checking))
        if links
    )
    text = verdict(one, finding.finding if finding else None)
    if not one.path and one.state is State.EQUAL:
        # Of its places nothing is said yet: they follow, each by itself.
        text = "both sides have it"
    return Place(one, text, _paired(one), values, chains, finding)


def _recorded(store: Store, pair: tuple[str, str], one: Explanation) -> StoredFinding | None:
    """The finding of the place by the rule that makes it one."""
    for link in (*one.checking, *one.comparing):
        if link.part in _LOUD and link.met is False:
            name = fingerprint(pair, one.kind, one.identity, link.rule.id, one.path)
            try:
                return store.finding(name)
            except NotFoundError:
                continue
    return None


def _value(environment: str, side: Side) -> Value:
    text = middle(spell(side.raw), _LONG)
    shown = side.neutral if side.neutral != side.form else side.form
    same = side.raw is ABSENT or str(shown) == str(side.raw)
    return Value(environment, side.identity, text, "" if same else middle(spell(shown), _LONG))


def _paired(one: Explanation) -> str:
    if one.pairing is None:
        return ""
    return method_text(one.pairing.method, one.pairing.confidence) or "equal once names are set aside"


def _chain(title: str, links: Sequence[Link]) -> Chain:
    folded = {words: tuple(link for link in links if link.part is part) for part, words in _FOLDED.items()}
    return Chain(
        title,
        tuple(link for link in links if link.part not in _FOLDED),
        {words: found for words, found in folded.items() if found},
    )
