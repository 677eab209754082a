"""Finding the files of a source: what is below its path, in a fixed order, without what no one keeps by hand."""

from __future__ import annotations

import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

from auditor.errors import CollectError
from auditor.model import GapReason

_MACHINE_MADE = frozenset({"node_modules", "__pycache__", "venv", "site-packages", "bower_components"})
# Hidden folders in which people do keep configuration.
_KEPT = frozenset(
    {".aws", ".github", ".config", ".deploy", ".docker", ".ebextensions", ".env", ".envs", ".k8s", ".kube"}
)
_KEPT_BELOW = frozenset({".envs", ".env", ".config"})


@dataclass(frozen=True, slots=True)
class File:
    """A file of the source. `name` is its path from the source's own, with slashes."""

    name: str
    path: Path
    size: int


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A file or folder that is there and cannot be opened."""

    name: str
    folder: bool


def root_of(folder: Path, path: str) -> Path:
    """Where a source starts. Raises CollectError where nothing is there, or it may not be opened."""
    root = folder / path
    try:
        root.stat()
        if root.is_dir():
            next(root.iterdir(), None)
    except PermissionError as error:
        raise CollectError(GapReason.ACCESS_DENIED, f"no permission to read {path}") from error
    except OSError as error:
        raise CollectError(GapReason.UNREACHABLE, f"no such file or folder: {path}") from error
    return root


def files(root: Path, include: Sequence[str], exclude: Sequence[str]) -> Iterator[File | Unreadable]:
    """Every regular file below `root`, sorted by name; links are followed, each real folder is entered once."""
    if not root.is_dir():
        yield File(root.name, root, root.stat().st_size)
        return
    for found in _below(root, PurePosixPath(), root.resolve(), set()):
        folder = isinstance(found, Unreadable) and found.folder
        if folder or ((not include or _listed(found.name, include)) and not _listed(found.name, exclude)):
            yield found


def _below(folder: Path, name: PurePosixPath, root: Path, linked: set[Path]) -> Iterator[File | Unreadable]:
    try:
        entries = sorted(folder.iterdir())
    except OSError:
        yield Unreadable(str(name), folder=True)
        return
    for path in entries:
        below = name / path.name
        try:
            status = path.stat()
        except PermissionError:
            yield Unreadable(str(below), folder=False)
            continue
        except OSError:  # a link to nothing, or gone since
            continue
        if stat.S_ISREG(status.st_mode):
            yield File(str(below), path, status.st_size)
        elif stat.S_ISDIR(status.st_mode) and not _skipped(path.name, name) and _is_new(path, root, linked):
            yield from _below(path, below, root, linked)


def _is_new(folder: Path, root: Path, linked: set[Path]) -> bool:
    """Whether a folder is to be entered: not a link to what is read under its own name, nor a second link to it."""
    if not folder.is_symlink():
        return True
    target = folder.resolve()
    if target in linked or target == root or root in target.parents or target in root.parents:
        return False
    linked.add(target)
    return True


def _skipped(folder: str, parent: PurePosixPath) -> bool:
    if folder in _MACHINE_MADE:
        return True
    return folder.startswith(".") and folder not in _KEPT and not _KEPT_BELOW & set(parent.parts)


def _listed(name: str, globs: Sequence[str]) -> bool:
    """Whether a glob names the file: against its whole path, its name, or (with a trailing slash) a folder above it."""
    path = PurePosixPath(name)
    return any(
        fnmatchcase(name, glob.removeprefix("**/"))
        or fnmatchcase(name, glob)
        or ("/" not in glob and fnmatchcase(path.name, glob))
        or (glob.endswith("/") and any(fnmatchcase(f"{part}/", glob) for part in (*path.parents, *path.parts[:-1])))
        for glob in globs
    )
