"""A small company of two folders, and the command as a person starts it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from auditor.cli.exits import guarded
from auditor.cli.root import audit

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

CONFIG = """\
# written by hand
environments:
  staging:
    aliases: [stg]
    sources: [{collector: files, path: deploy/staging}]
  prod:
    sources: [{collector: files, path: deploy/prod}]
pairs:
  - {left: staging, right: prod, policies: [house]}
policies: [./rules]
"""
RULES = """\
policy: house
about: What this house cares about
rules:
  - id: log-level
    about: Production logs less, so what staging shows is not what production will show
    kind: env.file
    path: LOG_LEVEL
    expect: equal
    severity: high
  - id: ratio
    about: Sampling is a matter of taste
    kind: env.file
    path: SAMPLING
    expect: equal
    severity: low
  - id: own-passwords
    about: Whoever reads the password of one environment must not hold that of the other
    kind: env.file
    path: DB_PASSWORD
    expect: differ
    severity: critical
"""


@dataclass(frozen=True)
class Outcome:
    """What a command left behind."""

    code: int
    out: str
    err: str


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Callable[..., Outcome]:
    """The command, in this process, in the current folder."""

    def started(*arguments: str) -> Outcome:
        capsys.readouterr()
        code = guarded(audit, arguments)
        captured = capsys.readouterr()
        return Outcome(int(code), captured.out, captured.err)

    return started


@pytest.fixture
def company(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a configuration, rules and two environments of one file each, which agree."""
    for name in ("AUDITOR_CONFIG", "AUDITOR_KEY", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "auditor.yaml").write_text(CONFIG)
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "house.yaml").write_text(RULES)
    for name in ("staging", "prod"):
        (tmp_path / "deploy" / name).mkdir(parents=True)
        (tmp_path / "deploy" / name / "app.env").write_text("LOG_LEVEL=info\nSAMPLING=10\n")
    return tmp_path
