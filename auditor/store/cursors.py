"""Where a list goes on: the sort key of the last item shown, as text that nobody has to understand."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TypeAlias

Value: TypeAlias = str | int | datetime
Key: TypeAlias = tuple[Value, ...]

_REFUSED = "the cursor was not given out for this list; leave it out to begin with the first page"
# Longer ones come from nowhere: a key has a few short values.
_LONGEST = 4096
# The greatest that a column of whole numbers holds on PostgreSQL.
_GREATEST = 2**31 - 1


def to_cursor(name: str, key: Key) -> str:
    """`key` in the list called `name`, as base64 without padding."""
    values = [value.astimezone(UTC).isoformat() if isinstance(value, datetime) else value for value in key]
    return base64.urlsafe_b64encode(json.dumps([name, *values]).encode()).decode().rstrip("=")


def name_of(cursor: str) -> str:
    """Which list it belongs to. Raises ValueError where it is none."""
    return str(_read(cursor)[0])


def from_cursor(cursor: str, name: str, types: Sequence[type[Value]]) -> Key:
    """The key, of values of `types`. Raises ValueError where it is none of the list called `name`."""
    values = _read(cursor)
    if values[0] != name or len(values) != len(types) + 1:
        raise ValueError(_REFUSED)
    return tuple(_value(value, kind) for value, kind in zip(values[1:], types, strict=True))


def _read(cursor: str) -> list[object]:
    if len(cursor) > _LONGEST:
        raise ValueError(_REFUSED)
    try:
        values = json.loads(base64.b64decode(f"{cursor}{'=' * (-len(cursor) % 4)}", altchars=b"-_", validate=True))
    except (binascii.Error, ValueError, RecursionError) as error:
        raise ValueError(_REFUSED) from error
    if not isinstance(values, list) or not values or not isinstance(values[0], str):
        raise ValueError(_REFUSED)
    return values


def _value(value: object, kind: type[Value]) -> Value:
    if kind is datetime and isinstance(value, str):
        try:
            return datetime.fromisoformat(value).astimezone(UTC)
        except (ValueError, OverflowError) as error:
            raise ValueError(_REFUSED) from error
    if kind is int and type(value) is int and 0 <= value <= _GREATEST:
        return value
    # Columns hold no NUL and no half characters, and databases refuse to be asked for them.
    if kind is str and isinstance(value, str) and not re.search("[\0\ud800-\udfff]", value):
        return value
    raise ValueError(_REFUSED)
