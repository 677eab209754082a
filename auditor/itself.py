"""Whether a pair reads one place twice: then it was compared with itself, and that it agrees says nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from auditor.collect import Environment
    from auditor.model import Snapshot


def compared_with_itself(
    left: Environment, right: Environment, seen_left: Snapshot, seen_right: Snapshot
) -> tuple[str, ...]:
    """A sentence for each source that both environments read alike, and in which both found the very same things.

    Where the names in a shared place tell the environments apart, each finds its own there, and nothing is said."""
    found = []
    for source in left.sources:
        # Options are compared, too: two clusters may be called alike.
        if not any(source == other for other in right.sources):
            continue
        ours, theirs = (
            {(one.kind, one.identity, one.region) for one in seen.resources if one.source == source.label}
            for seen in (seen_left, seen_right)
        )
        if ours and ours == theirs:
            found.append(
                f"{left.name} and {right.name} read the same {source.label}, so it was compared with itself: "
                "give each environment a source of its own"
            )
    return tuple(found)
