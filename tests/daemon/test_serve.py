"""The service from outside: the real command, its pages, its log and its end."""

from __future__ import annotations

import json
import logging
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import psutil
import pytest

from auditor.daemon.leader import TAKEOVER_SECONDS
from auditor.daemon.serve import Ground, Service
from auditor.daemon.systemd import Notifier
from auditor.redact import Redactor
from auditor.registry import Registry
from auditor.scrub import Scrubber
from auditor.store import Store, schema
from tests.daemon.served import CONFIG, Serve, Served, company
from tests.daemon.waiting import eventually
from tests.receiver import receiving

FINDING = {"left": "staging", "right": "prod", "category": "config", "severity": "info", "status": "open"}


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
    assert second["audit_id"] > first["audit_id"]
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
    wrong = httpx.post(f"{running.address}/api/v1/audits", json={"left": "stagin", "right": "prod"}, trust_env=False)
    assert (wrong.status_code, wrong.json()) == (422, {"detail": "unknown environment 'stagin'"})
    assert running.get("/api/v1/audits/jobs/none").status_code == 404


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        ({"host": "rebound.example.com"}, b'{"left": "staging", "right": "prod"}', 421),
        ({"content-type": "text/plain"}, b'{"left": "staging", "right": "prod"}', 415),
        ({"content-type": "application/x-www-form-urlencoded"}, b"left=staging&right=prod", 415),
        ({"x-forwarded-for": "127.0.0.1"}, b'{"left": "staging", "right": "prod"}', 403),
        ({}, b'{"left": "staging"}', 422),
        ({}, b'{"left": "staging", "right": "prod", "policy": "none"}', 422),
        ({}, b"[" * 5000, 422),
        ({}, b" " * 10_001, 413),
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


def test_a_service_manager_hears_of_every_turn(serve: Serve, tmp_path: Path) -> None:
    """Ready, a reload by signal, one by itself, signs of life while it is healthy, its end; and the exit code is 0."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(30)
        folder = company(tmp_path)
        served = serve(folder, {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "200000"})

        def heard(wanted: str) -> str:
            while not (said := manager.recv(4096).decode()).startswith(wanted):
                pass
            return said

        assert "STATUS=leads; 1 pairs; http://127.0.0.1:" in heard("READY=1")
        heard("WATCHDOG=1")
        served.signal(signal.SIGHUP)
        assert "MONOTONIC_USEC=" in heard("RELOADING=1")
        heard("READY=1")
        assert served.said("The configuration was read again")["changed"] == []
        (folder / "auditor.yaml").write_text(CONFIG.replace("every 1s", "every 2s"))
        heard("RELOADING=1")
        heard("READY=1")
        since = len(served.lines)
        served.signal(signal.SIGTERM)
        heard("STOPPING=1")
        assert served.ended() == 0
        assert served.lines[-1]["event"] == "The service has stopped."
        assert served.lines[-1]["clean"] is True
        assert any(line.get("changed") == ["schedule of staging/prod changed"] for line in served.lines[:since])


def test_a_wrong_configuration_is_not_taken_over_and_the_audits_go_on(serve: Serve, tmp_path: Path) -> None:
    """The metric says so, the error is in the log, and what was right before is done until it is right again."""
    served = serve(company(tmp_path))
    served.becomes("parity_findings", 1, **FINDING)
    (tmp_path / "auditor.yaml").write_text(CONFIG.replace("right: prod", "right: prd"))
    assert "did you mean `prod`?" in served.said("The new configuration is wrong")["problems"]
    assert served.metric("parity_config_last_reload_successful") == 0
    since = len(served.lines)
    served.said("An audit ended.", since=since)
    (tmp_path / "staging" / "app.env").write_text("LOG_LEVEL=info\n")
    (tmp_path / "auditor.yaml").write_text(CONFIG)
    served.becomes("parity_config_last_reload_successful", 1)
    eventually(lambda: not served.metric("parity_findings", **FINDING), 30)
    assert served.stop() == 0


class Silent:
    """A server that takes connections and never answers."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._held: list[socket.socket] = []
        self.port = self._socket.getsockname()[1]

    def accept(self) -> None:
        """Wait for somebody, and let him wait."""
        self._held.append(self._socket.accept()[0])

    def close(self) -> None:
        for one in (*self._held, self._socket):
            one.close()


HANGING = """\
environments:
  staging: {{sources: [{{collector: http, services: {{api: "http://127.0.0.1:{port}/version"}}}}]}}
  prod: {{sources: [{{collector: files, path: prod}}]}}
pairs: [{{left: staging, right: prod, schedule: every 1s}}]
serve: {{port: 0, drain: {drain}}}
"""


@pytest.fixture
def silent() -> Iterator[Silent]:
    server = Silent()
    yield server
    server.close()


def test_what_is_still_running_when_the_time_is_up_is_broken_off(serve: Serve, tmp_path: Path, silent: Silent) -> None:
    """A far side that hangs holds up the end for as long as `serve.drain` says, and no longer; nothing is half recorded."""
    served = serve(company(tmp_path, HANGING.format(port=silent.port, drain="3s")))
    silent.accept()
    began = time.monotonic()
    served.signal(signal.SIGTERM)
    assert served.said("The service stops")["jobs"] == ["audit:staging:prod"]
    assert served.ended() == 0
    assert time.monotonic() - began < 15
    with Store.open(f"sqlite:///{tmp_path / 'auditor.db'}") as store:
        assert store.audits() == ()


def test_a_second_request_to_stop_is_obeyed_at_once(serve: Serve, tmp_path: Path, silent: Silent) -> None:
    """Whoever cannot wait asks again."""
    served = serve(company(tmp_path, HANGING.format(port=silent.port, drain="10m")))
    silent.accept()
    served.signal(signal.SIGTERM)
    served.said("The service stops")
    # Until then a second one counts as the same request.
    threading.Event().wait(0.6)
    served.signal(signal.SIGINT)
    assert served.ended(10) == 128 + signal.SIGINT


def test_what_changes_is_told_and_no_secret_is_said(serve: Serve, tmp_path: Path) -> None:
    """A webhook gets the new finding and, after the file is mended, that it is gone; the log never shows its address."""
    with receiving() as receiver:
        config = CONFIG + "publish: {webhook: {url: '${HOOK}', secret: '${HOOK_SIGN}'}}\n"
        environ = {"HOOK": f"{receiver.url}/canary-path-5512", "HOOK_SIGN": "canary-sign-5513"}
        served = serve(company(tmp_path, config), environ, "--log-level", "debug")
        eventually(lambda: len(receiver.received) == 1, 30)
        (tmp_path / "staging" / "app.env").write_text("LOG_LEVEL=info\n")
        eventually(lambda: len(receiver.received) == 2, 30)
        assert served.stop() == 0
    events = [json.loads(received.body) for received in receiver.received]
    told = [[change["happening"] for change in event["data"]["changes"]] for event in events]
    assert told == [["new"], ["resolved"]]
    text = json.dumps([served.lines, served.noise])
    assert "canary" not in text
    assert [line for line in served.lines if line["level"] in ("warning", "error")] == []


def test_a_database_without_our_tables_is_refused_with_the_remedy(
    serve: Serve, tmp_path: Path, postgres_url: str
) -> None:
    """PostgreSQL is brought up to date by a person, on purpose."""
    company(tmp_path, CONFIG + "store: ${DATABASE}\n")
    url = f"{postgres_url}{'&' if '?' in postgres_url else '?'}options=-csearch_path%3Dnowhere_yet"
    served = serve(tmp_path, {"DATABASE": url})
    assert served.ended() == 4
    assert "audit db upgrade" in "".join(served.noise)


@pytest.fixture
def server() -> Iterator[object]:
    """A PostgreSQL server that the test may stop."""
    from tests.daemon.servers import own_server

    yield from own_server()


def test_copies_on_postgresql_share_the_work_and_outlive_each_other_and_the_server(
    serve: Serve, tmp_path: Path, server: object
) -> None:
    """One leads; killed, the other leads within the bound; the server gone, it waits; back again, it goes on."""
    url = server.get_uri()  # type: ignore[attr-defined]
    schema.upgrade(url)
    company(tmp_path, CONFIG + "store: ${DATABASE}\n")
    first = serve(tmp_path, {"DATABASE": url})
    first.becomes("parity_leader", 1)
    second = serve(tmp_path, {"DATABASE": url})
    second.becomes("parity_findings", 1, **FINDING)
    assert second.metric("parity_leader") == 0
    assert second.get("/readyz").json()["checks"]["leader"]["detail"].endswith(f":{first.process.pid} leads")
    assert not [line for line in second.lines if line["event"].startswith("An audit")]

    killed = time.monotonic()
    first.signal(signal.SIGKILL)
    second.becomes("parity_leader", 1)
    assert time.monotonic() - killed < TAKEOVER_SECONDS + 1
    second.said("An audit ended.")

    server.stop()  # type: ignore[attr-defined]
    eventually(lambda: second.get("/readyz").status_code == 503, 30)
    assert second.get("/healthz").status_code == 200
    assert second.metric("parity_store_up") == 0
    assert second.metric("parity_leader") == 0
    since = len(second.lines)
    server.ensure_postgres_running()  # type: ignore[attr-defined]
    eventually(lambda: second.get("/readyz").status_code == 200, 30)
    second.said("An audit ended.", since=since)
    assert second.metric("parity_findings", **FINDING) == 1
    assert second.stop() == 0


def test_a_service_that_is_stopped_leaves_no_thread_behind(tmp_path: Path) -> None:
    """Started, reloaded and stopped four times in one process: the threads are those that there were before."""
    company(tmp_path)
    logging.getLogger("auditor").addHandler(logging.NullHandler())
    ground = Ground(
        file=tmp_path / "auditor.yaml",
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
