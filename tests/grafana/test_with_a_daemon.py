"""Every query of every dashboard, asked of a real Prometheus that scrapes `audit serve` while a small world changes."""

from __future__ import annotations

import contextlib
from datetime import timedelta
from pathlib import Path

from tests.grafana.asking import chosen_for, lately, spelled
from tests.grafana.dashboards import UIDS, Query, queries
from tests.grafana.world import World, far_away
from tests.prometheus.server import Prometheus, needs, running_prometheus, until

pytestmark = needs("prometheus")
DEPLOYED_AT = "parity_component_deployed_timestamp_seconds"
WAITING_SINCE = "parity_notifications_oldest_pending_timestamp_seconds"


def told(prometheus: Prometheus, query: Query) -> bool:
    """Whether there can be an answer: deployment times are for those whose sources tell them, and none has to."""
    return DEPLOYED_AT not in query.expr or bool(prometheus.query(DEPLOYED_AT))


def unanswered(prometheus: Prometheus, asked: list[Query]) -> list[Query]:
    """Those that had no value at any time until now."""

    def silent(query: Query) -> bool:
        expr = spelled(query.expr, chosen_for(query.uid, query.expr))
        return not lately(prometheus, expr, timedelta(minutes=1))

    return [query for query in asked if silent(query)]


def test_every_panel_shows_what_a_real_service_does(tmp_path: Path) -> None:
    """Scheduled audits of files and endpoints that change, one unreadable file, a receiver that is away: each query of
    each panel has a value at some time of it."""
    world = World(tmp_path / "world")
    world.folder.mkdir()
    with far_away() as services:
        world.build(services.url)
        with world.daemon() as address:
            job = {"job_name": "parity", "scrape_interval": "1s", "static_configs": [{"targets": [address]}]}
            with running_prometheus(tmp_path / "prometheus", {"scrape_configs": [job]}) as prometheus:
                found = "parity_findings{left='staging',category='config',status='open'}"
                until(lambda: prometheus.query(found), "a scheduled audit finds what differs", 40)
                world.set("staging", level="info", retries=9)
                changed = "parity_finding_changes_total{left='staging',happening='resolved'} > 0"
                until(lambda: prometheus.query(changed), "a scheduled audit sees that it is gone", 40)
                until(lambda: prometheus.query(WAITING_SINCE), "a notice waits for its receiver", 40)
                services.back.set()
                left = [query for uid in UIDS for query in queries(uid) if told(prometheus, query)]

                def answered() -> bool:
                    left[:] = unanswered(prometheus, left)
                    return not left

                with contextlib.suppress(AssertionError):
                    until(answered, "an answer to every query", 90)
                assert [str(query) for query in left] == []
