"""`audit doctor`: what can be read, what cannot, and the smallest change that grants it; nothing is kept."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.collectors.aws.faulty import Fault, denied, faulty
from tests.collectors.aws.reading import CREDENTIALS, client, moto
from tests.standins.hostile import hostile

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.cli.conftest import Outcome

ROLE = "arn:aws:iam::111122223333:role/ParityAuditor"


def test_what_an_account_denies_is_named_with_the_statement_that_grants_it(
    company: Path, run: Callable[..., Outcome], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One refused listing and one refused detail: two actions, and everything else is read."""
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    faults = Fault(denied(), operation="DescribeLoadBalancers"), Fault(denied(), operation="ListTagsForResource")
    with moto() as url, faulty(url, *faults) as proxy:
        client("ssm", url).put_parameter(Name="/web/level", Value="info", Type="String")
        source = {"collector": "aws", "role_arn": ROLE, "regions": ["eu-west-1"], "endpoint_url": proxy.endpoint_url}
        source |= {"services": ["elbv2", "ssm"], "cloudtrail": False, "max_attempts": 1}
        (company / "auditor.yaml").write_text(json.dumps({"environments": {"prod": {"sources": [source]}}}))
        shown, read = run("doctor"), run("doctor", "--format", "json")
    assert (shown.code, read.code) == (3, 3)
    grant = json.loads(read.out)["environments"][0]["sources"][0]["grant"]
    assert grant["to"] == f"the role {ROLE}"
    assert json.loads(grant["change"]) == {"Effect": "Allow", "Action": grant["missing"], "Resource": "*"}
    assert "elasticloadbalancing:DescribeLoadBalancers" in grant["missing"]
    assert grant["change"] in shown.out
    assert "aws.elasticloadbalancingv2.load_balancer" in shown.out
    assert "aws:111122223333/ParityAuditor: reads in part, 2 of 3 listings read whole" in shown.out
    assert not (company / "auditor.db").exists()


def test_each_source_is_told_by_itself(company: Path, run: Callable[..., Outcome]) -> None:
    """A folder that is read whole, a service that answers, and one that refuses."""
    with hostile({"/good": {"version": "1.4.2"}}) as server:
        server.faults["/bad"] = "403"
        sources = [
            {"collector": "files", "path": "deploy/prod"},
            {"collector": "http", "services": {"good": f"{server.url}/good"}},
            {"collector": "http", "services": {"bad": f"{server.url}/bad"}},
        ]
        environments = {"staging": {"sources": sources[:1]}, "prod": {"sources": sources}}
        (company / "auditor.yaml").write_text(json.dumps({"environments": environments}))
        whole, part, read = run("doctor", "staging"), run("doctor"), run("doctor", "prod", "--format", "json")
        offline, online = run("config", "check"), run("config", "check", "--online")
    assert (offline.code, online.code) == (0, 3)
    assert "http:bad" in offline.out
    assert "http:bad: reads nothing" not in offline.out
    assert "http:bad: reads nothing" in online.out
    assert whole.code == 0
    assert "All is well: 1 source can be read whole." in whole.out
    assert part.code == 3
    assert "1 source of 4 cannot be read whole" in part.out
    assert "http:bad: reads nothing" in part.out
    assert "answered 403, the credentials may not read this" in part.out
    assert "Takes   GET on each configured URL" in part.out
    found = json.loads(read.out)
    assert [(one["source"], one["sight"], one["resources"]) for one in found["environments"][0]["sources"]] == [
        ("files:deploy/prod", "read", {"env.file": 1}),
        ("http:good", "read", {"http.version": 1}),
        ("http:bad", "not_read", {}),
    ]
    assert found["readable"] is False


def test_an_unknown_environment_is_a_usage_error(company: Path, run: Callable[..., Outcome]) -> None:
    """With the names that there are."""
    outcome = run("doctor", "qa")
    assert outcome.code == 2
    assert "staging" in outcome.err
