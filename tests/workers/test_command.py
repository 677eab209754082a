"""`audit worker` as its users start it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from urllib.request import urlopen

import pytest

from auditor.cli.exits import guarded
from auditor.cli.root import audit as root
from tests.daemon.waiting import eventually
from tests.workers.company import Slow

ROOT = Path(__file__).resolve().parents[2]
CONFIG = """\
store: {store}
environments:
  staging: {{sources: [{{collector: http, services: {{api: "{url}/a/1"}}}}, {{collector: files, path: staging}}]}}
  prod: {{sources: [{{collector: http, services: {{api: "{url}/b/12"}}}}, {{collector: files, path: prod}}]}}
pairs: [{{left: staging, right: prod}}]
collect: {{engine: {engine}, timeout: 60}}
"""


def test_a_worker_reads_what_audit_now_asks_for(
    store_url: str, slow: Slow, company: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """From `audit db upgrade` to the end by SIGTERM: ready, counted, logged with the run, exit code 0.

    Of each environment's two sources one means this machine: `audit now` reads that itself."""
    (company / "auditor.yaml").write_text(CONFIG.format(store=json.dumps(store_url), url=slow.url, engine="workers"))
    assert guarded(root, ["db", "upgrade"]) == 0
    assert "The tables for workers are up to date." in capsys.readouterr().out
    command = [sys.executable, "-m", "auditor", "worker", "--listen", "127.0.0.1:0", "--log-format", "json"]
    with (company / "log").open("w") as log:
        worker = subprocess.Popen(command, stderr=log)
    try:
        began = eventually(lambda: said(company, "The worker runs."), 60)
        guarded(root, ["now", "staging", "prod", "--format", "json"])
        audit = json.loads(capsys.readouterr().out)
        assert audit["gaps"] == []
        assert {finding["kind"] for finding in audit["findings"]} == {"http.version", "env.file"}
        assert urlopen(f"{began['address']}/readyz", timeout=10).read() == b"ready\n"
        metrics = urlopen(f"{began['address']}/metrics", timeout=10).read().decode()
        assert re.search(r'^parity_worker_jobs_total\{outcome="done"\} 4\.0$', metrics, re.MULTILINE)
        assert 'parity_api_requests_total{api="http",environment="prod",outcome="ok"} 1.0' in metrics
    finally:
        worker.terminate()
        code = worker.wait(60)
    assert code == 0
    read = said(company, "A part was read.")
    assert re.fullmatch(r"(staging|prod)/0/plan", read["part"])
    assert re.fullmatch(r"[0-9a-f]{32}", read["run"])


def test_a_worker_that_nobody_would_ask_does_not_start(company: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Where threads read, it says what to write; exit code 2, and no key or file is made."""
    there = sorted(company.iterdir())
    (company / "auditor.yaml").write_text(
        CONFIG.format(store="sqlite:///a.db", url="https://x.example", engine="threads")
    )
    assert guarded(root, ["worker"]) == 2
    assert "write `collect: {engine: workers}`, with a PostgreSQL `store`" in capsys.readouterr().err
    assert sorted(company.iterdir()) == [company / "auditor.yaml", *there]


@pytest.fixture
def company(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that commands run in, with a file for each environment."""
    for name in ("staging", "prod"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "app.env").write_text(f"LEVEL={len(name)}\n")
    for name in [name for name in os.environ if name.startswith("AUDITOR_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AUDITOR_KEY", "k" * 40)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def said(folder: Path, event: str) -> dict[str, str]:
    """The first whole line of the log that says so."""
    lines = (json.loads(line) for line in (folder / "log").read_text().split("\n")[:-1])
    return next((line for line in lines if line["event"] == event), {})
