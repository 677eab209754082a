"""A real Prometheus and a real Alertmanager for tests: Debian's binaries, on loopback, ended when the block is left."""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import httpx
import pytest
import yaml

T = TypeVar("T")

PROMETHEUS, PROMTOOL, ALERTMANAGER, AMTOOL = "prometheus", "promtool", "prometheus-alertmanager", "amtool"
_START_SECONDS = 30.0
_END_SECONDS = 10.0
_TRIES = 5
_NO_EVENT = threading.Event()


def needs(*programs: str) -> pytest.MarkDecorator:
    """Skip, and say what to install, where one of the programs is not on the path."""
    missing = [program for program in programs if shutil.which(program) is None]
    packages = "prometheus-alertmanager" if missing in ([ALERTMANAGER], [AMTOOL]) else "prometheus"
    reason = f"{', '.join(missing)} not installed: apt-get install {packages}"
    return pytest.mark.skipif(bool(missing), reason=reason)


def until(look: Callable[[], T | None], what: str, seconds: float = 20.0) -> T:
    """The first answer of `look` that is neither None nor empty; an AssertionError naming `what` when it takes too long."""
    end = time.monotonic() + seconds
    while True:
        found = look()
        if found:
            return found
        if time.monotonic() > end:
            raise AssertionError(f"{what}: not within {seconds:g} s")
        _NO_EVENT.wait(0.05)


@dataclass(frozen=True, slots=True)
class Series:
    """One series of an answer: its labels (with `__name__`), and its points as (Unix seconds, value)."""

    labels: Mapping[str, str]
    points: tuple[tuple[float, float], ...]

    @property
    def value(self) -> float:
        return self.points[-1][1]


@dataclass(frozen=True, slots=True)
class Prometheus:
    """A running Prometheus. `url` has no slash at its end."""

    url: str
    folder: Path

    def query(self, expression: str, at: datetime | None = None) -> list[Series]:
        """The series of an instant query, in no order; at the server's now unless `at` says otherwise."""
        given = {"query": expression} | ({"time": f"{at.timestamp():.3f}"} if at is not None else {})
        return [Series(each["metric"], _points([each["value"]])) for each in _vector(self.get("query", given))]

    def query_range(self, expression: str, start: datetime, end: datetime, step: timedelta) -> list[Series]:
        """The series of a range query."""
        given = {"query": expression, "start": f"{start.timestamp():.3f}", "end": f"{end.timestamp():.3f}"}
        data = self.get("query_range", {**given, "step": f"{step.total_seconds():g}"})
        return [Series(each["metric"], _points(each["values"])) for each in data["result"]]

    def value(self, expression: str) -> float | None:
        """The value of a query that answers exactly one series, else None."""
        found = self.query(expression)
        return found[0].value if len(found) == 1 else None

    def get(self, path: str, given: Mapping[str, str] | None = None) -> Any:
        """`data` of an API answer (`query`, `rules`, `targets`, `alerts`, ...). Raises AssertionError with its error."""
        # No TLS on loopback: to read the certificates of authorities for it costs more than the answer.
        answer = httpx.get(f"{self.url}/api/v1/{path}", params=dict(given or {}), timeout=30, verify=False)
        body = answer.json()
        assert body["status"] == "success", f"{path} {dict(given or {})}: {body.get('error')}"
        return body["data"]


@dataclass(frozen=True, slots=True)
class Alertmanager:
    """A running Alertmanager, not clustered."""

    url: str
    folder: Path

    @property
    def address(self) -> str:
        """`host:port`, as `targets:` of Prometheus' `alerting:` wants it."""
        return self.url.removeprefix("http://")

    def alerts(self) -> list[dict[str, Any]]:
        """The alerts that it holds, as its API tells them."""
        answer = httpx.get(f"{self.url}/api/v2/alerts", timeout=30)
        answer.raise_for_status()
        found: list[dict[str, Any]] = answer.json()
        return found


@contextlib.contextmanager
def running_prometheus(folder: Path, config: Mapping[str, Any] | str) -> Iterator[Prometheus]:
    """Start Prometheus with `config` (YAML text, or what it says), data and log in `folder`; wait until it is ready."""
    folder = folder.resolve()
    file = _written(folder / "prometheus.yml", config)
    options = [
        f"--config.file={file}",
        f"--storage.tsdb.path={folder / 'data'}",
        "--enable-feature=exemplar-storage",
        "--log.level=warn",
    ]
    with _started([PROMETHEUS, *options], folder) as url:
        yield Prometheus(url, folder)


@contextlib.contextmanager
def running_alertmanager(folder: Path, config: Mapping[str, Any] | str) -> Iterator[Alertmanager]:
    """Start Alertmanager with `config`, data and log in `folder`; wait until it is ready."""
    folder = folder.resolve()
    file = _written(folder / "alertmanager.yml", config)
    options = [f"--config.file={file}", f"--storage.path={folder / 'data'}", "--cluster.listen-address="]
    with _started([ALERTMANAGER, *options, "--log.level=warn"], folder) as url:
        yield Alertmanager(url, folder)


def _written(file: Path, config: Mapping[str, Any] | str) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(config if isinstance(config, str) else yaml.safe_dump(dict(config)), encoding="utf-8")
    return file


@contextlib.contextmanager
def _started(command: Sequence[str], folder: Path) -> Iterator[str]:
    """The server's URL while it runs. It cannot be told to choose a port, so one that is free is tried."""
    log = folder / "log.txt"
    for attempt in range(_TRIES):
        address = f"127.0.0.1:{_free_port()}"
        with log.open("w", encoding="utf-8") as out:
            process = subprocess.Popen(
                [*command, f"--web.listen-address={address}"], stdout=out, stderr=subprocess.STDOUT, cwd=folder
            )
        try:
            if not _ready(process, f"http://{address}"):
                text = log.read_text(encoding="utf-8")[-4000:]
                if "address already in use" in text and attempt < _TRIES - 1:
                    continue
                raise AssertionError(f"{command[0]} did not start:\n{text}")
            yield f"http://{address}"
        finally:
            _end(process)
        return


def _ready(process: subprocess.Popen[bytes], url: str) -> bool:
    end = time.monotonic() + _START_SECONDS
    while process.poll() is None and time.monotonic() < end:
        with contextlib.suppress(httpx.HTTPError):
            if httpx.get(f"{url}/-/ready", timeout=2).status_code == 200:
                # Another program may have taken the port first and answered; then ours has ended by now.
                return process.poll() is None
        _NO_EVENT.wait(0.05)
    return False


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(_END_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port: int = listening.getsockname()[1]
        return port


def _vector(data: Any) -> list[Any]:
    """The series of an instant answer; a scalar is one series without labels."""
    if data["resultType"] == "scalar":
        return [{"metric": {}, "value": data["result"]}]
    found: list[Any] = data["result"]
    return found


def _points(raw: Sequence[Sequence[Any]]) -> tuple[tuple[float, float], ...]:
    return tuple((float(at), float(value)) for at, value in raw)
