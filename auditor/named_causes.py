"""Causes that have a name: an AMI, an image, a parameter group, packages, a variable set everywhere, a naming scheme.

Each grouping is a key that all its members have in common, and the sentence that names the cause. Where the cause is
certain - all members say the same AMI, image or parameter group - two are a group; else three, since two may be chance.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from auditor.declared import EXISTS, IN_STATE
from auditor.messages import quote
from auditor.model import ABSENT
from auditor.values import words
from auditor.versions import parse_image

if TYPE_CHECKING:
    from auditor.model import Breach, Path

CERTAIN, LIKELY = 2, 3
Grouping: TypeAlias = tuple[str, Callable[["Breach"], Hashable], int, Callable[[list["Breach"]], str | None]]
_VARIABLES = frozenset({"environment", "env", "data", "variables", "vars"})
_MACHINES = "hosts.role"
_PARAMETER_GROUPS = ("parameter_group", "cluster_parameter_group")


def named_groupings(naming: frozenset[str]) -> tuple[Grouping, ...]:
    """In the order in which they are tried. `naming` are the rules (`policy/id`) that are about names."""

    def unqualified(breach: Breach) -> Hashable:
        return breach.severity.value if f"{breach.rule.policy}/{breach.rule.id}" in naming else None

    # The names are part of every `cause_key` that is kept.
    return (
        ("undeclared", _departed(IN_STATE), CERTAIN, _undeclared_cause),
        ("declared-only", _departed(EXISTS), CERTAIN, _declared_only_cause),
        # First, for a version of a package (`2:9.0`) may read as an image.
        ("packages", _packages, CERTAIN, _packages_cause),
        ("ami", _ami, CERTAIN, _ami_cause),
        ("parameter-group-used", _parameter_group_used, CERTAIN, _parameter_group_used_cause),
        ("parameter-group", _parameter_group, CERTAIN, _parameter_group_cause),
        ("image", _image, CERTAIN, _image_cause),
        ("naming-scheme", unqualified, LIKELY, _unqualified_cause),
        ("renamed", _renamed, LIKELY, _renamed_cause),
        ("variable", _variable, LIKELY, _variable_cause),
    )


def _departed(path: Path) -> Callable[[Breach], Hashable]:
    """What was made, or lost, past the code of one environment, or of both, has one cause: somebody works past it."""

    def key(breach: Breach) -> Hashable:
        return (breach.rule.id, breach.sides) if breach.path == path else None

    return key


def _undeclared_cause(members: list[Breach]) -> str:
    return f"{_counted(members)} in {_where(members[0])} stand in no state that is read there"


def _declared_only_cause(members: list[Breach]) -> str:
    return f"{len(members)} resources are declared in a state of {_where(members[0])} and do not exist"


def _where(breach: Breach) -> str:
    return " and ".join(side.environment for side in (breach.left, breach.right) if side.identity is not None)


def _ami(breach: Breach) -> Hashable:
    named = any({"ami", "amis"} & set(words(step)) for step in breach.path[-2:])
    return _both(breach) if named else None


def _ami_cause(members: list[Breach]) -> str:
    return f"{_counted(members)} run AMI {_contrast(members[0])}"


def _parameter_group_used(breach: Breach) -> Hashable:
    named = any({"parameter"} < set(words(step)) and "group" in "".join(words(step)) for step in breach.path[-2:])
    return _both(breach) if named else None


def _parameter_group_used_cause(members: list[Breach]) -> str:
    return f"{_counted(members)} use parameter group {_contrast(members[0])}"


def _parameter_group(breach: Breach) -> Hashable:
    if not breach.path or breach.kind.rpartition(".")[2] not in _PARAMETER_GROUPS:
        return None
    return breach.kind, breach.identity


def _parameter_group_cause(members: list[Breach]) -> str:
    first = members[0]
    names = dict.fromkeys(side.identity for side in (first.left, first.right) if side.identity is not None)
    return f"Parameter group {' / '.join(names)} differs in {len(members)} settings"


def _image(breach: Breach) -> Hashable:
    sides = _image_of(breach.left.value), _image_of(breach.right.value)
    return None if None in sides else sides


def _image_of(value: Any) -> tuple[str, str] | None:
    """Name, without the registry, and tag or digest."""
    image = parse_image(value) if isinstance(value, str) else None
    if image is None:
        return None
    host, slash, rest = image.repository.partition("/")
    name = rest if slash and ("." in host or ":" in host) else image.repository
    return name, image.digest or image.tag or "latest"


def _image_cause(members: list[Breach]) -> str:
    first = members[0]
    left, right = _image_of(first.left.value), _image_of(first.right.value)
    if left is None or right is None:  # the key of a group is never made of these
        return ""
    (name, ours), (other, theirs) = left, right
    if left == right:
        return f"{_counted(members)} run image {name}:{ours} in both environments"
    second = theirs if name == other else f"{other}:{theirs}"
    first_image = f"{name}:{ours}" if ":" not in ours else f"{name}@{_short(ours)}"
    return (
        f"{_counted(members)} run image {first_image} in {first.left.environment}"
        f" and {_short(second)} in {first.right.environment}"
    )


def _short(text: str) -> str:
    return text[:19] + "…" if text.startswith("sha256:") else text


def _packages(breach: Breach) -> Hashable:
    """Packages of machines by the rule that they break: what matters more is a group of its own."""
    of_machines = breach.kind == _MACHINES and len(breach.path) == 2 and breach.path[0] == "packages"
    return breach.rule.id if of_machines else None


def _packages_cause(members: list[Breach]) -> str:
    first = members[0]
    roles = sorted({_role(member) for member in members})
    where = f"role {roles[0]}" if len(roles) == 1 else f"{len(roles)} roles"
    names = {member.path[-1] for member in members}
    left, right = first.left.environment, first.right.environment
    return (
        f"{len(names)} packages of {where} differ between {left} and {right}: another image or another date of patches"
    )


def _role(breach: Breach) -> str:
    return breach.right.identity or breach.left.identity or breach.identity


def _variable(breach: Breach) -> Hashable:
    if not breach.path:
        return None
    above = breach.path[-2] if len(breach.path) > 1 else ""
    if not set(words(above)) & _VARIABLES and not (breach.kind == "env.file" and len(breach.path) == 1):
        return None
    name = breach.path[-1]
    if breach.left.value is ABSENT or breach.right.value is ABSENT:
        return name, "left" if breach.right.value is ABSENT else "right"
    return name, _frozen(breach.left.value), _frozen(breach.right.value)


def _variable_cause(members: list[Breach]) -> str:
    first = members[0]
    name, left, right = first.path[-1], first.left, first.right
    where = f"in {_counted(members)}"
    if left.value is ABSENT or right.value is ABSENT:
        there = right if left.value is ABSENT else left
        return f"Variable {name} is set in {there.environment} only, {where}"
    return f"Variable {name} is {_contrast(first)}, {where}"


def _unqualified_cause(members: list[Breach]) -> str:
    left, right = members[0].left.environment, members[0].right.environment
    return f"{len(members)} names in {left} lack the environment that those in {right} carry: another naming scheme"


def _renamed(breach: Breach) -> Hashable:
    return True if not breach.path and breach.suggestion is not None else None


def _renamed_cause(members: list[Breach]) -> str:
    left, right = members[0].left.environment, members[0].right.environment
    return (
        f"{len(members)} resources have a probable counterpart under another name: {left} and {right} follow different"
        " naming schemes"
    )


def _both(breach: Breach) -> Hashable:
    """Both values, where there are two."""
    if breach.left.value is ABSENT or breach.right.value is ABSENT:
        return None
    return _frozen(_only(breach.left.value)), _frozen(_only(breach.right.value))


def _only(value: Any) -> Any:
    return value[0] if isinstance(value, list) and len(value) == 1 else value


def _contrast(breach: Breach) -> str:
    left, right = quote(_only(breach.left.value)), quote(_only(breach.right.value))
    if _frozen(breach.left.value) == _frozen(breach.right.value):
        return f"{left} in both environments"
    return f"{left} in {breach.left.environment} and {right} in {breach.right.environment}"


def _counted(members: list[Breach]) -> str:
    """`4 fleets`, `3 resources` of several kinds; of one resource its places: `2 places of orders`."""
    resources = {(member.kind, member.identity) for member in members}
    if len(resources) == 1:
        return f"{len(members)} places of {members[0].right.identity or members[0].left.identity}"
    kinds = {kind for kind, _ in resources}
    noun = kinds.pop().rpartition(".")[2].replace("_", " ") if len(kinds) == 1 else "resource"
    return f"{len(resources)} {_plural(noun)}"


def _plural(noun: str) -> str:
    if noun.endswith("y") and noun[-2:-1] not in "aeiou":
        return f"{noun[:-1]}ies"
    return f"{noun}es" if noun.endswith(("s", "x", "ch")) else f"{noun}s"


def _frozen(value: Any) -> str:
    if isinstance(value, Mapping | list):
        return json.dumps(value, sort_keys=True, default=str)
    return repr(value)
