"""An SQLite store as years of use leave it, always the same: for measuring what is asked of it.

    from bench.seeded import NOW, seed
    seed(path, pairs=100, open=20_000, past=1_000_000)

Written past the program where it would take hours, by the program where that says what rows look like.
"""

from __future__ import annotations

import json
import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import zstandard

from auditor.codec import encode
from auditor.model import (
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
    Status,
    Tally,
)
from auditor.store import Store, audits, schema, searched, summaries
from auditor.waivers import Waiver

NOW = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
YEARS = timedelta(days=365)
ALIVE = (Status.OPEN, Status.OPEN, Status.OPEN, Status.PENDING, Status.REGRESSED, Status.WAIVED, Status.ACKNOWLEDGED)
# Kind, category, path, one value and the other.
SORTS = (
    ("aws.rds.instance", Category.DATABASE, ("engine_version",), "16.3", "15.7"),
    ("aws.rds.cluster", Category.DATABASE, ("backup_retention_period",), 7, 35),
    ("aws.ec2.fleet", Category.COMPUTE, ("instance_types",), ["m6i.large"], ["m6i.2xlarge"]),
    ("aws.lambda.function", Category.COMPUTE, ("memory_size",), 512, 1024),
    ("aws.ssm.parameter", Category.CONFIG, ("value",), "true", "false"),
    ("env.file", Category.CONFIG, ("FEATURE_CHECKOUT_V2",), "on", "off"),
    ("kubernetes.deployment", Category.DEPLOYMENT, ("containers", "app", "image"), "shop:1.4.2", "shop:1.3.9"),
    ("aws.ecs.service", Category.DEPLOYMENT, ("desired_count",), 1, 6),
    ("aws.elbv2.listener", Category.NETWORK, ("ssl_policy",), "TLS13-1-2", "TLS-1-0"),
    ("aws.iam.role", Category.SECURITY, ("policies", "inline", "actions"), ["s3:*"], ["s3:GetObject"]),
    ("aws.sqs.queue", Category.MESSAGING, ("visibility_timeout",), 30, 120),
    ("aws.s3.bucket", Category.STORAGE, ("versioning",), False, True),
)
SEVERITIES = (
    Severity.CRITICAL,
    *[Severity.HIGH] * 3,
    *[Severity.MEDIUM] * 6,
    *[Severity.LOW] * 8,
    *[Severity.INFO] * 2,
)


@dataclass(frozen=True, slots=True)
class Size:
    """How much there is."""

    pairs: int
    open: int
    past: int

    def pair(self, number: int) -> tuple[str, str]:
        return f"staging-{number % self.pairs:03}", f"prod-{number % self.pairs:03}"


def seed(path: Path, pairs: int = 100, open: int = 20_000, past: int = 1_000_000) -> None:  # noqa: A002
    """Make the store in the new file `path`: unresolved findings lie anywhere among the resolved ones."""
    size = Size(pairs, open, past)
    schema.upgrade(f"sqlite:///{path}")
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        _bulk(connection, size)
    with Store.open(f"sqlite:///{path}", clock=lambda: NOW) as store:
        for number in range(size.pairs):
            _last_audit(store, size, number)
        store.record_acts(*size.pair(0), (), (), waivers=[_waiver(number) for number in range(300)])


def _bulk(connection: sqlite3.Connection, size: Size) -> None:
    """Findings, events and days, in one piece and without indexes, which are made afterwards."""
    # Nobody else has the file yet, and a file that was not finished is of no use.
    connection.execute("PRAGMA journal_mode = OFF")
    connection.execute("PRAGMA synchronous = OFF")
    connection.execute("PRAGMA cache_size = -400000")
    indexes = connection.execute(
        "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name IN ('findings', 'events') AND sql <> ''"
    ).fetchall()
    connection.execute("BEGIN")
    for name, _ in indexes:
        connection.execute(f"DROP INDEX {name}")
    made = list(_FINDING)
    rows = f"INSERT INTO findings ({', '.join(made)}) VALUES ({', '.join('?' * len(made))})"
    connection.executemany(rows, _findings(size))
    connection.executemany(
        "INSERT INTO events (fingerprint, at, audit_id, actor, from_status, to_status, reason) VALUES (?,?,?,?,?,?,?)",
        _events(size),
    )
    connection.executemany("INSERT INTO pair_days VALUES (?,?,?,?,?,?,?,?,?,?,?,?)", _days(size))
    for _, sql in indexes:
        connection.execute(sql)
    connection.execute("COMMIT")
    connection.execute("PRAGMA journal_mode = WAL")


def breach(size: Size, number: int) -> Breach:
    """The one that the finding with this number is about."""
    chance = random.Random(number)
    left, right = size.pair(number)
    kind, category, path, one, other = SORTS[chance.randrange(len(SORTS))]
    name = f"service-{chance.randrange(400):03}"
    grouped = number % 9 == 0
    return Breach(
        fingerprint=sha256(f"finding {number}".encode()).hexdigest(),
        rule=RuleRef("default", f"{kind.rpartition('.')[2]}-{path[-1].lower()}", "policies/default.yaml", 120),
        severity=chance.choice(SEVERITIES),
        category=category,
        kind=kind,
        identity=f"{name}-{{env}}",
        path=path,
        left=Side(left, f"{name}-staging", one, f"arn:aws:shop:eu-west-1:111122223333:{name}-staging"),
        right=Side(right, f"{name}-prod", other, f"arn:aws:shop:eu-west-1:444455556666:{name}-prod"),
        message=f"{path[-1]} of {name} is {one} in {left} and {other} in {right}",
        about="Staging must rehearse what production runs, or what passes there says little about it",
        remediation=f"Set {path[-1]} of {name}-staging as in {right}",
        matched_by=MatchMethod.IDENTITY,
        confidence=1.0,
        owner=f"team-{number % 12}" if number % 4 else None,
        cause=f"{path[-1]} differs in 9 resources" if grouped else None,
        cause_key=f"{kind}/{'.'.join(path)}" if grouped else None,
    )


# The columns of a finding that differ between two findings of one sort, and then those that do not.
_LIVING = ("fingerprint", "status", "first_seen", "last_seen", "since", "opened_at", "revision", "digest", "body")
_LASTING = ("left_environment", "right_environment", "severity", "category")
_SEARCHED = ("kind", "identity", "path", "rule", "owner", "cause", "rank", "words", "suggested")
_FINDING = (*_LIVING, *_LASTING, *_SEARCHED)
# As many sorts as there are pairs, times this.
_VARIETY = 40


@dataclass(frozen=True, slots=True)
class _Life:
    """What the number of a finding says of its life."""

    number: int
    fingerprint: str
    status: Status
    first_seen: datetime
    last_seen: datetime


def _lives(size: Size) -> Iterator[_Life]:
    """In the order in which they were first seen. Unresolved ones lie anywhere among the others."""
    chance = random.Random(7)
    total = size.open + size.past
    unresolved = set(chance.sample(range(total), size.open))
    for number in range(total):
        first = NOW - YEARS + YEARS * (number / total)
        last = min(NOW, first + timedelta(hours=chance.randrange(1, 72)))
        status = chance.choice(ALIVE) if number in unresolved else Status.RESOLVED
        seen = last if status is Status.RESOLVED else NOW
        yield _Life(number, sha256(f"finding {number}".encode()).hexdigest(), status, first, seen)


def _findings(size: Size) -> Iterator[tuple[Any, ...]]:
    compressor = zstandard.ZstdCompressor()
    sorts = [_sort(size, number) for number in range(size.pairs * _VARIETY)]
    for life in _lives(size):
        before, after, lasting = sorts[life.number % len(sorts)]
        first, last = _spelled(life.first_seen), _spelled(life.last_seen)
        opened = None if life.status is Status.PENDING else first
        body = compressor.compress(b"".join((before, life.fingerprint.encode(), after)))
        living = (life.fingerprint, life.status.value, first, last, first, opened, 3, life.fingerprint, body)
        yield (*living, *lasting)


def _sort(size: Size, number: int) -> tuple[bytes, bytes, tuple[Any, ...]]:
    """The body around the fingerprint, and the columns that are made from it."""
    made = breach(size, number)
    before, after = json.dumps(encode(made)).encode().split(made.fingerprint.encode())
    columns = searched.columns(made)
    lasting = (made.left.environment, made.right.environment, made.severity.value, made.category.value)
    return before, after, (*lasting, *(columns[name] for name in _SEARCHED))


def _events(size: Size) -> Iterator[tuple[Any, ...]]:
    """How each began, and how most ended."""
    for life in _lives(size):
        if life.status is Status.PENDING:
            yield _event(life, life.first_seen, None, Status.PENDING, "found")
            continue
        yield _event(life, life.first_seen, None, Status.OPEN, "found")
        if life.status is not Status.OPEN:
            at = life.last_seen if life.status is Status.RESOLVED else life.first_seen + timedelta(minutes=15)
            yield _event(life, min(at, NOW), Status.OPEN, life.status, "seen to be gone")


def _event(life: _Life, at: datetime, was: Status | None, status: Status, reason: str) -> tuple[Any, ...]:
    return life.fingerprint, _spelled(at), "an-audit", "auditor", was.value if was else None, status.value, reason


def _days(size: Size) -> Iterator[tuple[Any, ...]]:
    """30 days before this one of each pair."""
    chance = random.Random(8)
    for number in range(size.pairs):
        for ago in range(30, 0, -1):
            day = (NOW - timedelta(days=ago)).date().isoformat()
            counts = [chance.randrange(most) for most in (3, 30, 60, 90, 20)]
            yield *size.pair(number), day, 0.7 + chance.random() * 0.3, 0.99, *counts, 96, chance.randrange(3)


def _last_audit(store: Store, size: Size, number: int) -> None:
    """Two snapshots of each environment, and an audit of the newer ones that found what is unresolved of the pair."""
    left, right = size.pair(number)
    for name in (left, right):
        store.save_snapshot(_snapshot(name, 0, NOW - timedelta(hours=1)))
        store.save_snapshot(_snapshot(name, 1, NOW))
    stored = store.findings(left, right, status=[status for status in Status if status is not Status.RESOLVED])
    made = Audit(
        id=f"{NOW:%Y%m%dT%H%M%SZ}-{number:08x}",
        left=left,
        right=right,
        started_at=NOW - timedelta(seconds=9),
        finished_at=NOW,
        policies=("default",),
        score=0.91,
        scores=dict.fromkeys(Category, 0.9),
        coverage=Coverage(0.99 if number % 7 == 0 else 1.0, 60, 60, 58, 2, 2),
        findings=tuple(one.finding for one in stored),
        gaps=(_gap(left),) if number % 7 == 0 else (),
        expected=400,
        unknown=3 if number % 7 == 0 else 0,
        tallies={category: Tally(matched=300, expected=40, unknown=number % 7) for category in Category},
    )
    with store._database.writing() as session:
        audits.add(session, made, (f"{left}-1", f"{right}-1"))
        summaries.keep_audit(session, made)


def _snapshot(environment: str, number: int, taken_at: datetime) -> Snapshot:
    """60 resources; of the first pair's environments 2,000."""
    many = 2000 if environment.endswith("-000") else 60
    found = tuple(
        Resource(
            kind=SORTS[place % len(SORTS)][0],
            identity=f"service-{place:03}-{environment}",
            attributes={"version": f"1.{place}.{number if place % 10 == 0 else 0}", "name": environment, "size": place},
            source="aws:111122223333",
            region="eu-west-1",
            account="111122223333",
            component=f"service-{place:03}",
            tags={"team": f"team-{place % 12}"},
        )
        for place in range(many)
    )
    listings = (Listing("aws:111122223333", "aws.*", "eu-west-1"), Listing("files:deploy", "*"))
    return Snapshot(f"{environment}-{number}", environment, taken_at, found, (_gap(environment),), listings)


def _gap(environment: str) -> Gap:
    return Gap(environment, "http:shop", "http.service", GapReason.TIMEOUT, "no answer within 10 s")


def _waiver(number: int) -> Waiver:
    return Waiver(
        id=f"waiver-{number:03}",
        owner=f"team-{number % 12}",
        reason="is replaced with the next release",
        created_at=NOW - timedelta(days=number % 60),
        expires_at=NOW + timedelta(days=number % 90 - 30),
        origin="cli",
        identity=f"service-{number:03}-{{env}}",
    )


def _spelled(at: datetime) -> str:
    """As SQLite keeps it."""
    return at.replace(tzinfo=None).isoformat(" ", "microseconds")
