"""What an audit has at hand of the two snapshots that it is of, so that who asks for their past need not read them again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from auditor.declared import is_declaration
from auditor.model import spot

if TYPE_CHECKING:
    from auditor.alike import Pair
    from auditor.comparison import Comparison, Normal
    from auditor.model import Resource, Snapshot, Spot
    from auditor.names import EnvironmentNames
    from auditor.snapshot import Handles, References


@dataclass(frozen=True, slots=True)
class Seen:
    """One snapshot: all its `resources`; the normal forms of some, made under `names`, by where they are; and what its
    resources may be referred to by, where that was worked out."""

    resources: Sequence[Resource]
    names: EnvironmentNames | None = None
    normals: Mapping[Spot, Normal] = field(default_factory=dict)
    references: Handles | None = None


def seen_of(
    left: Snapshot,
    right: Snapshot,
    comparison: Comparison,
    pair: Pair,
    references: tuple[References, References] | None = None,
) -> tuple[Seen, Seen]:
    """Both snapshots. Of what differs, the normal forms that the comparison was made of; `references` are theirs."""
    ours, theirs = references or (None, None)
    return (
        _seen(left, "left", comparison.left, comparison, pair.left, ours),
        _seen(right, "right", comparison.right, comparison, pair.right, theirs),
    )


def _seen(
    whole: Snapshot,
    side: str,
    compared: Snapshot,
    comparison: Comparison,
    names: EnvironmentNames,
    references: References | None,
) -> Seen:
    # Where something was set aside, or put into other words, the forms are not those of the snapshot as it was taken.
    if compared.resources is not whole.resources or any(map(is_declaration, {one.kind for one in whole.resources})):
        return Seen(whole.resources)
    matches = (one.match for one in comparison.matches if one.differences)
    normals = [match.left if side == "left" else match.right for match in matches]
    normals += [one.normal for one in comparison.unmatched if one.side == side]
    live = references.live if references is not None else None
    return Seen(whole.resources, names, {spot(normal.resource): normal for normal in normals}, live)
