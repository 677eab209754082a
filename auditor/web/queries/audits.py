"""Single audits: their reports, and what differs between two of the same pair."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from auditor.model import ABSENT
from auditor.ordering import order
from auditor.publish.render import render
from auditor.publish.spelling import plain
from auditor.repository import places

if TYPE_CHECKING:
    from datetime import datetime

    from auditor.config import Config
    from auditor.model import Audit, Finding, Severity, Side
    from auditor.store import Store

_WIDTH = 120


class Reports(StrEnum):
    """The formats of an audit's report, as `audit now --format` calls them."""

    TABLE = "table"
    JSON = "json"
    MARKDOWN = "markdown"
    JUNIT = "junit"
    HTML = "html"
    SARIF = "sarif"

    @property
    def media(self) -> str:
        """The type of the content."""
        return {
            "table": "text/plain; charset=utf-8",
            "json": "application/json",
            "markdown": "text/markdown; charset=utf-8",
            "junit": "application/xml",
            "html": "text/html; charset=utf-8",
            "sarif": "application/sarif+json",
        }[self.value]

    def render(
        self, config: Config, audit: Audit, now: datetime, fail_on: Severity, allow_incomplete: bool = False
    ) -> str:
        """The report as text. `now` is the reader's time, from which ages are counted."""
        return render(
            audit,
            self.value,
            fail_on=fail_on,
            width=_WIDTH,
            color=False,
            now=now,
            allow_incomplete=allow_incomplete,
            # As where the service runs nobody has checked anything out, paths are told as the configuration does.
            places=places(config.folder, config.folder),
        )


@dataclass(frozen=True, slots=True)
class AuditChanges:
    """What a later audit saw that an earlier one of the same pair did not, and the other way round; the worst first.

    `changed` holds the finding before and after, with what is another: `status`, `severity`, `left`, `right`."""

    before: Audit
    after: Audit
    appeared: tuple[Finding, ...]
    disappeared: tuple[Finding, ...]
    changed: tuple[tuple[Finding, Finding, tuple[str, ...]], ...]
    unchanged: int


def changes(before: Audit, after: Audit) -> AuditChanges:
    old = {finding.breach.fingerprint: finding for finding in before.findings}
    new = {finding.breach.fingerprint: finding for finding in after.findings}
    both = sorted((new[name] for name in new.keys() & old.keys()), key=order)
    pairs = [(old[finding.breach.fingerprint], finding) for finding in both]
    changed = tuple((was, now, names) for was, now in pairs if (names := _changed(was, now)))
    return AuditChanges(
        before=before,
        after=after,
        appeared=tuple(sorted((new[name] for name in new.keys() - old.keys()), key=order)),
        disappeared=tuple(sorted((old[name] for name in old.keys() - new.keys()), key=order)),
        changed=changed,
        unchanged=len(pairs) - len(changed),
    )


def previous(store: Store, audit: Audit) -> Audit | None:
    """The audit of the same pair that was recorded before it, while it is kept."""
    found = store.audits(audit.left, audit.right, before=audit.id, limit=1)
    return store.audit(found[0].id) if found else None


def _changed(was: Finding, now: Finding) -> tuple[str, ...]:
    compared = {
        "status": (was.status, now.status),
        "severity": (was.breach.severity, now.breach.severity),
        "left": (_spelled(was.breach.left), _spelled(now.breach.left)),
        "right": (_spelled(was.breach.right), _spelled(now.breach.right)),
    }
    return tuple(name for name, (old, new) in compared.items() if old != new)


def _spelled(side: Side) -> str | None:
    """The value so that what is equal in Python only (`1` and `true`) differs; None where there is none."""
    return None if side.value is ABSENT else json.dumps(plain(side.value), sort_keys=True)
