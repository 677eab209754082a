"""Lists a page at a time: how many, after which, and the cursors of lists that are made in memory."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, TypeAlias, TypeVar

from fastapi import Query
from fastapi.exceptions import RequestValidationError

from auditor.store.cursors import from_cursor, to_cursor

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

MOST = 500
_ID = re.compile("[0-9A-Za-z_.:-]{1,120}")
Limit: TypeAlias = Annotated[int, Query(ge=1, le=MOST, description="At most so many items.")]
After: TypeAlias = Annotated[
    str | None,
    Query(max_length=4096, description="The `next` of the page before. Left out: the first page."),
]
Item = TypeVar("Item")


def part(
    items: Sequence[Item], key: Callable[[Item], str], name: str, limit: int, after: str | None
) -> tuple[list[Item], str | None]:
    """The items after the cursor in the order of `key`, which no two share, and the cursor of those that follow.

    `name` is the list's. Raises RequestValidationError for a cursor of another one."""
    ordered = sorted(items, key=key)
    if after is not None:
        last = position(after, name)
        ordered = [item for item in ordered if key(item) > last]
    shown = ordered[:limit]
    following = to_cursor(name, (key(shown[-1]),)) if len(ordered) > limit else None
    return shown, following


def position(after: str, name: str) -> str:
    """The key that the cursor of a list called `name` holds."""
    try:
        (last,) = from_cursor(after, name, (str,))
    except ValueError as error:
        raise wrong("after", str(error)) from error
    return str(last)


def row_cursor(after: str | None) -> str | None:
    """The id after which a list of rows goes on. Of one that is not there nothing is known, and nothing comes after it."""
    if after is not None and not _ID.fullmatch(after):
        raise wrong("after", "that is no cursor of this list; leave it out to begin with the first page")
    return after


def wrong(parameter: str, message: str) -> RequestValidationError:
    """The refusal of a parameter of the query."""
    return RequestValidationError([{"loc": ("query", parameter), "msg": message, "type": "value_error"}])
