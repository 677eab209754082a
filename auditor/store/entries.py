"""How a manifest lists resources: in chunks, each resource as the row of its fields with the digest of its attributes.

Where one chunk ends and the next begins is told by the resources' names alone. So a resource that changed is another row in one
chunk of some 64, one that came or went as well, and every other chunk of the manifest stays what it was.

Before there were chunks a manifest was one list of all its resources, each as an object. Those stay readable.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice, pairwise
from operator import lt
from typing import Any, Protocol, TypeAlias
from zlib import crc32

import orjson

from auditor.codec import compact, compact_texts, parse
from auditor.document import Document
from auditor.errors import StoreError
from auditor.model import Json, Resource

Row: TypeAlias = tuple[Any, ...]


class Named(Protocol):
    """What resources are told apart by, whole or light."""

    @property
    def kind(self) -> str: ...
    @property
    def identity(self) -> str: ...
    @property
    def source(self) -> str: ...
    @property
    def region(self) -> str | None: ...
    @property
    def account(self) -> str | None: ...


# In the order of `Resource`, but for its attributes, whose digest comes last. New ones go behind it.
FIELDS = ("kind", "identity", "source", "region", "account", "parent", "refs", "tags", "component", "location")
DIGEST = len(FIELDS)
_REFS = FIELDS.index("refs")
_NAMED = (*FIELDS, "attributes")
# A chunk ends with one name in 64; the last is for names that never do.
_USUAL = 64
_MOST = 1024
# The fields of a row that name its resource, at the beginning of a chunk.
_TEXT = rb'(?:"(?:[^"\\]|\\.)*"|null)'
_FIRST = re.compile(rb"\A\[\[(" + rb",".join([_TEXT] * 5) + rb"),")
_ROWS = json.JSONDecoder()
_BEGIN, _NEXT, _END = b'[["', b'"],["', b'"]]'


def rows(resources: Iterable[Resource]) -> list[Row]:
    """One row for each. Raises StoreError where attributes are not JSON."""
    # Named one by one: three times as fast as by a list of names.
    return [
        (
            one.kind,
            one.identity,
            one.source,
            one.region,
            one.account,
            one.parent,
            one.refs,
            one.tags,
            one.component,
            one.location,
            told.sha256.hex() if type(told := one.attributes) is Document else document(one).digest,
        )
        for one in resources
    ]


def document(resource: Resource) -> Document:
    """The attributes. Raises StoreError for what JSON cannot say."""
    try:
        return Document.of(resource.attributes)
    except ValueError as error:
        raise StoreError(f"store: {resource.kind} {resource.identity}: attributes are not JSON: {error}") from error


def names(resources: Iterable[Named]) -> list[str]:
    """What resources are called among all of their snapshot: what they are ordered by, and chunks are cut by."""
    return [f"{one.kind}\0{one.identity}\0{one.source}\0{one.region or ''}\0{one.account or ''}" for one in resources]


def is_ordered(named: Sequence[str]) -> bool:
    """Whether rows of these names are in their one order, no two of one name."""
    return all(map(lt, named, islice(named, 1, None)))


def order(named: Sequence[str], resources: Sequence[Resource], places: Sequence[int]) -> list[int]:
    """The `places` of some resources in their one order, whatever order they came in."""
    found = sorted(places, key=named.__getitem__)
    if any(named[one] == named[other] for one, other in pairwise(found)):
        found.sort(key=lambda place: (named[place], spelled([resources[place]])))
    return found


def cuts(named: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Where chunks of rows with these names begin and end."""
    start = 0
    for end in _ends(named):
        while end - start > _MOST:
            yield start, start + _MOST
            start += _MOST
        yield start, end
        start = end


def spelled(resources: Sequence[Resource]) -> bytes:
    """A chunk. Raises StoreError where a resource is not JSON."""
    try:
        return compact_texts(rows(resources))
    except ValueError as error:
        raise StoreError(f"store: {resources[0].kind}: a resource is not JSON: {error}") from error


def manifest(chunks: Sequence[str]) -> bytes:
    """A manifest of the chunks with these digests."""
    return compact({"chunks": list(chunks)})


def chunks_of(content: bytes) -> tuple[str, ...] | None:
    """The digests of a manifest's chunks; None where it is an older one, which lists its resources itself."""
    return None if content[:1] == b"[" else tuple(orjson.loads(content)["chunks"])


def rows_of(content: bytes) -> list[Row]:
    """The rows of a chunk, or of an older manifest."""
    found: list[Any] = parse(content)
    if found and isinstance(found[0], dict):
        return [row_of(entry) for entry in json.loads(content)]
    for row in found:
        row[_REFS] = tuple(row[_REFS])
    return found


def first_name(chunk: bytes) -> str | None:
    """The `name` of the first resource of a chunk; None where the chunk has to be read to tell."""
    found = _FIRST.match(chunk)
    return None if found is None else row_name(orjson.loads(b"[%b]" % found[1]))


def row_name(row: Sequence[Json]) -> str:
    """The `name` of the resource of a row."""
    return f"{row[0]}\0{row[1]}\0{row[2]}\0{row[3] or ''}\0{row[4] or ''}"


def rows_called(chunk: bytes, kind: str, identity: str) -> list[Row]:
    """The rows of a chunk whose resources go by this name, without reading the others."""
    start = compact_texts([kind, identity])[:-1] + b","
    if start[:1] == b" " or chunk[:2] != b"[[":
        return [row for row in rows_of(chunk) if row[0] == kind and row[1] == identity]
    found: list[Row] = []
    # Nothing but a row begins behind another one or at the beginning: lists within one follow a text, or null.
    at = chunk.find(start)
    while at >= 0:
        if at == 1 or chunk[at - 2 : at] == b"],":
            row = _row_at(chunk, at)
            row[_REFS] = tuple(row[_REFS])
            found.append(tuple(row))
        at = chunk.find(start, at + 1)
    return found


def _row_at(chunk: bytes, at: int) -> list[Any]:
    end = chunk.find(_NEXT, at)
    try:
        found: list[Any] = orjson.loads(chunk[at : end + 2 if end >= 0 else -1])
    except orjson.JSONDecodeError:  # a text that reads as the end of one row and the beginning of the next
        found = _ROWS.raw_decode(chunk[at:].decode())[0]
    return found


def lines(chunk: bytes) -> tuple[bytes, ...]:
    """A chunk in pieces, as a rule one for each row: two that are equal say the same of the same resource."""
    return tuple(chunk[3:-3].split(_NEXT)) if chunk[:3] == _BEGIN else (chunk,)


def pointers(chunk: bytes, some: Sequence[bytes]) -> list[tuple[str, str, tuple[str, ...]]]:
    """Kind, identity and references of the resources of some `lines` of a chunk; of all where these are no rows."""
    if not some:
        return []
    try:
        found = rows_of(b"%b%b%b" % (_BEGIN, _NEXT.join(some), _END) if chunk[:3] == _BEGIN else chunk)
    except (ValueError, IndexError):  # a text that reads as the end of one row and the beginning of the next
        found = rows_of(chunk)
    return [(row[0], row[1], row[_REFS]) for row in found]


def said(row: Row) -> dict[str, Json]:
    """The resource as a JSON object, whose `attributes` are the digest of the document that holds them."""
    found = dict(zip(_NAMED, row, strict=False))
    found["refs"] = list(row[_REFS])
    return found


def resource(row: Row, attributes: Mapping[str, Json]) -> Resource:
    return Resource(row[0], row[1], attributes, row[2], row[3], row[4], row[5], row[6], row[7], row[8], row[9])


class Sharing:
    """Makes the resources of many rows: a text, and a set of tags, that several of them have is held once."""

    def __init__(self) -> None:
        self._texts: dict[str, str] = {}
        self._tags: dict[tuple[tuple[str, str], ...], Mapping[str, str]] = {}

    def resource(self, row: Row, attributes: Mapping[str, Json]) -> Resource:
        one = self._texts.setdefault
        kind, identity, source, region, account, parent, refs, tags, component, location, *_ = row
        return Resource(
            one(kind, kind),
            one(identity, identity),
            attributes,
            one(source, source),
            region and one(region, region),
            account and one(account, account),
            parent and one(parent, parent),
            refs,
            self._shared(tags),
            component and one(component, component),
            location,
        )

    def _shared(self, tags: Mapping[str, str]) -> Mapping[str, str]:
        said = tuple(tags.items())
        found = self._tags.get(said)
        if found is None:
            one = self._texts.setdefault
            found = self._tags[said] = {one(name, name): one(value, value) for name, value in said}
        return found


def row_of(entry: Mapping[str, Json]) -> Row:
    """What `said` says, or an older manifest, which may come from a program that knew fewer fields."""
    empty = {"source": "", "refs": (), "tags": {}}
    found = [entry.get(field, empty.get(field)) for field in _NAMED]
    found[_REFS] = tuple(found[_REFS])
    return tuple(found)


def _ends(named: Sequence[str]) -> list[int]:
    try:
        found = [end for end, text in enumerate(named, 1) if not crc32(text.encode()) % _USUAL]
    except UnicodeEncodeError:  # half a character, which JSON can say
        found = [end for end, text in enumerate(named, 1) if not crc32(text.encode("utf-8", "replace")) % _USUAL]
    return found if found and found[-1] == len(named) else [*found, len(named)]
