"""What runs count: real files, a real store, and the numbers that a scrape would show afterwards."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from auditor.config import Config, load_config
from auditor.errors import CollectCancelled, StoreError
from auditor.metering import Readings, failures_counted
from auditor.model import Gap, GapReason
from auditor.pipeline import Tools, audit_now
from auditor.publish.prometheus import PrometheusMeters, render
from auditor.redact import Redactor
from auditor.registry import Registry
from auditor.store import Store

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
PAIR = 'left="staging",right="prod"'


class Clock:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


class Shop:
    """Two environments in folders, audited as the service audits them."""

    def __init__(self, folder: Path, store: Store, clock: Clock) -> None:
        self.folder = folder
        self.clock = clock
        self.meters = PrometheusMeters("0.1.0", clock)
        self.meters.configure([("staging", "prod")], {"staging": ["files"], "prod": ["files"]})
        for name in ("staging", "prod"):
            (folder / name).mkdir()
            self.write(name, "LOG_LEVEL=info\nWORKERS=4\n")
        (folder / "auditor.yaml").write_text(
            "environments:\n"
            "  staging: {sources: [{collector: files, path: staging}]}\n"
            "  prod: {sources: [{collector: files, path: prod}]}\n"
            "pairs: [{left: staging, right: prod}]\n"
        )
        registry = Registry.load()
        self.config: Config = load_config(folder / "auditor.yaml", registry=registry, environ={})
        self.tools = Tools(registry, store, Redactor(b"k" * 32), clock, meters=self.meters)

    def write(self, environment: str, text: str) -> None:
        (self.folder / environment / "shop.env").write_text(text)

    def audit(self) -> None:
        audit_now(self.config, "staging", "prod", self.tools)

    def counted(self) -> dict[str, float]:
        """Every sample of the process that is not 0, by name and labels."""
        lines = render(self.meters, None, None, None, self.clock())[1].decode().splitlines()
        found = {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines if line[0] != "#"}
        return {series: value for series, value in found.items() if value}


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    """The shop with a store of its own."""
    clock = Clock()
    with Store.open(f"sqlite:///{tmp_path / 'auditor.db'}", clock=clock) as store:
        yield Shop(tmp_path, store, clock)


def test_an_audit_is_counted_with_its_outcome_and_what_it_found(shop: Shop) -> None:
    """Two settings differ: two findings are new."""
    shop.write("staging", "LOG_LEVEL=debug\nWORKERS=2\n")
    shop.audit()
    found = shop.counted()
    assert found[f'parity_audits_total{{{PAIR},outcome="complete"}}'] == 1
    assert found[f'parity_finding_changes_total{{{PAIR},happening="new"}}'] == 2
    assert found[f"parity_audit_duration_seconds_count{{{PAIR}}}"] == 1
    for environment in ("staging", "prod"):
        collector = f'environment="{environment}",collector="files"'
        assert found[f"parity_collector_duration_seconds_count{{{collector}}}"] == 1


def test_what_goes_away_and_comes_back_is_counted_each_time_with_its_age(shop: Shop) -> None:
    """Open for two hours, resolved, regressed: an audit that changes nothing counts nothing."""
    shop.write("staging", "LOG_LEVEL=debug\nWORKERS=4\n")
    shop.audit()
    shop.clock.now += timedelta(hours=1)
    shop.audit()
    shop.clock.now += timedelta(hours=1)
    shop.write("staging", "LOG_LEVEL=info\nWORKERS=4\n")
    shop.audit()
    shop.clock.now += timedelta(hours=1)
    shop.write("staging", "LOG_LEVEL=debug\nWORKERS=4\n")
    shop.audit()
    found = shop.counted()
    changes = {
        happening: found.get(f'parity_finding_changes_total{{{PAIR},happening="{happening}"}}')
        for happening in ("new", "resolved", "regressed", "escalated")
    }
    assert changes == {"new": 1, "resolved": 1, "regressed": 1, "escalated": None}
    assert found[f"parity_finding_resolution_seconds_sum{{{PAIR}}}"] == 2 * 3600
    assert found[f"parity_finding_resolution_seconds_count{{{PAIR}}}"] == 1
    assert found[f'parity_audits_total{{{PAIR},outcome="complete"}}'] == 4


def test_gaps_make_an_audit_incomplete_and_are_counted_for_their_collector(shop: Shop) -> None:
    """One reason counts once per reading, however many files it spoils."""
    for name in ("a.yaml", "b.yaml"):
        (shop.folder / "prod" / name).write_text("key: [never closed\n")
    shop.audit()
    found = shop.counted()
    assert found[f'parity_audits_total{{{PAIR},outcome="incomplete"}}'] == 1
    errors = {series: value for series, value in found.items() if series.startswith("parity_collector_errors")}
    assert errors == {'parity_collector_errors_total{environment="prod",collector="files",reason="malformed"}': 1}


def test_an_audit_that_cannot_be_recorded_has_failed(shop: Shop) -> None:
    """It is counted once, and nothing that it found is."""
    with Store.open(f"sqlite:///{shop.folder / 'gone.db'}", clock=shop.clock) as gone:
        broken = replace(shop.tools, store=gone)
        shop.write("staging", "LOG_LEVEL=debug\n")
        _without_audits(shop.folder / "gone.db")
        with pytest.raises(StoreError):
            audit_now(shop.config, "staging", "prod", broken)
    found = shop.counted()
    assert found[f'parity_audits_total{{{PAIR},outcome="failed"}}'] == 1
    assert not [series for series in found if series.startswith("parity_finding")]


def _without_audits(file: Path) -> None:
    """A store in which observations can be kept, and audits cannot."""
    connection = sqlite3.connect(file)
    try:
        connection.execute("drop table audits")
        connection.commit()
    finally:
        connection.close()


def test_an_audit_that_was_called_off_has_not_failed_and_any_error_has() -> None:
    """Stopping the service is no failure of an audit; a mistake of ours is one."""
    meters = PrometheusMeters("1", lambda: NOON + timedelta(seconds=3))
    for error in (CollectCancelled(), ValueError("a mistake")):
        with pytest.raises(type(error)), failures_counted(meters, "a", "b", NOON, lambda: NOON + timedelta(seconds=3)):
            raise error
    text = render(meters, None, None, None, NOON)[1].decode()
    assert 'parity_audits_total{left="a",right="b",outcome="failed"} 1\n' in text
    assert 'parity_audit_duration_seconds_sum{left="a",right="b"} 3\n' in text


def test_a_collector_takes_from_the_start_of_its_first_part_to_the_end_of_its_last() -> None:
    """Parts overlap, and those of another environment or collector do not count."""
    now = [0.0]
    readings = Readings(lambda: now[0])
    told: list[tuple[str, str, timedelta, tuple[GapReason, ...]]] = []

    class Told(PrometheusMeters):
        def collector_ended(
            self, environment: str, collector: str, took: timedelta, reasons: tuple[GapReason, ...]
        ) -> None:
            told.append((environment, collector, took, reasons))

    gap = Gap("prod", "aws:1", "aws.*", GapReason.THROTTLED, "slow down")
    steps: tuple[tuple[float, Callable[[], None]], ...] = (
        (1, lambda: readings.started("prod", "aws")),
        (2, lambda: readings.started("prod", "aws")),
        (3, lambda: readings.ended("prod", "aws", [gap, replace(gap, reason=GapReason.ACCESS_DENIED)])),
        (4, lambda: readings.started("prod", "http")),
        (7, lambda: readings.ended("prod", "http", [])),
        (9, lambda: readings.ended("prod", "aws", [gap])),
    )
    for moment, step in steps:
        now[0] = moment
        step()
    readings.tell(Told("1", lambda: NOON))
    reasons = (GapReason.ACCESS_DENIED, GapReason.THROTTLED)
    assert told == [("prod", "aws", timedelta(seconds=8), reasons), ("prod", "http", timedelta(seconds=3), ())]
