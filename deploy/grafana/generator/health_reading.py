"""The auditor itself: how reading the environments goes."""

from __future__ import annotations

from deploy.grafana.generator import look
from deploy.grafana.generator.parts import (
    AnyPanel,
    Look,
    Text,
    areas,
    bars,
    coloured_cells,
    grid,
    lines,
    ordered,
    over_time,
    rows,
)
from deploy.grafana.generator.promql import ENVIRONMENT, counter, gauge, quantile

COLLECTOR = "environment, collector"


def collectors() -> AnyPanel:
    panel = grid(
        Text(
            "Collectors",
            "By environment and collector: when it last read everything, how long it takes (nine of ten, over the chosen time), "
            "and how often it met an error in that time.",
            "*Never* or long ago: see its errors beside; until it succeeds, what it reads is unknown.",
            "No collector has run yet",
        ),
        Look(12, 9),
        rows(f"1000 * {gauge('parity_collector_last_success_timestamp_seconds', ENVIRONMENT, by=COLLECTOR)}"),
        rows(quantile(0.9, "parity_collector_duration_seconds", ENVIRONMENT, by=COLLECTOR, over="$__range")),
        rows(f"round({counter('parity_collector_errors_total', ENVIRONMENT, by=COLLECTOR, over='$__range')})"),
        sort="Errors",
    )
    ordered(panel, "environment", "collector", "Value #A", "Value #B", "Value #C")
    panel.override_by_name("environment", look.column("Environment"))
    panel.override_by_name("collector", look.column("Collector"))
    panel.override_by_name("Value #A", look.column("Last success", unit="dateTimeFromNow", noValue="never"))
    panel.override_by_name("Value #B", look.column("Takes", unit="s", decimals=1, noValue="–"))
    errors = {"thresholds": look.none_is_plain(look.BAD).build(), "custom_cellOptions": coloured_cells()}
    return panel.override_by_name("Value #C", look.column("Errors", decimals=0, noValue="0", **errors))


def errors() -> AnyPanel:
    return bars(
        Text(
            "Collector errors by reason",
            "Gaps that collectors met, in each step of time, by environment and reason.",
            "`access_denied`: permissions. `throttled`: too much at once. `unreachable`, `timeout`: networks. `malformed`: report it.",
            "No error was counted in this time",
        ),
        Look(12, 9, decimals=0),
        over_time(
            counter("parity_collector_errors_total", ENVIRONMENT, by="environment, reason"),
            "{{environment}}: {{reason}}",
        ),
    )


def reading() -> AnyPanel:
    return lines(
        Text(
            "Collector duration",
            "How long reading took, nine of ten, by environment and collector.",
            "One line far above the others decides how long an audit takes: give it fewer regions or services at once.",
            "No collector has run in this time",
        ),
        Look(6, 8, unit="s"),
        over_time(
            quantile(0.9, "parity_collector_duration_seconds", ENVIRONMENT, by=COLLECTOR),
            "{{environment}}: {{collector}}",
        ),
    )


def gaps() -> AnyPanel:
    return areas(
        Text(
            "Gaps",
            "What the last snapshots could not read, by environment and reason.",
            "As for the errors. While there are any, audits of the environment are incomplete.",
            "No gap",
        ),
        Look(6, 8, decimals=0),
        over_time(f"{gauge('parity_gaps', ENVIRONMENT, by='environment, reason')} > 0", "{{environment}}: {{reason}}"),
    )


def requests() -> AnyPanel:
    return areas(
        Text(
            "API requests",
            "Requests per second to the audited environments, by outcome.",
            "Denied ones need permissions; many errors mean that the far side is unwell.",
            "No request was counted in this time",
        ),
        Look(6, 8, unit="reqps", colours=look.ANSWERS),
        over_time(counter("parity_api_requests_total", ENVIRONMENT, by="outcome", function="rate"), "{{outcome}}"),
    )


def throttles() -> AnyPanel:
    throttled = counter(
        "parity_api_requests_total", ENVIRONMENT, 'outcome="throttled"', by="environment, api", function="rate"
    )
    asked = counter("parity_api_requests_total", ENVIRONMENT, by="environment, api", function="rate")
    return lines(
        Text(
            "Throttled share of requests",
            "By environment and API, the share of requests that were throttled. They are repeated, and cost time and quota.",
            "Above 10 % for long: audit less often; others in that account suffer from the same limits.",
            "No request was throttled in this time",
        ),
        Look(6, 8, unit="percentunit", thresholds=look.steps(look.PLAIN, (0.1, look.WATCH))),
        over_time(f"{throttled} / {asked}", "{{environment}}: {{api}}"),
    )
