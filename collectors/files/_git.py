"""Asks git who last changed a file: the author and the commit, never its message, which may hold anything.

Runs `git log` on the file that a resource was read from, with nothing of the repository's own configuration that could
run a program but the filters by which git compares a file (`filter.*`), and without going to the network. What it does
not know within a few seconds is unknown.
"""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from auditor.collector import Context, Inquiry
from auditor.model import ABSENT, Absent, Author, Json, Moved, Resource

_SECONDS = 5.0
_LINE = re.compile(r":[0-9]+\Z")
# A commit is made before it is merged, and merged before it is rolled out. What is older did not make a change of now.
LEAD = timedelta(days=30)
# The commit, its author, when it was written and when committed; apart by a byte that no name holds.
_FORMAT = "--format=%H%x00%an%x00%aI%x00%cI"
_QUIET = (
    "--no-pager",
    "-c",
    "core.fsmonitor=false",
    "-c",
    "core.hooksPath=/dev/null",
    "-c",
    "log.showSignature=false",
    "-c",
    "protocol.allow=never",
)
_SHORTEST_TELLING = 3
_SHOWN = 200


@dataclass(frozen=True, slots=True)
class GitLog:
    """The history of the repository that a `files` source is in, if it is in one."""

    context: Context
    inquiry: Inquiry
    _pending: dict[Path, str | None] = field(default_factory=dict)

    def author(self, resource: Resource, moved: Moved) -> Author | None:
        """None where git knows nothing of the file, or is not installed."""
        if resource.location is None:
            return None
        file = self.context.folder / _LINE.sub("", resource.location)
        folder = next((one for one in file.parents if one.is_dir()), None)
        if folder is None:
            return None
        here = str(file.relative_to(folder))
        self.inquiry.take(0.0)
        if file not in self._pending:
            self._pending[file] = _git(folder, "status", "--porcelain=v1", "--untracked-files=no", "--", here)
        if self._pending[file] is None:
            return None
        if self._pending[file]:
            return Author(unknown="the file holds what is not committed", ask_again=True)
        last = _commit(folder, here)
        if last is None:
            return None
        value = _telling(moved.new)
        named = _commit(folder, here, "-S", value) if value is not None else None
        if value is not None and named is None:
            # It came from another file (a base, an `env_file`): whoever changed this one last has nothing to do with it.
            return Author(unknown="git has no commit that brought this value into the file")
        fitting = (one.author for one in (named, last) if one and one.at >= moved.after - LEAD)
        return next(fitting, Author(unknown="git has no commit of that time that changed the file"))


@dataclass(frozen=True, slots=True)
class _Commit:
    author: Author
    at: datetime


def _commit(folder: Path, file: str, *narrowed: str) -> _Commit | None:
    """The last commit that changed the file; with `-S`, the last one that changed how often it holds a text."""
    told = _git(folder, "log", "-1", "--no-ext-diff", "--no-textconv", _FORMAT, *narrowed, "--", file)
    if not told:
        return None
    commit, name, written, committed = told.strip().split("\0")
    shown = "".join(letter for letter in name if letter.isprintable())[:_SHOWN] or "somebody without a name"
    when = datetime.fromisoformat(written).astimezone(UTC)
    author = Author(shown, f"commit {commit[:10]}", when, "git", commit)
    return _Commit(author, datetime.fromisoformat(committed).astimezone(UTC))


def _git(folder: Path, *arguments: str) -> str | None:
    """What git prints; None where it does not know, is not there, or takes too long."""
    surroundings = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    quiet = {"GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "GIT_NO_LAZY_FETCH": "1", "LC_ALL": "C"}
    try:
        done = subprocess.run(
            ["git", *_QUIET, *arguments],
            cwd=folder,
            env=surroundings | quiet,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired, ValueError):
        return None
    return done.stdout.decode("utf-8", "replace") if done.returncode == 0 else None


def _telling(value: Json | Absent) -> str | None:
    """A value that the file holds as it is spelled, and nowhere by chance."""
    if value is ABSENT or isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    text = str(value)
    # What stands for a secret, or for a name, stands in no file.
    spelled = len(text) >= _SHORTEST_TELLING and not set("\n{}") & set(text)
    return text if spelled else None
