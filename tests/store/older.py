"""Databases as older versions of the program left them."""

from __future__ import annotations

from alembic import command

from auditor.store import schema
from auditor.store.database import Database, parse


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
