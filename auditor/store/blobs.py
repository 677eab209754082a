"""Content by digest, once each: documents, manifests and their chunks. Compressed with zstd; checked against its digest when read."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, TypeAlias, TypeVar

import zstandard
from sqlalchemy import select
from sqlalchemy.orm import Session

from auditor.codec import canonical, digest
from auditor.errors import StoreError
from auditor.model import Json
from auditor.store.tables import Base, ChunkRow, DocumentRow, ManifestRow

Item = TypeVar("Item")
Blob: TypeAlias = type[DocumentRow] | type[ManifestRow] | type[ChunkRow]

# Both databases limit how many values one statement may carry; this is well below either limit.
CHUNK = 500


def chunks(items: Iterable[Item]) -> Iterator[list[Item]]:
    return groups(items, CHUNK)


def groups(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    rest = iter(items)
    while group := list(islice(rest, size)):
        yield group


def compress(content: bytes) -> bytes:
    return zstandard.ZstdCompressor(write_checksum=True).compress(content)


def decompress(body: bytes) -> bytes:
    try:
        return zstandard.ZstdDecompressor().decompress(body)
    except zstandard.ZstdError as error:
        raise StoreError(f"store: damaged content ({error}); restore the database from a backup") from error


def pack(data: Json) -> bytes:
    return compress(canonical(data))


def put(session: Session, table: Blob, contents: Mapping[str, bytes]) -> None:
    """Store what is not there yet of `contents`, which is keyed by digest."""
    known = existing(session, table, contents)
    rows = [{"digest": key, "body": compress(contents[key])} for key in sorted(contents.keys() - known)]
    insert_new(session, table, rows)


def existing(session: Session, table: Blob, digests: Iterable[str]) -> set[str]:
    """Those of `digests` that are there. They are asked for in order: neighbours are found in half the time."""
    found: set[str] = set()
    for chunk in chunks(sorted(digests)):
        found.update(session.scalars(select(table.digest).where(table.digest.in_(chunk))))
    return found


def get(session: Session, table: Blob, digests: Collection[str]) -> dict[str, bytes]:
    """The contents by digest. Raises StoreError where one is missing or is not what its digest says."""
    return {key: content for key, _, content in checked(session, table, digests)}


def checked(session: Session, table: Blob, digests: Collection[str]) -> Iterator[tuple[str, bytes, bytes]]:
    """One after the other: digest, what is stored, and the content. Raises StoreError as `get` does."""
    found = bodies(session, table, digests)
    for key in digests:
        content = intact(key, found[key]) if key in found else None
        if content is None:
            raise StoreError(f"store: {table.__tablename__} {key} is missing or damaged; restore from a backup")
        yield key, found[key], content


def bodies(session: Session, table: Blob, digests: Iterable[str]) -> dict[str, bytes]:
    """What is stored under those of `digests` that are there, as it is stored."""
    found: dict[str, bytes] = {}
    for chunk in chunks(dict.fromkeys(digests)):
        rows = session.execute(select(table.digest, table.body).where(table.digest.in_(chunk)))
        found.update((key, body) for key, body in rows)
    return found


def intact(key: str, body: bytes) -> bytes | None:
    """The content; None where it is not what its digest says."""
    try:
        content = decompress(body)
    except StoreError:
        return None
    return content if digest(content) == key else None


def insert_new(session: Session, table: type[Base], rows: list[dict[str, Any]]) -> None:
    """Insert the rows whose key is not there yet. Rows come sorted by key, so that two writers cannot wait in a circle."""
    if not rows:
        return
    session.execute(insert_of(session, table).on_conflict_do_nothing(), rows)


def upsert(session: Session, table: type[Base], row: Mapping[str, Any]) -> None:
    """Insert `row`, or set its columns in the one of its key."""
    statement = insert_of(session, table).values(**row)
    keys = [column.name for column in table.__table__.primary_key]
    changed = {name: statement.excluded[name] for name in row if name not in keys}
    session.execute(statement.on_conflict_do_update(index_elements=keys, set_=changed))


def insert_of(session: Session, table: type[Base]) -> Any:
    """The database's own INSERT, which both call alike. The one that is not used is not loaded: it takes a while."""
    if session.get_bind().dialect.name == "sqlite":
        from sqlalchemy.dialects import sqlite

        return sqlite.insert(table)
    from sqlalchemy.dialects import postgresql

    return postgresql.insert(table)
