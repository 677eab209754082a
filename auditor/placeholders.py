"""Values that somebody meant to replace: `changeme`, `REPLACE_ME`, `your-api-key-here`, `<token>`.

Two degrees. What `is_placeholder` finds is one wherever it stands. `is_default_credential` adds the words that are
none by themselves (`grant_type: password` is right) but are a placeholder, or as bad as one, where a secret belongs.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from auditor.values import words

_MAX_LENGTH = 500
_MARKER = re.compile(r"\{secret:[0-9a-f]{32}(:placeholder)?\}")

# Found anywhere in a value: nobody means these words.
_INSIDE = re.compile(
    r"""(?<![a-z0-9]) (?:
        (?:please[-_ ]?)? change[sd]?[-_ ]?(?:me|it|this) (?![a-z])
      | (?:to[-_ ]?be[-_ ]?) (?:replaced|changed|defined|determined|filled(?:[-_ ]?in)?|provided|set) (?![a-z])
      | replace[-_ ]?(?:me|this|with(?:[-_ ]?\w+)*) (?![a-z])
      | fill[-_ ]?(?:me|this)?[-_ ]?in (?![a-z])
      | (?:set|update|edit)[-_](?:me|this) (?![a-z])
      | (?:your|my|insert|put|enter|add|paste)[-_ ](?:[a-z0-9]+[-_ ]){1,5}here (?![a-z])
      | x{4,} (?![a-z0-9])
    )""",
    re.IGNORECASE | re.VERBOSE,
)
# The whole value.
_WHOLE = re.compile(
    r"""
        to[-_ ]?do | tbd | tbc | fix[-_ ]?me | x{3,} | \?{3,} | \*{3,} | \.{3} | place[-_ ]?holder(?:[-_ ]?value)?
      | (?:dummy|fake|example|sample|placeholder)(?:[-_ ][a-z]+){0,3}
      | your[-_ ]?[a-z]+(?:[-_ ][a-z]+){0,4}
      | (?:insert|enter|put|paste)[-_ ](?:your[-_ ])?[a-z]+(?:[-_ ][a-z]+){0,4}
      | not[-_ ]?(?:yet[-_ ]?)?set | undefined | un[-_ ]?set
      | <\s*[a-z][a-z0-9 _.:-]*\s*> | \[\s*(?:your|insert|change|todo)[a-z0-9 _-]*\]
    """,
    re.IGNORECASE | re.VERBOSE,
)
_PROSE = re.compile(r"[A-Z][a-z]+(?: [a-z]+)+")
_WRITTEN = frozenset(
    "subject title heading headline label message text prompt hint description greeting caption tooltip".split()
)
# Values in angle brackets that say something.
_SAID = frozenset({"<none>", "<null>", "<nil>", "<empty>", "<default>", "<unknown>", "<all>", "<any>"})
_DEFAULTS = re.compile(
    r"""
        (?:my|the|some|any|a|new|old|test|demo|default|super|top)?[-_ ]?
        (?:pass(?:word|wd|phrase)?|pwd|secret|token|credentials?|api[-_ ]?key|key|salt)(?:[-_ ]?(?:123|1|here))?
      | (?:test|demo|admin|root|guest|user|default|postgres|mysql|foo|bar|foobar|baz|abc|none|null|nothing|something)
      | pass(?:word)?123 | p[a@]ssw[o0]rd1? | admin123 | test123 | letmein | qwerty | secret123
      | (?:0+|1+|a+|123|1234|12345|123456|1234567|12345678|123456789|1234567890|abc123|abcdef(?:g\w*)?)
      | wjalrxutnfemi/k7mdeng/bpxrficyexamplekey | akiaiosfodnn7example
    """,
    re.IGNORECASE | re.VERBOSE,
)
_PEM = re.compile(r"-----BEGIN [A-Z ]+-----\s+(?P<body>\S+)\s+-----END [A-Z ]+-----")
# One of these is in every text that `_INSIDE` finds something in; most texts need no closer look.
_HINTS = ("chang", "be", "replace", "fill", "-me", "_me", "-this", "_this", "here", "xxxx")
_CONSTANT = re.compile(r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+|[A-Z]{4,}")


def is_placeholder(value: Any, key: str | None = None) -> bool:
    """Whether `value` still waits to be replaced. `key` is what it is the value of: `DOCKER_TAG: DOCKER_TAG` is one.

    Also true of a redacted secret (`{secret:...:placeholder}`) whose plain value was one.
    """
    if not isinstance(value, str) or not 0 < len(value) <= _MAX_LENGTH:
        return False
    marker = _MARKER.fullmatch(value)
    if marker:
        return marker.group(1) is not None
    stripped = value.strip().strip("\"'")
    if stripped.lower() in _SAID:
        return False
    if (_may_hold_words(stripped) and _INSIDE.search(stripped)) or (
        _WHOLE.fullmatch(stripped) and not _is_written_to_people(stripped, key)
    ):
        return True
    block = _PEM.fullmatch(stripped) if stripped.startswith("-----BEGIN") else None
    if block and _WHOLE.fullmatch(block["body"]):
        return True
    return key is not None and _repeats(stripped, key)


def _may_hold_words(text: str) -> bool:
    lower = text.lower()
    # Beyond ASCII one letter may be taken for another: a long s for an s.
    return not text.isascii() or any(hint in lower for hint in _HINTS)


@lru_cache(maxsize=65536)
def is_settled(value: str, *, named: bool) -> bool:
    """Whether a text is no placeholder whatever it is the value of, or whatever but a constant where it is not so `named`.

    It may be none, too, where this is not so."""
    if ":placeholder}" in value or is_placeholder(value):
        return False
    return not (named and is_constant(value.strip().strip("\"'")))


def is_constant(text: str) -> bool:
    """Whether a text is spelled as constants and environment variables are: `DB_PASSWORD`."""
    return _CONSTANT.fullmatch(text) is not None


def _is_written_to_people(value: str, key: str | None) -> bool:
    """The subject of a mail, `Your verification code`: a line of prose where one belongs. `Your title` is none."""
    if key is None or not _PROSE.fullmatch(value) or _WRITTEN.intersection(words(value)):
        return False
    return bool(_WRITTEN.intersection(words(key)))


def is_default_credential(value: Any) -> bool:
    """Whether `value`, standing where a secret belongs, is a placeholder or a word that everybody would try first."""
    return isinstance(value, str) and (is_placeholder(value) or _DEFAULTS.fullmatch(value.strip()) is not None)


def _repeats(value: str, key: str) -> bool:
    """A variable whose value is the name of a variable of that name: what was meant to be filled in was copied."""
    if not (_CONSTANT.fullmatch(value) and _CONSTANT.fullmatch(key)):
        return False
    return value == key or value.endswith(f"_{key}")
