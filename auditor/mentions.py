"""What a document may mention, as small numbers: to find the few documents that must be read because of a name.

Whether a document refers to something is asked for every document as soon as one thing comes or goes. So each document keeps
the CRC-32 of every text that could be a reference or a name. A number that is not there says for sure that the text is not;
one that is there may be another text's, and the document is read.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Collection, Iterable, Iterator, Mapping
from zlib import crc32

from auditor.alike import hosts
from auditor.embedded import embedded
from auditor.model import Json

_REFERENCE = re.compile(r"arn:aws[\w-]*:[^\s\"',;]+|[A-Za-z0-9][\w.-]{5,}[A-Za-z0-9]")
_ARN = re.compile(r"\barn:[a-z-]+:[a-z0-9-]*:[a-z0-9-]*:(?:[0-9]{12})?:\S+")
_RESOLVED = re.compile(r"[a-z0-9_]+(?:\.[a-z0-9_]+)+/[A-Za-z0-9][\w./-]*")
_POINTS = re.compile(r"[-:/.]")
_LONGEST = 20_000


def number(text: str) -> int:
    """0 to 2**32 - 1; equal texts have equal numbers, on every machine."""
    return crc32(text.encode("utf-8", "surrogatepass"))


def mentioned(document: Json) -> bytes:
    """The numbers of all that a document may mention, packed, each once and in order.

    That is every text in it, keys included; and of what stands inside a text: identifiers with a delimiter, ARNs, hosts, and
    references to other resources (`aws.rds.instance/orders`) with each beginning of them that may be a whole name."""
    found = {number(text) for text in _texts(document)}
    return struct.pack(f"<{len(found)}I", *sorted(found))


def unpack(packed: bytes) -> tuple[int, ...]:
    return struct.unpack(f"<{len(packed) // 4}I", packed)


def mentions_any(packed: bytes, wanted: Collection[int]) -> bool:
    """Whether one of `wanted` (best a set) is among the packed numbers."""
    return bool(wanted) and any(found in wanted for found in unpack(packed))


def _texts(value: Json) -> Iterator[str]:
    if isinstance(value, str):
        yield value
        document = embedded(value)
        if document:
            yield from _texts(document)
        if len(value) <= _LONGEST:
            yield from _inside(value)
    elif isinstance(value, Mapping):
        for key, below in value.items():
            yield from _texts(str(key))
            yield from _texts(below)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _texts(item)


def _inside(text: str) -> Iterator[str]:
    if _POINTS.search(text) is None:
        return
    yield from (found for found in _REFERENCE.findall(text) if _POINTS.search(found))
    yield from hosts(text)
    if "arn:" in text:
        yield from _ARN.findall(text)
    if "/" in text:
        yield from _beginnings(_RESOLVED.findall(text))


def _beginnings(references: Iterable[str]) -> Iterator[str]:
    for found in references:
        end = len(found)
        while end > 0:
            yield found[:end]
            end = max(found.rfind(".", 0, end), found.rfind("/", 0, end))
