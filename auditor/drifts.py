"""What differs between two snapshots before any policy is asked. What was not observed differs from nothing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

from auditor.compare import compare, listed_again
from auditor.history import Bounds
from auditor.model import ABSENT, Path, Side
from auditor.observed import SideView, is_missing
from auditor.parting import Mover
from auditor.publish.view import Drift
from auditor.unchanged import Unchanged

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from auditor.comparison import Compared, Unmatched
    from auditor.model import Resource
    from auditor.parting import Apart, Parted
    from auditor.pipeline import Laid

    Asking: TypeAlias = Callable[[Sequence[Parted]], Mapping[str, Mover | Apart]]

# Somebody waits for the answer, and asks for all that differs: less far back than an audit looks for what is new.
BOUNDS = Bounds(looks=3_000, manifests=600)


@dataclass(frozen=True, slots=True)
class _Place:
    """A place as the histories are asked about it."""

    fingerprint: str
    kind: str
    identity: str
    path: Path
    left: Side
    right: Side
    sides: tuple[str, ...] = ("left", "right")


def drifts(laid: Laid, asking: Asking | None = None) -> tuple[Drift, ...]:
    """Every leaf that differs in a matched pair, and every resource that only one side has, by kind and identity.

    `asking` tells which side moved, where the histories do. Of two snapshots of one environment another id or secret is
    a difference, too."""
    comparison = laid.comparison
    sides = {
        "left": SideView(comparison.left, laid.pair.left),
        "right": SideView(comparison.right, laid.pair.right),
    }
    matches = comparison.matches
    if comparison.left.environment == comparison.right.environment:
        matches = compare([compared.match for compared in matches], Unchanged(laid.pair.left))
    found = [one for compared in matches for one in _of_match(compared, sides)]
    found += [one for unmatched in comparison.unmatched for one in _of_one(unmatched, sides)]
    ordered = sorted(found, key=lambda one: (one[0].kind, one[0].identity, one[0].path))
    if asking is None:
        return tuple(drift for drift, _ in ordered)
    named = {str(number): one for number, one in enumerate(ordered)}
    answers = asking([replace(place, fingerprint=name) for name, (_, place) in named.items()])
    return tuple(
        replace(drift, moved=answer.moved) if isinstance(answer := answers.get(name), Mover) else drift
        for name, (drift, _) in named.items()
    )


def _of_match(compared: Compared, sides: dict[str, SideView]) -> Iterator[tuple[Drift, _Place]]:
    left, right = compared.match.left, compared.match.right
    unknown = sides["left"].unknown_attributes(left) | sides["right"].unknown_attributes(right)
    for difference in compared.differences:
        if difference.path[:1] and difference.path[0] in unknown:
            continue
        place = _Place(
            "", left.kind.name, left.identity, difference.path,
            _side(sides["left"], left.resource, difference.left), _side(sides["right"], right.resource, difference.right),
        )  # fmt: skip
        yield Drift(left.kind.name, left.identity, difference.path, difference.left, difference.right), place


def _of_one(unmatched: Unmatched, sides: dict[str, SideView]) -> Iterator[tuple[Drift, _Place]]:
    normal = unmatched.normal
    other = "right" if unmatched.side == "left" else "left"
    if not is_missing(normal, sides[other]):
        return
    value = {key: listed_again(below) for key, below in normal.raw.items()}
    there, nowhere = _side(sides[unmatched.side], normal.resource, True), _side(sides[other], None, ABSENT)
    left, right = (value, ABSENT) if unmatched.side == "left" else (ABSENT, value)
    both = (there, nowhere) if unmatched.side == "left" else (nowhere, there)
    drift = Drift(normal.kind.name, normal.resource.identity, (), left, right)
    yield drift, _Place("", normal.kind.name, normal.identity, (), *both)


def _side(view: SideView, resource: Resource | None, value: object) -> Side:
    identity, location = (resource.identity, resource.location) if resource is not None else (None, None)
    return Side(view.snapshot.environment, identity, value, location)
