"""The fingerprint key: where it comes from, how it is made, and what is refused."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from auditor.errors import ConfigError
from auditor.key import load_key

if TYPE_CHECKING:
    from pathlib import Path


def test_a_key_is_made_once_and_readable_by_its_owner_only(tmp_path: Path) -> None:
    """The second call answers the first one's key, and no draft is left behind."""
    key = load_key(tmp_path, {})
    assert load_key(tmp_path, {}) == key
    assert len(key) == 64
    assert [path.name for path in tmp_path.iterdir()] == [".auditor-key"]
    assert stat.S_IMODE((tmp_path / ".auditor-key").stat().st_mode) == 0o600


def test_processes_that_start_together_agree_on_one_key(tmp_path: Path) -> None:
    """Whoever links first wins; the others read what it wrote."""
    with ThreadPoolExecutor(8) as pool:
        keys = set(pool.map(lambda _: load_key(tmp_path, {}), range(16)))
    assert len(keys) == 1


def test_the_environment_variable_comes_first(tmp_path: Path) -> None:
    """Nothing is written where the key is given."""
    assert load_key(tmp_path, {"AUDITOR_KEY": "k" * 32}) == b"k" * 32
    assert list(tmp_path.iterdir()) == []


def test_another_file_may_keep_the_key(tmp_path: Path) -> None:
    """Where the configuration's folder cannot be written, AUDITOR_KEY_FILE names a place that can."""
    elsewhere = tmp_path / "state" / "key"
    elsewhere.parent.mkdir()
    key = load_key(tmp_path, {"AUDITOR_KEY_FILE": str(elsewhere)})
    assert elsewhere.read_text().strip().encode() == key
    assert load_key(tmp_path, {"AUDITOR_KEY_FILE": str(elsewhere)}) == key
    assert not (tmp_path / ".auditor-key").exists()


def test_a_short_key_is_refused_without_being_shown(tmp_path: Path) -> None:
    """The message counts the characters; it does not repeat them."""
    with pytest.raises(ConfigError) as caught:
        load_key(tmp_path, {"AUDITOR_KEY": "tooshort"})
    assert "has 8 characters" in str(caught.value)
    assert "tooshort" not in str(caught.value)


def test_a_key_that_others_may_read_is_refused_with_the_command_that_mends_it(tmp_path: Path) -> None:
    """The mode is told, and `chmod 600` with the path."""
    load_key(tmp_path, {})
    path = tmp_path / ".auditor-key"
    path.chmod(0o644)
    with pytest.raises(ConfigError) as caught:
        load_key(tmp_path, {})
    assert "mode 0644" in str(caught.value)
    assert f"chmod 600 {path}" in str(caught.value)


def test_an_empty_key_file_is_refused(tmp_path: Path) -> None:
    """A file that a crashed copy left empty would make every fingerprint guessable."""
    path = tmp_path / ".auditor-key"
    path.touch(mode=0o600)
    with pytest.raises(ConfigError, match="has 0 characters"):
        load_key(tmp_path, {})


def test_a_folder_that_does_not_exist_is_one_clear_message(tmp_path: Path) -> None:
    """The remedy names the variable that needs no file."""
    with pytest.raises(ConfigError, match="AUDITOR_KEY"):
        load_key(tmp_path / "absent", {})
