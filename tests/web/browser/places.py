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


_MOST_FINDINGS = {"small": 1, "demo": 3, "hostile": 5}
Paths = Callable[[World], list[str]]


def _overview(world: World) -> list[str]:
    return ["/"]


def _findings(world: World) -> list[str]:
    narrowed = urlencode({"severity": "high", "text": "<script>" if world.name == "hostile" else "orders"})
    return ["/findings", f"/findings?{narrowed}", *(["/findings?text=nothing"] if world.name == "demo" else [])]


def _finding(world: World) -> list[str]:
    return [f"/findings/{stored.fingerprint}" for stored in world.findings()][: _MOST_FINDINGS[world.name]]


def _pair(world: World) -> list[str]:
    return [world.pair_path]


def _snapshot(world: World) -> list[str]:
    return [f"{_environment(world)}/snapshots/{world.snapshots(world.pair[0])[-1].id}"]


def _changes(world: World) -> list[str]:
    first, last = world.snapshots(world.pair[0])
    return [f"{_environment(world)}/changes?{urlencode({'from': first.id, 'to': last.id})}"]


def _resource(world: World) -> list[str]:
    """A usual one with all its parts; of the hostile company one whose name is markup and one that is deep."""
    found = world.snapshots(world.pair[0])[-1].resources
    wanted = [found[0]]
    if world.name == "hostile":
        wanted += [
            next(one for one in found if one.identity == "deep"),
            next(one for one in found if hostile.LONG in one.identity),
        ]
    parts = [("part", part) for part in ("normal", "history", "pairs")]
    return [
        f"{_environment(world)}/resource?{urlencode([('kind', one.kind), ('identity', one.identity), ('source', one.source), *parts])}"
        for one in wanted
    ]


def _environment(world: World) -> str:
    return f"/environments/{world.pair[0]}"


def _policy(world: World) -> str:
    name = world.site.loaded().policy(world.site.loaded().config.pairs[-1]).names[-1]
    return f"/policies/{quote(name, safe='')}"


def _rule(world: World) -> list[str]:
    rule = _first(world).breach.rule
    return [f"/policies/{quote(rule.policy, safe='')}/rules/{quote(rule.id, safe='')}"]


def _explain(world: World) -> list[str]:
    left, right = world.pair
    asked = {"left": left, "right": right, "resource": _first(world).breach.left.identity or "", "wait": "1"}
    return [f"/policies/explain?{urlencode(asked)}"]


def _audits(world: World) -> list[str]:
    """The last one, and what changed since the one before."""
    return [found.id for found in world.site.store.audits(*world.pair, limit=2)]


def _first(world: World) -> StoredFinding:
    return next(iter(world.findings()))


PLACES: Mapping[str, Paths] = {
    "/": _overview,
    "/access": lambda _: ["/access"],
    "/audits/{}": lambda world: [f"/audits/{_audits(world)[0]}"],
    "/environments": lambda _: ["/environments"],
    "/environments/{}": lambda world: [_environment(world)],
    "/environments/{}/changes": _changes,
    "/environments/{}/resource": _resource,
    "/environments/{}/snapshots/{}": _snapshot,
    "/findings": _findings,
    "/findings/acknowledge": lambda world: [f"/findings/acknowledge?fingerprint={_first(world).fingerprint}"],
    "/findings/waive": lambda world: [f"/findings/waive?fingerprint={_first(world).fingerprint}"],
    "/findings/{}": _finding,
    "/findings/{}/acknowledge": lambda world: [f"/findings/{_first(world).fingerprint}/acknowledge"],
    "/findings/{}/explain": lambda world: [f"/findings/{_first(world).fingerprint}/explain"],
    "/findings/{}/timeline": lambda world: [f"/findings/{_first(world).fingerprint}/timeline"],
    "/findings/{}/waive": lambda world: [f"/findings/{_first(world).fingerprint}/waive"],
    "/gaps": lambda _: ["/gaps"],
    "/notices": lambda _: ["/notices"],
    "/pairs/{}/{}": _pair,
    "/pairs/{}/{}/audits": lambda world: [f"{world.pair_path}/audits"],
    "/pairs/{}/{}/audits/diff": lambda world: [f"{world.pair_path}/audits/diff"],
    "/pairs/{}/{}/expected": lambda world: [f"{world.pair_path}/expected?wait=1"],
    "/pairs/{}/{}/match": lambda world: [f"{world.pair_path}/match?wait=1"],
    "/policies": lambda _: ["/policies"],
    "/policies/explain": _explain,
    "/policies/{}": lambda world: [_policy(world)],
    "/policies/{}/check": lambda world: [f"{_policy(world)}/check"],
    "/policies/{}/rules/{}": _rule,
    "/ready": lambda _: ["/ready"],
    "/ready/{}": lambda world: [f"/ready/{world.pair[0]}"],
    "/versions": lambda _: ["/versions"],
    "/waivers": lambda _: ["/waivers"],
    "/waivers/{}/revoke": lambda world: [f"/waivers/{one.id}/revoke" for one in world.site.store.waivers()[:1]],
}
# What is made of everything there is, for data that is meant to break pages; and those that have something of every colour.
HOSTILE_RICH = ("/findings/{}", "/pairs/{}/{}")
COLOURFUL = ("/", "/findings/{}")
# What has a test of its own, because it takes another gate.
ELSEWHERE = ("/login",)
# Answers that are no pages: for programs, or files.
FILES = re.compile(r"/(export|report|document|row|match[.]yaml)\b")
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
