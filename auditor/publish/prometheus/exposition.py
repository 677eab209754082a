"""Families of samples -> the two text formats that Prometheus reads.

The client library takes 6 us to collect a sample and 18 us to write it; a scrape of a hundred pairs has tens of
thousands of them, so they are kept and written here, twenty times as fast. The formats:
https://prometheus.io/docs/instrumenting/exposition_formats/ and https://prometheus.io/docs/specs/om/open_metrics_spec/.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from typing import TYPE_CHECKING

from auditor.publish.prometheus.catalogue import Metric, Type

if TYPE_CHECKING:
    from prometheus_client import Metric as ClientMetric

TEXT = "text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"
MAX_LABEL = 128
_DIGITS = 8
_SPECIAL = {math.inf: "+Inf", -math.inf: "-Inf"}


@dataclass(frozen=True, slots=True)
class Family:
    """The series of one metric: label values in the order of its labels, and the value."""

    metric: Metric
    series: Sequence[tuple[tuple[str, ...], float]]


@dataclass(frozen=True, slots=True)
class Exemplar:
    """One observation that stands for its bucket: the audit that it came from, and when, in Unix seconds."""

    audit_id: str
    value: float
    at: float


@dataclass(frozen=True, slots=True)
class Observed:
    """One series of a histogram: how many observations fell into each bucket (+Inf last), their sum, an exemplar each."""

    counts: tuple[int, ...]
    total: float
    exemplars: tuple[Exemplar | None, ...]


@dataclass(frozen=True, slots=True)
class Distribution:
    """The series of one histogram."""

    metric: Metric
    series: Sequence[tuple[tuple[str, ...], Observed]]


def content_type(accept: str | None) -> str:
    """The format to answer with: OpenMetrics where the Accept header names it and does not refuse it, else text."""
    for part in (accept or "").split(","):
        media, *parameters = (piece.strip().lower() for piece in part.split(";"))
        if media == "application/openmetrics-text":
            asked = dict(piece.partition("=")[::2] for piece in parameters)
            if _weight(asked.get("q", "1")) > 0 and asked.get("version", "1.0.0").startswith(("1.", "0.0.1")):
                return OPENMETRICS
    return TEXT


def _weight(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0


def label(text: str) -> str:
    """A label value as it may be shown: at most 128 characters, none of them a control character.

    What had to be changed ends in a digest of what it was, so that two values never become one.
    """
    if len(text) <= MAX_LABEL and text.isprintable():
        return text
    digest = hashlib.sha256(text.encode("utf-8", errors="surrogatepass")).hexdigest()[:_DIGITS]
    shown = "".join(letter if letter.isprintable() else " " for letter in text[: MAX_LABEL - _DIGITS - 1])
    return f"{shown}~{digest}"


@lru_cache(maxsize=65536)
def _escaped(text: str) -> str:
    """Cached: a scrape writes the same few thousand values over and over."""
    return label(text).replace("\\", r"\\").replace('"', r"\"")


def written(families: Iterable[Family | Distribution], client: Iterable[ClientMetric], kind: str) -> bytes:
    """The whole answer in the format `kind` names: `families` that have series, then those of the client library."""
    openmetrics = kind == OPENMETRICS
    parts: list[str] = []
    for family in families:
        if not family.series:
            continue
        parts += _head(family.metric, openmetrics)
        parts += _lines(family) if isinstance(family, Family) else _histogram_lines(family, openmetrics)
    for counted in client:
        parts += _client_lines(counted, openmetrics)
    if openmetrics:
        parts.append("# EOF\n")
    return "".join(parts).encode("utf-8")


def _head(metric: Metric, openmetrics: bool) -> Iterator[str]:
    """The base units of the two formats differ: only OpenMetrics knows `info`, and leaves endings to the samples."""
    if openmetrics:
        yield from _heading(metric.base, metric.type, metric.help)
        if metric.unit:
            yield f"# UNIT {metric.base} {metric.unit}\n"
        return
    yield from _heading(metric.name, "gauge" if metric.type is Type.INFO else metric.type, metric.help)


def _heading(name: str, kind: str, text: str) -> Iterator[str]:
    yield f"# HELP {name} {text}\n"
    yield f"# TYPE {name} {kind}\n"


def _lines(family: Family) -> list[str]:
    metric = family.metric
    if not metric.labels:
        return [f"{metric.name} {_number(value)}\n" for _, value in family.series]
    form = metric.name + "{" + ",".join(f'{name}="%s"' for name in metric.labels) + "} %s\n"
    return [form % (*map(_escaped, values), _number(value)) for values, value in family.series]


def _histogram_lines(family: Distribution, openmetrics: bool) -> Iterator[str]:
    name = family.metric.name
    form = ",".join(f'{label_name}="%s"' for label_name in family.metric.labels)
    bounds = [*(repr(float(bound)) for bound in family.metric.buckets), "+Inf"]
    for values, observed in family.series:
        labels = form % tuple(map(_escaped, values))
        start = f'{name}_bucket{{{labels},le="'
        for bound, count, exemplar in zip(bounds, accumulate(observed.counts), observed.exemplars, strict=True):
            yield f'{start}{bound}"}} {count}{_exemplar(exemplar) if openmetrics and exemplar else ""}\n'
        yield f"{name}_sum{{{labels}}} {_number(observed.total)}\n"
        yield f"{name}_count{{{labels}}} {sum(observed.counts)}\n"


def _exemplar(found: Exemplar) -> str:
    return f' # {{audit_id="{_escaped(found.audit_id)}"}} {_number(found.value)} {found.at:.3f}'


def _client_lines(metric: ClientMetric, openmetrics: bool) -> Iterator[str]:
    """What the client library knows of the process: a dozen samples, none of them with labels."""
    counter = metric.type == "counter" and not openmetrics
    yield from _heading(f"{metric.name}_total" if counter else metric.name, metric.type, metric.documentation)
    yield from (f"{sample.name} {_number(sample.value)}\n" for sample in metric.samples)


def _number(value: float) -> str | int:
    if isinstance(value, int):
        return value
    if value.is_integer() and abs(value) < 1e15:
        return int(value)
    return repr(value) if math.isfinite(value) else _SPECIAL.get(value, "NaN")
