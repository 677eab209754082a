"""What a document may mention, as small numbers: to find the few documents that must be read because of a name.

Whether a document refers to something is asked for every document as soon as one thing comes or goes. So each document keeps
the CRC-32 of every text that could be a reference or a name. A number that is not there says for sure that the text is not;
one that is there may be another text's, and the document is read.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterable, Iterator, Mapping, Set
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

    That is every text among its values; and of what stands inside a text: identifiers with a delimiter, ARNs, hosts, and
    references to other resources (`aws.rds.instance/orders`) with each beginning of them that may be a whole name."""
    texts: set[str] = set()
    _gather(document, texts)
    found = {*texts}
    for text in texts:
        if len(text) <= _LONGEST and _POINTS.search(text) is not None:
            found.update(_inside(text))
        elif "/" in text:
            found.update(_beginnings(_RESOLVED.findall(text)))
    numbers = {crc32(text.encode("utf-8", "surrogatepass")) for text in found}
    return struct.pack(f"<{len(numbers)}I", *sorted(numbers))


def unpack(packed: bytes) -> tuple[int, ...]:
    return struct.unpack(f"<{len(packed) // 4}I", packed)


def mentions_any(packed: bytes, wanted: Set[int]) -> bool:
    """Whether one of `wanted` is among the packed numbers."""
    return bool(wanted) and not wanted.isdisjoint(unpack(packed))


def _gather(value: Json, texts: set[str]) -> None:
    if isinstance(value, str):
        if value not in texts:
            texts.add(value)
            document = embedded(value)
            if document:
                _gather(document, texts)
    elif isinstance(value, Mapping):
        for below in value.values():
            _gather(below, texts)
    elif isinstance(value, list | tuple):
        for item in value:
            _gather(item, texts)


def _inside(text: str) -> Iterator[str]:
    yield from (found for found in _REFERENCE.findall(text) if _POINTS.search(found))
    if "." in text:
        yield from hosts(text)
    if "arn:" in text:
        yield from _ARN.findall(text)
    if "/" in text and "." in text:
        yield from _beginnings(_RESOLVED.findall(text))


def _beginnings(references: Iterable[str]) -> Iterator[str]:
    for found in references:
        end = len(found)
        while end > 0:
            yield found[:end]
            end = max(found.rfind(".", 0, end), found.rfind("/", 0, end))
