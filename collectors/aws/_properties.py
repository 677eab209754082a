"""Texts of `name = value` lines, as brokers are configured by."""

from __future__ import annotations


def properties(text: str) -> dict[str, str]:
    """Name -> value; blank lines and comments are left out. A line without `=` is a name with an empty value."""
    found = {}
    for line in text.splitlines():
        stripped = line.strip()
        if stripped and stripped[0] not in "#!":
            name, _, value = stripped.partition("=")
            found[name.strip()] = value.strip()
    return found
