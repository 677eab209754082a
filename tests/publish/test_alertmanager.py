"""Open findings are alerts in a real Alertmanager, for as long as they are open."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from auditor.audiences import Audience
from auditor.errors import PublishError
from auditor.life import StoredFinding
from auditor.model import Severity, Status
from auditor.notices import Delivery, Happening, Queued, Telling
from auditor.publish.alertmanager import Alertmanager
from tests.prometheus.server import ALERTMANAGER, needs, running_alertmanager
from tests.prometheus.server import Alertmanager as Running
from tests.receiver import Answer, receiving
from tests.store.samples import breach
from tests.telling import World, several

ALERTS = Audience("alertmanager", "am", Severity.HIGH, gaps=False)
CONFIG = "route: {receiver: nobody, group_by: [pair, cause]}\nreceivers: [{name: nobody}]\n"


def queued(telling: Telling) -> Queued:
    (notice,) = telling.notices
    return Queued(notice, Delivery.PENDING, 1)


def firing(running: Running) -> dict[str, dict[str, object]]:
    """The alerts that fire, by fingerprint of the finding."""
    return {alert["labels"]["fingerprint"]: alert for alert in running.alerts() if alert["status"]["state"] == "active"}


@needs(ALERTMANAGER)
def test_findings_fire_until_they_are_resolved(tmp_path: Path) -> None:
    """A new one starts when it was opened, links to its page, and ends with the notice of its end; acknowledged too."""
    world = World(ALERTS)
    world.now = datetime.now(UTC) - timedelta(minutes=30)
    with running_alertmanager(tmp_path, CONFIG) as running:
        publisher = Alertmanager(running.url + "/", page="https://parity.example.com/")
        opened = world.now
        found = breach("orders", severity=Severity.CRITICAL, owner="shop", cause_key="k1", cause="engines differ")
        publisher.deliver(queued(world.audit(found, breach("items"))), None, datetime.now(UTC))
        alerts = firing(running)
        alert = alerts["fp-orders"]
        assert alert["labels"] == {
            "alertname": "ParityFinding",
            "pair": "staging/prod",
            "left": "staging",
            "right": "prod",
            "category": "database",
            "severity": "critical",
            "kind": "aws.rds.instance",
            "rule": "engine-version",
            "fingerprint": "fp-orders",
            "cause": "k1",
            "owner": "shop",
        }
        assert datetime.fromisoformat(str(alert["startsAt"])) == opened.replace(
            microsecond=opened.microsecond // 1000 * 1000
        )
        assert alert["generatorURL"] == "https://parity.example.com/findings/fp-orders"
        assert set(alerts) == {"fp-orders", "fp-items"}
        publisher.deliver(queued(world.audit(found)), None, datetime.now(UTC))
        assert set(firing(running)) == {"fp-orders"}
        acknowledged = replace(world.findings["fp-orders"], status=Status.ACKNOWLEDGED)
        world.findings["fp-orders"] = acknowledged
        publisher.deliver(queued(world.act(Happening.ACKNOWLEDGED, "orders")), None, datetime.now(UTC))
        assert firing(running) == {}
        publisher.close()


@needs(ALERTMANAGER)
def test_everything_open_is_posted_again_and_ends_by_itself_when_nobody_does(tmp_path: Path) -> None:
    """Twelve hundred alerts in three posts; what is silenced, tolerated or minor is not among them."""
    now = datetime.now(UTC)
    many = [stored(f"n{number}") for number in range(1200)]
    others = [
        stored("low", severity=Severity.MEDIUM),
        stored("waived", Status.WAIVED),
        stored("pending", Status.PENDING),
        stored("gone", Status.RESOLVED),
    ]
    with running_alertmanager(tmp_path, CONFIG) as running:
        publisher = Alertmanager(running.url)
        assert publisher.refresh([*many, *others, stored("back", Status.REGRESSED)], now) == 1201
        alerts = firing(running)
        assert set(alerts) == {found.fingerprint for found in many} | {"fp-back"}
        ends = datetime.fromisoformat(str(alerts["fp-n1"]["endsAt"]))
        assert timedelta(minutes=9) < ends - now <= timedelta(minutes=10)
        publisher.close()


def stored(name: str, status: Status = Status.OPEN, severity: Severity = Severity.HIGH) -> StoredFinding:
    now = datetime.now(UTC)
    return StoredFinding(breach(name, severity=severity), status, now, now, now, opened_at=now)


def test_a_post_holds_five_hundred_alerts_at_most() -> None:
    """Each post is a size that every Alertmanager takes."""
    with receiving() as receiver:
        publisher = Alertmanager(receiver.url)
        publisher.refresh([stored(f"n{number}") for number in range(1001)], datetime.now(UTC))
        publisher.close()
    assert [len(json.loads(request.body)) for request in receiver.received] == [500, 500, 1]
    assert {request.path for request in receiver.received} == {"/api/v2/alerts"}


def test_an_outage_is_temporary() -> None:
    """The notice waits in the outbox, and what is posted again is posted again a minute later."""
    with receiving() as receiver:
        receiver.answer = lambda _: Answer(503)
        publisher = Alertmanager(receiver.url)
        with pytest.raises(PublishError) as caught:
            publisher.deliver(queued(World(ALERTS).audit(*several(2))), None, datetime.now(UTC))
        publisher.close()
    assert (caught.value.permanent, str(caught.value)) == (False, "Alertmanager answered 503 Service Unavailable")


def test_nothing_open_is_no_request() -> None:
    """A calm pair costs nothing."""
    with receiving() as receiver:
        publisher = Alertmanager(receiver.url)
        assert publisher.refresh([stored("gone", Status.RESOLVED)], datetime.now(UTC)) == 0
        publisher.close()
    assert receiver.received == []
