"""Two environments' pasts, written look by look into a real store, and what is asked of them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path as File
from typing import Any

from auditor.history import Bounds
from auditor.model import (
    ABSENT,
    Absent,
    Breach,
    Category,
    Gap,
    GapReason,
    Json,
    Kind,
    Listing,
    Resource,
    RuleRef,
    Severity,
    Side,
    Snapshot,
)
from auditor.names import environment_names
from auditor.parting import Apart, Mover, movers
from auditor.scene import Realm
from auditor.store import Store

_TABLES: list[bytes] = []
START = datetime(2026, 11, 17, 9, 0, tzinfo=UTC)
KINDS = {
    "aws.rds.instance": Kind("aws.rds.instance", Category.DATABASE, "", volatile=("latest_restorable_time",)),
    "aws.ecs.service": Kind("aws.ecs.service", Category.DEPLOYMENT, ""),
    "aws.ec2.security_group": Kind("aws.ec2.security_group", Category.SECURITY, ""),
}


@contextmanager
def empty_store(folder: File) -> Iterator[Store]:
    """A store in SQLite. Its tables are made once for all of them."""
    file = folder / "auditor.db"
    if _TABLES:
        file.write_bytes(_TABLES[0])
    with Store.open(f"sqlite:///{file}") as store:
        if not _TABLES:
            with sqlite3.connect(file) as database:
                database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            database.close()
            _TABLES.append(file.read_bytes())
        yield store


def at(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


def realm(environment: str) -> Realm:
    other = {"staging": "prod", "prod": "staging"}[environment]
    names = environment_names(environment, others={other: ()})
    return Realm(environment, names.at, lambda _: {}, lambda kind: KINDS[kind])


def orders(environment: str, **attributes: Json) -> Resource:
    """A database of the environment: by default an engine in version 15.4."""
    said: dict[str, Any] = {"engine_version": "15.4", "latest_restorable_time": "2026-11-17T08:00:00Z", **attributes}
    name = f"orders-{environment}"
    return Resource("aws.rds.instance", name, said, "aws:1", refs=(f"arn:aws:rds:{name}",), location=f"arn:{name}")


def service(environment: str, name: str, **attributes: Json) -> Resource:
    return Resource("aws.ecs.service", f"{name}-{environment}", attributes, "aws:1")


def gap(environment: str, kind: str = "aws.rds.*", **where: Any) -> Gap:
    return Gap(environment, "aws:1", kind, GapReason.ACCESS_DENIED, "not allowed", **where)


@dataclass
class Pasts:
    """Writes looks. `last` is the newest look of each environment."""

    store: Store
    last: dict[str, str] = field(default_factory=dict)

    def look(
        self,
        minutes: float,
        environment: str,
        *resources: Resource,
        gaps: Iterable[Gap] = (),
        blind: Sequence[str] = (),
    ) -> str:
        """One look; complete but for the kinds in `blind`, which then are a gap, too."""
        listings = tuple(Listing("aws:1", kind) for kind in KINDS if kind not in blind)
        hidden = (*gaps, *(gap(environment, kind) for kind in blind))
        name = f"{environment}-{minutes:g}"
        self.store.save_snapshot(Snapshot(name, environment, at(minutes), resources, hidden, listings))
        self.last[environment] = name
        return name

    def looks(self, environment: str, states: Mapping[float, Sequence[Resource]]) -> None:
        for minutes, resources in states.items():
            self.look(minutes, environment, *resources)

    def movers(self, *breaches: Breach, bounds: Bounds = Bounds()) -> list[Mover | Apart]:  # noqa: B008 - frozen
        asked = (self.last["staging"], self.last["prod"])
        found = movers(breaches, (realm("staging"), realm("prod")), self.store.past, asked, bounds)
        return [found[breach.fingerprint] for breach in breaches]

    def mover(self, breach: Breach, **more: Any) -> Mover | Apart:
        (found,) = self.movers(breach, **more)
        return found


def breach(
    left: Json | Absent,
    right: Json | Absent,
    *path: str,
    kind: str = "aws.rds.instance",
    name: str = "orders",
    there: tuple[bool, bool] = (True, True),
    sides: tuple[str, ...] = ("left", "right"),
) -> Breach:
    """What an audit says of a place in two resources that only their environment's name tells apart."""
    left_name, right_name = (
        f"{name}-{env}" if here else None for env, here in zip(("staging", "prod"), there, strict=True)
    )
    located = [f"arn:{one}" if one and kind == "aws.rds.instance" else None for one in (left_name, right_name)]
    return Breach(
        f"{kind} {name} {'.'.join(path)}", RuleRef("p", "r", "p.yaml", 1), Severity.HIGH, Category.DATABASE, kind,
        f"{name}-{{env}}", path, Side("staging", left_name, left, located[0]), Side("prod", right_name, right, located[1]),
        "", "", "", None, 1.0, sides=sides,
    )  # fmt: skip


def alone(side: str, name: str = "orders", kind: str = "aws.rds.instance") -> Breach:
    """What an audit says of a resource that one side only has."""
    left, right = (True, ABSENT) if side == "left" else (ABSENT, True)
    return breach(left, right, kind=kind, name=name, there=(side == "left", side == "right"))
