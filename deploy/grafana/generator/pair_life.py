"""One pair: how findings come and go, and how long they last."""

from __future__ import annotations

from deploy.grafana.generator import look
from deploy.grafana.generator.parts import (
    AnyPanel,
    Look,
    Text,
    bars,
    buckets,
    density,
    lines,
    now,
    number,
    over_time,
)
from deploy.grafana.generator.promql import ONE_PAIR as PAIR
from deploy.grafana.generator.promql import counter, quantile

RESOLUTION = "parity_finding_resolution_seconds"


def happenings() -> AnyPanel:
    return bars(
        Text(
            "What happened to findings",
            "How many findings appeared, came back, got worse, were resolved or silenced in each step of time.",
            "Bars at the time of a deployment that resolve themselves soon after are a rollout; others are drift.",
            "Nothing was counted in this time",
        ),
        Look(12, 8, decimals=0, colours=look.HAPPENINGS),
        over_time(counter("parity_finding_changes_total", PAIR.selector, by="happening"), "{{happening}}"),
    )


def flapping() -> AnyPanel:
    return lines(
        Text(
            "Flapping findings over time",
            "Findings that had come back three times or more within the seven days before.",
            "Anything but 0 is two writers that fight over one value, or a rule that should wait (`for`).",
            "Never audited",
        ),
        Look(12, 8, decimals=0),
        over_time(PAIR.gauge("parity_findings_flapping"), "flapping"),
    )


def resolution() -> AnyPanel:
    return number(
        Text(
            "Time to resolve",
            "How long findings lasted that were resolved in the chosen time: the median, nine of ten, and 99 of 100. "
            "Estimated from a histogram's buckets.",
            "Compare it between pairs and months: it is the one number that says whether drift is dealt with.",
            "Nothing was resolved in this time",
        ),
        Look(12, 8, unit="s", decimals=1),
        *(
            now(quantile(share, RESOLUTION, PAIR.selector, over="$__range"), name)
            for share, name in ((0.5, "half within"), (0.9, "90 % within"), (0.99, "99 % within"))
        ),
        names=True,
    )


def spread() -> AnyPanel:
    return density(
        Text(
            "Time to resolve, over time",
            "When findings were resolved, and how old they were then: the darker, the more.",
            "A band far up is old drift being cleared away; a band that wanders up is a team that falls behind.",
            "Nothing was resolved in this time",
        ),
        Look(12, 8, unit="s"),
        buckets(counter(f"{RESOLUTION}_bucket", PAIR.selector, by="le")),
    )
