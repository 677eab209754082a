"""Counts, levels and distributions by label values. Not safe between threads by themselves: `meters.py` holds the lock."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field

from auditor.publish.prometheus.catalogue import Metric
from auditor.publish.prometheus.exposition import Distribution, Exemplar, Family, Observed


class Tally:
    """A counter or a gauge."""

    def __init__(self, metric: Metric) -> None:
        self._metric = metric
        self._values: dict[tuple[str, ...], float] = {}

    def start(self, *labels: str) -> None:
        """From now on there is a series, at 0 if it is new."""
        self._values.setdefault(labels, 0)

    def add(self, *labels: str, count: int = 1) -> None:
        self._values[labels] = self._values.get(labels, 0) + count

    def set(self, *labels: str, value: float) -> None:
        self._values[labels] = value

    def forget(self, *labels: str) -> None:
        """Drop every series whose labels begin with these."""
        for known in [known for known in self._values if known[: len(labels)] == labels]:
            del self._values[known]

    def family(self) -> Family:
        return Family(self._metric, tuple(self._values.items()))


@dataclass(slots=True)
class _Series:
    counts: list[int]
    exemplars: list[Exemplar | None]
    total: float = field(default=0.0)


class Spread:
    """A histogram. An observation equal to a bound belongs to the bucket that it bounds."""

    def __init__(self, metric: Metric) -> None:
        self._metric = metric
        self._values: dict[tuple[str, ...], _Series] = {}

    def start(self, *labels: str) -> _Series:
        """From now on there is a series, empty if it is new."""
        found = self._values.get(labels)
        if found is None:
            buckets = len(self._metric.buckets) + 1
            found = self._values[labels] = _Series([0] * buckets, [None] * buckets)
        return found

    def observe(self, *labels: str, value: float, exemplar: Exemplar | None = None) -> None:
        series = self.start(*labels)
        bucket = bisect_left(self._metric.buckets, value)
        series.counts[bucket] += 1
        series.total += value
        series.exemplars[bucket] = exemplar or series.exemplars[bucket]

    def forget(self, *labels: str) -> None:
        """Drop every series whose labels begin with these."""
        for known in [known for known in self._values if known[: len(labels)] == labels]:
            del self._values[known]

    def family(self) -> Distribution:
        return Distribution(
            self._metric,
            tuple(
                (labels, Observed(tuple(each.counts), each.total, tuple(each.exemplars)))
                for labels, each in self._values.items()
            ),
        )
