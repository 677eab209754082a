"""Whether the store can be worked with: read all the time, and written now and then."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from auditor.daemon.probe import WRITING_SECONDS, Probe
from auditor.store import Store, schema
from tests.daemon.served import FINDING, Serve, company
from tests.daemon.waiting import eventually

_READY = {"store": (True, "it answers"), "migrations": (True, "its tables are of this version")}
_MANUAL = """\
environments:
  staging: {sources: [{collector: files, path: staging}]}
  prod: {sources: [{collector: files, path: prod}]}
pairs:
  - {left: staging, right: prod}
serve: {port: 0, drain: 10s}
"""


class Watch:
    """A clock that the test sets."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "auditor.db"


@pytest.fixture
def store(file: Path) -> Iterator[Store]:
    with Store.open(f"sqlite:///{file}") as opened:
        yield opened


def full(file: Path) -> None:
    """From now on every attempt to remember something ends as on a disk that has no room; reading goes on."""
    with closing(sqlite3.connect(file)) as connection:
        connection.execute(
            "CREATE TRIGGER no_room BEFORE INSERT ON memory BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END"
        )


def room_again(file: Path) -> None:
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("DROP TRIGGER no_room")


def seen(probe: Probe) -> dict[str, tuple[bool, str]]:
    return {name: (check.ok, check.detail) for name, check in probe.checks.items()}


def test_a_store_that_cannot_be_written_is_not_usable_although_it_can_be_read(store: Store, file: Path) -> None:
    """Found at the next try to write, and gone with the first write that succeeds."""
    watch = Watch()
    probe = Probe(store.check, store.check_writing, clock=watch)
    probe.ask()
    probe.ask_writing()
    assert (seen(probe), probe.usable) == (_READY, True)

    full(file)
    watch.now += WRITING_SECONDS - 1
    probe.ask()
    probe.ask_writing()
    assert probe.usable, "writing is tried now and then only"
    watch.now += 1
    probe.ask()
    probe.ask_writing()
    problem = (
        f"the store cannot be written: store: sqlite:///{file}: database or disk is full; see that the disk works and"
        " has room, and that the file may grow"
    )
    assert (seen(probe), probe.usable) == ({**_READY, "store": (False, problem)}, False)

    room_again(file)
    probe.ask_writing()
    assert (seen(probe), probe.usable) == (_READY, True)


def test_a_store_that_cannot_be_read_is_not_written(store: Store, file: Path) -> None:
    """What is wrong then is told by reading, and once."""
    watch = Watch()
    probe = Probe(store.check, store.check_writing, clock=watch)
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute(f"UPDATE {schema.VERSION_TABLE} SET version_num = '9999'")
    probe.ask()
    probe.ask_writing()
    assert store.recall("store:written") is None
    assert [name for name, (ok, _) in seen(probe).items() if not ok] == ["migrations"]


def test_a_service_whose_store_is_full_is_not_ready_and_says_why(serve: Serve, tmp_path: Path) -> None:
    """Within seconds of its start, in its answers, its metrics and its log; and it is ready again when there is room."""
    folder = company(tmp_path, _MANUAL)
    with Store.open(f"sqlite:///{folder / 'auditor.db'}"):
        full(folder / "auditor.db")
    served = serve(folder)
    eventually(lambda: served.get("/readyz").status_code == 503)
    check = served.get("/readyz").json()["checks"]["store"]
    assert check["detail"].startswith("the store cannot be written: store: sqlite:///")
    assert "database or disk is full" in check["detail"]
    assert served.metric("parity_store_up") == 0
    assert "database or disk is full" in served.said("The store cannot be written")["error"]

    room_again(folder / "auditor.db")
    eventually(lambda: served.get("/readyz").status_code == 200)
    assert served.metric("parity_store_up") == 1
    served.said("The store can be written again.")


def test_a_service_whose_file_is_taken_away_is_not_ready_until_it_is_back(serve: Serve, tmp_path: Path) -> None:
    """Its findings are not shown any more, none is lost on a file that nobody finds, and no empty store takes its place."""
    folder = company(tmp_path)
    served = serve(folder)
    eventually(lambda: served.metric("parity_findings", **FINDING) == 1)
    elsewhere = folder / "elsewhere"
    elsewhere.mkdir()
    taken = [one for one in folder.glob("auditor.db*") if one.suffix != ".lock"]
    for one in taken:
        one.rename(elsewhere / one.name)
    eventually(lambda: served.get("/readyz").status_code == 503)
    detail = served.get("/readyz").json()["checks"]["store"]["detail"]
    assert detail.endswith(
        "the file is not there any more, so nothing can be kept; put it back, or restart to begin with an empty one"
    )
    assert (served.metric("parity_store_up"), served.metric("parity_findings", **FINDING)) == (0, None)
    assert not (folder / "auditor.db").exists()

    for one in taken:
        (elsewhere / one.name).rename(one)
    eventually(lambda: served.get("/readyz").status_code == 200)
    eventually(lambda: served.metric("parity_findings", **FINDING) == 1)
    assert served.metric("parity_store_up") == 1
