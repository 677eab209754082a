"""What is measured of the product itself: whole audits, and comparing and judging alone. Each runs in a process of its own."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

from auditor.at_hand import seen_of
from auditor.held import held_since
from auditor.judge import Judgement, judge
from auditor.model import Snapshot
from auditor.moves import Histories
from auditor.past import recall
from auditor.pipeline import audit_now, lay, take_snapshots
from auditor.realms import realm_of
from auditor.relaxed import relaxed
from bench.speed import world
from bench.speed.child import Stopwatch
from bench.speed.estate import Edition, Estate
from bench.speed.world import World

LEFT, RIGHT = "staging", "prod"


def prepare(stopwatch: Stopwatch, folder: Path, estate: Estate, editions: tuple[Edition, ...]) -> None:
    """Write the installation and all that its environments will answer."""
    with stopwatch.running():
        world.make(folder)
        first = folder / "editions" / str(estate.edition.number)
        stopwatch.facts["bytes"] = estate.write(first)
        for edition in editions:
            replace(estate, edition=edition).write_since(folder / "editions" / str(edition.number), first)


def audit(stopwatch: Stopwatch, folder: Path, edition: int) -> None:
    """One whole audit from fresh answers: collect, redact, snapshot, match, compare, judge, life, store."""
    world.turn_to(folder, edition)
    with world.opened(folder) as here:
        with stopwatch.running():
            found = audit_now(here.config, LEFT, RIGHT, here.tools)
        stopwatch.facts["snapshots"] = _latest(here)
    stopwatch.facts |= {
        "findings": len(found.findings),
        "matched": found.coverage.matched,
        "coverage": found.coverage.ratio,
        "gaps": len(found.gaps),
        "store": _size(folder),
    }


def audit_again(stopwatch: Stopwatch, folder: Path, first: int, then: int) -> None:
    """The same in a service that goes on running: what an audit of `then` costs right after one of `first`."""
    with world.opened(folder) as here:
        world.turn_to(folder, first)
        audit_now(here.config, LEFT, RIGHT, here.tools)
        world.turn_to(folder, then)
        with stopwatch.running():
            found = audit_now(here.config, LEFT, RIGHT, here.tools)
    stopwatch.facts["findings"] = len(found.findings)


def keep_snapshots(stopwatch: Stopwatch, folder: Path, edition: int) -> None:
    """Observe both environments and keep the snapshots, without an audit."""
    world.turn_to(folder, edition)
    with world.opened(folder) as here:
        with stopwatch.running():
            take_snapshots(here.config, (LEFT, RIGHT), here.tools)
        stopwatch.facts["snapshots"] = _latest(here)


def latest(stopwatch: Stopwatch, folder: Path) -> None:
    """Which snapshots are the latest ones."""
    with world.opened(folder) as here:
        stopwatch.facts["snapshots"] = _latest(here)


def judge_loaded(stopwatch: Stopwatch, folder: Path, ids: tuple[str, str], before: tuple[str, str] | None) -> None:
    """From two snapshots that lie in the store to the judgement. `before`: another two are judged first, so that the
    maps of what was worked out earlier are in memory, as in a service."""
    with world.opened(folder) as here:
        if before is not None:
            _judged(here, *_loaded(here, before))
        left, right = _loaded(here, ids)
        with stopwatch.running():
            found = _judged(here, left, right)
    stopwatch.facts |= {"breaches": len(found.breaches), "resources": len(left.resources) + len(right.resources)}


def _loaded(here: World, ids: tuple[str, str]) -> tuple[Snapshot, Snapshot]:
    return here.store.load_snapshot(ids[0]), here.store.load_snapshot(ids[1])


@relaxed()
def _judged(here: World, left: Snapshot, right: Snapshot) -> Judgement:
    config, tools = here.config, here.tools
    now = tools.clock()
    laid = lay(config, left, right, tools)
    realms = (realm_of(config, LEFT, here.registry.kind), realm_of(config, RIGHT, here.registry.kind))
    seen = seen_of(left, right, laid.comparison, laid.pair, laid.references)
    histories = Histories(realms, tools.store.past, (left.id, right.id), now, seen)
    held = partial(held_since, histories)
    history = recall(tools.store.deployments_since, laid.pair, laid.comparison, config.promotes_to, held)
    left_names, right_names = laid.pair.left, laid.pair.right
    keeping = tools.keeping
    return judge(laid.comparison, here.policy, left_names, right_names, now, config.owner_tag, history, keeping=keeping)


def _latest(here: World) -> tuple[str, str]:
    ids = [here.store.snapshots(name)[0].id for name in (LEFT, RIGHT)]
    return ids[0], ids[1]


def _size(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.glob("auditor.db*"))
