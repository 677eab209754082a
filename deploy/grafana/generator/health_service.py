"""The auditor itself: its copies, their processes, and the schedule."""

from __future__ import annotations

from deploy.grafana.generator import look
from deploy.grafana.generator.parts import AnyPanel, Look, Text, grid, lines, now, number, ordered, over_time, rows
from deploy.grafana.generator.promql import CHOSEN_PAIRS as CHOSEN
from deploy.grafana.generator.promql import age, counter, gauge, how_many, ours

INSTANCE = "{{instance}}"


def leaders() -> AnyPanel:
    return number(
        Text(
            "Leaders",
            "How many copies schedule and deliver. It must be exactly 1.",
            "0 for more than a minute: nobody audits; see whether the store is reachable. 2: report it with both logs.",
            "The auditor is not scraped",
        ),
        Look(3, 4, decimals=0, thresholds=look.steps(look.WORST, (1, look.GOOD), (2, look.WORST))),
        now("sum(parity_leader)"),
    )


def copies() -> AnyPanel:
    return number(
        Text(
            "Copies",
            "How many copies of the auditor are scraped.",
            "Fewer than you run: one is down, or Prometheus does not know it.",
            "The auditor is not scraped",
        ),
        Look(3, 4, decimals=0, thresholds=look.steps(look.WORST, (1, look.PLAIN))),
        now(how_many("count by (instance) (parity_build_info)")),
    )


def stores() -> AnyPanel:
    return number(
        Text(
            "Store",
            "Whether every copy could read the store at its last scrape. Without it, the gauges of pairs are missing.",
            "`/readyz` and the log say what the database answered; `audit db upgrade` where the program is newer than it.",
            "The auditor is not scraped",
        ),
        Look(
            3,
            4,
            thresholds=look.steps(look.WORST, (1, look.GOOD)),
            mappings=look.says({"1": ("readable", look.GOOD), "0": ("away", look.WORST)}),
        ),
        now("min(parity_store_up)"),
    )


def overdue() -> AnyPanel:
    due = CHOSEN.gauge("parity_schedule_last_due_timestamp_seconds")
    late = f"({age(due)} > 900) and ({due} > {CHOSEN.gauge('parity_audit_last_success_timestamp_seconds')})"
    return number(
        Text(
            "Overdue pairs",
            "Pairs whose last scheduled audit was due more than 15 minutes ago and has not finished.",
            "It hangs, fails, or waits behind others: see the durations and the outcomes below.",
            "Nothing scheduled",
        ),
        Look(3, 4, decimals=0, thresholds=look.steps(look.GOOD, (1, look.BAD))),
        now(how_many(late)),
    )


def reloads() -> AnyPanel:
    return number(
        Text(
            "Configuration",
            "Whether every copy runs with the configuration that is in its files, or one refused it and kept the old.",
            "`audit config check` says what is wrong, with file and line.",
            "The auditor is not scraped",
        ),
        Look(
            3,
            4,
            thresholds=look.steps(look.WORST, (1, look.GOOD)),
            mappings=look.says({"1": ("loaded", look.GOOD), "0": ("refused", look.WORST)}),
        ),
        now("min(parity_config_last_reload_successful)"),
    )


def next_runs() -> AnyPanel:
    panel = grid(
        Text(
            "Schedule",
            "By pair: when it runs next, when it last ran, and how many runs were missed in the chosen time.",
            "A next run in the past: no copy leads, or the audit before it still runs.",
            "No pair is scheduled",
        ),
        Look(8, 8),
        rows(f"1000 * {CHOSEN.gauge('parity_schedule_next_run_timestamp_seconds')}"),
        rows(f"1000 * {CHOSEN.gauge('parity_audit_last_success_timestamp_seconds')}"),
        rows(
            f"round({counter('parity_schedule_missed_runs_total', CHOSEN.selector, by='left, right', over='$__range')})"
        ),
        sort="Next run",
        desc=False,
    )
    ordered(panel, "left", "right", "Value #A", "Value #B", "Value #C")
    for name in ("left", "right"):
        panel.override_by_name(name, look.column(name.capitalize()))
    panel.override_by_name("Value #A", look.column("Next run", unit="dateTimeFromNow", noValue="none"))
    panel.override_by_name("Value #B", look.column("Last audit", unit="dateTimeFromNow", noValue="never"))
    return panel.override_by_name("Value #C", look.column("Missed", decimals=0, noValue="0"))


def memory() -> AnyPanel:
    return lines(
        Text(
            "Memory",
            "The resident memory of each copy.",
            "It follows the size of the largest pair and then stays flat. A line that only rises is a leak: report it.",
            "This platform does not tell",
        ),
        Look(6, 8, unit="bytes"),
        over_time(ours("process_resident_memory_bytes"), INSTANCE),
    )


def processor() -> AnyPanel:
    return lines(
        Text(
            "CPU",
            "How many processors each copy keeps busy.",
            "1 for long while audits take longer than their interval: audit less often.",
            "This platform does not tell",
        ),
        Look(6, 8, unit="short", decimals=2),
        over_time(ours("rate(process_cpu_seconds_total[$__rate_interval])"), INSTANCE),
    )


def open_files() -> AnyPanel:
    return lines(
        Text(
            "Open files",
            "Files and connections that each copy has open, as a share of what it may have.",
            "Above 80 % raise the limit (`LimitNOFILE` of the unit); if it only rises, report it.",
            "This platform does not tell",
        ),
        Look(
            6,
            8,
            unit="percentunit",
            decimals=1,
            thresholds=look.steps(look.PLAIN, (0.8, look.BAD)),
        ),
        over_time(ours("process_open_fds / process_max_fds"), INSTANCE),
    )


def scrapes() -> AnyPanel:
    return lines(
        Text(
            "Scrape duration",
            "How long Prometheus waits for the metrics of each copy. The gauges are read from the store at every scrape.",
            "Above 0.2 s: the store is slow or far away; `audit db prune` makes it smaller.",
            "The auditor is not scraped",
        ),
        Look(6, 8, unit="s", thresholds=look.steps(look.PLAIN, (0.2, look.WATCH))),
        over_time(ours("scrape_duration_seconds"), INSTANCE),
    )


def labels_capped() -> AnyPanel:
    panel = grid(
        Text(
            "Label values capped",
            "How many values of a label were too many, and are counted under `other`.",
            "Normal for components of a very large estate. The numbers stay right; the names are on the auditor's page.",
            "Nothing was capped",
        ),
        Look(12, 6),
        rows(gauge("parity_label_values_capped", by="label")),
        sort="Capped",
    )
    ordered(panel, "label", "Value")
    panel.override_by_name("label", look.column("Label"))
    return panel.override_by_name("Value", look.column("Capped", decimals=0))


def versions() -> AnyPanel:
    panel = grid(
        Text(
            "Versions",
            "The version of each copy, its Python, and how long ago it last took a new configuration.",
            "Different versions at once are fine during an upgrade, and only then.",
            "The auditor is not scraped",
        ),
        Look(12, 6),
        rows("max by (instance, version, python) (parity_build_info)"),
        rows(
            "("
            + age("max by (instance) (parity_config_last_reload_success_timestamp_seconds)")
            + ") * on (instance) group_left (version, python) max by (instance, version, python) (parity_build_info)"
        ),
    )
    ordered(panel, "instance", "version", "python", "Value #B", without=("Value #A",))
    for name in ("instance", "version"):
        panel.override_by_name(name, look.column(name.capitalize()))
    panel.override_by_name("python", look.column("Python"))
    return panel.override_by_name("Value #B", look.column("Configuration loaded", unit="s", decimals=0, noValue="–"))
