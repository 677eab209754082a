"""How far migration tools have brought a database, read from the table that each of them keeps.

Only names and numbers of migrations are read, in the order in which they were applied.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from auditor.errors import CollectError
from auditor.model import GapReason

Row = Sequence[Any]
MOST = 20_000
"""Migrations that are read of one table."""


@dataclass(frozen=True, slots=True)
class Found:
    """A table with the name of a migration tool's, and its columns in lower case."""

    schema: str
    table: str
    columns: frozenset[str]
    readable: bool = True


@dataclass(frozen=True, slots=True)
class Tool:
    """`needs` are the columns that tell its table from another's of the same name; `asks` those that are read, each with
    whether it may be missing; `order` is how its rows are sorted."""

    name: str
    table: str
    needs: frozenset[str]
    asks: tuple[str, ...]
    order: tuple[str, ...]
    told: Callable[[Sequence[Row]], dict[str, Any]]


class Reader(Protocol):
    """One database, as far as this module asks it."""

    def rows(self, statement: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]: ...

    def quoted(self, *names: str) -> str: ...


def _head(names: Sequence[Any]) -> str | None:
    return str(names[-1]) if names else None


def _versions(rows: Sequence[Row]) -> dict[str, Any]:
    """A row for each migration, told apart by a number or a time."""
    names = sorted({str(row[0]) for row in rows}, key=lambda name: (not name.isdigit(), len(name), name))
    numbers = [name for name in names if name.isdigit()] or names
    return {"head": _head(numbers), "applied": len(names), "failed": False}


def _in_order(rows: Sequence[Row]) -> dict[str, Any]:
    names = list(dict.fromkeys(str(row[0]) for row in rows))
    return {"head": _head(names), "applied": len(names), "failed": False}


def _alembic(rows: Sequence[Row]) -> dict[str, Any]:
    return {"head": sorted(str(row[0]) for row in rows), "failed": False}


def _django(rows: Sequence[Row]) -> dict[str, Any]:
    heads = {str(app): str(name) for app, name in rows}
    return {
        "head": [f"{app}.{name}" for app, name in sorted(heads.items())],
        "applied": len({(app, name) for app, name in rows}),
        "failed": False,
    }


def _flyway(rows: Sequence[Row]) -> dict[str, Any]:
    done = [row for row in rows if row[1] and str(row[3]).upper() not in ("SCHEMA", "DELETE")]
    versions = [row[0] for row in done if row[0] is not None]
    return {
        "head": _head(versions),
        "applied": len({row[0] if row[0] is not None else f"repeatable {row[2]}" for row in done}),
        "failed": any(not row[1] for row in rows),
    }


def _prisma(rows: Sequence[Row]) -> dict[str, Any]:
    done = [row[0] for row in rows if row[1] is not None and row[2] is None]
    told = _in_order([[name] for name in done])
    return told | {"failed": any(row[1] is None and row[2] is None for row in rows)}


def _golang(rows: Sequence[Row]) -> dict[str, Any]:
    return {"head": _head([row[0] for row in rows]), "failed": any(_is_true(row[1]) for row in rows)}


def _goose(rows: Sequence[Row]) -> dict[str, Any]:
    state = {int(row[0]): _is_true(row[1]) for row in rows}
    done = sorted(version for version, applied in state.items() if applied and version > 0)
    return {"head": _head(done), "applied": len(done), "failed": False}


def _is_true(value: Any) -> bool:
    return value not in (None, False, 0, b"\x00", "0", "f", "")


def _tool(
    name: str,
    table: str,
    asks: str,
    told: Callable[[Sequence[Row]], dict[str, Any]] = _in_order,
    *,
    order: str = "",
    needs: str = "",
) -> Tool:
    wanted = tuple(asks.split())
    return Tool(name, table, frozenset((*wanted, *order.split(), *needs.split())), wanted, tuple(order.split()), told)


# Of two that fit one table, the first: the one that needs more columns.
TOOLS = (
    _tool("alembic", "alembic_version", "version_num", _alembic, order="version_num"),
    _tool("django", "django_migrations", "app name", _django, order="id"),
    _tool("flyway", "flyway_schema_history", "version success description type", _flyway, order="installed_rank"),
    _tool("flyway", "schema_version", "version success description type", _flyway, order="installed_rank"),
    _tool("liquibase", "databasechangelog", "id", order="orderexecuted", needs="author filename"),
    _tool("prisma", "_prisma_migrations", "migration_name finished_at rolled_back_at", _prisma, order="started_at"),
    _tool("golang-migrate", "schema_migrations", "version dirty", _golang, order="version"),
    _tool("ecto", "schema_migrations", "version", _versions, order="version", needs="inserted_at"),
    _tool("rails", "schema_migrations", "version", _versions, order="version"),
    _tool("goose", "goose_db_version", "version_id is_applied", _goose, order="id"),
    _tool("knex", "knex_migrations", "name", order="id", needs="batch"),
    _tool("laravel", "migrations", "migration", order="id", needs="batch"),
    _tool("typeorm", "migrations", "name", order="timestamp"),
    _tool("sequelize", "sequelizemeta", "name", order="name"),
)
TABLES = tuple(sorted({tool.table for tool in TOOLS}))


def tool_of(found: Found) -> Tool | None:
    """The tool that keeps this table; None where it is something else with the same name."""
    name = found.table.lower()
    return next((tool for tool in TOOLS if tool.table == name and tool.needs <= found.columns), None)


def read(found: Found, tool: Tool, reader: Reader) -> dict[str, Any]:
    """The attributes of one tool's table. Raises CollectError when it cannot be read whole."""
    columns = ", ".join(reader.quoted(column) for column in tool.asks)
    order = ", ".join(reader.quoted(column) for column in tool.order)
    place = reader.quoted(found.schema, found.table)
    rows = reader.rows(f"select {columns} from {place} order by {order} limit {MOST + 1}")
    if len(rows) > MOST:
        raise CollectError(GapReason.TRUNCATED, f"{found.table} holds more than {MOST} migrations")
    return {"tool": tool.name, **{key: value for key, value in tool.told(rows).items() if value is not None}}


def recorded(found: Sequence[Found]) -> Iterator[tuple[Found, Tool]]:
    """Those of the tables that a known tool keeps, in order."""
    for table in sorted(found, key=lambda each: (each.schema, each.table)):
        tool = tool_of(table)
        if tool is not None:
            yield table, tool


def is_book(table: str) -> bool:
    """Whether a table is a tool's own: what it looks like follows from the tool's version, not from the application."""
    return table.lower() in TABLES or re.fullmatch(r"(?i)databasechangeloglock|knex_migrations_lock", table) is not None
