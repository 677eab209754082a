"""A panel's query as Grafana sends it: its variables and its own macros replaced."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from tests.grafana.dashboards import variables
from tests.prometheus.server import Prometheus, Series

# As `All` is sent, and as several chosen values are.
ALL = {"left": ".*", "right": ".*", "environment": ".*", "severity": ".*"}
ONE_PAIR = {**ALL, "left": "staging", "right": "prod"}
INCOMPLETE_PAIR = {**ALL, "left": "test", "right": "staging"}
_LABEL_VALUES = re.compile(r"label_values\((?:(?P<series>.+), *)?(?P<label>\w+)\)")


def spelled(expr: str, chosen: Mapping[str, str], window: str = "10s") -> str:
    """The expression with every variable replaced. AssertionError for one that nothing is known of."""
    macros = {"__rate_interval": window, "__range": "5m", "__interval": window}
    for name, value in {**macros, **chosen}.items():
        expr = re.sub(rf"\$\{{?{name}\b\}}?", lambda _, value=value: value, expr)
    assert "$" not in expr, expr
    return expr


def chosen_for(uid: str, expr: str = "") -> Mapping[str, str]:
    """The values with which a query is asked: of one pair, the one that the query is about."""
    if uid != "parity-pair":
        return ALL
    return INCOMPLETE_PAIR if "< 1" in expr else ONE_PAIR


def now(prometheus: Prometheus, expr: str) -> list[Series]:
    """The series of an instant query that have a value."""
    return [series for series in prometheus.query(expr) if not math.isnan(series.value)]


def lately(prometheus: Prometheus, expr: str, span: timedelta = timedelta(seconds=8)) -> list[Series]:
    """The series of a range query over the last `span` that have at least one value."""
    end = datetime.now(UTC)
    found = prometheus.query_range(expr, end - span, end, timedelta(seconds=1))
    return [series for series in found if any(not math.isnan(value) for _, value in series.points)]


def offered(prometheus: Prometheus, uid: str, name: str, chosen: Mapping[str, str]) -> list[str]:
    """The values that a variable of a dashboard offers, as Grafana's `label_values(series, label)` finds them."""
    found = _LABEL_VALUES.fullmatch(variables(uid)[name]["query"]["query"])
    assert found is not None
    label = found["label"]
    answer = prometheus.query(f"group by ({label}) ({spelled(found['series'], chosen)})")
    return sorted(series.labels[label] for series in answer if label in series.labels)
