"""What ran where, and from when to when. It is filled from the stored snapshots when an environment is next observed,
because only then is it known which words in a component's name mean the environment.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

NAME = sa.String(255)
TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "deployments",
        sa.Column("environment", NAME, nullable=False),
        sa.Column("component", NAME, nullable=False),
        sa.Column("version", NAME, nullable=False),
        sa.Column("digest", NAME, nullable=False),
        sa.Column("first_seen", TIME, nullable=False),
        sa.Column("after", TIME, nullable=True),
        sa.Column("last_seen", TIME, nullable=True),
        sa.Column("deployed_at", TIME, nullable=True),
        sa.PrimaryKeyConstraint("environment", "component", "version", "digest", "first_seen", name="pk_deployments"),
    )
    op.create_table(
        "deployment_watches",
        sa.Column("environment", NAME, nullable=False),
        sa.Column("last_seen", TIME, nullable=False),
        sa.PrimaryKeyConstraint("environment", name="pk_deployment_watches"),
    )
