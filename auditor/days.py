"""Days and times in configuration: when something happened, which each environment has of its own, or one that somebody chose.

`created_on: 2026-06-30` happened; `compatibility_date: 2026-06-30` is a version, `valid_until: 2026-06-30` an end.
"""

from __future__ import annotations

import re

_TIME = re.compile(r"\A[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[T ][0-9:.]+(?:Z|[+-][0-9:]+)?)?\Z")
_DAY = len("2026-01-31")
_EXPIRY_WORDS = frozenset("expires expiry expiration expire valid until after deadline".split())
_CHOSEN_WORDS = frozenset("version versions compatibility compat api schema policy protocol".split())
_HAPPENED_WORDS = frozenset(
    "date day time timestamp at on since last created updated modified changed built build deployed generated released "
    "reviewed review rotated seen issued started launched checked patched installed published".split()
)


def is_time(text: str) -> bool:
    """Whether a text is a day, or a day and a time, of ISO 8601."""
    return _TIME.match(text) is not None


def tells_when(key_words: frozenset[str], left: str, right: str) -> bool:
    """Whether two times under a name of these words say when something happened.

    A time to the second is written by a machine, a day alone by hand: it happened only where the name says so."""
    if key_words & _EXPIRY_WORDS:
        return False
    if len(left) == len(right) == _DAY:
        return bool(key_words & _HAPPENED_WORDS) and not key_words & _CHOSEN_WORDS
    return True
