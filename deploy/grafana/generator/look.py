"""What colours, thresholds and units mean. One meaning each, on every dashboard.

Purple is for what was not observed, and for nothing else: an incomplete pair has no score that could look green.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.models import dashboard as model

GOOD, WATCH, BAD, WORST = "green", "yellow", "orange", "red"
UNSEEN = "purple"
PLAIN = "text"

SEVERITIES: Mapping[str, str] = {
    "critical": "dark-red",
    "high": "orange",
    "medium": "yellow",
    "low": "blue",
    "info": "light-blue",
}
STATUSES: Mapping[str, str] = {
    "regressed": "dark-red",
    "open": "orange",
    "pending": "yellow",
    "acknowledged": "blue",
    "waived": "light-blue",
}
HAPPENINGS: Mapping[str, str] = {
    "new": "orange",
    "regressed": "dark-red",
    "escalated": "red",
    "reopened": "yellow",
    "resolved": "green",
    "acknowledged": "blue",
    "waived": "light-blue",
}
OUTCOMES: Mapping[str, str] = {"complete": "green", "incomplete": UNSEEN, "failed": "red"}
ANSWERS: Mapping[str, str] = {"ok": "green", "throttled": "yellow", "denied": "orange", "error": "red"}
WAIVERS: Mapping[str, str] = {"active": "blue", "expiring": "yellow", "expired": "orange", "revoked": "text"}

HOUR = 3600
DAY = 24 * HOUR


def steps(base: str, *more: tuple[float, str]) -> build.ThresholdsConfig:
    """`base` below the first value, then each colour from its value on."""
    return (
        build.ThresholdsConfig()
        .mode(model.ThresholdsMode.ABSOLUTE)
        .steps([model.Threshold(None, base), *(model.Threshold(value, colour) for value, colour in more)])
    )


def none_is_plain(colour: str) -> build.ThresholdsConfig:
    """A count that should be 0. 0 is not green: nothing found is good news only where everything was observed."""
    return steps(PLAIN, (1, colour))


def score() -> build.ThresholdsConfig:
    return steps(WORST, (0.8, BAD), (0.9, WATCH), (0.95, GOOD))


def coverage() -> build.ThresholdsConfig:
    """All of it, or not."""
    return steps(UNSEEN, (1, GOOD))


def audit_age() -> build.ThresholdsConfig:
    return steps(GOOD, (HOUR, WATCH), (6 * HOUR, BAD), (DAY, WORST))


def finding_age() -> build.ThresholdsConfig:
    return steps(PLAIN, (DAY, WATCH), (7 * DAY, BAD), (30 * DAY, WORST))


def fixed(colour: str) -> model.DynamicConfigValue:
    return model.DynamicConfigValue("color", {"mode": "fixed", "fixedColor": colour})


def says(values: Mapping[str, tuple[str, str]]) -> list[model.ValueMapping]:
    """What a value is called, and its colour."""
    results = {value: model.ValueMappingResult(text=text, color=colour) for value, (text, colour) in values.items()}
    return [model.ValueMap(options=results)]


def empty_says(text: str, colour: str) -> list[model.ValueMapping]:
    """What stands in the cell of a row that has no such value."""
    result = model.ValueMappingResult(text=text, color=colour)
    options = model.DashboardSpecialValueMapOptions(match=model.SpecialValueMatch.NULL_AND_NAN, result=result)
    return [model.SpecialValueMap(options=options)]


def column(title: str, **properties: Any) -> list[model.DynamicConfigValue]:
    """A table's column. Underscores in the names of properties stand for dots: `custom_width` is `custom.width`."""
    named = {name.replace("_", ".", 1) if name.startswith("custom_") else name: v for name, v in properties.items()}
    return [model.DynamicConfigValue("displayName", title), *(model.DynamicConfigValue(k, v) for k, v in named.items())]
