"""What the store knows -> families of gauges. Nothing is invented: where there was no audit, there is no series."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from auditor.model import GapReason
from auditor.publish.prometheus import catalogue
from auditor.publish.prometheus.exposition import Family
from auditor.waivers import next_expiry, states

if TYPE_CHECKING:
    from auditor.gauges import EnvironmentGauges, Gauges
    from auditor.publish.prometheus.catalogue import Metric
    from auditor.waivers import Waiver

OTHER = "other"
MAX_KINDS = 200
MAX_COMPONENTS = 500
ALL = "all"

_Series = list[tuple[tuple[str, ...], float]]


def store_families(
    gauges: Gauges | None,
    waivers: Iterable[Waiver] | None,
    now: datetime,
    capped: Mapping[str, int],
    publishers: Iterable[str],
) -> tuple[Family, ...]:
    """The families of one scrape at `now`. `capped` counts label values that the process counters fold into `other`;
    `publishers` are those configured, which have a count of notices even where it is 0.

    None means that it could not be read: then its families are left out, because a zero would say that all is well.
    """
    series: dict[Metric, _Series] = {metric: [] for metric in catalogue.OF_THE_STORE}
    folded = {**capped, "kind": 0, "component": 0}
    if gauges is not None:
        _pairs(gauges, series)
        for environment in gauges.environments:
            _environment(environment, series, folded)
        for each in gauges.collectors:
            _at(series[catalogue.COLLECTOR_LAST_SUCCESS], (each.environment, each.collector), each.last_success)
        none = dict.fromkeys(publishers, 0)
        series[catalogue.PENDING] = _counts({**none, **gauges.pending})
        series[catalogue.FAILED] = _counts({**none, **gauges.failed})
        _at(series[catalogue.OLDEST_PENDING], (), gauges.oldest_pending)
    series[catalogue.CAPPED] = _counts(folded)
    if waivers is not None:
        known = tuple(waivers)
        series[catalogue.WAIVERS] = [((state,), count) for state, count in states(known, now).items()]
        _at(series[catalogue.WAIVER_NEXT_EXPIRY], (), next_expiry(known, now))
    series[catalogue.STORE_UP] = [((), 1 if gauges is not None else 0)]
    return tuple(Family(metric, found) for metric, found in series.items())


def _pairs(gauges: Gauges, series: Mapping[Metric, _Series]) -> None:
    for pair in gauges.pairs:
        names = (pair.left, pair.right)
        series[catalogue.FINDINGS].extend(
            ((*names, category, severity, status), count)
            for (category, severity, status), count in sorted(pair.findings.items())
        )
        if pair.score is not None:
            series[catalogue.SCORE].append(((*names, ALL), pair.score))
        for category, score in sorted((pair.scores or {}).items()):
            series[catalogue.SCORE].append(((*names, category), score))
        if pair.coverage is not None:
            series[catalogue.COVERAGE].append((names, pair.coverage))
        _at(series[catalogue.AUDIT_LAST_SUCCESS], names, pair.last_audit)
        _at(series[catalogue.AUDIT_LAST_COMPLETE], names, pair.last_complete)
        _at(series[catalogue.OLDEST_OPEN], names, pair.oldest_open)
        if pair.last_audit is not None:
            series[catalogue.FLAPPING].append((names, pair.flapping))


def _environment(found: EnvironmentGauges, series: Mapping[Metric, _Series], capped: dict[str, int]) -> None:
    if found.taken_at is None:
        return
    name = found.environment
    _at(series[catalogue.SNAPSHOT_TIME], (name,), found.taken_at)
    kinds, folded = _bounded(sorted(found.resources), MAX_KINDS)
    counts: dict[str, int] = {}
    for kind, count in found.resources.items():
        shown = kinds.get(kind, OTHER)
        counts[shown] = counts.get(shown, 0) + count
    series[catalogue.RESOURCES].extend(((name, kind), count) for kind, count in sorted(counts.items()))
    series[catalogue.GAPS].extend(((name, reason), found.gaps.get(reason, 0)) for reason in GapReason)
    capped["kind"] += folded
    _deployed(found, series, capped)


def _deployed(found: EnvironmentGauges, series: Mapping[Metric, _Series], capped: dict[str, int]) -> None:
    name = found.environment
    components, folded = _bounded(sorted({row.component for row in found.deployed}), MAX_COMPONENTS)
    capped["component"] += folded
    # One component may run in several versions, each a row; what is folded says only that there is more.
    versions = {
        (row.component, row.version) if row.component in components else (OTHER, OTHER) for row in found.deployed
    }
    series[catalogue.DEPLOYED].extend(((name, *each), 1) for each in sorted(versions))
    latest: dict[str, datetime] = {}
    for row in found.deployed:
        if row.deployed_at is not None and row.component in components:
            latest[row.component] = max(row.deployed_at, latest.get(row.component, row.deployed_at))
    for component, at in sorted(latest.items()):
        _at(series[catalogue.DEPLOYED_AT], (name, component), at)


def _bounded(values: list[str], most: int) -> tuple[Mapping[str, str], int]:
    """The first `most` of the sorted values, and how many are left. By name, so that the same ones stay."""
    return {value: value for value in values[:most]}, max(0, len(values) - most)


def _counts(counts: Mapping[str, int]) -> _Series:
    return [((name,), count) for name, count in sorted(counts.items())]


def _at(series: _Series, labels: tuple[str, ...], at: datetime | None) -> None:
    if at is not None:
        series.append((labels, at.timestamp()))
