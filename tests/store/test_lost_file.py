"""An SQLite store whose file is deleted, moved away or replaced under a process that has it open."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from auditor.errors import StoreError
from auditor.store import Store
from tests.store.samples import at, snapshot

_GONE = "the file is not there any more, so nothing can be kept; put it back, or restart to begin with an empty one"


@pytest.fixture
def file(url_of_file: str) -> Path:
    return Path(url_of_file.removeprefix("sqlite:///"))


@pytest.fixture
def url_of_file(sqlite_url: str, sqlite_file: Path) -> str:
    Path(sqlite_url.removeprefix("sqlite:///")).write_bytes(sqlite_file.read_bytes())
    return sqlite_url


def taken_away(file: Path) -> Path:
    """What an operator does who tidies up: all three files of the store are elsewhere."""
    elsewhere = file.parent / "elsewhere"
    elsewhere.mkdir()
    for one in file.parent.glob(f"{file.name}*"):
        one.rename(elsewhere / one.name)
    return elsewhere


def test_a_store_whose_file_is_gone_can_neither_be_read_nor_written_and_is_not_made_anew(url_of_file: str, file: Path):
    """The process still has the file open; what it recorded there would be gone with it, and an empty one is no peace."""
    with Store.open(url_of_file) as store:
        store.save_snapshot(snapshot("s0"))
        taken_away(file)
        for ask in (store.check, store.snapshots, lambda: store.save_snapshot(snapshot("s1", taken_at=at(1)))):
            with pytest.raises(StoreError) as caught:
                ask()
            assert str(caught.value) == f"store: {url_of_file}: {_GONE}"
        assert not file.exists()


def test_a_store_whose_file_was_put_back_goes_on(url_of_file: str, file: Path):
    with Store.open(url_of_file) as store:
        store.save_snapshot(snapshot("s0"))
        elsewhere = taken_away(file)
        with pytest.raises(StoreError):
            store.check()
        for one in elsewhere.iterdir():
            one.rename(file.parent / one.name)
        store.check()
        store.save_snapshot(snapshot("s1", taken_at=at(1)))
        assert [one.id for one in store.snapshots()] == ["s1", "s0"]


def test_a_store_whose_file_was_replaced_is_read_and_written_where_everybody_else_does(url_of_file: str, file: Path):
    """A backup that was put in its place is the store from then on."""
    backup = file.parent / "backup"
    with Store.open(url_of_file) as store:
        store.save_snapshot(snapshot("s0"))
        with closing(sqlite3.connect(file)) as there, closing(sqlite3.connect(backup)) as copy:
            there.backup(copy)
        store.save_snapshot(snapshot("s1", taken_at=at(1)))
        taken_away(file)
        backup.replace(file)
        assert [one.id for one in store.snapshots()] == ["s0"]
        store.save_snapshot(snapshot("s2", taken_at=at(2)))
    with Store.open(url_of_file) as again:
        assert [one.id for one in again.snapshots()] == ["s2", "s0"]


def test_what_is_written_while_the_file_is_taken_away_is_not_said_to_be_kept(url_of_file: str, file: Path):
    with (
        Store.open(url_of_file) as store,
        pytest.raises(
            StoreError, match="the file was taken away or replaced while it was written to; that is not kept"
        ),
        store._database.writing(),
    ):
        taken_away(file)


def test_a_path_that_a_url_would_read_otherwise_is_a_path(tmp_path: Path):
    """Percent signs and number signs are what they are: SQLite is told the file as a URI."""
    folder = tmp_path / "50% #1 ü"
    folder.mkdir()
    file = folder / "auditor.db"
    with Store.open(f"sqlite:///{file}") as store:
        store.save_snapshot(snapshot("s0"))
    assert sorted(one.name for one in folder.iterdir()) == ["auditor.db"]
    assert file.stat().st_mode & 0o777 == 0o600
