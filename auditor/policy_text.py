"""The text of one rule as it stands in its file, for whoever asks why it decided."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import resources
from pathlib import Path

_SHIPPED = "policies/"
_LEFT_OUT = "examples:"
_YAML = (".yaml", ".yml")


def rule_text(file: str, line: int, places: Sequence[Path] | None = None) -> str | None:
    """The rule that begins in `line` of `file`, without its examples; None where the file cannot be read any more.

    `file` is as rules name it: `policies/default.yaml` for a pack that ships, else a path. With `places`, the files and
    folders that policies are searched in, nothing else is read: what a store says of a file may be anybody's word."""
    lines = rule_lines(file, line, places)
    return None if lines is None else "\n".join(text for _, text in lines)


def rule_lines(file: str, line: int, places: Sequence[Path] | None = None) -> tuple[tuple[int, str], ...] | None:
    """The same line by line, each with its number in the file."""
    source = _source(file, places)
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


def _source(file: str, places: Sequence[Path] | None) -> list[str] | None:
    name = file.removeprefix(_SHIPPED)
    own = Path(file).exists() and (places is None or _lies(file, places))
    try:
        if own:
            return Path(file).read_text(encoding="utf-8").splitlines()
        if name != file and Path(name).name == name:
            return (resources.files("policies") / name).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError, ValueError):
        return None
    return None


def _lies(file: str, places: Sequence[Path]) -> bool:
    """Whether the file is one that policies are read from. By its name: links within such a folder are its owner's."""
    path = Path(file).parent.resolve() / Path(file).name
    known = [place.parent.resolve() / place.name for place in places]
    return path in known or (path.suffix in _YAML and path.parent in known)


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
