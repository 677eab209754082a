"""Unread is not absent: whatever goes wrong between the auditor and AWS is a gap of exact scope. It opens no finding,
resolves none, and everything else is audited as ever."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from auditor.cli.exits import guarded
from auditor.cli.root import audit
from collectors.files.kinds import LISTED
from tests.collectors.aws import faulty
from tests.collectors.aws.faulty import Fault, Proxy
from tests.collectors.aws.reading import CREDENTIALS
from tests.e2e import twins
from tests.e2e.conftest import Outcome, Run

SOURCE = "aws:111122223333/ParityAuditor"
REGION = twins.STAGING.region
BALANCER = "aws.elasticloadbalancingv2.load_balancer"
TARGET = "aws.elasticloadbalancingv2.target_group"
GROUP = "aws.ec2.security_group"
PARAMETER = "aws.ssm.parameter"
INSTANCE = "aws.rds.instance"
# One drift in each of these, none at or above high.
DRIFTED = {
    (GROUP, ("rules", "ingress/tcp/22/0.0.0.0/0")),
    (TARGET, ("health_check_path",)),
    (PARAMETER, ("value",)),
    ("aws.rds.parameter_group", ("parameters", "random_page_cost")),
    (INSTANCE, ("vpc_security_groups",)),
}
KINDS = {
    "aws.ec2.fleet",
    "aws.ec2.instance_type",
    "aws.ec2.launch_template",
    GROUP,
    BALANCER,
    TARGET,
    "aws.rds.cluster",
    "aws.rds.cluster_parameter_group",
    INSTANCE,
    "aws.rds.option_group",
    "aws.rds.parameter_group",
    PARAMETER,
}
OPTIONS = "        services: [ec2, elbv2, rds, ssm]\n        read_timeout: 4\n"
BULK = 60  # with the others, more than one page of parameters


@dataclass(frozen=True)
class Healthy:
    """What an audit without a fault left behind, and the proxy that it looked at staging through."""

    folder: Path
    proxy: Proxy
    report: dict[str, Any]

    @property
    def findings(self) -> dict[str, dict[str, Any]]:
        return {each["fingerprint"]: each for each in self.report["findings"]}


@pytest.fixture(scope="module")
def healthy(company: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Healthy]:
    """Both accounts with a few drifts, audited once."""
    for twin in twins.TWINS:
        ssm = twins.session(twin, company)("ssm")
        for number in range(BULK):
            ssm.put_parameter(Name=f"/shop/{twin.called}/bulk/{number:02}", Value=f"value {number}", Type="String")
    _drift(company)
    folder = tmp_path_factory.mktemp("healthy")
    with faulty.faulty(company) as proxy, pytest.MonkeyPatch.context() as patch:
        for name, value in CREDENTIALS.items():
            patch.setenv(name, value)
        file = twins.config(folder, (proxy.endpoint_url, company), options=OPTIONS)
        target = folder / "report.json"
        code = guarded(
            audit, ["now", "staging", "prod", "--format", "json", "--config", str(file), "--output", str(target)]
        )
        outcome = Outcome(int(code), target.read_text(), "")
        assert outcome.code == 0
        assert {(each["kind"], tuple(each["path"])) for each in outcome.report["findings"]} == DRIFTED
        yield Healthy(folder, proxy, outcome.report)


def _drift(url: str) -> None:
    client = twins.session(twins.STAGING, url)
    ec2, balancing = client("ec2"), client("elbv2")
    group = ec2.describe_security_groups(Filters=[{"Name": "group-name", "Values": ["data-stg"]}])["SecurityGroups"][0]
    rule = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    ec2.authorize_security_group_ingress(GroupId=group["GroupId"], IpPermissions=[rule])
    target = balancing.describe_target_groups(Names=["api-stg"])["TargetGroups"][0]["TargetGroupArn"]
    balancing.modify_target_group(TargetGroupArn=target, HealthCheckPath="/down")
    client("ssm").put_parameter(Name="/shop/stg/page-size", Value="20", Type="String", Overwrite=True)
    web = ec2.describe_security_groups(Filters=[{"Name": "group-name", "Values": ["web-stg"]}])["SecurityGroups"][0]
    client("rds").modify_db_instance(DBInstanceIdentifier="orders-stg", VpcSecurityGroupIds=[web["GroupId"]])
    client("rds").modify_db_parameter_group(
        DBParameterGroupName="orders-stg",
        Parameters=[{"ParameterName": "random_page_cost", "ParameterValue": "4", "ApplyMethod": "immediate"}],
    )


@dataclass
class Second:
    """The audit after a healthy one, with faults on staging's side."""

    healthy: Healthy
    folder: Path
    run: Run

    def __call__(self, *faults: Fault, arguments: tuple[str, ...] = (), regions: str = "") -> Outcome:
        shutil.copytree(self.healthy.folder, self.folder, dirs_exist_ok=True)
        file = self.folder / "auditor.yaml"
        if regions:
            file.write_text(file.read_text().replace(f"regions: [{REGION}]", f"regions: [{regions}]"))
        proxy = self.healthy.proxy
        proxy.faults[:] = faults
        try:
            return self.run("now", "staging", "prod", "--format", "json", "--config", file, *arguments)
        finally:
            proxy.faults.clear()

    def kept(self, outcome: Outcome, *hidden: str) -> None:
        """No finding is new, and those of kinds that are not `hidden` were seen again; every one is still open."""
        seen = {each["fingerprint"]: each["kind"] for each in outcome.report["findings"]}
        before = {fingerprint: each["kind"] for fingerprint, each in self.healthy.findings.items()}
        assert seen == {fingerprint: kind for fingerprint, kind in before.items() if kind not in hidden}
        listed = json.loads(self.run("findings", "--format", "json", "--config", self.folder / "auditor.yaml").out)
        assert {(each["fingerprint"], each["status"]) for each in listed} == {
            (fingerprint, "open") for fingerprint in before
        }


@pytest.fixture
def second(healthy: Healthy, tmp_path: Path, run: Run) -> Second:
    return Second(healthy, tmp_path / "second", run)


def gaps(outcome: Outcome) -> set[tuple[Any, ...]]:
    """The scope of every gap: environment, source, region, kind, resource, attribute, reason."""
    keys = ("environment", "source", "region", "kind", "resource", "attribute", "reason")
    return {tuple(each.get(key) for key in keys) for each in outcome.report["gaps"]}


def listing(kind: str, reason: str, region: str | None = REGION) -> tuple[Any, ...]:
    return ("staging", SOURCE, region, kind, None, None, reason)


@pytest.mark.parametrize(
    ("fault", "kind", "reason"),
    [
        (Fault(faulty.denied(), operation="DescribeTargetGroups"), TARGET, "access_denied"),
        (Fault(faulty.broken(), operation="DescribeTargetGroups"), TARGET, "malformed"),
        (Fault(faulty.html(), service="ssm"), PARAMETER, "malformed"),
        (Fault(faulty.hang(), operation="DescribeSecurityGroups"), GROUP, "timeout"),
        (Fault(faulty.throttled(), operation="DescribeParameters", after=1), PARAMETER, "throttled"),
    ],
    ids=["denied", "malformed", "html", "hung", "a page halfway"],
)
def test_a_listing_that_fails_is_one_gap_and_changes_no_finding(
    second: Second, fault: Fault, kind: str, reason: str
) -> None:
    """Exit 3, the gap of that listing alone, the finding behind it stays open unseen, all others are seen again.

    Which security group a database has cannot be told while staging's are not listed: unknown, neither gone nor new.
    """
    fault.met = 0
    outcome = second(fault)
    assert outcome.code == 3
    assert gaps(outcome) == {listing(kind, reason)}
    assert outcome.report["audit"]["outcome"] == "incomplete"
    assert 0 < outcome.report["coverage"]["ratio"] < 1
    second.kept(outcome, kind, *([INSTANCE] if kind == GROUP else []))


def test_throttling_throughout_hides_every_kind_and_changes_no_finding(second: Second) -> None:
    """A gap per kind; nothing is compared, so nothing is said to be in parity."""
    faults = [Fault(faulty.throttled(), service=each) for each in ("ec2", "elasticlo*", "rds", "ssm")]
    outcome = second(*faults)
    assert outcome.code == 3
    assert gaps(outcome) == {listing(kind, "throttled") for kind in KINDS}
    assert outcome.report["score"] is None
    second.kept(outcome, *KINDS)


def test_expired_credentials_are_one_gap_over_the_whole_source(second: Second) -> None:
    """Said once, for all kinds of the source; production was read all the same."""
    outcome = second(Fault(faulty.expired()))
    assert outcome.code == 3
    assert gaps(outcome) == {listing("aws.*", "access_denied", None)}
    assert "expired" in outcome.report["gaps"][0]["detail"]
    assert outcome.report["coverage"]["resources"]["right"] > 60
    second.kept(outcome, *KINDS)


@pytest.mark.parametrize("regions", [(REGION,), (REGION, twins.PROD.region)], ids=["one side", "both sides"])
def test_an_account_that_cannot_be_asked_lacks_every_listing_it_would_have_made(
    healthy: Healthy, tmp_path: Path, run: Run, regions: tuple[str, ...]
) -> None:
    """Told in one gap, counted as all 12: where neither side sees its account, what is read beside it hides nothing."""
    (tmp_path / "files").mkdir()
    for name in ("staging", "prod"):
        (tmp_path / "files" / f"{name}.env").write_text("PAGE_SIZE=10\n")
    options = OPTIONS + "      - collector: files\n        path: files\n"
    file = twins.config(tmp_path, (healthy.proxy.endpoint_url,) * 2, options=options)
    healthy.proxy.faults[:] = [Fault(faulty.expired(), service="sts", region=region) for region in regions]
    try:
        outcome = run("now", "staging", "prod", "--format", "json", "--config", file)
    finally:
        healthy.proxy.faults.clear()
    gone = ("staging", "prod")[: len(regions)]
    assert [(each["environment"], each["kind"]) for each in outcome.report["gaps"]] == [
        (name, "aws.*") for name in gone
    ]
    coverage = outcome.report["coverage"]
    accounts = {each["environment"]: each for each in coverage["sources"] if each["source"].startswith("aws:")}
    found = {name: (each["observed"], each["expected"]) for name, each in accounts.items()}
    assert found == {name: (0 if name in gone else len(KINDS), len(KINDS)) for name in ("staging", "prod")}
    listed = 2 * len(LISTED) + len(KINDS) * (2 - len(gone))
    assert coverage["ratio"] == pytest.approx(listed / (2 * len(LISTED) + 2 * len(KINDS)), abs=1e-4)
    assert (outcome.code, outcome.report["audit"]["outcome"]) == (3, "incomplete")


def test_a_region_that_is_disabled_hides_that_region_only(second: Second) -> None:
    """The region beside it is audited in full: gaps name the disabled one, and every finding is seen again."""
    outcome = second(Fault(faulty.region_disabled(), region="eu-south-1"), regions=f"{REGION}, eu-south-1")
    assert outcome.code == 3
    assert gaps(outcome) == {listing(kind, "access_denied", "eu-south-1") for kind in KINDS}
    second.kept(outcome)


def test_a_detail_call_that_is_denied_hides_that_attribute_only(second: Second) -> None:
    """The resource is compared but for what could not be read."""
    outcome = second(Fault(faulty.denied(), operation="DescribeLoadBalancerAttributes"))
    assert outcome.code == 3
    assert gaps(outcome) == {("staging", SOURCE, REGION, BALANCER, "web-stg", "attributes", "access_denied")}
    second.kept(outcome)


def test_findings_that_fail_the_audit_elsewhere_win_over_being_incomplete(second: Second) -> None:
    """Exit 1 says that there is something to mend, which no retry will change; the gap is told all the same."""
    fault = Fault(faulty.denied(), operation="DescribeParameters")
    outcome = second(fault, arguments=("--fail-on", "medium"))
    assert outcome.code == 1
    assert gaps(outcome) == {listing(PARAMETER, "access_denied")}
