"""The service as it is installed: a process that is started, watched, paused and killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

_CLOCK = "libfaketimeMT.so.1"
_STARTED_SECONDS = 60.0
# The exit code of a service whose store was not there when it was started.
_GAVE_UP = 4


@dataclass
class Watched:
    """What one process was seen to hold: resident bytes and threads, with the seconds since it was started."""

    memory: list[tuple[float, int]] = field(default_factory=list)
    threads: list[tuple[float, int]] = field(default_factory=list)


class Daemon:
    """One copy. Starting it again after its end goes on in the same log."""

    def __init__(self, name: str, config: Path, variables: Mapping[str, str], clock: Path | None) -> None:
        self.name = name
        self.starts = 0
        self.lives: list[Watched] = []
        self.levels: Counter[str] = Counter()
        self.lines: list[dict[str, Any]] = []
        self.noise: list[str] = []
        self.address = ""
        self.paused = False
        self.gave_up = 0
        self._config = config
        self._variables = {**os.environ, **variables}
        if clock is not None:
            library = _clock_library()
            paths = [str(Path(__file__).parent / "steady"), os.environ.get("PYTHONPATH", "")]
            self._variables |= {
                "PYTHONPATH": os.pathsep.join(path for path in paths if path),
                "LD_PRELOAD": str(library),
                "FAKETIME_TIMESTAMP_FILE": str(clock),
                "FAKETIME_NO_CACHE": "1",
                "DONT_FAKE_MONOTONIC": "1",
            }
        self._process: subprocess.Popen[str] | None = None
        self._reader: threading.Thread | None = None
        self._listens = threading.Event()
        self._began = 0.0

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        return self._process.pid if self._process is not None else 0

    def start(self, *, wait: bool = True) -> None:
        """Start it; with `wait`, until it listens."""
        self._listens.clear()
        self.starts += 1
        self.lives.append(Watched())
        self._began = time.monotonic()
        command = [sys.executable, "-m", "auditor", "serve", "--config", str(self._config), "--log-format", "json"]
        self._process = subprocess.Popen(command, env=self._variables, stderr=subprocess.PIPE, text=True)
        self._reader = threading.Thread(target=self._read, args=(self._process,), daemon=True)
        self._reader.start()
        if wait and not self._listens.wait(_STARTED_SECONDS):
            raise RuntimeError(
                f"{self.name} does not listen after {_STARTED_SECONDS:g} s: {self.lines[-5:]} {self.noise[-5:]}"
            )

    def kill(self) -> None:
        """End it as a power cut would."""
        self._signal(signal.SIGKILL)
        self._join()

    def pause(self) -> None:
        self.paused = True
        self._signal(signal.SIGSTOP)

    def go_on(self) -> None:
        self._signal(signal.SIGCONT)
        self.paused = False

    def stop(self, within: float = 60.0) -> int:
        """Ask it to end, as a service manager does. Its exit code; -9 where it had to be killed."""
        self.go_on()
        self._signal(signal.SIGTERM)
        if self._process is None:
            return 0
        try:
            code = self._process.wait(within)
        except subprocess.TimeoutExpired:
            self.kill()
            return -9
        self._join()
        return code

    def look(self) -> None:
        """Note what it holds now. One that gave up because its store was away is started again, as a manager does."""
        if self._process is not None and self._process.poll() == _GAVE_UP:
            self._join()
            self.gave_up += 1
            self.noise.clear()
            self.start(wait=False)
        if not self.running or self._process is None:
            return
        try:
            process = psutil.Process(self._process.pid)
            with process.oneshot():
                if process.status() == psutil.STATUS_ZOMBIE:
                    return
                seen = (process.memory_info().rss, process.num_threads())
        except psutil.Error:
            return
        age = time.monotonic() - self._began
        self.lives[-1].memory.append((age, seen[0]))
        self.lives[-1].threads.append((age, seen[1]))

    def get(self, path: str, timeout: float = 5.0) -> str:
        """What it answers to GET. Raises OSError."""
        with urllib.request.urlopen(f"{self.address}{path}", timeout=timeout) as answer:
            return str(answer.read().decode())

    def leads(self) -> bool | None:
        """Whether it says that it leads; None where it does not answer."""
        try:
            text = self.get("/metrics", timeout=1.0)
        except OSError:
            return None
        return "parity_leader 1.0" in text

    def write_log(self, folder: Path) -> None:
        """Everything that it logged, into a file of its name."""
        folder.mkdir(parents=True, exist_ok=True)
        lines = [*(json.dumps(line) for line in self.lines), *self.noise]
        (folder / f"{self.name.replace(' ', '-')}.log").write_text("\n".join(lines) + "\n")

    def _read(self, process: subprocess.Popen[str]) -> None:
        assert process.stderr is not None
        for text in process.stderr:
            try:
                line = json.loads(text)
            except ValueError:
                self.noise.append(text.rstrip())
                continue
            self.levels[str(line.get("level"))] += 1
            self.lines.append(line)
            if "address" in line:
                self.address = str(line["address"])
                self._listens.set()

    def _signal(self, number: signal.Signals) -> None:
        if self.running and self._process is not None:
            self._process.send_signal(number)

    def _join(self) -> None:
        if self._process is not None:
            self._process.wait()
        if self._reader is not None:
            self._reader.join()


def _clock_library() -> Path:
    for folder in ("/usr/lib/x86_64-linux-gnu/faketime", "/usr/lib/aarch64-linux-gnu/faketime", "/usr/lib/faketime"):
        library = Path(folder) / _CLOCK
        if library.exists():
            return library
    raise FileNotFoundError("stepping the clock needs libfaketime (Debian: apt-get install libfaketime)")
