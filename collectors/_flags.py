"""How a condition of a feature flag is told, whichever service keeps it: what it asks, without naming who it is about."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from auditor.model import Json

INDIVIDUALS = "individuals"
"""Stands for lists of single users, machines or addresses: whom an environment has differs, and is nobody's business."""

# The last word of an attribute that tells one person, machine or customer from another: `userId`, `email`, `remoteAddress`.
_INDIVIDUAL = frozenset(
    "key id ids uid uuid guid email emails mail name username firstname lastname ip ips address phone hostname hostnames "
    "avatar login".split()
)
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_PERSON = frozenset("name user first last full host".split())
_KILL_SWITCH = re.compile(r"(?i)(?:^|[-_. ])kill[-_. ]?switch(?:$|[-_. ])")
KILL_SWITCH = "kill-switch"


def names_individuals(attribute: str) -> bool:
    """Whether the values of an attribute tell single people or machines apart."""
    words = [word.lower() for word in _WORD.findall(attribute)]
    # `appName` and `planName` are kinds of things, of which there are few.
    return bool(words) and words[-1] in _INDIVIDUAL and not (words[-1] == "name" and words[0] not in _PERSON)


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
