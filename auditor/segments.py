"""How the records of a map of digests (`auditor.kept`) are spelled, and how many of them are held without being taken apart.

A segment says how many records there are, then all keys in order, all lengths, all values. As it is it takes a third of the room
of a dictionary of its records, and a key is found in it by halving.
"""

from __future__ import annotations

import struct
import sys
import threading
from array import array
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from itertools import accumulate, pairwise

import zstandard

KEY = 16
"""Bytes of a key. Two contents of one key are less likely than a broken disk."""
HEAD = struct.Struct("<I")
# What every segment begins with; another way to write one gets another mark.
_MARK = b"kept\x02\r\n\x00"
_START = len(_MARK) + HEAD.size
_SEGMENT = 8_000_000
# Keys are digests, and so spread evenly: so many groups by their first twelve bits are of a handful each.
_GROUPS = 4096
# Records of so many bytes are mostly texts, which take a quarter of the room in blocks of so many, compressed.
_LONG, _BLOCK = 256, 8


def packed(records: Mapping[bytes, bytes]) -> Iterator[bytes]:
    """The records as segments."""
    keys: list[bytes] = []
    values: list[bytes] = []
    size = 0
    for key in sorted(records):
        value = records[key]
        keys.append(key)
        values.append(value)
        size += KEY + HEAD.size + len(value)
        if size >= _SEGMENT:
            yield _segment(keys, values)
            keys, values, size = [], [], 0
    if keys:
        yield _segment(keys, values)


def _segment(keys: list[bytes], values: list[bytes]) -> bytes:
    lengths = struct.pack(f"<{len(values)}I", *map(len, values))
    return b"".join((_MARK, HEAD.pack(len(keys)), *keys, lengths, *values))


def count_of(body: bytes) -> int:
    """How many records a segment says to hold; none where it is no segment."""
    return HEAD.unpack_from(body, len(_MARK))[0] if body.startswith(_MARK) and len(body) >= _START else 0


def unpacked(body: bytes) -> dict[bytes, bytes]:
    """The records of a segment; of one that is not whole, or was written in another way, none."""
    ends = _ends(body)
    if len(ends) < 2:
        return {}
    keys = struct.unpack_from(f"{KEY}s" * (len(ends) - 1), body, _START)
    return {key: body[begin:end] for key, (begin, end) in zip(keys, pairwise(ends), strict=True)}


def _ends(body: bytes) -> list[int]:
    """Where the first value begins, and where each ends; nothing where the segment is not whole."""
    count = count_of(body)
    at = _START + count * (KEY + HEAD.size)
    if not count or at > len(body):
        return []
    ends = list(accumulate(struct.unpack_from(f"<{count}I", body, _START + count * KEY), initial=at))
    return ends if ends[-1] == len(body) else []


class Columns:
    """The records of one segment, as they are stored. Safe to share between threads. `identifier` is the segment's."""

    __slots__ = (
        "_asked",
        "_begins",
        "_blocks",
        "_body",
        "_ends",
        "_last",
        "_lock",
        "_unsqueeze",
        "first",
        "identifier",
        "last",
        "size",
    )

    def __init__(self, body: bytes, identifier: str = "", asked: bytes = b"", *, squeezed: bool = True) -> None:
        """Of a segment that is not whole there are no records. `asked` is what `marks` said of it earlier. Long records are
        held `squeezed`, unless they are soon let go of."""
        self.identifier = identifier
        ends = _ends(body)
        count = max(len(ends) - 1, 0)
        above = _START + count * KEY
        self.first, self.last = (body[_START : _START + KEY], body[above - KEY : above]) if count else (b"", b"")
        starts = array("H", body[_START:above])[:: KEY // 2]
        if sys.byteorder == "little":
            starts.byteswap()
        # Where the keys of each group begin, and where the last ends.
        places = (bisect_left(starts, group << 4) for group in range(_GROUPS))
        self._begins = array("L", [*(_START + place * KEY for place in places), above])
        self._ends = array("L", ends)
        self._asked = bytearray(asked) if len(asked) == count else bytearray(count)
        self._body = body
        self._blocks: tuple[bytes, ...] = ()
        self._last: tuple[int, bytes] = (-1, b"")
        # To make one takes longer than what it does; no two threads may use one at once.
        self._unsqueeze, self._lock = zstandard.ZstdDecompressor(), threading.Lock()
        if squeezed and count and ends[-1] - ends[0] >= count * _LONG:
            self._body, self._blocks = body[:above], tuple(self._compressed(body, ends))
        self.size = len(self._body) + sum(map(len, self._blocks))

    def __len__(self) -> int:
        return len(self._asked)

    def get(self, key: bytes) -> bytes | None:
        """The value; it is remembered that this one was asked for."""
        group = key[0] << 4 | key[1] >> 4
        begin, end = self._begins[group], self._begins[group + 1]
        found = self._body.find(key, begin, end)
        while found >= 0 and (found - _START) % KEY:
            # The end of one key and the beginning of the next.
            found = self._body.find(key, found + 1, end)
        if found < 0:
            return None
        at = (found - _START) // KEY
        self._asked[at] = 1
        return self._value(at) if self._blocks else self._body[self._ends[at] : self._ends[at + 1]]

    def asked(self) -> int:
        """How many of the records were asked for."""
        return self._asked.count(1)

    def marks(self) -> bytes:
        """Which of them were."""
        return bytes(self._asked)

    def forget(self) -> None:
        """From now on nobody has asked for any."""
        self._asked = bytearray(len(self._asked))

    def keys(self) -> Iterator[bytes]:
        """In their order."""
        end = _START + len(self) * KEY
        return (self._body[begin : begin + KEY] for begin in range(_START, end, KEY))

    def items(self, *, asked: bool = False) -> Iterator[tuple[bytes, bytes]]:
        """The records, in order of their keys; or those that were `asked` for."""
        for at, (key, wanted) in enumerate(zip(self.keys(), self._asked, strict=True)):
            if wanted or not asked:
                yield key, self._value(at)

    def values(self) -> Iterator[bytes]:
        return map(self._value, range(len(self)))

    def _value(self, at: int) -> bytes:
        begin, end = self._ends[at], self._ends[at + 1]
        if not self._blocks:
            return self._body[begin:end]
        number, block = self._last
        if number != at // _BLOCK:
            number = at // _BLOCK
            with self._lock:
                block = self._unsqueeze.decompress(self._blocks[number])
            self._last = number, block
        start = self._ends[number * _BLOCK]
        return block[begin - start : end - start]

    @staticmethod
    def _compressed(body: bytes, ends: list[int]) -> Iterator[bytes]:
        squeeze = zstandard.ZstdCompressor(level=1).compress
        for first in range(0, len(ends) - 1, _BLOCK):
            # What was squeezed lies in as much room as before: a copy does not.
            yield bytes(memoryview(squeeze(body[ends[first] : ends[min(first + _BLOCK, len(ends) - 1)]])))
