"""What the service manager is told, received by a real datagram socket."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from auditor.daemon.systemd import Notifier

ROOT = Path(__file__).resolve().parents[2]
UNIT = ROOT / "deploy" / "systemd" / "parity-auditor.service"


class Manager:
    """Listens as the service manager does."""

    def __init__(self, address: str) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(address)
        self.socket.settimeout(5)

    def heard(self) -> list[str]:
        return self.socket.recv(4096).decode().split("\n")


@pytest.fixture(params=["path", "abstract"])
def told(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Manager, str]]:
    """A manager, and NOTIFY_SOCKET as it would set it: a path, or an abstract address."""
    name = f"parity-test-{os.getpid()}-{id(request)}"
    shown = str(tmp_path / "notify") if request.param == "path" else f"@{name}"
    manager = Manager(shown if request.param == "path" else f"\0{name}")
    yield manager, shown
    manager.socket.close()


def test_the_manager_is_told_of_every_turn(told: tuple[Manager, str]) -> None:
    """Ready, reloading with the time of it, ready again, alive, stopping: a datagram each."""
    manager, address = told
    notifier = Notifier.of({"NOTIFY_SOCKET": address})
    notifier.ready("leads; 2 pairs")
    assert manager.heard() == ["READY=1", "STATUS=leads; 2 pairs"]
    notifier.reloading()
    reloading, since = manager.heard()
    assert reloading == "RELOADING=1"
    assert since.removeprefix("MONOTONIC_USEC=").isdecimal()
    notifier.alive()
    assert manager.heard() == ["WATCHDOG=1"]
    notifier.status("two\nlines")
    assert manager.heard() == ["STATUS=two lines"]
    notifier.stopping("bye")
    assert manager.heard() == ["STOPPING=1", "STATUS=bye"]


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "30000000"}, timedelta(seconds=30)),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "77"}, timedelta(seconds=30)),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "78"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
    ],
)
def test_the_watchdog_is_the_one_that_is_meant_for_this_process(
    environ: dict[str, str], expected: timedelta | None
) -> None:
    """Its period in microseconds; nobody's where it names another process or is no number."""
    assert Notifier.of(environ, pid=77).watchdog == expected


def test_a_manager_that_does_not_listen_is_no_failure(tmp_path: Path) -> None:
    """Nobody there, or nobody asked: the service goes on."""
    Notifier.of({"NOTIFY_SOCKET": str(tmp_path / "nowhere")}).ready("leads")
    Notifier.of({}).alive()


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
def test_the_unit_is_understood_and_gives_nothing_away(tmp_path: Path) -> None:
    """systemd finds nothing wrong with it, and rates what it exposes as little."""
    # The program is not installed where the unit expects it.
    text = UNIT.read_text().replace("/opt/parity-auditor/bin/audit", "/bin/true")
    copy = tmp_path / UNIT.name
    copy.write_text(text)
    verified = subprocess.run(["systemd-analyze", "verify", str(copy)], capture_output=True, text=True, check=False)
    # Whatever it says of other units of this machine is not ours.
    assert [line for line in verified.stderr.splitlines() if UNIT.name in line] == []
    rated = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--threshold=20", "--no-pager", str(copy)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert rated.returncode == 0, rated.stdout.splitlines()[-1]
