"""Who of several copies leads. On PostgreSQL an advisory lock of a session that ends with its owner; beside SQLite a file lock.

`hold` answers for one moment. On PostgreSQL the server drops the session of an owner that is silent (paused, cut off,
its machine gone) after `SILENCE`, and only then can another copy get the lock. An owner may rely on an answer for
`valid_for`, which is shorter, counted from before it asked; and a new owner waits for as long, counted from when it got
the lock, before it acts: an earlier one whose session was ended from outside may not have noticed until then.
"""

from __future__ import annotations

import fcntl
import json
import os
import select
import socket
import time
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from sqlalchemy import URL

from auditor.errors import StoreError

if TYPE_CHECKING:
    import psycopg
    from psycopg.pq.abc import PGconn, PGresult

SILENCE = timedelta(seconds=2)
VALID_FOR = timedelta(seconds=1.8)
_ANSWER_SECONDS = 1.2
_CONNECT_SECONDS = 2
# The server forgets us: at once when our process ends, else when it has heard nothing for a while. Those that a server
# of an older version does not know are left out.
_SESSION = {
    "idle_session_timeout": f"{SILENCE.total_seconds() * 1000:.0f}ms",
    "statement_timeout": "1s",
    "tcp_keepalives_count": "1",
    "tcp_keepalives_idle": "1",
    "tcp_keepalives_interval": "1",
    "tcp_user_timeout": f"{SILENCE.total_seconds() * 1000:.0f}ms",
}
_SET = """
    SELECT set_config(name, wanted, false)
      FROM json_each_text($1::json) AS w(wanted_name, wanted) JOIN pg_settings ON name = wanted_name
"""
_CLIENT = {
    "connect_timeout": str(_CONNECT_SECONDS),
    "keepalives": "1",
    "keepalives_idle": "1",
    "keepalives_interval": "1",
    "keepalives_count": "2",
    "tcp_user_timeout": "2000",
}
# Two installations may share a database, each in a schema of its own.
_KEY = "hashtextextended('parity-auditor/' || current_schema() || '/' || $1::text, 0)"
_TRY = f"SELECT pg_try_advisory_lock({_KEY}), pg_backend_pid()"
# A connection pooler may hand the session to somebody else between two statements: then the lock is not ours.
_CHECK = "SELECT pg_backend_pid()"
_HOLDER = f"""
    SELECT a.application_name
      FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
     WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
       AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
       AND (l.classid::bigint << 32) | l.objid::bigint = {_KEY}
"""


class Leadership(Protocol):
    """One copy's claim to lead. Used by one thread at a time.

    alone      a copy that does not lead has no business here: the database is of one service only
    valid_for  how long an answer of `hold` may be relied on, counted from when it was asked; None: until the next
    """

    @property
    def alone(self) -> bool: ...

    @property
    def valid_for(self) -> timedelta | None: ...

    def hold(self) -> bool:
        """Take the lead where it is free, or confirm that it is still ours. Raises StoreError when that cannot be told;
        it is not ours then, until it is taken anew."""
        ...

    def holder(self) -> str | None:
        """Which copy leads, as `host:pid`, when that was last seen; None where nobody does or it is not known."""
        ...

    def release(self) -> None:
        """Give the lead up, if it is ours. Never raises."""
        ...


def leadership(url: URL, described: str, name: str) -> Leadership:
    """The claim `name` in the database at `url`, which messages call `described`."""
    if url.get_backend_name() == "sqlite":
        return FileLeadership(Path(f"{url.database}.lock"), described)
    return SessionLeadership(url, described, name)


def copy_name() -> str:
    """What this copy is called by others."""
    return f"{socket.gethostname()}:{os.getpid()}"


class FileLeadership:
    """An exclusive lock on a file beside the database. The kernel lets go of it when the process ends, however it does."""

    alone = True
    valid_for = None

    def __init__(self, path: Path, described: str) -> None:
        self._path = path
        self._described = described
        self._file: int | None = None

    def hold(self) -> bool:
        try:
            if self._file is not None and self._is_in_place(self._file):
                return True
            self.release()
            return self._take()
        except OSError as error:
            self.release()
            message = f"{error.strerror or error}; the folder must be writable"
            raise StoreError(
                f"store: {self._described}: its lock {self._path.name} cannot be used: {message}"
            ) from error

    def holder(self) -> str | None:
        try:
            told = json.loads(self._path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return str(told.get("holder")) if isinstance(told, dict) and told.get("holder") else None

    def release(self) -> None:
        # The file stays: another process may have it open to wait for it, and would then lock a file nobody finds.
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _take(self) -> bool:
        file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(file)
            return False
        except BaseException:
            os.close(file)
            raise
        self._file = file
        os.ftruncate(file, 0)
        os.pwrite(file, json.dumps({"holder": copy_name()}).encode(), 0)
        return self._is_in_place(file)

    def _is_in_place(self, file: int) -> bool:
        """Whether the locked file is still the one that others would try to lock."""
        try:
            there = self._path.stat()
        except FileNotFoundError:
            return False
        ours = os.fstat(file)
        return (there.st_dev, there.st_ino) == (ours.st_dev, ours.st_ino)


class SessionLeadership:
    """An advisory lock of one session of PostgreSQL (a connection of its own, not through a pooler of transactions)."""

    alone = False
    valid_for = VALID_FOR

    def __init__(self, url: URL, described: str, name: str) -> None:
        self._url = url
        self._described = described
        self._name = name
        self._connection: psycopg.Connection | None = None
        self._backend: str | None = None
        self._holder: str | None = None

    def hold(self) -> bool:
        import psycopg

        try:
            if self._connection is None:
                self._connection = self._connect()
            return self._hold(self._connection)
        except (psycopg.Error, OSError) as error:
            self._drop()
            cause = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
            raise StoreError(f"store: {self._described}: who leads cannot be told: {cause}") from error

    def holder(self) -> str | None:
        return self._holder

    def release(self) -> None:
        # The end of a session frees its locks, also where nothing can be asked of it any more.
        self._drop()

    def _hold(self, connection: psycopg.Connection) -> bool:
        import psycopg

        if self._backend is not None:
            ((backend,),) = self._ask(connection, _CHECK)
            if backend != self._backend:
                raise psycopg.OperationalError("the session was exchanged for another one; connect without a pooler")
            return True
        ((taken, backend),) = self._ask(connection, _TRY, self._name)
        if taken == "t":
            self._backend, self._holder = backend, copy_name()
            return True
        found = self._ask(connection, _HOLDER, self._name)
        self._holder = (found[0][0] or "another copy") if found else None
        return False

    def _connect(self) -> psycopg.Connection:
        import psycopg

        _, options = self._url.get_dialect()().create_connect_args(self._url)
        connection = psycopg.connect(**{**options, **_CLIENT}, autocommit=True)
        try:
            settings = {**_SESSION, "application_name": copy_name()[:63]}
            self._ask(connection, _SET, json.dumps(settings))
        except BaseException:
            connection.close()
            raise
        return connection

    def _ask(self, connection: psycopg.Connection, statement: str, *parameters: str) -> list[tuple[str | None, ...]]:
        """Rows as text. A server that is there and does not answer is given up on: its own timeout does not help then."""
        import psycopg

        session = connection.pgconn
        deadline = time.monotonic() + _ANSWER_SECONDS
        session.nonblocking = 1
        session.send_query_params(statement.encode(), [parameter.encode() for parameter in parameters])
        results = []
        while (result := _next_result(session, deadline)) is not None:
            results.append(result)
        if len(results) != 1 or results[0].status != psycopg.pq.ExecStatus.TUPLES_OK:
            reason = results[0].error_message.decode(errors="replace").strip() if results else "no result"
            raise psycopg.OperationalError(reason)
        rows, columns = range(results[0].ntuples), range(results[0].nfields)
        return [tuple(_text(results[0].get_value(row, column)) for column in columns) for row in rows]

    def _drop(self) -> None:
        connection, self._connection, self._backend, self._holder = self._connection, None, None, None
        if connection is not None:
            connection.close()


def _next_result(session: PGconn, deadline: float) -> PGresult | None:
    """The next result of what was sent; None after the last one. Raises OperationalError at the deadline."""
    import psycopg

    while (unsent := session.flush()) or session.is_busy():
        left = deadline - time.monotonic()
        if left <= 0:
            raise psycopg.OperationalError(f"no answer within {_ANSWER_SECONDS:g} s")
        # Not `select`, which knows the first thousand files of a process only.
        waiting = select.poll()
        waiting.register(session.socket, select.POLLIN | (select.POLLOUT if unsent else 0))
        if any(events & ~select.POLLOUT for _, events in waiting.poll(left * 1000)):
            session.consume_input()
    return session.get_result()


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode(errors="replace")
