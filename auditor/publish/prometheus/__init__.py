"""Prometheus: what this process counts, and what the store knows, in the text that a scrape reads."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING

from auditor.publish.prometheus.exposition import content_type, written
from auditor.publish.prometheus.families import store_families
from auditor.publish.prometheus.meters import PrometheusMeters

if TYPE_CHECKING:
    from auditor.gauges import Gauges
    from auditor.waivers import Waiver

__all__ = ["PrometheusMeters", "render"]


def render(
    meters: PrometheusMeters,
    gauges: Gauges | None,
    waivers: Iterable[Waiver] | None,
    accept: str | None,
    now: datetime,
) -> tuple[str, bytes]:
    """The answer to one scrape: its content type and its body. `accept` is the request's header.

    `gauges` and `waivers` are None where the store cannot be read: their metrics are then left out, and
    `parity_store_up` is 0. The counts of the process are there in any case.
    """
    kind = content_type(accept)
    families = store_families(gauges, waivers, now, meters.capped(), meters.publishers)
    return kind, written((*families, *meters.families()), meters.process.collect(), kind)
