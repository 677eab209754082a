"""What can go wrong between the product and AWS: each is a gap with its reason and its scope, and costs nothing else."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from auditor.collector import Context
from auditor.errors import CollectError
from auditor.model import Gap, GapReason
from collectors.aws import AwsCollector, AwsOptions
from collectors.aws._side_by_side import AT_A_TIME
from tests.collectors.aws import faulty
from tests.collectors.aws.faulty import Fault, Proxy, Spoil
from tests.collectors.aws.reading import CREDENTIALS, client, moto

GROUPS = 55  # more than one page of Auto Scaling groups
REGION = "eu-west-1"
GROUP = "aws.autoscaling.group"
BALANCER = "aws.elasticloadbalancingv2.load_balancer"
SECURITY = "aws.ec2.security_group"
PARAMETER = "aws.ssm.parameter"


@pytest.fixture(scope="module")
def company() -> Iterator[str]:
    """The address of a small company in one region: groups in two pages, a load balancer, parameters."""
    with moto() as url:
        ec2, scaling, ssm, elbv2 = (client(name, url) for name in ("ec2", "autoscaling", "ssm", "elbv2"))
        subnets = [each["SubnetId"] for each in ec2.describe_subnets()["Subnets"]][:2]
        ec2.create_launch_template(
            LaunchTemplateName="web", LaunchTemplateData={"ImageId": "ami-12345678", "InstanceType": "t3.micro"}
        )
        for number in range(GROUPS):
            scaling.create_auto_scaling_group(
                AutoScalingGroupName=f"group-{number:02}",
                LaunchTemplate={"LaunchTemplateName": "web", "Version": "1"},
                MinSize=0,
                MaxSize=2,
                VPCZoneIdentifier=subnets[0],
            )
        elbv2.create_load_balancer(Name="web-staging", Subnets=subnets)
        ssm.put_parameter(Name="/web/level", Value="info", Type="String")
        yield url


@pytest.fixture(autouse=True)
def _credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def proxy(company: str) -> Iterator[Proxy]:
    """A proxy before the company, still without faults."""
    with faulty.faulty(company) as running:
        yield running


class Read:
    """One run over a source: identities, gaps and broken listings by kind and region."""

    def __init__(
        self,
        endpoint_url: str,
        *,
        services: tuple[str, ...] = ("ec2", "elbv2", "ssm"),
        regions: tuple[str, ...] = (REGION,),
        context: Context | None = None,
    ) -> None:
        options = AwsOptions(
            regions=regions,
            services=services,
            endpoint_url=endpoint_url,
            max_attempts=1,
            read_timeout=3,
            connect_timeout=3,
            requests_per_second=1000,
        )
        self.seen: dict[tuple[str, str | None], list[str]] = {}
        self.gaps: list[Gap] = []
        self.failed: dict[tuple[str, str | None], CollectError] = {}
        for task in AwsCollector().plan(options, context or Context("staging", Path())):
            key = (task.kinds[0], task.region)
            self.seen[key] = []
            try:
                for found in task.run():
                    if isinstance(found, Gap):
                        self.gaps.append(found)
                    else:
                        self.seen[key].append(found.identity)
            except CollectError as error:
                self.failed[key] = error

    def of(self, kind: str, region: str = REGION) -> list[str]:
        return self.seen[kind, region]


def whole(read: Read, *without: str) -> None:
    """Everything of the company that was asked for is there, but for these kinds."""
    expected = {GROUP: GROUPS, BALANCER: 1, PARAMETER: 1, "aws.ec2.launch_template": 1, SECURITY: 1}
    asked = [kind for kind in expected if (kind, REGION) in read.seen and kind not in without]
    assert {kind: len(read.of(kind)) for kind in asked} == {kind: expected[kind] for kind in asked}


def attribute_gaps(read: Read) -> list[Gap]:
    """The gaps but for the launch template's image, which nobody has."""
    return [gap for gap in read.gaps if gap.attribute != "ami_name"]


def test_without_a_fault_everything_is_read_over_all_pages(proxy: Proxy) -> None:
    """Two pages of groups come as one listing, each group once."""
    read = Read(proxy.endpoint_url, services=("autoscaling", "elbv2"))
    whole(read)
    assert read.failed == {}
    assert attribute_gaps(read) == []
    assert read.of(GROUP) == [f"group-{number:02}" for number in range(GROUPS)]
    assert proxy.count("DescribeAutoScalingGroups") == 2


@pytest.mark.parametrize(
    ("spoil", "reason", "words"),
    [
        (faulty.denied(), GapReason.ACCESS_DENIED, "allow ec2:DescribeSecurityGroups"),
        (faulty.throttled(), GapReason.THROTTLED, "RequestLimitExceeded"),
        (faulty.expired(), GapReason.ACCESS_DENIED, "expired"),
        (faulty.html(), GapReason.MALFORMED, "understood"),
        (faulty.html(200), GapReason.MALFORMED, "understood"),
        (faulty.literal("", 500), GapReason.MALFORMED, "not one that AWS gives"),
        (faulty.literal("", 503), GapReason.UNREACHABLE, "503"),
        (faulty.broken(), GapReason.MALFORMED, "understood"),
        (faulty.empty(), GapReason.MALFORMED, "without SecurityGroups"),
        (faulty.hang(), GapReason.TIMEOUT, "no answer in time"),
        (faulty.refuse("InternalError", 500), GapReason.UNREACHABLE, "InternalError"),
        (faulty.refuse("InvalidAction", 400), GapReason.UNSUPPORTED, "InvalidAction"),
    ],
    ids=[
        "denied",
        "throttled",
        "expired",
        "html",
        "html 200",
        "empty 500",
        "empty 503",
        "broken",
        "says nothing",
        "hung",
        "500",
        "unknown",
    ],
)
def test_a_listing_that_fails_is_one_gap_and_the_rest_is_read(
    proxy: Proxy, spoil: Spoil, reason: GapReason, words: str
) -> None:
    """Each way to fail has its reason, names the call, and leaves every other kind whole."""
    proxy.faults.append(Fault(spoil, operation="DescribeSecurityGroups"))
    read = Read(proxy.endpoint_url, services=("ec2",))
    assert list(read.failed) == [(SECURITY, REGION)]
    error = read.failed[SECURITY, REGION]
    assert error.reason is reason
    assert error.detail.startswith("ec2:DescribeSecurityGroups in eu-west-1: ")
    assert words in error.detail
    assert read.of(SECURITY) == []
    assert attribute_gaps(read) == []
    whole(read, SECURITY)


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (faulty.denied(), GapReason.ACCESS_DENIED),
        (faulty.throttled(), GapReason.THROTTLED),
        (faulty.html(), GapReason.MALFORMED),
        (faulty.broken(), GapReason.MALFORMED),
        (faulty.hang(), GapReason.TIMEOUT),
    ],
    ids=["denied", "throttled", "html", "broken", "hung"],
)
def test_the_same_holds_for_services_that_speak_json(proxy: Proxy, spoil: Spoil, reason: GapReason) -> None:
    """A JSON protocol says its errors elsewhere; the reason is the same."""
    proxy.faults.append(Fault(spoil, service="ssm"))
    read = Read(proxy.endpoint_url, services=("ssm", "elbv2"))
    assert read.failed[PARAMETER, REGION].reason is reason
    whole(read, PARAMETER)


def test_a_page_that_fails_halfway_keeps_what_came_before_and_is_no_complete_listing(proxy: Proxy) -> None:
    """The first page's groups are there, and the listing is broken, so the rest is unknown, not absent."""
    proxy.faults.append(Fault(faulty.throttled(), operation="DescribeAutoScalingGroups", after=1))
    read = Read(proxy.endpoint_url, services=("autoscaling", "elbv2"))
    assert read.of(GROUP) == [f"group-{number:02}" for number in range(50)]
    assert read.failed[GROUP, REGION].reason is GapReason.THROTTLED
    whole(read, GROUP)


def test_a_page_token_that_comes_twice_is_a_truncated_listing(proxy: Proxy) -> None:
    """A listing that would never end is broken off, and said to be so."""
    page = (
        "<DescribeAutoScalingGroupsResponse><DescribeAutoScalingGroupsResult><AutoScalingGroups><member>"
        "<AutoScalingGroupName>a</AutoScalingGroupName></member></AutoScalingGroups><NextToken>again</NextToken>"
        "</DescribeAutoScalingGroupsResult></DescribeAutoScalingGroupsResponse>"
    )
    proxy.faults.append(Fault(faulty.literal(page), operation="DescribeAutoScalingGroups"))
    read = Read(proxy.endpoint_url, services=("autoscaling", "elbv2"))
    assert read.failed[GROUP, REGION].reason is GapReason.TRUNCATED
    assert proxy.count("DescribeAutoScalingGroups") == 2
    whole(read, GROUP)


def test_a_detail_call_that_is_denied_is_a_gap_of_that_attribute_only(proxy: Proxy) -> None:
    """The load balancer stays, with its listeners, and its attributes are unknown."""
    proxy.faults.append(Fault(faulty.denied(), operation="DescribeLoadBalancerAttributes"))
    read = Read(proxy.endpoint_url, services=("elbv2",))
    (gap,) = attribute_gaps(read)
    assert (gap.kind, gap.resource, gap.attribute) == (BALANCER, "web-staging", "attributes")
    assert (gap.reason, gap.region, gap.environment) == (GapReason.ACCESS_DENIED, REGION, "staging")
    assert gap.detail.endswith("allow elasticloadbalancing:DescribeLoadBalancerAttributes")
    assert read.failed == {}
    whole(read)


def test_a_detail_call_that_stays_throttled_is_not_asked_for_every_resource(proxy: Proxy) -> None:
    """After two in a row every further resource has its gap without another request, but for those under way."""
    proxy.faults.append(Fault(faulty.throttled(), operation="DescribePolicies"))
    read = Read(proxy.endpoint_url, services=("autoscaling", "elbv2"))
    gaps = attribute_gaps(read)
    assert {gap.attribute for gap in gaps} == {"policies"}
    assert [gap.resource for gap in gaps] == [f"group-{number:02}" for number in range(GROUPS)]
    assert {gap.reason for gap in gaps} == {GapReason.THROTTLED}
    assert 2 <= proxy.count("DescribePolicies") <= 2 + AT_A_TIME < GROUPS
    whole(read)


def test_throttling_throughout_makes_every_listing_a_gap(proxy: Proxy) -> None:
    """Nothing is read, nothing is called missing, every kind is named."""
    proxy.faults += [Fault(faulty.throttled(), service=each) for each in ("ssm", "elasticlo*")]
    read = Read(proxy.endpoint_url, services=("ssm", "elbv2"))
    assert {error.reason for error in read.failed.values()} == {GapReason.THROTTLED}
    assert set(read.failed) == set(read.seen)


@pytest.mark.parametrize("regions", [("eu-south-1", REGION), (REGION, "eu-south-1")], ids=["first", "last"])
def test_a_region_that_is_not_enabled_is_said_to_be_so_and_the_other_is_read(
    proxy: Proxy, regions: tuple[str, str]
) -> None:
    """Its own STS refuses us as well; the region beside it says who we are."""
    proxy.faults.append(Fault(faulty.region_disabled(), region="eu-south-1"))
    read = Read(proxy.endpoint_url, services=("elbv2", "ssm"), regions=regions)
    assert {region for _, region in read.failed} == {"eu-south-1"}
    assert {error.reason for error in read.failed.values()} == {GapReason.ACCESS_DENIED}
    details = [error.detail for error in read.failed.values()]
    assert all("eu-south-1 is probably not enabled for the account" in detail for detail in details)
    whole(read)


def test_credentials_that_expired_stop_the_source_with_one_clear_error(proxy: Proxy) -> None:
    """Nobody is asked anything else once STS says so."""
    proxy.faults.append(Fault(faulty.expired()))
    with pytest.raises(
        CollectError, match="sts:GetCallerIdentity in eu-west-1: ExpiredToken; the credentials have expired"
    ) as raised:
        Read(proxy.endpoint_url)
    assert raised.value.reason is GapReason.ACCESS_DENIED
    assert {request.operation for request in proxy.asked} == {"GetCallerIdentity"}


def test_nothing_listening_is_unreachable(company: str) -> None:
    """A closed port is no time-out and no refusal."""
    with faulty.faulty(company) as gone:
        address = gone.endpoint_url
    with pytest.raises(CollectError) as raised:
        Read(address)
    assert raised.value.reason is GapReason.UNREACHABLE


def test_a_run_that_is_stopped_asks_nothing_more(proxy: Proxy) -> None:
    """Every task says at its next request that the run was stopped."""
    context = Context("staging", Path(), cancelled=threading.Event())
    context.cancelled.set()
    read = Read(proxy.endpoint_url, services=("elbv2", "ssm"), context=context)
    assert {request.operation for request in proxy.asked} == {"GetCallerIdentity"}
    assert {error.reason for error in read.failed.values()} == {GapReason.TIMEOUT}
    assert all("stopped" in error.detail for error in read.failed.values())


def test_a_task_that_outlives_its_time_ends_by_itself(proxy: Proxy) -> None:
    """Between two requests the deadline is looked at, so a slow listing does not run on in the background."""
    read = Read(proxy.endpoint_url, services=("elbv2", "ssm"), context=Context("staging", Path(), timeout=0.0))
    assert {error.reason for error in read.failed.values()} == {GapReason.TIMEOUT}
    assert all("not done within 0 s" in error.detail for error in read.failed.values())


def test_no_gap_tells_an_access_key(proxy: Proxy) -> None:
    """Messages of unknown errors are passed on, keys in them are not."""
    spoil = faulty.refuse("StrangeFault", 400, "the key AKIAIOSFODNN7EXAMPLE is not liked")
    proxy.faults.append(Fault(spoil, operation="DescribeSecurityGroups"))
    error = Read(proxy.endpoint_url, services=("ec2",)).failed[SECURITY, REGION]
    assert error.detail == "ec2:DescribeSecurityGroups in eu-west-1: StrangeFault: the key *** is not liked"
