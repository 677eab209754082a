"""A database with the tables for workers, a far side that takes its time, and worker processes that end with the test."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from auditor.workers import place
from tests.workers.company import Slow, Staff

_NUMBERS = itertools.count()


@pytest.fixture
def store_url(postgres_url: str) -> str:
    """A schema of its own on the shared server, with the tables for workers beside it."""
    name = f"fleet_{os.getpid()}_{next(_NUMBERS)}"
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {name}")
    url = f"{postgres_url}{'&' if '?' in postgres_url else '?'}options=-csearch_path%3D{name}"
    assert place.upgrade(place.place_of(url))
    return url


@pytest.fixture
def slow() -> Iterator[Slow]:
    with Slow() as server:
        yield server


@pytest.fixture
def staff(tmp_path: Path) -> Iterator[Staff]:
    hired = Staff(tmp_path)
    yield hired
    hired.dismiss()
