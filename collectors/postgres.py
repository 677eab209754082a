"""PostgreSQL, by connecting read-only: version, extensions, settings that differ from default, schema, roles, migrations.

Reads the catalogue in two read-only transactions, one for the server and one for the schema. A login without rights on
any table is enough; with `GRANT pg_read_all_settings` the preloaded libraries are readable, too, and with `GRANT SELECT`
on the tables of migration tools how far those came. No row of any other table is read.
https://www.postgresql.org/docs/current/view-pg-settings.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from pydantic import Field, SecretStr, field_validator

from auditor.collector import Context, Grant, Task
from auditor.errors import CollectError
from auditor.model import Category, Gap, GapReason, Kind, Resource
from collectors._databases.kinds import kinds_of
from collectors._databases.options import GRANTS, RelationalOptions
from collectors._databases.parts import Part, Scope, run
from collectors._grants import asked_for
from collectors._meter import counted
from collectors._postgres import API, SCHEME, classified, connected, place

if TYPE_CHECKING:
    import psycopg

# Where this installation lives, who is connected, and how messages are spelled: nothing that parity is about.
_INSTALLATION = frozenset(
    "application_name archive_library client_encoding client_min_messages cluster_name config_file data_directory "
    "data_directory_mode debug_assertions default_transaction_deferrable dynamic_library_path event_source "
    "external_pid_file hba_file ident_file in_hot_standby is_superuser krb_server_keyfile lc_collate lc_ctype "
    "lc_messages lc_monetary lc_numeric lc_time listen_addresses log_directory log_filename port primary_conninfo "
    "primary_slot_name recovery_target_name restore_command role seed session_authorization shared_memory_size "
    "shared_memory_size_in_huge_pages num_os_semaphores huge_pages_status server_encoding server_version "
    "server_version_num ssl_ca_file ssl_cert_file ssl_crl_dir ssl_crl_file ssl_key_file ssl_library "
    "ssl_passphrase_command stats_temp_directory synchronous_standby_names syslog_ident transaction_deferrable "
    "transaction_isolation transaction_read_only unix_socket_directories unix_socket_group wal_consistency_checking".split()
)
# Set when the cluster was made, and told as computed by the server rather than as configured.
_AT_BIRTH = ("data_checksums", "wal_segment_size", "block_size", "wal_block_size", "segment_size")
_PRELOADED = ("shared_preload_libraries", "session_preload_libraries", "local_preload_libraries")

KINDS = kinds_of("postgres", "PostgreSQL")
KIND = Kind(
    name="postgres.server",
    category=Category.DATABASE,
    about="A PostgreSQL server and the database connected to: version, settings that differ from default, extensions",
    verbatim=("settings", "extensions"),
)

_SETTINGS = """
    select name, reset_val, unit, vartype from pg_catalog.pg_settings
    where (source not in ('default', 'override', 'client', 'user', 'database user', 'interactive') or name = any(%s))
      and reset_val is distinct from boot_val and not name = any(%s) and not name = any(%s)
"""
_PRELOADED_LIBRARIES = "select name, reset_val from pg_catalog.pg_settings where name = any(%s) and reset_val <> ''"
_MAY_READ_ALL = """
    select coalesce(bool_or(pg_catalog.pg_has_role(current_user, oid, 'member')), true)
    from pg_catalog.pg_roles where rolname = 'pg_read_all_settings'
"""
_DATABASE = """
    select pg_catalog.pg_encoding_to_char(encoding), datcollate, datctype
    from pg_catalog.pg_database where datname = pg_catalog.current_database()
"""

_BYTES = ("B", "kB", "MB", "GB", "TB")
_TIMES = (("d", 86_400_000_000), ("h", 3_600_000_000), ("min", 60_000_000), ("s", 1_000_000), ("ms", 1_000), ("us", 1))


class PostgresOptions(RelationalOptions):
    """The options of `collector: postgres`."""

    url: SecretStr = Field(description="postgresql://user:password@host:5432/database, best as ${NAME}")

    @field_validator("url")
    @classmethod
    def _is_postgresql(cls, url: SecretStr) -> SecretStr:
        import psycopg

        if not SCHEME.match(url.get_secret_value()):
            raise ValueError("must begin with postgresql:// (or postgresql+psycopg://)")
        try:
            place(url.get_secret_value())
        except psycopg.ProgrammingError:
            # Without the error's own words: they quote the URL. `from None` keeps it out of the traceback, too.
            raise ValueError("is no URL that PostgreSQL understands; escape special characters as %XX") from None
        return url


class PostgresCollector:
    name = "postgres"
    about = "PostgreSQL by connecting read-only: version, extensions, settings, schema, roles and migrations"
    kinds = (KIND, *KINDS.schema, KINDS.role, KINDS.migrations)
    options = PostgresOptions
    permissions = (
        "CONNECT on the database",
        "pg_read_all_settings (for the preloaded libraries)",
        "SELECT on the tables of migration tools (for how far they came)",
    )

    def grant(self, options: PostgresOptions, gaps: Sequence[Gap]) -> Grant | None:
        """The statements that gaps name, to be run in the database by somebody who may."""
        _, database = place(options.url.get_secret_value())
        return asked_for(gaps, GRANTS, f"the login, in the database {database}", end=";")

    def label(self, options: PostgresOptions) -> str:
        host, database = place(options.url.get_secret_value())
        return f"postgres:{host}/{database}"

    def plan(self, options: PostgresOptions, context: Context) -> Iterable[Task]:
        label = self.label(options)
        yield Task(
            source=label,
            kinds=(KIND.name,),
            run=lambda: _read(options, context, label),
            label=place(options.url.get_secret_value())[1],
        )
        if options.objects:
            yield Task(
                source=label,
                kinds=tuple(kind.name for kind in (*KINDS.schema, KINDS.role, KINDS.migrations)),
                run=lambda: _read_objects(options, context, label),
                label=f"{place(options.url.get_secret_value())[1]}: schema",
            )


COLLECTOR = PostgresCollector()


def _read(options: PostgresOptions, context: Context, source: str) -> Iterator[Resource | Gap]:
    host, _ = place(options.url.get_secret_value())
    attributes: dict[str, Any] = {}
    unread: list[tuple[str, CollectError]] = []
    with _connected(options, context) as connection:
        own_name = connection.info.dbname
        for attribute, read in _PARTS:
            try:
                with counted(context.meter, API), classified(), connection.transaction():
                    attributes |= read(connection)
            except CollectError as error:
                if connection.closed:
                    raise
                unread.append((attribute, error))
    database = options.name or own_name
    yield Resource(
        kind=KIND.name,
        identity=database,
        attributes=attributes,
        refs=(host,),
        location=f"postgresql://{host}/{own_name}",
    )
    for attribute, why in unread:
        yield Gap(
            context.environment, source, KIND.name, why.reason, why.detail, resource=database, attribute=attribute
        )


def _read_objects(options: PostgresOptions, context: Context, source: str) -> Iterator[Resource | Gap]:
    from collectors._databases.postgres import Catalogue
    from collectors._databases.postgres_code import Code
    from collectors._databases.postgres_roles import Roles
    from collectors._databases.postgres_tables import Tables

    host, _ = place(options.url.get_secret_value())
    with _connected(options, context) as connection:
        database = connection.info.dbname
        scope = Scope(options.name or database, source, host, f"postgresql://{host}/{database}", options, context)
        catalogue = Catalogue(connection, context.meter, options.limits.rows)
        tables, code = Tables(catalogue, KINDS, scope), Code(catalogue, KINDS, scope)

        def apart(part: Part) -> Part:
            def read() -> list[Resource | Gap]:
                with catalogue.part():
                    return list(part())

            return read

        parts = (
            (KINDS.migrations, code.migrations),
            (KINDS.role, Roles(catalogue, KINDS, scope).roles),
            (KINDS.table, tables.tables),
            (KINDS.view, tables.views),
            (KINDS.routine, code.routines),
            (KINDS.sequence, code.sequences),
            (KINDS.type, code.types),
        )
        yield from run(scope, [(kind, apart(part)) for kind, part in parts], lambda: bool(connection.closed))


@contextmanager
def _connected(options: PostgresOptions, context: Context) -> Iterator[psycopg.Connection[Any]]:
    seconds = min(options.limits.timeout, max(1.0, context.timeout))
    url = options.url.get_secret_value()
    with connected(
        url, context.meter, connect_timeout=options.connect_timeout, statement_seconds=seconds
    ) as connection:
        yield connection


def _version(connection: psycopg.Connection[Any]) -> dict[str, Any]:
    number, text = _one(connection, "select current_setting('server_version_num')::int, version()")
    major, minor = divmod(number, 10_000)
    version = f"{major}.{minor}" if major >= 10 else f"{major}.{minor // 100}.{minor % 100}"
    # Products that speak PostgreSQL's protocol name themselves in version(), before or after its name.
    known = re.search(r"CockroachDB|YB|Redshift|EnterpriseDB|Greenplum|Citus|TimescaleDB", text)
    return {"version": version, "edition": known.group() if known else str(text).split(" ")[0]}


def _replication(connection: psycopg.Connection[Any]) -> dict[str, Any]:
    """Which of its copies answered, and how many follow it: the rows are there for everybody, only not what they say."""
    standby, standbys = _one(connection, "select pg_is_in_recovery(), (select count(*) from pg_stat_replication)")
    return {"replication": {"role": "standby" if standby else "primary", "standbys": standbys}}


def _hashing(connection: psycopg.Connection[Any]) -> dict[str, Any]:
    """How passwords are kept. Under a name of its own: under `password_encryption` it would read as a secret."""
    (how,) = _one(connection, "select current_setting('password_encryption')")
    return {"hashing": "md5" if how in ("on", "md5") else how}


def _encoding(connection: psycopg.Connection[Any]) -> dict[str, Any]:
    encoding, collation, character_type = _one(connection, _DATABASE)
    return {"encoding": encoding, "collation": collation, "character_type": character_type}


def _settings(connection: psycopg.Connection[Any]) -> dict[str, Any]:
    rows = connection.execute(_SETTINGS, [list(_AT_BIRTH), sorted(_INSTALLATION), list(_PRELOADED)])
    return {"settings": {name: _spelled(value, unit, kind) for name, value, unit, kind in sorted(rows)}}


def _extensions(connection: psycopg.Connection[Any]) -> dict[str, Any]:
    rows = connection.execute("select extname, extversion from pg_catalog.pg_extension")
    return {"extensions": dict(sorted(rows.fetchall()))}


def _preloaded(connection: psycopg.Connection[Any]) -> dict[str, Any]:
    (may_read,) = _one(connection, _MAY_READ_ALL)
    if not may_read:
        # The server does not refuse these rows, it leaves them out: without the right, none looks like an empty list.
        (login,) = _one(connection, "select pg_catalog.quote_ident(current_user)")
        detail = f"the login may not read all settings: GRANT pg_read_all_settings TO {login}"
        raise CollectError(GapReason.ACCESS_DENIED, detail)
    rows = connection.execute(_PRELOADED_LIBRARIES, [list(_PRELOADED)])
    return {"preloaded": {name: [part.strip() for part in value.split(",")] for name, value in sorted(rows)}}


_PARTS = (
    ("version", _version),
    ("encoding", _encoding),
    ("replication", _replication),
    ("hashing", _hashing),
    ("settings", _settings),
    ("extensions", _extensions),
    ("preloaded", _preloaded),
)


def _one(connection: psycopg.Connection[Any], query: str) -> tuple[Any, ...]:
    row = connection.execute(query).fetchone()
    if row is None:
        raise CollectError(GapReason.MALFORMED, "a catalogue query answered no row")
    return tuple(row)


def _spelled(value: str | None, unit: str | None, vartype: str) -> Any:
    """A setting as PostgreSQL itself would show it: the largest unit that loses nothing; booleans and numbers typed."""
    if value is None:
        return None
    if vartype == "bool":
        return value == "on"
    if vartype not in ("integer", "real"):
        return value
    number = float(value)
    if unit is None or number <= 0:
        return int(number) if number.is_integer() else number
    found = re.fullmatch(r"(\d*)(\w+)", unit)
    factor, base = (int(found[1] or 1), found[2]) if found else (1, unit)
    if base in _BYTES:
        amount, index = number * factor, _BYTES.index(base)
        while amount % 1024 == 0 and index < len(_BYTES) - 1:
            amount, index = amount / 1024, index + 1
        return f"{amount:.15g}{_BYTES[index]}"
    micro = number * factor * dict(_TIMES).get(base, 0)
    name, size = next(((name, size) for name, size in _TIMES if micro and micro % size == 0), (base, 0))
    return f"{micro / size:.15g}{name}" if size else f"{value}{unit}"
