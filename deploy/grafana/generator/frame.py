"""What surrounds the panels: variables, links, time, rows, and the numbers that Grafana knows the panels by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models import dashboard as model

from auditor.model import Severity
from deploy.grafana.generator.parts import DATASOURCE, AnyPanel

TAG = "parity"
# Every configured pair and environment has these from the start, audited or not.
PAIRS = "parity_audits_total"
ENVIRONMENTS = '{__name__=~"parity_(snapshot_timestamp_seconds|collector_errors_total)"}'


@dataclass(frozen=True, slots=True)
class Row:
    title: str
    panels: Sequence[AnyPanel]


@dataclass(frozen=True, slots=True)
class Page:
    """One dashboard. `answers` is its description; `since` the time that it shows at first."""

    uid: str
    title: str
    answers: str
    since: str
    variables: Sequence[Builder[model.VariableModel]]
    rows: Sequence[Row]


@dataclass(frozen=True, slots=True)
class _Lean(Builder[model.VariableModel]):
    """A variable without the settings of intervals, which the builder writes into every variable."""

    variable: Builder[model.VariableModel]

    def build(self) -> model.VariableModel:
        built = self.variable.build()
        built.auto = built.auto_min = built.auto_count = None
        return built


def dashboard(page: Page) -> model.Dashboard:
    built = (
        build.Dashboard(page.title)
        .uid(page.uid)
        .description(page.answers)
        .tags([TAG])
        .timezone("browser")
        .time(page.since, "now")
        .refresh("1m")
        .tooltip(model.DashboardCursorSync.CROSSHAIR)
        .editable()
        .links([_others(), _page()])
        .annotation(_alerts())
    )
    for variable in page.variables:
        built.with_variable(_Lean(variable))
    number = 0
    for row in page.rows:
        number += 1
        built.with_row(build.Row(row.title).id(number))
        for panel in row.panels:
            number += 1
            built.with_panel(panel.id(number))
    return built.build()


def datasource() -> build.DatasourceVariable:
    about = "The Prometheus that scrapes the auditor"
    return build.DatasourceVariable("datasource").label("Data source").description(about).type("prometheus")


def auditor_url() -> build.TextBoxVariable:
    """Grafana cannot know where people reach the auditor's page."""
    default = "http://localhost:9464"
    return (
        build.TextBoxVariable("auditor_url")
        .label("Auditor's page")
        .description("Where the auditor's page is, as your browser reaches it; links to findings start with it")
        .default_value(default)
        .current(model.VariableOption(text=default, value=default))
    )


def left(*, several: bool) -> build.QueryVariable:
    about = "The first environment of a pair: the one that is meant to match"
    return _labels("left", "Left", about, f"label_values({PAIRS}, left)", several=several)


def right(*, several: bool) -> build.QueryVariable:
    about = "The second environment of a pair: the one to be matched"
    chosen = 'left=~"$left"' if several else 'left="$left"'
    return _labels("right", "Right", about, f"label_values({PAIRS}{{{chosen}}}, right)", several=several)


def environment() -> build.QueryVariable:
    return _labels(
        "environment",
        "Environment",
        "A configured environment",
        f"label_values({ENVIRONMENTS}, environment)",
        several=True,
    )


def severity() -> build.CustomVariable:
    return (
        build.CustomVariable("severity")
        .label("Severity")
        .description("How much a finding matters")
        .values(",".join(Severity))
        .multi(True)
        .include_all(True)
        .all_value(".*")
        .current(_all())
    )


def to_page(title: str, path: str) -> build.DashboardLink:
    """A link to the auditor's own page."""
    return build.DashboardLink(title).url(f"${{auditor_url:raw}}{path}").target_blank(True)


def to_dashboard(title: str, uid: str, variables: str) -> build.DashboardLink:
    """A link to another dashboard, for the same data source, page and time."""
    kept = "${datasource:queryparam}&${auditor_url:queryparam}&${__url_time_range}"
    return build.DashboardLink(title).url(f"/d/{uid}?{variables}&{kept}")


def cell_links(*links: build.DashboardLink) -> list[dict[str, object]]:
    """Links as the value of a column's `links`."""
    made = [link.build() for link in links]
    return [{"title": one.title, "url": one.url, "targetBlank": one.target_blank} for one in made]


def _labels(name: str, label: str, about: str, query: str, *, several: bool) -> build.QueryVariable:
    variable = (
        build.QueryVariable(name)
        .label(label)
        .description(about)
        .datasource(DATASOURCE)
        .query({"query": query, "refId": "PrometheusVariableQueryEditor-VariableQuery", "qryType": 1})
        .refresh(model.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(model.VariableSort.ALPHABETICAL_ASC)
        .multi(several)
        .include_all(several)
    )
    return variable.all_value(".*").current(_all()) if several else variable


def _all() -> model.VariableOption:
    return model.VariableOption(text=["All"], value=["$__all"])


def _others() -> build.DashboardLink:
    return (
        build.DashboardLink("Parity dashboards")
        .type(model.DashboardLinkType.DASHBOARDS)
        .tags([TAG])
        .include_vars(True)
        .keep_time(True)
    )


def _page() -> build.DashboardLink:
    about = "Findings with their evidence, and what to do about each"
    link = build.DashboardLink("Auditor's page").type(model.DashboardLinkType.LINK).icon("external link")
    return link.tooltip(about).url("${auditor_url:raw}").target_blank(True)


def _alerts() -> build.AnnotationQuery:
    return (
        build.AnnotationQuery()
        .name("Alerts of the auditor")
        .datasource(DATASOURCE)
        .enable(True)
        .icon_color("red")
        .expr('ALERTS{alertname=~"Parity.+", alertstate="firing"}')
    )
