"""Which addresses are looked at for each page that there is: a page without an entry here fails a test."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

from tests.web import hostile

if TYPE_CHECKING:
    from auditor.life import StoredFinding
    from auditor.model import Snapshot
    from tests.web.site import Site


@dataclass(frozen=True, slots=True)
class World:
    """A company with a past, and what of it is worth a look."""

    name: str
    site: Site

    @property
    def pair(self) -> tuple[str, str]:
        last = self.site.loaded().config.pairs[-1]
        return last.left, last.right

    @property
    def pair_path(self) -> str:
        return "/pairs/" + "/".join(self.pair)

    def snapshots(self, environment: str) -> tuple[Snapshot, ...]:
        """The first and the last one."""
        found = sorted(self.site.store.snapshots(environment), key=lambda one: one.taken_at)
        return tuple(self.site.store.load_snapshot(one.id) for one in (found[0], found[-1]))

    def findings(self) -> Iterator[StoredFinding]:
        """One of each status and severity; of hostile ones, those whose name or value is markup, a direction, or long."""
        seen: set[object] = set()
        for stored in sorted(self.site.store.findings(*self.pair), key=lambda one: one.fingerprint):
            key: object = (stored.status, stored.breach.severity if self.name == "demo" else None)
            if self.name == "hostile":
                text = str(stored.breach.left.identity)
                key = next(
                    (word for word in ("<script>", "\u202e", hostile.LONG, "only here <a", "deep") if word in text),
                    None,
                )
            if key is not None and key not in seen:
                seen.add(key)
                yield stored


Paths = Callable[[World], list[str]]


def _overview(world: World) -> list[str]:
    return ["/"]


def _findings(world: World) -> list[str]:
    narrowed = urlencode({"severity": "high", "text": "<script>" if world.name == "hostile" else "orders"})
    return ["/findings", f"/findings?{narrowed}", "/findings?text=nothing-is-called-so"]


def _finding(world: World) -> list[str]:
    return [f"/findings/{stored.fingerprint}" for stored in world.findings()][:4]


def _pair(world: World) -> list[str]:
    return [world.pair_path]


def _match(world: World) -> list[str]:
    return [f"{world.pair_path}/match"]


def _environment(world: World) -> list[str]:
    return [f"/environments/{world.pair[0]}"]


def _snapshot(world: World) -> list[str]:
    return [f"/environments/{world.pair[0]}/snapshots/{world.snapshots(world.pair[0])[-1].id}"]


def _changes(world: World) -> list[str]:
    name = world.pair[0]
    first, last = world.snapshots(name)
    return [f"/environments/{name}/changes?{urlencode({'from': first.id, 'to': last.id})}"]


def _policy(world: World) -> list[str]:
    name = world.site.loaded().policy(world.site.loaded().config.pairs[-1]).names[-1]
    return [f"/policies/{quote(name, safe='')}"]


PLACES: Mapping[str, Paths] = {
    "/": _overview,
    "/findings": _findings,
    "/findings/{}": _finding,
    "/pairs/{}/{}": _pair,
    "/pairs/{}/{}/match": _match,
    "/versions": lambda _: ["/versions"],
    "/environments/{}": _environment,
    "/environments/{}/snapshots/{}": _snapshot,
    "/environments/{}/changes": _changes,
    "/ready": lambda _: ["/ready"],
    "/ready/{}": lambda world: [f"/ready/{world.pair[0]}"],
    "/waivers": lambda _: ["/waivers"],
    "/policies": lambda _: ["/policies"],
    "/policies/{}": _policy,
    "/access": lambda _: ["/access"],
}
# What has a test of its own, because it takes another gate.
ELSEWHERE = ("/login",)
# Answers that are no pages: for programs, or files.
NO_PAGES = (
    "/api/",
    "/login/oidc",
    "/static/",
    "/badge/",
    "/events",
    "/healthz",
    "/readyz",
    "/metrics",
    "/slack",
    "/docs",
    "/openapi",
)


def shape(path: str) -> str:
    """A route's path with its parameters unnamed."""
    return re.sub(r"\{[^}]*\}", "{}", path)
