"""How a condition of a feature flag is told, whichever service keeps it: what it asks, without naming who it is about."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from auditor.model import Json

INDIVIDUALS = "individuals"
"""Stands for lists of single users, machines or addresses: whom an environment has differs, and is nobody's business."""

_INDIVIDUAL = frozenset(
    "key id userid user useremail username email emails name firstname lastname fullname ip ips ipaddress address "
    "remoteaddress phone hostname hostnames sessionid avatar deviceid accountid".split()
)
_KILL_SWITCH = re.compile(r"(?i)(?:^|[-_. ])kill[-_. ]?switch(?:$|[-_. ])")
KILL_SWITCH = "kill-switch"


def names_individuals(attribute: str) -> bool:
    """Whether the values of an attribute tell single people or machines apart."""
    return re.sub(r"[^a-z]", "", attribute.lower()) in _INDIVIDUAL


def values_of(attribute: str, values: Iterable[Any]) -> list[Json]:
    """What an attribute is compared with, in any order; `individuals` where that would name them."""
    found = [value for value in values if value is not None]
    if found and names_individuals(attribute):
        return [INDIVIDUALS]
    return sorted(found, key=repr)


def is_kill_switch(*names: str) -> bool:
    """Whether a key, a tag or a type says that the flag is there to switch something off in an emergency."""
    return any(_KILL_SWITCH.search(name) for name in names)


def numbered(items: Iterable[tuple[str, Mapping[str, Json]]]) -> dict[str, Mapping[str, Json]]:
    """Items by key; of several with one key the later ones are numbered."""
    found: dict[str, Mapping[str, Json]] = {}
    for key, item in items:
        unique, count = key, 2
        while unique in found:
            unique, count = f"{key} ({count})", count + 1
        found[unique] = item
    return found
