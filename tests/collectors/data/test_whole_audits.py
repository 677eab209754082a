"""Whole audits of a shop's database: a copy of production is told, an anonymised one passes, and no value is written."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.collectors.data import shops
from tests.collectors.data.conftest import Server
from tests.e2e.leaks import contents, run_logged

REPORTS = ("table", "markdown", "junit", "html")
FOUND = {
    ("data.column", "audit_log.detail", "emails", "high"),
    ("data.column", "audit_log.detail", "values-of-production", "critical"),
    ("data.column", "customers.email", "emails", "high"),
    ("data.column", "customers.email", "values-of-production", "critical"),
    ("data.column", "customers.last_name", "people-of-production", "critical"),
    ("data.column", "customers.notes", "texts-of-production", "low"),
    ("data.column", "customers.password_hash", "values-of-production", "critical"),
    ("data.column", "customers.phone", "phones", "high"),
    ("data.column", "customers.phone", "values-of-production", "critical"),
    ("data.column", "customers.street", "values-of-production", "critical"),
    ("data.column", "employees.ssn", "national-ids", "critical"),
    ("data.column", "employees.ssn", "values-of-production", "critical"),
    ("data.column", "payment_methods.card_number", "cards", "critical"),
    ("data.column", "payment_methods.card_number", "values-of-production", "critical"),
    ("data.column", "payment_methods.holder_name", "people-of-production", "critical"),
    ("data.column", "payment_methods.iban", "ibans", "high"),
    ("data.column", "payment_methods.iban", "values-of-production", "critical"),
    ("data.column", "sessions.access_token", "sessions-live", "medium"),
    ("data.column", "sessions.access_token", "values-of-production", "critical"),
    ("data.column", "visits.client_ip", "addresses-of-visitors", "medium"),
    ("data.table", "audit_log", "history-kept-too-long", "medium"),
    ("data.table", "payment_methods", "payment-tables-empty", "high"),
}


@dataclass(frozen=True)
class Audited:
    """What one audit of a staging against production left behind."""

    folder: Path
    report: dict[str, Any]
    printed: dict[str, str]

    @property
    def findings(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.report["findings"]
        return found


def audited(
    server: Server,
    folder: Path,
    sources: dict[str, str],
    patch: pytest.MonkeyPatch,
    *more: str,
    policies: str = "default, data-safety",
) -> Audited:
    """Audit staging against production, each with one database called `shop`."""
    lines = [
        f"  {name}: {{sources: [{{collector: data, name: shop, url: '{server.url_of(database)}'}}]}}\n"
        for name, database in sources.items()
    ]
    file = folder / "auditor.yaml"
    file.write_text(f"environments:\n{''.join(lines)}pairs: [{{left: staging, right: prod, policies: [{policies}]}}]\n")
    patch.setenv("AUDITOR_CONFIG", str(file))
    printed = {name: run_logged("now", "staging", "prod", "--format", name) for name in ("json", *more)}
    report = json.loads(printed["json"].partition("\0")[0])
    if "table" in more:
        printed["snapshot"] = run_logged("snapshot", "staging", "--format", "json")
        for number, finding in enumerate(report["findings"][:1]):
            printed[f"explain {number}"] = run_logged("explain", finding["fingerprint"])
    return Audited(folder, report, printed)


def test_a_copy_of_production_is_told_and_nobodys_data_is_written_anywhere(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exactly the planted data is found, in staging alone; no planted value is in a report, a log or the store."""
    prod, staging = server.database(shops.real()), server.database(shops.real())
    reports = REPORTS if server.engine == "postgresql" else ("table",)
    policies = "default, data-safety" if server.engine == "postgresql" else "data-safety, default"
    databases = {"staging": staging, "prod": prod}
    found = audited(server, tmp_path, databases, monkeypatch, *reports, policies=policies)
    assert found.report["audit"]["outcome"] == "complete"
    where = "shop.public." if server.engine == "postgresql" else "shop."
    told = {
        (each["kind"], each["resource"].removeprefix(where), each["rule"], each["severity"]) for each in found.findings
    }
    assert {(kind, place, rule.rpartition("/")[2], severity) for kind, place, rule, severity in told} == FOUND
    emails = next(
        each for each in found.findings if each["resource"] == f"{where}customers.email" and each["path"] == ["holds"]
    )
    assert emails["message"].endswith(f"48 of 48 sampled values stand in prod's {where}customers.email, too")
    texts = [(what, value) for what, text in found.printed.items() for value in shops.canaries() if value in text]
    assert texts == []
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert any(path.name == "auditor.db" for path in files)
    assert [
        (path.name, value) for path in files for value in shops.canaries() if value.encode() in path.read_bytes()
    ] == []
    stored = list(contents(tmp_path / "auditor.db"))
    assert any(table.endswith("unpacked") and b"customers.email" in data for table, data in stored)
    assert [(table, value) for table, data in stored for value in shops.canaries() if value.encode() in data] == []


def test_an_anonymised_copy_passes(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not one finding, whichever packs are read with it; production's own data is production's business."""
    databases = {"staging": server.database(shops.anonymised()), "prod": server.database(shops.real())}
    orders = ("data-safety", "strict, data-safety")
    for policies in orders if server.engine == "postgresql" else orders[:1]:
        found = audited(server, tmp_path, databases, monkeypatch, policies=policies)
        assert (found.findings, found.report["audit"]["outcome"]) == ([], "complete"), policies
    assert found.report["coverage"]["resources"]["matched"] > 25
