"""The demo company as it was read once: both snapshots, kept, because building it anew takes longer than all tests here.

`python -m tests.web.browser.demo` reads it anew; `tests/demo` says whether what is kept still is what the demo builds.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import zstandard

from auditor import acts, codec
from auditor.demo.files import lay_out
from auditor.model import Gap, GapReason, Json, Resource, Snapshot
from auditor.pipeline import Tools, audit_snapshots
from auditor.realms import names_of

if TYPE_CHECKING:
    from auditor.model import Audit
    from tests.web.site import Site

KEPT = Path(__file__).parent / "data" / "demo.json.zst"
LEFT, RIGHT = "staging", "prod"
_MOST_BYTES = 20_000_000


def company(folder: Path) -> Path:
    """The folder that the demo leaves behind, without its store."""
    folder.mkdir()
    lay_out(folder)
    return folder


def snapshots() -> dict[str, Snapshot]:
    """What was kept, by environment."""
    text = zstandard.ZstdDecompressor().decompress(KEPT.read_bytes(), max_output_size=_MOST_BYTES)
    return {name: codec.decode(Snapshot, found) for name, found in json.loads(text).items()}


def fill(site: Site) -> Audit:
    """Four days of the company, the last audit a minute after it was read: a release, a hotfix, a queue nobody could read, acts
    of people. Returns the last audit."""
    kept = snapshots()
    # What was deployed when stands in what was read: the site has its time.
    site.clock.now = now = max(one.taken_at for one in kept.values()) + timedelta(minutes=1)
    for days, gaps in ((3, False), (2, True), (1, False), (0, True)):
        site.clock.now = now - timedelta(days=days)
        sides = [_as_of(kept[name], days, site) for name in (LEFT, RIGHT)]
        if gaps:
            sides[0] = _unread(sides[0])
        made = _audited(site, sides[0], sides[1])
        if days == 1:
            _act(site)
    site.clock.now = now
    return made


def _audited(site: Site, left: Snapshot, right: Snapshot) -> Audit:
    loaded, auditing = site.loaded(), site.auditing
    tools = Tools(registry=auditing.registry, store=site.store, redactor=auditing.redactor, clock=site.clock)
    for side in (left, right):
        site.store.save_snapshot(side, names_of(loaded.config, side.environment).tokens)
    policy = loaded.policy(loaded.config.pair(LEFT, RIGHT))
    return audit_snapshots(loaded.config, policy, left, right, site.clock.now, tools)


def _as_of(kept: Snapshot, days: int, site: Site) -> Snapshot:
    """The snapshot as it was so many days ago: before the last release and the last hotfixes."""
    resources = tuple(_earlier(resource, kept.environment, days) for resource in kept.resources)
    return replace(
        kept,
        id=f"{kept.environment}-{days}",
        taken_at=site.clock.now - timedelta(seconds=20),
        resources=tuple(resource for resource in resources if resource is not None),
    )


def _earlier(resource: Resource, environment: str, days: int) -> Resource | None:
    if days >= 2 and environment == LEFT and resource.kind == "http.version" and resource.identity == "storefront":
        return replace(resource, attributes={**resource.attributes, "version": "5.1.3"})
    if days >= 1 and environment == RIGHT and resource.kind == "aws.rds.instance":
        return replace(resource, attributes={**resource.attributes, "backup_retention_period": 7})
    return None if days >= 3 and resource.kind == "aws.lambda.function" and "export" in resource.identity else resource


def _unread(snapshot: Snapshot) -> Snapshot:
    """Without the parameters, which it was not allowed to read."""
    kind = "aws.ssm.parameter"
    source = next(listing.source for listing in snapshot.listings if listing.kind == kind)
    detail = "AccessDeniedException: not authorized to perform: ssm:DescribeParameters"
    return replace(
        snapshot,
        resources=tuple(one for one in snapshot.resources if one.kind != kind),
        listings=tuple(one for one in snapshot.listings if one.kind != kind),
        gaps=(*snapshot.gaps, Gap(snapshot.environment, source, kind, GapReason.ACCESS_DENIED, detail, "eu-west-1")),
    )


def _act(site: Site) -> None:
    found = sorted(site.store.findings(LEFT, RIGHT), key=lambda one: (-one.breach.severity.rank, one.fingerprint))
    now = site.clock.now
    acts.acknowledge(site.store, [found[2].fingerprint], "mira", now, note="goes out with the next release")
    lasts = timedelta(days=30)
    acts.waive(site.store, [found[4].fingerprint], "jonas", "the load test needs it until the sale", now, lasts, "page")


def keep() -> None:
    """Run the demo in a folder that is thrown away, and keep what it read."""
    from auditor import demo
    from auditor.cli import setup

    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "company"
        if demo.run(folder, [], serve=False, say=print):
            raise SystemExit("the demo did not run")
        config, _ = setup.configured(folder / "auditor.yaml")
        with setup.opened(config) as store:
            found = {name: store.latest_snapshot(name) for name in (LEFT, RIGHT)}
    text = codec.canonical(_json({name: one for name, one in found.items() if one is not None}))
    KEPT.parent.mkdir(exist_ok=True)
    KEPT.write_bytes(zstandard.ZstdCompressor(level=19).compress(text))


def _json(found: Mapping[str, Snapshot]) -> Json:
    return {name: codec.encode(snapshot) for name, snapshot in found.items()}


if __name__ == "__main__":
    keep()
