"""The checked-in dashboards, as tests look at them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "deploy/grafana/dashboards"
UIDS = ("parity-overview", "parity-pair", "parity-versions", "parity-auditor")


@dataclass(frozen=True, slots=True)
class Query:
    """One query of one panel. `row` is the title of the row that the panel stands in."""

    uid: str
    row: str
    panel: str
    ref: str
    expr: str
    exemplars: bool

    def __str__(self) -> str:
        return f"{self.uid} / {self.panel} / {self.ref}"


def dashboard(uid: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((FOLDER / f"{uid}.json").read_text(encoding="utf-8"))
    return content


def panels(uid: str) -> list[dict[str, Any]]:
    """All but the headings of rows."""
    return [panel for panel in dashboard(uid)["panels"] if panel["type"] != "row"]


def queries(uid: str) -> Iterator[Query]:
    row = ""
    for panel in dashboard(uid)["panels"]:
        if panel["type"] == "row":
            row = panel["title"]
        for target in panel.get("targets", []):
            yield Query(uid, row, panel["title"], target["refId"], target["expr"], target.get("exemplar", False))


def query(uid: str, panel: str, ref: str = "A") -> Query:
    """The one query. LookupError where there is none."""
    for each in queries(uid):
        if (each.panel, each.ref) == (panel, ref):
            return each
    raise LookupError(f"{uid} has no panel {panel!r} with a query {ref}")


def variables(uid: str) -> dict[str, dict[str, Any]]:
    return {variable["name"]: variable for variable in dashboard(uid)["templating"]["list"]}
