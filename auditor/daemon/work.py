"""What jobs do: audits, observations and digests, each on the configuration that is in force when it begins."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import structlog

from auditor.digest import post_digest
from auditor.kept import Keeping
from auditor.notify import teller_of
from auditor.pipeline import Tools, audit_now, observe_now
from auditor.witnesses import Witnesses

if TYPE_CHECKING:
    from datetime import datetime

    from auditor.collect import Progress
    from auditor.daemon.loaded import Loaded
    from auditor.meters import Meters
    from auditor.model import Audit, Gap
    from auditor.redact import Redactor
    from auditor.registry import Registry
    from auditor.sharing import Sharing
    from auditor.store import Store

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Auditing:
    """Does the work of jobs and of those who ask by hand. `loaded` is asked at the beginning of each piece of work;
    `recorded` is told after it, since there may be something to deliver. `limits` are what all audits of the process
    share when they ask who made changes, `keeping` holds what they worked out."""

    store: Store
    registry: Registry
    redactor: Redactor
    sharing: Sharing
    meters: Meters
    clock: Callable[[], datetime]
    loaded: Callable[[], Loaded]
    recorded: Callable[[], None]
    limits: dict[str, Any] = field(default_factory=dict)
    keeping: Keeping = field(default_factory=Keeping)

    def audit(self, left: str, right: str, not_before: datetime, cancel: threading.Event) -> None:
        self.audited(left, right, not_before, cancel)

    def audited(
        self,
        left: str,
        right: str,
        not_before: datetime,
        cancel: threading.Event,
        progress: Progress | None = None,
    ) -> Audit:
        """Audit a pair; the audit may be one that another run makes. `progress` is told how far the reading is.

        Raises AuditorError."""
        # What is bound to the lines of this audit is not to be found in those of the next.
        return contextvars.copy_context().run(self._audited, left, right, not_before, cancel, progress)

    def snapshot(self, environment: str, not_before: datetime, cancel: threading.Event) -> None:
        """Observe an environment for its own sake."""
        loaded = self.loaded()
        tools = self._tools(loaded, cancel)
        observed = observe_now(loaded.config, [environment], tools, not_before=not_before, cancel=cancel)
        for name, one in observed.items():
            _ended(
                "An environment was observed.",
                one.snapshot.gaps,
                environment=name,
                snapshot_id=one.snapshot.id,
                resources=len(one.snapshot.resources),
                shared=one.shared,
            )

    def digest(self, _publisher: str, now: datetime) -> None:
        """Put the regular summary into the outbox."""
        loaded = self.loaded()
        teller = teller_of(loaded.config.publish)
        if post_digest(self.store, loaded.config, teller, now, loaded.waivers.waivers):
            _log.info("A digest is to be delivered.")
            self.recorded()

    def _audited(
        self, left: str, right: str, not_before: datetime, cancel: threading.Event, progress: Progress | None
    ) -> Audit:
        loaded = self.loaded()
        pair = loaded.config.pair(left, right)
        policy = loaded.policy(pair)
        tools = replace(self._tools(loaded, cancel), progress=progress)
        audit = audit_now(loaded.config, left, right, tools, policy=policy, not_before=not_before, cancel=cancel)
        _ended(
            "An audit ended.",
            audit.gaps,
            audit_id=audit.id,
            pair=f"{audit.left}/{audit.right}",
            outcome="complete" if audit.complete else "incomplete",
            score=audit.score,
            coverage=audit.coverage.ratio,
            findings=len(audit.findings),
            seconds=(audit.finished_at - audit.started_at).total_seconds(),
        )
        self.recorded()
        return audit

    def _tools(self, loaded: Loaded, cancel: threading.Event) -> Tools:
        witness = Witnesses(
            loaded.config.environments,
            self.store,
            self.clock,
            meters=self.meters,
            shared=self.limits,
            cancel=cancel,
        )
        return Tools(
            registry=self.registry,
            store=self.store,
            redactor=self.redactor,
            clock=self.clock,
            teller=teller_of(loaded.config.publish),
            sharing=self.sharing,
            keeping=self.keeping,
            meters=self.meters,
            waivers=loaded.waivers.waivers,
            witness=witness,
        )


def _ended(event: str, gaps: Sequence[Gap], **keys: object) -> None:
    """Say how it ended. With gaps that is no good news, whatever the numbers are."""
    if not gaps:
        _log.info(event, **keys, gaps=0)
        return
    where = sorted({f"{gap.environment}: {gap.reason.value}" for gap in gaps})
    _log.warning(f"{event} Not everything could be observed.", **keys, gaps=len(gaps), not_observed=where)
