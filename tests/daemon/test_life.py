"""How the service begins, changes and ends, as whoever manages it sees that."""

from __future__ import annotations

import signal
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from auditor.store import Store
from tests.daemon.served import CONFIG, FINDING, Serve, company
from tests.daemon.waiting import eventually


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
        changed = ["schedule of staging/prod changed"]
        # The manager may hear of it before the line has come through the pipe.
        eventually(lambda: any(line.get("changed") == changed for line in served.lines))
        served.signal(signal.SIGTERM)
        heard("STOPPING=1")
        assert served.ended() == 0
        assert served.lines[-1]["event"] == "The service has stopped."
        assert served.lines[-1]["clean"] is True


def test_an_audit_that_saw_too_little_is_a_warning_that_says_what(serve: Serve, tmp_path: Path) -> None:
    """Whoever looks for warnings only must not take it for good news."""
    served = serve(company(tmp_path))
    assert served.said("An audit ended.")["level"] == "info"
    (tmp_path / "staging" / "more.json").write_text("{")
    line = served.said("An audit ended. Not everything could be observed.")
    assert (line["level"], line["outcome"], line["gaps"]) == ("warning", "incomplete", 1)
    assert line["not_observed"] == ["staging: malformed"]


def test_a_wrong_configuration_is_not_taken_over_and_the_audits_go_on(serve: Serve, tmp_path: Path) -> None:
    """The metric says so, the error is in the log, and what was right before is done until it is right again."""
    served = serve(company(tmp_path))
    served.becomes("parity_findings", 1, **FINDING)
    (tmp_path / "auditor.yaml").write_text(CONFIG.replace("right: prod", "right: prd"))
    assert "did you mean `prod`?" in served.said("The new configuration is wrong")["problems"][0]
    assert served.metric("parity_config_last_reload_successful") == 0
    since = len(served.lines)
    served.said("An audit ended.", since=since)
    (tmp_path / "staging" / "app.env").write_text("LOG_LEVEL=info\n")
    (tmp_path / "auditor.yaml").write_text(CONFIG)
    served.becomes("parity_config_last_reload_successful", 1)
    eventually(lambda: not served.metric("parity_findings", **FINDING))
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
    assert served.ended() == 128 + signal.SIGINT
