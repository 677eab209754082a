"""An environment as one look saw it, read from what is kept and only as far as is asked for: its resources in normal form,
and what of it was not observed."""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import cached_property
from itertools import chain, islice
from typing import TYPE_CHECKING

from auditor.codec import canonical, decode
from auditor.comparison import Normal
from auditor.document import Document
from auditor.model import Resource, Snapshot
from auditor.observed import SideView
from auditor.snapshot import Handles, normal_form, references_of

if TYPE_CHECKING:
    from auditor.at_hand import Seen
    from auditor.looks import Facts, Look, Manifest, Part, Past
    from auditor.model import Json, Kind
    from auditor.names import EnvironmentNames

_HANDFUL = 16
_AT_HAND = 48
_FIELDS = {field.name for field in fields(Resource)}


@dataclass(frozen=True, slots=True)
class Realm:
    """How an environment's snapshots are to be understood: its words, and the kinds of its resources.

    `names` gives its names where it lives; `by_source` those of sources that have aliases of their own."""

    environment: str
    names: Callable[[Collection[str], Sequence[str]], EnvironmentNames]
    by_source: Callable[[EnvironmentNames], Mapping[str, EnvironmentNames]]
    kind_of: Callable[[str], Kind]


@dataclass(frozen=True)
class Entry:
    """A resource as a manifest lists it. `line` is its exact spelling there, `home` the manifest's digest."""

    said: Mapping[str, Json]
    home: str

    @property
    def identity(self) -> str:
        identity: str = self.said["identity"]
        return identity

    @cached_property
    def line(self) -> bytes:
        return canonical(self.said)


@dataclass
class Library:
    """Manifests and facts by digest, read in handfuls: what comes next is read along. `read` counts manifests."""

    past: Past
    read: int = 0
    _manifests: OrderedDict[str, Manifest] = field(default_factory=OrderedDict)
    _facts: dict[str, Facts] = field(default_factory=dict)
    _references: dict[str, Mapping[str, str]] = field(default_factory=dict)

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

    def references(self, digest: str, part: Part) -> Mapping[str, str]:
        """What the resources of a part of a manifest may be referred to by, as `references_of` says it."""
        found = self._references.get(digest)
        if found is None:
            found = self._references[digest] = references_of(_pointing(part, part.lines))
        return found


class Scene:
    """What one look saw. `coming` are the looks that will be asked for next.

    `seen` is what is at hand of it. `near` is another look's scene of which all is at hand: what this one saw is told from
    that one's by what differs."""

    def __init__(
        self,
        realm: Realm,
        look: Look,
        library: Library,
        coming: Sequence[Look] = (),
        *,
        seen: Seen | None = None,
        near: Scene | None = None,
    ) -> None:
        self.realm, self.look = realm, look
        self._library, self._coming = library, coming
        self._seen, self._near = seen, near
        self._normals: dict[bytes, Normal] = {}
        self._documents: dict[str, Mapping[str, Json]] = {}
        self._called: dict[tuple[str, str], Sequence[Entry]] = {}
        self._alike: dict[str, Mapping[str, Entry]] = {}

    def holder(self, line: bytes, among: Collection[str]) -> str | None:
        """The digest of the manifest, `among` those of this look, that lists exactly this."""
        return next((one for one in self.look.manifests if one in among and self._manifest(one).holds(line)), None)

    def entries(self, kind: str) -> Iterator[Entry]:
        """The resources of a kind."""
        for home in self.look.manifests:
            for said in self._manifest(home).of_kind(kind):
                yield Entry(said, home)

    def called(self, kind: str, identity: str) -> Sequence[Entry]:
        """The resources of a kind that go by this very name."""
        found = self._called.get((kind, identity))
        if found is None:
            homes = self.look.manifests
            found = [Entry(said, home) for home in homes for said in self._manifest(home).called(kind, identity)]
            self._called[kind, identity] = found
        return found

    def alike(self, kind: str, normal: str) -> Entry | None:
        """The first resource of a kind, by name and region, whose name is this one once names are set aside."""
        found = self._alike.get(kind)
        if found is None:
            ordered = sorted(self.entries(kind), key=lambda entry: (entry.identity, entry.said["region"] or ""))
            # The first of several comes last, and stays.
            found = self._alike[kind] = {self.names.neutral(entry.identity): entry for entry in reversed(ordered)}
        return found.get(normal)

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
        if line not in self._normals and (known := self._known(entry)) is not None:
            self._normals[line] = known
        elif line not in self._normals:
            self.read([entry])
            resource = _resource(entry.said, self._documents[entry.said["attributes"]])
            names = self.names_at(resource.source)
            self._normals[line] = normal_form(resource, self.realm.kind_of(resource.kind), names, self._references)
        return self._normals[line]

    def _known(self, entry: Entry) -> Normal | None:
        """The normal form, where it is at hand."""
        if self._seen is None or self._seen.names != self.names:
            return None
        said = entry.said
        found = self._seen.normals.get((said["kind"], said["identity"], said["source"], said["region"]))
        if found is None or Document.of(found.resource.attributes).digest != said["attributes"]:
            return None
        # Nothing else tells two of one name apart for sure.
        if _resource(said, found.resource.attributes) != found.resource:
            return None
        return Normal(found.resource, found.kind, found.identity, *found.trees, found.digest)

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
        return self.view.lists(kind.name) and not self.view.hides(kind.name, identities, located=kind.located)

    @cached_property
    def facts(self) -> Facts:
        return self._library.facts(self.look.facts)

    @cached_property
    def names(self) -> EnvironmentNames:
        found = self.realm.names(self.facts.accounts, self.facts.regions)
        # Equal ones that were asked before know many an answer.
        known = self._seen.names if self._seen is not None else self._near.names if self._near is not None else None
        return known if known is not None and known == found else found

    @cached_property
    def view(self) -> SideView:
        return SideView(self._bare, self.names, lambda: frozenset(self._kinds()))

    @cached_property
    def _bare(self) -> Snapshot:
        """The snapshot without its resources: what was listed can be told without reading what was found."""
        facts, look = self.facts, self.look
        return Snapshot(look.id, self.realm.environment, look.taken_at, (), facts.gaps, facts.listings)

    def _kinds(self) -> Iterator[str]:
        return (kind for home in self.look.manifests for kind in self._manifest(home).entries)

    @cached_property
    def _by_source(self) -> Mapping[str, EnvironmentNames]:
        if self._near is not None and self._near.names is self.names:
            return self._near._by_source
        return self.realm.by_source(self.names)

    @cached_property
    def _references(self) -> Handles:
        if self._seen is not None:
            known = self._seen.references
            return known if known is not None else Handles(references_of(self._seen.resources))
        found: Mapping[str, str] | None = (
            self._near_references(self._near) if self._near is not None and self._near.has_sole_handles else None
        )
        if isinstance(found, Handles):
            return found
        if found is None:
            found = dict(
                chain.from_iterable(
                    self._library.references(digest, part).items() for digest, part in self._parts.items()
                )
            )
        return Handles(found)

    def _near_references(self, near: Scene) -> Handles | None:
        """Those of another scene but for what differs; None where something may be referred to by what others are, too."""
        gone = [part for digest, part in near._parts.items() if digest not in self._parts]
        come = [part for digest, part in self._parts.items() if digest not in near._parts]
        if not gone and not come:
            return near._references
        lost, new = _only_in(gone, come), _only_in(come, gone)
        kept = Handles(near._references)
        for ref in references_of(lost):
            kept.pop(ref, None)
        fresh = references_of(new)
        alone = sum(len(resource.refs) for resource in new) == len({ref for resource in new for ref in resource.refs})
        if not alone or not kept.keys().isdisjoint(fresh):
            return None
        kept.update(fresh)
        return kept

    @cached_property
    def has_sole_handles(self) -> bool:
        """Whether its resources are at hand, and nothing refers to two of them."""
        if self._seen is None:
            return False
        refs = [ref for resource in self._seen.resources for ref in resource.refs]
        return len(set(refs)) == len(refs)

    @cached_property
    def _parts(self) -> Mapping[str, Part]:
        return {digest: part for home in self.look.manifests for digest, part in self._manifest(home).parts.items()}

    def _manifest(self, digest: str) -> Manifest:
        return self._library.manifest(digest, self._coming)


def _only_in(parts: Sequence[Part], others: Sequence[Part]) -> list[Resource]:
    """The resources, by name and references only, that some parts list and those of the others that begin alike do not.

    What moved from one part to another is told of both, and so changes nothing."""
    beside: dict[str | None, list[Part]] = defaultdict(list)
    for part in others:
        beside[part.first].append(part)
    found: list[Resource] = []
    for part in parts:
        # Of two parts at a time: the lines of all would take more room than all else that is known of a look.
        known = {line for other in beside.get(part.first, ()) for line in other.lines}
        found += _pointing(part, [line for line in part.lines if line not in known])
    return found


def _pointing(part: Part, lines: Sequence[bytes]) -> Iterator[Resource]:
    return (Resource(kind, identity, {}, refs=refs) for kind, identity, refs in part.pointers(lines) if refs)


def _resource(said: Mapping[str, Json], attributes: Mapping[str, Json]) -> Resource:
    """What a manifest says of a resource; one of an older program knew fewer fields."""
    if said.keys() != _FIELDS:
        return decode(Resource, {**said, "attributes": attributes})
    return Resource(**{**said, "attributes": attributes, "refs": tuple(said["refs"])})
