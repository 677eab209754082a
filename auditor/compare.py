"""Matches -> differences. The only importer of deepdiff.

Only pairs whose digests differ are looked at. Both trees are first laid over each other: keys and list items that are the
same but for names get one spelling, leaves that are alike fall out. What remains is what differs, and DeepDiff lists it, of
many pairs at once: it takes a while to begin. It never sees a list of objects: those are maps by now, because its search for
the best pairing is quadratic.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import auditor
from auditor.comparison import Change, Compared, Difference, Match
from auditor.counterparts import MOST_COMPARISONS, counterparts
from auditor.document import Document, expect
from auditor.errors import CompareError
from auditor.kept import KEY, key_of
from auditor.model import ABSENT, Absent, Json, Path
from auditor.paths import ITEM, UNKEYED, free_key, shown
from auditor.snapshot import is_ordered
from auditor.values import canonical

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from auditor.alike import Pair
    from auditor.kept import Keeping
    from auditor.model import Kind

# Pairs whose documents are read together.
_AT_ONCE = 1000
COMPARE_VERSION = 6
"""Part of every key: raise it when two documents would be compared otherwise."""
# The value of a parameter is called as the parameter is.
_PARAMETER = "aws.ssm.parameter"
_LIST = "\x00list:"
_SCALARS = frozenset({str, int, float, bool, type(None)})
_ANNOTATIONS = "annotations"
_VARIABLES = frozenset({"environment", "env", "env_vars", "environment_variables"})


def compare(matches: Iterable[Match], pair: Pair, keeping: Keeping | None = None) -> tuple[Compared, ...]:
    """The differences of every match, in order of path. Raises CompareError when DeepDiff did not look at everything.

    With `keeping` two documents that were compared before are not compared again."""
    if keeping is None:
        return tuple(compare_match(match, pair) for match in matches)
    return _Known(keeping, pair).all(tuple(matches))


def compare_match(match: Match, pair: Pair) -> Compared:
    """What differs between the two resources of one match, names set aside."""
    return _compared([match], pair)[0]


def _compared(matches: Sequence[Match], pair: Pair) -> list[Compared]:
    """What differs between the two resources of each match."""
    overlays = [None if match.left.is_like(match.right) else _laid(match, pair) for match in matches]
    found = iter(_listed([overlay.leaves for overlay in overlays if overlay is not None]))
    return [
        Compared(match, ()) if overlay is None else Compared(match, next(found), tuple(overlay.unqualified))
        for match, overlay in zip(matches, overlays, strict=True)
    ]


def _laid(match: Match, pair: Pair) -> _Overlay:
    called = match.left.resource.identity.rsplit("/", 1)[-1] if match.left.kind.name == _PARAMETER else ""
    overlay = _Overlay(pair, match.left.kind, called=called)
    ours, theirs = match.left.trees, match.right.trees
    overlay.maps(ours[0], ours[1], theirs[0], theirs[1], ())
    return overlay


class _Known:
    """Comparisons of two environments that were made before, by the content of both sides."""

    def __init__(self, keeping: Keeping, pair: Pair) -> None:
        self._pair = pair
        self._kept = keeping.map(f"compared-{COMPARE_VERSION}:{pair.left.name}:{pair.right.name}")
        # What `alike` makes of the names, and how each side is called, is part of every comparison.
        said = [[n.name, n.tokens, n.weak, n.foreign, sorted(n.accounts), n.regions] for n in (pair.left, pair.right)]
        self._begun = blake2b(digest_size=KEY, key=key_of(json.dumps([auditor.__version__, said])))

    def all(self, matches: Sequence[Match]) -> tuple[Compared, ...]:
        found: list[Compared] = []
        new: list[int] = []
        for place, match in enumerate(matches):
            compared = Compared(match, ()) if match.left.is_like(match.right) else self._remembered(match)
            if compared is None:
                new.append(place)
                compared = Compared(match, ())
            found.append(compared)
        for start in range(0, len(new), _AT_ONCE):
            some = new[start : start + _AT_ONCE]
            read = (side.resource.attributes for place in some for side in (matches[place].left, matches[place].right))
            expect(document for document in read if isinstance(document, Document))
            told = _compared([matches[place] for place in some], self._pair)
            for place, compared in zip(some, told, strict=True):
                found[place] = compared
                self._keep(compared)
        return tuple(found)

    def _remembered(self, match: Match) -> Compared | None:
        record = self._kept.get(self._key(match)) if match.left.key and match.right.key else None
        if not record:
            return None if record is None else Compared(match, ())
        differences, unqualified = json.loads(record)
        return Compared(match, tuple(map(_read, differences)), tuple(map(_read, unqualified)))

    def _keep(self, compared: Compared) -> None:
        rows = [list(map(_row, compared.differences)), list(map(_row, compared.unqualified))]
        if compared.match.left.key and compared.match.right.key:
            kept = json.dumps(rows, separators=(",", ":")).encode() if any(rows) else b""
            self._kept[self._key(compared.match)] = kept

    def _key(self, match: Match) -> bytes:
        found = self._begun.copy()
        found.update(match.left.key + match.right.key)
        return found.digest()


def _row(difference: Difference) -> list[Json]:
    sides = [[] if value is ABSENT else [value] for value in (difference.left, difference.right)]
    return [difference.path, *sides, difference.change.value, difference.spot]


def _read(row: list[Json]) -> Difference:
    path, left, right, change, spot = row
    sides = [side[0] if side else ABSENT for side in (left, right)]
    return Difference(tuple(path), sides[0], sides[1], Change(change), tuple(spot))


@dataclass(slots=True)
class _Leaf:
    """A value that differs: what is told apart, and how its source spells it, of both sides. ABSENT where there is none."""

    left: Json | Absent
    right: Json | Absent
    spelled: tuple[Json | Absent, Json | Absent]


@dataclass(slots=True)
class _Overlay:
    """Lays two trees over each other. `leaves` are those that differ, by common path.

    `called` is what the value of a resource that holds just one is called."""

    pair: Pair
    kind: Kind
    called: str = ""
    leaves: dict[Path, _Leaf] = field(default_factory=dict)
    unqualified: list[Difference] = field(default_factory=list)

    def maps(
        self,
        left: Mapping[str, Json],
        left_raw: Mapping[str, Json],
        right: Mapping[str, Json],
        right_raw: Mapping[str, Json],
        path: Path,
    ) -> None:
        """Find what differs below two maps, under common keys."""
        for key, a, b in _distinct(self._keys(left, right)):
            if a is not None and b is not None:
                if not _is_same(left[a], right[b]):
                    self._values(left[a], left_raw[a], right[b], right_raw[b], (*path, key))
            elif b is not None:
                below = (*path, key)
                if _is_section(b, right[b], path):
                    self.maps({}, {}, right[b], right_raw[b], below)
                elif self._says_something(right[b]):
                    self.leaves[below] = _Leaf(ABSENT, _opaque(right[b]), (ABSENT, listed_again(right_raw[b])))
            elif a is not None:
                below = (*path, key)
                if _is_section(a, left[a], path):
                    self.maps(left[a], left_raw[a], {}, {}, below)
                elif self._says_something(left[a]):
                    self.leaves[below] = _Leaf(_opaque(left[a]), ABSENT, (listed_again(left_raw[a]), ABSENT))

    def _alike_lists(self, left: list[Json], right: list[Json], key: str, path: Path) -> bool:
        """As sets, or item by item where the order has a meaning: `["sh", "-c"]` is not `["-c", "sh"]`."""
        if not is_ordered(self.kind, path):
            return self.pair.alike_lists(left, right, key)
        return len(left) == len(right) and all(self.pair.alike(a, b, key) for a, b in zip(left, right, strict=True))

    def _values(self, left: Json, left_raw: Json, right: Json, right_raw: Json, path: Path) -> None:
        """Find what differs between two values, or below them."""
        if isinstance(left, dict) and isinstance(right, dict):
            self.maps(left, left_raw, right, right_raw, path)
            return
        key = self.called if self.called and path == ("value",) else _naming_step(path)
        if isinstance(left, list) and isinstance(right, list):
            if self._alike_lists(left, right, key, path):
                return
        elif isinstance(left, list | dict) or isinstance(right, list | dict):
            if _single(left) == _single(right):
                return
        elif self.pair.alike(left, right, key):
            if self.pair.unqualified(left, right):
                self.unqualified.append(Difference(shown(path), left_raw, right_raw, Change.VALUE, path))
            return
        self.leaves[path] = _Leaf(_leaf(left), _leaf(right), (listed_again(left_raw), listed_again(right_raw)))

    def _says_something(self, value: Json) -> bool:
        return self.kind.empty_matters or value not in ([], {})

    def _keys(self, left: Mapping[str, Json], right: Mapping[str, Json]) -> list[tuple[str, str | None, str | None]]:
        """Common key, key on the left, key on the right: equal keys first, then keys that are one name."""
        rows: list[tuple[str, str | None, str | None]] = [(key, key, key) for key in left if key in right]
        ours = sorted(key for key in left if key not in right)
        theirs = sorted(key for key in right if key not in left)
        if not ours or not theirs:
            return rows + self._lonely(ours, theirs)
        neutral: dict[str, str] = {}
        for key in theirs:
            neutral.setdefault(self.pair.right.neutral(key), key)
        for key in list(ours):
            other = neutral.pop(self.pair.left.neutral(key), None)
            if other is not None:
                rows.append((self.pair.left.neutral(key), key, other))
                ours.remove(key)
                theirs.remove(other)
        unnamed = [key for key in ours if key.startswith(UNKEYED)], [key for key in theirs if key.startswith(UNKEYED)]
        for a, b in counterparts(left, right, *unnamed, alike=self.pair.same_text):
            rows.append((a, a, b))
            ours.remove(a)
            theirs.remove(b)
        if len(ours) * len(theirs) <= MOST_COMPARISONS:
            for key in list(ours):
                if key.startswith(UNKEYED):
                    continue
                other = next((k for k in theirs if not k.startswith(UNKEYED) and self.pair.same_name(key, k)), None)
                if other is not None:
                    rows.append((self.pair.left.neutral(key), key, other))
                    ours.remove(key)
                    theirs.remove(other)
        return rows + self._lonely(ours, theirs)

    def _lonely(self, ours: list[str], theirs: list[str]) -> list[tuple[str, str | None, str | None]]:
        names = self.pair
        rows: list[tuple[str, str | None, str | None]] = [(names.left.neutral(key), key, None) for key in ours]
        return rows + [(names.right.neutral(key), None, key) for key in theirs]


def _is_section(key: str, value: Json, above: Path) -> bool:
    """Whether a map only sorts other things, each of which is a difference of its own.

    `data: {aws_vpc: {main: {...}}}` is many things, each annotation speaks to another program, and code reads one
    variable at a time, whatever its value is taken from.
    """
    if not isinstance(value, dict) or not value or (above and above[-1] in _VARIABLES):
        return False
    if key == _ANNOTATIONS or (key in _VARIABLES and any(name.isupper() for name in value)):
        return True
    return all(
        isinstance(group, dict) and bool(group) and all(isinstance(item, dict) for item in group.values())
        for group in value.values()
    )


def _distinct(rows: list[tuple[str, str | None, str | None]]) -> list[tuple[str, str | None, str | None]]:
    """The rows under common keys that are all different: two names may become one when names are set aside."""
    seen: set[str] = set()
    found: list[tuple[str, str | None, str | None]] = []
    for key, a, b in rows:
        unique = free_key(key, seen)
        seen.add(unique)
        found.append((unique, a, b))
    return found


def _listed(pairs: Sequence[Mapping[Path, _Leaf]]) -> list[tuple[Difference, ...]]:
    """The differences of each pair, of the leaves that remained. They are all laid into two maps, and told apart at once."""
    leaves = [(place, path, leaf) for place, pair in enumerate(pairs) for path, leaf in pair.items()]
    if not leaves:
        return [()] * len(pairs)
    from deepdiff import DeepDiff  # loads pydantic and numpy helpers: only when something differs

    left, right = (
        {str(number): _in_one_line(value) for number, value in enumerate(side) if value is not ABSENT}
        for side in ([leaf.left for _, _, leaf in leaves], [leaf.right for _, _, leaf in leaves])
    )
    diff: Any = DeepDiff(left, right, view="tree", ignore_order=False, threshold_to_diff_deeper=0)
    stats = diff.get_stats()
    if stats.get("MAX PASS LIMIT REACHED") or stats.get("MAX DIFF LIMIT REACHED"):
        raise CompareError("the comparison stopped at a limit, so its result is not complete")
    found: list[list[Difference]] = [[] for _ in pairs]
    for report, items in diff.items():
        for item in items:
            (number,) = item.path(output_format="list")
            place, path, leaf = leaves[int(number)]
            found[place].append(Difference(shown(path), *leaf.spelled, _CHANGES[report], path))
    return [tuple(sorted(told, key=lambda difference: (difference.path, difference.spot))) for told in found]


_CHANGES: Mapping[str, Change] = {
    "values_changed": Change.VALUE,
    "type_changes": Change.TYPE,
    "dictionary_item_added": Change.ADDED,
    "dictionary_item_removed": Change.REMOVED,
}


def _naming_step(path: Path) -> str:
    """The last step that says what the value is: `value` and `valueFrom` only repeat that there is one."""
    last = path[-1] if path else ""
    return path[-2] if len(path) > 1 and last in ("value", "valueFrom", "default", ITEM) else last


def listed_again(value: Json) -> Json:
    """A value as a person knows it: a map of items that nothing names is the list it was, in an order of its own.

    In which order its source gave them says nothing, and must not show in a finding."""
    if not isinstance(value, dict):
        return value
    if value and all(key.startswith(UNKEYED) for key in value):
        return sorted(map(listed_again, value.values()), key=lambda item: json.dumps(item, sort_keys=True))
    return {key: listed_again(below) for key, below in value.items()}


def _in_one_line(value: Json) -> Json:
    """DeepDiff would work out line by line what changed in a text of several, which nobody asks for."""
    return _LIST + json.dumps(value) if isinstance(value, str) and "\n" in value else value


def _is_same(left: Json, right: Json) -> bool:
    """Whether two values are one scalar, or one list of texts: most are, and alike whatever they are called."""
    kind = type(left)
    if kind is not type(right) or left != right:
        return False
    return kind in _SCALARS or (kind is list and all(type(item) is str for item in left))


def _leaf(value: Json) -> Json:
    """A list as one leaf, so that a list of scalars that differs is one difference."""
    if isinstance(value, list):
        return _LIST + json.dumps(value, sort_keys=True)
    return _opaque(value)


def _opaque(value: Json) -> Json:
    """A subtree as one leaf: what stands on one side only is one difference, not one per leaf."""
    return _LIST + json.dumps(value, sort_keys=True) if isinstance(value, dict | list) else value


def _single(value: Json) -> Json:
    """`x` and `[x]` say the same in most formats."""
    if isinstance(value, list) and len(value) == 1:
        return canonical(value[0])
    return value
