"""Small facts that the service remembers over restarts, by key: when the last digest went out."""

from __future__ import annotations

import json

from sqlalchemy.orm import Session

from auditor.model import Json
from auditor.store import blobs
from auditor.store.tables import MemoryRow


def recall(session: Session, key: str) -> Json | None:
    row = session.get(MemoryRow, key)
    return None if row is None else json.loads(blobs.decompress(row.body))


def count(session: Session, key: str) -> None:
    """Remember a number, one higher each time: SQLite writes nothing at all where a row stays as it is."""
    before = recall(session, key)
    remember(session, key, before + 1 if isinstance(before, int) else 1)


def remember(session: Session, key: str, value: Json) -> None:
    blobs.upsert(session, MemoryRow, {"key": key, "body": blobs.pack(value)})
