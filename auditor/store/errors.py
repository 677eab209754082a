"""What a caller of the store may want to tell apart."""

from __future__ import annotations

from auditor.errors import StoreError


class NotFoundError(StoreError):
    """Nothing in the store has this id, or a shortened id fits more than one: a slip of the person who typed it."""


class ConflictError(StoreError):
    """Another audit of the pair was recorded since its history was read, so nothing was written.

    Read `Store.previous` again, let `life.live` decide again, and record again."""


class SchemaError(StoreError):
    """The database answers, and its tables are not of this program's version."""
