"""The audit of a pair as a decision may rest on it: the last one where it is recent enough, else one made now."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from auditor.pipeline import audit_now

if TYPE_CHECKING:
    from datetime import timedelta

    from auditor.config import Config
    from auditor.model import Audit, Snapshot
    from auditor.pipeline import Tools
    from auditor.rules import Policy
    from auditor.store import Store

_RECENT = 100


@dataclass(frozen=True, slots=True)
class Observed:
    """An audit, with its findings as they stand now, and the snapshots that it judged."""

    audit: Audit
    left: Snapshot
    right: Snapshot


def fresh_audit(
    config: Config, left: str, right: str, tools: Tools, fresh: timedelta, *, policy: Policy | None = None
) -> Observed:
    """The pair's last audit where it began at most `fresh` ago under the same configuration; else an audit made now.

    What people did to its findings since (waived, acknowledged) counts. Raises what `audit_now` raises."""
    since = tools.clock() - fresh
    audit = audit_now(config, left, right, tools, policy=policy, not_before=since)
    recent = tools.store.audits(audit.left, audit.right, limit=_RECENT)
    info = next(info for info in recent if info.id == audit.id)
    snapshots = (tools.store.load_snapshot(name) for name in (info.left_snapshot, info.right_snapshot))
    return Observed(as_of_now(audit, tools.store), *snapshots)


def as_of_now(audit: Audit, store: Store) -> Audit:
    """The audit with the present status of each of its findings."""
    known = store.previous(audit.left, audit.right)
    findings = [
        replace(finding, status=known[finding.breach.fingerprint].status)
        if finding.breach.fingerprint in known
        else finding
        for finding in audit.findings
    ]
    return replace(audit, findings=tuple(findings))
