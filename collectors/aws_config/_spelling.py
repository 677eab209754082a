"""From Config's spelling of an API's answer back to the API's own."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from auditor.model import Json

# The name that differs by more than its letters' case: Config keeps the old list of plain ranges beside this one.
_RENAMED = {"ipv4ranges": "IpRanges"}


def to_api(value: Any, shape: Any) -> Any:
    """`value` as botocore would return it, `shape` (a botocore shape, or None where unknown) being what the API answers.

    `dBInstanceClass`, `kmskeyArn` and `dbclusterArn` are told by their letters alone; keys of maps that hold data stay."""
    value = _unwrapped(value, shape)
    if isinstance(value, Mapping):
        return _structure(value, shape)
    if isinstance(value, list):
        member = shape.member if shape is not None and shape.type_name == "list" else None
        return [to_api(item, member) for item in value]
    return value


def _structure(value: Mapping[str, Any], shape: Any) -> dict[str, Any]:
    if shape is None or shape.type_name != "structure":
        inner = shape.value if shape is not None and shape.type_name == "map" else None
        return {str(key): to_api(item, inner) for key, item in value.items()}
    names = {name.lower(): name for name in shape.members}
    found: dict[str, Any] = {}
    renamed = {_RENAMED[key.lower()] for key in value if _RENAMED.get(key.lower()) in shape.members}
    for key, item in value.items():
        name = _RENAMED.get(key.lower()) or names.get(key.lower())
        if item is None or name is None or name not in shape.members:
            continue  # null is how a bean spells what the API leaves out
        if name in renamed and key.lower() not in _RENAMED:
            continue
        found[name] = to_api(item, shape.members[name])
    return found


def _unwrapped(value: Any, shape: Any) -> Any:
    """`{"value": "available"}` where a string belongs; a policy that is written as the text of a URL."""
    scalar = shape is not None and shape.type_name not in ("structure", "map", "list")
    if scalar and isinstance(value, Mapping) and set(value) == {"value"}:
        return value["value"]
    if isinstance(value, str) and value.startswith(("%7B", "%7b", '{"')):
        return parsed(unquote(value) if value[0] == "%" else value)
    return value


def parsed(value: Any) -> Json:
    """What a text spells in JSON; anything else as it is. Config writes parts of an item as text within the text."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return value
