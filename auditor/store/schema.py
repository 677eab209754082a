"""Which version of the tables a database has, and bringing it up to date. Alembic is loaded only for the latter."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING

from sqlalchemy import Connection, inspect, text

from auditor.errors import StoreError
from auditor.store.database import Database, parse
from auditor.store.errors import SchemaError

if TYPE_CHECKING:
    from alembic.config import Config

# The last migration in `migrations/versions/`.
HEAD = "0006"
VERSION_TABLE = "parity_auditor_schema"
# Alembic keeps the migration that is running in module globals: two at once in one process would mix.
_ALEMBIC = threading.Lock()


@dataclass(frozen=True, slots=True)
class Upgrade:
    """What an upgrade did: the versions before (None: no tables yet) and after. Equal when there was nothing to do."""

    before: str | None
    after: str


def current(url: str) -> str | None:
    """The version of the tables in the database at `url`, None where there are none. Raises StoreError."""
    database = Database(parse(url))
    try:
        with database.reading() as session:
            return _version(session.connection())
    finally:
        database.close()


def upgrade(url: str) -> Upgrade:
    """Bring the database at `url` to the version of this program; a new SQLite file is made. Raises StoreError."""
    database = Database(parse(url))
    try:
        return _upgrade(database)
    finally:
        database.close()


def ensure(database: Database) -> None:
    """Make the tables of a new SQLite file; refuse any database whose tables are not of this program's version."""
    version = _examine(database)
    if version == HEAD:
        return
    if version is None and database.sqlite:
        _upgrade(database)
        return
    if version is None:
        raise SchemaError(f"store: {database.name}: it has no tables of ours yet; make them with `audit db upgrade`")
    raise SchemaError(
        f"store: {database.name}: its tables are of version {version} and this program needs {HEAD}; "
        "back it up, then run `audit db upgrade`"
    )


def check(database: Database) -> None:
    """Raises StoreError unless the database answers, SchemaError unless its tables are of this program's version."""
    with database.reading() as session:
        version = session.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar()
    if version != HEAD:
        raise SchemaError(f"store: {database.name}: its tables are of version {version} now; this program needs {HEAD}")


def alembic_config() -> Config:
    """Alembic's settings, without an ini file: the migrations are part of the package."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", "auditor.store:migrations")
    return config


def _upgrade(database: Database) -> Upgrade:
    if _examine(database) is None and database.sqlite:
        database.prepare_file()
    with database.migrating() as connection:
        # Read again: another process may have been faster.
        before = _version(connection)
        if before is None and database.sqlite:
            _lay_out(connection)
        if _version(connection) != HEAD:
            config = alembic_config()
            config.attributes["connection"] = connection
            _migrate(config)
    return Upgrade(before, HEAD)


def _migrate(config: Config) -> None:
    from alembic import command

    with _ALEMBIC:
        command.upgrade(config, "head")


def _lay_out(connection: Connection) -> None:
    """Make the tables of a new SQLite file at once: running every migration on nothing takes five times as long."""
    for statement in (resources.files("auditor.store.migrations") / "sqlite.sql").read_text("utf-8").split(";\n\n"):
        connection.exec_driver_sql(statement)


def _examine(database: Database) -> str | None:
    """The version of the tables. Refuses tables of a newer program, and a file full of somebody else's."""
    with database.reading() as session:
        version = _version(session.connection())
        others = inspect(session.connection()).get_table_names() if version is None else []
    if database.sqlite and others:
        raise StoreError(f"store: {database.name}: the file holds another program's tables; name another file")
    if version not in (None, HEAD) and version not in _known():
        raise StoreError(
            f"store: {database.name}: its tables are of version {version}, which this program (version {HEAD}) does "
            "not know; a newer Parity Auditor wrote it: use that one, or another database"
        )
    return version


def _version(connection: Connection) -> str | None:
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    version = connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar()
    return None if version is None else str(version)


def _known() -> frozenset[str]:
    from alembic.script import ScriptDirectory

    return frozenset(script.revision for script in ScriptDirectory.from_config(alembic_config()).walk_revisions())
