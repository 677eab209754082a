"""Services in processes of their own, which end with the test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.daemon.served import Serve, Served


@pytest.fixture
def serve() -> Iterator[Serve]:
    started: list[Served] = []

    def start(*arguments: object, **options: object) -> Served:
        served = Served(*arguments, **options)  # type: ignore[arg-type]
        started.append(served)
        return served

    yield start
    for served in started:
        served.close()
