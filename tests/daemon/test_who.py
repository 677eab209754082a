"""The service asks who made changes, as the command does."""

from __future__ import annotations

import subprocess
import threading
from datetime import UTC, datetime
from pathlib import Path

from auditor.daemon.loaded import load
from auditor.daemon.work import Auditing
from auditor.meters import Unmetered
from auditor.redact import Redactor
from auditor.registry import Registry
from auditor.sharing import Sharing
from auditor.store import Store

CONFIG = """\
environments:
  staging: {sources: [{collector: files, path: deploy/staging}]}
  prod: {sources: [{collector: files, path: deploy/prod}]}
pairs:
  - {left: staging, right: prod}
"""


def committed(root: Path, environment: str, text: str, author: str) -> None:
    file = root / "deploy" / environment / "app.env"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    quiet = ("git", "-c", "user.name=x", "-c", "user.email=x@example.com", "-c", "commit.gpgsign=false")
    for arguments in (("init", "-q"), ("add", "."), ("commit", "-qm", "x", f"--author={author} <a@example.com>")):
        subprocess.run([*quiet, *arguments], cwd=root, check=True, capture_output=True, env={})


def test_an_audit_of_the_service_says_who_committed_a_change(tmp_path: Path) -> None:
    """Where the files are git's: of the left and of the right, each by whoever committed it."""
    (tmp_path / "auditor.yaml").write_text(CONFIG)
    for environment in ("staging", "prod"):
        committed(tmp_path, environment, "MODE=calm\nDEPTH=300\n", "Bo")
    registry, told = Registry.load(), list[str]()
    with Store.open(f"sqlite:///{tmp_path / 'auditor.db'}") as store:
        auditing = Auditing(
            store=store,
            registry=registry,
            redactor=Redactor(b"k" * 32),
            sharing=Sharing(),
            meters=Unmetered(),
            clock=lambda: datetime.now(UTC),
            loaded=lambda: load(tmp_path / "auditor.yaml", registry=registry, environ={}, now=datetime.now(UTC)),
            recorded=lambda: told.append("recorded"),
        )

        def authors() -> dict[str, str | None]:
            audit = auditing.audited("staging", "prod", datetime.now(UTC), threading.Event())
            moved = {finding.breach.path[-1]: finding.moved for finding in audit.findings}
            return {key: one.author.principal for key, one in moved.items() if one and one.author}

        assert authors() == {}
        committed(tmp_path, "prod", "MODE=wild\nDEPTH=300\n", "Ada Lovelace")
        assert authors() == {"MODE": "Ada Lovelace"}
        committed(tmp_path, "staging", "MODE=calm\nDEPTH=500\n", "Grace Hopper")
        assert authors() == {"MODE": "Ada Lovelace", "DEPTH": "Grace Hopper"}
    assert len(told) == 3
