"""From an API's spelling to ours, led by botocore's service model: schema keys become snake case, data keys stay."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from botocore import xform_name

from auditor.model import Json


def snake(value: Any, shape: Any) -> Json:
    """`value` as JSON, spelled as `shape` (a botocore shape, or None where unknown) says. Times become ISO 8601 in UTC."""
    if isinstance(value, Mapping):
        return _structure(value, shape)
    if isinstance(value, list | tuple):
        member = shape.member if shape is not None and shape.type_name == "list" else None
        return [snake(item, member) for item in value]
    if isinstance(value, datetime):
        aware = value if value.tzinfo else value.replace(tzinfo=UTC)
        return aware.astimezone(UTC).isoformat()
    if isinstance(value, bytes | bytearray):
        return base64.b64encode(value).decode("ascii")
    return value


def _structure(value: Mapping[str, Any], shape: Any) -> Json:
    if shape is not None and shape.type_name == "map":
        return {str(key): snake(item, shape.value) for key, item in value.items()}
    if shape is not None and getattr(shape, "is_document_type", False):
        return {str(key): snake(item, None) for key, item in value.items()}
    members = shape.members if shape is not None and shape.type_name == "structure" else {}
    return {xform_name(key): snake(item, members.get(key)) for key, item in value.items() if key != "ResponseMetadata"}


def shape_at(shape: Any, path: str) -> Any:
    """The shape of one item at `path` (`Reservations[].Instances`, a list's items), or None where the model has none."""
    for step in path.split(".") if path else ():
        if shape is None or shape.type_name != "structure":
            return None
        shape = shape.members.get(step.removesuffix("[]"))
        if step.endswith("[]") and shape is not None and shape.type_name == "list":
            shape = shape.member
    return shape
