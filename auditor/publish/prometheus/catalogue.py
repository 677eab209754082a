"""Every metric by name, type, labels and unit, in the order in which a scrape lists them. docs/metrics.md is made of it.

Names follow https://prometheus.io/docs/practices/naming/: base units, the unit last, `_total` on counters.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0
_PAIR = ("left", "right")


class Type(StrEnum):
    GAUGE = "gauge"
    INFO = "info"
    COUNTER = "counter"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric. `name` is whole (`parity_audits_total`); `buckets` are a histogram's upper bounds, +Inf left out."""

    name: str
    type: Type
    labels: tuple[str, ...]
    help: str
    buckets: tuple[float, ...] = ()

    @property
    def unit(self) -> str:
        return next((unit for unit in ("seconds", "ratio") if self.name.endswith(f"_{unit}")), "")

    @property
    def base(self) -> str:
        """The name without the ending that its type brings with it, as OpenMetrics and the client library want it."""
        ending = {Type.COUNTER: "_total", Type.INFO: "_info"}.get(self.type, "")
        return self.name.removesuffix(ending)


def _gauge(name: str, labels: str, about: str) -> Metric:
    return Metric(f"parity_{name}", Type.GAUGE, tuple(labels.split()), about)


def _counter(name: str, labels: str, about: str) -> Metric:
    return Metric(f"parity_{name}_total", Type.COUNTER, tuple(labels.split()), about)


# Read from the store at every scrape: the same after a restart, and the same from every copy.
FINDINGS = _gauge(
    "findings",
    "left right category severity status",
    "Findings that are not resolved, by category, severity and status; no series where there are none.",
)
SCORE = _gauge(
    "score_ratio",
    "left right category",
    "Score of the pair's last audit, 0 to 1; category=all is the score of the whole.",
)
COVERAGE = _gauge(
    "coverage_ratio",
    "left right",
    "Share of what should have been observed that the pair's last audit observed, 0 to 1.",
)
RESOURCES = _gauge("resources", "environment kind", "Resources in the environment's last snapshot, by kind.")
GAPS = _gauge(
    "gaps",
    "environment reason",
    "What the environment's last snapshot could not observe, by reason; 0 where all was read.",
)
DEPLOYED = Metric(
    "parity_deployed_version_info",
    Type.INFO,
    ("environment", "component", "version"),
    "Always 1; the labels say which version of a component the environment's last snapshot saw deployed.",
)
DEPLOYED_AT = _gauge(
    "component_deployed_timestamp_seconds",
    "environment component",
    "When the component was deployed, where its source tells, in Unix seconds.",
)
AUDIT_LAST_SUCCESS = _gauge(
    "audit_last_success_timestamp_seconds",
    "left right",
    "When the pair's last audit was finished, complete or not, in Unix seconds.",
)
AUDIT_LAST_COMPLETE = _gauge(
    "audit_last_complete_timestamp_seconds",
    "left right",
    "When an audit of the pair last observed everything, in Unix seconds.",
)
COLLECTOR_LAST_SUCCESS = _gauge(
    "collector_last_success_timestamp_seconds",
    "environment collector",
    "When the collector last read all that it is asked for in the environment, in Unix seconds.",
)
SNAPSHOT_TIME = _gauge(
    "snapshot_timestamp_seconds", "environment", "When the environment's last snapshot was taken, in Unix seconds."
)
PENDING = _gauge("notifications_pending", "publisher", "Notices that the publisher's far side has not accepted yet.")
FAILED = _gauge(
    "notifications_failed", "publisher", "Notices that were given up and wait for a person to send them again."
)
OLDEST_PENDING = _gauge(
    "notifications_oldest_pending_timestamp_seconds",
    "",
    "When the oldest notice that is due was to be sent, in Unix seconds; no series where none is due.",
)
WAIVERS = _gauge(
    "waivers",
    "state",
    "Waivers by state: active, expiring (in the last quarter of its time, within 7 days), expired, revoked.",
)
WAIVER_NEXT_EXPIRY = _gauge(
    "waiver_next_expiry_timestamp_seconds", "", "When the next waiver in force expires, in Unix seconds."
)
OLDEST_OPEN = _gauge(
    "finding_oldest_open_timestamp_seconds",
    "left right",
    "Since when the pair's oldest open finding is open, in Unix seconds.",
)
FLAPPING = _gauge(
    "findings_flapping", "left right", "Findings that came back three times or more within the last seven days."
)
STORE_UP = _gauge(
    "store_up",
    "",
    "Whether the store could be read for this scrape and be written lately (1) or not (0: what it knows is left out).",
)
CAPPED = _gauge(
    "label_values_capped",
    "label",
    "Values of the label that this scrape counted under `other`, because there are too many.",
)

# Of this process, from its start on.
AUDITS = _counter("audits", "left right outcome", "Audits that ended, by outcome: complete, incomplete, failed.")
AUDIT_DURATION = Metric(
    "parity_audit_duration_seconds",
    Type.HISTOGRAM,
    _PAIR,
    "How long audits took, from the first request to the stored result, in seconds.",
    (0.5, 1, 2.5, 5, 10, 20, 30, MINUTE, 2 * MINUTE, 5 * MINUTE, 10 * MINUTE, 20 * MINUTE, 30 * MINUTE),
)
COLLECTOR_DURATION = Metric(
    "parity_collector_duration_seconds",
    Type.HISTOGRAM,
    ("environment", "collector"),
    "How long a collector took to read one environment, from the first to the last of its parts, in seconds.",
    (0.1, 0.5, 1, 2.5, 5, 10, 30, MINUTE, 2 * MINUTE, 5 * MINUTE),
)
COLLECTOR_ERRORS = _counter(
    "collector_errors",
    "environment collector reason",
    "Readings of the environment in which the collector left gaps, by their reason.",
)
NOTIFICATIONS = _counter(
    "notifications", "publisher outcome", "Attempts to deliver a notice, by outcome: delivered, retried, failed."
)
API_REQUESTS = _counter(
    "api_requests",
    "environment api outcome",
    "Requests to audited environments, retries included, by outcome: ok, throttled, denied, error.",
)
CHANGES = _counter(
    "finding_changes",
    "left right happening",
    "What became of findings: new, regressed, escalated, resolved, acknowledged, waived, reopened.",
)
RESOLUTION = Metric(
    "parity_finding_resolution_seconds",
    Type.HISTOGRAM,
    _PAIR,
    "How long resolved findings had been open, in seconds.",
    (
        5 * MINUTE, 15 * MINUTE, HOUR, 4 * HOUR, 12 * HOUR, DAY, 2 * DAY, 4 * DAY, 7 * DAY, 14 * DAY, 30 * DAY,
        60 * DAY, 90 * DAY,
    ),
)  # fmt: skip
MISSED = _counter(
    "schedule_missed_runs", "left right", "Scheduled audits of the pair that did not start at their time."
)
NEXT_RUN = _gauge(
    "schedule_next_run_timestamp_seconds", "left right", "When the pair's next scheduled audit is due, in Unix seconds."
)
LAST_DUE = _gauge(
    "schedule_last_due_timestamp_seconds",
    "left right",
    "When the pair's last scheduled audit was due, in Unix seconds; no series before the first one since the start.",
)
LEADER = _gauge("leader", "", "Whether this process leads: schedules audits and delivers notices (1) or not (0).")
CONFIG_SUCCESS = _gauge(
    "config_last_reload_successful", "", "Whether the configuration was whole when it was last read (1) or not (0)."
)
CONFIG_TIME = _gauge(
    "config_last_reload_success_timestamp_seconds",
    "",
    "When the configuration in force was read, in Unix seconds.",
)
BUILD = Metric(
    "parity_build_info",
    Type.INFO,
    ("version", "python"),
    "Always 1; the labels say which version runs on which Python.",
)

OF_THE_STORE = (
    FINDINGS, SCORE, COVERAGE, RESOURCES, GAPS, DEPLOYED, DEPLOYED_AT, AUDIT_LAST_SUCCESS, AUDIT_LAST_COMPLETE,
    COLLECTOR_LAST_SUCCESS, SNAPSHOT_TIME, PENDING, FAILED, OLDEST_PENDING, WAIVERS, WAIVER_NEXT_EXPIRY, OLDEST_OPEN,
    FLAPPING, STORE_UP, CAPPED,
)  # fmt: skip
OF_THE_PROCESS = (
    AUDITS, AUDIT_DURATION, COLLECTOR_DURATION, COLLECTOR_ERRORS, NOTIFICATIONS, API_REQUESTS, CHANGES, RESOLUTION,
    MISSED, NEXT_RUN, LAST_DUE, LEADER, CONFIG_SUCCESS, CONFIG_TIME, BUILD,
)  # fmt: skip
METRICS = (*OF_THE_STORE, *OF_THE_PROCESS)


def table(metrics: tuple[Metric, ...]) -> str:
    """A Markdown table of `metrics`: name, type, labels, unit, meaning."""
    rows = ["| metric | type | labels | unit | meaning |", "|---|---|---|---|---|"]
    for metric in metrics:
        labels = ", ".join(f"`{label}`" for label in metric.labels) or "-"
        rows.append(f"| `{metric.name}` | {metric.type} | {labels} | {metric.unit or '-'} | {metric.help} |")
    return "\n".join(rows) + "\n"
