"""Weeks of deployments as folders tell them, through whole audits: what was rehearsed, how long one is behind, and age."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from auditor.config import load_config
from auditor.model import Audit, Finding, Severity
from auditor.pipeline import Tools, audit_now
from auditor.redact import Redactor
from auditor.registry import Registry
from auditor.store import Store

CONFIG = """\
environments:
  staging: {promotes_to: prod, sources: [{collector: files, path: staging}]}
  prod: {sources: [{collector: files, path: prod}]}
pairs: [{left: staging, right: prod, policies: [own]}]
policies: [./policies]
"""
OWN = """\
policy: own
extends: [default]
rules:
  - id: image-ahead
    about: Staging is ahead for a week at most
    kind: compose.service
    path: image
    expect: {max_lag: {time: 7d, side: right}}
    severity: medium
    escalate: {after: 2d, to: high}
    remediation: Promote it
  - id: schema
    about: The schema of production is at most two days ahead
    kind: env.file
    path: SCHEMA_VERSION
    expect: {max_lag: {time: 2d}}
    severity: medium
    remediation: Migrate it
"""
START = datetime(2026, 10, 1, 9, tzinfo=UTC)


class Company:
    """Two folders, a store and a clock."""

    def __init__(self, folder: Path, store: Store) -> None:
        self.folder, self.store, self.now = folder, store, START
        self.registry = Registry.load()
        self.tools = Tools(self.registry, store, Redactor(b"k" * 32), lambda: self.now)
        (folder / "policies").mkdir()
        (folder / "policies" / "own.yaml").write_text(OWN)
        (folder / "auditor.yaml").write_text(CONFIG)
        self.config = load_config(folder / "auditor.yaml", registry=self.registry, environ={})

    def runs(self, environment: str, api: str) -> None:
        path = self.folder / environment
        path.mkdir(exist_ok=True)
        (path / "compose.yaml").write_text(
            f"services:\n  api: {{image: 'acme/api:{api}'}}\n  web: {{image: 'acme/web:7.0.1'}}\n"
        )

    def audit(self, day: float) -> Audit:
        self.now = START + timedelta(days=day)
        return audit_now(self.config, "staging", "prod", self.tools)


@pytest.fixture
def company(tmp_path: Path) -> Iterator[Company]:
    with Store.open(f"sqlite:///{tmp_path / 'auditor.db'}") as store:
        yield Company(tmp_path, store)


def told(audit: Audit) -> dict[str, Finding]:
    return {finding.breach.rule.id: finding for finding in audit.findings}


def test_three_weeks_of_releases(company: Company):
    """A release is tried, stays too long, is promoted; then a hotfix goes around staging, and staging catches up."""
    company.runs("staging", "1.0.0")
    company.runs("prod", "1.0.0")
    assert not told(company.audit(0))
    company.runs("staging", "1.1.0")
    for day in (1, 2.5, 4, 5.5, 7, 8):
        assert not told(company.audit(day)), day
    (lag,) = told(company.audit(8.5)).values()
    assert (lag.breach.rule.id, lag.breach.severity) == ("image-ahead", Severity.MEDIUM)
    assert lag.breach.message.endswith("1.0.0 in prod: it has been behind for 7 days")
    assert told(company.audit(9.5))["image-ahead"].breach.severity is Severity.MEDIUM
    (old,) = told(company.audit(10.5)).values()
    assert (old.breach.severity, old.breach.escalated_from) == (Severity.HIGH, Severity.MEDIUM)
    assert company.store.events(old.breach.fingerprint)[-1].reason == (
        "open for 2 days: severity rose from medium to high"
    )
    company.runs("prod", "1.1.0")
    assert not told(company.audit(11))

    company.runs("prod", "0.9.9-hotfix")
    company.runs("staging", "1.1.0")
    found = told(company.audit(12))
    assert "promoted-unrehearsed" in found
    hotfix = found["promoted-unrehearsed"].breach
    assert (hotfix.kind, hotfix.identity, hotfix.severity) == ("deployment.component", "api", Severity.HIGH)
    assert hotfix.message == (
        "api runs 0.9.9-hotfix in prod since 2026-10-13 09:00 UTC, and no snapshot of staging since 2026-10-01 09:00 UTC"
        " shows it there: staging ran 1.1.0, 1.0.0"
    )
    assert "promoted-unrehearsed" in told(company.audit(12.5))
    company.runs("staging", "0.9.9-hotfix")
    assert not told(company.audit(13))
    kept = company.store.finding(hotfix.fingerprint)
    assert kept.status.value == "resolved"


def test_a_release_that_went_around_staging_is_found_at_once_by_its_version(company: Company):
    """The first audit already says so: no history is needed to see that production is ahead."""
    company.runs("staging", "1.0.0")
    company.runs("prod", "1.0.1")
    (found,) = told(company.audit(0)).values()
    assert (found.breach.rule.id, found.breach.severity, found.status.value) == ("image-behind", Severity.HIGH, "open")


def test_one_hotfix_is_one_group_whatever_tells_of_it(company: Company):
    """Its version is ahead and was not rehearsed: two rules, one cause; another difference of the service is not in it."""
    company.runs("staging", "1.0.0")
    company.runs("prod", "1.0.0")
    for day in (0, 1.5, 3, 4.5, 6, 7.5):
        company.audit(day)
    for environment, version in (("staging", "1.0.0"), ("prod", "1.0.1")):
        company.runs(environment, version)
        file = company.folder / environment / "compose.yaml"
        file.write_text(file.read_text().replace("}\n", f", working_dir: /srv/{version}}}\n", 1))
    found = told(company.audit(8))
    causes = {rule: finding.breach.cause for rule, finding in found.items()}
    together = "api runs 1.0.1 in prod, which was not rehearsed in staging"
    assert causes == {"image-behind": together, "promoted-unrehearsed": together, "value-differs": None}
    assert found["image-behind"].breach.cause_key == found["promoted-unrehearsed"].breach.cause_key


def test_the_lag_of_what_is_no_component_counts_from_the_stored_snapshots(company: Company):
    """Of unknown length where production never changed; else since it did, whatever else happened meanwhile."""
    for environment, version in (("staging", "1.0"), ("prod", "1.1")):
        company.runs(environment, "1.0.0")
        (company.folder / environment / "app.env").write_text(f"SCHEMA_VERSION={version}\n")
    (unknown,) = told(company.audit(0)).values()
    assert unknown.breach.message.endswith("it has been behind for an unknown time")
    (company.folder / "prod" / "app.env").write_text("SCHEMA_VERSION=1.2\n")
    assert not told(company.audit(1))
    (company.folder / "prod" / "app.env").write_text("SCHEMA_VERSION=1.2\nOTHER=1\n")
    (company.folder / "staging" / "app.env").write_text("SCHEMA_VERSION=1.0\nOTHER=1\n")
    assert not told(company.audit(2.5))
    (late,) = told(company.audit(3.5)).values()
    assert late.breach.rule.id == "schema"
    assert late.breach.message.endswith("it has been behind for 2 days")
