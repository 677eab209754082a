"""Whether a pair reads one place twice: then it was compared with itself, and that it agrees says nothing."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from auditor.collector import Shareable
from auditor.model import Gap, GapReason

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from auditor.collect import Environment, Source
    from auditor.model import Snapshot

    _LabelOf = Callable[[str], str]


def compared_with_others(
    left: Environment, right: Environment, seen_left: Snapshot, seen_right: Snapshot
) -> tuple[Snapshot, Snapshot, tuple[str, ...]]:
    """Both snapshots without what would be compared with itself, and a sentence for what is compared with itself all the same.

    It would be where both environments read a source alike, and found the very same things in it. Each of its listings
    then becomes a gap of both. What environments may rightly have in common (a folder, a state, a store) is kept and
    noted as long as there is anything else to compare: with nothing else, it shows no parity."""
    if left.name == right.name:
        # One environment at two times.
        return seen_left, seen_right, ()
    label_of = partial(_label_of, tuple({source.label for source in (*left.sources, *right.sources)}))
    sides = seen_left, seen_right
    # Options are compared, too: two clusters may be called alike.
    both = (source for source in left.sources if any(source == other for other in right.sources))
    twice = {source.label: source for source in both if _found_alike(source, sides, label_of)}
    more = all(any(label_of(one.source) not in twice for one in seen.resources) for seen in sides)
    common = [label for label, source in twice.items() if more and isinstance(source.collector, Shareable)]
    pair = f"{left.name} and {right.name}"
    why = {
        label: f"{pair} read the same {label}, so it would be compared with itself: "
        "give each environment a source of its own, or take it from both"
        for label in twice
        if label not in common
    }
    notes = tuple(
        f"{pair} read the same {label}, so it was compared with itself: "
        "give each environment a source of its own, unless they have it in common"
        for label in common
    )
    return _without(seen_left, why, label_of), _without(seen_right, why, label_of), notes


def _found_alike(source: Source, sides: Iterable[Snapshot], label_of: _LabelOf) -> bool:
    """Whether both found the very same things in it. Where the names in a shared place tell the environments apart, or each
    asks for its own, they did not."""
    if isinstance(source.collector, Shareable) and source.collector.by_name:
        return False
    ours, theirs = (
        {(one.kind, one.identity, one.region) for one in seen.resources if label_of(one.source) == source.label}
        for seen in sides
    )
    return bool(ours) and ours == theirs


def _without(seen: Snapshot, why: Mapping[str, str], label_of: _LabelOf) -> Snapshot:
    if not why:
        return seen
    unknown = tuple(
        Gap(
            seen.environment,
            listing.source,
            listing.kind,
            GapReason.UNSUPPORTED,
            why[label_of(listing.source)],
            region=listing.region,
        )
        for listing in seen.listings
        if label_of(listing.source) in why
    )
    return replace(
        seen,
        resources=tuple(one for one in seen.resources if label_of(one.source) not in why),
        listings=tuple(one for one in seen.listings if label_of(one.source) not in why),
        gaps=(*seen.gaps, *unknown),
    )


def _label_of(labels: tuple[str, ...], source: str) -> str:
    """The label of the source that this is, or is a part of (an account of an organization); itself where none fits."""
    return max(
        (label for label in labels if source == label or source.startswith(f"{label}/")), key=len, default=source
    )
