"""The benchmark's estate is what it says, its whole path runs, and the page on performance tells what the code says."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import orjson
import pytest

from auditor.registry import Registry
from bench import simulation
from bench.speed import audits, floors, report, tables, world
from bench.speed.child import Measured, Stopwatch
from bench.speed.estate import KINDS, PROD, REGIONS, STAGING, Edition, Estate
from bench.speed.results import Row, Target, row

PAGE = Path(__file__).resolve().parents[1] / "docs" / "performance.md"


def _all(estate: Estate) -> list[bytes]:
    return [
        answer
        for side in (STAGING, PROD)
        for kind in KINDS
        for region in REGIONS
        for answer in estate.answers(side, kind, region)
    ]


def test_the_page_tells_what_the_simulation_says() -> None:
    """The table in docs/performance.md is that of the default assumptions."""
    said = simulation.table(simulation.World())
    assert report.held(PAGE.read_text(), "simulation") == said.strip()


def test_more_workers_make_a_sweep_shorter_until_one_listing_decides() -> None:
    """Two listings a minute long, at a limit of one request a second: a second thread halves the time, a third does not."""
    few = simulation.World(threads=1, cpu=0.0)
    work = [simulation._Listing(60, 1.0), simulation._Listing(60, 1.0)]
    taken = simulation._seconds(few, work)
    assert [simulation._makespan(few, taken, workers) for workers in (1, 2, 3)] == [120.0, 60.0, 60.0]
    assert simulation._fewest(few, work, 119.0) == (2, 60.0)
    with pytest.raises(ValueError, match="one listing alone takes longer"):
        simulation._fewest(few, work, 59.0)


def test_an_estate_is_the_same_each_time_and_two_kilobytes_each() -> None:
    """One seed, one estate; both sides have as many, and an answer is about as long as real ones are."""
    estate = Estate(210)
    answers = _all(estate)
    assert answers == _all(Estate(210))
    assert len(answers) == 420
    assert 1800 < sum(map(len, answers)) / 420 < 2300
    assert answers != _all(Estate(210, seed=8))
    declared = {kind.name for kind in Registry.load().get("aws").kinds}
    assert declared.issuperset(KINDS)


def test_an_edition_changes_what_it_says(tmp_path: Path) -> None:
    """Drift is on the left alone, a release on both sides alike; what is written since is what is written anew."""
    estate = Estate(210)
    before = list(map(orjson.loads, _all(estate)))
    drifted = list(map(orjson.loads, _all(replace(estate, edition=Edition(2, drift=0.1)))))
    changed = [at for at, (old, new) in enumerate(zip(before, drifted, strict=True)) if old != new]
    assert 10 < len(changed) < 35
    assert max(changed) < 210
    released = list(map(orjson.loads, _all(replace(estate, edition=Edition(3, release=0.1)))))
    both = [at for at, (old, new) in enumerate(zip(before, released, strict=True)) if old != new]
    assert {at for at in both if at < 210} == {at - 210 for at in both if at >= 210}
    estate.write(tmp_path / "1")
    for edition in (Edition(4, ids=0.2), Edition(5, drift=0.05, new=2)):
        later = replace(estate, edition=edition)
        later.write(tmp_path / f"{edition.number}-anew")
        later.write_since(tmp_path / f"{edition.number}", tmp_path / "1")
        for file in (tmp_path / f"{edition.number}").glob("*/*"):
            other = tmp_path / f"{edition.number}-anew" / file.relative_to(tmp_path / f"{edition.number}")
            assert file.read_bytes() == other.read_bytes()


def test_what_drifted_is_found_and_nothing_else(tmp_path: Path) -> None:
    """The whole path over recorded answers: no finding where all is alike, one for what drifted, alone and in a whole audit."""
    whole = len(KINDS) * 2
    estate, drift = Estate(whole), Edition(2, drift=0.1)
    audits.prepare(Stopwatch(), tmp_path, estate, (drift,))
    first, then, judged = Stopwatch(), Stopwatch(), Stopwatch()
    audits.audit(first, tmp_path, 1)
    world.keep(tmp_path, "after")
    audits.audit(then, tmp_path, 2)
    assert first.facts["coverage"] == 1.0
    assert first.facts["matched"] == whole
    assert first.facts["findings"] == 0
    changed = sum(estate_changed(estate, drift, at) for at in range(whole))
    assert then.facts["findings"] >= changed > 0
    ids = then.facts["snapshots"]
    audits.judge_loaded(judged, tmp_path, ids, first.facts["snapshots"])
    assert judged.facts == {"breaches": then.facts["findings"], "resources": 2 * whole}
    assert judged.cpu > 0
    world.put_back(tmp_path, "after")
    latest = Stopwatch()
    audits.latest(latest, tmp_path)
    assert latest.facts["snapshots"] == first.facts["snapshots"]


def estate_changed(estate: Estate, edition: Edition, at: int) -> bool:
    return replace(estate, edition=edition)._chosen(at, edition.drift, "drift")


def test_peers_find_what_drifted() -> None:
    """Every way to compare finds the same resources, or one is faster because it does less."""
    estate = Estate(126, edition=Edition(2, drift=0.1), alike=True)
    found = []
    for peer in (floors.deepdiff_by_pair, floors.join_stored):
        stopwatch = Stopwatch()
        peer(stopwatch, estate)
        found.append(stopwatch.facts["changes"])
    assert found[0] == found[1] == sum(estate._chosen(at, 0.1, "drift") for at in range(126))


def test_results_are_written_between_the_marks_only() -> None:
    """A row shows its ratios, a target its bound; the rest of the page stays, and a page without marks is refused."""
    run = Measured(cpu=0.5, wall=0.6, memory=120_000_000, facts={})
    rows: list[Row] = [row("audit", "1 % drifted", 1000, run, "9 findings", of_the_floor=2.5)]
    reached = [Target("whole re-audit", "2.50x", "under 3x", True), Target("store", "not measured", "50 kB", None)]
    page = "before\n<!-- results: by hand -->\nof yesterday\n<!-- end of results -->\nafter\n"
    here = {"processors": 2, "model": "m", "memory_gib": 4.0, "system": "s", "python": "p", "orjson": "3"}
    written = report.rewritten(page, rows, reached, here)
    assert written.startswith("before\n<!-- results: by hand -->\n\n2 processors (m), 4 GiB")
    assert written.endswith("<!-- end of results -->\nafter\n")
    assert "of yesterday" not in written
    line = next(line for line in written.splitlines() if line.startswith("| 1 % drifted"))
    assert [cell.strip() for cell in line.strip("| ").split("|")] == [
        "1 % drifted", "1,000", "0.5", "0.6", "500.0", "120", "2.50x of the floor", "9 findings"
    ]  # fmt: skip
    assert tables.of_targets(reached).splitlines()[2].split("|")[4].strip() == "yes"
    assert report.rewritten(written, rows, reached, here) == written
    with pytest.raises(report.MarksMissing, match="results"):
        report.rewritten("nothing", rows, reached, here)
