"""Breaches that one cause explains get one sentence in common, so that a report shows them as one group.

An engine upgraded everywhere, an egress list of 36 lines, nine unqualified names, a kind that one side lacks: each is
one thing to mend, not nine.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from auditor.messages import quote
from auditor.model import ABSENT
from auditor.named_causes import Grouping, named_groupings
from auditor.paths import dotted
from auditor.promotion import COMPONENT

if TYPE_CHECKING:
    from auditor.model import Breach
    from auditor.promotion import Release

# Two alike may be chance; three have a cause.
_FEWEST = 3
_FEWEST_KEYS = 5


def with_causes(
    breaches: tuple[Breach, ...],
    naming: frozenset[str] = frozenset(),
    components: Mapping[str, str] = MappingProxyType({}),
    releases: Mapping[str, Release] = MappingProxyType({}),
) -> tuple[Breach, ...]:
    """The same breaches in the same order, with `cause` and `cause_key` set where one cause explains several.

    `cause_key` is made from what the members have in common, so it stays while some of them come and go. `naming` are
    the rules (`policy/id`) that are about names; `components` gives, by fingerprint, the component whose version a breach
    is about, where that was never rehearsed, and `releases` the component with both versions where a breach says just that.

    The first that fits wins: a component that was promoted unrehearsed, whatever tells of its version; a component that
    several sources tell to run in two versions; causes that have a name (`named_causes.py`), then from the widest a kind on one side only;
    one change of value in many places; keys added below one parent; one rule broken below one parent; one path in many
    resources.
    """
    causes: dict[str, tuple[str, str]] = {}
    free = list(breaches)
    unrehearsed: Grouping = ("unrehearsed", lambda breach: components.get(breach.fingerprint), 2, _unrehearsed_cause)
    versions: Grouping = ("versions", lambda breach: releases.get(breach.fingerprint), 2, _versions_cause(releases))
    for name, key, fewest, sentence in (unrehearsed, versions, *named_groupings(naming), *_GROUPINGS):
        for value, members in _groups(free, key).items():
            if len(members) >= fewest and (cause := sentence(members)) is not None:
                causes.update((member.fingerprint, (cause, _cause_key(name, value))) for member in members)
        free = [breach for breach in free if breach.fingerprint not in causes]
    return tuple(_explained(item, *causes.get(item.fingerprint, (None, None))) for item in breaches)


def _unrehearsed_cause(members: list[Breach]) -> str | None:
    for breach in members:
        if breach.kind == COMPONENT.name:
            said = f"{quote(breach.identity)} runs {quote(breach.right.value)} in {breach.right.environment}"
            return f"{said}, which was not rehearsed in {breach.left.environment}"
    return None


def _versions_cause(releases: Mapping[str, Release]) -> Callable[[list[Breach]], str | None]:
    def cause(members: list[Breach]) -> str | None:
        """None where one source tells of it, in several of its attributes: that is its one change."""
        first = members[0]
        component, ours, theirs = releases[first.fingerprint]
        if len({member.kind for member in members}) == 1:
            return None
        left, right = (
            f"{quote(version)} in {side.environment}" for version, side in ((ours, first.left), (theirs, first.right))
        )
        return f"{quote(component)} runs {left} and {right}, as {len(members)} sources tell"

    return cause


def _explained(breach: Breach, cause: str | None, cause_key: str | None) -> Breach:
    return breach if cause is None else replace(breach, cause=cause, cause_key=cause_key)


def _cause_key(grouping: str, value: Hashable) -> str:
    # `repr` of texts, flags and tuples of them is the same everywhere; values are hashed, since they may be long.
    return hashlib.sha256(f"{grouping}\x1e{value!r}".encode()).hexdigest()[:32]


def _groups(breaches: Iterable[Breach], key: Callable[[Breach], Hashable]) -> dict[Hashable, list[Breach]]:
    groups: dict[Hashable, list[Breach]] = {}
    for breach in breaches:
        value = key(breach)
        if value is not None:
            groups.setdefault(value, []).append(breach)
    return groups


def _one_sided_kind(breach: Breach) -> Hashable:
    if breach.path or breach.suggestion is not None:
        return None
    return breach.kind, breach.rule.id, breach.left.identity is None


def _one_sided_kind_cause(members: list[Breach]) -> str:
    first = members[0]
    there, other = (first.right, first.left) if first.left.identity is None else (first.left, first.right)
    return (
        f"{len(members)} resources of kind {first.kind} exist in {there.environment} only, not in {other.environment}"
    )


def _same_values(breach: Breach) -> Hashable:
    if not breach.path or (_is_flag(breach.left.value) and _is_flag(breach.right.value)):
        return None
    return breach.rule.id, _frozen(breach.left.value), _frozen(breach.right.value)


def _same_values_cause(members: list[Breach]) -> str | None:
    first = members[0]
    key = first.path[-1]
    keys = {member.path[-1] for member in members}
    what = f"{key} is" if len(keys) == 1 else f"{len(members)} places hold"
    place = _spread(members)
    left, right = first.left, first.right
    if left.value == right.value:
        return f"{what} {quote(left.value)} in both environments {place}"
    if left.value is ABSENT or right.value is ABSENT:
        there = right if left.value is ABSENT else left
        return f"{what} {quote(there.value)} in {there.environment} only {place}"
    return f"{what} {quote(left.value)} in {left.environment} and {quote(right.value)} in {right.environment} {place}"


def _added_keys(breach: Breach) -> Hashable:
    if not breach.path or (breach.left.value is ABSENT) == (breach.right.value is ABSENT):
        return None
    return breach.kind, breach.identity, breach.path[:-1], breach.left.value is ABSENT


def _added_keys_cause(members: list[Breach]) -> str:
    first = members[0]
    there = first.right if first.left.value is ABSENT else first.left
    # What a variable or a setting stands in may be the resource itself, as in a dotenv file.
    parent = f" of {dotted(first.path[:-1])}" if len(first.path) > 1 else ""
    return f"{len(members)} keys{parent} in {there.identity} exist in {there.environment} only"


def _same_parent(breach: Breach) -> Hashable:
    return (breach.kind, breach.identity, breach.rule.id, breach.path[:-1]) if len(breach.path) > 1 else None


def _same_parent_cause(members: list[Breach]) -> str:
    first = members[0]
    return f"{first.about}: {len(members)} times below {dotted(first.path[:-1])} of {_name(first)}"


def _same_path(breach: Breach) -> Hashable:
    return (breach.kind, breach.rule.id, breach.path) if breach.path else None


def _same_path_cause(members: list[Breach]) -> str | None:
    if len({member.identity for member in members}) < _FEWEST:
        return None
    first = members[0]
    return f"{first.about}: {dotted(first.path)} of {len(members)} resources of kind {first.kind}"


# The names are part of every `cause_key` that is kept.
_GROUPINGS: tuple[Grouping, ...] = (
    ("one-sided-kind", _one_sided_kind, _FEWEST, _one_sided_kind_cause),
    ("same-values", _same_values, _FEWEST, _same_values_cause),
    ("added-keys", _added_keys, _FEWEST_KEYS, _added_keys_cause),
    ("same-parent", _same_parent, _FEWEST, _same_parent_cause),
    ("same-path", _same_path, _FEWEST, _same_path_cause),
)


def _is_flag(value: Any) -> bool:
    """Whether a value is too common for being equal to mean anything: nothing, true or false, a small number."""
    if value is ABSENT or value is None or isinstance(value, bool | int | float):
        return True
    return isinstance(value, str) and (value.lower() in ("", "true", "false") or value.isdigit())


def _spread(members: list[Breach]) -> str:
    resources = {(member.kind, member.identity) for member in members}
    return f"({len(resources)} resources)" if len(resources) > 1 else f"({len(members)} times in {_name(members[0])})"


def _name(breach: Breach) -> str:
    return breach.left.identity or breach.right.identity or breach.identity


def _frozen(value: Any) -> str:
    if isinstance(value, Mapping | list):
        return json.dumps(value, sort_keys=True, default=str)
    return repr(value)
