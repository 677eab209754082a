"""Documents of a snapshot, read where somebody asks for one. Whoever walks through all of them is read ahead for."""

from __future__ import annotations

import threading
from array import array
from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Collection, Iterable, Iterator, Sequence

from auditor.errors import StoreError
from auditor.store import blobs
from auditor.store.database import Database
from auditor.store.tables import DocumentRow

MOST_BYTES = 32_000_000
_MOST_AHEAD = 256
# Somebody who passes over so many is still walking.
_STRIDE = 32
_SIZE = 32  # bytes of a digest
_HEAD = 5  # of which so many find it
_PLACE = 24  # bits of a place among them


class Documents:
    """What finds the documents of one snapshot by digest. Safe to share between threads.

    Raises StoreError, when it is asked for it, for one that is missing or not what its digest says."""

    def __init__(self, database: Database, digests: Iterable[bytes] = (), most: int = MOST_BYTES) -> None:
        """`digests` in the order in which a walk asks for them; `most` bytes are remembered."""
        self._database, self._most = database, most
        self._walk = _Walk(digests)
        self._known: OrderedDict[str, bytes] = OrderedDict()
        self._held = 0
        self._next, self._ahead = -1, 1
        self._lock = threading.Lock()

    def walks(self, digests: Iterable[bytes]) -> None:
        """The order in which a walk asks for them, where that was not known before."""
        with self._lock:
            self._walk = _Walk(digests)

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
        place = self._walk.place(digest)
        if place is None:
            return [digest]
        walks = self._next <= place < self._next + _STRIDE
        self._ahead = min(self._ahead * 4, _MOST_AHEAD) if walks else 1
        self._next = place + self._ahead
        return list(dict.fromkeys(self._walk.part(place, self._next)))


class _Walk:
    """Digests in the order in which they are asked for, and where each of them stands: 40 bytes each, of which there may be
    hundreds of thousands."""

    def __init__(self, digests: Iterable[bytes]) -> None:
        self._all = b"".join(digests)
        self._places: array[int] | None = None

    def place(self, digest: str) -> int | None:
        """Where it stands last; None where it does not, or too far behind to be told."""
        if self._places is None:
            heads = range(0, min(len(self._all), _SIZE << _PLACE), _SIZE)
            told = (int.from_bytes(self._all[at : at + _HEAD]) << _PLACE | at // _SIZE for at in heads)
            self._places = array("Q", sorted(told))
        wanted = bytes.fromhex(digest)
        head = int.from_bytes(wanted[:_HEAD])
        found = bisect_left(self._places, head + 1 << _PLACE) - 1
        while found >= 0 and self._places[found] >> _PLACE == head:
            place = self._places[found] & (1 << _PLACE) - 1
            if self._all[place * _SIZE : (place + 1) * _SIZE] == wanted:
                return place
            found -= 1
        return None

    def part(self, begin: int, end: int) -> Iterator[str]:
        end = min(end * _SIZE, len(self._all))
        return (self._all[at : at + _SIZE].hex() for at in range(begin * _SIZE, end, _SIZE))
