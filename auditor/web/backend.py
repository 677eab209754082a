"""What pages and API work with: the store, the configuration in force, and what may be asked of the service."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from fastapi import Request

from auditor.kept import Keeping
from auditor.notify import teller_of
from auditor.pipeline import Tools
from auditor.web.queries.staging import Stages

if TYPE_CHECKING:
    from datetime import datetime

    from auditor.config import Config, Pair
    from auditor.notify import Teller
    from auditor.redact import Redactor
    from auditor.registry import Registry
    from auditor.rules import Policy
    from auditor.store import Store
    from auditor.waiver_file import WaiverFile


class SourceReading(Protocol):
    """How far one source of an environment is read: `stage` is `reading`, `done`, `incomplete` or `failed`.

    `ended` of `listings` are over, which brought `count` resources and gaps."""

    @property
    def environment(self) -> str: ...

    @property
    def source(self) -> str: ...

    @property
    def stage(self) -> str: ...

    @property
    def listings(self) -> int: ...

    @property
    def ended(self) -> int: ...

    @property
    def count(self) -> int: ...


class Run(Protocol):
    """One audit that was asked for, as it is now.

    `state` is `waiting`, `running`, `done` or `failed`; `audit_id` is there once it is done, `error` where it failed."""

    @property
    def id(self) -> str: ...

    @property
    def left(self) -> str: ...

    @property
    def right(self) -> str: ...

    @property
    def state(self) -> str: ...

    @property
    def asked_at(self) -> datetime: ...

    @property
    def audit_id(self) -> str | None: ...

    @property
    def error(self) -> str | None: ...

    @property
    def sources(self) -> Sequence[SourceReading]: ...


class Runs(Protocol):
    """Audits on demand. Called from several threads."""

    def ask(self, left: str, right: str) -> Run | None:
        """Begin an audit soon. None where too many wait, or the service stops. Raises ConfigError for names nobody knows."""
        ...

    def find(self, run_id: str) -> Run | None: ...

    def recent(self) -> Sequence[Run]:
        """Those that are remembered, the latest first."""
        ...


class Loaded(Protocol):
    """The files as they were read last: configuration, policies, waivers."""

    @property
    def config(self) -> Config: ...

    @property
    def waivers(self) -> WaiverFile: ...

    def policy(self, pair: Pair) -> Policy: ...


@dataclass(frozen=True, slots=True)
class Backend:
    """What every route is given. Called from several threads.

    loaded    the files in force; ask once in a request and keep to it
    runs      audits on demand
    recorded  to be called after something was recorded, since there may be something to deliver
    stopping  whether the service is about to end, so that streams have to
    clock     aware UTC times
    keeping   what was worked out of contents, shared with the audits of the process
    stages    the pairs that were looked at last
    """

    store: Store
    registry: Registry
    redactor: Redactor
    loaded: Callable[[], Loaded]
    runs: Runs
    clock: Callable[[], datetime]
    recorded: Callable[[], None]
    stopping: Callable[[], bool]
    keeping: Keeping = field(default_factory=Keeping)
    stages: Stages = field(default_factory=Stages)

    @property
    def config(self) -> Config:
        return self.loaded().config

    def teller(self) -> Teller | None:
        """Who is told of what people do."""
        return teller_of(self.config.publish)

    def tools(self) -> Tools:
        """What stages are given that lay snapshots side by side. Nothing is collected with them."""
        return Tools(
            registry=self.registry,
            store=self.store,
            redactor=self.redactor,
            clock=self.clock,
            teller=self.teller(),
            waivers=self.loaded().waivers.waivers,
            keeping=self.keeping,
        )


def backend(request: Request) -> Backend:
    """The dependency of routes."""
    found: Backend = request.app.state.backend
    return found
