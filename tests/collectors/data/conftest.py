"""Databases to sample: the shop as production has it, on PostgreSQL and on MariaDB."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pymysql
import pytest

from tests.collectors.data import shops

_NUMBERS = itertools.count()
Rows = Iterator[tuple[str, list[tuple[Any, ...]]]]


@dataclass(frozen=True)
class Server:
    """A server to make databases on. `run` runs statements in one of them, as its administrator."""

    engine: str
    url_of: Callable[[str], str]
    run: Callable[..., list[tuple[Any, ...]]]

    def database(self, rows: Rows | None = None) -> str:
        """A new database with these rows of the shop; its name. It goes with its server."""
        name = f"shop_{next(_NUMBERS)}"
        self.run("", f"create database {name}")
        for statement, parameters in shops.statements(rows) if rows is not None else ():
            self.run(name, statement, parameters)
        return name


@pytest.fixture(scope="session")
def postgres_server(postgres_url: str) -> Server:
    def url_of(name: str) -> str:
        return postgres_url.replace("@/postgres", f"@/{name or 'postgres'}")

    def run(name: str, statement: str, rows: list[tuple[Any, ...]] | None = None) -> list[tuple[Any, ...]]:
        with psycopg.connect(url_of(name), autocommit=True) as connection, connection.cursor() as cursor:
            if rows:
                cursor.executemany(statement.encode(), rows)
                return []
            cursor.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    return Server("postgresql", url_of, run)


@pytest.fixture(scope="session")
def mariadb_server(mariadb_url: str) -> Server:
    def url_of(name: str) -> str:
        return mariadb_url.replace("localhost/", f"localhost/{name}")

    def run(name: str, statement: str, rows: list[tuple[Any, ...]] | None = None) -> list[tuple[Any, ...]]:
        socket = urlsplit(mariadb_url).query.partition("=")[2]
        connection = pymysql.connect(unix_socket=socket, user="root", database=name or None, autocommit=True)
        try:
            with connection.cursor() as cursor:
                if rows:
                    cursor.executemany(statement, rows)
                    return []
                cursor.execute(statement)
                return list(cursor.fetchall())
        finally:
            connection.close()

    return Server("mariadb", url_of, run)


@pytest.fixture(params=["postgresql", "mariadb"], scope="session")
def server(request: pytest.FixtureRequest) -> Server:
    found: Server = request.getfixturevalue("postgres_server" if request.param == "postgresql" else "mariadb_server")
    return found
