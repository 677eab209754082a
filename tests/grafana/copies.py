"""Two copies of the auditor as a scrape sees them: the same store, one leads. What they count grows at every scrape.

The pairs, each for something that a panel has to tell:

staging / prod     fully observed, with findings of every severity and status, one of them flapping
test / staging     not fully observed, with a high score of what was seen
qa / prod          fully observed, nothing found; its last scheduled audit is overdue
dev / test         never audited
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from auditor.gauges import CollectorGauge, Deployed, EnvironmentGauges, Gauges, PairGauges
from auditor.model import Category, GapReason, Severity, Status
from auditor.notices import Happening
from auditor.publish.prometheus import PrometheusMeters, render
from auditor.waivers import Waiver

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
PAIRS = (("staging", "prod"), ("test", "staging"), ("qa", "prod"), ("dev", "test"))
COLLECTORS = {
    "staging": ("aws", "files"),
    "prod": ("aws", "files"),
    "test": ("aws",),
    "qa": ("files",),
    "dev": ("files",),
}


def utcnow() -> datetime:
    return datetime.now(UTC)


def stored(now: datetime) -> Gauges:
    """What both copies read from the store."""
    findings = {
        (Category.COMPUTE, Severity.CRITICAL, Status.OPEN): 1,
        (Category.CONFIG, Severity.HIGH, Status.REGRESSED): 2,
        (Category.CONFIG, Severity.LOW, Status.OPEN): 3,
        (Category.DATABASE, Severity.MEDIUM, Status.PENDING): 1,
        (Category.SECURITY, Severity.HIGH, Status.ACKNOWLEDGED): 1,
        (Category.NETWORK, Severity.MEDIUM, Status.WAIVED): 2,
        (Category.STORAGE, Severity.INFO, Status.OPEN): 4,
        (Category.NETWORK, Severity.MEDIUM, Status.OPEN): 1,
    }
    scores = {Category.COMPUTE: 0.8, Category.CONFIG: 0.93, Category.DATABASE: 1.0}
    pairs = (
        PairGauges("staging", "prod", findings, 0.97, scores, 1.0, now - HOUR / 6, now - HOUR / 6, now - 3 * DAY, 1),
        PairGauges(
            "test",
            "staging",
            {(Category.CONFIG, Severity.LOW, Status.OPEN): 1},
            0.99999,
            {Category.CONFIG: 0.99},
            0.9999,
            now - HOUR,
            now - DAY,
            now - HOUR,
        ),
        PairGauges("qa", "prod", {}, 1.0, {Category.CONFIG: 1.0}, 1.0, now - 2 * HOUR, now - 2 * HOUR),
        PairGauges("dev", "test", {}),
    )
    return Gauges(
        pairs=pairs,
        environments=_environments(now),
        collectors=tuple(
            CollectorGauge(environment, name, None if environment == "test" else now - HOUR / 6)
            for environment, names in COLLECTORS.items()
            for name in names
        ),
        pending={"slack": 2, "webhook": 0},
        failed={"slack": 1, "webhook": 0},
        oldest_pending=now - HOUR / 10,
    )


def _environments(now: datetime) -> tuple[EnvironmentGauges, ...]:
    old, new = now - 20 * DAY, now - DAY
    deployed = {
        "staging": (
            Deployed("api", "1.5.0", None, new),
            Deployed("web", "7.0", None, old),
            Deployed("worker", "3.1", None, new),
        ),
        "prod": (
            Deployed("api", "1.4.2", None, old),
            Deployed("web", "7.0", None, old),
            Deployed("billing", "2.0", None, old),
            Deployed("billing", "2.1", None, new),
        ),
    }
    gaps = {"test": {GapReason.ACCESS_DENIED: 3, GapReason.THROTTLED: 1}}
    return tuple(
        EnvironmentGauges(
            name,
            None if name == "dev" else now - HOUR / 6,
            {"aws.rds.instance": 2, "env.file": 4},
            gaps.get(name, {}),
            deployed.get(name, ()),
        )
        for name in COLLECTORS
    )


def waivers(now: datetime) -> tuple[Waiver, ...]:
    def one(name: str, expires: timedelta, revoked: datetime | None = None) -> Waiver:
        return Waiver(name, "ada", "until the migration", now - 30 * DAY, now + expires, "cli", revoked_at=revoked)

    return one("active", 40 * DAY), one("soon", 2 * DAY), one("over", -DAY), one("taken back", 9 * DAY, now - DAY)


def count(meters: PrometheusMeters, turn: int) -> None:
    """What happens between two scrapes of the leading copy."""
    for left, right in PAIRS[:3]:
        for outcome, seconds in (("complete", 40), ("incomplete", 15), ("failed", 3)):
            found = None if outcome == "failed" else f"{left}-{turn}"
            meters.audit_ended(left, right, outcome, timedelta(seconds=seconds + turn), found)
        for happening in Happening:
            meters.changed(left, right, happening)
        meters.resolved(left, right, (HOUR, DAY, 9 * DAY)[turn % 3])
        meters.missed(left, right, 1)
    for environment, names in COLLECTORS.items():
        for name in names:
            reasons = (GapReason.ACCESS_DENIED, GapReason.THROTTLED) if environment == "test" else ()
            meters.collector_ended(environment, name, timedelta(seconds=2 + turn % 5), reasons)
        for outcome in ("ok", "ok", "throttled", "denied", "error"):
            meters.api_request(environment, "rds", outcome)
    for publisher in ("slack", "webhook"):
        for outcome in ("delivered", "retried", "failed"):
            meters.notification(publisher, outcome)


def _meters(*, leads: bool) -> PrometheusMeters:
    meters = PrometheusMeters("1.0.0", utcnow)
    meters.configure(PAIRS, COLLECTORS, ("slack", "webhook"))
    meters.leading(leads)
    if leads:
        for left, right in PAIRS:
            meters.next_run(left, right, utcnow() - HOUR)
            meters.next_run(left, right, utcnow() + HOUR / 4)
    return meters


@contextlib.contextmanager
def two_copies() -> Iterator[tuple[str, str]]:
    """The addresses (`host:port`) of a leading copy and of another one, while they answer scrapes."""
    with _copy(leads=True) as first, _copy(leads=False) as second:
        yield first, second


@contextlib.contextmanager
def _copy(*, leads: bool) -> Iterator[str]:
    meters = _meters(leads=leads)

    class Scraped(BaseHTTPRequestHandler):
        turn = 0

        def do_GET(self) -> None:
            if leads:
                Scraped.turn += 1
                count(meters, Scraped.turn)
            now = utcnow()
            kind, body = render(meters, stored(now), waivers(now), self.headers.get("Accept"), now)
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            """Tests print nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Scraped)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
