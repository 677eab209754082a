"""People's waivers. None is ever deleted: they are the record of who tolerated what, and until when."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from auditor.codec import decode, encode
from auditor.store import blobs
from auditor.store.errors import ConflictError
from auditor.store.tables import WaiverRow
from auditor.waivers import Waiver


def add(session: Session, made: Sequence[Waiver]) -> None:
    """Keep new waivers. The same one again is no error. Raises ConflictError where an id belongs to another one."""
    wanted = [waiver.id for waiver in made]
    known = {key for chunk in blobs.chunks(wanted) for key in _ids(session, chunk)}
    rows = [
        {
            "id": waiver.id,
            "expires_at": waiver.expires_at,
            "revoked_at": waiver.revoked_at,
            "body": blobs.pack(encode(replace(waiver, revoked_at=None))),
        }
        for waiver in sorted({one.id: one for one in made}.values(), key=lambda item: item.id)
        # The database takes an id for the second time as an attempt to rewrite the first.
        if waiver.id not in known
    ]
    blobs.insert_new(session, WaiverRow, rows)
    for waiver in made:
        if _lasting(_waiver(session.get_one(WaiverRow, waiver.id))) != _lasting(waiver):
            raise ConflictError(f"store: there already is another waiver {waiver.id}; nothing was written")


def listed(session: Session) -> tuple[Waiver, ...]:
    rows = session.scalars(select(WaiverRow).order_by(WaiverRow.expires_at, WaiverRow.id))
    return tuple(_waiver(row) for row in rows)


def revoke(row: WaiverRow, at: datetime, actor: str) -> Waiver:
    """Take it back. One that was taken back before keeps its time and its actor."""
    if row.revoked_at is None:
        row.revoked_at, row.revoked_by = at, actor
    return _waiver(row)


def _ids(session: Session, ids: Sequence[str]) -> Sequence[str]:
    return session.scalars(select(WaiverRow.id).where(WaiverRow.id.in_(ids))).all()


def _waiver(row: WaiverRow) -> Waiver:
    return replace(decode(Waiver, json.loads(blobs.decompress(row.body))), revoked_at=row.revoked_at)


def _lasting(waiver: Waiver) -> Waiver:
    return replace(waiver, revoked_at=None)
