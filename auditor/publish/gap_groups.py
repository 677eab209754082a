"""Gaps as a person reads them: what one reason hides in one place together, and what to do about it. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from auditor.model import Gap, GapReason
from auditor.publish.spelling import brief, count, distinct, sentence

MEANINGS: Mapping[GapReason, str] = {
    GapReason.ACCESS_DENIED: "the credentials may not read it",
    GapReason.THROTTLED: "the source kept asking to slow down",
    GapReason.TIMEOUT: "no answer within the time allowed",
    GapReason.UNREACHABLE: "the source could not be reached",
    GapReason.MALFORMED: "the answer could not be understood",
    GapReason.TRUNCATED: "the listing broke off before its end",
    GapReason.UNSUPPORTED: "the auditor cannot read this",
}
_AWS_DENIED = "Grant the missing permission; `audit iam-policy` prints all that are needed."
_DENIED = "Grant the missing permission; `audit collectors NAME` says which the collector needs."
_NO_ACCESS = "there are no credentials that may read any of it"
_NO_ACCESS_REMEDY = "Look at its credentials first. "
_THROTTLED = "Run again later, or ask for less at a time."


@dataclass(frozen=True, slots=True)
class GapGroup:
    """Gaps of one environment, source, region and reason.

    `kinds` were not listed; `resources` and `attributes` are what single failures hide, spelled for people.
    """

    environment: str
    source: str
    region: str | None
    reason: GapReason
    kinds: tuple[str, ...]
    resources: tuple[str, ...]
    attributes: tuple[str, ...]
    details: tuple[str, ...]

    @property
    def hidden(self) -> str:
        """What was not compared, in numbers: `12 kinds, 1 resource`."""
        if "*" in self.kinds:
            return "everything in it"
        several = "at least " if any("*" in kind for kind in self.kinds) else ""
        hidden = ((len(self.kinds), "kind"), (len(self.resources), "resource"), (len(self.attributes), "attribute"))
        return several + ", ".join(count(number, noun) for number, noun in hidden if number)

    @property
    def names(self) -> tuple[str, ...]:
        """The same by name."""
        return tuple(brief(kind) for kind in self.kinds if kind != "*") + self.resources + self.attributes

    @property
    def meaning(self) -> str:
        return _NO_ACCESS if self._is_locked_out else MEANINGS[self.reason]

    @property
    def remedy(self) -> str:
        if self.reason is GapReason.ACCESS_DENIED:
            first = _NO_ACCESS_REMEDY if self._is_locked_out else ""
            return first + (_AWS_DENIED if self.source.startswith("aws:") else _DENIED)
        return _THROTTLED if self.reason is GapReason.THROTTLED else ""

    @property
    def _is_locked_out(self) -> bool:
        """Whether nothing of the source is read: then no single permission is missing, but somebody has yet to sign in."""
        everything = {"*", f"{self.source.partition(':')[0]}.*"}
        return self.reason is GapReason.ACCESS_DENIED and not everything.isdisjoint(self.kinds)


def gap_groups(gaps: Iterable[Gap]) -> tuple[GapGroup, ...]:
    """Gaps of one environment, source, region and reason as one, in that order."""
    groups: dict[tuple[str, str, str, str], list[Gap]] = defaultdict(list)
    for gap in gaps:
        groups[(gap.environment, gap.source, gap.region or "", gap.reason.value)].append(gap)
    return tuple(_gap_group(members) for _, members in sorted(groups.items()))


def _gap_group(gaps: Sequence[Gap]) -> GapGroup:
    first = gaps[0]
    return GapGroup(
        environment=first.environment,
        source=first.source,
        region=first.region,
        reason=first.reason,
        kinds=tuple(sorted({gap.kind for gap in gaps if gap.resource is None and gap.attribute is None})),
        resources=tuple(sorted({_part(gap) for gap in gaps if gap.resource is not None and gap.attribute is None})),
        attributes=tuple(sorted({_part(gap) for gap in gaps if gap.attribute is not None})),
        details=distinct(gap.detail for gap in gaps),
    )


def _part(gap: Gap) -> str:
    kind = f" ({gap.kind})" if gap.kind != "*" else ""
    name = f"{gap.resource}{kind}" if gap.resource is not None else gap.kind
    where = f" at {gap.location}" if gap.location and gap.location != gap.resource else ""
    return sentence(f"{gap.attribute} of {name}{where}" if gap.attribute else f"{name}{where}")
