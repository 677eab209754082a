"""How long the command takes to start, beside bare Python: `python -m bench.starting`.

Each command is run many times, in turn, as it is installed (the console script beside the interpreter), with modules
compiled; the shortest run counts, since whatever else the machine does only adds to it. What is read is a folder of two
equal environments, audited once.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HELP_OF_BARE_PYTHON = "help of bare python"
"""The key of what is promised: `audit --help` as a multiple of `python -c pass`, in seconds waited."""
_TIMES = {"bare python": 30, "audit --help": 30, "audit --version": 30}
_FEW = 7
_CONFIG = """\
environments:
  staging: {sources: [{collector: files, path: staging}]}
  prod: {sources: [{collector: files, path: prod}]}
pairs: [{left: staging, right: prod}]
"""
_SERVICE = "import auditor.daemon.serve, auditor.config, auditor.registry, auditor.log"


@dataclass(slots=True)
class _Best:
    """The shortest so far, in seconds: waited, and of the processor."""

    seconds: float = float("inf")
    cpu: float = float("inf")


def measure() -> dict[str, Any]:
    """By command: `seconds` waited, `cpu` seconds, both the least of many runs; and the multiple that is promised.

    Raises CalledProcessError where a command fails."""
    audit = str(Path(sys.executable).with_name("audit"))
    commands = {
        "bare python": [sys.executable, "-c", "pass"],
        "audit --help": [audit, "--help"],
        "audit --version": [audit, "--version"],
        "audit config check": [audit, "config", "check"],
        "audit findings": [audit, "findings"],
        "audit now (nothing differs)": [audit, "now", "staging", "prod"],
        "what audit serve imports": [sys.executable, "-c", _SERVICE],
    }
    with tempfile.TemporaryDirectory() as scratch:
        folder = _company(Path(scratch))
        # The store is made, and every module compiled, before anything counts.
        for name in ("audit now (nothing differs)", *commands):
            _run(commands[name], folder)
        best = _least(commands, folder)
    bare = best["bare python"]
    told: dict[str, Any] = {
        name: {"seconds": found.seconds, "cpu": found.cpu, "of bare python": found.seconds / bare.seconds}
        for name, found in best.items()
    }
    return {**told, HELP_OF_BARE_PYTHON: best["audit --help"].seconds / bare.seconds}


def _least(commands: Mapping[str, Sequence[str]], folder: Path) -> dict[str, _Best]:
    """In turn, so that a moment in which the machine is slow is nobody's alone."""
    best = {name: _Best() for name in commands}
    for turn in range(max(_TIMES.values())):
        for name, command in commands.items():
            if turn < _TIMES.get(name, _FEW):
                seconds, cpu = _run(command, folder)
                best[name].seconds = min(best[name].seconds, seconds)
                best[name].cpu = min(best[name].cpu, cpu)
    return best


def _company(folder: Path) -> Path:
    for name in ("staging", "prod"):
        (folder / name).mkdir()
        (folder / name / "app.env").write_text("LOG_LEVEL=info\nSAMPLING=10\n")
    (folder / "auditor.yaml").write_text(_CONFIG)
    return folder


def _run(command: Sequence[str], folder: Path) -> tuple[float, float]:
    """Seconds waited, and of the processor."""
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(command, cwd=folder, env=environ, check=True, capture_output=True)
    seconds, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    return seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    """Print a line for each command."""
    found = measure()
    promised = found.pop(HELP_OF_BARE_PYTHON)
    print(f"{'':30}{'waited':>10}{'processor':>12}{'of bare python':>17}")
    for name, told in found.items():
        waited, cpu, of = 1000 * told["seconds"], 1000 * told["cpu"], told["of bare python"]
        print(f"{name:30}{waited:7.1f} ms{cpu:9.1f} ms{of:16.2f}x")
    print(f"audit --help takes {promised:.2f} times as long as bare Python; promised: under 5.")


if __name__ == "__main__":
    main()
