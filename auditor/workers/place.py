"""Where the queue of the workers is: a schema of its own in the store's database, made by `audit db upgrade`.

What it holds outlives no audit, so tables of another version are dropped and made anew.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from importlib import resources
from typing import TYPE_CHECKING, Any, LiteralString, cast

from auditor.errors import StoreError

if TYPE_CHECKING:
    import psycopg

# Of our own tables; that of the engine's is told by their text.
_VERSION = "1"
_CONNECT_SECONDS = 10
_SILENCE_MS = 30_000
# The same lock as for the tables of the store.
_SCHEMA_LOCK = 5_209_116_002


@dataclass(frozen=True, slots=True)
class Place:
    """How to connect (keywords of psycopg), in which schema, and what to call it in messages."""

    arguments: Mapping[str, Any] = field(repr=False)
    schema: str
    name: str


def place_of(store: str) -> Place:
    """The place beside the tables of the store at this URL. Raises StoreError where it is not PostgreSQL or not there."""
    from auditor.store.database import describe, parse

    url = parse(store)
    if url.get_backend_name() == "sqlite":
        raise StoreError(
            f"store: {describe(url)}: workers need a PostgreSQL store, which they all reach; let `store` name one, "
            "such as postgresql://user@host/database"
        )
    arguments: dict[str, Any] = {"connect_timeout": _CONNECT_SECONDS, "tcp_user_timeout": _SILENCE_MS}
    arguments |= dict(url.get_dialect()().create_connect_args(url)[1])
    name = describe(url)
    with _told(name), _connection(arguments) as connection:
        row = connection.execute("SELECT current_schema()").fetchone()
    if row is None or row[0] is None:
        raise StoreError(f"store: {name}: its search_path names no schema that exists; create it, or name another one")
    schema = f"{row[0]}_workers"
    # Said last, so it holds over what the URL says.
    arguments["options"] = f"{arguments.get('options', '')} -csearch_path={schema}".strip()
    return Place(arguments, schema, name)


@contextmanager
def connected(place: Place) -> Iterator[psycopg.Connection]:
    """A connection of one's own, each statement its own transaction. Raises StoreError for whatever goes wrong with it."""
    with _told(place.name), _connection(place.arguments) as connection:
        yield connection


def upgrade(place: Place) -> bool:
    """Make the tables, or make those of another version anew. False where there was nothing to do."""
    from psycopg import sql

    schema = sql.Identifier(place.schema)
    with connected(place) as connection, connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (_SCHEMA_LOCK,))
        if _found(connection) == wanted():
            return False
        connection.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(schema))
        connection.execute(sql.SQL("CREATE SCHEMA {}").format(schema))
        # Without parameters a percent sign stands for itself.
        connection.execute(sql.SQL(_engine_tables()))
        connection.execute(sql.SQL(_our_tables()))
        connection.execute("INSERT INTO collect_version VALUES (%s)", (wanted(),))
    return True


def check(place: Place) -> None:
    """Raises StoreError unless the tables are there and of this program's version."""
    with connected(place) as connection:
        found = _found(connection)
    if found != wanted():
        what = (
            "there are no tables for workers yet" if found is None else "the tables for workers are another version's"
        )
        raise StoreError(f"store: {place.name}: {what}; run `audit db upgrade` with this configuration")


def wanted() -> str:
    """The version that this program needs."""
    return f"{_VERSION}-{sha256((_engine_tables() + _our_tables()).encode()).hexdigest()[:12]}"


def _found(connection: psycopg.Connection) -> str | None:
    if connection.execute("SELECT to_regclass('collect_version')").fetchone() == (None,):
        return None
    row = connection.execute("SELECT version FROM collect_version").fetchone()
    return None if row is None else str(row[0])


def _engine_tables() -> LiteralString:
    from procrastinate.schema import SchemaManager

    return SchemaManager.get_schema()


def _our_tables() -> LiteralString:
    text: Any = (resources.files("auditor.workers") / "schema.sql").read_text(encoding="utf-8")
    # A file of ours: as good as if it stood here.
    return cast("LiteralString", text)


@contextmanager
def _connection(arguments: Mapping[str, Any]) -> Iterator[psycopg.Connection]:
    import psycopg

    with psycopg.connect(**arguments, autocommit=True) as connection:
        yield connection


@contextmanager
def _told(name: str) -> Iterator[None]:
    import psycopg

    try:
        yield
    except psycopg.errors.InsufficientPrivilege as error:
        message = str(error).strip().splitlines()[0]
        raise StoreError(
            f"store: {name}: {message}; let its owner run: GRANT CREATE ON DATABASE … TO the user of `store`"
        ) from error
    except psycopg.Error as error:
        cause = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise StoreError(f"store: {name}: {cause}") from error
