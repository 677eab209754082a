"""Documents inside texts: a variable or a ConfigMap entry that holds JSON is compared and redacted by what it says."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from auditor.model import Json

DEEPEST = 100


def embedded(text: str) -> Json | None:
    """The object or list that a text spells in JSON; None for every other text.

    What nests deeper than 100 levels stays text, as no person wrote it. Numbers that JSON has not (`NaN`, `1e999`)
    stay text too, for they would equal nothing, not even themselves.
    """
    # Most texts hold neither, which is asked in no time.
    if "}" not in text and "]" not in text:
        return None
    if not (text.lstrip()[:1] in ("{", "[") and text.rstrip()[-1:] in ("}", "]")):
        return None
    try:
        document = json.loads(text, parse_constant=str, parse_float=_number)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict | list) and not _is_deep(document) else None


def _number(text: str) -> float | str:
    number = float(text)
    return number if math.isfinite(number) else text


def _is_deep(document: Json) -> bool:
    level = [document]
    for _ in range(DEEPEST):
        level = [
            below
            for value in level
            for below in (value.values() if isinstance(value, dict) else value)
            if isinstance(below, dict | list)
        ]
        if not level:
            return False
    return True
