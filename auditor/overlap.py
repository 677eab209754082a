"""What data is expected to be: not the other side's, and not kept for too long.

How many of the values sampled on one side stand on the other side, too, is told from keyed fingerprints alone.

A collector gives a resource `fingerprints`, the smallest keyed hashes of the distinct values that it looked at, and
`fingerprinted`, how many there were. Both sides keep the smallest, so both keep the same where they have the same
values (bottom-k sampling: E. Cohen, H. Kaplan, "Summarizing data using bottom-k sketches", PODC 2007).
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from auditor.document import Document
from auditor.expect import Verdict
from auditor.value_types import timestamp

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import timedelta

    from auditor.expect import Leaf, Question
    from auditor.model import Json, Resource

FINGERPRINTS = "fingerprints"
FINGERPRINTED = "fingerprinted"
_KEY = b'"fingerprints"'


@dataclass(frozen=True, slots=True)
class Overlap:
    """`shared` of `compared` values stand in the resource called `identity` of the environment, too."""

    shared: int
    compared: int
    identity: str
    environment: str

    @property
    def share(self) -> float:
        return self.shared / self.compared if self.compared else 0.0


class Sketches:
    """The fingerprints of one environment's resources, looked up by value: what was copied is found under any name."""

    def __init__(self, environment: str, resources: Iterable[Resource]) -> None:
        self._environment = environment
        self._last: dict[str, str | None] = {}
        self._holders: dict[str, list[str]] = defaultdict(list)
        for resource in resources:
            if not _may_hold(resource.attributes):
                continue
            held = _fingerprints(resource.attributes)
            if not held:
                continue
            # Where not all were kept, what is above the largest that was may be there all the same.
            whole = resource.attributes.get(FINGERPRINTED) == len(held)
            self._last[resource.identity] = None if whole else held[-1]
            for fingerprint in held:
                self._holders[fingerprint].append(resource.identity)

    def overlap(self, resource: Resource, counterpart: str | None = None) -> Overlap | None:
        """With the one resource that shares most values with `resource`, of several its counterpart; None where either
        side has no fingerprints."""
        own = _fingerprints(resource.attributes)
        if not own or not self._last:
            return None
        shared = Counter(holder for fingerprint in own for holder in self._holders.get(fingerprint, ()))
        if not shared:
            return Overlap(0, len(own), "", self._environment)
        identity, count = min(shared.items(), key=lambda item: (-item[1], item[0] != counterpart, item[0]))
        last = self._last[identity]
        compared = len(own) if last is None else bisect_right(own, last)
        return Overlap(count, compared, identity, self._environment)


def _may_hold(attributes: Mapping[str, Json]) -> bool:
    """Whether a document has to be looked into: of most the text alone shows that they hold none."""
    return not isinstance(attributes, Document) or _KEY in attributes.body()


def _fingerprints(attributes: Mapping[str, Json]) -> list[str]:
    held = attributes.get(FINGERPRINTS)
    return sorted({item for item in held if isinstance(item, str)}) if isinstance(held, list | tuple) else []


def overlap(values: int, share: float) -> Callable[[Question], Verdict | None]:
    """Fewer than `values` of the subject's values are the other side's, or no more than `share` (0 to 1) of them."""

    def between(question: Question) -> Verdict | None:
        found = question.overlap
        if found is None:
            return None
        met = found.shared < values or found.share <= share
        holder = f"{found.environment}'s {found.identity}"
        return Verdict(met, f"{found.shared} of {found.compared} sampled values stand in {holder}, too")

    return between


def max_age(longest: timedelta) -> Callable[[Leaf, Question], Verdict | None]:
    """A timestamp that is no longer ago than `longest`."""

    def of(leaf: Leaf, question: Question) -> Verdict | None:
        since = timestamp(leaf.raw)
        if since is None:
            return None
        days, kept = (question.now - since).days, longest.total_seconds() / 86400
        return Verdict(question.now - since <= longest, f"that is {days} days ago, and {kept:g} days are kept")

    return of
