"""The dashboards as JSON, and the tables about them in docs/dashboards.md."""

from __future__ import annotations

import json
from typing import Any

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from deploy.grafana.generator import health, overview, pair, versions
from deploy.grafana.generator.frame import Page, dashboard

BEGIN = "<!-- panels: written by `make dashboards` -->"
END = "<!-- end of panels -->"


def pages() -> tuple[Page, ...]:
    return (overview.page(), pair.page(), versions.page(), health.page())


def as_json(page: Page) -> str:
    """What Grafana reads: sorted keys, two spaces, one newline at the end."""
    return json.dumps(dashboard(page), cls=JSONEncoder, sort_keys=True, indent=2, ensure_ascii=False) + "\n"


def with_tables(document: str) -> str:
    """The document with what stands between its marks written anew. ValueError where there are no such marks."""
    before, begin, rest = document.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"docs/dashboards.md needs the lines {BEGIN} and {END}: put them where the tables belong")
    return before + BEGIN + "\n\n" + "\n".join(_section(page) for page in pages()) + "\n" + END + after


def _section(page: Page) -> str:
    content = json.loads(as_json(page))
    lines = [f"## {page.title} (`{page.uid}`)", "", page.answers, ""]
    lines += ["| panel | shows | what to do |", "|---|---|---|"]
    lines += [_line(panel) for panel in content["panels"]]
    return "\n".join(lines) + "\n"


def _line(panel: dict[str, Any]) -> str:
    if panel["type"] == "row":
        return f"| **{panel['title']}** | | |"
    shows, _, do = panel["description"].partition("\n\n")
    return f"| {panel['title']} | {shows} | {do} |"
