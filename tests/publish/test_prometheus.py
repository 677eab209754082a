"""What a scrape reads: exact text, both formats, bounded and escaped labels, and no zeros where nothing is known."""

from __future__ import annotations

import re
import subprocess
import threading
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from auditor.gauges import Deployed, EnvironmentGauges, Gauges, PairGauges
from auditor.meters import Meters
from auditor.model import Category, GapReason, Severity, Status
from auditor.notices import Happening
from auditor.publish.prometheus import PrometheusMeters, render
from auditor.publish.prometheus.catalogue import METRICS, OF_THE_STORE, Type
from auditor.publish.prometheus.exposition import MAX_LABEL, OPENMETRICS, TEXT, content_type, label
from tests.prometheus import samples
from tests.prometheus.samples import NOON
from tests.prometheus.server import PROMTOOL, needs
from tests.publish.golden import same_as_golden

HOSTILE = ['a"b', "a\\b", "a\nb", "a\x00b", "{}=,#", "ü中\u2028", "\ud800", "x" * 10_000, " ", "# HELP x y"]
OM_ACCEPT = "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain"


def scraped(accept: str | None = None, **given: Any) -> str:
    """The answer to a scrape of the sample company at noon."""
    wanted = {"meters": samples.meters(), "gauges": samples.gauges(), "waivers": samples.waivers(), **given}
    return render(**wanted, accept=accept, now=NOON)[1].decode()


def values(text: str) -> dict[str, float]:
    """Every sample of a text exposition by name and labels as written."""
    lines = [line.rpartition(" ") for line in text.splitlines() if line and not line.startswith("#")]
    return {series: float(value) for series, _, value in lines}


def without_process(text: str) -> str:
    """Without what differs from one process to the next."""
    lines = [line for line in text.splitlines() if not re.match(r"(# \w+ )?process_", line)]
    return re.sub(r'python="[^"]*"', 'python="3.x"', "\n".join(lines) + "\n")


def checked(text: str) -> str:
    """What promtool has to say about an exposition."""
    ran = subprocess.run(
        [PROMTOOL, "check", "metrics"], input=text.encode(), capture_output=True, timeout=60, check=False
    )
    return ran.stdout.decode() + ran.stderr.decode()


def test_the_whole_exposition_is_as_it_was() -> None:
    """Names, types, labels, help texts, order: all that dashboards and alerts rely on."""
    same_as_golden("prometheus/scrape.txt", without_process(scraped()))
    same_as_golden("prometheus/scrape.openmetrics.txt", without_process(scraped(OM_ACCEPT)))


def test_the_meters_are_what_the_work_is_counted_with() -> None:
    """The class fits the protocol, as mypy sees it."""
    meters: Meters = PrometheusMeters("1", lambda: NOON)
    meters.leading(True)


@needs(PROMTOOL)
def test_promtool_has_nothing_to_say() -> None:
    """Names, types and help texts follow the conventions that it knows."""
    assert checked(scraped()) == ""


def test_both_formats_say_the_same_and_can_be_parsed() -> None:
    """By the client library's own parsers, which are strict about OpenMetrics."""
    told = {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in parse_text(scraped())
        for sample in family.samples
        if not sample.name.startswith("process_")
    }
    strict = {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in parse_openmetrics(scraped(OM_ACCEPT))
        for sample in family.samples
        if not sample.name.startswith("process_")
    }
    assert told == strict
    assert len(told) > 200


def test_every_metric_of_the_catalogue_is_there_with_its_labels_and_type() -> None:
    """What docs/metrics.md lists is what a scrape holds."""
    families = {family.name: family for family in parse_openmetrics(scraped(OM_ACCEPT))}
    for metric in METRICS:
        family = families[metric.base]
        assert family.type == metric.type.value, metric.name
        labels = {name for sample in family.samples for name in sample.labels} - {"le"}
        assert labels == set(metric.labels), metric.name
        assert family.unit == metric.unit
        if metric.type is Type.HISTOGRAM:
            assert all(low < high for low, high in pairwise(metric.buckets))
    ours = {name for name in families if name.startswith("parity_")}
    assert ours == {metric.base for metric in METRICS}


def test_an_audit_that_took_long_is_found_by_its_id() -> None:
    """OpenMetrics carries an example per bucket; the text format has no place for it."""
    families = {family.name: family for family in parse_openmetrics(scraped(OM_ACCEPT))}
    examples = {
        (sample.labels["left"], sample.labels["le"]): (sample.exemplar.labels, sample.exemplar.value)
        for sample in families["parity_audit_duration_seconds"].samples
        if sample.exemplar
    }
    assert examples["staging", "120.0"] == ({"audit_id": "20261122T120000-staging"}, 75.0)
    assert examples["staging", "5.0"] == ({"audit_id": "20261122T114500-staging"}, 4.2)
    assert " # {" not in scraped()


def test_numbers_of_the_store_are_shown_as_they_are() -> None:
    """One of each family, by hand."""
    found = values(scraped())
    noon = NOON.timestamp()
    pair = 'left="staging",right="prod"'
    assert found[f'parity_findings{{{pair},category="database",severity="high",status="regressed"}}'] == 2
    assert found[f'parity_score_ratio{{{pair},category="all"}}'] == 0.87
    assert found[f"parity_coverage_ratio{{{pair}}}"] == 0.975
    assert found[f"parity_audit_last_complete_timestamp_seconds{{{pair}}}"] == noon - 900
    assert found[f"parity_findings_flapping{{{pair}}}"] == 1
    assert found['parity_gaps{environment="prod",reason="access_denied"}'] == 1
    assert found['parity_gaps{environment="staging",reason="access_denied"}'] == 0
    assert found['parity_deployed_version_info{environment="staging",component="api",version="1.5.0"}'] == 1
    assert found['parity_component_deployed_timestamp_seconds{environment="prod",component="api"}'] == noon - 86400
    assert found['parity_notifications_pending{publisher="slack"}'] == 2
    assert found['parity_notifications_pending{publisher="webhook"}'] == 0
    assert found['parity_waivers{state="expiring"}'] == 1
    assert found["parity_waiver_next_expiry_timestamp_seconds"] == noon + 3 * 86400
    assert found["parity_store_up"] == 1


def test_a_pair_without_an_audit_and_an_environment_without_a_snapshot_have_no_series() -> None:
    """A score of 0 or a time in 1970 would be a lie, and zero gaps a comforting one."""
    told = [series for series in values(scraped()) if 'left="test"' in series or 'environment="test"' in series]
    of_the_store = tuple(metric.name for metric in OF_THE_STORE)
    assert [series for series in told if series.startswith(of_the_store)] == []


def test_a_store_that_cannot_be_read_leaves_no_gauges_and_says_so() -> None:
    """What the process counted stays; nothing of the store is 0."""
    found = values(scraped(gauges=None, waivers=None))
    assert found["parity_store_up"] == 0
    left = {series.partition("{")[0] for series in found}
    assert left & {metric.name for metric in OF_THE_STORE} == {"parity_store_up", "parity_label_values_capped"}
    assert found['parity_audits_total{left="staging",right="prod",outcome="complete"}'] == 1


def test_counters_of_what_is_configured_begin_at_zero() -> None:
    """Else `increase()` would not see the first time after a restart."""
    fresh = PrometheusMeters("0.1.0", lambda: NOON)
    fresh.configure(samples.PAIRS, samples.COLLECTORS, samples.PUBLISHERS)
    found = values(scraped(meters=fresh))
    for left, right in samples.PAIRS:
        pair = f'left="{left}",right="{right}"'
        for outcome in ("complete", "incomplete", "failed"):
            assert found[f'parity_audits_total{{{pair},outcome="{outcome}"}}'] == 0
        for happening in Happening:
            assert found[f'parity_finding_changes_total{{{pair},happening="{happening}"}}'] == 0
        assert found[f"parity_schedule_missed_runs_total{{{pair}}}"] == 0
        assert found[f'parity_finding_resolution_seconds_bucket{{{pair},le="+Inf"}}'] == 0
        assert found[f"parity_audit_duration_seconds_count{{{pair}}}"] == 0
    for reason in GapReason:
        assert found[f'parity_collector_errors_total{{environment="test",collector="files",reason="{reason}"}}'] == 0
    assert found['parity_notifications_total{publisher="webhook",outcome="failed"}'] == 0
    assert (found["parity_leader"], found["parity_config_last_reload_successful"]) == (0, 1)


def test_a_histogram_counts_up_to_and_with_its_bound() -> None:
    """Cumulative, with sum and count, as Prometheus wants it."""
    meters = PrometheusMeters("1", lambda: NOON)
    for seconds in (0.5, 0.6, 60, 5000):
        meters.audit_ended("a", "b", "complete", timedelta(seconds=seconds), None)
    found = values(scraped(meters=meters))
    bucket = 'parity_audit_duration_seconds_bucket{left="a",right="b",le="%s"}'
    assert [found[bucket % bound] for bound in ("0.5", "1.0", "30.0", "60.0", "1800.0", "+Inf")] == [1, 2, 2, 3, 3, 4]
    assert found['parity_audit_duration_seconds_sum{left="a",right="b"}'] == 5061.1
    assert found['parity_audit_duration_seconds_count{left="a",right="b"}'] == 4


def test_a_pair_that_is_no_longer_configured_is_no_longer_shown() -> None:
    """After a reload; the other pair's counts go on."""
    meters = samples.meters()
    meters.configure([("test", "staging")], samples.COLLECTORS, samples.PUBLISHERS)
    found = values(scraped(meters=meters, gauges=None, waivers=None))
    assert not [series for series in found if 'left="staging",right="prod"' in series]
    assert found['parity_schedule_missed_runs_total{left="test",right="staging"}'] == 2


def test_a_time_that_came_is_when_an_audit_was_due() -> None:
    """What was planned and put off before it came was never due."""
    now = [NOON]
    meters = PrometheusMeters("1", lambda: now[0])
    meters.leading(True)
    meters.next_run("a", "b", NOON + timedelta(hours=1))
    meters.next_run("a", "b", NOON + timedelta(hours=2))
    due = 'parity_schedule_last_due_timestamp_seconds{left="a",right="b"}'
    planned = 'parity_schedule_next_run_timestamp_seconds{left="a",right="b"}'
    assert due not in values(scraped(meters=meters))
    now[0] = NOON + timedelta(hours=2, seconds=5)
    meters.next_run("a", "b", NOON + timedelta(hours=2))
    assert due not in values(scraped(meters=meters))
    meters.next_run("a", "b", NOON + timedelta(hours=3))
    found = values(scraped(meters=meters))
    assert (found[due], found[planned]) == (NOON.timestamp() + 7200, NOON.timestamp() + 10800)
    meters.next_run("a", "b", None)
    assert planned not in values(scraped(meters=meters))


def test_who_no_longer_leads_tells_nothing_of_the_schedule() -> None:
    """The new leader knows better, and two answers would be summed or compared."""
    meters = samples.meters()
    meters.leading(False)
    found = values(scraped(meters=meters))
    assert found["parity_leader"] == 0
    assert not [series for series in found if series.startswith(("parity_schedule_next", "parity_schedule_last"))]


def test_a_failed_reload_keeps_the_time_of_the_configuration_in_force() -> None:
    """The new one was not taken."""
    meters = samples.meters()
    meters.config_reloaded(False, NOON + timedelta(hours=1))
    found = values(scraped(meters=meters))
    assert found["parity_config_last_reload_successful"] == 0
    assert found["parity_config_last_reload_success_timestamp_seconds"] == NOON.timestamp()


def hostile() -> tuple[PrometheusMeters, Gauges]:
    """Every label value that a source, and not our own configuration, may say."""
    meters = PrometheusMeters("0.1.0", lambda: NOON)
    for text in HOSTILE:
        meters.api_request("prod", text, "ok")
        meters.audit_ended("staging", "prod", "complete", timedelta(seconds=1), text)
        meters.notification(text, "failed")
    environment = EnvironmentGauges(
        "prod", NOON, dict.fromkeys(HOSTILE, 1), {}, tuple(Deployed(text, text) for text in HOSTILE)
    )
    return meters, replace(samples.gauges(), environments=(environment,))


@needs(PROMTOOL)
def test_hostile_label_values_break_nothing() -> None:
    """Quotes, line breaks, NULs, half characters and ten kilobytes: all are shown, told apart, and short."""
    meters, gauges = hostile()
    text = scraped(meters=meters, gauges=gauges)
    assert checked(text) == ""
    families = {family.name: family for family in parse_openmetrics(scraped(OM_ACCEPT, meters=meters, gauges=gauges))}
    shown = {sample.labels["component"] for sample in families["parity_deployed_version"].samples}
    assert len(shown) == len(HOSTILE)
    assert {'a"b', "a\\b", "{}=,#", "# HELP x y"} <= shown
    assert max(map(len, shown)) == MAX_LABEL
    assert len({sample.labels["kind"] for sample in families["parity_resources"].samples}) == len(HOSTILE)


def test_two_values_never_become_one_label() -> None:
    """What had to be changed carries a digest of what it was."""
    long = ["y" * 500, "y" * 501, "y" * 127 + "\n", "y" * 127 + "\t"]
    assert len({label(text) for text in long}) == 4
    assert label("orders") == "orders"


def test_too_many_values_are_counted_as_other_and_that_is_told() -> None:
    """200 kinds and 500 components of an environment, 200 APIs of the process; the same ones at every scrape."""
    kinds = {f"kind.{number:04}": 2 for number in range(230)}
    deployed = tuple(Deployed(f"c{number:04}", "1", deployed_at=NOON) for number in range(503))
    environment = EnvironmentGauges("prod", NOON, kinds, {}, deployed)
    meters = PrometheusMeters("1", lambda: NOON)
    for number in range(205):
        meters.api_request("prod", f"api-{number}", "ok")
    found = values(scraped(meters=meters, gauges=replace(samples.gauges(), environments=(environment,))))
    assert found['parity_resources{environment="prod",kind="other"}'] == 60
    assert found['parity_resources{environment="prod",kind="kind.0199"}'] == 2
    assert 'parity_resources{environment="prod",kind="kind.0200"}' not in found
    assert found['parity_deployed_version_info{environment="prod",component="other",version="other"}'] == 1
    assert len([series for series in found if series.startswith("parity_deployed_version_info")]) == 501
    assert len([series for series in found if series.startswith("parity_component_deployed")]) == 500
    assert found['parity_api_requests_total{environment="prod",api="other",outcome="ok"}'] == 5
    capped = {name: found[f'parity_label_values_capped{{label="{name}"}}'] for name in ("kind", "component", "api")}
    assert capped == {"kind": 30, "component": 3, "api": 5}


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        (None, TEXT),
        ("", TEXT),
        ("*/*", TEXT),
        ("text/html", TEXT),
        (OM_ACCEPT, OPENMETRICS),
        ("application/openmetrics-text", OPENMETRICS),
        ("application/openmetrics-text;version=1.0.0;q=0", TEXT),
        ("application/openmetrics-text;version=2.0.0", TEXT),
        ("application/openmetrics-text;q=much", TEXT),
        ("text/plain;version=0.0.4;q=0.5, application/openmetrics-text; version=1.0.0", OPENMETRICS),
    ],
)
def test_the_format_is_what_was_asked_for(accept: str | None, kind: str) -> None:
    """Text for everybody who does not ask for OpenMetrics in a version that we speak."""
    assert content_type(accept) == kind
    assert scraped(accept).endswith("# EOF\n") is (kind == OPENMETRICS)


def test_counting_from_many_threads_loses_nothing() -> None:
    """Scrapes read while collectors count."""
    meters = PrometheusMeters("1", lambda: NOON)
    stop = threading.Event()

    def count() -> None:
        for _ in range(2000):
            meters.api_request("prod", "rds", "ok")
            meters.audit_ended("a", "b", "complete", timedelta(seconds=1), "x")

    def scrape() -> None:
        while not stop.is_set():
            scraped(meters=meters)

    threads = [threading.Thread(target=count) for _ in range(4)]
    reader = threading.Thread(target=scrape)
    for thread in (*threads, reader):
        thread.start()
    for thread in threads:
        thread.join()
    stop.set()
    reader.join()
    found = values(scraped(meters=meters))
    assert found['parity_api_requests_total{environment="prod",api="rds",outcome="ok"}'] == 8000
    assert found['parity_audit_duration_seconds_count{left="a",right="b"}'] == 8000


def test_a_large_installation_is_written_without_a_series_twice() -> None:
    """A hundred pairs with 12,500 combinations of findings: a few megabytes, no series twice."""
    combinations = [(c, s, t) for c in Category for s in Severity for t in (Status.OPEN, Status.WAIVED, Status.PENDING)]
    pairs = tuple(
        PairGauges(f"left-{n}", f"right-{n}", dict.fromkeys(combinations[:125], 2), 0.5, {}, 1.0, NOON)
        for n in range(100)
    )
    text = scraped(gauges=replace(samples.gauges(), pairs=pairs))
    series = [line.rpartition(" ")[0] for line in text.splitlines() if not line.startswith("#")]
    assert len(series) == len(set(series))
    assert sum(1 for line in series if line.startswith("parity_findings{")) == 12_500
