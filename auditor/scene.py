"""An environment as one look saw it, read from what is kept and only as far as is asked for: its resources in normal form,
and what of it was not observed."""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING

from auditor.codec import canonical, decode
from auditor.model import Normal, Resource, Snapshot
from auditor.observed import SideView
from auditor.snapshot import normal_form, references_of

if TYPE_CHECKING:
    from auditor.looks import Facts, Look, Manifest, Past
    from auditor.model import Json, Kind
    from auditor.names import EnvironmentNames

_HANDFUL = 16
_AT_HAND = 48


@dataclass(frozen=True, slots=True)
class Realm:
    """How an environment's snapshots are to be understood: its words, and the kinds of its resources.

    `names` gives its names where it lives; `by_source` those of sources that have aliases of their own."""

    environment: str
    names: Callable[[Collection[str], Sequence[str]], EnvironmentNames]
    by_source: Callable[[EnvironmentNames], Mapping[str, EnvironmentNames]]
    kind_of: Callable[[str], Kind]


@dataclass(frozen=True, slots=True)
class Entry:
    """A resource as a manifest lists it. `line` is its exact spelling there, `home` the manifest's digest."""

    said: Mapping[str, Json]
    home: str

    @property
    def identity(self) -> str:
        identity: str = self.said["identity"]
        return identity

    @property
    def line(self) -> bytes:
        return canonical(self.said)


@dataclass
class Library:
    """Manifests and facts by digest, read in handfuls: what comes next is read along. `read` counts manifests."""

    past: Past
    read: int = 0
    _manifests: OrderedDict[str, Manifest] = field(default_factory=OrderedDict)
    _facts: dict[str, Facts] = field(default_factory=dict)

    def manifest(self, digest: str, coming: Sequence[Look] = ()) -> Manifest:
        if digest not in self._manifests:
            wanted = dict.fromkeys((digest, *(one for look in coming for one in look.manifests)))
            handful = list(islice((one for one in wanted if one not in self._manifests), _HANDFUL))
            self._manifests.update(self.past.manifests(handful))
            self.read += len(handful)
        self._manifests.move_to_end(digest)
        found = self._manifests[digest]
        while len(self._manifests) > _AT_HAND:
            self._manifests.popitem(last=False)
        return found

    def facts(self, digest: str) -> Facts:
        if digest not in self._facts:
            self._facts.update(self.past.facts([digest]))
        return self._facts[digest]


class Scene:
    """What one look saw. `coming` are the looks that will be asked for next."""

    def __init__(self, realm: Realm, look: Look, library: Library, coming: Sequence[Look] = ()) -> None:
        self.realm, self.look = realm, look
        self._library, self._coming = library, coming
        self._normals: dict[bytes, Normal] = {}
        self._documents: dict[str, Mapping[str, Json]] = {}
        self._named: dict[str, defaultdict[str, list[Entry]]] = {}

    def holder(self, line: bytes, among: Collection[str]) -> str | None:
        """The digest of the manifest, `among` those of this look, that lists exactly this."""
        return next((one for one in self.look.manifests if one in among and self._manifest(one).holds(line)), None)

    def entries(self, kind: str) -> Iterator[Entry]:
        """The resources of a kind."""
        for home in self.look.manifests:
            for said in self._manifest(home).entries.get(kind, ()):
                yield Entry(said, home)

    def called(self, kind: str, identity: str) -> Sequence[Entry]:
        """The resources of a kind that go by this very name."""
        named = self._named.get(kind)
        if named is None:
            named = self._named[kind] = defaultdict(list)
            for entry in self.entries(kind):
                named[entry.identity].append(entry)
        return named.get(identity, ())

    def all(self, among: Collection[str] | None = None) -> Iterator[Entry]:
        """Every resource; or those of the manifests `among` those of this look."""
        for home in self.look.manifests:
            if among is not None and home not in among:
                continue
            for entries in self._manifest(home).entries.values():
                yield from (Entry(said, home) for said in entries)

    def normal(self, entry: Entry) -> Normal:
        """The normal form of a resource, as this look's names and references make it."""
        line = entry.line
        if line not in self._normals:
            self.read([entry])
            resource = decode(Resource, {**entry.said, "attributes": self._documents[entry.said["attributes"]]})
            names = self.names_at(resource.source)
            self._normals[line] = normal_form(resource, self.realm.kind_of(resource.kind), names, self._references)
        return self._normals[line]

    def read(self, entries: Iterable[Entry]) -> None:
        """Read the attributes of all these resources at once, for whoever will ask for their normal forms."""
        wanted = {entry.said["attributes"] for entry in entries} - self._documents.keys()
        if wanted:
            self._documents.update(self._library.past.documents(sorted(wanted)))

    def names_at(self, source: str) -> EnvironmentNames:
        """The names of the environment as that source spells them."""
        return self._by_source.get(source, self.names)

    def lacks(self, kind: Kind, identities: Collection[str]) -> bool:
        """Whether a resource that is not in here really was not there, and not only unseen."""
        return self._seen.lists(kind.name) and not self._seen.hides(kind.name, identities, located=kind.located)

    @cached_property
    def facts(self) -> Facts:
        return self._library.facts(self.look.facts)

    @cached_property
    def names(self) -> EnvironmentNames:
        return self.realm.names(self.facts.accounts, self.facts.regions)

    @cached_property
    def view(self) -> SideView:
        return SideView(self._snapshot, self.names)

    @cached_property
    def _seen(self) -> SideView:
        """The same, without the resources: what was listed can be told without reading what was found."""
        facts, look = self.facts, self.look
        bare = Snapshot(look.id, self.realm.environment, look.taken_at, (), facts.gaps, facts.listings)
        return SideView(bare, self.names)

    @cached_property
    def _by_source(self) -> Mapping[str, EnvironmentNames]:
        return self.realm.by_source(self.names)

    @cached_property
    def _references(self) -> Mapping[str, str]:
        return references_of(self._snapshot.resources)

    @cached_property
    def _snapshot(self) -> Snapshot:
        """The snapshot with its resources by name only."""
        said = (entry.said for entry in self.all())
        named = tuple(Resource(one["kind"], one["identity"], {}, refs=tuple(one["refs"])) for one in said)
        look, facts = self.look, self.facts
        return Snapshot(look.id, self.realm.environment, look.taken_at, named, facts.gaps, facts.listings)

    def _manifest(self, digest: str) -> Manifest:
        return self._library.manifest(digest, self._coming)
