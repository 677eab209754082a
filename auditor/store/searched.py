"""What a list of findings is filtered and ordered by, made from a breach: the columns of its row that are not its body.

Names come from environments and may be of any length and hold anything. A database refuses some characters, and an index
an entry above some 2,700 bytes, so each text is cut to a number of bytes; all together stay well below that.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Any

from auditor.model import Breach
from auditor.paths import dotted, shown

SHORT = 120
LONG = 200
WORDS = 900
# A name of megabytes must not push everything else out of the words.
_NAME = 240


def columns(breach: Breach) -> dict[str, Any]:
    """The searched columns of a finding's row, by name."""
    return {
        "kind": kind(breach.kind),
        "identity": cut(breach.identity, LONG),
        "path": cut(dotted(shown(breach.path)), LONG),
        "rule": rule(f"{breach.rule.policy}/{breach.rule.id}"),
        "owner": owner(breach.owner) if breach.owner else None,
        "cause": cause(breach.cause_key) if breach.cause_key else None,
        "rank": breach.severity.rank,
        "words": _words(breach),
        "suggested": breach.suggestion is not None,
    }


def kind(name: str) -> str:
    return cut(name, SHORT)


def rule(name: str) -> str:
    return cut(name, SHORT)


def owner(name: str) -> str:
    return cut(name, SHORT)


def cause(key: str) -> str:
    return cut(key, SHORT)


def lowered(text: str) -> str:
    """Text as `words` holds it: without what a database refuses, and in lower case."""
    return _clean(text).decode().lower()


def cut(text: str, limit: int) -> str:
    """`text` in at most `limit` bytes of UTF-8. One that is longer ends in a digest of it: two of them stay two."""
    content = _clean(text)
    if len(content) <= limit:
        return content.decode()
    tail = f"…{sha256(content).hexdigest()[:16]}"
    return _first(content, limit - len(tail.encode())) + tail


def _words(breach: Breach) -> str:
    names = (breach.identity, breach.left.identity, breach.right.identity, dotted(shown(breach.path)))
    rest = (breach.kind, f"{breach.rule.policy}/{breach.rule.id}", breach.owner, breach.message, breach.cause)
    parts = [*(name and _first(_clean(name), _NAME) for name in names), *rest]
    return _first(lowered(" ".join(dict.fromkeys(part for part in parts if part))).encode(), WORDS)


def _clean(text: str) -> bytes:
    return text.replace("\0", "").encode("utf-8", "replace")


def _first(content: bytes, limit: int) -> str:
    return content[:limit].decode("utf-8", "ignore")
