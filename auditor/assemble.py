"""What the tasks of one environment read, put together as its snapshot: in one order, whichever task was faster."""

from __future__ import annotations

import hashlib
import json
import logging
from collections import Counter
from dataclasses import asdict, dataclass, replace
from datetime import UTC
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from auditor.model import Gap, Listing, Resource, Snapshot
from auditor.read_twice import once

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from auditor.collector import Task

_log = logging.getLogger(__name__)


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
    once_read, unread = once(found, told, _canonical)
    resources, gaps = _distinct(once_read), _distinct_gaps(unread)
    listings = _listings(read)
    taken_at = taken_at.astimezone(UTC)
    digest = hashlib.sha256()
    for item in (*resources, *gaps, *listings):
        digest.update(_canonical(item).encode())
    stamp = taken_at.strftime("%Y%m%dT%H%M%S%fZ")
    tasks = [part.task for part in read if part.task is not None]
    accounts = {*(task.account for task in tasks), *(resource.account for resource in resources)}
    regions = {*(task.region for task in tasks), *(resource.region for resource in resources)}
    return Snapshot(
        id=f"{stamp}-{environment}-{digest.hexdigest()[:12]}",
        environment=environment,
        taken_at=taken_at,
        resources=resources,
        gaps=gaps,
        listings=listings,
        accounts=tuple(sorted(account for account in accounts if account)),
        regions=tuple(sorted(region for region in regions if region)),
    )


def _distinct(resources: Iterable[Resource]) -> tuple[Resource, ...]:
    """In order, each (kind, identity, source, region) once.

    A listing that moved while its pages were read says the same thing twice: that is one resource. Two different
    things of one name are both kept, the second as `name#2`: to drop either would be to call it absent.
    """
    seen: dict[tuple[str, str, str, str], int] = {}
    distinct: list[Resource] = []
    last = ""
    for text, resource in sorted(
        ((_canonical(resource), resource) for resource in resources), key=lambda pair: pair[0]
    ):
        if text == last:
            continue
        last = text
        place = (resource.kind, resource.identity, resource.source, resource.region or "")
        seen[place] = seen.get(place, 0) + 1
        if seen[place] > 1:
            _log.debug("%s %s of %s was read %d times, differing", *place[:3], seen[place])
            resource = replace(resource, identity=f"{resource.identity}#{seen[place]}")
        distinct.append(resource)
    return tuple(sorted(distinct, key=_canonical))


def _distinct_gaps(gaps: Iterable[Gap]) -> tuple[Gap, ...]:
    """In order, each once. Two sources of one label that both gave no access stand for the listings of both."""
    listings: Counter[Gap] = Counter()
    for gap in gaps:
        listings[replace(gap, listings=0)] += gap.listings
    return tuple(sorted((replace(gap, listings=number) for gap, number in listings.items()), key=_canonical))


def _listings(read: Sequence[Read]) -> tuple[Listing, ...]:
    """Each kind that a task listed to its end, unless a gap in the same place says that something of it is unread."""
    unread = [gap for part in read for gap in part.gaps if gap.resource is None and gap.attribute is None]
    listed = {
        Listing(source=part.task.source, kind=kind, region=part.task.region)
        for part in read
        if part.task is not None and part.ended
        for kind in part.task.kinds
    }
    complete = (listing for listing in listed if not any(_hides(gap, listing) for gap in unread))
    return tuple(sorted(complete, key=_canonical))


def _hides(gap: Gap, listing: Listing) -> bool:
    if gap.source != listing.source or (gap.region is not None and gap.region != listing.region):
        return False
    return fnmatchcase(listing.kind, gap.kind) or fnmatchcase(gap.kind, listing.kind)


def _canonical(item: Any) -> str:
    """One spelling of a resource, gap or listing, for order and digest: by kind and identity first."""
    leading = [getattr(item, name, "") or "" for name in ("kind", "identity", "source", "region", "parent")]
    return json.dumps([leading, asdict(item)], sort_keys=True, ensure_ascii=True, default=str, separators=(",", ":"))
