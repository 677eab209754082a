"""The text of one rule as it stands in its file, for whoever asks why it decided."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

_SHIPPED = "policies/"
_LEFT_OUT = "examples:"


def rule_text(file: str, line: int) -> str | None:
    """The rule that begins in `line` of `file`, without its examples; None where the file cannot be read any more.

    `file` is as rules name it: `policies/default.yaml` for a pack that ships, else a path."""
    lines = rule_lines(file, line)
    return None if lines is None else "\n".join(text for _, text in lines)


def rule_lines(file: str, line: int) -> tuple[tuple[int, str], ...] | None:
    """The same line by line, each with its number in the file."""
    source = _source(file)
    if source is None or not 0 < line <= len(source):
        return None
    first = source[line - 1]
    margin = len(first) - len(first.lstrip())
    found = [(line, first)]
    for number, text in enumerate(source[line:], line + 1):
        indent = len(text) - len(text.lstrip())
        if text.strip() and indent <= margin:
            break
        found.append((number, text))
    kept = _without_examples([(number, text[margin:].rstrip()) for number, text in found])
    while kept and (not kept[-1][1] or kept[-1][1].lstrip().startswith("#")):
        kept.pop()
    return tuple(kept)


def _source(file: str) -> list[str] | None:
    try:
        if file.startswith(_SHIPPED) and not Path(file).exists():
            entry = resources.files("policies") / file.removeprefix(_SHIPPED)
            return entry.read_text(encoding="utf-8").splitlines()
        return Path(file).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return None


def _without_examples(lines: list[tuple[int, str]]) -> list[tuple[int, str]]:
    found: list[tuple[int, str]] = []
    skipped: int | None = None
    for number, text in lines:
        indent = len(text) - len(text.lstrip())
        if skipped is not None and (
            not text.strip() or indent > skipped or (text.lstrip().startswith("- ") and indent == skipped)
        ):
            continue
        skipped = indent if text.lstrip().startswith(_LEFT_OUT) else None
        if skipped is None:
            found.append((number, text))
    return found
