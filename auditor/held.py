"""Since when one environment has held the value that it holds now, as its stored snapshots show it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from auditor.alike import Pair
from auditor.history import Bounds, Spot, Track, Walk

if TYPE_CHECKING:
    from datetime import datetime

    from auditor.model import Path, Resource
    from auditor.moves import Histories

_FURTHEST = timedelta(days=90)


def held_since(histories: Histories, side: str, resource: Resource, path: Path) -> datetime | None:
    """When the first snapshot was taken that showed the value after one that showed another.

    None where no change was seen within the last 90 days: it may have been so for ever. Raises StoreError."""
    index = ("left", "right").index(side)
    bounds = Bounds(since=histories.now - _FURTHEST)
    walks = [
        Walk(realm, histories.remembered, start, bounds, at_hand)
        for realm, start, at_hand in zip(histories.realms, histories.snapshots, histories.at_hand, strict=True)
    ]
    scenes = [walk.open() for walk in walks]
    left, right = scenes
    if left is None or right is None:
        return None
    names = (left.names, right.names)
    normal = names[index].neutral(resource.identity)
    track = Track(Spot(resource.kind, resource.identity, normal, path, resource.location))
    if side == "right":
        # The common name of a key is the left's, with names set aside.
        track.same_key = Pair(*names).same_name
    walk = walks[index]
    walk.tracks.append(track)
    while walk.tracks:
        walk.step()
    return track.turn.by.taken_at if track.turn is not None else None
