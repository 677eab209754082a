"""Every query of every dashboard, asked of a real Prometheus that scrapes two copies of the auditor."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.grafana.asking import INCOMPLETE_PAIR, chosen_for, lately, now, offered, spelled
from tests.grafana.copies import two_copies
from tests.grafana.dashboards import UIDS, Query, dashboard, queries, query, variables
from tests.prometheus.server import Prometheus, Series, needs, running_prometheus, until

pytestmark = needs("prometheus")
ALL = [query for uid in UIDS for query in queries(uid)]
# Panels about single copies; every other one has to show what several copies export once.
BY_COPY = "Processes"


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """It has scraped both copies often enough for rates."""
    with two_copies() as addresses:
        job = {"job_name": "parity", "scrape_interval": "1s", "static_configs": [{"targets": list(addresses)}]}
        config = {"scrape_configs": [job]}
        with running_prometheus(tmp_path_factory.mktemp("prometheus"), config) as server:
            until(
                lambda: (server.value("min(count_over_time(parity_leader[1m]))") or 0) >= 4, "four scrapes of each copy"
            )
            yield server


def ask(prometheus: Prometheus, asked: Query) -> list[Series]:
    return now(prometheus, spelled(asked.expr, chosen_for(asked.uid, asked.expr)))


def numbers(prometheus: Prometheus, uid: str, panel: str, *labels: str, ref: str = "A") -> dict[tuple[str, ...], float]:
    """What a query answers, by the values of `labels`."""
    found = ask(prometheus, query(uid, panel, ref))
    return {tuple(series.labels[label] for label in labels): series.value for series in found}


@pytest.mark.parametrize("asked", ALL, ids=str)
def test_every_query_has_an_answer(prometheus: Prometheus, asked: Query) -> None:
    """Now and over time, at least one series with a value; and none of a single copy, but where copies are shown."""
    expr = spelled(asked.expr, chosen_for(asked.uid, asked.expr))
    found = now(prometheus, expr)
    assert found
    assert lately(prometheus, expr)
    labels = {label for series in found for label in series.labels}
    assert asked.row == BY_COPY or not labels & {"instance", "job"}


def test_gauges_of_two_copies_are_not_added_up(prometheus: Prometheus) -> None:
    """The store's numbers are the store's, however many copies export them."""
    assert numbers(prometheus, "parity-overview", "Open findings by severity", "severity") == {
        ("critical",): 1,
        ("high",): 2,
        ("medium",): 1,
        ("low",): 4,
        ("info",): 4,
    }
    assert numbers(prometheus, "parity-pair", "Findings by status, now", "status") == {
        ("open",): 9,
        ("regressed",): 2,
        ("pending",): 1,
        ("acknowledged",): 1,
        ("waived",): 2,
    }
    assert numbers(prometheus, "parity-auditor", "Waivers by state", "state") == {
        ("active",): 1,
        ("expiring",): 1,
        ("expired",): 1,
        ("revoked",): 1,
    }
    assert numbers(prometheus, "parity-auditor", "Notifications given up") == {(): 1}


@pytest.mark.parametrize(
    ("uid", "panel", "value"),
    [
        ("parity-overview", "Pairs in parity", 1),
        ("parity-overview", "Pairs with serious findings", 1),
        ("parity-overview", "Pairs not fully observed", 1),
        ("parity-overview", "Pairs never audited", 1),
        ("parity-pair", "Serious findings", 3),
        ("parity-pair", "Flapping findings", 1),
        ("parity-pair", "Acknowledged", 1),
        ("parity-pair", "Waived", 2),
        ("parity-versions", "Components", 4),
        ("parity-versions", "Versions differ", 2),
        ("parity-versions", "Not everywhere", 2),
        ("parity-versions", "Several at once", 1),
        ("parity-auditor", "Leaders", 1),
        ("parity-auditor", "Copies", 2),
        ("parity-auditor", "Store", 1),
        ("parity-auditor", "Configuration", 1),
        ("parity-auditor", "Overdue pairs", 1),
    ],
)
def test_the_numbers_are_right(prometheus: Prometheus, uid: str, panel: str, value: float) -> None:
    """What the single numbers say of the four pairs and five environments."""
    assert numbers(prometheus, uid, panel) == {(): value}


def test_an_incomplete_pair_has_no_score_to_be_green(prometheus: Prometheus) -> None:
    """Its score is only in the column of what was seen, and neither share is rounded up to all of it."""
    scores = numbers(prometheus, "parity-overview", "Pairs", "left", "right", ref="B")
    assert scores == {("staging", "prod"): 0.97, ("qa", "prod"): 1}
    assert numbers(prometheus, "parity-overview", "Pairs", "left", "right", ref="C") == {("test", "staging"): 0.999}
    coverage = numbers(prometheus, "parity-overview", "Pairs", "left", "right", ref="D")
    assert coverage == {("staging", "prod"): 1, ("test", "staging"): 0.999, ("qa", "prod"): 1}
    chosen = INCOMPLETE_PAIR
    assert now(prometheus, spelled(query("parity-pair", "Score").expr, chosen)) == []
    assert [one.value for one in now(prometheus, spelled(query("parity-pair", "Score", "B").expr, chosen))] == [0.999]
    green = query("parity-pair", "Score by category")
    assert now(prometheus, spelled(green.expr, chosen)) == []


def test_a_pair_that_nobody_audited_has_a_row_and_no_counts(prometheus: Prometheus) -> None:
    """0 findings is for pairs that were looked at; of the others nothing is said but that they are there."""
    rows = numbers(prometheus, "parity-overview", "Pairs", "left", "right")
    critical = numbers(prometheus, "parity-overview", "Pairs", "left", "right", ref="E")
    assert ("dev", "test") in rows
    assert critical == {("staging", "prod"): 1, ("test", "staging"): 0, ("qa", "prod"): 0}


def test_the_pairs_of_a_row_are_one_row(prometheus: Prometheus) -> None:
    """Grafana merges by all labels: every query of the table gives left and right, and nothing else."""
    for asked in queries("parity-overview"):
        if asked.panel == "Pairs":
            assert {tuple(sorted(series.labels)) for series in ask(prometheus, asked)} == {("left", "right")}


def test_versions_are_told_by_place(prometheus: Prometheus) -> None:
    """The cells of the matrix, all of them and those that differ, and how far the oldest deployment is behind."""
    labels = ("component", "environment", "version")
    every = set(numbers(prometheus, "parity-versions", "Every component", *labels))
    apart = set(numbers(prometheus, "parity-versions", "Components whose versions differ", *labels))
    assert {("api", "staging", "1.5.0"), ("api", "prod", "1.4.2"), ("web", "prod", "7.0")} <= every
    assert {component for component, *_ in apart} == {"api", "billing"}
    lag = numbers(prometheus, "parity-versions", "Lag", "component")
    assert lag[("api",)] == pytest.approx(19 * 86400, abs=30)


def test_a_duration_carries_its_audit(prometheus: Prometheus) -> None:
    """The query that asks for exemplars is one for which Prometheus has some, with the audit's id."""
    asked = [one for one in queries("parity-auditor") if one.exemplars]
    assert [one.panel for one in asked] == ["Audit duration"]
    end = datetime.now(UTC)
    given = {
        "query": spelled(asked[0].expr, chosen_for(asked[0].uid)),
        "start": f"{(end - timedelta(minutes=1)).timestamp():.3f}",
        "end": f"{end.timestamp():.3f}",
    }
    exemplars = [each for series in prometheus.get("query_exemplars", given) for each in series["exemplars"]]
    assert exemplars
    assert all(each["labels"]["audit_id"].rpartition("-")[2].isdigit() for each in exemplars)


@pytest.mark.parametrize("uid", UIDS)
def test_variables_offer_what_is_configured(prometheus: Prometheus, uid: str) -> None:
    """Environments and both sides of pairs, those that were never audited too; the right side fits the left."""
    expected = {
        "left": ["dev", "qa", "staging", "test"],
        "right": ["prod"] if uid == "parity-pair" else ["prod", "staging", "test"],
        "environment": ["dev", "prod", "qa", "staging", "test"],
    }
    asked = [name for name, variable in variables(uid).items() if variable["type"] == "query"]
    assert asked
    for name in asked:
        assert offered(prometheus, uid, name, chosen_for(uid)) == expected[name]


def test_several_chosen_values_are_understood(prometheus: Prometheus) -> None:
    """As Grafana sends them: a group of alternatives."""
    chosen = {"left": "(qa|test)", "right": "(prod|staging)", "severity": ".*", "environment": "(qa|test)"}
    for asked in queries("parity-overview"):
        found = now(prometheus, spelled(asked.expr, chosen))
        assert {series.labels.get("left", "qa") for series in found} <= {"qa", "test"}
    incomplete = query("parity-overview", "Pairs not fully observed")
    assert [one.value for one in now(prometheus, spelled(incomplete.expr, chosen))] == [1]


@pytest.mark.parametrize("uid", UIDS)
def test_annotations_are_understood(prometheus: Prometheus, uid: str) -> None:
    """No alert fires here, so there is nothing to show; the query is one."""
    for annotation in dashboard(uid)["annotations"]["list"]:
        assert prometheus.query(annotation["expr"]) == []


def test_nothing_is_asked_that_the_file_does_not_hold(tmp_path: Path) -> None:
    """A query by a name that is on no dashboard fails loudly, so no test above asks about nothing."""
    with pytest.raises(LookupError, match="has no panel"):
        query("parity-overview", "Pears")
