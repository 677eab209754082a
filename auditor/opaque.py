"""Whether a text looks as if a machine had drawn it at random: what a key, a token or a password generator makes.

Names that people give fall into pieces of several letters (`NotificationCanadaCa`); random text changes between
letters, cases and digits at nearly every character. Counting the pieces tells the two apart better than Shannon's
entropy alone, which is high for any long name. Identifiers that are random but public (UUIDs, digests, ARNs) are set
aside first.
"""

from __future__ import annotations

import math
import re
from collections import Counter

MIN_LENGTH = 20
_MAX_PIECE = 2.95
_MAX_PIECE_OF_LETTERS = 2.6
_MIN_ENTROPY = 3.0

_PUBLIC = re.compile(
    r"""
        [0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}
      | \barn:[\w*-]*:[^\s,"']*
      | (?<![\w])sha(?:1|224|256|384|512)[:-][A-Za-z0-9+/=]{27,}
      | (?<![0-9a-zA-Z])[0-9a-f]{40}(?![0-9a-zA-Z])
      | (?<![\w])[a-z]{1,12}-[0-9a-f]{8,17}(?![\w])
      | (?<![\w])(?:AROA|AIDA|AGPA|AIPA|ANPA|ANVA|ASCA|APKA|ABIA|ACCA)[A-Z0-9]{12,}
      | [a-z][a-z0-9+.-]{0,30}://[^\s"']*
      | (?<![\w.-])(?:[a-z0-9](?:[a-z0-9_-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}(?![\w.])
      | \d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d)?(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)?
      | \bssh-(?:rsa|ed25519|dss)\s+\S+ | \becdsa-sha2-\S+\s+\S+
      | (?<![A-Za-z0-9+/])(?:LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS|LS0tLS1CRUdJTiBQVUJMSUMgS0VZ)[A-Za-z0-9+/=\s]+
    """,
    re.VERBOSE,
)
_UNIT = re.compile(r"[A-Za-z0-9+/=_-]+")
_PIECE = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_HEX = re.compile(r"[0-9a-f]+|[0-9A-F]+")


def looks_opaque(text: str) -> bool:
    """Whether some part of `text` of at least 20 characters looks random and is no public identifier."""
    if len(text) < MIN_LENGTH:
        return False
    return any(_is_random(unit) for found in _UNIT.findall(_PUBLIC.sub(" ", text)) for unit in _units(found))


def _units(found: str) -> list[str]:
    """Base64 has all of both cases and digits; where one is lacking, `/`, `-` and `_` only join parts of a name."""
    core = found.strip("=")
    if len(core) < MIN_LENGTH:
        return []
    mixed = any(c.isupper() for c in core) and any(c.islower() for c in core) and any(c.isdigit() for c in core)
    if not mixed:
        return [part for part in re.split(r"[/=+_-]", core) if len(part) >= MIN_LENGTH]
    parts = [core, *re.split(r"[/=+_-]", core)]
    return [part for part in parts if len(part) >= MIN_LENGTH and len(re.findall(r"[_-]", part)) <= len(part) / 12]


def _is_random(unit: str) -> bool:
    if unit.isdigit() or (unit.isalpha() and (unit.islower() or unit.isupper())):
        return False
    if _entropy(unit) < _MIN_ENTROPY:
        return False
    pieces = _PIECE.findall(unit)
    average = sum(len(piece) for piece in pieces) / len(pieces)
    if not any(c.isdigit() for c in unit):
        return len(unit) >= 32 and average <= _MAX_PIECE_OF_LETTERS
    if _HEX.fullmatch(unit):
        return len(unit) >= 32 or average <= _MAX_PIECE
    return average <= _MAX_PIECE


def _entropy(text: str) -> float:
    counts = Counter(text)
    return -sum(count / len(text) * math.log2(count / len(text)) for count in counts.values())
