"""Whether a text looks as if a machine had drawn it at random: what a key, a token or a password generator makes.

Names that people give fall into pieces of several letters (`NotificationCanadaCa`), and these are made of pairs of
letters that words are made of; random text changes between letters, cases and digits at nearly every character, and has
any pairs. Counting both tells the two apart better than Shannon's entropy alone, which is high for any long name.
Identifiers that are random but public (UUIDs, digests, ARNs) are set aside first.
"""

from __future__ import annotations

import base64
import binascii
import math
import re
from collections import Counter

MIN_LENGTH = 20
_MAX_PIECE = 2.95
_MAX_PIECE_OF_LETTERS = 2.6
# Random text of both cases has longer ones so seldom that names may keep theirs, however odd their letters are.
_MAX_PIECE_OF_BOTH_CASES = 3.4
_MIN_ENTROPY = 3.0
# Of the pairs of letters in a name most are common in words, of 676 random ones less than a fifth.
_FEWEST_PAIRS = 7
_MAX_COMMON_PAIRS = 0.43

_PUBLIC = re.compile(
    r"""
        [0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}
      | \barn:[\w*-]*:[^\s,"']*
      | (?<![\w])sha(?:1|224|256|384|512)[:-][A-Za-z0-9+/=]{27,}
      | (?<![0-9a-zA-Z])[0-9a-f]{40}(?![0-9a-zA-Z])
      | (?<![0-9a-zA-Z])0x[0-9a-fA-F]{40}(?![0-9a-zA-Z])
      | (?<![\w])[a-z]{1,12}-[0-9a-f]{8,17}(?![\w])
      | (?<![\w])(?:db|cluster)-[A-Z0-9]{26}(?![\w])
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
_LONG = re.compile(rf"[A-Za-z0-9+/=_-]{{{MIN_LENGTH}}}")
_PIECE = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_HEX = re.compile(r"[0-9a-f]+|[0-9A-F]+")
_JOINT = re.compile(r"[/+_-]")
_WORD_PAIRS = frozenset(
    """
    ab ac ad ag ai al am an ap ar as at au be bl ca ce ch ck cl co ct da de di ea ec ed ef el em en er es et ex
    fi fo fr ge ha he ho ic id if ig il im in io ir is it ke la le lf li ll lo ls lu ma me mp na nc nd ne ng no
    ns nt of ol om on op or ot ou ow pa pe pl po pr ra re ri rn ro rs rt ru se sh si so ss st ta te th ti to tr
    ts tu ty ud ue un ur ut va ve wa wh
    """.split()
)


def looks_opaque(text: str) -> bool:
    """Whether some part of `text` of at least 20 characters looks random and is no public identifier."""
    if _LONG.search(text) is None:
        return False
    parts = _UNIT.findall(_PUBLIC.sub(" ", text))
    return any(_is_padded_binary(part) or any(map(_is_random, _units(part))) for part in parts)


def _is_padded_binary(part: str) -> bool:
    """Whether it ends as only base64 does, and encodes what is no text."""
    if len(part) < MIN_LENGTH or not part.endswith("="):
        return False
    try:
        base64.b64decode(part, validate=True).decode()
    except UnicodeDecodeError:
        return True
    except binascii.Error:
        pass
    return False


def _units(found: str) -> list[str]:
    """Base64 has all of both cases and digits; where one is lacking, `/`, `-` and `_` only join parts of a name."""
    core = found.strip("=")
    if len(core) < MIN_LENGTH:
        return []
    mixed = any(c.isupper() for c in core) and any(c.islower() for c in core) and any(c.isdigit() for c in core)
    parts = [*([core] if mixed else []), *re.split(r"[/=+_-]", core)]
    return [part for part in parts if len(part) >= MIN_LENGTH]


def _is_random(unit: str) -> bool:
    if unit.isdigit() or (unit.isalpha() and (unit.islower() or unit.isupper())):
        return False
    if _entropy(unit) < _MIN_ENTROPY:
        return False
    return _changes_too_often(unit) or _has_no_words(unit)


def _changes_too_often(unit: str) -> bool:
    if len(re.findall(r"[_-]", unit)) > len(unit) / 12:
        return False
    average = _average_piece(unit)
    if not any(c.isdigit() for c in unit):
        return len(unit) >= 32 and average <= _MAX_PIECE_OF_LETTERS
    if _HEX.fullmatch(unit):
        return len(unit) >= 32 or average <= _MAX_PIECE
    return average <= _MAX_PIECE


def _has_no_words(unit: str) -> bool:
    """Whether the letters that stand together are no parts of words. Upper case and digits alone are ids of resources."""
    if _HEX.fullmatch(unit) or unit.isupper() or not any(c.isdigit() for c in unit):
        return False
    if len(_JOINT.findall(unit)) > len(unit) / 6:
        return False
    if any(c.isupper() for c in unit) and _average_piece(unit) > _MAX_PIECE_OF_BOTH_CASES:
        return False
    low = unit.lower()
    pairs = [low[at : at + 2] for at in range(len(low) - 1) if low[at : at + 2].isalpha()]
    if len(pairs) < _FEWEST_PAIRS:
        return False
    return sum(pair in _WORD_PAIRS for pair in pairs) / len(pairs) <= _MAX_COMMON_PAIRS


def _average_piece(unit: str) -> float:
    pieces = _PIECE.findall(unit)
    return sum(len(piece) for piece in pieces) / len(pieces)


def _entropy(text: str) -> float:
    counts = Counter(text)
    return -sum(count / len(text) * math.log2(count / len(text)) for count in counts.values())
