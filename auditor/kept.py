"""Maps of digests that outlive the process: what was worked out of a content once need not be worked out again.

A map is kept as segments, each a run of records. It is read whole when it is first asked for, since one long read costs less
than a question per record; what is new becomes a segment of its own. When there are many, the map is written anew, without
what nobody asked for if that is most of it. Nothing here may change a result: a record that is lost is worked out again.
"""

from __future__ import annotations

import logging
import struct
import threading
from collections import OrderedDict
from collections.abc import Collection, Iterator, Mapping
from hashlib import blake2b
from itertools import accumulate, pairwise
from typing import Protocol

from auditor.errors import StoreError

KEY = 16
"""Bytes of a key. Two contents of one key are less likely than a broken disk."""
_HEAD = struct.Struct("<I")
# What every segment begins with; another way to write one gets another mark.
_MARK = b"kept\x02\r\n\x00"
_SEGMENT = 8_000_000
_FEWEST = 1024
_MOST_SEGMENTS = 32
# After so many the map is looked through for what nobody asks for any more.
_MOST_FLUSHES = 64
_log = logging.getLogger(__name__)


class Shelf(Protocol):
    """Where segments are kept: opaque bytes under a name, each with an id of its own."""

    def segments(self, name: str) -> Mapping[str, bytes]: ...

    def put_segments(self, name: str, add: Collection[bytes], drop: Collection[str] = ()) -> tuple[str, ...]: ...


def key_of(*parts: bytes | str) -> bytes:
    """The key of what is made from these parts, in this order."""
    found = blake2b(digest_size=KEY)
    for part in parts:
        data = part if isinstance(part, bytes) else part.encode("utf-8", "surrogatepass")
        found.update(_HEAD.pack(len(data)))
        found.update(data)
    return found.digest()


class Kept:
    """One map. Safe to share between threads; several processes may keep one map, and lose nothing but work.

    Failing to read or to write it is logged and costs time, never a result."""

    def __init__(self, name: str, shelf: Shelf | None) -> None:
        self.name = name
        self._shelf = shelf
        self._lock = threading.Lock()
        self._known: dict[bytes, bytes] = {}
        self._fresh: dict[bytes, bytes] = {}
        self._used: set[bytes] = set()
        self._segments: set[str] = set()
        self._flushes = 0
        self.size = 0
        self._read()

    def get(self, key: bytes) -> bytes | None:
        found = self._known.get(key)
        if found is not None:
            self._used.add(key)
        return found

    def __setitem__(self, key: bytes, value: bytes) -> None:
        self._known[key] = self._fresh[key] = value
        self._used.add(key)
        self.size += KEY + len(value)

    def __len__(self) -> int:
        return len(self._known)

    def values(self) -> list[bytes]:
        return list(self._known.values())

    def flush(self) -> None:
        """Write what is new. Now and then the whole is written anew, in one piece, without what nobody asked for since."""
        with self._lock:
            fresh, self._fresh = self._fresh, {}
            self._flushes += 1
            if self._shelf is None:
                return
            try:
                if len(self._segments) >= _MOST_SEGMENTS or self._flushes >= _MOST_FLUSHES:
                    self._write_anew(self._shelf, fresh)
                elif fresh:
                    self._segments.update(self._shelf.put_segments(self.name, list(_packed(fresh))))
            except StoreError as error:
                _log.warning("what was worked out is not kept and will be worked out again: %s", error)

    def _write_anew(self, shelf: Shelf, fresh: Mapping[bytes, bytes]) -> None:
        used, self._used, self._flushes = self._used, set(), 0
        stale = len(self._known) > 2 * len(used) + _FEWEST
        if not stale and not fresh and len(self._segments) < _MOST_SEGMENTS:
            return
        kept = {key: value for key, value in list(self._known.items()) if not stale or key in used}
        self._segments = set(shelf.put_segments(self.name, list(_packed(kept)), self._segments))
        self._known = kept
        self.size = sum(KEY + len(value) for value in kept.values())

    def _read(self) -> None:
        if self._shelf is None:
            return
        try:
            found = self._shelf.segments(self.name)
        except StoreError as error:
            _log.warning("what was worked out earlier cannot be read and is worked out again: %s", error)
            return
        for identifier, body in found.items():
            self._segments.add(identifier)
            self._known.update(_unpacked(body))
            self.size += len(body)


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


def _packed(records: Mapping[bytes, bytes]) -> Iterator[bytes]:
    """The records as segments: how many, all keys, all lengths, all values, so that they are read a column at a time."""
    keys: list[bytes] = []
    values: list[bytes] = []
    size = 0
    for key in sorted(records):
        value = records[key]
        keys.append(key)
        values.append(value)
        size += KEY + _HEAD.size + len(value)
        if size >= _SEGMENT:
            yield _segment(keys, values)
            keys, values, size = [], [], 0
    if keys:
        yield _segment(keys, values)


def _segment(keys: list[bytes], values: list[bytes]) -> bytes:
    lengths = struct.pack(f"<{len(values)}I", *map(len, values))
    return b"".join((_MARK, _HEAD.pack(len(keys)), *keys, lengths, *values))


def _unpacked(body: bytes) -> dict[bytes, bytes]:
    """The records of a segment; of one that is not whole, or was written in another way, none."""
    start = len(_MARK) + _HEAD.size
    if not body.startswith(_MARK) or len(body) < start:
        return {}
    (count,) = _HEAD.unpack_from(body, len(_MARK))
    at = start + count * (KEY + _HEAD.size)
    if at > len(body):
        return {}
    keys = struct.unpack_from(f"{KEY}s" * count, body, start)
    ends = list(accumulate(struct.unpack_from(f"<{count}I", body, start + count * KEY), initial=at))
    if ends[-1] != len(body):
        return {}
    return {key: body[begin:end] for key, (begin, end) in zip(keys, pairwise(ends), strict=True)}
