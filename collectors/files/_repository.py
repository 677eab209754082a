"""The git work tree that files were read from: which commit, and what was read that is not as it was committed.

Evidence of how configuration is kept, not a part of the environment: it is never compared. Asks git for reads only;
git takes no locks, runs no hooks or file system monitors, and fetches nothing.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Collection, Sequence
from pathlib import Path

from auditor.model import Resource
from collectors.files import detect, kinds
from collectors.files.scope import Scope

_MOST_NAMED = 50
_LONGEST = 10.0
# What git says where there is a `.git` that is none.
_NO_REPOSITORY = "not a git repository"
_QUIET = (
    "-c",
    "core.fsmonitor=false",
    "-c",
    "core.hooksPath=/dev/null",
    "-c",
    "core.untrackedCache=false",
)


class _Untold(Exception):
    """Why git does not tell, in a few words."""


def repository(root: Path, names: Collection[str], scope: Scope, seconds: float) -> Resource | None:
    """What git tells of `names`, files that were read below the folder `root`; None outside of any work tree.

    Whether what lies outside of one is kept under version control elsewhere, nobody can tell here. Each question to git
    takes at most `seconds`.
    """
    if not _in_work_tree(root):
        return None
    try:
        attributes = _asked(root, names, min(seconds, _LONGEST))
    except _Untold as error:
        if _NO_REPOSITORY in str(error):
            return None
        attributes = {"unknown": str(error)}
    return Resource(kinds.REPOSITORY, scope.shown, attributes, source=scope.source, location=scope.shown)


def _in_work_tree(root: Path) -> bool:
    own = root.resolve()
    return any((folder / ".git").exists() for folder in (own, *own.parents))


def _asked(root: Path, names: Collection[str], seconds: float) -> dict[str, object]:
    commit = _git(root, seconds, "rev-parse", "--verify", "--quiet", "HEAD").strip()
    tracked = set(_lines(_git(root, seconds, "ls-files", "-z", "--", ".")))
    loose = sorted(set(names) - tracked)
    untracked = [name for name in loose if not _is_tracked_link(root, name, seconds)]
    # `git diff` would write the index; `git status` does not. Its paths start at the top of the work tree.
    prefix = _git(root, seconds, "rev-parse", "--show-prefix").removesuffix("\n")
    states = _git(root, seconds, "status", "--porcelain=v1", "-z", "--untracked-files=no", "--no-renames", "--", ".")
    changed = [line[3:].removeprefix(prefix) for line in _lines(states)]
    modified = [name for name in changed if name in names or _is_gone(root, name)]
    return {
        "commit": commit,
        "files": len(names),
        "untracked": _some(untracked),
        "modified": _some(sorted(modified)),
    }


def _is_tracked_link(root: Path, name: str, seconds: float) -> bool:
    """A file below a linked folder is tracked under its real name."""
    real = (root / name).resolve()
    if real == root.resolve() / name:
        return False
    try:
        return bool(_git(root, seconds, "ls-files", "-z", "--full-name", "--", str(real)))
    except _Untold:  # it is outside of this work tree
        return False


def _is_gone(root: Path, name: str) -> bool:
    """Whether a file of a kind that is read was deleted, and the deletion not committed."""
    return detect.format_of(name) is not None and not (root / name).exists()


def _some(names: Sequence[str]) -> list[str]:
    more = [f"and {len(names) - _MOST_NAMED} more"] if len(names) > _MOST_NAMED else []
    return [*names[:_MOST_NAMED], *more]


def _lines(output: str) -> list[str]:
    return [name for name in output.split("\0") if name]


def _git(root: Path, seconds: float, *arguments: str) -> str:
    git = shutil.which("git")
    if git is None:
        raise _Untold("git is not installed")
    # Variables of a hook or a pipeline may point git at another repository.
    own = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    quiet = {"GIT_OPTIONAL_LOCKS": "0", "GIT_NO_LAZY_FETCH": "1", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
    try:
        done = subprocess.run(
            [git, "-C", str(root), *_QUIET, *arguments],
            env=own | quiet,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise _Untold(f"git gave no answer within {seconds:g} s") from error
    except OSError as error:
        raise _Untold(f"git could not be started: {error.strerror or error}") from error
    if done.returncode != 0:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise _Untold(said[0].removeprefix("fatal: ") if said else "there is no commit yet")
    return done.stdout.decode("utf-8", "surrogateescape")
