"""Run by Alembic. The caller (`schema.py`) brings the connection and owns the transaction around it."""

from __future__ import annotations

from alembic import context

from auditor.store.schema import VERSION_TABLE

context.configure(connection=context.config.attributes["connection"], version_table=VERSION_TABLE)
context.run_migrations()
