"""Engines and transactions of the two supported databases, and their errors as ours.

A reading transaction sees one state of the database from beginning to end. A writing one holds back only `exclusive`
ones (pruning), and on SQLite other writers.
"""

from __future__ import annotations

import sqlite3
import time
import zlib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, func, make_url, select, text
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.orm import InstrumentedAttribute, Session

from auditor.errors import StoreError
from auditor.store.place import FilePlace

WAIT_SECONDS = 30
# A server that vanished without a word is given up after this: seconds to connect, milliseconds until it acknowledges.
_PATIENCE = {"connect_timeout": 10, "tcp_user_timeout": 30_000}
_IMMEDIATE = "auditor_immediate"
# Pages of an SQLite file that are given back in one transaction, and how long others get their turn after it.
_PAGES_AT_ONCE = 1000
_TURN_SECONDS = 0.02
# PostgreSQL advisory locks are numbers per database; these are ours, and the one by which a copy leads.
_CONTENT_LOCK = 5_209_116_001
_SCHEMA_LOCK = 5_209_116_002
_OUTBOX_LOCK = 5_209_116_003
# Locks of two numbers are others than those of one: what is locked, and which of it.
_SERIES_LOCK = 5_209_116


def parse(text_url: str) -> URL:
    """The URL with its driver. Raises StoreError for what is neither a SQLite file nor PostgreSQL."""
    try:
        url = make_url(text_url)
    except ArgumentError as error:
        raise StoreError(
            "store: not a database URL; write sqlite:///auditor.db or postgresql://user@host/database"
        ) from error
    if url.drivername in ("postgresql", "postgres", "postgresql+psycopg"):
        return url.set(drivername="postgresql+psycopg")
    if url.drivername not in ("sqlite", "sqlite+pysqlite"):
        raise StoreError(f"store: {url.drivername} is not supported; use sqlite:///FILE or postgresql://HOST/DATABASE")
    if not url.database or url.database == ":memory:" or url.database.startswith("file:"):
        raise StoreError("store: an SQLite store needs a file to remember anything; write sqlite:///auditor.db")
    return url


def describe(url: URL) -> str:
    """The URL as it may be shown: without its password."""
    shown = URL.create(url.get_backend_name(), url.username, None, url.host, url.port, url.database, url.query)
    return shown.render_as_string(hide_password=True)


class Database:
    """One engine and the transactions on it. Safe to share between threads; every failure comes out as StoreError."""

    def __init__(self, url: URL) -> None:
        self.url = url
        self.sqlite = url.get_backend_name() == "sqlite"
        self.name = describe(url)
        self._closed = False
        self._place = FilePlace(self._file(), self.name)
        self._engine = self._sqlite_engine() if self.sqlite else self._postgresql_engine()

    def close(self) -> None:
        self._closed = True
        self._engine.dispose()

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """Works after closing too: who holds a snapshot may still look at its documents. No connection stays open then."""
        options = {} if self.sqlite else {"isolation_level": "REPEATABLE READ"}
        try:
            with self._errors(), Session(self._engine) as session:
                session.connection(execution_options=options)
                yield session
        finally:
            if self._closed:
                self._engine.dispose()

    @contextmanager
    def writing(self, *, exclusive: bool = False) -> Iterator[Session]:
        """One transaction: committed as a whole at the end of the block, or not at all."""
        before = self._place.identity() if self.sqlite else None
        with self._errors(), Session(self._engine) as session, session.begin():
            session.connection(execution_options={_IMMEDIATE: True})
            if not self.sqlite:
                # A document found to be there already must not be pruned before what refers to it is committed.
                lock = "pg_advisory_xact_lock" if exclusive else "pg_advisory_xact_lock_shared"
                session.execute(text(f"SELECT {lock}(:key)"), {"key": _CONTENT_LOCK})
            yield session
        if self.sqlite and self._place.identity() != before:
            raise self._place.lost()

    @contextmanager
    def migrating(self) -> Iterator[Connection]:
        """One transaction for changes of the schema; a second process waits here until the first is done."""
        engine = self._engine.execution_options(**{_IMMEDIATE: True})
        with self._errors(), engine.begin() as connection:
            if not self.sqlite:
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _SCHEMA_LOCK})
            yield connection

    def prepare_file(self) -> None:
        """Settle what a new SQLite file keeps for good: readers beside a writer, and pages that can be given back."""
        with self._errors(), closing(sqlite3.connect(self._file(), timeout=WAIT_SECONDS)) as connection:
            connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
            _use_wal(connection)

    def give_back_space(self) -> None:
        """Shorten an SQLite file by the pages that are no longer used, as far as readers allow it now: a few at a time, and
        others get their turn in between."""
        if not self.sqlite:
            return
        with self._errors(), closing(sqlite3.connect(self._file(), timeout=WAIT_SECONDS)) as connection:
            unused = _unused_pages(connection)
            while unused:
                # Frees one page a step and gives no rows, so `execute` would stop after the first.
                connection.executescript(f"PRAGMA incremental_vacuum({_PAGES_AT_ONCE})")
                left = _unused_pages(connection)
                if left >= unused:
                    break
                unused = left
                time.sleep(_TURN_SECONDS)
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def _file(self) -> str:
        return str(self.url.database)

    def _postgresql_engine(self) -> Engine:
        # What the URL says itself goes before.
        patience = {name: value for name, value in _PATIENCE.items() if name not in self.url.query}
        return create_engine(self.url, pool_pre_ping=True, connect_args=patience)

    def _sqlite_engine(self) -> Engine:
        self._place.make()
        engine = create_engine(self.url, connect_args={"timeout": WAIT_SECONDS})
        self._place.watch(engine)
        event.listen(engine, "connect", _configure_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except (SQLAlchemyError, sqlite3.Error) as error:
            raise StoreError(f"store: {self.name}: {_cause(error)}") from error


def one_at_a_time(session: Session) -> None:
    """Wait until nobody else adds to the outbox, and keep others from it until the transaction ends.

    Rows are numbered when they are made and seen when they are committed: only so are these one order. On SQLite every
    transaction that writes is alone anyway."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _OUTBOX_LOCK})


def in_turn(session: Session, *series: str) -> None:
    """Wait until nobody else adds to the series of records with this name, and keep others from it until the end.

    So whoever was recorded last in it has seen all that came before: numbers given meanwhile are in the order in which
    the records can be seen. Two series may share a lock, so take one in a transaction, and before any other lock. On
    SQLite every transaction that writes is alone anyway."""
    if session.get_bind().dialect.name == "postgresql":
        which = zlib.crc32("\x00".join(series).encode()) - 2**31
        statement = text("SELECT pg_advisory_xact_lock(CAST(:what AS integer), CAST(:which AS integer))")
        session.execute(statement, {"what": _SERIES_LOCK, "which": which})


def next_number(session: Session, column: InstrumentedAttribute[int]) -> int:
    """Greater than all that `column` holds of the series that this transaction has to itself."""
    return (session.scalar(select(func.max(column))) or 0) + 1


def _configure_sqlite(connection: sqlite3.Connection, _record: Any) -> None:
    # Python's driver would begin transactions by itself, too late and never IMMEDIATE.
    connection.isolation_level = None
    connection.execute("PRAGMA foreign_keys = ON")
    # In WAL mode NORMAL may forget the last commits when the machine loses power; a recorded finding must stay.
    connection.execute("PRAGMA synchronous = FULL")


def _begin_sqlite(connection: Connection) -> None:
    # A writer that first reads could not wait for another writer any more: it has to say so when it begins.
    immediate = connection.get_execution_options().get(_IMMEDIATE)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")


def _unused_pages(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA freelist_count").fetchone()[0])


def _use_wal(connection: sqlite3.Connection) -> None:
    # The busy timeout does not cover the change of the journal mode, which two first users may try at once.
    for attempt in range(WAIT_SECONDS * 20):
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or attempt == WAIT_SECONDS * 20 - 1:
                raise
            time.sleep(0.05)
        else:
            return


def _cause(error: Exception) -> str:
    vendor = getattr(error, "orig", None) or error
    message = str(vendor).strip()
    if "database is locked" in message:
        return f"another process has been writing to it for {WAIT_SECONDS} seconds; try again when it is done"
    if "file is not a database" in message:
        return "the file is not an SQLite database; name another file"
    if "database disk image is malformed" in message:
        return f"{message}: the file is damaged; put a copy of it back, or move it away to begin anew"
    if "database or disk is full" in message or "disk I/O error" in message:
        return f"{message}; see that the disk works and has room, and that the file may grow"
    if "readonly database" in message or "unable to open database file" in message:
        return f"{message}; the file and its folder must be writable"
    return message
