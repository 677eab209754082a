"""Whole audits on both databases while a clock that ran an hour ahead is set back: each change is told, and told once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from auditor.codec import decode
from auditor.config import Config, load_config
from auditor.model import Audit
from auditor.notices import News
from auditor.notify import teller_of
from auditor.pipeline import Tools, audit_now
from auditor.redact import Redactor
from auditor.registry import Registry
from auditor.store import Store

REGISTRY = Registry.load()
PAIR = ("staging", "prod")
TEN = datetime(2026, 3, 1, 10, tzinfo=UTC)
GOOD, BROKEN = "log: {level: info}\n", "log: {level: [\n"
CONFIG = """\
environments:
  staging: {sources: [{collector: files, path: staging}]}
  prod: {sources: [{collector: files, path: prod}]}
pairs: [{left: staging, right: prod}]
publish: {webhook: {url: "https://hooks.example.com/parity"}}
"""


class Service:
    """Audits by a clock that a test sets, and what it told of gaps: how many came and went with each notice."""

    def __init__(self, store: Store, folder: Path) -> None:
        self.store = store
        self.folder = folder
        self.now = TEN
        for name in PAIR:
            (folder / name).mkdir()
            (folder / name / "app.yaml").write_text(GOOD)
        (folder / "auditor.yaml").write_text(CONFIG)
        self.config: Config = load_config(folder / "auditor.yaml", registry=REGISTRY, environ={})
        teller = teller_of(self.config.publish)
        self.tools = Tools(REGISTRY, store, Redactor(b"k" * 32), self.tick, teller=teller)

    def tick(self) -> datetime:
        self.now += timedelta(milliseconds=1)
        return self.now

    def audit(self, minute: float, written: str) -> Audit:
        """An audit so many minutes after ten, with this in staging's file."""
        self.now = TEN + timedelta(minutes=minute)
        (self.folder / "staging" / "app.yaml").write_text(written)
        return audit_now(self.config, *PAIR, self.tools)

    @property
    def told(self) -> list[tuple[int, int]]:
        news = [decode(News, item.notice.body) for item in reversed(self.store.notices())]
        return [(len(found.new_gaps), len(found.closed_gaps)) for found in news]


def test_a_gap_after_the_clock_was_set_back_is_told_once_and_so_is_its_end(store: Store, tmp_path: Path):
    """What each audit is compared with is the one before it, not the one of the future that knew no gap."""
    service = Service(store, tmp_path)
    assert service.audit(60, GOOD).complete
    assert not service.audit(0, BROKEN).complete
    assert service.told == [(1, 0)]
    service.audit(1, BROKEN)
    service.audit(2, BROKEN)
    assert service.told == [(1, 0)]
    last = service.audit(3, GOOD)
    assert service.told == [(1, 0), (0, 1)]
    assert store.last_audit(*PAIR) == last
    assert last.complete


def test_a_gap_of_the_time_before_is_not_told_to_end_again_and_again(store: Store, tmp_path: Path):
    """The other way round: the last audit of the clock that ran ahead could not observe everything."""
    service = Service(store, tmp_path)
    service.audit(60, BROKEN)
    for minute in range(3):
        service.audit(minute, GOOD)
    assert service.told == [(1, 0), (0, 1)]
    gauges = store.gauges([PAIR], {}, TEN + timedelta(minutes=3)).pairs[0]
    assert gauges.last_audit is not None
    assert gauges.last_audit < TEN + timedelta(minutes=3)
    assert gauges.last_complete == gauges.last_audit
