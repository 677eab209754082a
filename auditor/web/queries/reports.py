"""Audits as people look back at them: one with its findings, what differs between two, and reports as files."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from auditor import __version__
from auditor.errors import ConfigError
from auditor.life import StoredFinding
from auditor.model import Severity, Status
from auditor.ordering import order
from auditor.publish.view import Report, report
from auditor.web.queries.audits import AuditChanges, Reports, changes, previous
from auditor.web.queries.finding_rows import Row, rows

if TYPE_CHECKING:
    from datetime import datetime

    from auditor.config import Config
    from auditor.model import Audit, Finding
    from auditor.store import AuditInfo, Store

ENDINGS: Mapping[str, Reports] = {
    "json": Reports.JSON,
    "md": Reports.MARKDOWN,
    "html": Reports.HTML,
    "xml": Reports.JUNIT,
    "sarif": Reports.SARIF,
    "txt": Reports.TABLE,
}
"""The formats of reports by the endings of their files."""
PAGE = 100
MOST = 200
"""Findings of each sort that a comparison of two audits shows, at most."""
_MOST_LOOKED_UP = 2_000


@dataclass(frozen=True, slots=True)
class File:
    """A report to be kept: its name, the type of its content, and the content."""

    name: str
    media: str
    text: str


@dataclass(frozen=True, slots=True)
class AuditPage:
    """One audit. `rows` are some of its findings, the worst first, from `start` on; `older` is the audit before it."""

    report: Report
    rows: tuple[Row, ...]
    start: int
    older: str | None

    @property
    def total(self) -> int:
        return len(self.report.audit.findings)


@dataclass(frozen=True, slots=True)
class Changed:
    """A finding that two audits saw, and what of it is another: in words, before and after."""

    row: Row
    said: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True, slots=True)
class Between:
    """What differs between two audits of a pair.

    gone      that the later one saw to be gone; `unseen` that it could not look at: nobody knows whether they are there
    counts    how many of each there are, since only the first are listed
    """

    before: Audit
    after: Audit
    new: tuple[Row, ...]
    gone: tuple[Row, ...]
    unseen: tuple[Row, ...]
    changed: tuple[Changed, ...]
    counts: Mapping[str, int]


def pair_names(store: Store, config: Config, left: str, right: str) -> tuple[str, str]:
    """As configured, else as audits know them that are kept. Raises ConfigError."""
    try:
        pair = config.pair(left, right)
    except ConfigError:
        if not store.audits(left, right, limit=1):
            raise
        return left, right
    return pair.left, pair.right


def tag(audit_id: str, ending: str, fail_on: Severity) -> str:
    """Another one for every other report: an audit never changes, and the same version writes the same report of it."""
    said = "\n".join((audit_id, ending, fail_on.value, __version__))
    return f'"{hashlib.sha256(said.encode()).hexdigest()[:24]}"'


def file(config: Config, audit: Audit, ending: str, fail_on: Severity) -> File:
    """The report as a file. Ages are told as of the audit's end, so that the same audit always gives the same file."""
    kind = ENDINGS[ending]
    text = kind.render(config, audit, audit.finished_at, fail_on)
    return File(file_name(audit, ending), kind.media, text)


def file_name(audit: Audit, ending: str) -> str:
    """`parity-staging-prod-20261123T093000Z.json`, of letters that every file system takes."""
    pair = "-".join(re.sub(r"[^A-Za-z0-9._]", "_", name) for name in (audit.left, audit.right))
    return f"parity-{pair}-{audit.finished_at:%Y%m%dT%H%M%S}Z.{ending}"


def audit_page(store: Store, audit_id: str, start: int) -> AuditPage:
    """Raises NotFoundError."""
    audit = store.audit(audit_id)
    found = sorted(audit.findings, key=order)[start : start + PAGE]
    older = next(iter(store.audits(audit.left, audit.right, before=audit.id, limit=1)), None)
    return AuditPage(report(audit, Severity.HIGH), _rows(found, audit.finished_at), start, older.id if older else None)


def between(store: Store, before: str | None, after: str | None, pair: tuple[str, str]) -> Between | None:
    """What differs between two audits, by default the last one and the one before it. None where there are no two.

    Raises NotFoundError, and ValueError for audits of another pair."""
    later = store.audit(after) if after else store.last_audit(*pair)
    if later is None:
        return None
    earlier = store.audit(before) if before else previous(store, later)
    if earlier is None:
        return None
    for one in (earlier, later):
        if (one.left, one.right) != pair:
            raise ValueError(f"{one.id} is an audit of {one.left}/{one.right}: choose two of {pair[0]}/{pair[1]}")
    found = changes(earlier, later)
    gone, unseen = _apart(store, found)
    now = later.finished_at
    return Between(
        before=earlier,
        after=later,
        new=_rows(found.appeared[:MOST], now),
        gone=_rows(gone[:MOST], now),
        unseen=_rows(unseen[:MOST], now),
        changed=tuple(_changed(was, is_, names, now) for was, is_, names in found.changed[:MOST]),
        counts={
            "new": len(found.appeared),
            "gone": len(gone),
            "unseen": len(unseen),
            "changed": len(found.changed),
            "unchanged": found.unchanged,
        },
    )


def listed(
    store: Store, pair: tuple[str, str], before: str | None, limit: int
) -> tuple[tuple[AuditInfo, ...], str | None]:
    """Audits of a pair, those recorded last first, and where the list goes on."""
    found = store.audits(*pair, before=before, limit=limit + 1)
    return found[:limit], found[limit - 1].id if len(found) > limit else None


def _apart(store: Store, found: AuditChanges) -> tuple[list[Finding], list[Finding]]:
    """Of what the later audit does not show: what it saw to be gone, and what it could not look at."""
    if found.after.complete and not found.after.unknown:
        return list(found.disappeared), []
    gone: list[Finding] = []
    unseen: list[Finding] = []
    for number, finding in enumerate(found.disappeared):
        known = number < _MOST_LOOKED_UP and _resolved(store, finding, found.after)
        (gone if known else unseen).append(finding)
    return gone, unseen


def _resolved(store: Store, finding: Finding, audit: Audit) -> bool:
    past = [event for event in store.events(finding.breach.fingerprint) if event.at <= audit.finished_at]
    return bool(past) and past[-1].to_status is Status.RESOLVED


def _changed(was: Finding, now: Finding, names: Sequence[str], at: datetime) -> Changed:
    said: list[tuple[str, str, str]] = []
    if "severity" in names:
        said.append(("severity", was.breach.severity.value, now.breach.severity.value))
    if "status" in names:
        said.append(("status", was.status.value, now.status.value))
    row, old = _rows([now], at)[0], _rows([was], at)[0]
    if row.values is not None and old.values is not None:
        for name, environment, side in (("left", row.left, 0), ("right", row.right, 1)):
            if name in names:
                said.append((environment, old.values[side].text, row.values[side].text))
    return Changed(row, tuple(said))


def _rows(findings: Sequence[Finding], now: datetime) -> tuple[Row, ...]:
    return rows((_stored(finding) for finding in findings), now)


def _stored(finding: Finding) -> StoredFinding:
    return StoredFinding(
        finding.breach,
        finding.status,
        finding.first_seen,
        finding.last_seen,
        finding.first_seen,
        finding.opened_at,
        finding.moved,
    )
