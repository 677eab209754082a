"""The first tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

DIGEST = sa.String(64)
NAME = sa.String(255)
TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    _content()
    _snapshots()
    _audits()
    _findings()


def _content() -> None:
    for table in ("documents", "manifests"):
        op.create_table(
            table,
            sa.Column("digest", DIGEST, nullable=False),
            sa.Column("body", sa.LargeBinary(), nullable=False),
            sa.PrimaryKeyConstraint("digest", name=f"pk_{table}"),
        )
    op.create_table(
        "cache",
        sa.Column("namespace", NAME, nullable=False),
        sa.Column("key", NAME, nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("namespace", "key", name="pk_cache"),
    )
    op.create_index("ix_cache_created_at", "cache", ["created_at"])


def _snapshots() -> None:
    op.create_table(
        "snapshots",
        sa.Column("id", NAME, nullable=False),
        sa.Column("environment", NAME, nullable=False),
        sa.Column("taken_at", TIME, nullable=False),
        sa.Column("resources", sa.Integer(), nullable=False),
        sa.Column("gaps", sa.Integer(), nullable=False),
        sa.Column("facts", DIGEST, nullable=False),
        sa.ForeignKeyConstraint(["facts"], ["documents.digest"], name="fk_snapshots_facts"),
        sa.PrimaryKeyConstraint("id", name="pk_snapshots"),
    )
    op.create_index("ix_snapshots_environment_taken_at", "snapshots", ["environment", "taken_at"])
    op.create_table(
        "snapshot_manifests",
        sa.Column("snapshot", NAME, nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("manifest", DIGEST, nullable=False),
        sa.ForeignKeyConstraint(
            ["snapshot"], ["snapshots.id"], name="fk_snapshot_manifests_snapshot", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["manifest"], ["manifests.digest"], name="fk_snapshot_manifests_manifest"),
        sa.PrimaryKeyConstraint("snapshot", "position", name="pk_snapshot_manifests"),
    )
    op.create_index("ix_snapshot_manifests_manifest", "snapshot_manifests", ["manifest"])


def _audits() -> None:
    op.create_table(
        "audits",
        sa.Column("id", NAME, nullable=False),
        sa.Column("left_environment", NAME, nullable=False),
        sa.Column("right_environment", NAME, nullable=False),
        sa.Column("left_snapshot", NAME, nullable=False),
        sa.Column("right_snapshot", NAME, nullable=False),
        sa.Column("started_at", TIME, nullable=False),
        sa.Column("finished_at", TIME, nullable=False),
        sa.Column("complete", sa.Boolean(), nullable=False),
        sa.Column("score", sa.Double(), nullable=True),
        sa.Column("coverage", sa.Double(), nullable=False),
        sa.Column("findings", DIGEST, nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["findings"], ["documents.digest"], name="fk_audits_findings"),
        sa.ForeignKeyConstraint(["left_snapshot"], ["snapshots.id"], name="fk_audits_left_snapshot"),
        sa.ForeignKeyConstraint(["right_snapshot"], ["snapshots.id"], name="fk_audits_right_snapshot"),
        sa.PrimaryKeyConstraint("id", name="pk_audits"),
    )
    pair = ["left_environment", "right_environment", "finished_at"]
    op.create_index("ix_audits_left_environment_right_environment_finished_at", "audits", pair)
    op.create_index("ix_audits_left_snapshot", "audits", ["left_snapshot"])
    op.create_index("ix_audits_right_snapshot", "audits", ["right_snapshot"])


def _findings() -> None:
    op.create_table(
        "findings",
        sa.Column("fingerprint", NAME, nullable=False),
        sa.Column("left_environment", NAME, nullable=False),
        sa.Column("right_environment", NAME, nullable=False),
        sa.Column("status", NAME, nullable=False),
        sa.Column("severity", NAME, nullable=False),
        sa.Column("category", NAME, nullable=False),
        sa.Column("first_seen", TIME, nullable=False),
        sa.Column("last_seen", TIME, nullable=False),
        sa.Column("since", TIME, nullable=False),
        sa.Column("opened_at", TIME, nullable=True),
        sa.Column("moved", sa.Text(), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("digest", DIGEST, nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("fingerprint", name="pk_findings"),
    )
    pair = ["left_environment", "right_environment", "status"]
    op.create_index("ix_findings_left_environment_right_environment_status", "findings", pair)
    op.create_table(
        "events",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("fingerprint", NAME, nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("audit_id", NAME, nullable=True),
        sa.Column("actor", NAME, nullable=False),
        sa.Column("from_status", NAME, nullable=True),
        sa.Column("to_status", NAME, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["fingerprint"], ["findings.fingerprint"], name="fk_events_fingerprint"),
        sa.PrimaryKeyConstraint("id", name="pk_events"),
    )
    op.create_index("ix_events_fingerprint", "events", ["fingerprint"])
