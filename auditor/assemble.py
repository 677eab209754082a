"""What the tasks of one environment read, put together as its snapshot: in one order, whichever task was faster.

A resource is told apart and ordered by its name, and hashed as one line of bytes in which its attributes are their digest:
documents are not looked at.
"""

from __future__ import annotations

import hashlib
import logging
from collections import Counter, defaultdict
from dataclasses import dataclass, fields, replace
from datetime import UTC
from fnmatch import fnmatchcase
from itertools import count
from operator import itemgetter
from typing import TYPE_CHECKING

from auditor.codec import compact, compact_texts
from auditor.document import Document
from auditor.model import Gap, Listing, Resource, Snapshot
from auditor.read_twice import once

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from auditor.collector import Task

_log = logging.getLogger(__name__)
# No text is spelled so.
_NONE = 0


@dataclass(frozen=True, slots=True)
class Read:
    """What one task read. `failures` says why it did not end; `ended` whether it came to its own end.

    `task` is None for the planning of a source, which reads nothing but can fail.
    """

    task: Task | None
    items: tuple[Resource | Gap, ...]
    failures: tuple[Gap, ...]
    ended: bool = False

    @property
    def resources(self) -> tuple[Resource, ...]:
        return tuple(item for item in self.items if isinstance(item, Resource))

    @property
    def gaps(self) -> tuple[Gap, ...]:
        return (*(item for item in self.items if isinstance(item, Gap)), *self.failures)


def snapshot(environment: str, taken_at: datetime, read: Sequence[Read]) -> Snapshot:
    """The snapshot of one environment. The same reads, in any order, give the same snapshot with the same id.

    The id sorts by time: `20260131T120000000000Z-staging-4f2a9c1b7d3e`, the end from a digest of all content.
    """
    found, told = [each for part in read for each in part.resources], [gap for part in read for gap in part.gaps]
    once_read, unread = once(found, told, spelled)
    resources, gaps, listings = _distinct(once_read), _distinct_gaps(unread), _listings(read)
    taken_at = taken_at.astimezone(UTC)
    digest = hashlib.sha256()
    for lines in (map(spelled, resources), map(itemgetter(0), gaps), map(itemgetter(0), listings)):
        # One at a time: together they take as much room as the snapshot.
        for line in lines:
            digest.update(line + b"\n")
        digest.update(b"\n")
    stamp = taken_at.strftime("%Y%m%dT%H%M%S%fZ")
    tasks = [part.task for part in read if part.task is not None]
    accounts = {*(task.account for task in tasks), *(resource.account for resource in resources)}
    regions = {*(task.region for task in tasks), *(resource.region for resource in resources)}
    return Snapshot(
        id=f"{stamp}-{environment}-{digest.hexdigest()[:12]}",
        environment=environment,
        taken_at=taken_at,
        resources=tuple(resources),
        gaps=tuple(gap for _, gap in gaps),
        listings=tuple(listing for _, listing in listings),
        accounts=tuple(sorted(account for account in accounts if account)),
        regions=tuple(sorted(region for region in regions if region)),
    )


def spelled(resource: Resource) -> bytes:
    """One spelling of all that a resource says; of its attributes their digest."""
    return compact_texts(
        [
            resource.kind,
            resource.identity,
            resource.source,
            _NONE if resource.region is None else resource.region,
            _NONE if resource.account is None else resource.account,
            _NONE if resource.parent is None else resource.parent,
            resource.refs,
            resource.tags,
            _NONE if resource.component is None else resource.component,
            _NONE if resource.location is None else resource.location,
            Document.of(resource.attributes).digest,
        ]
    )


def _distinct(read: Sequence[Resource]) -> list[Resource]:
    """In the order of their names, each (kind, identity, source, region) once.

    A listing that moved while its pages were read says the same thing twice: that is one resource. Two different
    things of one name are both kept, the second as `name#2`: to drop either would be to call it absent.
    """
    found = dict(zip(map(_name, read), read, strict=True))
    if len(found) < len(read):
        found = _numbered(read)
    return [resource for _, resource in sorted(found.items(), key=itemgetter(0))]


def _numbered(read: Sequence[Resource]) -> dict[str, Resource]:
    """By names that tell them apart."""
    named: dict[str, dict[bytes, Resource]] = defaultdict(dict)
    for resource in read:
        named[_name(resource)][spelled(resource)] = resource
    found = {name: min(several.values(), key=_by_content) for name, several in named.items()}
    for name in sorted(name for name, several in named.items() if len(several) > 1):
        several = sorted(named[name].values(), key=_by_content)
        _log.debug("%s %s of %s was read %d times, differing", *name.split("\0")[:3], len(several))
        numbers = count(2)
        for resource in several[1:]:
            free = (replace(resource, identity=f"{resource.identity}#{number}") for number in numbers)
            renamed = next(each for each in free if _name(each) not in found)
            found[_name(renamed)] = renamed
    return found


def _name(resource: Resource) -> str:
    return f"{resource.kind}\0{resource.identity}\0{resource.source}\0{resource.region or ''}"


def _by_content(resource: Resource) -> tuple[str, str, bytes, bytes]:
    """An order of things of one name that lasts while little of them changes, as that of their digests would not."""
    body = Document.of(resource.attributes).body()
    return resource.parent or "", resource.account or "", body, spelled(resource)


def _distinct_gaps(gaps: Iterable[Gap]) -> list[tuple[bytes, Gap]]:
    """In order, each once. Two sources of one label that both gave no access stand for the listings of both."""
    listings: Counter[Gap] = Counter()
    for gap in gaps:
        listings[replace(gap, listings=0)] += gap.listings
    told = [replace(gap, listings=number) for gap, number in listings.items()]
    return sorted(((_line(gap, (gap.kind, gap.source, gap.region or "")), gap) for gap in told), key=itemgetter(0))


def _listings(read: Sequence[Read]) -> list[tuple[bytes, Listing]]:
    """Each kind that a task listed to its end, unless a gap in the same place says that something of it is unread."""
    unread: dict[str, list[Gap]] = defaultdict(list)
    for gap in (gap for part in read for gap in part.gaps):
        if gap.resource is None and gap.attribute is None:
            unread[gap.source].append(gap)
    listed = {
        Listing(source=part.task.source, kind=kind, region=part.task.region)
        for part in read
        if part.task is not None and part.ended
        for kind in part.task.kinds
    }
    complete = [each for each in listed if not any(_hides(gap, each) for gap in unread.get(each.source, ()))]
    return sorted(
        ((_line(each, (each.kind, each.source, each.region or "")), each) for each in complete), key=itemgetter(0)
    )


def _hides(gap: Gap, listing: Listing) -> bool:
    if gap.region is not None and gap.region != listing.region:
        return False
    return fnmatchcase(listing.kind, gap.kind) or fnmatchcase(gap.kind, listing.kind)


def _line(item: Gap | Listing, leading: tuple[str, ...]) -> bytes:
    return compact([*leading, *(getattr(item, field.name) for field in fields(item))])
