"""Texts that were looked through and found to be without secrets: they stand in many documents, and need no second look."""

from __future__ import annotations

# Of what is longer hardly one stands in two documents; and of what is shorter, so much is remembered.
_LONGEST_REMEMBERED, _MOST_REMEMBERED = 256, 65_536


class Harmless:
    """Some of the texts that were added. Safe to share between threads."""

    __slots__ = ("texts",)

    def __init__(self) -> None:
        self.texts: set[str] = set()

    def add(self, text: str) -> None:
        if len(text) <= _LONGEST_REMEMBERED:
            if len(self.texts) >= _MOST_REMEMBERED:
                self.texts.clear()
            self.texts.add(text)
