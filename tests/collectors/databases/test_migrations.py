"""How far migration tools have come, from the tables that they keep; and the normal forms of what is compared as text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from collectors._databases.forms import body, definition, flat, series
from collectors.postgres import COLLECTOR, KINDS
from tests.collectors.databases.auditing import by_identity, gaps, read
from tests.factories import judged

# As each tool makes its table, with two or three migrations in it.
BOOKS = """
create schema a; create schema b; create schema c; create schema d;
create table a.alembic_version (version_num varchar(32) primary key);
insert into a.alembic_version values ('ae1027a6acf1'), ('1975ea83b712');
create table a.django_migrations (id serial primary key, app text, name text, applied timestamptz);
insert into a.django_migrations (app, name) values ('auth', '0001_initial'), ('shop', '0001_initial'), ('shop', '0002_price');
create table a.flyway_schema_history (installed_rank int primary key, version text, description text, type text, success bool);
insert into a.flyway_schema_history values (0, null, '<< Flyway Schema Creation >>', 'SCHEMA', true), (1, '1', 'one', 'SQL', true),
    (2, null, 'views', 'SQL', true), (3, null, 'views', 'SQL', true), (4, '2.1', 'two', 'SQL', false);
create table a.databasechangelog (id text, author text, filename text, orderexecuted int, exectype text);
insert into a.databasechangelog values ('10', 'ann', 'x', 1, 'EXECUTED'), ('9', 'bob', 'x', 2, 'EXECUTED');
create table a._prisma_migrations (id text, migration_name text, started_at timestamptz, finished_at timestamptz,
    rolled_back_at timestamptz);
insert into a._prisma_migrations values ('1', '20260101_init', '2026-01-01', '2026-01-01', null),
    ('2', '20260201_price', '2026-02-01', null, '2026-02-01'), ('3', '20260201_price', '2026-02-02', null, null);
create table a.schema_migrations (version text primary key);
insert into a.schema_migrations values ('20260301120000'), ('20260101120000');
create table b.schema_migrations (version bigint primary key, dirty bool);
insert into b.schema_migrations values (17, true);
create table c.schema_migrations (version bigint primary key, inserted_at timestamp);
insert into c.schema_migrations values (3), (20);
create table a.goose_db_version (id serial, version_id bigint, is_applied bool);
insert into a.goose_db_version (version_id, is_applied) values (0, true), (1, true), (2, true), (2, false);
create table a.knex_migrations (id serial, name text, batch int, migration_time timestamptz);
insert into a.knex_migrations (name, batch) values ('1_a.js', 1), ('2_b.js', 2);
create table a.migrations (id serial, migration text, batch int);
insert into a.migrations (migration, batch) values ('2026_01_01_users', 1);
create table b.migrations (id serial, timestamp bigint, name text);
insert into b.migrations (timestamp, name) values (2, 'Second2'), (1, 'First1');
create table a."SequelizeMeta" (name text primary key);
insert into a."SequelizeMeta" values ('2-b.js'), ('1-a.js');
create table d.migrations (country text, people int);
"""
TOLD = {
    "a.alembic_version": {"tool": "alembic", "head": ["1975ea83b712", "ae1027a6acf1"], "failed": False},
    "a.django_migrations": {
        "tool": "django", "head": ["auth.0001_initial", "shop.0002_price"], "applied": 3, "failed": False,
    },
    "a.flyway_schema_history": {"tool": "flyway", "head": "1", "applied": 2, "failed": True},
    "a.databasechangelog": {"tool": "liquibase", "head": "9", "applied": 2, "failed": False},
    "a._prisma_migrations": {"tool": "prisma", "head": "20260101_init", "applied": 1, "failed": True},
    "a.schema_migrations": {"tool": "rails", "head": "20260301120000", "applied": 2, "failed": False},
    "b.schema_migrations": {"tool": "golang-migrate", "head": "17", "failed": True},
    "c.schema_migrations": {"tool": "ecto", "head": "20", "applied": 2, "failed": False},
    "a.goose_db_version": {"tool": "goose", "head": "1", "applied": 1, "failed": False},
    "a.knex_migrations": {"tool": "knex", "head": "2_b.js", "applied": 2, "failed": False},
    "a.migrations": {"tool": "laravel", "head": "2026_01_01_users", "applied": 1, "failed": False},
    "b.migrations": {"tool": "typeorm", "head": "Second2", "applied": 2, "failed": False},
    "a.SequelizeMeta": {"tool": "sequelize", "head": "2-b.js", "applied": 2, "failed": False},
}  # fmt: skip


@pytest.fixture(scope="module")
def books(postgres_url: str) -> Iterator[str]:
    url = postgres_url.replace("@/postgres", "@/books")
    with psycopg.connect(postgres_url, autocommit=True) as admin:
        admin.execute("create database books")
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(BOOKS.encode())
        yield url
        admin.execute("drop database books with (force)")


def test_every_tool_says_its_last_migration_how_many_and_whether_one_failed(books: str) -> None:
    """What only looks like a tool's table by its name is none; the tools' own tables are no tables of the schema."""
    items = read(COLLECTOR, {"url": books})
    assert {
        item.removeprefix("books."): told for item, told in by_identity(items, "postgres.migrations").items()
    } == TOLD
    assert gaps(items) == {}
    assert by_identity(items, "postgres.table") == {}


def _verdicts(left: dict[str, Any], right: dict[str, Any]) -> list[tuple[str, str, str]]:
    found = judged(left, right, kind=KINDS.migrations).breaches
    return [(".".join(breach.path), breach.severity.value, breach.rule.id) for breach in found]


@pytest.mark.parametrize(
    ("left", "right", "found"),
    [
        ({"head": "39", "applied": 39}, {"head": "42", "applied": 42}, ("applied", "high", "migrations-behind")),
        ({"head": "42", "applied": 42}, {"head": "39", "applied": 39}, ("applied", "low", "migrations-waiting")),
        ({"head": "b", "applied": 42}, {"head": "c", "applied": 42}, ("head", "high", "migrations-parted")),
        ({"head": ["ae1027a6acf1"]}, {"head": ["1975ea83b712"]}, ("head", "high", "migrations-parted")),
        ({"head": "c", "applied": 3}, {"head": "c", "applied": 9}, ("applied", "info", "migrations-squashed")),
    ],
)
def test_migrations_that_differ_are_one_finding_by_direction(
    left: dict[str, Any], right: dict[str, Any], found: tuple[str, str, str]
) -> None:
    """Production ahead of staging is worse than staging ahead of production; a list of rows is never told."""
    assert _verdicts({"tool": "x", "failed": False} | left, {"tool": "x", "failed": False} | right) == [found]


def test_a_view_of_one_relation_reads_alike_with_and_without_qualifiers() -> None:
    """Where several relations are read, qualifiers say which, and stay; quotes are left alone."""
    plain = definition("SELECT id,\n  price\n FROM public.orders\n WHERE state = 'orders.id';")
    assert definition("SELECT orders.id, orders.price FROM public.orders WHERE orders.state = 'orders.id'") == plain
    joined = "SELECT a.id FROM a JOIN b ON b.id = a.id"
    assert definition(joined) == joined
    assert definition("SELECT o.id FROM orders o WHERE (o.id IN ( SELECT p.id FROM paid p))").count("o.id") == 2
    assert len(definition("SELECT '" + "x" * 10_000 + "'")) < 4100


def test_comments_blanks_and_names_of_the_environment_do_not_change_a_body() -> None:
    """What stands between quotes does, also where it looks like a comment."""
    assert flat("select 1 -- one\n , /* two\n lines */ '--  three'") == "select 1, '--  three'"
    assert body("select * from shop_staging.a -- x\n", ("staging",)) == body("select * from shop_prod.a", ("prod",))
    assert body("select 'a  b'", ()) != body("select 'a b'", ())


@pytest.mark.parametrize(
    ("name", "one"),
    [
        ("events_2026_11", "events_{date}"),
        ("events_20261123", "events_{date}"),
        ("sales_p2026_01_02", "sales_{date}"),
        ("customers_y2026m11", "customers_{date}"),
        ("orders_2026w07", "orders_{date}"),
        ("iso_9001", "iso_9001"),
        ("area51", "area51"),
        ("2026_11", "2026_11"),
    ],
)
def test_what_differs_in_a_date_only_is_one_thing(name: str, one: str) -> None:
    """A number that is no date belongs to the name."""
    assert series(name) == one
