"""Who moved it, from the change to the report: a stand-in of AWS, one of CloudTrail, and the command in between."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.collectors.aws.reading import client, moto
from tests.e2e.conftest import Run
from tests.standins import trail_records as made
from tests.standins.cloudtrail import DENIED, Trail, cloudtrail

STAGING, PROD = "111111111111", "222222222222"
REGION = "eu-west-1"
CONFIG = """\
environments:
  staging: {sources: [{collector: aws, role_arn: "arn:aws:iam::111111111111:role/Auditor", regions: [eu-west-1],
    services: [rds, ssm]}]}
  prod: {sources: [{collector: aws, role_arn: "arn:aws:iam::222222222222:role/Auditor", regions: [eu-west-1],
    services: [rds, ssm]}]}
pairs:
  - {left: staging, right: prod}
"""


@dataclass
class Company:
    """Two accounts that agree, and the record of who changes them."""

    url: str
    trail: Trail
    config: Path
    clients: dict[tuple[str, str], Any] = field(default_factory=dict)

    def client(self, service: str, account: str) -> Any:
        if (service, account) not in self.clients:
            role = f"arn:aws:iam::{account}:role/Auditor"
            keys = client("sts", self.url).assume_role(RoleArn=role, RoleSessionName="set-up")["Credentials"]
            self.clients[service, account] = client(service, self.url, keys)
        return self.clients[service, account]


@pytest.fixture
def audited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Company]:
    with moto() as url, cloudtrail() as trail:
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        monkeypatch.setenv("AWS_ENDPOINT_URL_CLOUDTRAIL", trail.endpoint_url)
        config = tmp_path / "auditor.yaml"
        config.write_text(CONFIG)
        company = Company(url, trail, config)
        for account, name in ((STAGING, "staging"), (PROD, "prod")):
            company.client("rds", account).create_db_instance(
                DBInstanceIdentifier=f"orders-{name}",
                DBInstanceClass="db.m6g.large",
                Engine="postgres",
                EngineVersion="15.4",
                AllocatedStorage=20,
                MasterUsername="app",
                MasterUserPassword="hunter2hunter2",
            )
            for parameter in ("mode", "old"):
                company.client("ssm", account).put_parameter(Name=f"/{name}/{parameter}", Value="calm", Type="String")
        yield company


def moves(report: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """What is told of who made the change, by the resource."""
    return {found["resource"]: found["moved"]["author"] for found in report["findings"]}


def test_a_finding_says_who_moved_it(audited: Company, run: Run) -> None:
    """Asked once, of the new findings only; what is not known yet is asked again; what may not be read is noted once."""
    audit = ("now", "staging", "prod", "--config", audited.config)
    assert run(*audit, "--format", "json").report["findings"] == []
    assert audited.trail.asked == []

    audited.client("rds", PROD).modify_db_instance(DBInstanceIdentifier="orders-prod", EngineVersion="15.8")
    audited.client("ssm", PROD).put_parameter(Name="/prod/mode", Value="wild", Type="String", Overwrite=True)
    audited.client("ssm", PROD).delete_parameter(Name="/prod/old")
    at = datetime.now(UTC).replace(microsecond=0)
    upgraded = made.engine_upgraded(at, "orders-prod", "15.8")
    audited.trail.add(REGION, upgraded, "orders-prod")
    report = run(*audit, "--format", "json").report
    ada = {
        "principal": "deploy/ada",
        "event": "rds:ModifyDBInstance",
        "at": f"{at:%Y-%m-%dT%H:%M:%SZ}",
        "through": "console",
        "event_id": upgraded["eventID"],
        "unknown": None,
    }
    early = "CloudTrail has no such event yet, which may take a quarter of an hour"
    unknown = dict.fromkeys(ada) | {"unknown": early}
    assert moves(report) == {"orders-{env}": ada, "/{env}/mode": unknown, "/{env}/old": unknown}
    assert (report["audit"]["outcome"], report["notes"]) == ("complete", [])

    asked = len(audited.trail.asked)
    audited.trail.replies[REGION] = [DENIED]
    denied = run(*audit, "--format", "json").report
    assert len(audited.trail.asked) == asked + 1
    assert moves(denied)["orders-{env}"] == ada
    assert moves(denied)["/{env}/mode"]["unknown"] == "its records may not be read"
    assert denied["audit"]["outcome"] == "complete"
    (note,) = denied["notes"]
    assert note == (
        f"who changed what in prod (account {PROD}) is unknown: cloudtrail:LookupEvents in eu-west-1: "
        "AccessDeniedException; allow cloudtrail:LookupEvents, or set cloudtrail: false"
    )

    audited.trail.add(REGION, made.parameter_put(at, "/prod/mode"), "/prod/mode")
    audited.trail.add(REGION, made.record("ssm", "DeleteParameter", at, made.user("grace")), "/prod/old")
    last = run(*audit, "--format", "json").report
    told = {found["resource"]: found["moved"]["sentence"].rpartition("; ")[2] for found in last["findings"]}
    assert told == {
        "orders-{env}": "by deploy/ada in the console (rds:ModifyDBInstance)",
        "/{env}/mode": "by linus through the API (ssm:PutParameter)",
        "/{env}/old": "by grace through the API (ssm:DeleteParameter)",
    }
    assert last["notes"] == []
    shown = run("findings", "--config", audited.config, "--format", "json").out
    assert all(name in shown for name in ("deploy/ada", "linus", "grace"))
