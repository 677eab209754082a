"""`python -m deploy.grafana.generator`: write the dashboards and the tables about them."""

from __future__ import annotations

from pathlib import Path

from deploy.grafana.generator.document import as_json, pages, with_tables

ROOT = Path(__file__).resolve().parents[3]


def main() -> None:
    for page in pages():
        (ROOT / "deploy/grafana/dashboards" / f"{page.uid}.json").write_text(as_json(page), encoding="utf-8")
    document = ROOT / "docs/dashboards.md"
    document.write_text(with_tables(document.read_text(encoding="utf-8")), encoding="utf-8")


main()
