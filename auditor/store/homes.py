"""Which pair a finding is of: asked for thousands of events at once, and never another one."""

from __future__ import annotations

import threading
from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.orm import Session

from auditor.store import blobs
from auditor.store.tables import FindingRow

Pair = tuple[str, str]
# Some 20 MB, and more findings than anything happens to within days.
REMEMBERED = 100_000


class Homes:
    """Remembers what it looked up. Safe to share between threads."""

    def __init__(self, most: int = REMEMBERED) -> None:
        self._most = most
        self._known: dict[str, Pair] = {}
        self._lock = threading.Lock()

    def of(self, session: Session, fingerprints: Iterable[str]) -> dict[str, Pair]:
        """The pair of each of `fingerprints`, all of which are there."""
        wanted = set(fingerprints)
        with self._lock:
            found = {key: self._known[key] for key in wanted & self._known.keys()}
        columns = (FindingRow.fingerprint, FindingRow.left_environment, FindingRow.right_environment)
        pairs: dict[Pair, Pair] = {}
        new: dict[str, Pair] = {}
        for chunk in blobs.chunks(sorted(wanted - found.keys())):
            statement = select(*columns).where(FindingRow.fingerprint.in_(chunk))
            for key, left, right in session.connection().execute(statement):
                # One and the same pair of names for all its findings.
                new[key] = pairs.setdefault((left, right), (left, right))
        found |= new
        with self._lock:
            if len(self._known) + len(new) > self._most:
                self._known = {}
            self._known.update(found if not self._known else new)
        return found
