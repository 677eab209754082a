"""The service as it is installed: `audit serve` in a process of its own, its log and its pages."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import httpx

from tests.daemon.waiting import eventually
from tests.prefork import ROOT, begin

CONFIG = """\
environments:
  staging: {sources: [{collector: files, path: staging}]}
  prod: {sources: [{collector: files, path: prod}]}
pairs:
  - {left: staging, right: prod, schedule: every 1s}
serve: {port: 0, drain: 10s}
"""
# What differs between the two, as the metrics count it.
FINDING = {"left": "staging", "right": "prod", "category": "config", "severity": "info", "status": "open"}


def company(folder: Path, config: str = CONFIG) -> Path:
    """Two environments of one file each, which differ in one value, and the configuration that names them."""
    for name, level in (("staging", "debug"), ("prod", "info")):
        (folder / name).mkdir()
        (folder / name / "app.env").write_text(f"LOG_LEVEL={level}\n")
    (folder / "auditor.yaml").write_text(config)
    return folder


class Served:
    """One process. Its log is read all the time."""

    def __init__(self, folder: Path, environ: Mapping[str, str] | None = None, *options: str) -> None:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("AUDITOR_", "NOTIFY_"))}
        self.process: subprocess.Popen[str] = begin(
            *("auditor", "serve", "--log-format", "json", *options),
            cwd=folder,
            env={**kept, "PYTHONPATH": str(ROOT), **(environ or {})},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.lines: list[dict[str, Any]] = []
        self.noise: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            try:
                self.lines.append(json.loads(line))
            except ValueError:
                self.noise.append(line)

    def said(self, event: str, since: int = 0, seconds: float = 60.0) -> dict[str, Any]:
        """The first line, from number `since` on, whose event begins so; waits for it."""

        def found() -> dict[str, Any] | None:
            lines = (line for line in self.lines[since:] if line["event"].startswith(event))
            line = next(lines, None)
            assert line is not None or self.process.poll() is None, (self.lines, self.noise)
            return line

        return eventually(found, seconds) or {}

    @property
    def address(self) -> str:
        return str(self.said("The service runs.")["address"])

    def get(self, path: str, **headers: str) -> httpx.Response:
        return httpx.get(self.address + path, headers=headers, trust_env=False, timeout=20)

    def metric(self, name: str, **labels: str) -> float | None:
        """One sample of a scrape, None where there is none."""
        wanted = "".join(sorted(f'{key}="{value}"' for key, value in labels.items()))
        for line in self.get("/metrics").text.splitlines():
            head, _, value = line.rpartition(" ")
            series, _, rest = head.partition("{")
            if series == name and "".join(sorted(rest.rstrip("}").split(","))) == wanted:
                return float(value)
        return None

    def becomes(self, name: str, value: float, **labels: str) -> None:
        eventually(lambda: self.metric(name, **labels) == value)

    def signal(self, number: int) -> None:
        self.process.send_signal(number)

    def stop(self) -> int:
        """Ask it to stop, as a service manager does; its exit code."""
        self.signal(signal.SIGTERM)
        return self.ended()

    def ended(self, seconds: float = 60.0) -> int:
        code = self.process.wait(timeout=seconds)
        self._reader.join(timeout=10)
        return code

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.ended()
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        self.process.stdout.close()
        self.process.stderr.close()


Serve = Callable[..., Served]
