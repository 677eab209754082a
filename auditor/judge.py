"""Differences + gaps + policy -> breaches: what is wrong, once per place, and what cannot be said.

Pure: the same comparison, policy and time give the same breaches in the same order.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from auditor import messages
from auditor.causes import with_causes
from auditor.evaluate import Evaluator, Place, Ruling
from auditor.expect import Family, Leaf, Question, value_order
from auditor.model import ABSENT, Breach, Category, Kind, Match, MatchMethod, Normal, Path, Resource, Side, Unmatched
from auditor.observed import SideView, Value, is_missing, points_into_gap, was_observed
from auditor.past import NO_HISTORY, History
from auditor.places import NOTHING, differing, leaves, leaves_alone, leaves_under, unqualified
from auditor.promotion import COMPONENT, REHEARSED
from auditor.reach import with_reach
from auditor.rules import CATCH_ALL, NON_PRODUCTION
from auditor.score import Tally

if TYPE_CHECKING:
    from auditor.model import Absent, Compared, Comparison, Json
    from auditor.names import EnvironmentNames
    from auditor.promotion import Promotion
    from auditor.rules import Policy

__all__ = ["Judgement", "fingerprint", "judge", "was_observed"]

_HERE = Leaf(True, True)


@dataclass(frozen=True, slots=True)
class Judgement:
    """The breaches of one comparison, worst first. `expected` and `unknown` count differences that are no finding.

    `score` is 0 to 1, None where nothing was compared; `scores` the same per category that has resources. `notes` says
    which expressions of the policy had no answer, a sentence per rule.
    """

    breaches: tuple[Breach, ...]
    expected: int
    unknown: int
    score: float | None
    scores: Mapping[Category, float]
    notes: tuple[str, ...] = ()


def judge(
    comparison: Comparison,
    policy: Policy,
    left_names: EnvironmentNames,
    right_names: EnvironmentNames,
    now: datetime,
    owner_tag: str = "owner",
    history: History = NO_HISTORY,
) -> Judgement:
    """Judge a comparison under a policy. `now` is aware and only read by rules that ask for ages.

    `owner_tag` is the tag that names whom a resource belongs to, in whatever case it is written. `history` is what is
    known of the past of both; without it nothing is said of what was rehearsed, and lags are of unknown length."""
    bench = _Bench(comparison, policy, {"left": left_names, "right": right_names}, now, owner_tag, history)
    for compared in comparison.matches:
        bench.judge_match(compared)
    bench.judge_unmatched()
    bench.judge_values_alone()
    for promotion in history.promotions:
        bench.judge_promotion(promotion)
    return bench.judgement()


def fingerprint(pair: tuple[str, str], kind: str, identity: str, rule: str, path: Path) -> str:
    """What tells one finding from another over time: the place and the rule, never values, positions or ids."""
    parts = "\x1e".join((*pair, kind, identity, rule, "\x1f".join(path)))
    return hashlib.sha256(parts.encode()).hexdigest()[:32]


class _Bench:
    """One sitting: gathers what each place has to say."""

    def __init__(
        self,
        comparison: Comparison,
        policy: Policy,
        names: Mapping[str, EnvironmentNames],
        now: datetime,
        owner_tag: str,
        history: History,
    ) -> None:
        self.comparison = comparison
        self.evaluator = Evaluator(policy, comparison, names, now, history)
        self.names = (names["left"], names["right"])
        self.now = now
        self.owner_tag = owner_tag
        self.views = {
            "left": SideView(comparison.left, names["left"]),
            "right": SideView(comparison.right, names["right"]),
        }
        self.gaps = bool(comparison.left.gaps or comparison.right.gaps)
        self.environments = (comparison.left.environment, comparison.right.environment)
        self.breaches: dict[str, Breach] = {}
        self.expected = self.unknown = 0
        self.tally = Tally()

    def judge_match(self, compared: Compared) -> None:
        """One matched pair: its differences, then every value that is wrong in itself."""
        match = compared.match
        self.tally.resource(match.left.kind.category)
        hidden = self.views["left"].unknown_attributes(match.left) | self.views["right"].unknown_attributes(match.right)
        rulings: dict[Path, tuple[Place, list[Ruling]]] = {}
        for place in differing(compared):
            if (place.path and place.path[0] in hidden) or self._points_into_gap(place):
                self.unknown += 1
                continue
            ruling = self._decide(place)
            rulings[place.spot] = (place, [])
            if ruling.verdict.met:
                self.expected += 1
            else:
                rulings[place.spot][1].append(ruling)
        for leaf in (*unqualified(compared), *leaves(match, self.names)):
            if not leaf.path or leaf.path[0] in hidden:
                continue
            failed = self.evaluator.checks(leaf, differs=leaf.spot in rulings)
            if failed:
                rulings.setdefault(leaf.spot, (leaf, []))[1].extend(failed)
        by_path: dict[Path, list[tuple[Place, list[Ruling]]]] = {}
        for place, found in rulings.values():
            if found:
                by_path.setdefault(place.path, []).append((place, found))
        for spots in by_path.values():
            self._report_spots(match, spots)

    def _report_spots(self, match: Match, spots: list[tuple[Place, list[Ruling]]]) -> None:
        """One finding per path. Of items that nothing names the worst speaks, since nothing lasting tells them apart."""
        place, found = max(spots, key=lambda spot: max(ruling.rule.severity.rank for ruling in spot[1]))
        self._report_place(match, place, found, more=len(spots) - 1)

    def _points_into_gap(self, place: Place) -> bool:
        if not self.gaps:
            return False
        left, right = (
            Value(place.leaf(side).raw, resource.region if resource else None, self.views[side])
            for side, resource in (("left", place.left_resource), ("right", place.right_resource))
        )
        return points_into_gap(place.path, left, right)

    def _decide(self, place: Place) -> Ruling:
        """The ruling on a difference. A subtree of which every leaf is ignored is ignored, too."""
        ruling = self.evaluator.decide(place)
        one_sided = place.left.present != place.right.present
        if ruling.verdict.met or not one_sided:
            return ruling
        below = [self.evaluator.decide(leaf) for leaf in leaves_under(place, self.names) if leaf.path != place.path]
        if below and all(item.rule.family is Family.IGNORE for item in below):
            return below[0]
        if ruling.rule.id == CATCH_ALL:
            named = [item for item in below if item.rule.id != CATCH_ALL and not item.verdict.met]
            return max(named, key=lambda item: item.rule.severity.rank, default=ruling)
        return ruling

    def judge_unmatched(self) -> None:
        """Resources without counterpart: missing, unknown, or probably one another's counterpart."""
        missing = [item for item in self.comparison.unmatched if self._is_missing(item)]
        self.unknown += len(self.comparison.unmatched) - len(missing)
        by_key = {_key_of(item): item for item in missing}
        done: set[tuple[str, ...]] = set()
        for item in sorted(missing, key=_key_of):
            if _key_of(item) in done:
                continue
            counterpart = self._counterpart(item, by_key, done)
            done |= {_key_of(item), _key_of(counterpart)} if counterpart is not None else {_key_of(item)}
            self._judge_alone(item, counterpart)

    def judge_values_alone(self) -> None:
        """What must not be outside production, of resources that production lacks or does not show."""
        if not self.evaluator.asks_alone:
            return
        for item in self.comparison.unmatched:
            if item.side not in self.evaluator.in_environment(NON_PRODUCTION):
                continue
            hidden = self.views[item.side].unknown_attributes(item.normal)
            places = (place for place in leaves_alone(item.side, item.normal, self.names) if place.path)
            found = [(place, self.evaluator.checks_alone(place)) for place in places if place.path[0] not in hidden]
            for place, failed in found:
                if failed:
                    self._report_alone(item, place, failed)
            if any(failed for _, failed in found) and not self._is_missing(item):
                self.tally.resource(item.normal.kind.category)

    def _is_missing(self, item: Unmatched) -> bool:
        return is_missing(item.normal, self.views["right" if item.side == "left" else "left"])

    def _counterpart(
        self, item: Unmatched, by_key: Mapping[tuple[str, ...], Unmatched], done: set[tuple[str, ...]]
    ) -> Unmatched | None:
        """The unmatched resource that this one probably belongs to, if it is still free."""
        other = "right" if item.side == "left" else "left"
        if item.suggestion is not None:
            key = _key(other, item.suggestion)
            return by_key[key] if key in by_key and key not in done else None
        own = _key(item.side, item.normal)
        for key, candidate in by_key.items():
            found = candidate.suggestion
            if candidate.side == other and key not in done and found is not None and _key(item.side, found) == own:
                return candidate
        return None

    def _judge_alone(self, item: Unmatched, counterpart: Unmatched | None) -> None:
        self.tally.resource(item.normal.kind.category)
        rulings = [(item, self._presence(item))]
        if counterpart is not None:
            rulings.append((counterpart, self._presence(counterpart)))
        self.expected += sum(ruling.verdict.met for _, ruling in rulings)
        failed = [(found, ruling) for found, ruling in rulings if not ruling.verdict.met]
        if not failed:
            return
        found, ruling = max(failed, key=lambda pair: pair[1].rule.severity.rank)
        pair = counterpart if counterpart is not None and len(failed) == 2 else None
        members = {entry.side: entry for entry in (item, pair if found is not item else counterpart) if entry and pair}
        members[found.side] = found
        self._report_presence(members, found, ruling)

    def _presence(self, item: Unmatched) -> Ruling:
        resource: Resource = item.normal.resource
        kind = item.normal.kind.name
        if item.side == "left":
            return self.evaluator.decide(Place(kind, (), _HERE, NOTHING, resource, None))
        return self.evaluator.decide(Place(kind, (), NOTHING, _HERE, None, resource))

    def _report_presence(self, members: Mapping[str, Unmatched], found: Unmatched, ruling: Ruling) -> None:
        normals = {side: entry.normal for side, entry in members.items()}
        sides = [
            _side(environment, normals[name].resource, True) if name in normals else Side(environment, None, ABSENT)
            for name, environment in zip(("left", "right"), self.environments, strict=True)
        ]
        scene = messages.Scene(found.normal.kind.name, (), sides[0], sides[1])
        both = len(normals) == 2
        other = normals.get("right" if found.side == "left" else "left")
        suggested = other if other is not None else found.suggestion
        text = messages.suggestion(scene) if both else messages.presence(scene)
        remedy = "If they are one another's counterpart, say so: `audit match`" if both else ruling.rule.remediation
        breach = self._breach(scene, found.normal.kind, found.normal.identity, ruling, text, None, found.confidence)
        self._add(
            replace(
                breach,
                remediation=messages.fill(remedy, scene),
                owner=_owner([normals[side].resource for side in ("right", "left") if side in normals], self.owner_tag),
                suggestion=suggested.resource.identity if suggested is not None else None,
            ),
            found.normal,
        )

    def _report_place(self, match: Match, place: Place, found: list[Ruling], more: int) -> None:
        """The most severe ruling of a place; what else was found there, and in how many `more` items, is told with it."""
        worst = max(found, key=lambda ruling: (ruling.rule.severity.rank, ruling.is_check))
        sides = (
            _side(self.environments[0], match.left.resource, place.left.raw),
            _side(self.environments[1], match.right.resource, place.right.raw),
        )
        versions = "version" in worst.rule.values or worst.rule.expect.name in ("same_major", "same_minor", "max_lag")
        order = value_order(Question(place.path, place.left, place.right, self.now, versions=versions))
        scene = messages.Scene(place.kind, place.path, *sides, order)
        if worst.is_check:
            failing = tuple(sides[("left", "right").index(side)] for side in worst.sides)
            text = messages.check(scene, failing, worst.verdict)
        else:
            text = messages.difference(scene, versions=versions)
            if worst.rule.expect.name == "max_lag" and worst.verdict.reason:
                text += f": {worst.verdict.reason}"
        also, ruling = _with_others(worst, found)
        text += also
        if more:
            text += f"; {more} more {'item' if more == 1 else 'items'} of the list must be looked at here, too"
        breach = self._breach(scene, match.left.kind, match.left.identity, ruling, text, match.method, match.confidence)
        owner = _owner((match.right.resource, match.left.resource), self.owner_tag)
        self._add(replace(breach, owner=owner, sides=worst.sides), match.left)

    def _report_alone(self, item: Unmatched, place: Place, failed: list[Ruling]) -> None:
        worst = max(failed, key=lambda ruling: ruling.rule.severity.rank)
        own = _side(self.environments[item.side == "right"], item.normal.resource, place.leaf(item.side).raw)
        left, right = (
            own if item.side == name else Side(environment, None, ABSENT)
            for name, environment in zip(("left", "right"), self.environments, strict=True)
        )
        scene = messages.Scene(place.kind, place.path, left, right)
        also, ruling = _with_others(worst, failed)
        text = messages.check(scene, (own,), worst.verdict) + also
        breach = self._breach(scene, item.normal.kind, item.normal.identity, ruling, text, None, 0.0)
        self._add(replace(breach, owner=_owner((item.normal.resource,), self.owner_tag)), item.normal)

    def judge_promotion(self, promotion: Promotion) -> None:
        """A component that the right environment runs in a version that the left one, which comes first, never ran."""
        if promotion.rehearsed is not False:
            return
        name = promotion.component
        resource = Resource(COMPONENT.name, name, {"version": promotion.right}, component=name)
        place = Place(COMPONENT.name, REHEARSED, NOTHING, Leaf(False, False), resource, resource)
        failed = self.evaluator.checks(place, differs=False)
        if not failed:
            return
        left, right = self.environments
        scene = messages.Scene(
            COMPONENT.name, REHEARSED, Side(left, name, promotion.left), Side(right, name, promotion.right)
        )
        worst = max(failed, key=lambda ruling: ruling.rule.severity.rank)
        breach = self._breach(scene, COMPONENT, name, worst, promotion.message, MatchMethod.IDENTITY, 1.0)
        self.tally.resource(COMPONENT.category)
        self._add(breach, Normal(resource, COMPONENT, name, {}, {}, ""))

    def _breach(
        self,
        scene: messages.Scene,
        kind: Kind,
        identity: str,
        ruling: Ruling,
        text: str,
        method: MatchMethod | None,
        confidence: float,
    ) -> Breach:
        rule = ruling.rule
        return Breach(
            fingerprint=fingerprint(self.environments, kind.name, identity, rule.id, scene.path),
            rule=rule.reference(ruling.overrode),
            severity=rule.severity,
            category=rule.category or kind.category,
            kind=kind.name,
            identity=identity,
            path=scene.path,
            left=scene.left,
            right=scene.right,
            message=text,
            about=rule.about,
            remediation=messages.fill(rule.remediation, scene),
            matched_by=method,
            confidence=confidence,
            tolerated_for=rule.tolerated_for,
            escalation=rule.escalation,
        )

    def _add(self, breach: Breach, normal: Normal) -> None:
        """Keep a breach. Resources of one identity in several regions are told apart by where they are."""
        if breach.fingerprint in self.breaches:
            place = f"{breach.identity}\x1d{normal.resource.region or ''}\x1d{normal.resource.parent or ''}"
            again = fingerprint(self.environments, breach.kind, place, breach.rule.id, breach.path)
            breach = replace(breach, fingerprint=again)
        self.breaches.setdefault(breach.fingerprint, breach)
        resource = "\x1f".join((breach.kind, breach.identity, normal.resource.region or ""))
        self.tally.breach(resource, breach.severity, (breach.category, normal.kind.category))

    def judgement(self) -> Judgement:
        ordered = sorted(
            self.breaches.values(), key=lambda item: (-item.severity.rank, item.kind, item.identity, item.path)
        )
        # Where not one pair was made, nothing was compared: the share of what is missing would pose as a score.
        compared = bool(self.comparison.matches)
        score, scores = (self.tally.overall(), self.tally.by_category()) if compared else (None, {})
        naming = frozenset(rule.name for rule in self.evaluator.policy.rules if rule.expect.name == "qualified")
        breaches = with_reach(with_causes(tuple(ordered), naming), self.comparison)
        return Judgement(breaches, self.expected, self.unknown, score, scores, self.evaluator.faults.notes())


def _with_others(worst: Ruling, found: list[Ruling]) -> tuple[str, Ruling]:
    """What else was found in a place, as the end of its sentence; and the worst ruling with the rules that it stands for."""
    also = [ruling for ruling in found if ruling is not worst]
    reasons = dict.fromkeys(ruling.verdict.reason for ruling in also if ruling.verdict.reason)
    text = "".join(f"; also, {reason}" for reason in reasons if reason != worst.verdict.reason)
    rules = (*worst.overrode, *(ruling.rule for ruling in also))
    return text, replace(worst, overrode=tuple({rule.name: rule for rule in rules}.values()))


def _side(environment: str, resource: Resource, value: Json | Absent) -> Side:
    return Side(environment, resource.identity, value, resource.location)


def _owner(resources: Iterable[Resource], tag: str) -> str | None:
    """Whom the first of the resources that says so belongs to."""
    wanted = tag.casefold()
    for resource in resources:
        for name, value in sorted(resource.tags.items()):
            if name.casefold() == wanted and value.strip():
                return value.strip()
    return None


def _key(side: str, normal: Normal) -> tuple[str, ...]:
    """One unmatched resource; the same identity may stand in several regions."""
    resource = normal.resource
    return (side, normal.kind.name, normal.identity, resource.region or "", resource.source, resource.identity)


def _key_of(item: Unmatched) -> tuple[str, ...]:
    return _key(item.side, item.normal)
