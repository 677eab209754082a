"""What was measured, as rows and targets; and what it was measured on."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

from bench.speed.child import Measured

LIBRARIES = ("deepdiff", "orjson", "sqlalchemy", "boto3")


@dataclass(frozen=True, slots=True)
class Row:
    """One measurement. `cpu` and `wall` in seconds, `memory` in bytes, `resources` how many it was about; None where that
    was not measured. `ratios` says how it stands to others of the same run; `note` what else is to be known."""

    section: str
    name: str
    resources: int | None = None
    cpu: float | None = None
    wall: float | None = None
    memory: int | None = None
    ratios: dict[str, float] = field(default_factory=dict)
    note: str = ""

    @property
    def each(self) -> float | None:
        """Microseconds of CPU per resource."""
        return self.cpu / self.resources * 1e6 if self.cpu is not None and self.resources else None


@dataclass(frozen=True, slots=True)
class Target:
    """One promise: what was measured against its bound. `met` None: not measured at the size it is about, `note` says why."""

    name: str
    measured: str
    bound: str
    met: bool | None
    note: str = ""


def row(section: str, name: str, resources: int, run: Measured, note: str = "", **ratios: float) -> Row:
    told = {key.replace("_", " "): value for key, value in ratios.items()}
    return Row(section, name, resources, run.cpu, run.wall, run.memory, told, note)


def machine() -> dict[str, Any]:
    """What it ran on."""
    info = Path("/proc/cpuinfo")
    models = [line for line in info.read_text().splitlines() if line.startswith("model name")] if info.exists() else []
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "processors": os.cpu_count(),
        "model": models[0].split(":", 1)[1].strip() if models else platform.machine(),
        "memory_gib": round(memory / 2**30, 1),
        "system": f"{platform.system()} {platform.machine()}",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        **{name: version(name) for name in LIBRARIES},
    }
