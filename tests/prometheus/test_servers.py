"""A real Prometheus scrapes what we render, evaluates our rules, and a real Alertmanager passes an alert on."""

from __future__ import annotations

import json
import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from auditor.publish.prometheus import PrometheusMeters, render
from tests.prometheus import samples
from tests.prometheus.server import (
    ALERTMANAGER,
    PROMETHEUS,
    Prometheus,
    needs,
    running_alertmanager,
    running_prometheus,
    until,
)
from tests.prometheus.test_rules import ALERTS, RULES, rules

pytestmark = [needs(PROMETHEUS), needs(ALERTMANAGER)]


class Company:
    """What a copy of the service answers: the sample company as it is now. `readable` says whether its store can be read."""

    def __init__(self) -> None:
        self.readable = True
        self.formats: set[str] = set()
        self.meters: PrometheusMeters = samples.meters(datetime.now(UTC))

    def scrape(self, accept: str | None) -> tuple[str, bytes]:
        now = datetime.now(UTC)
        gauges, waivers = (samples.gauges(now), samples.waivers(now)) if self.readable else (None, None)
        answer = render(self.meters, gauges, waivers, accept, now)
        self.formats.add(answer[0])
        return answer


@contextmanager
def served(handle: Callable[[BaseHTTPRequestHandler], tuple[str, bytes]]) -> Iterator[str]:
    """`host:port` of a server on loopback that answers every request so."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            kind, body = handle(self)
            self.send_response(200)
            self.send_header("content-type", kind)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = answer  # noqa: N815 - the library's names

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's name
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class Watched:
    """Two copies of the service with everything that watches them, down to who is called."""

    def __init__(self, prometheus: Prometheus, companies: list[Company], called: queue.Queue[dict[str, Any]]) -> None:
        self.prometheus = prometheus
        self.companies = companies
        self.called = called


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    """Rules as they are shipped, but evaluated every second."""
    folder = tmp_path_factory.mktemp("watched")
    called: queue.Queue[dict[str, Any]] = queue.Queue()
    companies = [Company(), Company()]
    companies[1].meters.leading(False)

    def receive(request: BaseHTTPRequestHandler) -> tuple[str, bytes]:
        called.put(json.loads(request.rfile.read(int(request.headers["content-length"]))))
        return "text/plain", b""

    with (
        served(lambda request: companies[0].scrape(request.headers.get("accept"))) as first,
        served(lambda request: companies[1].scrape(request.headers.get("accept"))) as second,
        served(receive) as receiver,
        running_alertmanager(folder / "alertmanager", _routing(receiver)) as alertmanager,
        running_prometheus(folder / "prometheus", _scraping([first, second], alertmanager.address)) as prometheus,
    ):
        until(lambda: len(prometheus.query("parity_leader")) == 2, "both copies scraped")
        yield Watched(prometheus, companies, called)


def _routing(receiver: str) -> dict[str, Any]:
    return {
        "route": {
            "receiver": "us", "group_by": ["alertname"], "group_wait": "100ms", "group_interval": "1s",
            "repeat_interval": "1h",
        },
        "receivers": [{"name": "us", "webhook_configs": [{"url": f"http://{receiver}/alerts"}]}],
    }  # fmt: skip


def _scraping(targets: list[str], alertmanager: str) -> dict[str, Any]:
    return {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": [str(RULES), str(ALERTS)],
        "alerting": {"alertmanagers": [{"static_configs": [{"targets": [alertmanager]}]}]},
        "scrape_configs": [{"job_name": "parity-auditor", "static_configs": [{"targets": targets}]}],
    }


def test_both_copies_are_scraped_as_openmetrics_without_an_error(watched: Watched) -> None:
    """Prometheus asks for OpenMetrics by itself, and takes every sample."""
    targets = watched.prometheus.get("targets")["activeTargets"]
    assert [(target["health"], target["lastError"]) for target in targets] == [("up", "")] * 2
    assert {kind for company in watched.companies for kind in company.formats} == {
        "application/openmetrics-text; version=1.0.0; charset=utf-8"
    }
    taken = watched.prometheus.query("scrape_samples_scraped - scrape_samples_post_metric_relabeling")
    assert [series.value for series in taken] == [0, 0]


def test_all_rules_are_loaded_and_every_expression_can_be_evaluated(watched: Watched) -> None:
    """On real series, where vectors that do not match one to one would be an error."""

    def evaluated() -> list[dict[str, Any]] | None:
        found = [rule for group in watched.prometheus.get("rules")["groups"] for rule in group["rules"]]
        return found if all(rule["health"] != "unknown" for rule in found) else None

    found = until(evaluated, "all rules evaluated")
    assert {rule["name"] for rule in found} == {
        rule.get("alert") or rule["record"] for file in (RULES, ALERTS) for rule in rules(file)
    }
    assert [(rule["name"], rule.get("lastError")) for rule in found if rule["health"] != "ok"] == []


def test_two_copies_do_not_double_what_the_store_knows_and_add_up_what_each_counted(watched: Watched) -> None:
    """As the recording rules say it."""
    prometheus = watched.prometheus
    pair = '{left="staging", right="prod"}'
    assert until(lambda: prometheus.value(f"pair:parity_findings_open:sum{pair}"), "the rule recorded") == 3
    assert prometheus.value(f"pair:parity_score_ratio:max{pair}") == 0.87
    assert prometheus.value('sum(parity_audits_total{left="staging", outcome="complete"})') == 2
    assert prometheus.value("max(parity_leader)") == 1
    assert prometheus.query("parity_schedule_last_due_timestamp_seconds > 0")


def test_a_slow_audit_is_found_by_its_exemplar(watched: Watched) -> None:
    """From the bucket of a histogram to the audit."""
    now = datetime.now(UTC)

    def exemplars() -> Any:
        given = {
            "start": f"{(now - timedelta(hours=1)).timestamp()}",
            "end": f"{(now + timedelta(hours=1)).timestamp()}",
        }
        return watched.prometheus.get("query_exemplars", {"query": "parity_audit_duration_seconds_bucket", **given})

    found = until(exemplars, "exemplars stored")
    ids = {each["labels"]["audit_id"] for series in found for each in series["exemplars"]}
    assert "20261122T120000-staging" in ids


def test_a_critical_finding_reaches_whoever_is_called(watched: Watched) -> None:
    """Store, scrape, rule, alert, Alertmanager, webhook: once, though two copies export it."""

    def calls(name: str) -> list[dict[str, Any]]:
        alerts: list[dict[str, Any]] = []
        while not alerts:
            message = watched.called.get(timeout=30)
            alerts = [alert for alert in message["alerts"] if alert["labels"]["alertname"] == name]
        return alerts

    (alert,) = calls("ParityCriticalFinding")
    assert alert["status"] == "firing"
    expected = {"alertname": "ParityCriticalFinding", "job": "parity-auditor", "left": "staging", "right": "prod"}
    assert alert["labels"] == {**expected, "severity": "critical"}
    assert alert["annotations"]["description"] == "1 critical finding(s) of staging against prod are open."
    assert alert["annotations"]["runbook_url"] == "docs/operations.md#paritycriticalfinding"


def test_when_the_store_cannot_be_read_its_numbers_go_away_and_the_alert_waits_its_time(watched: Watched) -> None:
    """No series is left at its last value, and none becomes 0."""
    for company in watched.companies:
        company.readable = False
    prometheus = watched.prometheus
    until(lambda: not prometheus.query("parity_findings or parity_score_ratio or parity_waivers"), "no series left")
    assert prometheus.value("max(parity_store_up)") == 0

    def pending() -> bool:
        alerts = prometheus.get("alerts")["alerts"]
        return {"pending"} == {a["state"] for a in alerts if a["labels"]["alertname"] == "ParityStoreDown"}

    until(pending, "ParityStoreDown waits for its five minutes")
    for company in watched.companies:
        company.readable = True
    until(lambda: prometheus.query("parity_findings"), "series are back")


def test_the_alerts_of_the_sample_company_are_the_expected_ones(watched: Watched) -> None:
    """Those that wait for their time and those that fire; nothing alerts about a company by mistake."""
    wanted = {"ParityCriticalFinding", "ParityScheduleMissed", "ParityHighFindingsOpen", "ParityNotificationsStuck"}
    # A collector has not succeeded for five hours, a waiver ends in three days, one pair was due and never audited.
    wanted |= {"ParityCollectorFailing", "ParityWaiversExpiring", "ParityAuditStale"}

    def alerting() -> set[str]:
        return {alert["labels"]["alertname"] for alert in watched.prometheus.get("alerts")["alerts"]}

    until(lambda: wanted <= alerting() and "ParityStoreDown" not in alerting(), "all alerts evaluated")
    assert alerting() == wanted
