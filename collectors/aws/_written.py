"""What AWS hands over as text or in wrappers of its own, as plain data: JSON in strings, maps in camel case, counted lists."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from auditor.model import Json

_BORDER = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def parsed(text: Any) -> Json:
    """The object or list that a text spells in JSON; what is no such text as it is."""
    if not isinstance(text, str):
        return text
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return found if isinstance(found, dict | list) else text


def word(name: str) -> str:
    """`VisibilityTimeout` -> `visibility_timeout`: keys of maps that are schema after all."""
    return _BORDER.sub("_", name).lower()


def worded(document: Any) -> Json:
    """A document with every key in snake case, however deep."""
    if isinstance(document, Mapping):
        return {word(str(key)): worded(value) for key, value in document.items()}
    return [worded(item) for item in document] if isinstance(document, list) else document


def counted(value: Any) -> Json:
    """CloudFront's `{quantity, items}` as lists: `{quantity, items, cached_methods}` keeps what else it says."""
    if isinstance(value, list):
        return [counted(item) for item in value]
    if not isinstance(value, dict):
        return value
    rest = {key: counted(item) for key, item in value.items() if key not in ("quantity", "items")}
    if "quantity" not in value:
        return {**rest, "items": counted(value["items"])} if "items" in value else rest
    items = counted(value.get("items") or [])
    return {**rest, "items": items} if rest else items


def lone(items: list[Json]) -> list[Json]:
    """Objects that say one thing each (`[{name: a}, {name: b}]`) as what they say."""
    keys = {key for item in items if isinstance(item, dict) for key in item}
    if len(keys) != 1 or not all(isinstance(item, dict) and len(item) == 1 for item in items):
        return items
    (key,) = keys
    said = [item[key] for item in items]
    return items if any(isinstance(each, dict | list) for each in said) else said


def flattened(value: Any) -> Json:
    """`lone`, however deep."""
    if isinstance(value, list):
        return lone([flattened(item) for item in value])
    return {key: flattened(item) for key, item in value.items()} if isinstance(value, dict) else value


def partition(region: str) -> str:
    """The part of an ARN that says whose cloud it is."""
    return "aws-cn" if region.startswith("cn-") else "aws-us-gov" if region.startswith("us-gov-") else "aws"


def sequence(names: list[Any]) -> list[Json]:
    """An order as what follows what (`Build then Deploy`): lists are compared as sets, and this set tells the order."""
    return [f"{first} then {second}" for first, second in pairwise(names)]


def by_name(items: Any, key: str) -> dict[str, Json]:
    """A list of objects as a map by what names them; the name leaves the object."""
    return {str(item[key]): {name: value for name, value in item.items() if name != key} for item in items or ()}
