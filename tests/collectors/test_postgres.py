"""The PostgreSQL collector against a real server."""

from __future__ import annotations

import re
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from pydantic import ValidationError

from auditor.collector import Context
from auditor.errors import CollectError
from auditor.model import Gap, GapReason, Resource
from collectors.postgres import COLLECTOR, PostgresOptions, _spelled

if TYPE_CHECKING:
    from collections.abc import Iterator

CONTEXT = Context(environment="staging", folder=Path())


@pytest.fixture
def admin(postgres_url: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        yield connection


@pytest.fixture
def database(admin: psycopg.Connection[Any], postgres_url: str) -> Iterator[str]:
    """A database of its own with two settings, and a login `auditor` without any rights. Yields the login's URL."""
    admin.execute("create database orders")
    admin.execute("create role auditor login password 'CaNaRy-password'")
    admin.execute("alter database orders set work_mem = '8192kB'")
    admin.execute("alter database orders set statement_timeout = '90s'")
    yield postgres_url.replace("postgres:@/postgres", "auditor:CaNaRy-password@/orders")
    admin.execute("drop database orders with (force)")
    admin.execute("drop role auditor")


def collected(url: str) -> list[Resource | Gap]:
    """What is told of the server; its schema has tests of its own."""
    options = PostgresOptions.model_validate({"url": url, "objects": False})
    return [item for task in COLLECTOR.plan(options, CONTEXT) for item in task.run()]


def test_version_settings_and_extensions_are_read(admin: psycopg.Connection[Any], database: str) -> None:
    """Settings as PostgreSQL would show them, under their own names, and none that says where the server lives."""
    url = database.replace("auditor:CaNaRy-password@", "postgres:@")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("create extension vector")
    (server,) = collected(url)
    assert isinstance(server, Resource)
    assert (server.kind, server.identity) == ("postgres.server", "orders")
    shown = admin.execute("show server_version").fetchone()
    assert shown is not None
    assert server.attributes["version"] == shown[0].split(" ")[0]
    assert server.attributes["edition"] == "PostgreSQL"
    assert server.attributes["encoding"] == "UTF8"
    assert set(server.attributes["extensions"]) == {"vector", "plpgsql"}
    settings = server.attributes["settings"]
    assert settings["work_mem"] == "8MB"
    assert settings["data_checksums"] is True
    assert not {"data_directory", "listen_addresses", "application_name", "transaction_read_only"} & set(settings)


def test_what_the_collector_sets_for_itself_does_not_hide_what_the_server_has(database: str) -> None:
    """`statement_timeout` is the database's, not the collector's own; `lock_timeout` is at its default."""
    server = collected(database)[0]
    assert isinstance(server, Resource)
    assert server.attributes["settings"]["statement_timeout"] == "90s"
    assert "lock_timeout" not in server.attributes["settings"]


def test_a_setting_that_the_login_may_not_see_is_a_gap_and_the_rest_is_read(database: str) -> None:
    """The server leaves such rows out without a word: only the missing right tells."""
    server, gap = collected(database)
    assert isinstance(server, Resource)
    assert isinstance(gap, Gap)
    assert server.attributes["settings"]["work_mem"] == "8MB"
    assert "preloaded" not in server.attributes
    assert (gap.reason, gap.resource, gap.attribute) == (GapReason.ACCESS_DENIED, "orders", "preloaded")
    assert re.search(r"GRANT pg_read_all_settings TO \S+\Z", gap.detail)


def test_a_catalogue_that_may_not_be_read_is_a_gap_of_that_attribute(
    admin: psycopg.Connection[Any], database: str
) -> None:
    """SQLSTATE 42501 on one query leaves the others alone."""
    with psycopg.connect(database.replace("auditor:CaNaRy-password@", "postgres:@"), autocommit=True) as connection:
        connection.execute("revoke select on pg_catalog.pg_extension from public")
    server, gap, _ = collected(database)
    assert isinstance(server, Resource)
    assert isinstance(gap, Gap)
    assert "extensions" not in server.attributes
    assert server.attributes["settings"]["work_mem"] == "8MB"
    assert (gap.reason, gap.attribute) == (GapReason.ACCESS_DENIED, "extensions")
    assert "SQLSTATE 42501" in gap.detail


def test_nothing_can_be_written(database: str) -> None:
    """The transaction is read-only, for a superuser as well."""
    from collectors.postgres import _connected

    options = PostgresOptions.model_validate({"url": database.replace("auditor:CaNaRy-password@", "postgres:@")})
    with _connected(options, CONTEXT) as connection, pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        connection.execute("create table public.written (id int)")


def test_a_wrong_password_is_access_denied_without_the_password(
    admin: psycopg.Connection[Any], database: str, postgres_url: str
) -> None:
    """libpq tells no SQLSTATE here; the reason comes from its words."""
    row = admin.execute("show hba_file").fetchone()
    assert row is not None
    rules = Path(row[0])
    before = rules.read_text()
    rules.write_text("local all postgres trust\nlocal all all scram-sha-256\n")
    admin.execute("select pg_reload_conf()")
    try:
        with pytest.raises(CollectError) as caught:
            collected(database.replace("CaNaRy-password", "CaNaRy-wrong"))
    finally:
        rules.write_text(before)
        admin.execute("select pg_reload_conf()")
    assert caught.value.reason is GapReason.ACCESS_DENIED
    assert "authentication failed" in caught.value.detail
    assert "CaNaRy" not in caught.value.detail


def test_a_database_that_does_not_exist_cannot_be_reached(postgres_url: str) -> None:
    """No grant would help: the address is wrong."""
    with pytest.raises(CollectError) as caught:
        collected(postgres_url.replace("@/postgres", "@/absent"))
    assert caught.value.reason is GapReason.UNREACHABLE
    assert 'database "absent" does not exist' in caught.value.detail


def test_a_port_where_nobody_listens_is_unreachable() -> None:
    """A refused connection, at once."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(CollectError) as caught:
            collected(f"postgresql://auditor:CaNaRy@127.0.0.1:{taken.getsockname()[1]}/orders")
    assert caught.value.reason is GapReason.UNREACHABLE
    assert "CaNaRy" not in caught.value.detail


def test_a_server_that_accepts_and_says_nothing_is_a_timeout() -> None:
    """The connection's own deadline ends it."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"postgresql://auditor@127.0.0.1:{silent.getsockname()[1]}/orders"
        options = PostgresOptions.model_validate({"url": url, "connect_timeout": 2, "objects": False})
        (task,) = COLLECTOR.plan(options, CONTEXT)
        with pytest.raises(CollectError) as caught:
            list(task.run())
    assert caught.value.reason is GapReason.TIMEOUT


def test_a_query_that_waits_for_a_lock_is_a_timeout(database: str) -> None:
    """SQLSTATE 57014 and 55P03 are both a question of time."""
    from collectors._postgres import classified
    from collectors.postgres import _connected

    options = PostgresOptions.model_validate({"url": database})
    with _connected(options, CONTEXT) as connection:
        connection.execute("set local statement_timeout = '20ms'")
        with pytest.raises(CollectError) as caught, classified():
            connection.execute("select pg_sleep(5)")
    assert caught.value.reason is GapReason.TIMEOUT


@pytest.mark.parametrize(
    ("url", "label"),
    [
        ("postgresql://u:CaNaRy@db.internal/orders", "postgres:db.internal/orders"),
        ("postgresql+psycopg://u:CaNaRy@db.internal:5433/orders?sslmode=require", "postgres:db.internal:5433/orders"),
        ("postgres://u:CaNa%2FRy@a:5432,b:5433/orders", "postgres:a,b:5433/orders"),
        ("postgresql://db/orders?user=u&password=CaN@Ry", "postgres:db/orders"),
    ],
)
def test_the_label_names_host_and_database_and_no_secret(url: str, label: str) -> None:
    """SQLAlchemy's scheme, several hosts, and a password in the query."""
    options = PostgresOptions.model_validate({"url": url})
    assert COLLECTOR.label(options) == label
    assert "CaN" not in repr(options)


@pytest.mark.parametrize(
    "url",
    [
        "mysql://u:CaNaRy@h/d",
        "postgresql://u:CaNaRy/x?y@h/d",
        "CaNaRy",
        "postgresql://u:p@CaNaRy@h/d",
        "postgresql://u:12/CaNaRy@h/d",
        "postgresql://h:CaNaRy/d",
    ],
)
def test_a_url_that_is_wrong_is_refused_without_being_quoted(url: str) -> None:
    """Another database, characters that are not escaped, no URL at all."""
    with pytest.raises(ValidationError) as caught:
        PostgresOptions.model_validate({"url": url})
    assert "CaNaRy" not in str(caught.value)


@pytest.mark.parametrize(
    ("value", "unit", "kind", "spelled"),
    [
        ("16384", "8kB", "integer", "128MB"),
        ("4096", "kB", "integer", "4MB"),
        ("300", "s", "integer", "5min"),
        ("1500", "ms", "integer", "1500ms"),
        ("0", "ms", "integer", 0),
        ("-1", "8kB", "integer", -1),
        ("0.9", None, "real", 0.9),
        ("on", None, "bool", True),
        ("replica", None, "enum", "replica"),
        ("1073741824", "B", "integer", "1GB"),
    ],
)
def test_a_setting_is_spelled_in_the_largest_unit_that_loses_nothing(
    value: str, unit: str | None, kind: str, spelled: Any
) -> None:
    """As `SHOW` would spell it; the special values 0 and -1 have no unit."""
    assert _spelled(value, unit, kind) == spelled


def test_units_agree_with_the_server_itself(admin: psycopg.Connection[Any]) -> None:
    """Every numeric setting with a unit reads as the server shows it."""
    rows = admin.execute(
        "select name, setting, unit, vartype, current_setting(name) from pg_settings "
        "where unit is not null and setting::numeric > 0 and source <> 'override'"
    ).fetchall()
    assert len(rows) > 50
    assert {name: _spelled(setting, unit, kind) for name, setting, unit, kind, _ in rows} == {
        name: shown for name, _, _, _, shown in rows
    }
