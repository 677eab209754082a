"""Documents of a snapshot, read where somebody asks for one. Whoever walks through all of them is read ahead for."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Collection, Sequence

from auditor.errors import StoreError
from auditor.store import blobs
from auditor.store.database import Database
from auditor.store.tables import DocumentRow

MOST_BYTES = 32_000_000
_MOST_AHEAD = 256
# Somebody who passes over so many is still walking.
_STRIDE = 32


class Documents:
    """What finds the documents of one snapshot by digest. Safe to share between threads.

    Raises StoreError, when it is asked for it, for one that is missing or not what its digest says."""

    def __init__(self, database: Database, digests: Sequence[str] = (), most: int = MOST_BYTES) -> None:
        """`digests` in the order in which a walk asks for them; `most` bytes are remembered."""
        self._database, self._digests, self._most = database, digests, most
        self._places: dict[str, int] | None = None
        self._known: OrderedDict[str, bytes] = OrderedDict()
        self._held = 0
        self._next, self._ahead = -1, 1
        self._lock = threading.Lock()

    def walks(self, digests: Sequence[str]) -> None:
        """The order in which a walk asks for them, where that was not known before."""
        with self._lock:
            self._digests, self._places = digests, None

    def expect(self, digests: Collection[str]) -> None:
        """Read these at once, as far as they are not remembered and there is room for them."""
        with self._lock:
            self._take([one for one in dict.fromkeys(digests) if one not in self._known])

    def __call__(self, digest: str) -> bytes:
        with self._lock:
            found = self._known.get(digest)
            if found is not None:
                self._known.move_to_end(digest)
                return found
            self._read(digest)
            if digest not in self._known:
                raise StoreError(
                    f"store: {DocumentRow.__tablename__} {digest} is missing or damaged: load the snapshot again, in "
                    "case that it was pruned meanwhile; else restore the database from a backup"
                )
            return self._known[digest]

    def _read(self, digest: str) -> None:
        # What was asked for comes last, so that it is not let go of for its neighbours.
        neighbours = (one for one in self._wanted(digest) if one != digest and one not in self._known)
        self._take([*neighbours, digest])

    def _take(self, wanted: Sequence[str]) -> None:
        with self._database.reading() as session:
            found = blobs.bodies(session, DocumentRow, wanted)
        for key in wanted:
            content = blobs.intact(key, found[key]) if key in found else None
            if content is not None:
                self._known[key] = content
                self._held += len(content)
        while self._held > self._most and len(self._known) > 1:
            self._held -= len(self._known.popitem(last=False)[1])

    def _wanted(self, digest: str) -> Sequence[str]:
        """It, and more and more of what comes next the longer somebody asks for one after the other."""
        if self._places is None:
            self._places = {one: place for place, one in enumerate(self._digests)}
        place = self._places.get(digest)
        if place is None:
            return [digest]
        walks = self._next <= place < self._next + _STRIDE
        self._ahead = min(self._ahead * 4, _MOST_AHEAD) if walks else 1
        self._next = place + self._ahead
        return list(dict.fromkeys(self._digests[place : self._next]))
