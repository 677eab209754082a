"""The places of a matched pair: its leaves side by side, and the places at which the two really differ."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from auditor.expect import Leaf
from auditor.model import ABSENT, Absent, Path
from auditor.paths import free_key, shown
from auditor.values import canonical

if TYPE_CHECKING:
    from auditor.comparison import Compared, Difference, Match, Normal
    from auditor.model import Json, Resource
    from auditor.names import EnvironmentNames

NOTHING = Leaf(ABSENT, ABSENT)
_PARAMETER = "aws.ssm.parameter"
_PARAMETER_VALUES = (("value",), ("secure_value",))


@dataclass(frozen=True, slots=True)
class Place:
    """One place of one resource on both sides. `path` is () for the resource itself; a side without it has None.

    `unqualified`: both sides agree but for the environment's name, which the left does not carry. `spot` is the path
    with what tells apart the list items that nothing names, where there are any.
    """

    kind: str
    path: Path
    left: Leaf
    right: Leaf
    left_resource: Resource | None
    right_resource: Resource | None
    unqualified: bool = False
    spot: Path = ()

    @property
    def named(self) -> Path:
        """Another path under which rules know the place, () where there is none: a parameter's value by the parameter's
        own name, so that what holds for `LOG_LEVEL` anywhere holds for `/orders/log-level`, too."""
        resource = self.left_resource or self.right_resource
        if self.kind != _PARAMETER or self.path not in _PARAMETER_VALUES or resource is None:
            return ()
        return (*self.path, resource.identity.rsplit("/", 1)[-1])

    def leaf(self, side: str) -> Leaf:
        return self.left if side == "left" else self.right

    def resource(self, side: str) -> Resource | None:
        return self.left_resource if side == "left" else self.right_resource


def leaves(match: Match, names: tuple[EnvironmentNames, EnvironmentNames]) -> Iterator[Place]:
    """Every scalar, list and empty map of either side, with what the other side has there, by neutral path."""
    root = (Leaf(match.left.form, match.left.raw), Leaf(match.right.form, match.right.raw))
    for path, left, right in _walk((), *root, names):
        kind, ours, theirs = match.left.kind.name, match.left.resource, match.right.resource
        yield Place(kind, shown(path), left, right, ours, theirs, spot=path)


def leaves_alone(side: str, normal: Normal, names: tuple[EnvironmentNames, EnvironmentNames]) -> Iterator[Place]:
    """The leaves of a resource without counterpart."""
    kind, here = normal.kind.name, Leaf(normal.form, normal.raw)
    root = (here, NOTHING) if side == "left" else (NOTHING, here)
    ours, theirs = (normal.resource, None) if side == "left" else (None, normal.resource)
    for path, left, right in _walk((), *root, names):
        yield Place(kind, shown(path), left, right, ours, theirs, spot=path)


def leaves_under(place: Place, names: tuple[EnvironmentNames, EnvironmentNames]) -> Iterator[Place]:
    """The leaves of a place that holds a map."""
    for path, left, right in _walk(place.path, place.left, place.right, names):
        yield Place(place.kind, shown(path), left, right, place.left_resource, place.right_resource, spot=path)


def differing(compared: Compared) -> Iterator[Place]:
    """The places that differ, in order of path; a subtree of one side only is one place, and so is a list.

    Several may have one path: items of a list that nothing names."""
    return _places(compared.match, compared.differences, unqualified=False)


def unqualified(compared: Compared) -> Iterator[Place]:
    """The places that agree but for the environment's name, which the left does not carry."""
    return _places(compared.match, compared.unqualified, unqualified=True)


def _places(match: Match, differences: Iterable[Difference], *, unqualified: bool) -> Iterator[Place]:
    kind, ours, theirs = match.left.kind.name, match.left.resource, match.right.resource
    for difference in sorted(differences, key=lambda difference: (difference.path, difference.spot)):
        path, spot = difference.path, difference.spot or difference.path
        left = _leaf(match.left.form, match.left.raw, spot, difference.left)
        right = _leaf(match.right.form, match.right.raw, spot, difference.right)
        yield Place(kind, path, left, right, ours, theirs, unqualified, spot)


def _walk(
    path: Path, left: Leaf, right: Leaf, names: tuple[EnvironmentNames, EnvironmentNames]
) -> Iterator[tuple[Path, Leaf, Leaf]]:
    stack = [(path, left, right)]
    while stack:
        path, left, right = stack.pop()
        here, there = _is_map(left.raw), _is_map(right.raw)
        rows = _rows(left if here else NOTHING, right if there else NOTHING, names) if here or there else None
        if not rows:
            yield path, left, right
            continue
        # A scalar that faces a map is a value without counterpart.
        if not here and left.present:
            yield path, left, NOTHING
        if not there and right.present:
            yield path, NOTHING, right
        stack += [((*path, step), *sides) for step, sides in sorted(rows.items(), reverse=True)]


def _is_map(value: Json | Absent) -> bool:
    # Nearly all are plain: to ask for the protocol takes five times as long.
    kind = type(value)
    return kind is dict or (kind is not str and isinstance(value, Mapping))


def _rows(left: Leaf, right: Leaf, names: tuple[EnvironmentNames, EnvironmentNames]) -> dict[str, tuple[Leaf, Leaf]]:
    """What stands below two maps, either of which may be absent, by the common name of the keys."""
    ours, theirs = _below(left), _below(right)
    rows: dict[str, tuple[Leaf, Leaf]] = {key: (leaf, theirs[key]) for key, leaf in ours.items() if key in theirs}
    if len(rows) == len(ours) == len(theirs):
        return rows
    for key, leaf in ours.items():
        if key not in theirs:
            rows[free_key(names[0].neutral(key), rows)] = (leaf, NOTHING)
    for key, leaf in theirs.items():
        if key not in ours:
            common = names[1].neutral(key)
            if common in rows and not rows[common][1].present:
                rows[common] = (rows[common][0], leaf)
            else:
                rows[free_key(common, rows)] = (NOTHING, leaf)
    return rows


def _below(leaf: Leaf) -> dict[str, Leaf]:
    """The values of a map by key, none where there is no map."""
    raw, form = leaf.raw, leaf.form
    if not isinstance(raw, Mapping):
        return {}
    if not isinstance(form, Mapping):
        return {key: Leaf(value, value) for key, value in raw.items()}
    return {key: Leaf(form.get(key, value), value) for key, value in raw.items()}


def _leaf(form: Json, raw: Json, path: Path, told: Json | Absent) -> Leaf:
    """One side of a difference, with its typed form, which is looked up where the path leads there under its own keys."""
    if told is ABSENT:
        return NOTHING
    for step in path:
        if not isinstance(raw, Mapping) or not isinstance(form, Mapping) or step not in raw or step not in form:
            return Leaf(_typed(told, path[-1] if path else ""), told)
        form, raw = form[step], raw[step]
    return Leaf(form, raw) if raw == told else Leaf(_typed(told, path[-1] if path else ""), told)


def _typed(value: Json, key: str) -> Json:
    if isinstance(value, Mapping):
        return {name: _typed(item, name) for name, item in value.items()}
    return [_typed(item, key) for item in value] if isinstance(value, list) else canonical(value, key)
