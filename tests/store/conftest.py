from __future__ import annotations

import itertools
import shutil
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from auditor.store import Store, schema

_NUMBERS = itertools.count()


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'auditor.db'}"


@pytest.fixture
def postgres_schema_url(postgres_url: str) -> str:
    """A database of its own for the test, as far as it can see: an empty schema on the shared server."""
    return _new_schema(postgres_url)


def _new_schema(postgres_url: str) -> str:
    name = f"store_{next(_NUMBERS)}"
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f"DROP SCHEMA IF EXISTS {name} CASCADE")
        connection.execute(f"CREATE SCHEMA {name}")
    return f"{postgres_url}{'&' if '?' in postgres_url else '?'}options=-csearch_path%3D{name}"


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest) -> str:
    """An SQLite file that is not there yet, and an empty PostgreSQL database."""
    name = "sqlite_url" if request.param == "sqlite" else "postgres_schema_url"
    return str(request.getfixturevalue(name))


@pytest.fixture(scope="session")
def sqlite_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite file with our tables, to be copied: that takes a hundredth of what making them does."""
    path = tmp_path_factory.mktemp("tables") / "auditor.db"
    schema.upgrade(f"sqlite:///{path}")
    return path


@pytest.fixture
def url(empty_url: str, sqlite_file: Path, request: pytest.FixtureRequest) -> str:
    """A database with our tables."""
    if empty_url.startswith("sqlite:///"):
        shutil.copy(sqlite_file, empty_url.removeprefix("sqlite:///"))
    else:
        script = str(request.getfixturevalue("postgres_script"))
        with psycopg.connect(empty_url, autocommit=True) as connection:
            connection.execute(script.encode())
    return empty_url


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def shared_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A database with our tables for all tests of a file that only read."""
    if request.param == "sqlite":
        made = f"sqlite:///{tmp_path_factory.mktemp('shared') / 'auditor.db'}"
    else:
        made = _new_schema(str(request.getfixturevalue("postgres_url")))
    schema.upgrade(made)
    return made


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    with Store.open(url) as opened:
        yield opened
