"""The auditor itself: whether it audits, reads, tells, and leads."""

from __future__ import annotations

from deploy.grafana.generator import look
from deploy.grafana.generator.frame import Page, Row, auditor_url, datasource, environment, left, right
from deploy.grafana.generator.health_reading import collectors, errors, gaps, reading, requests, throttles
from deploy.grafana.generator.health_service import (
    copies,
    labels_capped,
    leaders,
    memory,
    next_runs,
    open_files,
    overdue,
    processor,
    reloads,
    scrapes,
    stores,
    versions,
)
from deploy.grafana.generator.parts import (
    AnyPanel,
    Look,
    Text,
    bars,
    gauges,
    lines,
    now,
    number,
    over_time,
)
from deploy.grafana.generator.promql import CHOSEN_PAIRS as CHOSEN
from deploy.grafana.generator.promql import age, counter, gauge, quantile

SHARES = ((0.5, "half within"), (0.9, "90 % within"), (0.99, "99 % within"))


def page() -> Page:
    return Page(
        uid="parity-auditor",
        title="Parity: the auditor",
        answers="Can the other dashboards be believed: does the auditor run, audit on time, read everything, and does "
        "what it says arrive?",
        since="now-24h",
        variables=[
            datasource(),
            left(several=True),
            right(several=True),
            environment(),
            auditor_url(),
        ],
        rows=[
            Row(
                "Is it working", [leaders(), copies(), stores(), reloads(), overdue(), _missed(), _failed(), _oldest()]
            ),
            Row("Audits", [_outcomes(), _durations(), next_runs()]),
            Row("Reading the environments", [collectors(), errors(), reading(), gaps(), requests(), throttles()]),
            Row("Notifications and waivers", [_attempts(), _pending(), _waivers(), _expiry()]),
            Row("Processes", [memory(), processor(), open_files(), scrapes(), labels_capped(), versions()]),
        ],
    )


def _missed() -> AnyPanel:
    return number(
        Text(
            "Missed runs, 24 h",
            "Scheduled audits that did not take place at their time in the last 24 hours. They were caught up once.",
            "The auditor was down, or audits take longer than their interval: see the durations below.",
            "Nothing scheduled",
        ),
        Look(3, 4, decimals=0, thresholds=look.steps(look.GOOD, (1, look.WATCH), (10, look.BAD))),
        now(f"round({counter('parity_schedule_missed_runs_total', CHOSEN.selector, by='', over='24h')})"),
    )


def _failed() -> AnyPanel:
    return number(
        Text(
            "Notifications given up",
            "Notices that the far side refused for good: they are kept, and not tried again.",
            "The auditor's log says why (`channel_not_found`, `invalid_auth`); mend it, then requeue them.",
            "No publisher",
        ),
        Look(3, 4, decimals=0, thresholds=look.steps(look.GOOD, (1, look.WORST))),
        now(f"sum({gauge('parity_notifications_failed', by='publisher')}) or vector(0)"),
    )


def _oldest() -> AnyPanel:
    since = "max(parity_notifications_oldest_pending_timestamp_seconds)"
    return number(
        Text(
            "Oldest waiting notice",
            "How long the oldest notice that is due has been waiting for delivery. Yellow after five minutes, red after 30.",
            "The far side is away or throttles; the attempts below show which. Nothing is lost: it is tried again.",
            "Nothing waits",
        ),
        Look(
            3,
            4,
            unit="s",
            decimals=0,
            thresholds=look.steps(look.GOOD, (300, look.WATCH), (1800, look.WORST)),
        ),
        now(age(since)),
    )


def _outcomes() -> AnyPanel:
    return bars(
        Text(
            "Audits by outcome",
            "Finished audits in each step of time: complete, incomplete (something could not be read) or failed (no audit).",
            "Failed ones have an error in the log; incomplete ones a reason among the gaps below.",
            "No audit was counted in this time",
        ),
        Look(8, 8, decimals=0, colours=look.OUTCOMES),
        over_time(counter("parity_audits_total", CHOSEN.selector, by="outcome"), "{{outcome}}"),
    )


def _durations() -> AnyPanel:
    return lines(
        Text(
            "Audit duration",
            "How long audits took, collecting included: median, nine of ten, 99 of 100. The points are single audits; each "
            "carries its `audit_id`.",
            "Near the schedule's interval, audits begin to be missed: audit less often, or look which collector is slow.",
            "No audit was counted in this time",
        ),
        Look(8, 8, unit="s"),
        *(
            over_time(quantile(share, "parity_audit_duration_seconds", CHOSEN.selector), name, exemplars=share == 0.99)
            for share, name in SHARES
        ),
    )


def _attempts() -> AnyPanel:
    return bars(
        Text(
            "Delivery attempts",
            "Attempts to deliver a notice, by publisher and outcome. Retried ones are tried again later, failed ones are given up.",
            "Retries without deliveries: the far side is away or throttles. Failures: see the log for what it said.",
            "No attempt was counted in this time",
        ),
        Look(9, 8, decimals=0),
        over_time(counter("parity_notifications_total", by="publisher, outcome"), "{{publisher}}: {{outcome}}"),
    )


def _pending() -> AnyPanel:
    return lines(
        Text(
            "Notices waiting and given up",
            "By publisher, notices that are still to be delivered, and those given up.",
            "Waiting ones should fall to 0 within a minute or so, outside quiet hours.",
            "No notice yet",
        ),
        Look(9, 8, decimals=0),
        over_time(gauge("parity_notifications_pending", by="publisher"), "{{publisher}}: waiting"),
        over_time(gauge("parity_notifications_failed", by="publisher"), "{{publisher}}: given up"),
    )


def _waivers() -> AnyPanel:
    return gauges(
        Text(
            "Waivers by state",
            "Active ones, those that expire soon, expired and revoked ones.",
            "Before one expires: fix what it tolerates, or renew it with a reason. Expired ones let their findings open again.",
            "No waiver",
        ),
        Look(3, 8, decimals=0, colours=look.WAIVERS),
        now(gauge("parity_waivers", by="state"), "{{state}}"),
    )


def _expiry() -> AnyPanel:
    return number(
        Text(
            "Next waiver expires",
            "When the next waiver ends; its findings open again then.",
            "`audit waivers` says which it is, and who asked for it.",
            "No waiver",
        ),
        Look(3, 8, unit="dateTimeFromNow"),
        now("1000 * max(parity_waiver_next_expiry_timestamp_seconds)"),
    )
