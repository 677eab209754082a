"""What the sampling cannot read is a gap, what it may not do it cannot do, and it waits for nothing."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pymysql
import pytest
from pydantic import ValidationError

from auditor.collector import Context
from auditor.errors import CollectError
from auditor.model import Gap, GapReason, Resource
from collectors.data import COLLECTOR, DataOptions
from collectors.data.mysql import opened as opened_mysql
from collectors.data.postgres import opened as opened_postgres
from collectors.data.reading import Reading
from tests.collectors.data import shops
from tests.collectors.data.conftest import Server
from tests.collectors.data.reading import gaps, sampled, told


def _unmetered(_api: str, _outcome: str) -> None:
    """Nobody counts."""


@pytest.fixture(scope="module")
def shop(server: Server) -> str:
    """A database with production's rows. Whoever adds something to it takes it away again."""
    return server.database(shops.real())


@pytest.fixture
def login(server: Server, shop: str) -> Iterator[str]:
    """The URL of a login without any right so far, called `auditor`."""
    if server.engine == "postgresql":
        server.run("", "create role auditor login password 'CaNaRy-password'")
        yield server.url_of(shop).replace("postgres:@", "auditor:CaNaRy-password@")
        server.run(shop, "drop owned by auditor")
        server.run("", "drop role auditor")
    else:
        server.run("", "create user auditor identified by 'CaNaRy-password'")
        yield server.url_of(shop).replace("root@", "auditor:CaNaRy-password@")
        server.run("", "drop user auditor")


def where(server: Server, shop: str, table: str) -> str:
    return f"{shop}.public.{table}" if server.engine == "postgresql" else f"{shop}.{table}"


def test_a_table_that_the_login_may_not_read_is_a_gap(server: Server, shop: str, login: str) -> None:
    """PostgreSQL names it; MariaDB hides it, so there the whole listing is incomplete."""
    tables = [table for table in shops.TABLES if table != "employees"]
    for table in tables:
        server.run(shop, f"grant select on {table} to auditor")
    items = sampled(login)
    (gap,) = gaps(items)
    assert (gap.kind, gap.reason) == ("data.*", GapReason.ACCESS_DENIED)
    assert gap.resource == (where(server, shop, "employees") if server.engine == "postgresql" else None)
    assert "grant it SELECT" in gap.detail
    assert len([item for item in items if isinstance(item, Resource) and item.kind == "data.table"]) == len(tables)
    server.run(
        shop,
        f"grant select on {'all tables in schema public' if server.engine == 'postgresql' else f'{shop}.*'} to auditor",
    )
    assert gaps(sampled(login)) == []


def test_a_column_that_the_login_may_not_read_is_a_gap_and_the_others_are_read(
    server: Server, shop: str, login: str
) -> None:
    """MariaDB does not show such a column at all; what it hides is said of the whole database."""
    server.run(shop, "grant select (id, order_number) on orders to auditor")
    items = sampled(login, tables={"include": ["orders"]})
    assert "personal" not in told(items)[where(server, "", "orders").removeprefix(".") + ".order_number"]
    (gap,) = gaps(items)
    assert gap.reason is GapReason.ACCESS_DENIED
    if server.engine == "postgresql":
        assert (gap.kind, gap.resource) == ("data.column", f"{shop}.public.orders.currency")


def test_rows_that_row_level_security_hides_are_no_proof(postgres_server: Server) -> None:
    """The server would answer fewer rows without a word."""
    name = postgres_server.database(shops.real())
    postgres_server.run("", "create role guarded login password 'x'")
    try:
        postgres_server.run(name, "grant select on all tables in schema public to guarded")
        postgres_server.run(name, "alter table employees enable row level security")
        (gap,) = gaps(sampled(postgres_server.url_of(name).replace("postgres:@", "guarded:x@")))
        assert (gap.resource, gap.reason) == (f"{name}.public.employees", GapReason.ACCESS_DENIED)
        assert "row-level security" in gap.detail
    finally:
        postgres_server.run(name, "drop owned by guarded")
        postgres_server.run("", "drop role guarded")


def test_a_view_that_never_ends_is_a_timeout_and_the_rest_is_read(server: Server, shop: str) -> None:
    """Views are read by request only; the statement is ended by the server."""
    sleep = (
        "select pg_sleep(60)::text as email"
        if server.engine == "postgresql"
        else "select cast(sleep(60) as char) as email"
    )
    server.run(shop, f"create view people as {sleep}")
    url = server.url_of(shop)
    assert gaps(sampled(url)) == []
    before = time.monotonic()
    items = sampled(url, views=True, limits={"timeout": 0.5})
    assert time.monotonic() - before < 30
    (gap,) = gaps(items)
    assert (gap.resource, gap.reason) == (where(server, shop, "people"), GapReason.TIMEOUT)
    assert "took too long" in gap.detail
    assert len([item for item in items if isinstance(item, Resource) and item.kind == "data.table"]) == len(
        shops.TABLES
    )


def test_nothing_can_be_written_by_an_administrator_either(server: Server, shop: str) -> None:
    """The transaction is read-only, and so would be the next one."""
    place = DataOptions.model_validate({"url": server.url_of(shop)}).place
    if server.engine == "postgresql":
        with opened_postgres(place, _unmetered, connect_timeout=60, statement_seconds=60) as postgres:
            for statement in (
                "delete from public.orders",
                "create table public.x (id int)",
                "drop table public.orders",
            ):
                with pytest.raises(psycopg.errors.ReadOnlySqlTransaction), postgres.connection.transaction():
                    postgres.connection.execute(statement.encode())
    else:
        with opened_mysql(place, _unmetered, connect_timeout=60, statement_seconds=60) as mysql:
            for statement in (
                "delete from orders",
                "create table x (id int)",
                "drop table orders",
                "commit",
                "delete from orders",
            ):
                with mysql.connection.cursor() as cursor:
                    if statement == "commit":
                        cursor.execute(statement)
                        continue
                    with pytest.raises(pymysql.err.MySQLError) as caught:
                        cursor.execute(statement)
                    assert caught.value.args[0] == 1792
    assert server.run(shop, "select count(*) from orders") in ([(shops.PEOPLE,)], ((shops.PEOPLE,),))


def test_more_tables_than_the_limit_and_time_that_ran_out_are_gaps(server: Server, shop: str) -> None:
    """A listing that broke off says so: what it did not show is unknown."""
    items = sampled(server.url_of(shop), limits={"tables": 3})
    (gap,) = gaps(items)
    assert (gap.kind, gap.resource, gap.reason) == ("data.*", None, GapReason.TRUNCATED)
    assert "6 of 9 tables" in gap.detail


def test_time_that_runs_out_is_a_gap_for_what_was_not_begun(postgres_server: Server) -> None:
    """The task ends by itself before it is ended, so that it can say how far it came."""
    name = postgres_server.database(shops.real())
    options = DataOptions.model_validate({"url": postgres_server.url_of(name)})
    with opened_postgres(options.place, _unmetered, connect_timeout=60, statement_seconds=60) as database:
        context = Context("staging", Path(), fingerprint=str)
        gap, resource = Reading(database, options, context, "data:x", deadline=time.monotonic()).items()
    assert isinstance(gap, Gap)
    assert isinstance(resource, Resource)
    assert (gap.kind, gap.resource, gap.reason) == ("data.*", None, GapReason.TIMEOUT)
    assert "after 0 of 9 tables" in gap.detail
    assert resource.attributes["tables"] == {"sampled": 0, "unread": 9, "excluded": 0}


def test_tables_are_chosen_by_globs_and_what_was_not_looked_at_is_said(server: Server, shop: str) -> None:
    """Excluded tables and columns of types that nobody can look into are counted."""
    binary = "bytea" if server.engine == "postgresql" else "blob"
    server.run(shop, f"create table files (id integer primary key, body {binary})")
    items = sampled(server.url_of(shop), tables={"include": ["files", "*.orders"]})
    tables = {item.identity for item in items if isinstance(item, Resource) and item.kind == "data.table"}
    assert tables == {where(server, shop, "files"), where(server, shop, "orders")}
    database = next(item for item in items if isinstance(item, Resource) and item.kind == "data.database")
    assert database.attributes["tables"] == {"sampled": 2, "unread": 0, "excluded": 8}
    assert database.attributes["skipped"] == {binary: 1}
    assert (database.identity, database.attributes["read_from"]) == (shop, "primary")
    server.run(shop, "drop table files")


def test_a_replica_is_read_in_the_databases_stead_and_never_the_other_way_round(server: Server, shop: str) -> None:
    """Whoever names a replica wants the primary left alone, also where the replica cannot be reached."""
    nowhere = "postgresql://a@127.0.0.1:9/shop" if server.engine == "postgresql" else "mysql://a@127.0.0.1:9/shop"
    items = sampled(nowhere, replica_url=server.url_of(shop))
    assert isinstance(items[-1], Resource)
    assert (items[-1].identity, items[-1].attributes["tables"]["sampled"]) == ("shop", len(shops.TABLES))
    with pytest.raises(CollectError) as caught:
        sampled(server.url_of(shop), replica_url=nowhere)
    assert caught.value.reason is GapReason.UNREACHABLE


def test_a_mariadb_that_lets_nobody_write_is_told_as_a_replica(mariadb_server: Server) -> None:
    """As replicas are set up."""
    name = mariadb_server.database()
    try:
        mariadb_server.run("", "set global read_only = 1")
        (database,) = sampled(mariadb_server.url_of(name))
        assert isinstance(database, Resource)
        assert database.attributes["read_from"] == "replica"
    finally:
        mariadb_server.run("", "set global read_only = 0")


# The PostgreSQL of the tests trusts whoever reaches its socket; those of its own collector ask for a password.
@pytest.mark.parametrize("server", ["mariadb"], indirect=True)
def test_a_wrong_password_is_access_denied_without_it(shop: str, login: str) -> None:
    """Neither in the message nor in the label."""
    with pytest.raises(CollectError) as caught:
        sampled(login.replace("CaNaRy-password", "CaNaRy-wrong"))
    assert caught.value.reason is GapReason.ACCESS_DENIED
    assert caught.value.detail == "the server does not accept the user or the password (error 1045)"
    assert "CaNaRy" not in f"{caught.value} {caught.value.__cause__} {caught.value.__context__}"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"url": "sqlite:///CaNaRy"}, "must begin with postgresql://, mysql:// or mariadb://"),
        ({"url": "mysql://u:CaNaRy@h:port/db"}, "is no URL that can be understood"),
        ({"url": "mysql://u:12/CaNaRy@h/db"}, "is no URL that can be understood"),
        ({"url": "mysql://u:CaNaRy@h/db?ssl_mode=1"}, "knows no parameter `ssl_mode`"),
        ({"url": "postgresql://h/db?CaNaRy=1"}, "is no URL that PostgreSQL understands"),
        ({"url": "postgresql://h/a", "replica_url": "mysql://h/a"}, "must be of one product"),
        ({"url": "mysql://h/a", "allowed_domains": ["@acme.io"]}, "is no domain"),
        ({"url": "mysql://h/a", "phone_region": "Germany"}, "is no country"),
    ],
)
def test_a_wrong_option_is_told_without_the_url(options: dict[str, object], message: str) -> None:
    """With what is expected instead."""
    with pytest.raises(ValidationError) as caught:
        DataOptions.model_validate(options)
    assert message in str(caught.value)
    assert "CaNaRy" not in str(caught.value)


def test_the_label_names_host_and_database_only() -> None:
    """The replica is where it is read, not what it is."""
    options = DataOptions.model_validate(
        {"url": "mariadb+pymysql://u:CaNaRy@db.acme.io:3307/shop?ssl_ca=/ca.pem", "replica_url": "mysql://u@r/shop"}
    )
    assert COLLECTOR.label(options) == "data:db.acme.io:3307/shop"
    assert options.expected_listings() == 3


def test_without_the_installations_key_nothing_is_sampled(server: Server, shop: str) -> None:
    """Fingerprints of another key would never meet those of the other side, which would pass for safety."""
    options = DataOptions.model_validate({"url": server.url_of(shop)})
    (task,) = COLLECTOR.plan(options, Context("staging", Path()))
    assert {gap.reason for gap in gaps(list(task.run()))} == {GapReason.UNSUPPORTED}
