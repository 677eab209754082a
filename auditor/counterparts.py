"""Which items of two lists belong together where nothing names them: by what they say."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from auditor.model import Json, Path

# Beyond this many, keys that differ are not compared one by one: a map with thousands of new keys is no naming scheme.
MOST_COMPARISONS = 40_000
# Of what two items say together, what they must at least have in common.
_LEAST_IN_COMMON = 0.34
_HOST = "{host}"
# The host that a text begins with, after its scheme.
_AT_A_HOST = re.compile(r"\A([a-z][a-z0-9+.-]*://)?((?:\*\.)?(?:[a-z0-9][a-z0-9-]*\.)+[a-z]{2,24})(?=[:/]|\Z)")


def counterparts(
    left: Mapping[str, Json],
    right: Mapping[str, Json],
    ours: list[str],
    theirs: list[str],
    alike: Callable[[str, str], bool],
) -> list[tuple[str, str]]:
    """The keys of unnamed items that belong together: the most alike, then what only stands at another host, as routes do.

    Of several hosts it is the one that `alike` calls the same. One that is left on each side is the same item if both are
    of one make."""
    found = _most_alike(left, right, ours, theirs)
    rest = _left_over(ours, theirs, found)
    for same in (alike, _any):
        found += _elsewhere(left, right, *rest, same)
        rest = _left_over(*rest, found)
    if len(rest[0]) == len(rest[1]) == 1:
        a, b = left[rest[0][0]], right[rest[1][0]]
        if isinstance(a, dict) and isinstance(b, dict) and set(a) == set(b):
            found.append((rest[0][0], rest[1][0]))
    return found


def _most_alike(
    left: Mapping[str, Json], right: Mapping[str, Json], ours: list[str], theirs: list[str]
) -> list[tuple[str, str]]:
    """Pairs of unnamed list items that share the most; at least half of what they say."""
    if not ours or not theirs or len(ours) * len(theirs) > MOST_COMPARISONS:
        return []
    leaves = {key: _leaves(left[key]) for key in ours} | {key: _leaves(right[key]) for key in theirs}
    scored = sorted(
        (-len(leaves[a] & leaves[b]) / max(1, len(leaves[a] | leaves[b])), a, b) for a in ours for b in theirs
    )
    found: list[tuple[str, str]] = []
    taken: set[str] = set()
    for score, a, b in scored:
        if score > -_LEAST_IN_COMMON:
            break
        if a not in taken and b not in taken:
            taken |= {a, b}
            found.append((a, b))
    return found


def _left_over(ours: list[str], theirs: list[str], found: list[tuple[str, str]]) -> tuple[list[str], list[str]]:
    taken = {a for a, _ in found}, {b for _, b in found}
    return [key for key in ours if key not in taken[0]], [key for key in theirs if key not in taken[1]]


def _elsewhere(
    left: Mapping[str, Json],
    right: Mapping[str, Json],
    ours: list[str],
    theirs: list[str],
    same: Callable[[str, str], bool],
) -> list[tuple[str, str]]:
    """Pairs of unnamed list items that say the same of another host: `shop.example.org/api`, `shop.staging.example/api`."""
    places: dict[str, dict[str, list[str]]] = {}
    for key in theirs:
        hosts: list[str] = []
        place = _placed(right[key], hosts)
        if hosts:
            places.setdefault(place, {})[key] = hosts
    found: list[tuple[str, str]] = []
    for key in ours if places else ():
        hosts = []
        there = places.get(_placed(left[key], hosts), {})
        other = next((k for k, others in there.items() if all(map(same, hosts, others))), None)
        if other is not None:
            found.append((key, other))
            del there[other]
    return found


def _any(_: str, __: str) -> bool:
    return True


def _placed(value: Json, hosts: list[str]) -> str:
    """What an item says, whatever its hosts are called; those are added to `hosts`."""
    return json.dumps(_hostless(value, hosts), sort_keys=True, ensure_ascii=False)


def _hostless(value: Json, hosts: list[str]) -> Json:
    if isinstance(value, dict):
        return {key: _hostless(value[key], hosts) for key in sorted(value)}
    if isinstance(value, list):
        return [_hostless(below, hosts) for below in value]
    if isinstance(value, str) and (found := _AT_A_HOST.match(value)) is not None:
        hosts.append(found[2])
        return f"{found[1] or ''}{_HOST}{value[found.end() :]}"
    return value


def _leaves(value: Json, path: Path = ()) -> frozenset[tuple[Path, str]]:
    if isinstance(value, dict):
        return frozenset().union(*(_leaves(below, (*path, key)) for key, below in value.items()))
    return frozenset({(path, json.dumps(value, sort_keys=True))})
