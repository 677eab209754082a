"""The checked-in dashboards are what the generator writes, what Grafana reads, and readable."""

from __future__ import annotations

import itertools
import json
import re
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator

from auditor.model import Severity, Status
from auditor.notices import Happening
from auditor.publish.prometheus.catalogue import METRICS, OF_THE_PROCESS, OF_THE_STORE, Type
from auditor.publish.prometheus.meters import AUDIT_OUTCOMES
from auditor.waivers import WaiverState
from collectors._meter import DENIED, ERROR, OK, THROTTLED
from deploy.grafana.generator import look
from deploy.grafana.generator.document import as_json, pages, with_tables
from deploy.grafana.generator.frame import PAIRS
from tests.grafana.dashboards import FOLDER, ROOT, UIDS, dashboard, panels, queries, variables

SCHEMA = json.loads((ROOT / "tests/grafana/dashboard.schema.json").read_text(encoding="utf-8"))
each = pytest.mark.parametrize("uid", UIDS)
# What Prometheus itself and its client library export.
NOT_OURS = {
    "process_resident_memory_bytes",
    "process_cpu_seconds_total",
    "process_open_fds",
    "process_max_fds",
    "scrape_duration_seconds",
}


def complaints(content: dict[str, Any]) -> list[str]:
    """What Grafana's schema has against a dashboard, with the deepest reason of each."""
    found = []
    for error in Draft7Validator(SCHEMA).iter_errors(content):
        deepest = max(error.context or [error], key=lambda one: len(one.absolute_path))
        found.append(f"{list(deepest.absolute_path)}: {deepest.message[:200]}")
    return found


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.uid)
def test_the_files_are_what_the_generator_writes(page: Any) -> None:
    """Byte for byte; `make dashboards` makes it so again."""
    assert (FOLDER / f"{page.uid}.json").read_text(encoding="utf-8") == as_json(page)


def test_there_are_the_four_dashboards_and_no_other() -> None:
    """A dashboard that the generator no longer writes does not stay behind."""
    assert sorted(file.stem for file in FOLDER.iterdir()) == sorted(UIDS)
    assert [page.uid for page in pages()] == list(UIDS)


def test_the_document_lists_every_panel() -> None:
    """The tables of docs/dashboards.md are made of the panels themselves; `make dashboards` makes it so again."""
    document = (ROOT / "docs/dashboards.md").read_text(encoding="utf-8")
    assert with_tables(document) == document
    for uid in UIDS:
        for panel in panels(uid):
            assert f"| {panel['title']} | " in document


def test_a_document_without_the_marks_is_refused() -> None:
    """The generator says what is missing, rather than losing the tables."""
    with pytest.raises(ValueError, match="needs the lines"):
        with_tables("# Dashboards\n")


@each
def test_grafana_reads_it(uid: str) -> None:
    """The dashboard, its panels' options and its queries are as Grafana's own types say."""
    assert complaints(dashboard(uid)) == []


@pytest.mark.parametrize(
    "path",
    [("refresh",), ("panels", 1, "options", "textMode"), ("panels", 1, "targets", 0, "expr"), ("panels", 1, "type")],
)
def test_the_schema_is_strict(path: tuple[str | int, ...]) -> None:
    """A misspelt key is refused at every depth, or the test above would say nothing."""
    content = dashboard("parity-overview")
    node: Any = content
    for step in path[:-1]:
        node = node[step]
    node[f"{path[-1]}s"] = node.pop(path[-1])
    assert complaints(content)


@each
def test_panels_do_not_overlap_and_fill_the_width(uid: str) -> None:
    """24 columns, no two panels in one place, no line of panels with a hole at its end."""
    taken: dict[tuple[int, int], str] = {}
    for panel in dashboard(uid)["panels"]:
        at = panel["gridPos"]
        assert at["x"] >= 0
        assert at["x"] + at["w"] <= 24, panel["title"]
        for cell in itertools.product(range(at["x"], at["x"] + at["w"]), range(at["y"], at["y"] + at["h"])):
            assert cell not in taken, f"{panel['title']} lies on {taken[cell]}"
            taken[cell] = panel["title"]
    lines = {y for _, y in taken}
    assert lines == set(range(max(lines) + 1))
    assert all(len([x for x, line in taken if line == y]) == 24 for y in lines)


@each
def test_numbers_and_titles_are_given_once(uid: str) -> None:
    """Links to a panel by its number stay right, and a title names one panel."""
    content = dashboard(uid)
    numbers = [panel["id"] for panel in content["panels"]]
    titles = [panel["title"] for panel in content["panels"]]
    assert numbers == list(range(1, len(numbers) + 1))
    assert sorted(set(titles)) == sorted(titles)


@each
def test_every_panel_says_what_it_shows_and_what_to_do(uid: str) -> None:
    """A description of both, a unit, and words for no data; a title that fits its panel."""
    for panel in panels(uid):
        defaults = panel["fieldConfig"]["defaults"]
        shows, _, do = panel["description"].partition("\n\n")
        assert shows.endswith("."), panel["title"]
        assert do.endswith("."), panel["title"]
        assert defaults["unit"], panel["title"]
        assert defaults["noValue"], panel["title"]
        assert defaults["thresholds"]["steps"][0]["value"] is None, panel["title"]
        # About 60 pixels a column at 1440, seven a letter.
        assert len(panel["title"]) * 7 <= panel["gridPos"]["w"] * 58, panel["title"]


@each
def test_only_the_chosen_data_source_is_asked(uid: str) -> None:
    """No data source of one installation is written into a panel, query, variable or annotation."""
    content = dashboard(uid)
    chosen = {"type": "prometheus", "uid": "${datasource}"}
    asking = [
        *panels(uid),
        *(target for panel in panels(uid) for target in panel["targets"]),
        *(one for one in content["templating"]["list"] if one["type"] == "query"),
        *content["annotations"]["list"],
    ]
    assert all(one["datasource"] == chosen for one in asking)


@each
def test_the_frame_is_as_promised(uid: str) -> None:
    """Browser time, a refresh each minute, a tag, links to the others that keep variables and time."""
    content = dashboard(uid)
    assert (content["uid"], content["timezone"], content["refresh"], content["tags"]) == (
        uid,
        "browser",
        "1m",
        ["parity"],
    )
    others = next(link for link in content["links"] if link["type"] == "dashboards")
    assert (others["tags"], others["includeVars"], others["keepTime"]) == (["parity"], True, True)
    assert variables(uid)["auditor_url"]["query"] == "http://localhost:9464"


@each
def test_every_variable_that_is_used_is_there(uid: str) -> None:
    """In queries, titles and links; Grafana's own begin with two underscores."""
    content = dashboard(uid)
    text = json.dumps([content["panels"], content["templating"], content["links"]])
    used = set(re.findall(r"\$\{?([a-z]\w*)", text))
    assert used <= set(variables(uid))
    unused = set(variables(uid)) - used
    assert not unused


@each
def test_overrides_set_what_there_is_to_set(uid: str) -> None:
    """Grafana passes over a property that it does not know, so its schema does not tell: these are of the same names."""
    for panel in panels(uid):
        defaults = _part(_branch(panel["type"]), "fieldConfig", "defaults")
        known = set(defaults) | {f"custom.{name}" for name in _part(defaults, "custom")}
        for override in panel["fieldConfig"]["overrides"]:
            assert {one["id"] for one in override["properties"]} <= known, panel["title"]


def _branch(kind: str) -> dict[str, Any]:
    """What the schema says of a panel of this type."""
    choices = _resolved(_resolved(SCHEMA["properties"]["panels"])["items"])["anyOf"]
    found = (_resolved(choice)["properties"] for choice in choices)
    return next(one for one in found if one["type"].get("const") == kind)


def _part(properties: dict[str, Any], *names: str) -> dict[str, Any]:
    for name in names:
        properties = _resolved(properties[name]).get("properties", {})
    return properties


def _resolved(schema: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in schema:
        schema = SCHEMA["definitions"][schema["$ref"].rpartition("/")[2]]
    return schema


def test_links_lead_to_dashboards_that_there_are() -> None:
    """And hand on variables that the other dashboard has."""
    text = "".join(json.dumps(dashboard(uid)) for uid in UIDS)
    found = re.findall(r"/d/([a-z-]+)\?([^\"]*)", text)
    assert found
    for uid, given in found:
        assert uid in UIDS
        assert set(re.findall(r"var-(\w+)=", given)) <= set(variables(uid))


@each
def test_only_metrics_that_the_auditor_exports_are_asked_for(uid: str) -> None:
    """Every name in every query is in the catalogue, or Prometheus' own."""
    known = {metric.name for metric in METRICS if metric.type is not Type.HISTOGRAM} | NOT_OURS
    known |= {f"{metric.name}_bucket" for metric in METRICS if metric.type is Type.HISTOGRAM}
    for query in queries(uid):
        named = set(re.findall(r"\b(?:parity|process|scrape)_\w+", query.expr))
        assert named
        assert named <= known, str(query)


@each
def test_copies_are_counted_once(uid: str) -> None:
    """What the store knows is taken by `max` or `min` over the copies that export it; what each counts is added up."""
    stored = "|".join(metric.name for metric in OF_THE_STORE)
    counted = "|".join(metric.name for metric in OF_THE_PROCESS if metric.type in {Type.COUNTER, Type.HISTOGRAM})
    for query in queries(uid):
        for found in re.finditer(rf"\b({stored})\b", query.expr):
            before = query.expr[: found.start()]
            assert re.search(r"\b(max|min)( by \([\w, ]+\))? ?\((changes\()?$", before), f"{query}: {found[0]}"
        for name in re.findall(rf"\b(?:{counted})(?:_bucket)?\b", query.expr):
            added = rf"sum( by \([\w, ]+\))? ?\((increase|rate)\({name}"
            known = rf"max by \(left, right\) \({PAIRS}"
            assert len(re.findall(f"{added}|{known}", query.expr)) == query.expr.count(name), f"{query}: {name}"


def test_every_metric_is_on_some_dashboard() -> None:
    """What is exported and never looked at is either missing from a panel or not worth exporting."""
    text = "".join(query.expr for uid in UIDS for query in queries(uid))
    # `parity_resources` is for those who ask; the number of resources alone says nothing about parity.
    unseen = {metric.name for metric in METRICS if metric.name not in text} - {"parity_resources"}
    assert unseen == {"parity_snapshot_timestamp_seconds"}


def test_one_colour_means_unseen_and_nothing_else() -> None:
    """Coverage below 1 is purple, and no severity, status or good news is."""
    meanings = (look.SEVERITIES, look.STATUSES, look.HAPPENINGS, look.ANSWERS, look.WAIVERS)
    assert all(look.UNSEEN not in colours.values() for colours in meanings)
    steps = [(step.value, step.color) for step in look.coverage().build().steps]
    assert steps == [(None, "purple"), (1, "green")]
    assert [(step.value, step.color) for step in look.score().build().steps][-1] == (0.95, "green")


def test_a_score_that_may_be_green_is_of_complete_audits_only() -> None:
    """Every panel that colours a score by thresholds asks for complete pairs, and paints the others purple."""
    coloured = 0
    for uid in UIDS:
        for panel in panels(uid):
            for target in panel["targets"]:
                if "parity_score_ratio" not in target["expr"]:
                    continue
                assert re.search(r"parity_coverage_ratio\{[^}]*\}\) (>= 1|< 1)", target["expr"]), panel["title"]
                if " < 1" in target["expr"]:
                    coloured += 1
                    assert "purple" in _paint(panel, target["refId"]), panel["title"]
    assert coloured == 4


def _paint(panel: dict[str, Any], ref: str) -> str:
    """The overrides of one query's values, as text."""
    named = {"byFrameRefID": ref, "byName": f"Value #{ref}"}
    overrides = panel["fieldConfig"]["overrides"]
    return json.dumps([one for one in overrides if named.get(one["matcher"]["id"]) == one["matcher"].get("options")])


def test_the_words_are_the_model_s() -> None:
    """A new severity, status, happening or state of waivers gets a colour; a severity a choice as well."""
    assert list(look.SEVERITIES) == list(Severity)
    assert set(look.STATUSES) == set(Status) - {Status.RESOLVED}
    assert set(look.HAPPENINGS) == set(Happening)
    assert set(look.WAIVERS) == set(WaiverState)
    assert set(look.OUTCOMES) == set(AUDIT_OUTCOMES)
    assert set(look.ANSWERS) == {OK, THROTTLED, DENIED, ERROR}
    assert variables("parity-overview")["severity"]["query"] == ",".join(Severity)


def test_what_compose_provisions_fits_together() -> None:
    """The folder that the provider reads is where compose puts the dashboards, and the data source asks its Prometheus."""
    provisioning = ROOT / "deploy/grafana/provisioning"
    source = yaml.safe_load((provisioning / "datasources/prometheus.yaml").read_text())["datasources"][0]
    provider = yaml.safe_load((provisioning / "dashboards/parity.yaml").read_text())["providers"][0]
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    mounted = {
        volume["source"]: volume["target"] for volume in compose["grafana"]["volumes"] if isinstance(volume, dict)
    }
    scrape = yaml.safe_load((ROOT / "deploy/compose/prometheus.yaml").read_text())["global"]["scrape_interval"]
    assert (source["uid"], source["url"]) == ("parity-prometheus", "http://prometheus:9090")
    assert "prometheus" in compose
    assert mounted["./deploy/grafana/dashboards"] == provider["options"]["path"]
    assert mounted["./deploy/grafana/provisioning"] == "/etc/grafana/provisioning"
    assert source["jsonData"]["timeInterval"] == scrape
    version = compose["grafana"]["image"].partition(":")[2]
    assert version.startswith("11.6")
