"""Manifests in chunks. Those that are there list their resources themselves, and stay as they are.

Normal forms by resource are not kept any more (`auditor.kept` keeps them together); `audit db prune` gives their room back.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.create_table(
        "chunks",
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_chunks"),
    )
    cache = sa.table("cache", sa.column("namespace", sa.String(255)))
    op.execute(sa.delete(cache).where(cache.c.namespace.like("form-%")))
