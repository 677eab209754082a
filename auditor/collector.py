"""What a collector is. With `auditor.model` and `auditor.errors`, all that a file in `collectors/` may import of ours."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from pydantic import BaseModel, ConfigDict

from auditor.errors import CollectError
from auditor.model import Author, Gap, GapReason, Kind, Moved, Resource


class Options(BaseModel):
    """Base of every collector's options: the keys of its entry under `sources:` besides `collector`. Unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    def expected_listings(self) -> int:
        """How many listings (kinds, each in each region) a source with these options would make, without asking it.

        Needed where the source cannot even be planned: coverage then lacks as many. 0: not known before it is asked."""
        return 0


def _keyless(_value: str) -> str:
    """Without the installation's key no two runs would agree, so nothing is fingerprinted with another one."""
    raise CollectError(GapReason.UNSUPPORTED, "this run has no key to fingerprint values with")


def _unmetered(_api: str, _outcome: str) -> None:
    """Nobody counts."""


LIMITS = "limits"
"""The key in `Context.shared` of the `Limits` that other processes keep to as well; absent where there are none."""


class Limits(Protocol):
    """Budgets of requests that several processes share."""

    def reserve(self, name: str, rate: float, burst: float) -> float:
        """Take one request of the budget `name`, of `rate` a second and `burst` at once. The seconds to wait for it."""
        ...


@dataclass(frozen=True, slots=True)
class Context:
    """What a collector is told about the run.

    environment  name of the environment that is being read
    aliases      every lower-case token that means this environment (`staging`, `stg`), its own name first
    others       the same of all other configured environments: a file that carries one of these is not ours
    folder       folder of the configuration file; relative paths in options start here
    timeout      seconds that one task may take before its part becomes a gap
    cancelled    set when the run is being stopped: a long loop looks at it between two requests
    shared       one object per run for what tasks of several sources share (token buckets, sessions), by key
    fingerprint  the keyed fingerprint of a value that must not leave the collector: 32 hex digits, equal for equal values
    meter        told of every request to a far side: its API (`rds`) and how it ended (`ok`, `throttled`, `denied`, `error`)
    now          when the run began, aware UTC: what is read is as old as the time between
    """

    environment: str
    folder: Path
    aliases: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    timeout: float = 120.0
    cancelled: threading.Event = field(default_factory=threading.Event)
    shared: dict[str, Any] = field(default_factory=dict)
    fingerprint: Callable[[str], str] = _keyless
    meter: Callable[[str, str], None] = _unmetered
    now: datetime = field(default_factory=lambda: datetime.now(UTC))


@dataclass(frozen=True, slots=True)
class Task:
    """One independent part of a source's work: the unit that is run side by side with others and fails alone.

    `run` is a dumb generator. It yields every resource it read, and a `Gap` for each single thing that it could not
    read; it raises `CollectError` when the listing itself failed. Ending without either means: the listing of `kinds`
    (names or globs) in `source` and `region` is complete. `source` is the label of the source, or begins with it and a
    slash where the source has parts of its own (an account of an organization).
    """

    source: str
    kinds: tuple[str, ...]
    run: Callable[[], Iterator[Resource | Gap]]
    region: str | None = None
    account: str | None = None
    label: str = ""


class Collector(Protocol):
    """One kind of source. Each module in `collectors/` holds one as `COLLECTOR`; its name is its `collector:` key.

    kinds        every kind it may yield; a name may be a glob (`kubernetes.*`) where the source decides
    options      its part of the configuration file
    permissions  what it must be allowed to do, in the words of the far side (`rds:DescribeDBInstances`); reads only
    """

    @property
    def name(self) -> str: ...

    @property
    def about(self) -> str: ...

    @property
    def kinds(self) -> tuple[Kind, ...]: ...

    @property
    def options(self) -> type[Options]: ...

    @property
    def permissions(self) -> tuple[str, ...]: ...

    def label(self, options: Any) -> str:
        """The source's name in reports, without secrets: `files:deploy/staging`. Known before anything is asked."""
        ...

    def plan(self, options: Any, context: Context) -> Iterable[Task]:
        """The tasks of one source. May ask the far side who we are; raises CollectError when nothing can be read."""
        ...


@dataclass(frozen=True, slots=True)
class Inquiry:
    """How a witness may ask.

    clock  the time, aware UTC
    take   called before every request with the seconds that it has to wait for its turn: waits. Raises CollectError
           where the audit has asked all that it may, or is being stopped
    ticks  seconds since some moment; what limits of requests per second are measured by
    """

    clock: Callable[[], datetime]
    take: Callable[[float], None]
    ticks: Callable[[], float] = time.monotonic


class Witness(Protocol):
    """Knows the records that one source keeps of who changed what. Made for one audit."""

    def author(self, resource: Resource, moved: Moved) -> Author | None:
        """Who made this change to this resource; why that is unknown; None where no records are kept of it.

        Raises CollectError when the records cannot be read: it is not asked about that account and region again."""
        ...


@runtime_checkable
class Recorded(Protocol):
    """What a collector may have besides: its far side records who changes things there."""

    def witness(self, options: Any, context: Context, inquiry: Inquiry) -> Witness | None:
        """None where these options want nobody asked. Raises CollectError when nobody can be asked."""
        ...


@dataclass(frozen=True, slots=True)
class Grant:
    """The smallest change that lets a source be read whole.

    missing  what it may not do, in the words of the far side, sorted: `rds:DescribeDBInstances`
    to       whom or what the change is made to: `the role arn:aws:iam::111122223333:role/ParityAuditor`
    change   what to apply there, ready to be copied; one or more lines
    """

    missing: tuple[str, ...]
    to: str
    change: str


@runtime_checkable
class Shareable(Protocol):
    """What a collector may have besides: one source of it may rightly stand under two environments.

    by_name  each environment asks it for its own, by its name; else it is something that environments may have in common
             (a folder, a state, a store)
    """

    @property
    def by_name(self) -> bool: ...


@runtime_checkable
class Grantable(Protocol):
    """What a collector may have besides: it knows the change that grants what was denied."""

    def grant(self, options: Any, gaps: Sequence[Gap]) -> Grant | None:
        """The change that would have spared these gaps of one source; None where permissions would not help."""
        ...
