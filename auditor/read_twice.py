"""What two sources of one cloud account both read is one resource: the one that was read most wholly.

An account that is listed twice, by another profile or role, found by an organization as well, or recorded by AWS Config
besides, is no second set of everything. Pure.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from fnmatch import fnmatchcase
from operator import attrgetter
from typing import Any

from auditor.model import Gap, Resource

_name = attrgetter("kind", "identity", "account", "region", "parent")


def once(
    resources: Sequence[Resource], gaps: Sequence[Gap], spelled: Callable[[Resource], bytes]
) -> tuple[tuple[Resource, ...], tuple[Gap, ...]]:
    """The resources each once, in their order, and the gaps without those that only a reading left out was about.

    One thing has one kind, name, account, region and parent, and no two locations. Without an account nothing is the same:
    two folders may well hold a file of one name. Of two that were read equally well the one that is `spelled` first is kept.
    """
    if len(set(map(_name, resources))) == len(resources):
        return tuple(resources), tuple(gaps)
    unknown = _unknown(gaps)
    named: dict[Any, list[Resource]] = defaultdict(list)
    for resource in resources:
        if resource.account is not None:
            named[_name(resource)].append(resource)
    left_out: list[Resource] = []
    for several in named.values():
        if len(several) > 1:
            ordered = sorted(several, key=lambda each: (_lacks(each, unknown), -len(each.attributes), spelled(each)))
            left_out += _left_out(ordered)
    if not left_out:
        return tuple(resources), tuple(gaps)
    out = {id(resource) for resource in left_out}
    kept = tuple(resource for resource in resources if id(resource) not in out)
    lost, better = _Read(left_out), _Read(kept)
    return kept, tuple(gap for gap in gaps if not _is_settled(gap, lost, better))


def _left_out(best_first: Iterable[Resource]) -> list[Resource]:
    kept: list[Resource] = []
    out = []
    for resource in best_first:
        if any(_is_one(resource, each) for each in kept):
            out.append(resource)
        else:
            kept.append(resource)
    return out


def _is_one(one: Resource, other: Resource) -> bool:
    """Whether two of one name are one thing: at one location, or, where that is not known, told by two sources."""
    if one.location is not None and other.location is not None:
        return one.location == other.location
    return one.source != other.source


def _unknown(gaps: Iterable[Gap]) -> dict[tuple[str, str], list[Gap]]:
    """The gaps in attributes, by source and kind."""
    found: dict[tuple[str, str], list[Gap]] = defaultdict(list)
    for gap in gaps:
        if gap.attribute is not None:
            found[gap.source, gap.kind].append(gap)
    return found


def _lacks(resource: Resource, unknown: dict[tuple[str, str], list[Gap]]) -> int:
    """How many attributes of it could not be read."""
    return sum(_concerns(gap, resource) for gap in unknown.get((resource.source, resource.kind), ()))


class _Read:
    """Which things were read, to be asked whether a gap concerns any."""

    def __init__(self, resources: Iterable[Resource]) -> None:
        self._places: dict[str, set[tuple[str, str | None]]] = defaultdict(set)
        self._named: dict[tuple[str, str], set[tuple[str, str | None]]] = defaultdict(set)
        for resource in resources:
            place = resource.kind, resource.region
            self._places[resource.source].add(place)
            self._named[resource.source, resource.identity].add(place)

    def concerned(self, gap: Gap) -> bool:
        if gap.resource is None:
            places = self._places.get(gap.source, ())
        else:
            places = self._named.get((gap.source, gap.resource), ())
        return any(fnmatchcase(kind, gap.kind) and gap.region in (None, region) for kind, region in places)


def _concerns(gap: Gap, resource: Resource) -> bool:
    return (
        gap.source == resource.source
        and fnmatchcase(resource.kind, gap.kind)
        and gap.resource in (None, resource.identity)
        and gap.region in (None, resource.region)
    )


def _is_settled(gap: Gap, left_out: _Read, kept: _Read) -> bool:
    """Whether an attribute was unknown only of resources that another source read better."""
    return gap.attribute is not None and left_out.concerned(gap) and not kept.concerned(gap)
