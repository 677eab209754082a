"""One service for a module's tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from auditor.daemon.serve import Service
from auditor.store import Store
from tests.web.access.doors import NOW, Clock, service


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Service, Store, Clock]]:
    with service(tmp_path_factory.mktemp("access")) as standing:
        yield standing


@pytest.fixture
def standing(built: tuple[Service, Store, Clock]) -> tuple[Service, Store, Clock]:
    """The module's service, at the time at which it began."""
    built[2].now = NOW
    return built


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path
