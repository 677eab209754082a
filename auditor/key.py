"""The key that secrets are fingerprinted with. It belongs to one installation and never leaves it.

With the key, a weak secret could be guessed from its fingerprint; without it, a fingerprint says nothing. Losing it
costs no more than the comparison of fingerprints across the loss.
"""

from __future__ import annotations

import os
import secrets
import stat
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from auditor.errors import ConfigError, Problem

if TYPE_CHECKING:
    from collections.abc import Mapping

VARIABLE = "AUDITOR_KEY"
FILE_VARIABLE = "AUDITOR_KEY_FILE"
FILE = ".auditor-key"
_MIN_LENGTH = 32
_BYTES = 32


def load_key(folder: Path, environ: Mapping[str, str]) -> bytes:
    """The key from AUDITOR_KEY, else from the file that AUDITOR_KEY_FILE names, else from `.auditor-key` in `folder`.

    A file that is not there is made at first use (mode 0600). Raises ConfigError when the key is too short, may be read by others, or cannot be made.
    """
    given = environ.get(VARIABLE)
    if given is not None:
        return _checked(given.strip(), VARIABLE, f"set {VARIABLE} to at least {_MIN_LENGTH} random characters")
    path = Path(environ[FILE_VARIABLE]) if environ.get(FILE_VARIABLE) else folder / FILE
    try:
        if not path.exists():
            _create(path)
        return _read(path)
    except OSError as error:
        message = f"the fingerprint key cannot be read or made: {error.strerror or error}"
        raise _problem(
            str(path), message, f"make its folder writable, let {FILE_VARIABLE} name another file, or set {VARIABLE}"
        ) from error


def _read(path: Path) -> bytes:
    mode = stat.S_IMODE(path.stat().st_mode)
    if os.name == "posix" and mode & 0o077:
        message = f"others may read the fingerprint key (mode {mode:04o})"
        raise _problem(str(path), message, f"run: chmod 600 {path}")
    remedy = "remove the file: a new key is made, and fingerprints stored before no longer compare"
    return _checked(path.read_text(encoding="ascii", errors="replace").strip(), str(path), remedy)


def _create(path: Path) -> None:
    """Written whole under another name first, then linked: nobody sees half a key, and of two processes one wins."""
    handle, name = tempfile.mkstemp(prefix=f"{FILE}-", dir=path.parent)
    draft = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(secrets.token_hex(_BYTES) + "\n")
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)
    except FileExistsError:
        return
    finally:
        draft.unlink()


def _checked(text: str, where: str, remedy: str) -> bytes:
    if len(text) < _MIN_LENGTH:
        message = f"the fingerprint key has {len(text)} characters, but needs at least {_MIN_LENGTH}"
        raise _problem(where, message, remedy)
    return text.encode()


def _problem(where: str, message: str, remedy: str) -> ConfigError:
    return ConfigError([Problem(where, None, None, "", message, remedy)])
