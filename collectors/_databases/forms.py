"""Normal forms of what a catalogue spells: views, bodies, defaults, and names that carry a date."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

_LONGEST = 4000
_UNITS = ("B", "kB", "MB", "GB", "TB")
_QUOTED = re.compile(r"('(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|`(?:[^`]|``)*`)")
# What looks like a comment between quotes is none.
_TOKENS = re.compile(rf"{_QUOTED.pattern}|--[^\n]*|/\*.*?\*/", re.DOTALL)
_SPACE = re.compile(r"\s+")
_INSIDE = re.compile(r"(?<=\() | (?=[),;])")
_BESIDE = re.compile(r"\s*([(),;=<>+*/|-])\s*")
_SEVERAL = re.compile(r"\bjoin\b|\bunion\b|\bintersect\b|\bexcept\b|\bwith\b|\(\s*select\b", re.IGNORECASE)
_FROM = re.compile(r"\bfrom\s+([^\s(),;]+(?:\s*,\s*\S+)?)", re.IGNORECASE)
# 2026_11, 20261123, 2026-w47, 2026q4, y2026m11: at the end of a name, behind a sign or a letter of its own.
_DATE = re.compile(
    r"(?:[_.-]y?|y|p)(?:19|20)\d\d(?:[_-]?(?:m|w|q|d)?\d{1,2}(?:[_-]?d?\d{2}(?:[_-]?\d{2,6})?)?)?\Z", re.IGNORECASE
)
_SECRETIVE = re.compile(r"passw|passphrase|pwd|secret|token|api_?key|private_?key|credential", re.IGNORECASE)
_LITERAL = re.compile(r"'((?:[^']|'')+)'")


def flat(text: str) -> str:
    """SQL on one line: comments gone, one blank where there were several. Keywords and quotes stay as they are."""
    return _outside(text, lambda part: _INSIDE.sub("", _SPACE.sub(" ", part))).strip().rstrip(";").strip()


def definition(text: str) -> str:
    """The normal form of a view's query.

    Servers of different versions qualify columns differently where only one relation is read and nothing could be
    meant but it: there the qualifiers fall out."""
    one_line = flat(text)
    bare = _QUOTED.sub("''", one_line)
    sources = _FROM.findall(bare)
    if len(sources) == 1 and "," not in sources[0] and not _SEVERAL.search(bare):
        relation = sources[0].strip()
        alias = re.escape(relation.rpartition(".")[2])
        parts = _QUOTED.split(one_line)
        pattern = re.compile(rf"(?<![\w.]){alias}\.(?=[\w\"`*])")
        one_line = "".join(part if index % 2 else pattern.sub("", part) for index, part in enumerate(parts))
    return shortened(one_line)


def shortened(text: str) -> str:
    """`text`, cut where nobody reads on. What is cut off is told by its length, so that most changes show."""
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}… ({len(text)} characters)"


def body(text: str, names: Iterable[str]) -> str:
    """What a body's fingerprint is taken of: on one line, with the environment's own names set aside."""
    plain = _outside(flat(text), lambda part: _BESIDE.sub(r"\1", part))
    own = sorted({name for name in names if len(name) > 2}, key=lambda name: (-len(name), name))
    if not own:
        return plain
    pattern = re.compile(rf"(?<![A-Za-z])(?:{'|'.join(map(re.escape, own))})(?![A-Za-z])", re.IGNORECASE)
    return pattern.sub("{env}", plain)


def series(name: str) -> str:
    """`events_2026_11` as `events_{date}`: what is made anew each month is one thing. Other names as they are."""
    found = _DATE.search(name)
    stem = name[: found.start()].rstrip("_.-") if found else ""
    return f"{stem}_{{date}}" if stem else name


def holds_secret(column: str, default: str) -> bool:
    """Whether a column's default is a text that may be a secret, by the name of the column."""
    return bool(_SECRETIVE.search(column) and _LITERAL.search(default))


def sized(number: int) -> str:
    """Bytes in the largest unit that loses nothing: `16MB`."""
    index = 0
    while number and number % 1024 == 0 and index < len(_UNITS) - 1:
        number, index = number // 1024, index + 1
    return f"{number}{_UNITS[index]}"


def _outside(text: str, change: Callable[[str], str]) -> str:
    """`text` without comments, changed where it does not stand between quotes."""
    bare = _TOKENS.sub(lambda found: found[1] if found[1] is not None else " ", text)
    # What stands between quotes is at every second place.
    return "".join(part if index % 2 else change(part) for index, part in enumerate(_QUOTED.split(bare)))
