"""What the page lists and shows: findings by what they are searched for, pairs by day, who may look, and who did what.

A later migration that builds the trail anew (SQLite's way to change a column) has to make its triggers anew.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import sqlalchemy as sa
import zstandard
from alembic import op

revision = "0005"
down_revision = "0004"

NAME = sa.String(255)
DIGEST = sa.String(64)
TIME = sa.DateTime(timezone=True)
NO_TEXT = sa.text("''")
BATCH = 1000
RANKS = {"critical": 4, "high": 3, "medium": 2, "low": 1, "info": 0}
TRAIL = "the trail is an audit log and is never changed or deleted"
SEARCHED = [
    *("left_environment", "right_environment", "rank", "first_seen", "fingerprint", "severity", "status", "category"),
    *("kind", "identity", "path", "rule", "owner", "cause", "suggested", "words"),
]


def upgrade() -> None:
    _searched_findings()
    _pair_summaries()
    _pair_days()
    _partial_index("ix_waivers_revoked", "waivers", ["revoked_at"], "revoked_at IS NOT NULL")
    _access()
    _trail()


def _searched_findings() -> None:
    for name in ("kind", "identity", "path", "rule"):
        op.add_column("findings", sa.Column(name, NAME, server_default=NO_TEXT, nullable=False))
    for name in ("owner", "cause"):
        op.add_column("findings", sa.Column(name, NAME, nullable=True))
    op.add_column("findings", sa.Column("rank", sa.Integer(), server_default=sa.text("0"), nullable=False))
    op.add_column("findings", sa.Column("words", sa.Text(), server_default=NO_TEXT, nullable=False))
    op.add_column("findings", sa.Column("suggested", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    _fill_findings()
    pair = ["left_environment", "right_environment"]
    _partial_index("ix_findings_search", "findings", SEARCHED, "status <> 'resolved'")
    _partial_index("ix_findings_resolved", "findings", [*pair, "last_seen", "fingerprint"], "status = 'resolved'")
    _partial_index("ix_findings_resolved_anywhere", "findings", ["last_seen", "fingerprint"], "status = 'resolved'")


def _fill_findings() -> None:
    """From the bodies, a batch at a time: there may be a million."""
    connection = op.get_bind()
    texts = ("severity", "kind", "identity", "path", "rule", "owner", "cause", "words")
    findings = sa.table(
        "findings",
        sa.column("fingerprint", NAME),
        sa.column("body", sa.LargeBinary()),
        sa.column("rank", sa.Integer()),
        sa.column("suggested", sa.Boolean()),
        *(sa.column(name, sa.Text()) for name in texts),
    )
    columns = [findings.c[name] for name in (*texts[1:], "rank", "suggested")]
    values = {column: sa.bindparam(f"new_{column.name}", type_=column.type) for column in columns}
    change = sa.update(findings).where(findings.c.fingerprint == sa.bindparam("which")).values(values)
    page = sa.select(findings.c.fingerprint, findings.c.severity, findings.c.body).order_by(findings.c.fingerprint)
    last = ""
    while rows := connection.execute(page.where(findings.c.fingerprint > last).limit(BATCH)).all():
        connection.execute(change, [_finding(*row) for row in rows])
        last = rows[-1].fingerprint


def _finding(fingerprint: str, severity: str, body: bytes) -> dict[str, Any]:
    found: dict[str, Any] = {"rank": RANKS[severity], "suggested": False, "owner": None, "cause": None}
    found |= dict.fromkeys(("kind", "identity", "path", "rule", "words"), "")
    breach = _read(body)
    if breach is not None:
        found |= _of_breach(breach)
    return {"which": fingerprint, **{f"new_{name}": value for name, value in found.items()}}


def _of_breach(breach: dict[str, Any]) -> dict[str, Any]:
    """As version 0005 of the program makes them from a body of version 0001 or later."""
    path = ".".join(_step(step) for step in breach["path"])
    rule = f"{breach['rule']['policy']}/{breach['rule']['id']}"
    owner, cause = breach.get("owner"), breach.get("cause_key")
    names = (breach["identity"], breach["left"]["identity"], breach["right"]["identity"], path)
    rest = (breach["kind"], rule, owner, breach["message"], breach.get("cause"))
    parts = [*(name and _first(_clean(name), 240) for name in names), *rest]
    words = " ".join(dict.fromkeys(part for part in parts if part))
    return {
        "kind": _cut(breach["kind"], 120),
        "identity": _cut(breach["identity"], 200),
        "path": _cut(path, 200),
        "rule": _cut(rule, 120),
        "owner": _cut(owner, 120) if owner else None,
        "cause": _cut(cause, 120) if cause else None,
        "words": _first(_clean(words).decode().lower().encode(), 900),
        "suggested": breach.get("suggestion") is not None,
    }


def _step(step: str) -> str:
    if step.startswith("\x1d#"):
        return "*"
    return f'"{step}"' if re.search(r"[.\s]", step) or not step else step


def _cut(text: str, limit: int) -> str:
    content = _clean(text)
    if len(content) <= limit:
        return content.decode()
    tail = f"…{sha256(content).hexdigest()[:16]}"
    return _first(content, limit - len(tail.encode())) + tail


def _clean(text: str) -> bytes:
    return text.replace("\0", "").encode("utf-8", "replace")


def _first(content: bytes, limit: int) -> str:
    return content[:limit].decode("utf-8", "ignore")


def _read(body: bytes) -> dict[str, Any] | None:
    """What a body holds; None where it is damaged, which is told when it is read for its own sake."""
    try:
        kept: dict[str, Any] = json.loads(zstandard.ZstdDecompressor().decompress(body))
    except (zstandard.ZstdError, ValueError):
        return None
    return kept


def _pair_summaries() -> None:
    op.add_column("pair_summaries", sa.Column("tallies", sa.Text(), server_default=sa.text("'{}'"), nullable=False))
    op.add_column("pair_summaries", sa.Column("audit", NAME, nullable=True))
    op.add_column(
        "pair_summaries", sa.Column("complete", sa.Boolean(), server_default=sa.text("false"), nullable=False)
    )
    op.add_column("pair_summaries", sa.Column("gaps", sa.Integer(), server_default=sa.text("0"), nullable=False))
    connection = op.get_bind()
    summaries = sa.table(
        "pair_summaries",
        *(sa.column(name, NAME) for name in ("left_environment", "right_environment", "audit")),
        sa.column("complete", sa.Boolean()),
        sa.column("gaps", sa.Integer()),
    )
    audits = _audits()
    pairs = connection.execute(sa.select(summaries.c.left_environment, summaries.c.right_environment)).all()
    for left, right in pairs:
        of_pair = (audits.c.left_environment == left, audits.c.right_environment == right)
        newest = sa.select(audits).where(*of_pair).order_by(audits.c.sequence.desc(), audits.c.id.desc()).limit(1)
        row = connection.execute(newest).first()
        if row is None:
            continue
        this = (summaries.c.left_environment == left, summaries.c.right_environment == right)
        body = _read(row.body)
        gaps = len(body["audit"]["gaps"]) if body is not None else 0
        connection.execute(sa.update(summaries).where(*this).values(audit=row.id, complete=row.complete, gaps=gaps))


def _pair_days() -> None:
    op.create_table(
        "pair_days",
        sa.Column("left_environment", NAME, nullable=False),
        sa.Column("right_environment", NAME, nullable=False),
        sa.Column("day", sa.String(10), nullable=False),
        sa.Column("score", sa.Double(), nullable=True),
        sa.Column("coverage", sa.Double(), nullable=False),
        *(sa.Column(name, sa.Integer(), nullable=True) for name in RANKS),
        sa.Column("audits", sa.Integer(), nullable=False),
        sa.Column("incomplete", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("left_environment", "right_environment", "day", name="pk_pair_days"),
    )
    op.create_index("ix_pair_days_day", "pair_days", ["day"])
    audits = _audits()
    named = [audits.c[name] for name in ("left_environment", "right_environment", "finished_at", "complete")]
    in_order = sa.select(*named, audits.c.score, audits.c.coverage).order_by(audits.c.sequence, audits.c.id)
    connection = op.get_bind()
    days = list(_days(connection.execute(in_order)))
    if days:
        texts, numbers = ("left_environment", "right_environment", "day"), ("score", "coverage")
        columns: list[sa.ColumnClause[Any]] = [
            *(sa.column(name, NAME) for name in texts),
            *(sa.column(name, sa.Double()) for name in numbers),
            *(sa.column(name, sa.Integer()) for name in ("audits", "incomplete")),
        ]
        connection.execute(sa.insert(sa.table("pair_days", *columns)), days)


def _days(audits: Iterable[Sequence[Any]]) -> Iterator[dict[str, Any]]:
    """One row for each pair and day, with what its last audit said. How many findings were open is not known any more."""
    days: dict[tuple[str, str, str], dict[str, Any]] = {}
    for left, right, finished_at, complete, score, coverage in audits:
        day = _utc(finished_at).date().isoformat()
        row = days.setdefault((left, right, day), {"audits": 0, "incomplete": 0})
        row |= {"left_environment": left, "right_environment": right, "day": day, "score": score, "coverage": coverage}
        row["audits"] += 1
        row["incomplete"] += not complete
    yield from days.values()


def _utc(at: datetime) -> datetime:
    """SQLite keeps no zone: its times are UTC."""
    return at if at.tzinfo is None else at.astimezone(UTC)


def _audits() -> sa.TableClause:
    return sa.table(
        "audits",
        *(sa.column(name, NAME) for name in ("id", "left_environment", "right_environment")),
        sa.column("sequence", sa.BigInteger()),
        sa.column("finished_at", TIME),
        sa.column("complete", sa.Boolean()),
        *(sa.column(name, sa.Double()) for name in ("score", "coverage")),
        sa.column("body", sa.LargeBinary()),
    )


def _access() -> None:
    op.create_table(
        "api_tokens",
        sa.Column("id", NAME, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("digest", DIGEST, nullable=False),
        sa.Column("scope", NAME, nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        *(sa.Column(name, TIME, nullable=True) for name in ("expires_at", "used_at", "revoked_at")),
        sa.Column("revoked_by", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_api_tokens"),
    )
    op.create_index("ix_api_tokens_digest", "api_tokens", ["digest"], unique=True)
    op.create_table(
        "web_sessions",
        sa.Column("digest", DIGEST, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("scope", NAME, nullable=False),
        sa.Column("via", NAME, nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        sa.Column("token_id", NAME, nullable=True),
        sa.PrimaryKeyConstraint("digest", name="pk_web_sessions"),
    )
    op.create_index("ix_web_sessions_expires_at", "web_sessions", ["expires_at"])
    op.create_index("ix_web_sessions_token_id", "web_sessions", ["token_id"])


def _trail() -> None:
    op.create_table(
        "trail",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("via", NAME, nullable=False),
        sa.Column("action", NAME, nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("outcome", NAME, nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_trail"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_trail_at", "trail", ["at"])
    if op.get_bind().dialect.name == "sqlite":
        refuse = f"BEGIN SELECT RAISE(ABORT, '{TRAIL}'); END"
        op.execute(f"CREATE TRIGGER trail_no_update BEFORE UPDATE ON trail {refuse}")
        op.execute(f"CREATE TRIGGER trail_no_delete BEFORE DELETE ON trail {refuse}")
        # OR REPLACE deletes what is in its way without asking the trigger of deletion.
        known = "EXISTS (SELECT 1 FROM trail WHERE id = NEW.id)"
        op.execute(f"CREATE TRIGGER trail_no_replace BEFORE INSERT ON trail WHEN {known} {refuse}")
        return
    refuse = f"EXECUTE FUNCTION refuse_rewriting('{TRAIL}')"
    op.execute(f"CREATE TRIGGER trail_no_update BEFORE UPDATE ON trail FOR EACH ROW {refuse}")
    op.execute(f"CREATE TRIGGER trail_no_delete BEFORE DELETE ON trail FOR EACH ROW {refuse}")
    op.execute(f"CREATE TRIGGER trail_no_truncate BEFORE TRUNCATE ON trail FOR EACH STATEMENT {refuse}")


def _partial_index(name: str, table: str, columns: list[str], where: str) -> None:
    op.create_index(name, table, columns, sqlite_where=sa.text(where), postgresql_where=sa.text(where))
