"""Databases as older versions of the program left them."""

from __future__ import annotations

from alembic import command
from sqlalchemy import create_engine, insert, inspect, select

from auditor.store import Store, schema
from auditor.store.database import Database, parse
from auditor.store.tables import Base


def make(url: str, version: str) -> None:
    """The tables of `version`, empty, in the empty database at `url`."""
    database = Database(parse(url))
    try:
        if database.sqlite:
            database.prepare_file()
        with database.migrating() as connection:
            config = schema.alembic_config()
            config.attributes["connection"] = connection
            command.upgrade(config, version)
    finally:
        database.close()


def copy(store: Store, url: str) -> None:
    """Put what `store` holds into the empty tables of an older version at `url`, in the columns that these have."""
    engine = create_engine(parse(url))
    known = inspect(engine)
    with store._database.reading() as session, engine.begin() as connection:
        for table in Base.metadata.sorted_tables:
            if not known.has_table(table.name):
                continue
            there = {column["name"] for column in known.get_columns(table.name)}
            # The database numbers events and notices itself, so that its own count goes on from the last one.
            own = {"events": "id", "notices": "sequence"}.get(table.name)
            columns = [column for column in table.columns if column.name in there and column.name != own]
            rows = [dict(row) for row in session.execute(select(*columns)).mappings()]
            if rows:
                connection.execute(insert(table), rows)
    engine.dispose()
