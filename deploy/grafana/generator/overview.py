"""All pairs on one page: which mirror, which do not, and of which nobody can tell."""

from __future__ import annotations

from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.models import dashboard as model

from deploy.grafana.generator import look
from deploy.grafana.generator.frame import (
    Page,
    Row,
    auditor_url,
    datasource,
    environment,
    left,
    right,
    severity,
    to_dashboard,
    to_page,
)
from deploy.grafana.generator.overview_pairs import KNOWN, pairs
from deploy.grafana.generator.parts import (
    AnyPanel,
    Look,
    Text,
    areas,
    coloured_cells,
    gauges,
    grid,
    lines,
    now,
    number,
    ordered,
    over_time,
    rows,
    states,
)
from deploy.grafana.generator.promql import CHOSEN_PAIRS as CHOSEN
from deploy.grafana.generator.promql import ENVIRONMENT, OPEN, SERIOUS, age, counter, down, gauge, how_many

ARROW = "{{left}} → {{right}}"
SEVERITY = 'severity=~"$severity"'


def page() -> Page:
    return Page(
        uid="parity-overview",
        title="Parity: overview",
        answers="Does each environment still mirror the one it is meant to match, what changed today, and what could "
        "not be observed? Purple always means: not everything was observed, so nobody can tell.",
        since="now-7d",
        variables=[
            datasource(),
            left(several=True),
            right(several=True),
            environment(),
            severity(),
            auditor_url(),
        ],
        rows=[
            Row("Now", [*_numbers(), pairs()]),
            Row("Findings", [_by_severity(), _changes(), _ages()]),
            Row("Over time", [_scores(), _coverage()]),
            Row("What could not be observed, and how fresh the answers are", [_gaps(), _reasons(), _freshness()]),
        ],
    )


def _numbers() -> list[AnyPanel]:
    serious = CHOSEN.findings(SERIOUS, OPEN)
    return [
        number(
            Text(
                "Pairs in parity",
                "Pairs whose last audit observed everything and that have no open finding of severity critical or high.",
                "The table below names the pairs that are missing here, and why.",
            ),
            Look(4, 4),
            now(how_many(f"({CHOSEN.complete()}) unless ({serious} > 0)")),
        ),
        number(
            Text(
                "Pairs with serious findings",
                "Pairs that have open findings of severity critical or high.",
                "Open the pair from the table below; its findings say what to do.",
            ),
            Look(4, 4, thresholds=look.none_is_plain(look.WORST)),
            now(how_many(f"{serious} > 0")),
        ),
        number(
            Text(
                "Pairs not fully observed",
                "Pairs whose last audit could not observe everything: for those, no finding is no evidence of parity.",
                "See the gaps at the foot of this page: mostly it is a permission that a collector lacks.",
            ),
            Look(4, 4, thresholds=look.none_is_plain(look.UNSEEN)),
            now(how_many(CHOSEN.incomplete())),
        ),
        number(
            Text(
                "Pairs never audited",
                "Configured pairs of which the store knows no audit.",
                "Wait for the first scheduled run, or run `audit now LEFT RIGHT`.",
            ),
            Look(4, 4, thresholds=look.none_is_plain(look.UNSEEN)),
            now(how_many(f"{KNOWN} unless {CHOSEN.coverage()}")),
        ),
        number(
            Text(
                "Oldest open finding",
                "How long ago the finding that has been open for longest was opened, over all chosen pairs.",
                "Fix it, or waive it with a reason: what stays open for weeks is what people stop reading.",
                "Nothing is open",
            ),
            Look(4, 4, unit="s", decimals=1, thresholds=look.finding_age()),
            now(f"max({age(CHOSEN.gauge('parity_finding_oldest_open_timestamp_seconds'))})"),
        ),
        number(
            Text(
                "Stalest audit",
                "The time since the last finished audit of the pair that waits for longest. Yellow after an hour, orange after "
                "six, red after a day.",
                "Compare it with the pair's schedule; when it is longer, look at the auditor's own dashboard.",
                "No audit yet",
            ),
            Look(4, 4, unit="s", decimals=1, thresholds=look.audit_age()),
            now(f"max({age(CHOSEN.gauge('parity_audit_last_success_timestamp_seconds'))})"),
        ),
    ]


def _by_severity() -> AnyPanel:
    return areas(
        Text(
            "Open findings by severity",
            "Open and regressed findings of the chosen pairs; pending, acknowledged and waived ones are not counted.",
            "A step up is a deployment or a change by hand: the annotations and *What changed today* say when and what.",
            "No open finding, as far as was observed",
        ),
        Look(12, 9, decimals=0, colours=look.SEVERITIES),
        over_time(CHOSEN.findings(SEVERITY, OPEN, by="severity"), "{{severity}}"),
    )


def _changes() -> AnyPanel:
    return gauges(
        Text(
            "What changed today",
            "What happened to findings in the last 24 hours, whatever time is chosen above. Counters that began within "
            "the day make it an estimate; the auditor's page has the exact list.",
            "New, regressed and escalated ones were told in the chat; resolved ones need nothing.",
            "Nothing was counted in the last 24 hours",
        ),
        Look(6, 9, decimals=0, colours=look.HAPPENINGS),
        now(
            f"round({counter('parity_finding_changes_total', CHOSEN.selector, by='happening', over='24h')})",
            "{{happening}}",
        ),
    )


def _ages() -> AnyPanel:
    link = to_page("Findings of this pair", "/pairs/${__field.labels.left}/${__field.labels.right}")
    return gauges(
        Text(
            "Age of the oldest open finding",
            "By pair, how long its oldest open finding has been open. Yellow after a day, orange after a week, red after a month.",
            "Follow the bar to the findings; decide about the oldest: fix, or waive with a reason and an expiry.",
            "Nothing is open, as far as was observed",
        ),
        Look(6, 9, unit="s", decimals=1, thresholds=look.finding_age(), links=[link]),
        now(age(CHOSEN.gauge("parity_finding_oldest_open_timestamp_seconds")), ARROW),
    )


def _scores() -> AnyPanel:
    panel = lines(
        Text(
            "Score by pair",
            "The share of what was compared that is as the policy wants it. Dashed purple: the audit was incomplete, and "
            "the score is only of what was seen.",
            "Below 95 % something that matters differs: open the pair. A fall without a deployment is a change by hand.",
            "No audit yet",
        ),
        Look(12, 9, "percentunit", 1, look.steps(look.PLAIN, (0.95, look.GOOD)), links=[_pair_link()]),
        over_time(f"{down(CHOSEN.score())} and {CHOSEN.complete()}", ARROW),
        over_time(f"{down(CHOSEN.score())} and {CHOSEN.incomplete()}", f"{ARROW} (incomplete)"),
    ).max(1)
    panel.axis_soft_min(0.8)
    dashes = {"fill": "dash", "dash": [8, 8]}
    return panel.override_by_query("B", [look.fixed(look.UNSEEN), model.DynamicConfigValue("custom.lineStyle", dashes)])


def _coverage() -> AnyPanel:
    return states(
        Text(
            "Coverage by pair",
            "The share of what should have been observed that was, rounded down. Green is all of it, purple is anything less.",
            "Where it turned purple, look at the gaps below: until it is green again, no finding opens or resolves there.",
            "No audit yet",
        ),
        Look(12, 9, unit="percentunit", decimals=1, thresholds=look.coverage(), links=[_pair_link()]),
        over_time(down(CHOSEN.coverage()), ARROW),
    )


def _pair_link() -> build.DashboardLink:
    named = "var-left=${__field.labels.left}&var-right=${__field.labels.right}"
    return to_dashboard("Dashboard of this pair", "parity-pair", named)


def _gaps() -> AnyPanel:
    panel = grid(
        Text(
            "Environments not fully observed, and why",
            "What the last snapshot of each environment could not read, by reason.",
            "`access_denied`: give the auditor's role what `audit iam-policy` prints. `throttled`, `timeout`: audit less often "
            "or in fewer places at once. The auditor's page names each gap.",
            "No gap in any snapshot; the coverage above says whether there was one at all",
        ),
        Look(8, 9, thresholds=look.none_is_plain(look.UNSEEN)),
        rows(f"{gauge('parity_gaps', ENVIRONMENT, by='environment, reason')} > 0"),
        sort="Gaps",
    )
    ordered(panel, "environment", "reason", "Value")
    panel.override_by_name("environment", look.column("Environment"))
    panel.override_by_name("reason", look.column("Reason"))
    return panel.override_by_name("Value", look.column("Gaps", custom_cellOptions=coloured_cells()))


def _reasons() -> AnyPanel:
    return areas(
        Text(
            "Gaps by reason",
            "How much could not be read, over time, in the chosen environments.",
            "A step up after a change of roles or networks shows what it took away from the auditor.",
            "No gap",
        ),
        Look(8, 9, decimals=0),
        over_time(
            f"sum by (reason) ({gauge('parity_gaps', ENVIRONMENT, by='environment, reason')})",
            "{{reason}}",
        ),
    )


def _freshness() -> AnyPanel:
    return lines(
        Text(
            "Time since the last audit",
            "By pair, how old the answer on this page is. It should fall to nothing at every scheduled run.",
            "A line that only rises is a pair whose audits fail or do not start: see the auditor's own dashboard.",
            "No audit yet",
        ),
        Look(8, 9, unit="s", links=[_pair_link()]),
        over_time(age(CHOSEN.gauge("parity_audit_last_success_timestamp_seconds")), ARROW),
    )
