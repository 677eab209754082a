"""The attributes of one resource as compact JSON, parsed only where somebody looks at them.

A snapshot of a hundred thousand resources is mostly documents that nothing asks for, because nothing in them changed. Parsed
they take five times the room, so they are kept as bytes, or where the store has them as their digest alone.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from functools import lru_cache
from hashlib import sha256
from typing import Protocol, cast

from auditor.codec import compact, parse
from auditor.model import Json


class Document(Mapping[str, Json]):
    """A mapping of text to JSON that nobody may change. `sha256` is that of its compact JSON.

    Equal to every mapping that says the same. Reading one that is kept elsewhere raises what its `load` raises.
    """

    __slots__ = ("_body", "_length", "_load", "sha256")

    def __init__(
        self,
        digest: str,
        body: bytes | None = None,
        load: Callable[[str], bytes] | None = None,
        length: int | None = None,
    ) -> None:
        """Give the compact `body`, or a `load` that finds it by its digest; and how many keys it has, where that is known."""
        if body is None and load is None:
            raise ValueError("a document needs its body, or something that finds it")
        # As bytes it takes half the room of its text.
        self.sha256 = bytes.fromhex(digest)
        self._body, self._load, self._length = body, load, length

    @property
    def digest(self) -> str:
        """`sha256` in hex, by which it is kept."""
        return self.sha256.hex()

    @classmethod
    def of(cls, attributes: Mapping[str, Json]) -> Document:
        """Raises ValueError for what JSON cannot say."""
        if isinstance(attributes, Document):
            return attributes
        # What spelled it left room for five times as much behind it: a copy has none.
        body = bytes(memoryview(compact(attributes)))
        return cls(sha256(body).hexdigest(), body, length=len(attributes))

    @property
    def held(self) -> bool:
        """Whether the body is here, rather than where `load` finds it."""
        return self._body is not None

    def body(self) -> bytes:
        """The compact JSON."""
        if self._body is not None:
            return self._body
        assert self._load is not None
        return self._load(self.digest)

    def let_go(self, load: Callable[[str], bytes]) -> Document:
        """The same document without its body: from now on `load` finds it."""
        return Document(self.digest, load=load, length=self._length)

    def found_by(self, load: Callable[[str], bytes]) -> None:
        """From now on `load` finds the body, where that is not at hand."""
        self._load = load

    def plain(self) -> dict[str, Json]:
        """A new dictionary of the attributes, which the caller may change."""
        found: dict[str, Json] = parse(self.body())
        return found

    def __getitem__(self, key: str) -> Json:
        return self._parsed()[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._parsed())

    def __len__(self) -> int:
        return self._length if self._length is not None else len(self._parsed())

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Document):
            return self.sha256 == other.sha256
        return isinstance(other, Mapping) and self._parsed() == other

    def _parsed(self) -> dict[str, Json]:
        """Whoever asks for one key asks for others soon."""
        return _parse(_Asked(self))

    __hash__ = None  # type: ignore[assignment]  # equal to dictionaries, which have no hash

    def __repr__(self) -> str:
        return f"Document({self.digest[:12]})"

    def __reduce__(self) -> tuple[type[Document], tuple[str, bytes]]:
        return Document, (self.digest, self.body())


class Many(Protocol):
    """What finds bodies, and several at once if it is told which ones will be asked for."""

    def __call__(self, digest: str) -> bytes: ...

    def expect(self, digests: Collection[str]) -> None: ...


def expect(documents: Iterable[Document]) -> None:
    """Say which documents will be asked for next, so that what finds them may read them all at once."""
    wanted: dict[int, tuple[Many, list[str]]] = {}
    for document in documents:
        find = document._load
        if document._body is None and find is not None and hasattr(find, "expect"):
            wanted.setdefault(id(find), (cast("Many", find), []))[1].append(document.digest)
    for many, digests in wanted.values():
        many.expect(digests)


def elsewhere(contents: Iterable[Mapping[str, Json]]) -> list[Document]:
    """Those of them that are documents whose bodies are not at hand."""
    return [one for one in contents if type(one) is Document and one._body is None]


class _Asked:
    """A document as a key of what was parsed lately: two of one digest say the same."""

    __slots__ = ("document",)

    def __init__(self, document: Document) -> None:
        self.document = document

    def __hash__(self) -> int:
        return hash(self.document.sha256)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Asked) and self.document.sha256 == other.document.sha256


@lru_cache(maxsize=256)
def _parse(asked: _Asked) -> dict[str, Json]:
    return asked.document.plain()
