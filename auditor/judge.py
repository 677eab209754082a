"""Differences + gaps + policy -> breaches: what is wrong, once per place, and what cannot be said.

Pure: the same comparison, policy and time give the same breaches in the same order.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING

from auditor.breaches import Voice, fingerprint
from auditor.causes import with_causes
from auditor.comparison import Match, Normal, Unmatched
from auditor.declared import EXISTS, departures
from auditor.evaluate import Evaluator, Ruling
from auditor.expect import Family, Leaf
from auditor.model import (
    Breach,
    Category,
    Path,
    Resource,
    Tally,
)
from auditor.observed import SideView, Value, is_missing, points_into_gap, was_observed
from auditor.past import NO_HISTORY, History, Lags
from auditor.places import NOTHING, Place, differing, leaves, leaves_alone, leaves_under, unqualified
from auditor.promotion import COMPONENT, REHEARSED
from auditor.reach import with_reach
from auditor.rules import CATCH_ALL, NON_PRODUCTION
from auditor.score import Tally as Scoring
from auditor.settled import RIGHT, Settled, Spots
from auditor.tallies import Tallies

if TYPE_CHECKING:
    from auditor.comparison import Compared, Comparison
    from auditor.declared import Departure
    from auditor.kept import Keeping
    from auditor.names import EnvironmentNames
    from auditor.promotion import Promotion, Release
    from auditor.rules import Policy

__all__ = ["Judgement", "judge", "was_observed"]

_HERE = Leaf(True, True)


@dataclass(frozen=True, slots=True)
class Judgement:
    """The breaches of one comparison, worst first. `expected` and `unknown` count differences that are no finding.

    `score` is 0 to 1, None where nothing was compared; `scores` the same per category that has resources. `notes` says
    which expressions of the policy had no answer, a sentence per rule. `tallies` counts by category.
    """

    breaches: tuple[Breach, ...]
    expected: int
    unknown: int
    score: float | None
    scores: Mapping[Category, float]
    notes: tuple[str, ...] = ()
    tallies: Mapping[Category, Tally] = field(default_factory=dict)


def judge(
    comparison: Comparison,
    policy: Policy,
    left_names: EnvironmentNames,
    right_names: EnvironmentNames,
    now: datetime,
    owner_tag: str = "owner",
    history: History = NO_HISTORY,
    on_expected: Callable[[Place, Ruling], None] | None = None,
    keeping: Keeping | None = None,
) -> Judgement:
    """Judge a comparison under a policy. `now` is aware and only read by rules that ask for ages.

    `on_expected` is told of each difference that a rule calls normal.
    `owner_tag` is the tag that names whom a resource belongs to, in whatever case it is written. `history` is what is
    known of the past of both; without it nothing is said of what was rehearsed, and lags are of unknown length. With `keeping`
    only what may be judged otherwise than before is looked at; what comes out is the same."""
    names = {"left": left_names, "right": right_names}
    bench = _Bench(comparison, policy, names, now, owner_tag, history, on_expected, keeping)
    for compared in comparison.matches:
        bench.judge_match(compared)
    bench.judge_unmatched()
    bench.judge_values_alone()
    for promotion in history.promotions:
        bench.judge_promotion(promotion)
    for departure in departures(comparison, bench.names):
        bench.judge_departure(departure)
    return bench.judgement()


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
        on_expected: Callable[[Place, Ruling], None] | None,
        keeping: Keeping | None,
    ) -> None:
        self.comparison = comparison
        self.evaluator = Evaluator(policy, comparison, names, now, history, keeping)
        self.settled = Settled(keeping, policy, self.evaluator, names) if keeping is not None else None
        self.names = (names["left"], names["right"])
        self.views = {
            "left": SideView(comparison.left, names["left"]),
            "right": SideView(comparison.right, names["right"]),
        }
        self.unrehearsed = {each.component for each in history.promotions if each.rehearsed is False}
        self.lags = Lags(history, comparison, names, now)
        self.components: dict[str, str] = {}
        self.releases: dict[str, Release] = {}
        self.gaps = bool(comparison.left.gaps or comparison.right.gaps)
        self.environments = (comparison.left.environment, comparison.right.environment)
        self.voice = Voice(self.environments, now, owner_tag, comparison.declarations)
        self.breaches: dict[str, Breach] = {}
        self.expected = self.unknown = 0
        self.tally = Scoring()
        self.tallies = Tallies()
        self.on_expected = on_expected

    def judge_match(self, compared: Compared) -> None:
        """One matched pair: its differences, then every value that is wrong in itself."""
        match = compared.match
        category = match.left.kind.category
        self.tally.resource(category)
        spots = self._spots(compared)
        if spots is RIGHT:
            self.tallies.matched[category] += 1
            return
        hidden = self._hidden(match)
        rulings: dict[Path, tuple[Place, list[Ruling]]] = {}
        for place in spots.differing:
            if _is_unknown(place, hidden) or self._points_into_gap(place):
                self._hide(category)
                continue
            ruling = self._decide(place)
            rulings[place.spot] = (place, [])
            if ruling.verdict.met:
                self._expect(category, place, ruling)
            else:
                rulings[place.spot][1].append(ruling)
        for leaf in (*spots.unqualified, *spots.values):
            if not leaf.path or _is_unknown(leaf, hidden):
                continue
            failed = self.evaluator.checks(leaf, differs=leaf.spot in rulings)
            if failed:
                rulings.setdefault(leaf.spot, (leaf, []))[1].extend(failed)
        by_path: dict[Path, list[tuple[Place, list[Ruling]]]] = {}
        for place, found in rulings.values():
            if found:
                by_path.setdefault(place.path, []).append((place, found))
        self.tallies.matched[category] += not by_path
        for found_there in by_path.values():
            self._report_spots(match, found_there)

    def _spots(self, compared: Compared) -> Spots:
        """The places of a pair that are to be judged: those that are kept, else all but the values that are right for good."""
        match = compared.match
        if self.settled is not None:
            kind, ours, theirs = match.left.kind.name, match.left.resource, match.right.resource

            def place(path: Path, left: Leaf, right: Leaf, *, spot: Path, unqualified: bool) -> Place:
                return Place(kind, path, left, right, ours, theirs, unqualified, spot)

            known = self.settled.known(match, place)
            if known is not None:
                return known
        apart = tuple(differing(compared))
        values = (leaf for leaf in leaves(match, self.names) if leaf.path)
        if self.settled is not None:
            there = {place.spot for place in apart}
            values = (leaf for leaf in values if leaf.spot in there or self.evaluator.matters(leaf))
        spots = Spots(apart, tuple(unqualified(compared)), tuple(values))
        if self.settled is not None:
            self.settled.keep(match, spots)
        return spots if spots.differing or spots.unqualified or spots.values else RIGHT

    def _hidden(self, match: Match) -> frozenset[str]:
        if not self.gaps:
            return frozenset()
        left, right = self.views["left"], self.views["right"]
        return left.unknown_attributes(match.left) | right.unknown_attributes(match.right)

    def _expect(self, category: Category, place: Place, ruling: Ruling) -> None:
        """A difference that a rule calls normal."""
        self.expected += 1
        self.tallies.expected[category] += 1
        if self.on_expected is not None:
            self.on_expected(place, ruling)

    def _hide(self, category: Category) -> None:
        """A place that a gap hides."""
        self.unknown += 1
        self.tallies.unknown[category] += 1

    def _report_spots(self, match: Match, spots: list[tuple[Place, list[Ruling]]]) -> None:
        """One finding per path. Of items that nothing names the worst speaks, since nothing lasting tells them apart."""
        place, found = max(spots, key=lambda spot: max(ruling.rule.severity.rank for ruling in spot[1]))
        component = self.lags.component(place) if self.unrehearsed else None
        breach = self._add(self.voice.place(match, place, found, more=len(spots) - 1), match.left, component)
        if (release := self.lags.release(place)) is not None:
            self.releases[breach.fingerprint] = release

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
        missing = []
        for item in self.comparison.unmatched:
            if self._is_missing(item):
                missing.append(item)
            else:
                self._hide(item.normal.kind.category)
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
                    self._add(self.voice.alone(item, place, failed), item.normal)
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
        failed = []
        for found in (item, counterpart):
            if found is None:
                continue
            place, ruling = self._presence(found)
            if ruling.verdict.met:
                self._expect(found.normal.kind.category, place, ruling)
            else:
                failed.append((found, ruling))
        if not failed:
            return
        found, ruling = max(failed, key=lambda pair: pair[1].rule.severity.rank)
        pair = counterpart if counterpart is not None and len(failed) == 2 else None
        members = {entry.side: entry for entry in (item, pair if found is not item else counterpart) if entry and pair}
        members[found.side] = found
        self._add(self.voice.presence(members, found, ruling), found.normal)

    def _presence(self, item: Unmatched) -> tuple[Place, Ruling]:
        resource: Resource = item.normal.resource
        kind = item.normal.kind.name
        if item.side == "left":
            place = Place(kind, (), _HERE, NOTHING, resource, None)
        else:
            place = Place(kind, (), NOTHING, _HERE, None, resource)
        return place, self.evaluator.decide(place)

    def judge_promotion(self, promotion: Promotion) -> None:
        """A component that the right environment runs in a version that the left one, which comes first, never ran."""
        if promotion.rehearsed is not False:
            return
        name = promotion.component
        resource = Resource(COMPONENT.name, name, {"version": promotion.right}, component=name)
        place = Place(COMPONENT.name, REHEARSED, NOTHING, Leaf(False, False), resource, resource)
        failed = self.evaluator.checks(place, differs=False)
        if failed:
            self.tally.resource(COMPONENT.category)
            self._add(self.voice.promotion(promotion, failed), Normal(resource, COMPONENT, name, {}, {}, ""), name)

    def judge_departure(self, departure: Departure) -> None:
        """What states declare and reality lacks, or reality has and no state declares."""
        ours, theirs = (departure.sides.get(side) for side in ("left", "right"))
        left, right = (NOTHING if resource is None else Leaf(False, False) for resource in (ours, theirs))
        place = Place(departure.kind.name, departure.path, left, right, ours, theirs)
        failed = self.evaluator.checks(place, differs=False)
        if departure.path == EXISTS:
            self.tally.resource(departure.kind.category)
        if failed:
            resource = ours or theirs
            assert resource is not None
            normal = Normal(resource, departure.kind, departure.identity, {}, {}, "")
            self._add(self.voice.departure(departure, failed), normal)

    def _add(self, breach: Breach, normal: Normal, component: str | None = None) -> Breach:
        """Keep a breach, and return it as it is kept. Resources of one identity in several regions are told apart by where they are.

        `component` is the one whose deployed version the breach is about."""
        if breach.fingerprint in self.breaches:
            place = f"{breach.identity}\x1d{normal.resource.region or ''}\x1d{normal.resource.parent or ''}"
            again = fingerprint(self.environments, breach.kind, place, breach.rule.id, breach.path)
            breach = replace(breach, fingerprint=again)
        self.breaches.setdefault(breach.fingerprint, breach)
        if component in self.unrehearsed:
            self.components[breach.fingerprint] = component
        resource = "\x1f".join((breach.kind, breach.identity, normal.resource.region or ""))
        self.tally.breach(resource, breach.severity, (breach.category, normal.kind.category))
        return breach

    def judgement(self) -> Judgement:
        """All that was found. The sitting is over then."""
        ordered = sorted(
            self.breaches.values(), key=lambda item: (-item.severity.rank, item.kind, item.identity, item.path)
        )
        # Where not one pair was made, nothing was compared: the share of what is missing would pose as a score.
        compared = bool(self.comparison.matches)
        score, scores = (self.tally.overall(), self.tally.by_category()) if compared else (None, {})
        naming = frozenset(rule.name for rule in self.evaluator.policy.rules if rule.expect.name == "qualified")
        notes, tallies = self.evaluator.faults.notes(), self.tallies.by_category()
        # What was needed to judge takes much room, and nothing more is judged.
        del self.settled, self.evaluator
        causes = with_causes(tuple(ordered), naming, self.components, self.releases)
        breaches = with_reach(causes, self.comparison)
        return Judgement(breaches, self.expected, self.unknown, score, scores, notes, tallies)


def _is_unknown(place: Place, hidden: frozenset[str]) -> bool:
    """Whether a place stands in an attribute of which something was not read, and was not itself seen on both sides."""
    return bool(place.path) and place.path[0] in hidden and not (len(place.path) > 1 and _seen_on_both(place))


def _seen_on_both(place: Place) -> bool:
    return all(leaf.present and leaf.raw is not None for leaf in (place.left, place.right))


def _key(side: str, normal: Normal) -> tuple[str, ...]:
    """One unmatched resource; the same identity may stand in several regions."""
    resource = normal.resource
    return (side, normal.kind.name, normal.identity, resource.region or "", resource.source, resource.identity)


def _key_of(item: Unmatched) -> tuple[str, ...]:
    return _key(item.side, item.normal)
