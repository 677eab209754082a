"""The places of a matched pair: its leaves side by side, and the places at which the two really differ."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from auditor.evaluate import Place
from auditor.expect import Leaf
from auditor.model import ABSENT, Absent, Path
from auditor.values import canonical

if TYPE_CHECKING:
    from auditor.model import Compared, Json, Match

_NOTHING = Leaf(ABSENT, ABSENT)


@dataclass(frozen=True, slots=True)
class Found:
    """What stands at a path of one side, and how much of the path exists: a list is one value, so paths end there."""

    leaf: Leaf
    depth: int


def leaves(match: Match) -> Iterator[Place]:
    """Every scalar, list and empty map of either side, with what the other side has there."""
    stack: list[tuple[Path, Leaf, Leaf]] = [
        ((), Leaf(match.left.form, match.left.raw), Leaf(match.right.form, match.right.raw))
    ]
    while stack:
        path, left, right = stack.pop()
        keys = _keys(left) | _keys(right)
        if not keys:
            yield _place(match, path, left, right)
            continue
        # A scalar that faces a map is a value without counterpart.
        for leaf, is_left in ((left, True), (right, False)):
            if leaf.present and not isinstance(leaf.raw, Mapping):
                yield _place(match, path, *((leaf, _NOTHING) if is_left else (_NOTHING, leaf)))
        stack += [((*path, key), _child(left, key), _child(right, key)) for key in sorted(keys, reverse=True)]


def leaves_under(place: Place) -> Iterator[Place]:
    """The leaves of a place that holds a map on one side."""
    stack = [(place.path, place.left, place.right)]
    while stack:
        path, left, right = stack.pop()
        keys = _keys(left) | _keys(right)
        if not keys:
            yield Place(place.kind, path, left, right, place.left_resource, place.right_resource)
        stack += [((*path, key), _child(left, key), _child(right, key)) for key in sorted(keys, reverse=True)]


def differing(compared: Compared) -> Iterator[Place]:
    """The places that differ, each once: a subtree of one side only is one place, and so is a list."""
    match = compared.match
    seen: set[Path] = set()
    for difference in sorted(compared.differences, key=lambda item: item.path):
        left = _find(match.left.form, match.left.raw, difference.path)
        right = _find(match.right.form, match.right.raw, difference.path)
        path = _extent(difference.path, left, right)
        if path in seen:
            continue
        seen.add(path)
        if path == difference.path and not (left.leaf.present or right.leaf.present):
            yield _place(match, path, _told(difference.left, path), _told(difference.right, path))
            continue
        yield _place(
            match,
            path,
            _find(match.left.form, match.left.raw, path).leaf,
            _find(match.right.form, match.right.raw, path).leaf,
        )


def _extent(path: Path, left: Found, right: Found) -> Path:
    """The path at which a difference is reported: where the shorter side ends, one step on."""
    if left.leaf.present == right.leaf.present:
        return path[: min(left.depth, right.depth)] if left.leaf.present else path
    missing = right if left.leaf.present else left
    return path[: missing.depth + 1]


def _find(form: Json, raw: Json, path: Path) -> Found:
    depth = 0
    for step in path:
        if not isinstance(raw, Mapping):
            # Within a list: the list is the value.
            return Found(Leaf(form, raw), depth) if isinstance(raw, list) else Found(_NOTHING, depth)
        if step not in raw:
            return Found(_NOTHING, depth)
        form = form.get(step, raw[step]) if isinstance(form, Mapping) else raw[step]
        raw = raw[step]
        depth += 1
    return Found(Leaf(form, raw), depth)


def _told(value: Json | Absent, path: Path) -> Leaf:
    """A value known from the difference only."""
    return _NOTHING if value is ABSENT else Leaf(canonical(value, path[-1] if path else ""), value)


def _keys(leaf: Leaf) -> set[str]:
    return set(leaf.raw) if isinstance(leaf.raw, Mapping) else set()


def _child(leaf: Leaf, key: str) -> Leaf:
    if not isinstance(leaf.raw, Mapping) or key not in leaf.raw:
        return _NOTHING
    form = leaf.form.get(key, leaf.raw[key]) if isinstance(leaf.form, Mapping) else leaf.raw[key]
    return Leaf(form, leaf.raw[key])


def _place(match: Match, path: Path, left: Leaf, right: Leaf) -> Place:
    return Place(match.left.kind.name, path, left, right, match.left.resource, match.right.resource)
