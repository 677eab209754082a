"""What is deployed where, and how far environments are apart."""

from __future__ import annotations

from deploy.grafana.generator import look
from deploy.grafana.generator.frame import Page, Row, auditor_url, datasource, environment
from deploy.grafana.generator.parts import (
    AnyPanel,
    Look,
    Text,
    bars,
    coloured_cells,
    gauges,
    grid,
    lines,
    matrix,
    now,
    number,
    ordered,
    over_time,
    rows,
)
from deploy.grafana.generator.promql import ENVIRONMENT, age, gauge, how_many

VERSIONS = gauge("parity_deployed_version_info", ENVIRONMENT, by="environment, component, version")
PLACES = f"count by (component, environment) ({VERSIONS})"
DEPLOYED = gauge("parity_component_deployed_timestamp_seconds", ENVIRONMENT, by="environment, component")
DIFFERING = f"count by (component) (count by (component, version) ({VERSIONS})) > 1"
# Of those environments of which any component is known: one without a source of versions misses nothing.
PARTIAL = f"count by (component) ({PLACES}) < scalar(count(count by (environment) ({VERSIONS})))"
SEVERAL = f"{PLACES} > 1"
LAG = f"(max by (component) ({DEPLOYED}) - min by (component) ({DEPLOYED})) and on (component) ({DIFFERING})"


def page() -> Page:
    return Page(
        uid="parity-versions",
        title="Parity: deployed versions",
        answers="Which version of each component runs in which environment, which ones differ, and how long an "
        "environment has been waiting for what another already runs.",
        since="now-7d",
        variables=[datasource(), environment(), auditor_url()],
        rows=[
            Row("Now", [*_numbers(), _everything(), _differing()]),
            Row("Age of what is deployed", [_deployed(), _lag(), _partial()]),
            Row("Over time", [_over_time(), _deployments()]),
        ],
    )


def _numbers() -> list[AnyPanel]:
    def count(title: str, series: str, shows: str, do: str, colour: str) -> AnyPanel:
        look_ = Look(6, 4, decimals=0, thresholds=look.none_is_plain(colour))
        return number(Text(title, shows, do), look_, now(how_many(series)))

    return [
        count(
            "Components",
            f"count by (component) ({VERSIONS})",
            "Components whose version is known in at least one of the chosen environments.",
            "One is missing: its source says no version; see docs/collectors.md for what is read.",
            look.PLAIN,
        ),
        count(
            "Versions differ",
            DIFFERING,
            "Components of which the chosen environments run more than one version.",
            "The table beside *Every component* names them: promote, roll back, or wait for the rollout.",
            look.WATCH,
        ),
        count(
            "Not everywhere",
            PARTIAL,
            "Components that run in some of the chosen environments and are not known in others.",
            "Either it was never deployed there, or it could not be read: the overview shows the gaps.",
            look.WATCH,
        ),
        count(
            "Several at once",
            SEVERAL,
            "Components that run in more than one version within one environment.",
            "During a rollout that is normal; if it stays, a rollout is stuck. The tables show one of the versions only.",
            look.BAD,
        ),
    ]


def _table(text: Text, query: str) -> AnyPanel:
    panel = grid(text, Look(12, 11, mappings=look.empty_says("not seen", look.UNSEEN)), rows(query))
    return ordered(matrix(panel, row="component", column="environment", value="version"), "component\\environment")


def _everything() -> AnyPanel:
    return _table(
        Text(
            "Every component",
            "The version of each component (rows) in each chosen environment (columns), as the last snapshots show it.",
            "*Not seen* is not *not deployed* where the environment has gaps: the overview shows them.",
            "No version is known: no source says one, or nothing was read yet",
        ),
        VERSIONS,
    )


def _differing() -> AnyPanel:
    return _table(
        Text(
            "Components whose versions differ",
            "As beside, but only components of which the chosen environments run more than one version.",
            "What staging runs ahead is to be promoted; what it runs behind makes its tests say little.",
            "Every component that was seen has one version only",
        ),
        f"{VERSIONS} and on (component) ({DIFFERING})",
    )


def _deployed() -> AnyPanel:
    panel = grid(
        Text(
            "Time since deployment",
            "How long ago each component (rows) was deployed in each environment (columns), where the source says so.",
            "Compare the columns: a component that is months older on one side is forgotten there.",
            "No source says when it was deployed",
        ),
        Look(12, 10, unit="s", decimals=1, mappings=look.empty_says("not told", look.UNSEEN)),
        rows(age(DEPLOYED)),
    )
    return ordered(matrix(panel, row="component", column="environment", value="Value"), "component\\environment")


def _lag() -> AnyPanel:
    thresholds = look.steps(look.PLAIN, (look.DAY, look.WATCH), (7 * look.DAY, look.BAD), (30 * look.DAY, look.WORST))
    return gauges(
        Text(
            "Lag",
            "Of components whose versions differ: the time between the oldest and the newest deployment among the chosen "
            "environments. Yellow after a day, orange after a week, red after a month.",
            "A long bar is a promotion that was forgotten or given up.",
            "No versions differ where deployment times are told",
        ),
        Look(6, 10, unit="s", decimals=1, thresholds=thresholds),
        now(f"sort_desc({LAG})", "{{component}}"),
    )


def _partial() -> AnyPanel:
    panel = grid(
        Text(
            "Components that are not everywhere",
            "In how many of the chosen environments each component was seen, where that is not all of them.",
            "Look it up in *Every component*: the empty cell says where it is missing.",
            "Every component was seen in every chosen environment",
        ),
        Look(6, 10, decimals=0),
        rows(PARTIAL),
        sort="Environments",
        desc=False,
    )
    ordered(panel, "component", "Value")
    panel.override_by_name("component", look.column("Component"))
    return panel.override_by_name("Value", look.column("Environments", custom_cellOptions=coloured_cells()))


def _over_time() -> AnyPanel:
    return lines(
        Text(
            "Components apart, over time",
            "How many components run in different versions, and how many are not everywhere.",
            "It should rise with a release to the first environment and fall with its promotion. A line that only rises is lag.",
            "No version is known",
        ),
        Look(12, 8, decimals=0),
        over_time(how_many(DIFFERING), "versions differ"),
        over_time(how_many(PARTIAL), "not everywhere"),
    )


def _deployments() -> AnyPanel:
    changes = f"changes(parity_component_deployed_timestamp_seconds{{{ENVIRONMENT}}}[$__rate_interval])"
    return bars(
        Text(
            "Deployments seen",
            "How often a component's deployment time changed, by environment. Two deployments between two snapshots are one here.",
            "An environment without bars while others have them is not being promoted to.",
            "No source says when it was deployed",
        ),
        Look(12, 8, decimals=0),
        over_time(f"sum by (environment) (max by (environment, component) ({changes}))", "{{environment}}"),
    )
