"""The table of pairs: a row for each configured one, as its last audit left it."""

from __future__ import annotations

from typing import Any

from grafana_foundation_sdk.builders import table

from auditor.model import Severity
from deploy.grafana.generator import look
from deploy.grafana.generator.frame import (
    PAIRS,
    cell_links,
    to_dashboard,
    to_page,
)
from deploy.grafana.generator.parts import (
    Look,
    Text,
    coloured_cells,
    filled_cells,
    grid,
    ordered,
    rows,
)
from deploy.grafana.generator.promql import CHOSEN_PAIRS as CHOSEN
from deploy.grafana.generator.promql import OPEN, age, down

KNOWN = CHOSEN.gauge(PAIRS)
_OF_ROW = "var-left=${__data.fields.left}&var-right=${__data.fields.right}"


def pairs() -> table.Panel:
    """A row for each configured pair. A pair that was not fully observed has no score that could be green."""
    queries = [
        KNOWN,
        f"{down(CHOSEN.score())} and {CHOSEN.complete()}",
        f"{down(CHOSEN.score())} and {CHOSEN.incomplete()}",
        down(CHOSEN.coverage()),
        *(CHOSEN.counted(CHOSEN.findings(f'severity="{each}"', OPEN)) for each in Severity),
        CHOSEN.gauge("parity_findings_flapping"),
        age(CHOSEN.gauge("parity_finding_oldest_open_timestamp_seconds")),
        f"1000 * {CHOSEN.gauge('parity_audit_last_success_timestamp_seconds')}",
        f"1000 * {CHOSEN.gauge('parity_audit_last_complete_timestamp_seconds')}",
    ]
    panel = grid(
        Text(
            "Pairs",
            "Each pair as its last audit left it. The score is shown only where everything was observed; else it says "
            "*incomplete*, and the score of what was seen stands beside it, in purple. A `?` in place of a number: never audited.",
            "Follow a pair's name to its dashboard, or a number of findings to the findings themselves.",
            "No pair is configured, or the auditor is not scraped",
        ),
        Look(24, 9),
        *(rows(query) for query in queries),
        sort="Critical",
    )
    ordered(panel, "left", "right", *(f"Value #{letter}" for letter in "BCDEFGHIJKLM"), without=("Value #A",))
    pair = to_dashboard("Dashboard of this pair", "parity-pair", _OF_ROW)
    for name in ("left", "right"):
        panel.override_by_name(name, look.column(name.capitalize(), links=cell_links(pair)))
    for name, column in _columns().items():
        panel.override_by_name(f"Value #{name}", column)
    return panel


def _columns() -> dict[str, list[Any]]:
    found = cell_links(to_page("Findings of this pair", "/pairs/${__data.fields.left}/${__data.fields.right}"))
    share = {"unit": "percentunit", "decimals": 1, "custom_cellOptions": filled_cells()}
    ago = {"unit": "dateTimeFromNow"}
    return {
        "B": look.column(
            "Score",
            **share,
            thresholds=look.score().build(),
            mappings=look.empty_says("incomplete", look.UNSEEN),
        ),
        "C": look.column("Score of what was seen", **share, thresholds=look.steps(look.UNSEEN).build(), noValue="–"),
        "D": look.column(
            "Coverage",
            **share,
            thresholds=look.coverage().build(),
            mappings=look.empty_says("never audited", look.UNSEEN),
        ),
        **{
            letter: look.column(
                each.capitalize(),
                thresholds=look.none_is_plain(look.SEVERITIES[each]).build(),
                custom_cellOptions=coloured_cells(),
                links=found,
                noValue="?",
            )
            for letter, each in zip("EFGHI", Severity, strict=True)
        },
        "J": look.column(
            "Flapping",
            thresholds=look.none_is_plain(look.WATCH).build(),
            custom_cellOptions=coloured_cells(),
            noValue="?",
        ),
        "K": look.column(
            "Oldest open",
            unit="s",
            decimals=1,
            thresholds=look.finding_age().build(),
            custom_cellOptions=coloured_cells(),
            noValue="–",
        ),
        "L": look.column("Last audit", **ago, noValue="never"),
        "M": look.column("Last complete audit", **ago, noValue="never"),
    }
