"""What the end-to-end tests share: the twins in one stand-in of AWS, and the command as a person starts it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from auditor.cli.exits import guarded
from auditor.cli.root import audit
from tests.collectors.aws.reading import CREDENTIALS, moto
from tests.e2e import twins


@dataclass(frozen=True)
class Outcome:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def report(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.out)
        return found


Run = Callable[..., Outcome]


@pytest.fixture(autouse=True)
def _surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AUDITOR_CONFIG", "AUDITOR_KEY", "COLUMNS", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)


@pytest.fixture(scope="module")
def company() -> Iterator[str]:
    """The address of a stand-in of AWS that holds both twins."""
    with moto() as url:
        for twin in twins.TWINS:
            twins.build(twin, url)
        yield url


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """The command, in this process."""

    def started(*arguments: object) -> Outcome:
        capsys.readouterr()
        code = guarded(audit, [str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return Outcome(int(code), captured.out, captured.err)

    return started
