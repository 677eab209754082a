"""What a collector yields, free of secrets and with its attributes as a document; what was redacted before is known again.

To look through a document for secrets costs a hundred times what it costs to read it, and most are what they were the last
time. So the digest of each redacted document is kept under a keyed digest of what was read: nobody without the installation's
key can tell from it what that was. What is known again is not looked through, and its document stays in the store.
"""

from __future__ import annotations

import logging
import struct
import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, Protocol, TypeAlias

from auditor.codec import compact, compact_texts, parse
from auditor.document import Document
from auditor.errors import StoreError
from auditor.model import Json, Kind, Resource

if TYPE_CHECKING:
    from auditor.collector import Task
    from auditor.kept import Keeping, Kept
    from auditor.redact import Redactor

REDACTION_VERSION = 4
"""Part of every key: raise it when the same resource would be redacted in another way."""

_DIGEST = 32
_LENGTH = struct.Struct("<I")
_BODY = _DIGEST + _LENGTH.size
_ASKED_AT_ONCE = 20_000
# No text is spelled so. Where there is a null, all values have to be looked at.
_NONE = 0
# Source, region and account.
_Where: TypeAlias = tuple[str, str | None, str | None]
_log = logging.getLogger(__name__)


class Documents(Protocol):
    """Where documents are kept by the digest of their compact JSON. Raises StoreError where it cannot be read."""

    def document(self, digest: str) -> bytes: ...

    def has_documents(self, digests: Collection[str]) -> set[str]: ...


class Redacted:
    """Redacts the resources of one run. Safe to share between threads.

    With `keeping` and `documents` what was redacted before is known again; the result is the same without. `finish` keeps
    what was worked out.
    """

    def __init__(
        self,
        redactor: Redactor,
        kind_of: Callable[[str], Kind],
        keeping: Keeping | None = None,
        documents: Documents | None = None,
    ) -> None:
        self._redactor, self._kind_of = redactor, kind_of
        self._keeping, self._documents = keeping, documents
        self._load = documents.document if documents is not None else None
        self._kinds: dict[str, tuple[Kind, bytes]] = {}
        self._known: dict[tuple[str, str], _Known] = {}
        self._lock = threading.Lock()

    def resource(self, environment: str, label: str, read: Resource, task: Task) -> Resource:
        """The resource without its secrets, with what the task says of all that it reads.

        `label` is that of the configured source it was read from. Raises RecursionError where it nests beyond measure,
        ValueError where it holds what JSON cannot say."""
        kind, declared = self._kinds.get(read.kind) or self._kind(read.kind)
        place = (
            read.source or task.source,
            read.region if read.region is not None else task.region,
            read.account if read.account is not None else task.account,
        )
        known = self._known_of(environment, label)
        key = self._key(read, place, declared) if known is not None else None
        if known is not None and key is not None:
            record = known.get(key)
            if record is not None:
                return self._again(read, place, record)
        filled = _made(read, read.attributes, place)
        redacted = self._redactor.resource(filled, kind)
        document = Document.of(redacted.attributes)
        if known is not None and key is not None:
            known.add(key, _record(document, _changes(filled, redacted)))
        return _made(redacted, document, (redacted.source, redacted.region, redacted.account))

    def finish(self) -> None:
        """Keep what was worked out. What the store turns out not to have is worked out again the next time."""
        for known in list(self._known.values()):
            known.finish()

    def _kind(self, name: str) -> tuple[Kind, bytes]:
        found = self._kinds.get(name)
        if found is None:
            kind = self._kind_of(name)
            declared = compact([REDACTION_VERSION, kind.name, kind.secret, kind.references])
            found = self._kinds[name] = kind, declared
        return found

    def _known_of(self, environment: str, source: str) -> _Known | None:
        if self._keeping is None or self._documents is None:
            return None
        found = self._known.get((environment, source))
        if found is None:
            with self._lock:
                found = self._known.get((environment, source))
                if found is None:
                    kept = self._keeping.map(f"redacted-{REDACTION_VERSION}:{environment}:{source}")
                    found = self._known[environment, source] = _Known(kept, self._documents)
        return found

    def _key(self, read: Resource, place: _Where, declared: bytes) -> bytes | None:
        """What a resource is known again by; None where it cannot be said beyond doubt."""
        source, region, account = place
        try:
            told = compact_texts(
                [
                    read.identity,
                    source,
                    _NONE if region is None else region,
                    _NONE if account is None else account,
                    _NONE if read.parent is None else read.parent,
                    read.refs,
                    read.tags,
                    _NONE if read.component is None else read.component,
                    _NONE if read.location is None else read.location,
                    read.attributes,
                ]
            )
            # A blank says that something in it had to be spelled in another way, in which another document may be spelled, too.
            if told[:1] == b" " or (b"null" in told and compact([read.tags, read.attributes])[:1] == b" "):
                return None
        except ValueError:
            return None
        return self._redactor.known_by(declared + told)

    def _again(self, read: Resource, place: _Where, record: bytes) -> Resource:
        length = int.from_bytes(record[_DIGEST:_BODY], "little")
        document = Document(record[:_DIGEST].hex(), None, self._load, length)
        if len(record) == _BODY:
            return _made(read, document, place)
        changes = parse(record[_BODY:])
        if "refs" in changes:
            changes["refs"] = tuple(changes["refs"])
        return replace(_made(read, document, place), **changes)


class _Known:
    """What is known of one source, as far as the store has the documents."""

    def __init__(self, kept: Kept, documents: Documents) -> None:
        self._kept, self._documents = kept, documents
        # Kept apart until the end: a document is not in the store before its snapshot is.
        self._new: dict[bytes, bytes] = {}
        self._gone: set[bytes] | None = None
        self._usable = True
        self._asked = False
        self._lock = threading.Lock()

    def get(self, key: bytes) -> bytes | None:
        self._asked = True
        record = self._kept.get(key)
        if record is None:
            return None
        if self._gone is None:
            self._look()
        if not self._usable or record[:_DIGEST] in (self._gone or ()):
            return None
        return record

    def add(self, key: bytes, record: bytes) -> None:
        self._new[key] = record

    def finish(self) -> None:
        new, self._new = self._new, {}
        # A list at once: a thread that was left behind may still add to it.
        for key, record in list(new.items()):
            self._kept[key] = record
        # Of a source that could not be read nothing was asked for: that says nothing about what is still needed.
        if self._asked:
            self._kept.flush()

    def _look(self) -> None:
        """Ask once for all documents: they may have been pruned since."""
        with self._lock:
            if self._gone is not None:
                return
            gone: set[bytes] = set()
            try:
                # In order, so that a database finds neighbours side by side: that takes half as long.
                for some in _chunks(sorted({record[:_DIGEST] for record in self._kept.values()})):
                    here = self._documents.has_documents([digest.hex() for digest in some])
                    if len(here) < len(some):
                        gone.update(digest for digest in some if digest.hex() not in here)
            except StoreError as error:
                _log.warning("what the store holds is not known, so all is looked through for secrets again: %s", error)
                self._usable = False
            self._gone = gone


def _chunks(digests: Collection[bytes]) -> Iterator[list[bytes]]:
    left = iter(digests)
    while some := list(islice(left, _ASKED_AT_ONCE)):
        yield some


def _changes(read: Resource, redacted: Resource) -> Mapping[str, Json]:
    """The fields besides the attributes that say something else without their secrets."""
    names = ("identity", "source", "parent", "refs", "tags", "component", "location")
    return {name: getattr(redacted, name) for name in names if getattr(redacted, name) != getattr(read, name)}


def _record(document: Document, changes: Mapping[str, Json]) -> bytes:
    head = document.sha256 + _LENGTH.pack(len(document))
    return head + compact(changes) if changes else head


def _made(of: Resource, attributes: Mapping[str, Json], place: _Where) -> Resource:
    """Spelled out, as `replace` takes three times as long."""
    source, region, account = place
    return Resource(
        of.kind,
        of.identity,
        attributes,
        source,
        region,
        account,
        of.parent,
        tuple(of.refs),
        dict(of.tags),
        of.component,
        of.location,
    )
