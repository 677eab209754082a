"""What a snapshot holds: its resources by the page; and one of them as its source spells it and in normal form."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from auditor.comparison import Normal
from auditor.model import Resource
from auditor.publish.gap_groups import GapGroup, gap_groups
from auditor.publish.spelling import Shown, middle, side_by_side, spell
from auditor.realms import names_of, source_names
from auditor.set_aside import neutral
from auditor.snapshot import normal_form, references_of
from auditor.store import NotFoundError
from auditor.web.queries.documents import leaves, lines
from auditor.web.queries.kept import Kept

if TYPE_CHECKING:
    from auditor.config import Config
    from auditor.model import Json, Kind, Listing, Path
    from auditor.registry import Registry
    from auditor.store import Inventory, LightResource, SnapshotInfo, Store

PAGE = 100
"""Resources on one page."""
LATEST = "latest"
MOST_LEAVES = 400
_ROOM = 110
_MOST_WHOLE = 20_000


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which resources. Empty is any; `text` has to occur in what names the resource or says where it is."""

    kind: str = ""
    source: str = ""
    text: str = ""
    skip: int = 0


@dataclass(frozen=True, slots=True)
class Held:
    """A page of what a snapshot holds. `kinds` and `sources` count all its resources, `fitting` those that were asked for.

    `before` is the snapshot recorded just before it."""

    info: SnapshotInfo
    resources: tuple[LightResource, ...]
    fitting: int
    skip: int
    more: int | None
    kinds: Mapping[str, int]
    sources: Mapping[str, int]
    gap_groups: tuple[GapGroup, ...]
    listings: tuple[Listing, ...]
    accounts: tuple[str, ...]
    regions: tuple[str, ...]
    before: str | None


@dataclass(frozen=True, slots=True)
class Leaf:
    """One leaf of a resource: as its source spells it, and in normal form. `same`: both read the same."""

    path: Path
    spelled: Shown
    normal: Shown
    spelled_whole: str
    normal_whole: str
    same: bool


@dataclass(frozen=True, slots=True)
class NormalView:
    """A resource in normal form, leaf by leaf; at most MOST_LEAVES of `size`.

    `identity` is its own with names set aside, `dropped` what of its attributes says nothing about parity."""

    identity: str
    digest: str
    leaves: tuple[Leaf, ...]
    size: int
    dropped: tuple[str, ...]


def snapshot_of(store: Store, name: str, snapshot: str) -> SnapshotInfo:
    """A snapshot of the environment called `name`, by its id or the beginning of it; LATEST is the last one.

    Raises NotFoundError where there is none."""
    if snapshot in ("", LATEST):
        found = next(iter(store.snapshots(name, limit=1)), None)
        if found is None:
            raise NotFoundError(f"there is no snapshot of {name} yet: take one with `audit snapshot {name}`")
        return found
    info = store.snapshot_info(snapshot)
    if info.environment != name:
        raise NotFoundError(f"snapshot {info.id} is of {info.environment}, not of {name}")
    return info


def held(store: Store, info: SnapshotInfo, wanted: Wanted) -> Held:
    """The resources by kind and identity."""
    inventory = store.listing(info.id)
    fitting = sorted((one for one in inventory.resources if _fits(one, wanted)), key=_order)
    end = wanted.skip + PAGE
    earlier = store.past.looks(info.environment, before=info.id, limit=1)
    return Held(
        info=info,
        resources=tuple(fitting[wanted.skip : end]),
        fitting=len(fitting),
        skip=wanted.skip,
        more=end if len(fitting) > end else None,
        kinds=dict(sorted(Counter(one.kind for one in inventory.resources).items())),
        sources=dict(sorted(Counter(one.source for one in inventory.resources).items())),
        gap_groups=gap_groups(inventory.gaps),
        listings=inventory.listings,
        accounts=inventory.accounts,
        regions=inventory.regions,
        before=earlier[0].id if earlier else None,
    )


def called(
    inventory: Inventory, kind: str, identity: str, source: str = "", region: str = ""
) -> tuple[LightResource, ...]:
    """The resources of this name; several where these are of several sources or regions, and none is named."""
    return tuple(
        one
        for one in inventory.resources
        if one.identity == identity
        and one.kind == kind
        and source in ("", one.source)
        and (not region or one.region == region)
    )


class NormalForms:
    """Makes normal forms, and keeps the last ones: a snapshot never changes. Safe to share between threads."""

    def __init__(self) -> None:
        self._views: Kept[tuple[object, ...], tuple[NormalView, Json]] = Kept(64)

    def view(
        self, store: Store, config: Config, registry: Registry, info: SnapshotInfo, light: LightResource
    ) -> tuple[NormalView, Json]:
        """The view, and the whole normal form."""
        words = names_of(config, info.environment)
        key = (info.id, light.kind, light.identity, light.source, light.region, words.tokens, words.foreign)

        def make() -> tuple[NormalView, Json]:
            inventory = store.listing(info.id)
            names = words.at(inventory.accounts, inventory.regions)
            own = source_names(config, info.environment, names)
            names = own.get(light.source, names)
            resource = store.resource(info.id, light.kind, light.identity, light.source, light.region)
            kind = registry.kind(light.kind)
            normal = normal_form(resource, kind, names, references_of(inventory.resources))  # type: ignore[arg-type]
            form = neutral(normal.form, names)
            told = [(path, value, neutral(after, names)) for path, value, after in _beside(normal)]
            shown = tuple(_leaf(path, value, after) for path, value, after in told[:MOST_LEAVES])
            dropped = _dropped(resource, normal, kind)
            return NormalView(normal.identity, normal.digest, shown, len(told), dropped), form

        return self._views.get_or_make(key, make)


def _fits(one: LightResource, wanted: Wanted) -> bool:
    if (wanted.kind and one.kind != wanted.kind) or (wanted.source and one.source != wanted.source):
        return False
    if not wanted.text:
        return True
    said = (one.identity, one.component, one.location, one.region, one.account, one.parent, *one.tags.values())
    text = "\n".join(part for part in said if part).casefold()
    return all(word in text for word in wanted.text.casefold().split())


def _order(one: LightResource) -> tuple[str, str, str, str]:
    return one.kind, one.identity, one.source, one.region or ""


def _beside(normal: Normal) -> list[tuple[Path, Json, Json]]:
    """Every leaf of the normal form with the same place as its source spells it: both have the same shape."""
    spelled = dict(leaves(normal.raw))
    return [(path, spelled.get(path), value) for path, value in leaves(normal.form)]


def _leaf(path: Path, value: Json, after: Json) -> Leaf:
    same = spell(value) == spell(after)
    ours, theirs = side_by_side(value, after, _ROOM)
    return Leaf(path, ours, theirs, _whole(value), _whole(after), same)


def _whole(value: Json) -> str:
    """The value where it does not fit beside another one."""
    text = lines(value)
    return middle(text, _MOST_WHOLE) if len(text) > _ROOM or "\n" in text else ""


def _dropped(resource: Resource, normal: Normal, kind: Kind) -> tuple[str, ...]:
    """Attributes of the resource that are not in its normal form, and what its kind calls volatile deeper down."""
    top = [key for key in resource.attributes if key not in normal.form]
    deeper = [pattern for pattern in kind.volatile if "." in pattern]
    return tuple(sorted({*map(str, top), *deeper}))


def listed_by_source(listings: Sequence[Listing]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Source and region -> the kinds that were listed whole."""
    found: dict[str, list[str]] = {}
    for one in listings:
        found.setdefault(" ".join(part for part in (one.source, one.region) if part), []).append(one.kind)
    return tuple((source, tuple(sorted(kinds))) for source, kinds in sorted(found.items()))
