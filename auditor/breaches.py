"""What was ruled of a place -> the breach that tells it: sides, sentence, remedy, owner, and the name it keeps. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from auditor import messages
from auditor.comparison import Declarations
from auditor.expect import Question, value_order
from auditor.model import (
    ABSENT,
    Breach,
    MatchMethod,
    Side,
    spot,
)
from auditor.promotion import COMPONENT, REHEARSED

if TYPE_CHECKING:
    from auditor.comparison import Match, Unmatched
    from auditor.declared import Departure
    from auditor.evaluate import Ruling
    from auditor.model import (
        Absent,
        Json,
        Kind,
        Path,
        Resource,
    )
    from auditor.places import Place
    from auditor.promotion import Promotion


def fingerprint(pair: tuple[str, str], kind: str, identity: str, rule: str, path: Path) -> str:
    """What tells one finding from another over time: the place and the rule, never values, positions or ids."""
    parts = "\x1e".join((*pair, kind, identity, rule, "\x1f".join(path)))
    return hashlib.sha256(parts.encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Voice:
    """Tells breaches of one pair of `environments`, left and right. `owner_tag` names whom a resource belongs to.

    `declarations` say where each side's resources are declared."""

    environments: tuple[str, str]
    now: datetime
    owner_tag: str
    declarations: tuple[Declarations, Declarations] = (Declarations(), Declarations())

    def presence(self, members: Mapping[str, Unmatched], found: Unmatched, ruling: Ruling) -> Breach:
        """A resource without counterpart, or two that probably are each other's: `members` are those by side."""
        normals = {side: entry.normal for side, entry in members.items()}
        sides = [
            self._side(name, normals[name].resource, True) if name in normals else Side(environment, None, ABSENT)
            for name, environment in zip(("left", "right"), self.environments, strict=True)
        ]
        scene = messages.Scene(found.normal.kind.name, (), sides[0], sides[1])
        both = len(normals) == 2
        other = normals.get("right" if found.side == "left" else "left")
        suggested = other if other is not None else found.suggestion
        text = messages.suggestion(scene) if both else messages.presence(scene)
        remedy = "If they are one another's counterpart, say so: `audit match`" if both else ruling.rule.remediation
        breach = self._breach(scene, found.normal.kind, found.normal.identity, ruling, text, None, found.confidence)
        return replace(
            breach,
            remediation=messages.fill(remedy, scene),
            owner=_owner([normals[side].resource for side in ("right", "left") if side in normals], self.owner_tag),
            suggestion=suggested.resource.identity if suggested is not None else None,
        )

    def place(self, match: Match, place: Place, found: list[Ruling], more: int) -> Breach:
        """The most severe ruling of a place; what else was found there, and in how many `more` items, is told with it."""
        worst = max(found, key=lambda ruling: (ruling.rule.severity.rank, ruling.is_check))
        sides = (
            self._side("left", match.left.resource, place.left.raw),
            self._side("right", match.right.resource, place.right.raw),
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
        return replace(breach, owner=owner, sides=worst.sides)

    def alone(self, item: Unmatched, place: Place, failed: list[Ruling]) -> Breach:
        """A value that must not be, of a resource that the other side lacks or does not show."""
        worst = max(failed, key=lambda ruling: ruling.rule.severity.rank)
        own = self._side(item.side, item.normal.resource, place.leaf(item.side).raw)
        left, right = (
            own if item.side == name else Side(environment, None, ABSENT)
            for name, environment in zip(("left", "right"), self.environments, strict=True)
        )
        scene = messages.Scene(place.kind, place.path, left, right)
        also, ruling = _with_others(worst, failed)
        text = messages.check(scene, (own,), worst.verdict) + also
        breach = self._breach(scene, item.normal.kind, item.normal.identity, ruling, text, None, 0.0)
        return replace(breach, owner=_owner((item.normal.resource,), self.owner_tag))

    def promotion(self, promotion: Promotion, failed: list[Ruling]) -> Breach:
        """A version that runs in the right environment and was never seen in the left one."""
        left, right = self.environments
        name = promotion.component
        scene = messages.Scene(
            COMPONENT.name, REHEARSED, Side(left, name, promotion.left), Side(right, name, promotion.right)
        )
        worst = max(failed, key=lambda ruling: ruling.rule.severity.rank)
        return self._breach(scene, COMPONENT, name, worst, promotion.message, MatchMethod.IDENTITY, 1.0)

    def departure(self, departure: Departure, failed: list[Ruling]) -> Breach:
        """Something that code declares and is not there, or that is there and no code declares."""
        left, right = (
            self._side(side, departure.sides[side], False)
            if side in departure.sides
            else Side(environment, None, ABSENT)
            for side, environment in zip(("left", "right"), self.environments, strict=True)
        )
        scene = messages.Scene(departure.kind.name, departure.path, left, right)
        worst = max(failed, key=lambda ruling: ruling.rule.severity.rank)
        breach = self._breach(scene, departure.kind, departure.identity, worst, departure.text, None, 0.0)
        owner = _owner([departure.sides[side] for side in ("right", "left") if side in departure.sides], self.owner_tag)
        return replace(breach, owner=owner, sides=tuple(sorted(departure.sides)))

    def _side(self, side: str, resource: Resource, value: Json | Absent) -> Side:
        index = ("left", "right").index(side)
        declared = self.declarations[index].addresses.get(spot(resource))
        return Side(self.environments[index], resource.identity, value, resource.location, declared)

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


def _with_others(worst: Ruling, found: list[Ruling]) -> tuple[str, Ruling]:
    """What else was found in a place, as the end of its sentence; and the worst ruling with the rules that it stands for."""
    also = [ruling for ruling in found if ruling is not worst]
    # That two values differ is seen: every report shows both.
    telling = [ruling for ruling in also if ruling.is_check or ruling.rule.expect.name != "equal"]
    reasons = dict.fromkeys(ruling.verdict.reason for ruling in telling if ruling.verdict.reason)
    text = "".join(f"; also, {reason}" for reason in reasons if reason != worst.verdict.reason)
    rules = (*worst.overrode, *(ruling.rule for ruling in also))
    return text, replace(worst, overrode=tuple({rule.name: rule for rule in rules}.values()))


def _owner(resources: Iterable[Resource], tag: str) -> str | None:
    """Whom the first of the resources that says so belongs to."""
    wanted = tag.casefold()
    for resource in resources:
        for name, value in sorted(resource.tags.items()):
            if name.casefold() == wanted and value.strip():
                return value.strip()
    return None
