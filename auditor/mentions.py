"""What a document may mention, as small numbers: to find the few documents that must be read because of a name.

Whether a document refers to something is asked for every document as soon as one thing comes or goes. So each document keeps
the CRC-32 of every text that could be a reference or a name. A number that is not there says for sure that the text is not;
one that is there may be another text's, and the document is read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Set
from functools import lru_cache
from struct import Struct
from zlib import crc32

from auditor.alike import hosts
from auditor.embedded import embedded
from auditor.model import Json

_REFERENCE = re.compile(r"arn:aws[\w-]*:[^\s\"',;]+|[A-Za-z0-9][\w.-]{5,}[A-Za-z0-9]")
_ARN = re.compile(r"\barn:[a-z-]+:[a-z0-9-]*:[a-z0-9-]*:(?:[0-9]{12})?:\S+")
_RESOLVED = re.compile(r"[a-z0-9_]+(?:\.[a-z0-9_]+)+/[A-Za-z0-9][\w./-]*")
_POINTS = re.compile(r"[-:/.]")
_SILENT = frozenset({bool, int, float, type(None)})
_LONGEST = 20_000
# Of a longer text it is not remembered what it mentions: hardly one stands in two documents.
_LONGEST_REMEMBERED = 256


def number(text: str) -> int:
    """0 to 2**32 - 1; equal texts have equal numbers, on every machine."""
    return crc32(text.encode("utf-8", "surrogatepass"))


def mentioned(document: Json) -> bytes:
    """The numbers of all that a document may mention, packed, each once and in order.

    That is every text among its values; and of what stands inside a text: identifiers with a delimiter, ARNs, hosts, and
    references to other resources (`aws.rds.instance/orders`) with each beginning of them that may be a whole name."""
    texts: set[str] = set()
    _gather(document, texts)
    numbers: set[int] = set()
    numbers.update(*[_numbers(text) if len(text) <= _LONGEST_REMEMBERED else _found_in(text) for text in texts])
    return _packing(len(numbers)).pack(*sorted(numbers))


def unpack(packed: bytes) -> tuple[int, ...]:
    return _packing(len(packed) // 4).unpack(packed)


def mentions_any(packed: bytes, wanted: Set[int]) -> bool:
    """Whether one of `wanted` is among the packed numbers."""
    return bool(wanted) and not wanted.isdisjoint(unpack(packed))


@lru_cache(maxsize=4096)
def _packing(count: int) -> Struct:
    return Struct(f"<{count}I")


def _gather(value: Json, texts: set[str]) -> None:
    """All texts of a document, without those of documents inside texts."""
    # Asking an abstract class, or a class of its subclasses, takes longer than all else that is asked of a value.
    kind = type(value)
    if kind is dict:
        items: Iterable[Json] = value.values()
    elif kind is list or isinstance(value, list | tuple):
        items = value
    elif isinstance(value, str):
        texts.add(value)
        return
    elif kind not in _SILENT and isinstance(value, Mapping):
        items = value.values()
    else:
        return
    for below in items:
        kind = type(below)
        if kind is str:
            texts.add(below)
        elif kind not in _SILENT:
            _gather(below, texts)


def _found_in(text: str) -> frozenset[int]:
    """The numbers of one text, and of all that is mentioned in it."""
    found = {text}
    if len(text) <= _LONGEST and _POINTS.search(text) is not None:
        found.update(_inside(text))
    elif "/" in text:
        found.update(_beginnings(_RESOLVED.findall(text)))
    numbers = {number(each) for each in found}
    document = embedded(text)
    if document:
        below: set[str] = set()
        _gather(document, below)
        numbers.update(*map(_found_in, below))
    return frozenset(numbers)


# Texts of one environment stand in many of its documents.
_numbers = lru_cache(maxsize=65536)(_found_in)


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
