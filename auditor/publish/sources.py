"""Where a finding stands in a repository: the file and line that its resource was read from, else those of its rule.

Pure but for `Places.line_of`, which whoever reads files hands in.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import TYPE_CHECKING
from urllib.parse import quote

from auditor.model import ABSENT, Side

if TYPE_CHECKING:
    from auditor.model import Finding, Gap
    from auditor.model import Path as Steps

_LINE = re.compile(r"\A(.+?):([0-9]+)\Z")
_SHIPPED = "policies/"


def _no_line(_file: Path, _steps: Steps, _start: int) -> int | None:
    return None


@dataclass(frozen=True, slots=True)
class Places:
    """How locations become paths in a repository.

    folder   where relative locations begin: the configuration's folder
    root     what paths are told relative to: the repository's root
    line_of  the line (from 1) at which a file says what stands at a path of a document that begins at a line; None
             where it cannot be told
    """

    folder: Path
    root: Path
    line_of: Callable[[Path, Steps, int], int | None] = _no_line


@dataclass(frozen=True, slots=True)
class Source:
    """A file with a line. `path` has slashes; it is relative to the repository, or to the auditor where the file ships
    with it; absolute where it lies elsewhere."""

    path: str
    line: int | None = None
    shipped: bool = False

    @property
    def uri(self) -> str:
        if PurePath(self.path).is_absolute():
            return f"file://{quote(self.path)}"
        return quote(self.path)


def sources_of(finding: Finding, places: Places | None) -> tuple[Source, ...]:
    """The files that the two sides were read from, the left one first; empty where they are no files."""
    breach = finding.breach
    found = (_source(side, breach.path, places) for side in (breach.left, breach.right))
    return tuple(dict.fromkeys(source for source in found if source is not None))


def gap_source(gap: Gap, places: Places | None) -> Source | None:
    return _source(Side(gap.environment, gap.resource, ABSENT, gap.location), (), places)


def rule_source(finding: Finding, places: Places | None) -> Source:
    """The policy file of the rule that decided, and the rule's line."""
    rule = finding.breach.rule
    line = rule.line or None
    if not PurePath(rule.file).is_absolute():
        return Source(rule.file, line, shipped=rule.file.startswith(_SHIPPED) or not rule.line)
    return Source(_relative(rule.file, places), line)


def is_file(location: str) -> bool:
    """Whether a location is a path: no ARN, no URL, no id of something that only a service knows."""
    return bool(location) and ":" not in _LINE.sub(r"\1", location)


def _source(side: Side, steps: Steps, places: Places | None) -> Source | None:
    location = side.location
    if location is None or not is_file(location):
        return None
    match = _LINE.match(location)
    path, line = (match[1], int(match[2])) if match else (location, None)
    if places is None:
        return Source(path, line)
    file = Path(os.path.normpath(places.folder / path))
    # One file holds several services: then the resource's own name comes first.
    exact = places.line_of(file, steps if line or side.identity is None else (side.identity, *steps), line or 1)
    return Source(_relative(str(file), places), exact or line)


def _relative(path: str, places: Places | None) -> str:
    if places is None:
        return path
    file, root = PurePath(path), PurePath(places.root)
    return file.relative_to(root).as_posix() if file.is_relative_to(root) else path


def line_in(text: str, steps: Steps, start: int = 1) -> int | None:
    """The line of `text` that says what stands at `steps`, looked for step by step from line `start` on.

    A key that is written down nowhere is passed over: what inherits it has no line of its own. None where no step is
    found before the document ends.
    """
    lines = text.splitlines()
    at, found = start - 1, None
    end = next((n for n in range(start, len(lines)) if lines[n].rstrip() == "---"), len(lines))
    for step in steps:
        key = re.escape(step)
        pattern = re.compile(
            rf"(?:\A|[\s,{{(-])[\"']?{key}[\"']?\s*[:=]|(?:\A|[\s,{{-])[\"']?name[\"']?\s*[:=]\s*[\"']?{key}[\"']?\s*(?:,|}}|\Z)"
        )
        line = next((n for n in range(at, end) if pattern.search(lines[n])), None)
        if line is not None:
            at, found = line, line + 1
    return found
