"""Redis servers of their own, where Redis is installed."""

from __future__ import annotations

import shutil
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.daemon.waiting import eventually

Start = Callable[..., str]


@pytest.fixture(scope="module")
def start_redis() -> Iterator[Start]:
    """Starts a server with the settings given, and answers the path of its socket. All end with the module's tests."""
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("Redis is not installed: apt-get install redis-server")
    folder = Path(tempfile.mkdtemp(prefix="parity-redis-"))
    running: list[subprocess.Popen[bytes]] = []

    def start(*settings: str, port: int = 0) -> str:
        own = folder / str(len(running))
        own.mkdir()
        path = own / "socket"
        common = ["--port", str(port), "--dir", str(own), "--unixsocket", str(path), "--save", ""]
        (own / "redis.conf").touch()
        with (own / "log").open("wb") as log:
            command = [program, str(own / "redis.conf"), *common, *settings]
            running.append(subprocess.Popen(command, stdout=log, stderr=log))
        eventually(lambda: _answers(path) or running[-1].poll() is not None, 30)
        if running[-1].poll() is not None:
            raise RuntimeError((own / "log").read_text(errors="replace")[-2000:])
        return str(path)

    yield start
    for server in running:
        server.kill()
        server.wait(timeout=30)
    shutil.rmtree(folder, ignore_errors=True)


def _answers(path: Path) -> bool:
    """Whether the server is ready: its socket is there somewhat earlier."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(5)
        try:
            client.connect(str(path))
            client.sendall(b"PING\r\n")
            return bool(client.recv(64))
        except OSError:
            return False


def free_port() -> int:
    """A port of the loopback that nobody listens on."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])
