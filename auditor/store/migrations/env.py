"""Run by Alembic. The caller (`schema.py`) brings the connection and owns the transaction around it."""

from __future__ import annotations

from alembic import context

from auditor.store.schema import VERSION_TABLE
from auditor.store.tables import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    version_table=VERSION_TABLE,
    # SQLite cannot alter a table in place: new migrations are written so that they copy it.
    render_as_batch=True,
)
context.run_migrations()
