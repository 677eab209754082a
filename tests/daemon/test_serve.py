"""The service from outside: the real command, its pages, its log and its end."""

from __future__ import annotations

import json
import logging
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import psutil
import pytest

from auditor.daemon.serve import Ground, Service
from auditor.daemon.systemd import Notifier
from auditor.redact import Redactor
from auditor.registry import Registry
from auditor.scrub import Scrubber
from auditor.store import Store
from tests.daemon.served import CONFIG, FINDING, Serve, Served, company
from tests.daemon.waiting import eventually
from tests.receiver import receiving


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A service that tests only look at, after its first audit."""
    served = Served(company(tmp_path_factory.mktemp("running")))
    try:
        served.said("An audit ended.")
        yield served
    finally:
        served.close()


def test_a_service_audits_by_its_schedule_and_tells_prometheus(running: Served) -> None:
    """Again and again, each with its ids in the log; what is in the store is in the metrics."""
    first = running.said("An audit ended.")
    second = running.said("An audit ended.", since=running.lines.index(first) + 1)
    assert second["audit_id"] != first["audit_id"]
    assert first["job_id"] == "audit:staging:prod"
    assert (first["outcome"], first["findings"]) == ("complete", 1)
    assert running.metric("parity_findings", **FINDING) == 1
    assert running.metric("parity_leader") == 1
    assert running.metric("parity_store_up") == 1
    assert running.metric("parity_config_last_reload_successful") == 1
    assert (running.metric("parity_audits_total", left="staging", right="prod", outcome="complete") or 0) >= 2
    assert "openmetrics" in running.get("/metrics", accept="application/openmetrics-text").headers["content-type"]
    assert running.noise == []


def test_a_service_says_that_it_is_alive_and_ready(running: Served) -> None:
    """Every loop comes round, the store answers, the tables are right, and it leads."""
    assert running.get("/healthz").json() == {"alive": True, "silent_seconds": {}}
    answer = running.get("/readyz")
    assert answer.status_code == 200
    assert {name: check["ok"] for name, check in answer.json()["checks"].items()} == {
        "store": True,
        "migrations": True,
        "leader": True,
    }


def test_an_audit_can_be_asked_for(running: Served) -> None:
    """202 with the place where its outcome can be read; unknown environments are named with the nearest one."""
    asked = httpx.post(f"{running.address}/api/v1/audits", json={"left": "staging", "right": "prod"}, trust_env=False)
    assert asked.status_code == 202
    place = asked.headers["location"]
    assert place == f"/api/v1/audits/jobs/{asked.json()['id']}"
    job = eventually(lambda: (found := running.get(place).json())["state"] == "done" and found)
    assert job["audit_id"]
    assert job["error"] is None
    said = running.said("An audit was asked for.")
    assert (said["job_id"], said["left"], said["right"]) == (asked.json()["id"], "staging", "prod")
    wrong = httpx.post(f"{running.address}/api/v1/audits", json={"left": "stagin", "right": "prod"}, trust_env=False)
    assert (wrong.status_code, wrong.json()["detail"]) == (422, "unknown environment 'stagin'")
    assert running.get("/api/v1/audits/jobs/none").status_code == 404


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        ({"host": "rebound.example.com"}, b'{"left": "staging", "right": "prod"}', 421),
        ({"content-type": "text/plain"}, b'{"left": "staging", "right": "prod"}', 403),
        ({"content-type": "application/x-www-form-urlencoded"}, b"left=staging&right=prod", 403),
        ({"x-forwarded-for": "127.0.0.1"}, b'{"left": "staging", "right": "prod"}', 403),
        ({}, b'{"left": "staging"}', 422),
        ({}, b'{"left": "staging", "right": "prod", "policy": "none"}', 422),
        ({}, b"[" * 5000, 422),
        ({}, b" " * 2_000_001, 413),
        ({}, b"\xff", 422),
    ],
)
def test_who_may_ask_and_how_is_checked(running: Served, headers: dict[str, str], body: bytes, status: int) -> None:
    """No page elsewhere, no proxy, no form, nothing but the two names; the refusal is one sentence."""
    answer = httpx.post(
        f"{running.address}/api/v1/audits",
        content=body,
        headers={"content-type": "application/json", **headers},
        trust_env=False,
    )
    assert answer.status_code == status
    assert isinstance(answer.json()["detail"], str)


def test_clicks_that_nobody_can_have_signed_are_refused(running: Served) -> None:
    """Without a signing secret no request over HTTP is Slack's."""
    answer = httpx.post(f"{running.address}/slack/interactions", content=b"payload={}", trust_env=False)
    assert answer.status_code == 401


def test_a_second_service_beside_sqlite_is_refused_and_a_command_is_not(running: Served) -> None:
    """Exit code 2 and the first one's host and process; `audit now` works beside the service."""
    folder = Path(psutil.Process(running.process.pid).cwd())
    second = Served(folder)
    try:
        assert second.ended() == 2
        assert f"{socket.gethostname()}:{running.process.pid}" in "".join(second.noise)
        assert "PostgreSQL" in "".join(second.noise)
        assert second.lines == []
    finally:
        second.close()
    command = [sys.executable, "-m", "auditor", "now", "staging", "prod", "--format", "json"]
    done = subprocess.run(
        command,
        cwd=folder,
        env={"PYTHONPATH": str(Path(__file__).resolve().parents[2])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert len(json.loads(done.stdout)["findings"]) == 1


def test_a_lock_that_cannot_be_used_is_not_said_to_be_another_service(serve: Serve, tmp_path: Path) -> None:
    """As on a disk that is read-only, where the file may still name who held it last."""
    folder = company(tmp_path)
    (folder / "auditor.db.lock").mkdir()
    served = serve(folder)
    assert served.ended() == 4
    noise = "".join(served.noise)
    assert "its lock auditor.db.lock cannot be used: Is a directory; the folder must be writable" in noise
    assert "another" not in noise


def test_what_nobody_audits_is_said(serve: Serve, tmp_path: Path) -> None:
    """A service without a schedule looks calm for ever; so does a pair without one."""
    served = serve(company(tmp_path, CONFIG.replace(", schedule: every 1s", "")))
    line = served.said("No pair has a schedule")
    assert (line["level"], line["pairs"]) == ("warning", ["staging/prod"])
    more = CONFIG.replace("pairs:\n", "pairs:\n  - {left: prod, right: staging}\n")
    (tmp_path / "auditor.yaml").write_text(more)
    assert served.said("Some pairs have no schedule")["pairs"] == ["prod/staging"]


def test_what_changes_is_told_and_no_secret_is_said(serve: Serve, tmp_path: Path) -> None:
    """A webhook gets the new finding and, after the file is mended, that it is gone; the log never shows its address."""
    with receiving() as receiver:
        config = CONFIG + "publish: {webhook: {url: '${HOOK}', secret: '${HOOK_SIGN}'}}\n"
        environ = {"HOOK": f"{receiver.url}/canary-path-5512", "HOOK_SIGN": "canary-sign-5513"}
        served = serve(company(tmp_path, config), environ, "--log-level", "debug")
        eventually(lambda: len(receiver.received) == 1)
        # As a whole: an audit that came while it is written would find nothing in it.
        (tmp_path / "mended.env").write_text("LOG_LEVEL=info\n")
        (tmp_path / "mended.env").rename(tmp_path / "staging" / "app.env")
        eventually(lambda: len(receiver.received) == 2)
        assert served.stop() == 0
    events = [json.loads(received.body) for received in receiver.received]
    told = [[change["happening"] for change in event["data"]["changes"]] for event in events]
    assert told == [["new"], ["resolved"]]
    text = json.dumps([served.lines, served.noise])
    assert "canary" not in text
    # That a second is too short for an audit says how busy this machine is.
    complaints = [line["event"] for line in served.lines if line["level"] in ("warning", "error")]
    assert [event for event in complaints if not event.startswith("A run takes longer than its schedule")] == []


def test_a_service_that_is_stopped_leaves_no_thread_behind(tmp_path: Path) -> None:
    """Started, reloaded and stopped four times in one process: the threads are those that there were before."""
    company(tmp_path)
    logging.getLogger("auditor").addHandler(logging.NullHandler())
    ground = Ground(
        file=tmp_path / "auditor.yaml",
        key=b"k" * 32,
        registry=Registry.load(),
        redactor=Redactor(b"k" * 32),
        scrubber=Scrubber({}),
        notifier=Notifier(None),
        environ={},
        clock=lambda: datetime.now(UTC),
    )
    before = set(threading.enumerate())
    for _ in range(4):
        with Store.open(ground.load().config.store) as store:
            audits = len(store.audits())
            service = Service(ground, ground.load(), store)
            service.start()
            eventually(lambda known=audits, kept=store: len(kept.audits()) > known)  # type: ignore[misc]
            assert httpx.get(f"{service.address}/readyz", trust_env=False).status_code == 200
            service.reload()
            assert service.stop()
        assert [thread.name for thread in set(threading.enumerate()) - before] == []
