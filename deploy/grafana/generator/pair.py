"""One pair: what differs, how it came, how long such things last."""

from __future__ import annotations

from grafana_foundation_sdk.builders import dashboard as build

from deploy.grafana.generator import look
from deploy.grafana.generator.frame import Page, Row, auditor_url, datasource, left, right, severity, to_page
from deploy.grafana.generator.pair_life import flapping, happenings, resolution, spread
from deploy.grafana.generator.parts import (
    AnyPanel,
    Look,
    Text,
    areas,
    coloured_cells,
    gauges,
    grid,
    matrix,
    now,
    number,
    ordered,
    over_time,
    rows,
)
from deploy.grafana.generator.promql import ONE_PAIR as PAIR
from deploy.grafana.generator.promql import OPEN, SERIOUS, age, down

SEVERITY = 'severity=~"$severity"'
FINDINGS = "/pairs/${left:percentencode}/${right:percentencode}"


def page() -> Page:
    return Page(
        uid="parity-pair",
        title="Parity: pair",
        answers="What differs between these two environments, since when, in which category, and how long such "
        "differences last here. Purple always means: not everything was observed.",
        since="now-7d",
        variables=[datasource(), left(several=False), right(several=False), severity(), auditor_url()],
        rows=[
            Row("Now: $left → $right", [*_verdict(), *_times()]),
            Row("Findings", [_by_severity(), _by_status(), _by_category(), _matrix(), _scores(), _statuses()]),
            Row("Life of findings", [happenings(), flapping(), resolution(), spread()]),
        ],
    )


def _verdict() -> list[AnyPanel]:
    score = number(
        Text(
            "Score",
            "The share of what was compared that is as the policy wants it. In purple it is the score of an incomplete "
            "audit: only of what was seen.",
            "Below 95 % something that matters differs: the categories below say where.",
            "Never audited",
        ),
        Look(4, 4, unit="percentunit", decimals=1, thresholds=look.score()),
        now(f"{down(PAIR.score())} and {PAIR.complete()}", "score"),
        now(f"{down(PAIR.score())} and {PAIR.incomplete()}", "incomplete: of what was seen"),
        names=True,
    ).override_by_query("B", [look.fixed(look.UNSEEN)])
    return [
        score,
        number(
            Text(
                "Coverage",
                "The share of what should have been observed that was, rounded down: green only where it is all of it.",
                "Purple: see the gaps of both environments on the auditor's own dashboard; most are a missing permission.",
                "Never audited",
            ),
            Look(4, 4, unit="percentunit", decimals=1, thresholds=look.coverage()),
            now(down(PAIR.coverage())),
        ),
        number(
            Text(
                "Serious findings",
                "Open findings of severity critical or high.",
                "These fail `audit gate` by default. Follow the number to what to do about each.",
                "Never audited",
            ),
            Look(4, 4, decimals=0, thresholds=look.none_is_plain(look.WORST), links=[_page()]),
            now(PAIR.counted(PAIR.findings(SERIOUS, OPEN))),
        ),
        number(
            Text(
                "Flapping findings",
                "Findings that came back three times or more within seven days.",
                "Two things fight over one value: find who sets it back, or give the rule a `for`.",
                "Never audited",
            ),
            Look(4, 4, decimals=0, thresholds=look.none_is_plain(look.WATCH)),
            now(PAIR.gauge("parity_findings_flapping")),
        ),
        number(
            Text(
                "Acknowledged",
                "Findings that somebody has taken on.",
                "They do not fail a gate, and stay here until they are gone: ask whoever took them on.",
                "Never audited",
            ),
            Look(4, 4, decimals=0),
            now(PAIR.counted(PAIR.findings('status="acknowledged"'))),
        ),
        number(
            Text(
                "Waived",
                "Findings that are tolerated until their waiver expires.",
                "`audit waivers` lists who asked for each, why, and until when.",
                "Never audited",
            ),
            Look(4, 4, decimals=0),
            now(PAIR.counted(PAIR.findings('status="waived"'))),
        ),
    ]


def _times() -> list[AnyPanel]:
    def ago(title: str, metric: str, shows: str, do: str, empty: str) -> AnyPanel:
        value = now(f"1000 * {PAIR.gauge(metric)}")
        return number(Text(title, shows, do, empty), Look(6, 3, unit="dateTimeFromNow"), value)

    return [
        ago(
            "Last audit",
            "parity_audit_last_success_timestamp_seconds",
            "When the last audit finished, complete or not.",
            "Longer ago than the schedule says: see the auditor's own dashboard.",
            "Never",
        ),
        ago(
            "Last complete audit",
            "parity_audit_last_complete_timestamp_seconds",
            "When an audit last observed everything.",
            "Earlier than the last audit: something could not be read since then.",
            "Never",
        ),
        ago(
            "Next run",
            "parity_schedule_next_run_timestamp_seconds",
            "When the schedule next audits this pair, as the leading copy planned it.",
            "In the past for more than a minute: no copy leads, or the audits take longer than their interval.",
            "Not scheduled",
        ),
        number(
            Text(
                "Oldest open finding",
                "How long the oldest open finding of this pair has been open.",
                "Decide about it: fix, or waive with a reason and an expiry.",
                "Nothing is open, as far as was observed",
            ),
            Look(6, 3, unit="s", decimals=1, thresholds=look.finding_age(), links=[_page()]),
            now(age(PAIR.gauge("parity_finding_oldest_open_timestamp_seconds"))),
        ),
    ]


def _page() -> build.DashboardLink:
    return to_page("Findings of this pair", FINDINGS)


def _by_severity() -> AnyPanel:
    return areas(
        Text(
            "Open findings by severity",
            "Open and regressed findings over time.",
            "A step up is a deployment or a change by hand: compare its time with *What happened to findings*.",
            "No open finding, as far as was observed",
        ),
        Look(8, 8, decimals=0, colours=look.SEVERITIES, links=[_page()]),
        over_time(PAIR.findings(SEVERITY, OPEN, by="severity"), "{{severity}}"),
    )


def _by_status() -> AnyPanel:
    return areas(
        Text(
            "Findings by status",
            "Everything that is not resolved: pending is still tolerated by its rule, acknowledged and waived by people.",
            "When the silenced part grows and the open one does not fall, the policy no longer says what people want.",
            "No finding, as far as was observed",
        ),
        Look(8, 8, decimals=0, colours=look.STATUSES, links=[_page()]),
        over_time(PAIR.findings(SEVERITY, by="status"), "{{status}}"),
    )


def _by_category() -> AnyPanel:
    return areas(
        Text(
            "Open findings by category",
            "Open and regressed findings over time, by what part of the environment they are about.",
            "A category that only grows has no owner, or no pipeline that applies it to both environments.",
            "No open finding, as far as was observed",
        ),
        Look(8, 8, decimals=0, links=[_page()]),
        over_time(PAIR.findings(SEVERITY, OPEN, by="category"), "{{category}}"),
    )


def _matrix() -> AnyPanel:
    panel = grid(
        Text(
            "Open findings by category and severity",
            "How many open findings there are now: a row for each category, a column for each severity.",
            "Begin with the leftmost column that has a number; follow it to the findings.",
            "No open finding, as far as was observed",
        ),
        Look(8, 9, decimals=0, links=[_page()]),
        rows(f"{PAIR.findings(SEVERITY, OPEN, by='category, severity')} > 0"),
    )
    matrix(panel, row="category", column="severity", value="Value")
    ordered(panel, "category\\severity", *look.SEVERITIES)
    for name, colour in look.SEVERITIES.items():
        thresholds = look.none_is_plain(colour).build()
        column = look.column(name.capitalize(), thresholds=thresholds, custom_cellOptions=coloured_cells(), noValue="–")
        panel.override_by_name(name, column)
    return panel


def _scores() -> AnyPanel:
    seen = PAIR.gauge("parity_score_ratio", 'category!="all"', by="left, right, category")
    complete, incomplete = (f"and on (left, right) ({which})" for which in (PAIR.complete(), PAIR.incomplete()))
    return (
        gauges(
            Text(
                "Score by category",
                "The share of each category that is as the policy wants it. Purple: the audit was incomplete.",
                "The shortest bar is where to begin.",
                "Never audited",
            ),
            Look(8, 9, unit="percentunit", decimals=1, thresholds=look.score()),
            now(f"{down(seen)} {complete}", "{{category}}"),
            now(f"{down(seen)} {incomplete}", "{{category}} (incomplete)"),
        )
        .max(1)
        .override_by_query("B", [look.fixed(look.UNSEEN)])
    )


def _statuses() -> AnyPanel:
    return gauges(
        Text(
            "Findings by status, now",
            "Everything that is not resolved, by how far people and rules have silenced it.",
            "Regressed ones first: they were gone, and came back.",
            "No finding, as far as was observed",
        ),
        Look(8, 9, decimals=0, colours=look.STATUSES, links=[_page()]),
        now(PAIR.findings(by="status"), "{{status}}"),
    )
