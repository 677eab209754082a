"""An audit log that nothing rewrites: the database itself refuses to change or delete events and people's waivers.

A later migration that builds one of the two tables anew (SQLite's way to change a column) has to make its triggers anew.
"""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"

EVENTS = "events are the audit log and are never changed or deleted"
WAIVERS = "waivers are part of the audit log and are never changed or deleted, they can only be revoked, and that once"

# All that may ever happen to a waiver: a time and a person in the place of nothing.
NOT_REVOKING = (
    "OLD.revoked_at IS NOT NULL OR OLD.revoked_by IS NOT NULL OR NEW.revoked_at IS NULL OR NEW.revoked_by IS NULL "
    "OR NEW.id <> OLD.id OR NEW.expires_at <> OLD.expires_at OR NEW.body <> OLD.body"
)


def upgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        _sqlite()
    else:
        _postgresql()


def _sqlite() -> None:
    for table, message in (("events", EVENTS), ("waivers", WAIVERS)):
        refuse = f"BEGIN SELECT RAISE(ABORT, '{message}'); END"
        # OR REPLACE deletes what is in its way, also by its hidden row number, without asking the trigger of deletion.
        change = f" WHEN {NOT_REVOKING} OR NEW.rowid <> OLD.rowid" if table == "waivers" else ""
        op.execute(f"CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table}{change} {refuse}")
        op.execute(f"CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} {refuse}")
        known = f"EXISTS (SELECT 1 FROM {table} WHERE id = NEW.id OR rowid = NEW.rowid)"
        op.execute(f"CREATE TRIGGER {table}_no_replace BEFORE INSERT ON {table} WHEN {known} {refuse}")


def _postgresql() -> None:
    op.execute(
        "CREATE FUNCTION refuse_rewriting() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION USING MESSAGE = TG_ARGV[0], ERRCODE = 'restrict_violation'; END $$"
    )
    for table, message in (("events", EVENTS), ("waivers", WAIVERS)):
        refuse = f"EXECUTE FUNCTION refuse_rewriting('{message}')"
        change = f"WHEN ({NOT_REVOKING}) " if table == "waivers" else ""
        op.execute(f"CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table} FOR EACH ROW {change}{refuse}")
        op.execute(f"CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} FOR EACH ROW {refuse}")
        op.execute(f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} FOR EACH STATEMENT {refuse}")
