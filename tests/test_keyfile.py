"""The key of the installation."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from auditor.errors import ConfigError
from auditor.keyfile import FILE, fingerprint_key

if TYPE_CHECKING:
    from pathlib import Path


def test_a_key_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    """The second run uses the first one's key; nobody else may read the file; no draft is left behind."""
    first = fingerprint_key(tmp_path, {})
    assert len(first) == 64
    assert fingerprint_key(tmp_path, {}) == first
    assert stat.S_IMODE((tmp_path / FILE).stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == [FILE]


def test_all_that_start_at_once_agree_on_one_key(tmp_path: Path) -> None:
    """Eight first runs side by side: one key."""
    with ThreadPoolExecutor(8) as pool:
        keys = list(pool.map(lambda _: fingerprint_key(tmp_path, {}), range(8)))
    assert len(set(keys)) == 1


def test_the_variable_wins_and_makes_no_file(tmp_path: Path) -> None:
    """Machines that share a store share the key by AUDITOR_KEY."""
    assert fingerprint_key(tmp_path, {"AUDITOR_KEY": "a long shared text"}) == b"a long shared text"
    assert list(tmp_path.iterdir()) == []


def test_a_short_key_is_refused_and_not_shown(tmp_path: Path) -> None:
    """From the variable and from the file alike."""
    with pytest.raises(
        ConfigError, match="AUDITOR_KEY: the key for fingerprints of secrets is shorter than 16"
    ) as caught:
        fingerprint_key(tmp_path, {"AUDITOR_KEY": "canary"})
    assert "canary" not in str(caught.value)
    (tmp_path / FILE).write_text("short\n")
    with pytest.raises(ConfigError, match=r"\.auditor-key: the key"):
        fingerprint_key(tmp_path, {})


def test_a_folder_that_cannot_hold_the_key_says_what_to_do(tmp_path: Path) -> None:
    """A container with a read-only folder needs the variable."""
    with pytest.raises(ConfigError, match="make the folder writable, or set AUDITOR_KEY"):
        fingerprint_key(tmp_path / "missing", {})
