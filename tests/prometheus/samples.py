"""A small company's numbers: two pairs, three environments, an auditor that has worked for a while."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from auditor.gauges import CollectorGauge, Deployed, EnvironmentGauges, Gauges, PairGauges
from auditor.model import Category, GapReason, Severity, Status
from auditor.notices import Happening
from auditor.publish.prometheus import PrometheusMeters
from auditor.waivers import Waiver

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
PAIRS = (("staging", "prod"), ("test", "staging"))
COLLECTORS = {"staging": ("aws", "http"), "prod": ("aws", "http"), "test": ("files",)}
PUBLISHERS = ("slack", "webhook")


def meters(now: datetime = NOON) -> PrometheusMeters:
    """What a process has counted that audited both pairs twice and told of it."""
    made = PrometheusMeters("0.1.0", lambda: now)
    made.configure(PAIRS, COLLECTORS, PUBLISHERS)
    made.leading(True)
    for left, right in PAIRS:
        made.audit_ended(left, right, "complete", timedelta(seconds=4.2), f"20261122T114500-{left}")
        made.audit_ended(left, right, "incomplete", timedelta(seconds=75), f"20261122T120000-{left}")
        made.next_run(left, right, now - timedelta(minutes=1))
        made.next_run(left, right, now + timedelta(minutes=14))
    made.audit_ended("staging", "prod", "failed", timedelta(seconds=1), None)
    for environment, collectors in COLLECTORS.items():
        for collector in collectors:
            made.collector_ended(environment, collector, timedelta(seconds=3), ())
    made.collector_ended("prod", "aws", timedelta(seconds=61), (GapReason.ACCESS_DENIED, GapReason.THROTTLED))
    for outcome in ("ok", "ok", "throttled"):
        made.api_request("prod", "rds", outcome)
    for happening in (Happening.NEW, Happening.NEW, Happening.REGRESSED, Happening.RESOLVED):
        made.changed("staging", "prod", happening)
    made.resolved("staging", "prod", timedelta(hours=30))
    for outcome in ("delivered", "delivered", "retried"):
        made.notification("slack", outcome)
    made.missed("test", "staging", 2)
    return made


def gauges(now: datetime = NOON) -> Gauges:
    """What the store knows."""
    quarter = timedelta(minutes=15)
    return Gauges(
        pairs=(
            PairGauges(
                "staging",
                "prod",
                findings={
                    (Category.DATABASE, Severity.CRITICAL, Status.OPEN): 1,
                    (Category.DATABASE, Severity.HIGH, Status.REGRESSED): 2,
                    (Category.CONFIG, Severity.LOW, Status.WAIVED): 7,
                },
                score=0.87,
                scores={Category.DATABASE: 0.5, Category.CONFIG: 1.0},
                coverage=0.975,
                last_audit=now,
                last_complete=now - quarter,
                oldest_open=now - timedelta(days=3),
                flapping=1,
            ),
            PairGauges("test", "staging", findings={}),
        ),
        environments=(
            EnvironmentGauges(
                "prod",
                now,
                {"aws.rds.instance": 4, "http.version": 2},
                {GapReason.ACCESS_DENIED: 1},
                (Deployed("api", "1.4.2", deployed_at=now - timedelta(days=1)), Deployed("web", "2.0.0")),
            ),
            EnvironmentGauges(
                "staging", now, {"aws.rds.instance": 4}, {}, (Deployed("api", "1.5.0"), Deployed("api", "1.4.2"))
            ),
            EnvironmentGauges("test", None, {}, {}),
        ),
        collectors=(
            CollectorGauge("prod", "aws", now - timedelta(hours=5)),
            CollectorGauge("prod", "http", now),
            CollectorGauge("test", "files", None),
        ),
        pending={"slack": 2},
        failed={},
        oldest_pending=now - timedelta(minutes=20),
    )


def waivers(now: datetime = NOON) -> tuple[Waiver, ...]:
    """One in force for long, one for three days, one that ended."""
    return tuple(
        Waiver(f"w-{days}", "dana", "known", now - timedelta(days=40), now + timedelta(days=days), "cli")
        for days in (30, 3, -1)
    )
