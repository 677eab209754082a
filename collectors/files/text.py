"""What every format's reader shares: files as text, and the one error that says where a file is wrong, never what it says."""

from __future__ import annotations

import re
from pathlib import Path

from auditor.model import Json

# Deeper than any configuration that a person keeps; shallow enough for every recursive walk over what was read.
MAX_DEPTH = 100
# A number of more digits is an identifier, and Python refuses to turn very long ones into integers.
MAX_DIGITS = 30
# One or two signs in quotes (`','`) are grammar; whatever else stands in quotes, brackets or after a colon may be content.
_OWN_WORDS = re.compile(r"(?:'[^\w\s]{1,2}'|[^'\"`(:])*")


class Malformed(Exception):
    """A file is not what its name says. The problem is in our words: the offending text may be a secret.

    `line` and `column` count from 1; None where the parser does not tell.
    """

    def __init__(self, problem: str, line: int | None = None, column: int | None = None) -> None:
        self.problem = problem
        self.line = line
        self.column = column
        super().__init__(problem)


class Unsupported(Exception):
    """A file is sound, but of a sort that cannot be read as configuration (encrypted, or a template)."""


def read(path: Path) -> str:
    """The text of a file, with any byte order mark and line endings evened out.

    Raises Malformed where it is not UTF-8 (or UTF-16 with its mark) text, and OSError as it comes.
    """
    raw = path.read_bytes()
    encoding = "utf-16" if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise Malformed(f"not {encoding.removesuffix('-sig').upper()} text", line) from error
    return text.replace("\r\n", "\n").replace("\r", "\n")


def own_words(problem: str) -> str:
    """A parser's message up to the first quotation that may hold content: a sign that it expected is none."""
    said = _OWN_WORDS.match(problem)
    return (said[0].strip() if said else "").removesuffix(" at") or "syntax error"


def position(text: str, offset: int) -> tuple[int, int]:
    """Line and column, from 1, of an offset into a text."""
    return text.count("\n", 0, offset) + 1, offset - (text.rfind("\n", 0, offset) + 1) + 1


def integer(text: str) -> int | str:
    """A decimal integer, or its text where it has more digits than any quantity."""
    return int(text) if len(text) <= MAX_DIGITS else text


def check_depth(value: Json, depth: int = 0) -> None:
    """Raise Malformed where a document is nested deeper than MAX_DEPTH."""
    if depth > MAX_DEPTH:
        raise Malformed(f"nested deeper than {MAX_DEPTH} levels")
    if isinstance(value, dict):
        for item in value.values():
            check_depth(item, depth + 1)
    elif isinstance(value, list):
        for item in value:
            check_depth(item, depth + 1)
