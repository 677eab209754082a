"""Writes results into a page, between its marks; the rest of the page is written by people."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from bench.speed.results import Row, Target
from bench.speed.tables import all_tables


class MarksMissing(ValueError):
    """The page has no marks of that name to write between."""


def rewritten(page: str, rows: Sequence[Row], targets: Sequence[Target], machine: Mapping[str, Any]) -> str:
    """The page with these results. Raises MarksMissing."""
    return between(page, "results", all_tables(rows, targets, machine))


def between(page: str, name: str, text: str) -> str:
    """The page with `text` between `<!-- NAME: ... -->` and `<!-- end of NAME -->`."""
    marks = re.compile(rf"(<!-- {name}:[^\n]*-->\n).*?(<!-- end of {name} -->)", re.DOTALL)
    if not marks.search(page):
        raise MarksMissing(
            f"the page has no `<!-- {name}: ... -->` with an `<!-- end of {name} -->` after it: add both"
        )
    return marks.sub(lambda found: f"{found[1]}\n{text.strip()}\n\n{found[2]}", page, count=1)


def held(page: str, name: str) -> str:
    """What stands between the marks. Raises MarksMissing."""
    found = re.search(rf"<!-- {name}:[^\n]*-->\n(.*?)<!-- end of {name} -->", page, re.DOTALL)
    if found is None:
        raise MarksMissing(f"the page has no marks called {name}: add both")
    return found[1].strip()
