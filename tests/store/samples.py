"""Small snapshots, breaches and audits, with defaults, for the tests of the store and of findings' lives."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from auditor.life import LifeResult, live
from auditor.model import (
    ABSENT,
    Audit,
    Breach,
    Category,
    Coverage,
    Gap,
    GapReason,
    Listing,
    MatchMethod,
    Resource,
    RuleRef,
    Severity,
    Side,
    Snapshot,
    SourceCoverage,
)
from auditor.store import ConflictError, Store

START = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)


def at(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


def breach(name: str = "orders", **changes: object) -> Breach:
    made = Breach(
        fingerprint=f"fp-{name}",
        rule=RuleRef("default", "engine-version", "default.yaml", 12, ("strict/engine",)),
        severity=Severity.HIGH,
        category=Category.DATABASE,
        kind="aws.rds.instance",
        identity=f"{name}-{{env}}",
        path=("engine_version",),
        left=Side("staging", f"{name}-staging", "16.3", "arn:aws:rds:eu-west-1:111122223333:db:orders"),
        right=Side("prod", f"{name}-prod", ABSENT),
        message="runs on another engine",
        about="Staging must rehearse on the engine of production",
        remediation="Upgrade it",
        matched_by=MatchMethod.IDENTITY,
        confidence=1.0,
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def resource(name: str, source: str = "aws:111122223333", **attributes: object) -> Resource:
    return Resource(
        kind="aws.rds.instance",
        identity=name,
        attributes={"engine": "postgres", "storage": {"gib": 100, "iops": None}, "zones": ["a", "b"], **attributes},
        source=source,
        region="eu-west-1",
        account="111122223333",
        parent=None,
        refs=(f"arn:{name}", f"db-{name}"),
        tags={"team": "shop"},
        component="orders",
        location=f"arn:{name}",
    )


def snapshot(
    snapshot_id: str = "s1",
    environment: str = "staging",
    taken_at: datetime = START,
    resources: Iterable[Resource] = (resource("orders"),),
) -> Snapshot:
    return Snapshot(
        id=snapshot_id,
        environment=environment,
        taken_at=taken_at,
        resources=tuple(resources),
        gaps=(Gap(environment, "aws:1", "aws.ecs.*", GapReason.THROTTLED, "Rate exceeded", region="eu-west-1"),),
        listings=(Listing("aws:111122223333", "aws.rds.instance", "eu-west-1"),),
        accounts=("111122223333",),
        regions=("eu-west-1",),
    )


def audit(audit_id: str, life: LifeResult, now: datetime = START, left: str = "staging", right: str = "prod") -> Audit:
    return Audit(
        id=audit_id,
        left=left,
        right=right,
        started_at=now - timedelta(seconds=3),
        finished_at=now,
        policies=("default", "acme"),
        score=0.75,
        scores={Category.DATABASE: 0.5, Category.COMPUTE: 1.0},
        coverage=Coverage(0.9, 3, 3, 2, 1, 1, (SourceCoverage(left, "aws:1", 4, 3.5),)),
        findings=life.findings,
        gaps=(Gap(left, "aws:1", "aws.ecs.*", GapReason.ACCESS_DENIED, "not allowed", attribute="tags"),),
        expected=7,
        unknown=2,
        notes=("a note",),
    )


def run(
    store: Store,
    audit_id: str,
    breaches: Sequence[Breach],
    now: datetime = START,
    *,
    observed: bool = True,
    left: str = "staging",
    right: str = "prod",
) -> Audit:
    """One audit as the pipeline does it: history, life, record; again when another audit was faster."""
    for environment in (left, right):
        store.save_snapshot(snapshot(f"{environment}-{audit_id}", environment, now))
    while True:
        life = live(store.previous(left, right), breaches, lambda _: observed, now, audit_id)
        made = audit(audit_id, life, now, left, right)
        try:
            store.record_audit(made, (f"{left}-{audit_id}", f"{right}-{audit_id}"), life)
        except ConflictError:
            continue
        return made
