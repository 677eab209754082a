"""What differs between two snapshots before any policy is asked. What was not observed differs from nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from auditor.compare import listed_again
from auditor.model import ABSENT
from auditor.observed import SideView, is_missing
from auditor.publish.view import Drift

if TYPE_CHECKING:
    from collections.abc import Iterator

    from auditor.model import Compared, Unmatched
    from auditor.pipeline import Laid


def drifts(laid: Laid) -> tuple[Drift, ...]:
    """Every leaf that differs in a matched pair, and every resource that only one side has, by kind and identity."""
    sides = {
        "left": SideView(laid.comparison.left, laid.pair.left),
        "right": SideView(laid.comparison.right, laid.pair.right),
    }
    found = [drift for compared in laid.comparison.matches for drift in _of_match(compared, sides)]
    found += [drift for unmatched in laid.comparison.unmatched for drift in _of_one(unmatched, sides)]
    return tuple(sorted(found, key=lambda drift: (drift.kind, drift.identity, drift.path)))


def _of_match(compared: Compared, sides: dict[str, SideView]) -> Iterator[Drift]:
    left, right = compared.match.left, compared.match.right
    unknown = sides["left"].unknown_attributes(left) | sides["right"].unknown_attributes(right)
    for difference in compared.differences:
        if difference.path[:1] and difference.path[0] in unknown:
            continue
        yield Drift(left.kind.name, left.identity, difference.path, difference.left, difference.right)


def _of_one(unmatched: Unmatched, sides: dict[str, SideView]) -> Iterator[Drift]:
    normal = unmatched.normal
    other = "right" if unmatched.side == "left" else "left"
    if not is_missing(normal, sides[other]):
        return
    value = {key: listed_again(below) for key, below in normal.raw.items()}
    left, right = (value, ABSENT) if unmatched.side == "left" else (ABSENT, value)
    yield Drift(normal.kind.name, normal.resource.identity, (), left, right)
