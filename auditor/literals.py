"""Places that a text itself leaves open, `{env}` or `${STAGE}`: they look like those that names leave once they are set aside.

`orders-{env}` in production's configuration is a template that nobody filled in, and no name for `orders-staging`."""

from __future__ import annotations

import re

_PLACE = re.compile(r"\{[A-Za-z_][A-Za-z0-9_]*\}")


def places_in(text: str) -> int:
    """How many places a text leaves open."""
    return len(_PLACE.findall(text)) if "{" in text else 0


def kept_apart(text: str) -> str:
    """The text with its own places spelled so that none of them is taken for one that was set aside: `{{env}}`."""
    return _PLACE.sub(r"{\g<0>}", text) if "{" in text else text
