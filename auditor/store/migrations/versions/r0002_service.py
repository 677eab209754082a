"""What the service keeps: the outbox, waivers, leases, its memory, and what gauges are read from."""

from __future__ import annotations

import json

import sqlalchemy as sa
import zstandard
from alembic import op

revision = "0002"
down_revision = "0001"

NAME = sa.String(255)
TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    _outbox()
    _decisions()
    _memory()
    _summaries()
    _indexes()
    _order_of_recording()
    _summarise_pairs()


def _outbox() -> None:
    op.create_table(
        "topics",
        sa.Column("id", NAME, nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("left_environment", NAME, nullable=False),
        sa.Column("right_environment", NAME, nullable=False),
        sa.Column("opened_at", TIME, nullable=False),
        sa.Column("closed_at", TIME, nullable=True),
        sa.Column("reference", sa.Text(), nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_topics"),
    )
    pair = ["left_environment", "right_environment", "closed_at"]
    op.create_index("ix_topics_left_environment_right_environment_closed_at", "topics", pair)
    op.create_table(
        "topic_members",
        sa.Column("topic", NAME, nullable=False),
        sa.Column("fingerprint", NAME, nullable=False),
        sa.ForeignKeyConstraint(["topic"], ["topics.id"], name="fk_topic_members_topic", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["fingerprint"], ["findings.fingerprint"], name="fk_topic_members_fingerprint"),
        sa.PrimaryKeyConstraint("topic", "fingerprint", name="pk_topic_members"),
    )
    op.create_index("ix_topic_members_fingerprint", "topic_members", ["fingerprint"])
    op.create_table(
        "notices",
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("id", NAME, nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("kind", NAME, nullable=False),
        sa.Column("topic", NAME, nullable=True),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("not_before", TIME, nullable=False),
        sa.Column("state", NAME, nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("attempted_at", TIME, nullable=True),
        sa.Column("ended", sa.Boolean(), nullable=False),
        sa.Column("next_at", TIME, nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("reference", sa.Text(), nullable=True),
        sa.Column("delivered_at", TIME, nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["topic"], ["topics.id"], name="fk_notices_topic"),
        sa.PrimaryKeyConstraint("sequence", name="pk_notices"),
        # A number is never given again, even when the notices that had the last ones were pruned.
        sqlite_autoincrement=True,
    )
    op.create_index("ix_notices_id", "notices", ["id"], unique=True)
    op.create_index("ix_notices_topic", "notices", ["topic"])
    _partial_index("ix_notices_pending", "notices", ["target", "sequence", "not_before", "state"], "state = 'pending'")
    _partial_index("ix_notices_failed", "notices", ["target", "state"], "state = 'failed'")
    _partial_index("ix_notices_opening", "notices", ["topic", "not_before"], "state = 'pending' AND kind = 'open'")


def _decisions() -> None:
    op.create_table(
        "waivers",
        sa.Column("id", NAME, nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        sa.Column("revoked_at", TIME, nullable=True),
        sa.Column("revoked_by", sa.Text(), nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_waivers"),
    )


def _memory() -> None:
    op.create_table(
        "leases",
        sa.Column("name", NAME, nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("beat", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_leases"),
    )
    op.create_table(
        "memory",
        sa.Column("key", NAME, nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_memory"),
    )


def _summaries() -> None:
    op.create_table(
        "snapshot_summaries",
        sa.Column("environment", NAME, nullable=False),
        sa.Column("snapshot", NAME, nullable=False),
        sa.Column("taken_at", TIME, nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["snapshot"], ["snapshots.id"], name="fk_snapshot_summaries_snapshot", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("environment", name="pk_snapshot_summaries"),
    )
    op.create_index("ix_snapshot_summaries_snapshot", "snapshot_summaries", ["snapshot"])
    op.create_table(
        "collector_successes",
        sa.Column("environment", NAME, nullable=False),
        sa.Column("collector", NAME, nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("environment", "collector", name="pk_collector_successes"),
    )
    op.create_table(
        "pair_summaries",
        sa.Column("left_environment", NAME, nullable=False),
        sa.Column("right_environment", NAME, nullable=False),
        sa.Column("last_audit", TIME, nullable=False),
        sa.Column("last_complete", TIME, nullable=True),
        sa.Column("score", sa.Double(), nullable=True),
        sa.Column("coverage", sa.Double(), nullable=False),
        sa.Column("scores", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("left_environment", "right_environment", name="pk_pair_summaries"),
    )


def _indexes() -> None:
    group = ["left_environment", "right_environment", "category", "severity", "status", "opened_at"]
    _partial_index("ix_findings_unresolved", "findings", group, "status <> 'resolved'")
    op.create_index("ix_events_at", "events", ["at"])
    _partial_index(
        "ix_events_regressed", "events", ["at", "fingerprint", "from_status", "to_status"], "to_status = 'regressed'"
    )


def _partial_index(name: str, table: str, columns: list[str], where: str) -> None:
    op.create_index(name, table, columns, sqlite_where=sa.text(where), postgresql_where=sa.text(where))


def _order_of_recording() -> None:
    """Numbers for the audits and snapshots that are there, in the order that version 0001 tells them in: by their times."""
    op.drop_index("ix_audits_left_environment_right_environment_finished_at", "audits")
    for table, time in (("audits", "finished_at"), ("snapshots", "taken_at")):
        op.add_column(table, sa.Column("sequence", sa.BigInteger(), server_default=sa.text("0"), nullable=False))
        op.execute(
            f"UPDATE {table} SET sequence = numbered.place FROM "
            f"(SELECT id, row_number() OVER (ORDER BY {time}, id) AS place FROM {table}) AS numbered "
            f"WHERE numbered.id = {table}.id"
        )
        op.create_index(f"ix_{table}_sequence", table, ["sequence"])
    pair = ["left_environment", "right_environment", "sequence"]
    op.create_index("ix_audits_left_environment_right_environment_sequence", "audits", pair)
    op.create_index("ix_snapshots_environment_sequence", "snapshots", ["environment", "sequence"])


def _summarise_pairs() -> None:
    """From the audits that are there: each pair's last one, and when one was last complete."""
    connection = op.get_bind()
    audits = sa.table(
        "audits",
        sa.column("id", NAME),
        sa.column("sequence", sa.BigInteger()),
        sa.column("left_environment", NAME),
        sa.column("right_environment", NAME),
        sa.column("finished_at", TIME),
        sa.column("complete", sa.Boolean()),
        sa.column("score", sa.Double()),
        sa.column("coverage", sa.Double()),
        sa.column("body", sa.LargeBinary()),
    )
    summaries = sa.table(
        "pair_summaries",
        *(sa.column(name, NAME) for name in ("left_environment", "right_environment")),
        *(sa.column(name, TIME) for name in ("last_audit", "last_complete")),
        *(sa.column(name, sa.Double()) for name in ("score", "coverage")),
        sa.column("scores", sa.Text()),
    )
    pair = (audits.c.left_environment, audits.c.right_environment)
    complete = sa.case((audits.c.complete, audits.c.finished_at))
    last_complete = {
        (left, right): at
        for left, right, at in connection.execute(sa.select(*pair, sa.func.max(complete)).group_by(*pair))
    }
    rank = sa.func.row_number().over(partition_by=pair, order_by=audits.c.sequence.desc())
    ranked = sa.select(audits.c.id, rank.label("rank")).subquery()
    newest = sa.select(audits).join(ranked, sa.and_(ranked.c.id == audits.c.id, ranked.c.rank == 1))
    rows = [
        {
            "left_environment": row.left_environment,
            "right_environment": row.right_environment,
            "last_audit": row.finished_at,
            "last_complete": last_complete[row.left_environment, row.right_environment],
            "score": row.score,
            "coverage": row.coverage,
            "scores": json.dumps(_scores(row.body), sort_keys=True),
        }
        for row in connection.execute(newest)
    ]
    if rows:
        connection.execute(sa.insert(summaries), rows)


def _scores(body: bytes) -> dict[str, float]:
    """Scores by category, as version 0001 keeps them in an audit's body."""
    try:
        kept: dict[str, dict[str, dict[str, float]]] = json.loads(zstandard.ZstdDecompressor().decompress(body))
    except (zstandard.ZstdError, ValueError):
        # Damaged, and that is told when the audit is read. The next audit of the pair brings them.
        return {}
    return kept["audit"]["scores"]
