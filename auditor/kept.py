"""Maps of digests that outlive the process: what was worked out of a content once need not be worked out again.

A map is kept as segments, each a run of records. It is read whole when it is first asked for, since one long read costs less
than a question per record; what is new becomes a segment of its own. When there are many, the map is written anew, without
what nobody asked for if that is most of it. Nothing here may change a result: a record that is lost is worked out again.
"""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Collection, Iterator, Mapping, Sequence
from hashlib import blake2b
from itertools import chain
from typing import Protocol

from auditor.errors import StoreError
from auditor.segments import HEAD, Columns, count_of, packed, unpacked
from auditor.segments import KEY as KEY

_FEWEST = 1024
_MOST_SEGMENTS = 32
# After so many the map is looked through for what nobody asks for any more.
_MOST_FLUSHES = 64
_log = logging.getLogger(__name__)


class Shelf(Protocol):
    """Where segments are kept: opaque bytes under a name, each with an id of its own."""

    def segments(self, name: str) -> Mapping[str, bytes]: ...

    def put_segments(self, name: str, add: Collection[bytes], drop: Collection[str] = ()) -> tuple[str, ...]:
        """The ids of those in `add`, in their order; those of `drop` go."""


def key_of(*parts: bytes | str) -> bytes:
    """The key of what is made from these parts, in this order."""
    found = blake2b(digest_size=KEY)
    for part in parts:
        data = part if isinstance(part, bytes) else part.encode("utf-8", "surrogatepass")
        found.update(HEAD.pack(len(data)))
        found.update(data)
    return found.digest()


class Kept:
    """One map. Safe to share between threads; several processes may keep one map, and lose nothing but work.

    It is read when it is first asked for a record. Failing to read or to write it is logged and costs time, never a result."""

    def __init__(self, name: str, shelf: Shelf | None) -> None:
        self.name = name
        self._shelf = shelf
        self._lock = threading.RLock()
        # What was written by few at once or not yet; where many were, they are in columns.
        self._known: dict[bytes, bytes] = {}
        self._columns: tuple[Columns, ...] = ()
        self._fresh: dict[bytes, bytes] = {}
        self._used: set[bytes] = set()
        self._segments: set[str] = set()
        self._marks: dict[str, bytes] = {}
        self._flushes = 0
        self._size = 0
        self._is_read = shelf is None

    @property
    def size(self) -> int:
        """Bytes of the records that are in memory."""
        return self._size + sum(columns.size for columns in self._columns)

    def get(self, key: bytes) -> bytes | None:
        if not self._is_read:
            self._read()
        found = self._known.get(key)
        if found is not None:
            self._used.add(key)
            return found
        for columns in self._columns:
            if columns.first <= key <= columns.last:
                found = columns.get(key)
                if found is not None:
                    return found
        return None

    def gather(self, keys: Collection[bytes]) -> dict[bytes, bytes]:
        """The records of these keys. To ask for few of many at once does not take the room of all: where the map was not read
        before, one segment after the other is looked through and let go of."""
        with self._lock:
            if self._is_read or self._shelf is None:
                return {key: value for key in keys if (value := self.get(key)) is not None}
            found = {key: self._known[key] for key in keys if key in self._known}
            self._used.update(found)
            missing = [key for key in keys if key not in found]
            bodies = self._stored() if missing else {}
            for identifier in bodies:
                columns = Columns(bodies[identifier], identifier, self._marks.get(identifier, b""), squeezed=False)
                found.update((key, value) for key in missing if (value := columns.get(key)) is not None)
                self._marks[identifier] = columns.marks()
                missing = [key for key in missing if key not in found]
                # Before the next one is unpacked.
                del columns
            return found

    def __setitem__(self, key: bytes, value: bytes) -> None:
        self._known[key] = self._fresh[key] = value
        self._used.add(key)
        self._size += KEY + len(value)

    def __len__(self) -> int:
        """How many records there are; of one that two processes worked out at once, two."""
        self._read()
        return len(self._known) + sum(map(len, self._columns))

    def values(self) -> Iterator[bytes]:
        self._read()
        return chain(list(self._known.values()), *(columns.values() for columns in self._columns))

    def rest(self) -> None:
        """Let go of most of it until somebody asks again: to read it costs less than what it is good for, once in an audit."""
        with self._lock:
            if self._is_read and self._shelf is not None:
                self._marks.update((one.identifier, one.marks()) for one in self._columns)
                self._is_read, self._columns = False, ()

    def flush(self) -> None:
        """Write what is new. Now and then the whole is written anew, in one piece, without what nobody asked for since."""
        with self._lock:
            fresh, self._fresh = self._fresh, {}
            self._flushes += 1
            if self._shelf is None:
                return
            try:
                if fresh and not self._is_read and not self._segments:
                    # How many there are has to be known, not what they say.
                    self._segments.update(self._shelf.segments(self.name))
                if len(self._segments) >= _MOST_SEGMENTS or self._flushes >= _MOST_FLUSHES:
                    self._write_anew(self._shelf, fresh)
                elif fresh:
                    bodies = list(packed(fresh))
                    identifiers = self._shelf.put_segments(self.name, bodies)
                    self._segments.update(identifiers)
                    self._put_aside(bodies, identifiers, self._columns)
            except StoreError as error:
                _log.warning("what was worked out is not kept and will be worked out again: %s", error)

    def _write_anew(self, shelf: Shelf, fresh: Mapping[bytes, bytes]) -> None:
        self._read()
        used, self._used, self._flushes = self._used, set(), 0
        asked = len(used) + sum(columns.asked() for columns in self._columns)
        stale = len(self) > 2 * asked + _FEWEST
        if stale or fresh or len(self._segments) >= _MOST_SEGMENTS:
            known = list(self._known.items())
            kept = {key: value for columns in self._columns for key, value in columns.items(asked=stale)}
            kept.update((key, value) for key, value in known if not stale or key in used)
            bodies = list(packed(kept))
            identifiers = shelf.put_segments(self.name, bodies, self._segments)
            self._segments = set(identifiers)
            self._known = dict(known) if not stale else {key: value for key, value in known if key in used}
            self._put_aside(bodies, identifiers, ())
        for columns in self._columns:
            columns.forget()

    def _put_aside(self, bodies: Sequence[bytes], identifiers: Sequence[str], columns: tuple[Columns, ...]) -> None:
        """Hold what was written as columns, where it is much, beside those that stay. Of a map that was not read nothing is
        held: it will be read with all else."""
        # What was just worked out is needed, whether or not it was asked for since.
        asked = {one: b"\1" * count_of(body) for one, body in zip(identifiers, bodies, strict=True)}
        if not self._is_read:
            self._marks.update(asked)
            for body in bodies:
                # Of few at once, which are not held in columns, `used` goes on telling it.
                if count_of(body) >= _FEWEST:
                    self._used.difference_update(unpacked(body))
            self._known = {key: value for key, value in self._known.items() if key in self._fresh}
            self._size = _size(self._known)
            return
        named = zip(identifiers, bodies, strict=True)
        new = [Columns(body, one, asked[one]) for one, body in named if count_of(body) >= _FEWEST]
        self._columns = (*new, *columns)
        for key in chain(*(each.keys() for each in new)):
            self._known.pop(key, None)
            self._used.discard(key)
        self._size = _size(self._known)

    def _stored(self) -> Mapping[str, bytes]:
        """The segments by their ids, the oldest first."""
        assert self._shelf is not None
        try:
            found = self._shelf.segments(self.name)
        except StoreError as error:
            _log.warning("what was worked out earlier cannot be read and is worked out again: %s", error)
            return {}
        self._segments.update(found)
        return found

    def _read(self) -> None:
        """Read it, if it was not read before."""
        with self._lock:
            if self._is_read or self._shelf is None:
                return
            found = self._stored()
            known: dict[bytes, bytes] = {}
            columns: list[Columns] = []
            for identifier, body in found.items():
                if count_of(body) < _FEWEST:
                    known.update(unpacked(body))
                else:
                    columns.append(Columns(body, identifier, self._marks.get(identifier, b"")))
            # The last word counts.
            self._columns = tuple(reversed(columns))
            for key, value in known.items():
                self._known.setdefault(key, value)
            self._size = _size(self._known)
            self._marks.clear()
            self._is_read = True


class Keeping:
    """The maps of one process. Those asked for least lately are let go of above `most` bytes."""

    def __init__(self, shelf: Shelf | None = None, most: int = 1_000_000_000) -> None:
        """Without a `shelf` maps last as long as this object."""
        self._shelf, self._most = shelf, most
        self._maps: OrderedDict[str, Kept] = OrderedDict()
        self._lock = threading.Lock()

    def map(self, name: str) -> Kept:
        """The map of this name. A name says what its records are, and in which version of the code that makes them."""
        with self._lock:
            found = self._maps.get(name)
            if found is None:
                found = self._maps[name] = Kept(name, self._shelf)
            self._maps.move_to_end(name)
            while len(self._maps) > 1 and sum(one.size for one in self._maps.values()) > self._most:
                self._maps.popitem(last=False)
            return found

    def flush(self) -> None:
        """Write what is new in any of them."""
        with self._lock:
            maps = list(self._maps.values())
        for one in maps:
            one.flush()


def _size(records: Mapping[bytes, bytes]) -> int:
    return sum(KEY + len(value) for value in list(records.values()))
