"""MySQL and MariaDB, by connecting read-only: version, settings, plugins, schema, users by their rights, migrations.

Reads `information_schema` and the servers' own tables of settings in read-only transactions. What a login may not see,
`information_schema` leaves out without a word, so what was granted is read first, and the rest is said to be unread.
No row of any table is read but those of migration tools.
https://dev.mysql.com/doc/refman/8.4/en/information-schema.html
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from pydantic import Field, SecretStr, field_validator

from auditor.collector import Context, Grant, Task
from auditor.errors import CollectError
from auditor.model import Category, Gap, GapReason, Kind, Resource
from collectors._databases.addresses import called_after
from collectors._databases.kinds import kinds_of
from collectors._databases.options import GRANTS, RelationalOptions
from collectors._databases.parts import Scope, run
from collectors._grants import asked_for
from collectors.data.place import MYSQL, Place, place_of

KINDS = kinds_of("mysql", "MySQL or MariaDB")
SERVER = Kind(
    name="mysql.server",
    category=Category.DATABASE,
    about="A MySQL or MariaDB server: version, edition, settings that differ from default or matter most, plugins",
    verbatim=("settings", "plugins"),
)
EVENT = Kind(
    name="mysql.event",
    category=Category.DATABASE,
    about="An event of MySQL or MariaDB: when it runs, whether it does, and a fingerprint of what it does",
)
_OBJECTS = (KINDS.table, KINDS.view, KINDS.routine, EVENT, KINDS.database, KINDS.role, KINDS.migrations)


class MySqlOptions(RelationalOptions):
    """The options of `collector: mysql`."""

    url: SecretStr = Field(
        description="mysql:// or mariadb://user:password@host/database, best as ${NAME}; without a database, all of them"
    )

    @property
    def place(self) -> Place:
        return place_of(self.url.get_secret_value())

    @field_validator("url")
    @classmethod
    def _is_mysql(cls, url: SecretStr) -> SecretStr:
        # Without the error's own words, which may quote the URL; `from None` keeps it out of the traceback, too.
        try:
            place = place_of(url.get_secret_value())
        except ValueError as error:
            raise ValueError(str(error)) from None
        if place.engine != MYSQL:
            raise ValueError("must begin with mysql:// or mariadb://")
        return url


class MySqlCollector:
    name = "mysql"
    about = "MySQL and MariaDB by connecting read-only: version, settings, plugins, schema, users and migrations"
    kinds = (SERVER, *_OBJECTS)
    options = MySqlOptions
    permissions = (
        "SELECT, SHOW VIEW, TRIGGER, EVENT, EXECUTE on the database (metadata is shown to whoever may use it)",
        "SELECT on mysql.* (for users, their rights and the bodies of routines)",
    )

    def grant(self, options: MySqlOptions, gaps: Sequence[Gap]) -> Grant | None:
        """The statements that gaps name, to be run on the server by somebody who may."""
        return asked_for(gaps, GRANTS, f"the login, on {options.place.host}", end=";")

    def label(self, options: MySqlOptions) -> str:
        place = options.place
        return f"mysql:{place.host}/{place.database}"

    def plan(self, options: MySqlOptions, context: Context) -> Iterable[Task]:
        source, place = self.label(options), options.place
        called = place.database or place.host
        yield Task(
            source=source, kinds=(SERVER.name,), run=lambda: _read_server(options, context, source), label=called
        )
        if options.objects:
            yield Task(
                source=source,
                kinds=tuple(kind.name for kind in _OBJECTS),
                run=lambda: _read_objects(options, context, source),
                label=f"{called}: schema",
            )


COLLECTOR = MySqlCollector()


def _scope(options: MySqlOptions, context: Context, source: str) -> Scope:
    place = options.place
    name = options.name or place.database or called_after(place.host, "mysql")
    return Scope(name, source, place.host, f"mysql://{place.host}/{place.database}", options, context)


def _read_server(options: MySqlOptions, context: Context, source: str) -> Iterator[Resource | Gap]:
    from collectors._databases.mysql import Catalogue
    from collectors._databases.mysql_server import PARTS
    from collectors.data.mysql import opened

    scope = _scope(options, context, source)
    attributes: dict[str, Any] = {}
    unread: list[tuple[str, CollectError]] = []
    with opened(
        options.place,
        context.meter,
        connect_timeout=options.connect_timeout,
        statement_seconds=_seconds(options, context),
    ) as server:
        catalogue = Catalogue.of(server, options.limits.rows)
        for attribute, read in PARTS:
            try:
                attributes |= read(catalogue)
            except CollectError as error:
                if not server.connection.open or error.reason is GapReason.UNREACHABLE:
                    raise
                unread.append((attribute, error))
    yield Resource(SERVER.name, scope.name, attributes, refs=(scope.host,), location=scope.location)
    for attribute, why in unread:
        yield scope.gap(SERVER, why, resource=scope.name, attribute=attribute)


def _read_objects(options: MySqlOptions, context: Context, source: str) -> Iterator[Resource | Gap]:
    from collectors._databases.mysql import Catalogue
    from collectors._databases.mysql_code import Code
    from collectors._databases.mysql_tables import Tables
    from collectors.data.mysql import opened

    scope, database = _scope(options, context, source), options.place.database
    with opened(
        options.place,
        context.meter,
        connect_timeout=options.connect_timeout,
        statement_seconds=_seconds(options, context),
    ) as server:
        catalogue = Catalogue.of(server, options.limits.rows)
        tables = Tables(catalogue, KINDS, scope, database)
        code = Code(catalogue, KINDS, EVENT, scope, database)
        parts = (
            (KINDS.migrations, tables.migrations),
            (KINDS.role, code.roles),
            (KINDS.database, code.databases),
            (KINDS.table, tables.tables),
            (KINDS.view, tables.views),
            (KINDS.routine, code.routines),
            (EVENT, code.events),
        )
        yield from run(scope, parts, lambda: not server.connection.open)


def _seconds(options: MySqlOptions, context: Context) -> float:
    return min(options.limits.timeout, max(1.0, context.timeout))
