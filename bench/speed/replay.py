"""A collector that reads recorded answers: the whole product's path, with nothing of a network in it.

Each line is parsed here, as a client library would parse an answer; what comes after is the product's own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import orjson

from auditor.collector import Context, Options, Task
from auditor.model import Gap, Kind, Resource
from auditor.registry import Registry
from bench.speed.estate import KINDS, REGIONS


class ReplayOptions(Options):
    """`folder` holds a file for each kind and region, `account` is whose they are."""

    folder: str
    account: str


@dataclass(frozen=True, slots=True)
class Replay:
    """Reads what `Estate.write` wrote of one environment."""

    kinds: tuple[Kind, ...]
    name: str = "replay"
    about: str = "recorded answers"
    permissions: tuple[str, ...] = ()
    options: type[Options] = ReplayOptions

    def label(self, options: Any) -> str:
        return f"replay:{options.account}"

    def plan(self, options: Any, context: Context) -> Iterable[Task]:
        source = self.label(options)
        for kind in KINDS:
            for region in REGIONS:
                file = context.folder / options.folder / f"{kind}.{region}"
                yield Task(source, (kind,), partial(_read, kind, file), region=region, account=options.account)


def registry() -> Registry:
    """The one collector, its kinds declared as the product's AWS collector declares them."""
    declared = {kind.name: kind for kind in Registry.load().get("aws").kinds}
    return Registry([Replay(tuple(declared[kind] for kind in KINDS))])


def _read(kind: str, file: Path) -> Iterator[Resource | Gap]:
    with file.open("rb") as lines:
        for line in lines:
            found = orjson.loads(line)
            yield Resource(
                kind,
                found["identity"],
                found["attributes"],
                refs=tuple(found["refs"]),
                tags=found["tags"],
                component=found.get("component"),
            )
