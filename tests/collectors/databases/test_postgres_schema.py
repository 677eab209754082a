"""What a PostgreSQL database is made of, against a real server: two of one make are quiet, each change is found once."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from auditor.model import Gap, GapReason, Snapshot
from collectors.postgres import COLLECTOR
from tests.collectors.databases.auditing import Found, breaches, by_identity, gaps, read, taken, told
from tests.conftest import forgetful
from tests.conftest import postgres_of as server_of

SHOP = """
    create type status as enum ('new', 'paid');
    create type colour as enum ('red', 'blue');
    create domain mail as text check (value like '%@%');
    create table customers (
        id serial primary key, email mail not null unique, tokens text, secret_key text default 'hunter2hunter2',
        "quoted ""name"" here" int default 3);
    create table orders (
        id bigint generated always as identity primary key,
        customer_id int references customers on delete cascade, status status not null default 'new',
        price numeric(10,2) check (price > 0), tax numeric generated always as (price * 2) stored);
    create index on orders (customer_id, status) where price > 10;
    create index on customers (lower(email::text)) include (id);
    create table events (at timestamptz not null, what text, primary key (at)) partition by range (at);
    create table events_2026_01 partition of events for values from ('2026-01-01') to ('2026-02-01');
    create table regions (region text) partition by list (region);
    create table regions_eu partition of regions for values in ('eu');
    create table log_2026_01 (line text);
    create table log_2026_02 (line text);
    create view paid as select o.id, o.price from orders o where o.status = 'paid';
    create materialized view totals as select count(*) as number from orders;
    create function doubled(a int) returns int language sql stable as $$ select a * 2 $$;
    create function stamped() returns trigger language plpgsql as $$ begin return new; end $$;
    create trigger stamp before insert on orders for each row execute function stamped();
    alter table orders enable row level security;
    create policy own on orders for select to app_{env} using (customer_id = 3);
    create sequence numbers increment 5;
    create extension vector;
    create table schema_migrations (version text primary key);
    insert into schema_migrations values ('20260101'), ('20260201'), ('20260301');
    alter table orders owner to app_{env};
    grant select on customers to readers;
    grant usage on schema public to readers;
    create temp table passing (id int);
    alter database shop_{env} set work_mem = '8MB';
"""


@pytest.fixture(scope="module")
def admin(postgres_url: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        yield connection


@pytest.fixture(scope="module")
def production(admin: psycopg.Connection[Any], postgres_url: str) -> Iterator[Snapshot]:
    """The shop as production has it; afterwards it is called staging's, with its role. Yields production's snapshot."""
    admin.execute("create role app_prod login")
    admin.execute("create role readers")
    admin.execute("create database shop_prod")
    with psycopg.connect(_url(postgres_url, "shop_prod"), autocommit=True) as connection:
        connection.execute(SHOP.replace("{env}", "prod").encode())
    yield taken(COLLECTOR, {"url": _url(postgres_url, "shop_prod")}, "prod")
    admin.execute("drop database if exists shop_staging with (force)")
    admin.execute("drop database if exists shop_prod with (force)")
    admin.execute("drop role if exists app_staging, app_prod, readers")


@pytest.fixture(scope="module")
def staging(production: Snapshot, admin: psycopg.Connection[Any], postgres_url: str) -> str:
    """The URL of the same database, as staging would have it."""
    admin.execute("alter database shop_prod rename to shop_staging")
    admin.execute("alter role app_prod rename to app_staging")
    return _url(postgres_url, "shop_staging")


# Connecting, eight answers about the server, connecting again, and some of the schema's.
_MIDWAY, _US = 18, "parity-auditor"


def _url(url: str, database: str, user: str = "postgres") -> str:
    return url.replace("postgres:@/postgres", f"{user}:@/{database}")


def found_of(production: Snapshot, staging: str) -> list[Found]:
    return told(breaches(COLLECTOR.kinds, taken(COLLECTOR, {"url": staging}, "staging"), production))


def test_two_of_one_make_are_in_parity(production: Snapshot, staging: str) -> None:
    """The database and its owner carry their environment's name; nothing else differs."""
    assert production.gaps == ()
    assert {resource.kind for resource in production.resources} == {kind.name for kind in COLLECTOR.kinds}
    assert "hunter2" not in str(production)
    assert found_of(production, staging) == []


def _at(kind: str, name: str, path: str, severity: str) -> Found:
    return (f"postgres.{kind}", f"shop_{{env}}.{name}", path, severity)


# What was done, how it is undone, and the one finding that it gives.
CHANGES = {
    "a dropped column": (
        "alter table customers drop column tokens",
        "alter table customers add column tokens text",
        _at("table", "public.customers", "columns.tokens", "high"),
    ),
    "a column more": (
        "alter table customers add column extra text",
        "alter table customers drop column extra",
        _at("table", "public.customers", "columns.extra", "low"),
    ),
    "a changed type": (
        "alter table customers alter column tokens type varchar(10)",
        "alter table customers alter column tokens type text",
        _at("table", "public.customers", "columns.tokens.type", "high"),
    ),
    "a column that may be null": (
        "alter table orders alter column status drop not null",
        "alter table orders alter column status set not null",
        _at("table", "public.orders", "columns.status.nullable", "medium"),
    ),
    "another default": (
        "alter table orders alter column status set default 'paid'",
        "alter table orders alter column status set default 'new'",
        _at("table", "public.orders", "columns.status.default", "medium"),
    ),
    "another secret default": (
        "alter table customers alter column secret_key set default 'CaNaRyCaNaRy'",
        "alter table customers alter column secret_key set default 'hunter2hunter2'",
        _at("table", "public.customers", "columns.secret_key.default", "medium"),
    ),
    "a missing index": (
        "drop index orders_customer_id_status_idx",
        "create index made_up_5f2a on orders (customer_id, status) where price > 10",
        _at("table", "public.orders", "indexes.btree (customer_id, status) WHERE (price > (10)::numeric)", "medium"),
    ),
    "an index that production lacks": (
        "create index on orders (price)",
        "drop index orders_price_idx",
        _at("table", "public.orders", "indexes.btree (price)", "high"),
    ),
    "a unique index that is none": (
        "alter table customers drop constraint customers_email_key; create index x on customers (email)",
        "drop index x; alter table customers add unique (email)",
        _at("table", "public.customers", "indexes.btree (email).unique", "medium"),
    ),
    "a foreign key that keeps orphans": (
        "alter table orders drop constraint orders_customer_id_fkey, add constraint k foreign key (customer_id) references customers",
        "alter table orders drop constraint k, add foreign key (customer_id) references customers on delete cascade",
        _at("table", "public.orders", "foreign_keys.customer_id.references", "medium"),
    ),
    "another check": (
        "alter table orders drop constraint orders_price_check; alter table orders add check (price > 1)",
        "alter table orders drop constraint orders_price_check; alter table orders add check (price > 0)",
        _at("table", "public.orders", "checks.price.hold", "medium"),
    ),
    "a trigger switched off": (
        "alter table orders disable trigger stamp",
        "alter table orders enable trigger stamp",
        _at("table", "public.orders", "triggers.stamp.fires", "medium"),
    ),
    "row security off": (
        "alter table orders disable row level security",
        "alter table orders enable row level security",
        _at("table", "public.orders", "row_security.enabled", "medium"),
    ),
    "a wider policy": (
        "alter policy own on orders using (true)",
        "alter policy own on orders using (customer_id = 3)",
        _at("table", "public.orders", "row_security.policies.own.using", "high"),
    ),
    "a missing table": (
        "alter table events rename to happenings",
        "alter table happenings rename to events",
        _at("table", "public.events", "", "high"),
    ),
    "another view": (
        "create or replace view paid as select o.id, o.price from orders o where o.status <> 'paid'",
        "create or replace view paid as select id, price from orders o where status = 'paid'",
        _at("view", "public.paid", "definition", "medium"),
    ),
    "another body": (
        "create or replace function doubled(a int) returns int language sql stable as $$ select a * 3 $$",
        "create or replace function doubled(a int) returns int language sql stable as $$ select  a*2 -- twice\n $$",
        _at("routine", "public.doubled(integer)", "body_digest", "medium"),
    ),
    "a routine with its owner's rights": (
        "alter function doubled security definer",
        "alter function doubled security invoker",
        _at("routine", "public.doubled(integer)", "security_definer", "high"),
    ),
    "another label": (
        "update pg_enum set enumlabel = 'green' where enumlabel = 'blue'",
        "update pg_enum set enumlabel = 'blue' where enumlabel = 'green'",
        _at("type", "public.colour", "labels", "medium"),
    ),
    "another step": (
        "alter sequence numbers increment 1",
        "alter sequence numbers increment 5",
        _at("sequence", "public.numbers", "increment", "low"),
    ),
    "a role that may do everything": (
        "alter role readers superuser",
        "alter role readers nosuperuser",
        _at("role", "readers", "superuser", "medium"),
    ),
    "a grant more": (
        "grant insert on customers to readers",
        "revoke insert on customers from readers",
        _at("role", "readers", "grants.tables in public.INSERT", "medium"),
    ),
    "a migration behind": (
        "delete from schema_migrations where version = '20260301'",
        "insert into schema_migrations values ('20260301')",
        _at("migrations", "public.schema_migrations", "applied", "high"),
    ),
    "another last migration": (
        "update schema_migrations set version = '20260302' where version = '20260301'",
        "update schema_migrations set version = '20260301' where version = '20260302'",
        _at("migrations", "public.schema_migrations", "head", "high"),
    ),
    "an older extension": (
        "update pg_extension set extversion = '0.5.0' where extname = 'vector'",
        "update pg_extension set extversion = '{vector}' where extname = 'vector'",
        ("postgres.server", "shop_{env}", "extensions.vector", "medium"),
    ),
    "a changed setting": (
        "alter database shop_staging set random_page_cost = 1.1",
        "alter database shop_staging reset random_page_cost",
        ("postgres.server", "shop_{env}", "settings.random_page_cost", "medium"),
    ),
}


def test_each_change_is_found_once(production: Snapshot, staging: str) -> None:
    """One finding, at the place that was changed, as severe as it is; and none once it is undone."""
    said = {}
    with psycopg.connect(staging, autocommit=True) as connection:
        (vector,) = connection.execute("select extversion from pg_extension where extname = 'vector'").fetchone() or (
            "",
        )
        for change, (changed, back, _) in CHANGES.items():
            connection.execute(changed.encode())
            said[change] = found_of(production, staging)
            connection.execute(back.replace("{vector}", vector).encode())
    assert said == {change: [expected] for change, (_, _, expected) in CHANGES.items()}
    assert found_of(production, staging) == []


def test_what_may_not_be_read_costs_that_part_only_and_names_the_grant(
    production: Snapshot, staging: str, admin: psycopg.Connection[Any]
) -> None:
    """A login without any right reads the whole schema but for the migrations; without a catalogue, not that part."""
    admin.execute("create role nobody login")
    login = staging.replace("postgres:@", "nobody:@")
    try:
        items = read(COLLECTOR, {"url": login})
        assert gaps(items) == {
            ("postgres.server", "shop_staging", "preloaded"): GapReason.ACCESS_DENIED,
            ("postgres.migrations", "shop_staging.public.schema_migrations", None): GapReason.ACCESS_DENIED,
        }
        grant = next(item.detail for item in items if isinstance(item, Gap) and item.kind == "postgres.migrations")
        assert grant.endswith('GRANT SELECT ON "public"."schema_migrations" TO "nobody"')
        assert len(by_identity(items, "postgres.table")) == 5
        change = COLLECTOR.grant(COLLECTOR.options(url=login), [item for item in items if isinstance(item, Gap)])
        assert change is not None
        assert change.to == "the login, in the database shop_staging"
        assert change.change.splitlines() == [
            'GRANT SELECT ON "public"."schema_migrations" TO "nobody";',
            'GRANT USAGE ON SCHEMA "public" TO "nobody";',
            "GRANT pg_read_all_settings TO nobody;",
        ]
        with psycopg.connect(staging, autocommit=True) as connection:
            for statement in re.findall(r"GRANT [^;]+", grant):
                connection.execute(statement)
            connection.execute("revoke select on pg_catalog.pg_policy from public")
            items = read(COLLECTOR, {"url": login})
            connection.execute("grant select on pg_catalog.pg_policy to public")
            assert gaps(items)["postgres.table", None, None] is GapReason.ACCESS_DENIED
            assert by_identity(items, "postgres.migrations").keys() == {"shop_staging.public.schema_migrations"}
            assert by_identity(items, "postgres.table") == {}
            assert len(by_identity(items, "postgres.view")) == 2
            connection.execute("drop owned by nobody")
    finally:
        admin.execute("drop role nobody")


def test_a_role_of_another_environment_on_the_same_server_is_not_ours(
    production: Snapshot, staging: str, admin: psycopg.Connection[Any]
) -> None:
    """Unless it may do something in our database: then it is worth a look."""
    admin.execute("create role jobs_prod login")
    try:
        assert found_of(production, staging) == []
        admin.execute("grant readers to jobs_prod")
        assert found_of(production, staging) == []
        with psycopg.connect(staging, autocommit=True) as connection:
            connection.execute("grant select on customers to jobs_prod")
            assert found_of(production, staging) == [_at("role", "jobs_prod", "", "low")]
            connection.execute("revoke select on customers from jobs_prod")
    finally:
        admin.execute("drop role jobs_prod")


def test_more_than_is_read_is_a_gap_and_never_a_missing_table(production: Snapshot, staging: str) -> None:
    """The listing is then incomplete, so what lies beyond the limit is unknown."""
    few = {"url": staging, "limits": {"objects": 2}}
    items = read(COLLECTOR, few)
    assert gaps(items)["postgres.table", None, None] is GapReason.TRUNCATED
    assert len(by_identity(items, "postgres.table")) == 2
    assert told(breaches(COLLECTOR.kinds, taken(COLLECTOR, few, "staging"), production)) == []
    only = read(COLLECTOR, {"url": staging, "schemas": {"exclude": ["public"]}})
    assert {item.kind for item in only} == {"postgres.server", "postgres.role"}
    with psycopg.connect(staging, autocommit=True) as connection:
        connection.execute("create table wide (" + ", ".join(f"c{n} int" for n in range(120)) + ")")
        items = read(COLLECTOR, {"url": staging, "limits": {"rows": 100}})
        connection.execute("drop table wide")
    assert gaps(items)["postgres.table", None, None] is GapReason.TRUNCATED


def test_hostile_names_are_read_as_they_are(staging: str) -> None:
    """Quotes, percent signs, what looks like SQL, and a comment of 10 kB: read, bounded, and never run."""
    name = "a\"b'c%s;drop table x"
    quoted = '"' + name.replace('"', '""') + '"'
    with psycopg.connect(staging, autocommit=True) as connection:
        for statement in (
            f"create schema {quoted}",
            f"create table {quoted}.{quoted} ({quoted} int primary key, check ({quoted} > 0))",
            f"comment on table {quoted}.{quoted} is '{'x' * 10_000}'",
            f"create view {quoted}.v as select '{'y' * 10_000}' || '-- no comment' as long",
            f"create function {quoted}.{quoted}() returns trigger language plpgsql as $$ begin return new; end $$",
            f"create trigger {quoted} before insert on {quoted}.{quoted} for each row execute function {quoted}.{quoted}()",
            f"create table {quoted}.alembic_version (version_num text)",
            f"insert into {quoted}.alembic_version values ('ae1027a6acf1')",
        ):
            connection.execute(statement.encode())
        items = read(COLLECTOR, {"url": staging, "schemas": {"include": ["a*"]}})
        connection.execute(f"drop schema {quoted} cascade".encode())
    assert gaps(items) == {}
    (table,) = by_identity(items, "postgres.table").items()
    assert table[0] == f"shop_staging.{name}.{name}"
    assert [column["name"] for column in table[1]["columns"]] == [name]
    assert table[1]["triggers"][0]["name"] == name
    assert table[1]["triggers"][0]["does"].startswith("BEFORE INSERT ON ")
    assert len(by_identity(items, "postgres.view")[f"shop_staging.{name}.v"]["definition"]) < 4100
    assert by_identity(items, "postgres.migrations")[f"shop_staging.{name}.alembic_version"]["head"] == ["ae1027a6acf1"]


def test_a_session_that_is_ended_on_the_way_leaves_gaps(production: Snapshot, staging: str) -> None:
    """The administrator ends it while tables are read: no table is called missing."""

    with psycopg.connect(staging, autocommit=True) as other:

        def ended(_api: str, _outcome: str) -> None:
            asked.append(_outcome)
            if len(asked) == _MIDWAY:
                other.execute(
                    "select pg_terminate_backend(pid) from pg_stat_activity where application_name = %s", [_US]
                )

        asked: list[str] = []
        cut = taken(COLLECTOR, {"url": staging}, "staging", meter=ended)
    assert ("postgres.table", GapReason.UNREACHABLE) in {(gap.kind, gap.reason) for gap in cut.gaps}
    assert told(breaches(COLLECTOR.kinds, cut, production)) == []


def test_a_statement_that_takes_too_long_is_a_timeout_of_its_part(production: Snapshot, staging: str) -> None:
    """A lock on a catalogue holds the reader up; what was read before stays."""
    with psycopg.connect(staging) as other:
        other.execute("lock table pg_catalog.pg_policy in access exclusive mode")
        cut = taken(COLLECTOR, {"url": staging, "limits": {"timeout": 0.3}}, "staging")
    assert ("postgres.table", GapReason.TIMEOUT) in {(gap.kind, gap.reason) for gap in cut.gaps}
    assert told(breaches(COLLECTOR.kinds, cut, production)) == []


def test_an_older_server_with_the_same_schema_is_told_by_what_it_is_only(production: Snapshot) -> None:
    """PostgreSQL 16 spells some things otherwise, which is no difference of the schema, and has no checksums by default."""
    with server_of(16) as url:
        forgetful(url)
        with psycopg.connect(url, autocommit=True) as connection:
            for statement in ("create role app_staging login", "create role readers", "create database shop_staging"):
                connection.execute(statement.encode())
        old = _url(url, "shop_staging")
        with psycopg.connect(old, autocommit=True) as connection:
            connection.execute(SHOP.replace("{env}", "staging").encode())
        found = found_of(production, old)
    assert found == [
        ("postgres.server", "shop_{env}", "settings.data_checksums", "medium"),
        ("postgres.server", "shop_{env}", "version", "high"),
    ]
