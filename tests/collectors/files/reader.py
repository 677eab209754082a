"""Reads files that a test writes, as the collector would read a repository's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from auditor.collector import Context
from auditor.model import Gap, Json, Resource
from collectors.files import COLLECTOR

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

STAGING = ("staging", "stg")
PROD = ("prod", "production")


@dataclass(frozen=True)
class Found:
    """What a reading yielded."""

    resources: list[Resource]
    gaps: list[Gap]

    def names(self) -> list[tuple[str, str]]:
        return [(resource.kind, resource.identity) for resource in self.resources]

    def one(self, kind: str, identity: str) -> Mapping[str, Json]:
        """The attributes of one resource; fails unless there is exactly one."""
        (attributes,) = [r.attributes for r in self.resources if (r.kind, r.identity) == (kind, identity)]
        return attributes


def write(folder: Path, files: Mapping[str, str | bytes]) -> None:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)


def read(folder: Path, files: Mapping[str, str | bytes] | None = None, *, of: str = "staging", **options: Any) -> Found:
    """What the collector finds in `folder` for the environment `of`, staging or prod."""
    write(folder, files or {})
    own, others = (STAGING, PROD) if of == "staging" else (PROD, STAGING)
    context = Context(environment=of, folder=folder, aliases=own, others=others)
    items = [
        item for task in COLLECTOR.plan(COLLECTOR.options(**{"path": ".", **options}), context) for item in task.run()
    ]
    return Found([i for i in items if isinstance(i, Resource)], [i for i in items if isinstance(i, Gap)])
