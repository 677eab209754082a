"""Compressed answers in bounded memory: two megabytes of gzip may be two gigabytes of blanks, and a library that unpacks whole
pieces holds them all before anybody can count."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator

from auditor.errors import CollectError
from auditor.model import GapReason

ASKED_FOR = "gzip"
"""What a far side is told that it may answer in, besides plainly."""
_STEP = 65_536
_GZIP = zlib.MAX_WBITS | 16


def unpacked(pieces: Iterable[bytes], encoding: str) -> Iterator[bytes]:
    """The body in small pieces, as `encoding`, the header `content-encoding`, says it was packed.

    Raises CollectError where it is packed otherwise, is damaged or breaks off."""
    name = encoding.strip().lower()
    if name in ("", "identity"):
        return iter(pieces)
    if name in ("gzip", "x-gzip"):
        return _gunzipped(pieces)
    raise CollectError(GapReason.MALFORMED, "the answer is compressed in another way than was asked for (gzip)")


def _gunzipped(pieces: Iterable[bytes]) -> Iterator[bytes]:
    stream, packed = zlib.decompressobj(_GZIP), False
    for piece in pieces:
        rest = piece
        while rest:
            if stream.eof:
                # Several streams after each other are one.
                stream = zlib.decompressobj(_GZIP)
            packed = True
            yield _step(stream, rest)
            rest = stream.unused_data if stream.eof else stream.unconsumed_tail
    # What was read may not have been told yet.
    while not stream.eof and (more := _step(stream, b"")):
        yield more
    if packed and not stream.eof:
        raise CollectError(GapReason.MALFORMED, "the answer breaks off: its gzip has no end")


def _step(stream: zlib._Decompress, packed: bytes) -> bytes:
    try:
        return stream.decompress(packed, _STEP)
    except zlib.error as error:
        raise CollectError(GapReason.MALFORMED, "the answer is damaged: it is not what gzip makes") from error
