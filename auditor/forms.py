"""Normal forms of a snapshot of which most is known: only what changed is worked out, and the rest when somebody looks.

What a form depends on is its document, its kind's declarations, its environment's names, and what the references in it stand
for in its snapshot. The first three are known at once. For the last, each document's numbers (`mentions`) tell which of the
snapshot's references it may hold: so a thing that comes or goes touches the documents that speak of it, and no other.
"""

from __future__ import annotations

from hashlib import blake2b
from sys import intern
from typing import TYPE_CHECKING

from auditor.codec import compact_texts
from auditor.comparison import Normal
from auditor.declared import is_declaration
from auditor.document import Document, expect
from auditor.kept import KEY, key_of
from auditor.mentions import mentioned, number, unpack
from auditor.model import Resource
from auditor.naming import NAMING_VERSION, Nouns, packed, unpacked
from auditor.recent import Recent
from auditor.set_aside import Neutral, digest_of, spelled
from auditor.snapshot import References, raw_form

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from auditor.comparison import Naming, Trees
    from auditor.kept import Keeping
    from auditor.model import Json, Kind
    from auditor.names import EnvironmentNames

FORM_VERSION = 10
"""Part of every key: raise it when the same content would get another normal form, or mention other things."""
_DIGEST = 32
_IDENTITY = _DIGEST + 4
# Documents that are read together.
_AT_ONCE = 1000


def known_forms(
    resources: Sequence[Resource],
    kind_of: Callable[[str], Kind],
    names: EnvironmentNames,
    source_names: Mapping[str, EnvironmentNames],
    keeping: Keeping,
    references: References | None = None,
) -> tuple[Normal, ...]:
    """What `snapshot.normalise` says of the same, from what is kept as far as that is known. `references` are those of the
    `resources`, where somebody else knows them, too."""
    kinds = {resource.kind for resource in resources}
    forms = _Forms(kind_of, names, source_names, references or References.of(resources), kinds, keeping)
    found = [forms.known(resource) for resource in resources]
    new = [place for place, normal in enumerate(found) if normal is None]
    for start in range(0, len(new), _AT_ONCE):
        some = new[start : start + _AT_ONCE]
        expect(one for place in some if isinstance(one := resources[place].attributes, Document))
        for place in some:
            found[place] = forms.made(resources[place])
    forms.done()
    return tuple(normal for normal in found if normal is not None)


class _Forms:
    """The forms of one snapshot, and the reader of those that are light."""

    def __init__(
        self,
        kind_of: Callable[[str], Kind],
        names: EnvironmentNames,
        by_source: Mapping[str, EnvironmentNames],
        references: References,
        kinds: Collection[str],
        keeping: Keeping,
    ) -> None:
        self._kind_of, self._names, self._by_source, self._references = kind_of, names, by_source, references
        self._mentions = keeping.map(f"mentions-{FORM_VERSION}:{names.name}")
        self._known = keeping.map(f"forms-{FORM_VERSION}:{names.name}")
        self._naming = keeping.map(f"naming-{NAMING_VERSION}:{names.name}")
        self._nouns = Nouns(kinds)
        self._live = _numbered(references.live)
        self._copied = self._live if references.copied is references.live else _numbered(references.copied)
        self._places: dict[tuple[str, str], tuple[Kind, bytes, dict[int, bytes]]] = {}
        self._set_aside: dict[str, Neutral] = {}
        self._trees = Recent()

    def done(self) -> None:
        """Nothing more will be made: what stays is what forms are read with."""
        self._places, self._live, self._copied = {}, {}, {}
        self._mentions.rest()
        self._known.rest()

    def known(self, resource: Resource) -> Normal | None:
        """The form of a resource; None where it was never made."""
        kind, declared, numbered = self._places.get((resource.kind, resource.source)) or self._place(resource)
        digest = Document.of(resource.attributes).sha256
        mentions = self._mentions.get(digest[:KEY])
        if mentions is None:
            return None
        key = _key(resource, digest, declared, mentions, numbered)
        record = self._known.get(key)
        return None if record is None else self._normal(resource, kind, key, record)

    def made(self, resource: Resource) -> Normal:
        """The form of a resource, which is made where it was not known. Its document is looked at."""
        kind, declared, numbered = self._places.get((resource.kind, resource.source)) or self._place(resource)
        document = Document.of(resource.attributes)
        digest = document.sha256
        mentions = self._mentions.get(digest[:KEY])
        if mentions is None:
            mentions = self._mentions[digest[:KEY]] = mentioned(document.plain())
        key = _key(resource, digest, declared, mentions, numbered)
        record = self._known.get(key)
        if record is None:
            record = self._known[key] = self._made(resource, kind, key)
        return self._normal(resource, kind, key, record)

    def _normal(self, resource: Resource, kind: Kind, key: bytes, record: bytes) -> Normal:
        end = _IDENTITY + int.from_bytes(record[_DIGEST:_IDENTITY], "little")
        identity = record[_IDENTITY:end].decode("utf-8", "surrogatepass")
        # Both sides of a pair have one identity, and so have the many resources of a service that are called after it.
        identity = resource.identity if identity == resource.identity else intern(identity)
        return Normal.light(resource, kind, identity, b"".join((record[:_DIGEST], key, record[end:])), self)

    def _place(self, resource: Resource) -> tuple[Kind, bytes, dict[int, bytes]]:
        """What resources of one kind and source have in common: the kind, the digest of what is declared, the references."""
        kind, names = self._kind_of(resource.kind), self._names_of(resource)
        # The last three do not make the form, but tell how two of them compare.
        told = [
            sorted(kind.keyed.items()),
            kind.ordered,
            kind.volatile,
            kind.empty_matters,
            kind.verbatim,
            kind.located,
        ]
        known = [names.name, names.tokens, names.weak, names.foreign, sorted(names.accounts), names.regions]
        declared = key_of(digest_of([FORM_VERSION, kind.name, told, known]))
        found = kind, declared, self._copied if is_declaration(kind.name) else self._live
        self._places[resource.kind, resource.source] = found
        return found

    def _names_of(self, resource: Resource) -> EnvironmentNames:
        return self._by_source.get(resource.source, self._names)

    def _neutral(self, resource: Resource) -> Neutral:
        source = resource.source if resource.source in self._by_source else ""
        found = self._set_aside.get(source)
        if found is None:
            found = self._set_aside[source] = Neutral(self._names_of(resource))
        return found

    def _made(self, resource: Resource, kind: Kind, key: bytes) -> bytes:
        """The record of a form that was not known: its digest, its identity, and what it mentions."""
        names, raw = self._neutral(resource), self._raw(resource, kind)
        self._trees.keep(resource, raw)
        self._naming[key_of(key, self._nouns.digest)] = packed(self._nouns.told(raw))
        digest = bytes.fromhex(names.digest(raw))
        identity = names.names.neutral(resource.identity).encode("utf-8", "surrogatepass")
        return b"".join((digest, len(identity).to_bytes(4, "little"), identity, mentioned(raw)))

    def trees(self, normal: Normal) -> Trees:
        """`form` and `raw` of one of the forms."""
        raw, form = self._trees.get(normal.resource) or (self._raw(normal.resource, normal.kind), None)
        if form is None:
            form = spelled(raw)
            self._trees.keep(normal.resource, raw, form)
        return form, raw

    def raw(self, normal: Normal) -> Mapping[str, Json]:
        """`raw` alone."""
        found = self._trees.get(normal.resource)
        return found[0] if found is not None else self._raw(normal.resource, normal.kind)

    def namings(self, normals: Sequence[Normal]) -> Iterator[Naming | None]:
        """The texts by which each of the forms may name other resources; None where that was never looked up."""
        keys = [key_of(normal.key, self._nouns.digest) for normal in normals]
        records = self._naming.gather(keys)
        return (None if (record := records.get(key)) is None else unpacked(record) for key in keys)

    def _raw(self, resource: Resource, kind: Kind) -> Mapping[str, Json]:
        return raw_form(resource, kind, self._neutral(resource), self._references.seen_by(resource.kind))


def _key(resource: Resource, digest: bytes, declared: bytes, mentions: bytes, numbered: Mapping[int, bytes]) -> bytes:
    """What the form of a resource is known by: its document, what is declared, and the references that it may hold."""
    # Conditions of rules ask for these, so that what is settled of a resource depends on them, too.
    told = compact_texts(
        [
            resource.identity,
            resource.region,
            resource.account,
            resource.parent,
            resource.component,
            resource.source,
            resource.tags,
        ]
    )
    parts = [digest, declared, told]
    parts += [numbered[each] for each in sorted(numbered.keys() & unpack(mentions))]
    return blake2b(b"\x1e".join(parts), digest_size=KEY).digest()


def _numbered(references: Mapping[str, str]) -> dict[int, bytes]:
    """By the number of the text that refers: what it stands for. Two texts may have one number, so both are told."""
    found: dict[int, bytes] = {}
    for text, target in sorted(references.items()):
        said, each = f"{text}\1{target}".encode("utf-8", "surrogatepass"), number(text)
        found[each] = b"\x1e".join((found[each], said)) if each in found else said
    return found
