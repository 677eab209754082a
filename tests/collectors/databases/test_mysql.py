"""What a MySQL or MariaDB server is made of, against a real MariaDB."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

import pymysql
import pytest
from pydantic import ValidationError

from auditor.model import Gap, GapReason, Snapshot
from collectors.mysql import COLLECTOR, MySqlOptions
from tests.collectors.databases.auditing import Found, breaches, by_identity, gaps, read, taken, told

SHOP = """
create table customers (id int auto_increment primary key, email varchar(80) not null unique, tokens text,
    secret_key varchar(40) default 'hunter2hunter2', made datetime default current_timestamp);
create table orders (id bigint primary key, customer_id int, status enum('new', 'paid') not null default 'new',
    price decimal(10,2) check (price > 0), double_price decimal(12,2) as (price * 2) stored,
    key (customer_id, status), key long_ones (status, id),
    constraint fk_made_up_{env} foreign key (customer_id) references customers (id) on delete cascade);
create table log_2026_01 (line text);
create table log_2026_02 (line text);
create table events (at date not null) partition by range (year(at))
    (partition p2025 values less than (2026), partition p2026 values less than maxvalue);
create view paid as select o.id, o.price from orders o where o.status = 'paid';
create trigger stamp before insert on orders for each row set new.price = coalesce(new.price, 1);
create function doubled(a int) returns int deterministic no sql return a * 2;
create procedure report() select 'shop_{env}';
create event cleanup on schedule every 1 day do delete from log_2026_01;
create table flyway_schema_history (installed_rank int primary key, version varchar(50), description varchar(200),
    type varchar(20), success boolean);
insert into flyway_schema_history
    values (1, '1', 'a', 'SQL', 1), (2, '2', 'b', 'SQL', 1), (3, null, 'r', 'SQL', 1);
create user app_{env}@'%' identified by 'CaNaRy-{env}';
grant select, insert on shop_{env}.* to app_{env}@'%';
create role readers_{env};
grant select on shop_{env}.* to readers_{env};
grant readers_{env} to app_{env}@'%'
"""


class Server:
    """The server as its administrator sees it."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.socket = urlsplit(url).query.partition("=")[2]

    def of(self, database: str, user: str = "root", password: str = "") -> str:
        secret = f":{password}" if password else ""
        return self.url.replace("root@localhost/", f"{user}{secret}@localhost/{database}")

    def run(self, database: str, *statements: str) -> None:
        connection = pymysql.connect(unix_socket=self.socket, user="root", database=database or None, autocommit=True)
        with connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)


@pytest.fixture(scope="module")
def server(mariadb_url: str) -> Iterator[Server]:
    made = Server(mariadb_url)
    for environment in ("staging", "prod"):
        made.run("", f"create database shop_{environment} character set utf8mb4")
        made.run(f"shop_{environment}", *SHOP.replace("{env}", environment).split(";\n"))
    yield made
    made.run(
        "",
        "drop database shop_staging",
        "drop database shop_prod",
        "drop role readers_staging",
        "drop role readers_prod",
    )
    made.run("", "drop user app_staging@'%'", "drop user app_prod@'%'")


@pytest.fixture(scope="module")
def production(server: Server) -> Snapshot:
    return taken(COLLECTOR, {"url": server.of("shop_prod")}, "prod")


def found_of(server: Server, production: Snapshot) -> list[Found]:
    return told(breaches(COLLECTOR.kinds, taken(COLLECTOR, {"url": server.of("shop_staging")}, "staging"), production))


def test_two_of_one_make_are_in_parity(server: Server, production: Snapshot) -> None:
    """The databases and their users carry their environment's name; nothing else differs."""
    assert production.gaps == ()
    assert {resource.kind for resource in production.resources} == {
        kind.name for kind in COLLECTOR.kinds if kind.name not in ("mysql.sequence", "mysql.type")
    }
    assert "hunter2" not in str(production)
    assert "CaNaRy" not in str(production)
    assert found_of(server, production) == []


def _at(kind: str, name: str, path: str, severity: str) -> Found:
    return (f"mysql.{kind}", f"shop_{{env}}.{name}", path, severity)


# What was done, how it is undone, and the one finding that it gives.
CHANGES = {
    "a dropped column": (
        "alter table customers drop column tokens",
        "alter table customers add column tokens text after email",
        _at("table", "customers", "columns.tokens", "high"),
    ),
    "a changed type": (
        "alter table customers modify tokens varchar(10)",
        "alter table customers modify tokens text",
        _at("table", "customers", "columns.tokens.type", "high"),
    ),
    "a column that may not be null": (
        "alter table customers modify tokens text not null",
        "alter table customers modify tokens text",
        _at("table", "customers", "columns.tokens.nullable", "medium"),
    ),
    "another collation of a column": (
        "alter table customers modify tokens text collate utf8mb4_bin",
        "alter table customers modify tokens text",
        _at("table", "customers", "columns.tokens.collation", "medium"),
    ),
    "a missing index": (
        "drop index long_ones on orders",
        "create index another_name on orders (status, id)",
        _at("table", "orders", "indexes.btree (status, id)", "medium"),
    ),
    "a foreign key that keeps orphans": (
        "alter table orders drop foreign key fk_made_up_staging, add constraint k foreign key (customer_id) references customers (id)",
        "alter table orders drop foreign key k, add constraint l foreign key (customer_id) references customers (id) on delete cascade",
        _at("table", "orders", "foreign_keys.customer_id.references", "medium"),
    ),
    "another engine": (
        "alter table log_2026_02 engine MyISAM",
        "alter table log_2026_02 engine InnoDB",
        _at("table", "log_{date}", "engine", "high"),
    ),
    "another trigger": (
        "create or replace trigger stamp before insert on orders for each row set new.price = 7",
        "create or replace trigger stamp before insert on orders for each row set new.price = coalesce(new.price,  1)",
        _at("table", "orders", "triggers.stamp.body_digest", "medium"),
    ),
    "another view": (
        "create or replace view paid as select o.id, o.price from orders o where o.status <> 'paid'",
        "create or replace view paid as select o.id, o.price from orders o where o.status = 'paid'",
        _at("view", "paid", "definition", "medium"),
    ),
    "another body": (
        "create or replace function doubled(a int) returns int deterministic no sql return a * 3",
        "create or replace function doubled(a int) returns int deterministic no sql return a*2",
        _at("routine", "doubled", "body_digest", "medium"),
    ),
    "an event switched off": (
        "alter event cleanup disable",
        "alter event cleanup enable",
        _at("event", "cleanup", "enabled", "medium"),
    ),
    "another encoding": (
        "alter database shop_staging character set latin1",
        "alter database shop_staging character set utf8mb4",
        ("mysql.database", "shop_{env}", "collation", "high"),
    ),
    "a grant more": (
        "grant delete on shop_staging.* to app_staging@'%'",
        "revoke delete on shop_staging.* from app_staging@'%'",
        _at("role", "app_{env}", "grants.database shop_{env}.DELETE", "medium"),
    ),
    "a migration behind": (
        "delete from flyway_schema_history where version = '2'",
        "insert into flyway_schema_history values (2, '2', 'b', 'SQL', 1)",
        _at("migrations", "flyway_schema_history", "applied", "high"),
    ),
    "a migration that failed": (
        "insert into flyway_schema_history values (9, '9', 'b', 'SQL', 0)",
        "delete from flyway_schema_history where version = '9'",
        _at("migrations", "flyway_schema_history", "failed", "high"),
    ),
    "a changed setting": (
        "set global sql_mode = ''",
        "set global sql_mode = default",
        ("mysql.server", "shop_{env}", "settings.sql_mode", "high"),
    ),
}


def test_each_change_is_found_once(server: Server, production: Snapshot) -> None:
    """One finding, at the place that was changed, as severe as it is; and none once it is undone."""
    said = {}
    for change, (changed, back, _) in CHANGES.items():
        server.run("shop_staging", changed)
        said[change] = found_of(server, production)
        server.run("shop_staging", back)
    assert said == {change: [expected] for change, (_, _, expected) in CHANGES.items()}
    assert found_of(server, production) == []


def test_what_may_not_be_read_costs_that_part_only_and_names_the_grant(server: Server, production: Snapshot) -> None:
    """What the server leaves out without a word is a gap, never a missing table; with the grants told, all is read."""
    server.run(
        "",
        "create user nobody@localhost identified by 'CaNaRy'",
        "grant select on shop_staging.orders to nobody@localhost",
    )
    url = {"url": server.of("shop_staging", "nobody", "CaNaRy")}
    try:
        items = read(COLLECTOR, url)
        assert {kind for (kind, resource, _), reason in gaps(items).items() if resource is None} == {
            "mysql.database", "mysql.event", "mysql.migrations", "mysql.role", "mysql.routine", "mysql.table", "mysql.view",
        }  # fmt: skip
        assert set(gaps(items).values()) == {GapReason.ACCESS_DENIED}
        assert by_identity(items, "mysql.server")["shop_staging"]["version"].startswith("1")
        assert told(breaches(COLLECTOR.kinds, taken(COLLECTOR, url, "staging"), production)) == []
        for _ in range(3):
            change = COLLECTOR.grant(COLLECTOR.options(**url), [item for item in items if isinstance(item, Gap)])
            server.run("", *(change.change.splitlines() if change else ()))
            items = read(COLLECTOR, url)
        assert gaps(items) == {}
        assert told(breaches(COLLECTOR.kinds, taken(COLLECTOR, url, "staging"), production)) == [
            _at("role", "nobody", "", "low")
        ]
    finally:
        server.run("", "drop user nobody@localhost")


def test_without_a_database_all_of_them_are_read(server: Server) -> None:
    """Each under its own name; the server's own are left out."""
    items = read(COLLECTOR, {"url": server.of(""), "schemas": {"include": ["shop_*"]}})
    assert gaps(items) == {}
    assert {"mysql.shop_prod", "mysql.shop_staging"} <= by_identity(items, "mysql.database").keys()
    assert not any(name.startswith(("mysql.mysql", "mysql.sys")) for name in by_identity(items, "mysql.database"))
    assert "mysql.shop_prod.orders" in by_identity(items, "mysql.table")


def test_hostile_names_are_read_as_they_are_and_limits_hold(server: Server, production: Snapshot) -> None:
    """Quotes, percent signs and a comment of a thousand characters; more objects than are read are a gap."""
    name = "a`b'c%s;drop table x"
    quoted = "`" + name.replace("`", "``") + "`"
    server.run(
        "shop_staging",
        f"create table {quoted} ({quoted} int primary key) comment '{'x' * 1000}'",
        f"create trigger {quoted} before insert on {quoted} for each row set new.{quoted} = 1",
        f"create view `v{name[2:]}` as select '{'y' * 10_000}' as a",
    )
    items = read(COLLECTOR, {"url": server.of("shop_staging")})
    few = {"url": server.of("shop_staging"), "limits": {"objects": 2}}
    cut = taken(COLLECTOR, few, "staging")
    server.run("shop_staging", f"drop table {quoted}", f"drop view `v{name[2:]}`")
    assert gaps(items) == {}
    table = by_identity(items, "mysql.table")[f"shop_staging.{name}"]
    assert (table["columns"][0]["name"], table["triggers"][0]["name"]) == (name, name)
    assert len(by_identity(items, "mysql.view")[f"shop_staging.v{name[2:]}"]["definition"]) < 4100
    assert ("mysql.table", GapReason.TRUNCATED) in {(gap.kind, gap.reason) for gap in cut.gaps}
    # What only staging has is told; what it has and was not read is not.
    assert ("", "high") not in {found[2:] for found in told(breaches(COLLECTOR.kinds, cut, production))}


def test_a_server_that_dies_midway_or_takes_too_long_leaves_gaps(server: Server, production: Snapshot) -> None:
    """The session is killed from outside after some answers: no table is called missing."""
    asked: list[str] = []

    def killed(_api: str, outcome: str) -> None:
        asked.append(outcome)
        if len(asked) == _MIDWAY:
            server.run("", "kill user app_staging@'%'")

    url = {"url": server.of("shop_staging", "app_staging", "CaNaRy-staging")}
    cut = taken(COLLECTOR, url, "staging", meter=killed)
    assert GapReason.UNREACHABLE in {gap.reason for gap in cut.gaps}
    assert "error" in asked
    assert [found for found in told(breaches(COLLECTOR.kinds, cut, production)) if found[2] == ""] == []


# Connecting, who we are and what we may, the server's own answers; the same again, and a first answer of the schema.
_MIDWAY = 14


@pytest.mark.parametrize(
    ("login", "reason"), [("app_staging:CaNaRy-wrong@", "access_denied"), ("nowhere:CaNaRy@", "access_denied")]
)
def test_a_wrong_password_is_denied_without_the_password(server: Server, login: str, reason: str) -> None:
    """Every kind is a gap, and nothing of the URL is told."""
    items = read(COLLECTOR, {"url": server.of("shop_staging").replace("root@", login)})
    assert {item.reason.value for item in items if isinstance(item, Gap)} == {reason}
    assert len(items) == len(COLLECTOR.kinds)
    assert "CaNaRy" not in str(items)


def test_a_server_that_accepts_and_says_nothing_is_a_timeout_and_a_closed_port_unreachable() -> None:
    """The connection's own deadline ends it."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"mysql://auditor:CaNaRy@127.0.0.1:{silent.getsockname()[1]}/shop"
        waiting = read(COLLECTOR, {"url": url, "connect_timeout": 2, "objects": False})
    assert [item.reason for item in waiting if isinstance(item, Gap)] == [GapReason.TIMEOUT]
    refused = read(COLLECTOR, {"url": url, "objects": False})
    assert [item.reason for item in refused if isinstance(item, Gap)] == [GapReason.UNREACHABLE]


def test_a_server_without_tls_is_refused_where_tls_is_asked_for(server: Server) -> None:
    """`ssl_ca` asks for it, and nothing is sent in the clear."""
    url = server.of("shop_staging") + "&ssl_verify_cert=true&ssl_ca=/etc/ssl/certs/ca-certificates.crt"
    items = read(COLLECTOR, {"url": url, "objects": False})
    assert [type(item) for item in items] == [Gap]


@pytest.mark.parametrize("url", ["postgresql://u:CaNaRy@h/d", "mysql://u:CaNaRy@h/d?x=CaNaRy", "CaNaRy"])
def test_a_url_that_is_wrong_is_refused_without_being_quoted(url: str) -> None:
    """Another product, an unknown parameter, no URL at all."""
    with pytest.raises(ValidationError) as caught:
        MySqlOptions.model_validate({"url": url})
    assert "CaNaRy" not in str(caught.value)
