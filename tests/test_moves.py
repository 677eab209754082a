"""What one audit asks of the histories and of the witness, and what a failure there costs."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from auditor.comparison import Comparison
from auditor.errors import PublishError, StoreError
from auditor.life import LifeResult, live
from auditor.looks import Manifest, Past
from auditor.model import (
    Author,
    Breach,
    Finding,
    Moved,
    Resource,
)
from auditor.moves import Histories, Movement, Witness
from tests.pasts import Pasts, at, breach, empty_store, orders, realm

ENGINE = ("engine_version",)


@pytest.fixture
def pasts(tmp_path: Path) -> Iterator[Pasts]:
    """Production was upgraded between 09:00 and 09:15; the size differed from the beginning."""
    with empty_store(tmp_path) as store:
        found = Pasts(store)
        found.looks("staging", {0: [orders("staging", size=1)], 15: [orders("staging", size=1)]})
        found.looks("prod", {0: [orders("prod", size=2)], 15: [orders("prod", size=2, engine_version="15.8")]})
        yield found


WRONG = (breach("15.4", "15.8", *ENGINE), breach(1, 2, "size"))


def told(pasts: Pasts, witness: Witness | None = None, past: Past | None = None, times: int = 1) -> list[Finding]:
    """The findings of an audit of both breaches, decided so many times."""
    comparison = Comparison(*(pasts.store.load_snapshot(pasts.last[name]) for name in ("staging", "prod")), (), ())
    snapshots = pasts.last["staging"], pasts.last["prod"]
    histories = Histories((realm("staging"), realm("prod")), past or pasts.store.past, snapshots, at(16))
    movement = Movement(histories, witness)
    for _ in range(times):
        life = movement.told(_life(*WRONG), comparison)
    return list(life.findings)


def _life(*breaches: Breach) -> LifeResult:
    return live({}, breaches, lambda _: True, at(16), "a")


def test_the_witness_is_asked_once_for_each_change_that_is_told(pasts: Pasts) -> None:
    """Also where the audit has to be decided again; of what nobody saw change there is nothing to ask."""
    asked: list[tuple[str, str, Moved]] = []

    def witness(environment: str, resource: Resource, moved: Moved) -> Author | None:
        asked.append((environment, resource.identity, moved))
        return Author("deploy/ada", "rds:ModifyDBInstance", at(7), "console")

    engine, size = told(pasts, witness, times=3)
    assert engine.moved is not None
    assert asked == [("prod", "orders-prod", replace(engine.moved, author=None))]
    assert (engine.moved.by, engine.moved.author) == (
        at(15),
        Author("deploy/ada", "rds:ModifyDBInstance", at(7), "console"),
    )
    assert size.moved is None


def test_a_witness_that_fails_or_knows_nothing_costs_the_author_only(
    pasts: Pasts, caplog: pytest.LogCaptureFixture
) -> None:
    """Which side moved is known all the same."""

    def fails(*_: object) -> Author | None:
        raise PublishError("no answer", permanent=False)

    with caplog.at_level(logging.WARNING):
        (engine, _) = told(pasts, fails)
    assert engine.moved is not None
    assert engine.moved.author is None
    assert "who changed orders-prod in prod is not known: no answer" in caplog.text
    assert told(pasts, lambda *_: None)[0].moved == told(pasts)[0].moved == engine.moved


class _Damaged:
    """A past whose manifests cannot be read."""

    def __init__(self, past: Past) -> None:
        self.looks, self.facts, self.documents = past.looks, past.facts, past.documents

    def manifests(self, digests: Collection[str]) -> Mapping[str, Manifest]:
        raise StoreError(f"store: {len(digests)} manifests are damaged")


def test_a_history_that_cannot_be_read_costs_the_mover_only_and_is_logged(
    pasts: Pasts, caplog: pytest.LogCaptureFixture
) -> None:
    """The findings are found all the same."""
    with caplog.at_level(logging.WARNING):
        found = told(pasts, past=_Damaged(pasts.store.past))
    assert [finding.moved for finding in found] == [None, None]
    assert "which side moved is not known of 2 new findings: store: " in caplog.text
