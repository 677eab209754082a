"""AWS Config: the same kinds in the same form as from the services' own APIs, and a gap for all that is not recorded."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from auditor.collector import Context
from auditor.errors import CollectError
from auditor.model import Gap, GapReason, Resource
from auditor.names import environment_names
from auditor.snapshot import normalise
from collectors.aws_config import COLLECTOR, AwsConfigOptions
from collectors.aws_config._types import RECORDED, own_name
from tests.collectors.aws.answering import Answered, read_by
from tests.collectors.aws.generated import Place, leaves
from tests.collectors.aws.reading import CREDENTIALS, declared
from tests.collectors.aws.recordings import DENIED, Refusal, stand
from tests.collectors.aws_config.pairs import ACCOUNT, CAPTURED, HELD, LIVE, REGION, item, recorder

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
PAIRED = (
    "aws.ec2.fleet",
    "aws.ec2.security_group",
    "aws.iam.role",
    "aws.lambda.function",
    "aws.rds.instance",
    "aws.s3.bucket",
    "aws.sqs.queue",
)


@pytest.fixture(autouse=True)
def _credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)


def aggregator(held: Sequence[Mapping[str, Any]], **status: Any) -> dict[str, Any]:
    """An aggregator of one account and region that holds these items, and answers them by page of two."""
    source = {
        "SourceId": ACCOUNT,
        "SourceType": "ACCOUNT",
        "AwsRegion": REGION,
        "LastUpdateStatus": "SUCCEEDED",
        "LastUpdateTime": NOW,
        **status,
    }

    def selected(asked: Mapping[str, Any]) -> Mapping[str, Any]:
        values = re.findall(r"'([^']+)'", asked["Expression"])
        account, region, types = values[0], values[1], values[2:]
        found = [
            json.dumps(each)
            for each in held
            if (each["accountId"], each["awsRegion"]) == (account, region) and each["resourceType"] in types
        ]
        at = int(asked.get("NextToken", 0))
        more = {"NextToken": str(at + 2)} if at + 2 < len(found) else {}
        return {"Results": found[at : at + 2], **more}

    return {
        "config.DescribeConfigurationAggregatorSourcesStatus": {"AggregatedSourceStatusList": [source]},
        "config.SelectAggregateResourceConfig": selected,
    }


def options(endpoint_url: str, **others: Any) -> AwsConfigOptions:
    chosen = {"aggregator": "all", "region": REGION, "accounts": [ACCOUNT], "max_attempts": 1, **others}
    return AwsConfigOptions.model_validate({"endpoint_url": endpoint_url, **chosen})


def collected(answers: Mapping[str, Any], **others: Any) -> tuple[list[Resource], list[Gap], list[CollectError]]:
    """What all tasks of a source yield against these answers, and why tasks failed."""
    resources: list[Resource] = []
    gaps: list[Gap] = []
    failed: list[CollectError] = []
    with stand(answers) as running:
        for task in COLLECTOR.plan(options(running.endpoint_url, **others), Context("staging", Path(), now=NOW)):
            try:
                for found in task.run():
                    (gaps if isinstance(found, Gap) else resources).append(found)  # type: ignore[arg-type]
            except CollectError as error:
                failed.append(error)
    return resources, gaps, failed


@cache
def recorded() -> tuple[list[Resource], list[Gap], list[CollectError]]:
    return collected(aggregator(HELD))


def form(resource: Resource) -> Mapping[str, Any]:
    names = environment_names("staging", (), {"prod": ()}).at([ACCOUNT], [REGION])
    return normalise([resource], lambda name: declared(name).declared, names)[0].form


@pytest.mark.parametrize("kind", PAIRED)
def test_a_resource_has_one_form_whether_read_live_or_through_config(kind: str) -> None:
    """Identity, tags, handles and every attribute that Config records agree; what it lacks is told, not absent."""
    resources, gaps, failed = recorded()
    assert failed == []
    (ours,) = (each for each in resources if each.kind == kind)
    unknown = {gap.attribute for gap in gaps if gap.kind == kind}
    seen = read_by(Answered(REGION), declared(kind), Place("staging", ACCOUNT, REGION), _live)
    assert (seen.gaps, seen.failed) == ((), None)
    (live,) = seen.resources
    assert (ours.identity, ours.tags, ours.account, ours.location) == (live.identity, live.tags, ACCOUNT, live.location)
    assert set(live.refs) <= set(ours.refs)
    left, right = form(live), form(ours)
    assert not unknown & set(right)
    assert right == {name: value for name, value in left.items() if name not in unknown}
    assert len(list(leaves(right))) >= 5


def _live(operation: Any, _: Mapping[str, Any]) -> Any:
    """What the service's own API answers."""
    if operation.name in _NONE:
        return Refusal(_NONE[operation.name], 404)
    # botocore decodes policies in place.
    return copy.deepcopy(LIVE[f"{operation.service_model.service_name}.{operation.name}"])


_NONE = {
    "GetBucketLifecycleConfiguration": "NoSuchLifecycleConfiguration",
    "GetBucketPolicyStatus": "NoSuchBucketPolicy",
    "GetBucketReplication": "ReplicationConfigurationNotFoundError",
    "GetBucketWebsite": "NoSuchWebsiteConfiguration",
    "GetObjectLockConfiguration": "ObjectLockConfigurationNotFoundError",
    "GetBucketOwnershipControls": "OwnershipControlsNotFoundError",
}


def test_what_config_does_not_record_of_a_kind_is_told_once_per_attribute() -> None:
    """Whoever reads the other side live is not told that this side lacks it."""
    _, gaps, _ = recorded()
    lacks = [gap.attribute for gap in gaps if gap.kind == "aws.rds.instance"]
    assert "deletion_protection" in lacks
    assert "engine" not in lacks
    assert len(lacks) == len(set(lacks))
    assert {(gap.reason, gap.resource) for gap in gaps if gap.attribute} == {(GapReason.UNSUPPORTED, None)}


def test_a_property_that_config_has_learnt_to_record_is_read() -> None:
    """What is known of its schema may be older than the schema."""
    database = next(each for each in HELD if each["resourceType"] == "AWS::RDS::DBInstance")
    newer = {**database, "configuration": {**database["configuration"], "deletionProtection": True}}
    resources, gaps, _ = collected(aggregator([recorder(), newer]), kinds=["aws.rds.instance"])
    assert resources[0].attributes["deletion_protection"] is True
    assert "deletion_protection" not in {gap.attribute for gap in gaps}


DATABASE = next(each for each in HELD if each["resourceType"] == "AWS::RDS::DBInstance")


def whole(gaps: Sequence[Gap]) -> list[tuple[str, str]]:
    return [(gap.kind, gap.detail) for gap in gaps if gap.attribute is None and gap.resource is None]


@pytest.mark.parametrize(
    ("held", "told"),
    [
        ([recorder(AllSupported=False, ResourceTypes=["AWS::EC2::VPC"])], "does not record AWS::RDS::DBInstance"),
        (
            [recorder(ExclusionByResourceTypes={"ResourceTypes": ["AWS::RDS::DBInstance"]})],
            "does not record AWS::RDS::DBInstance",
        ),
        ([], "does not tell whether it records them"),
        ([recorder(Recording=False), DATABASE], "the recorder is off"),
    ],
)
def test_a_type_that_is_not_recorded_is_a_gap_and_not_an_empty_listing(held: list[Any], told: str) -> None:
    """None of it is held because nobody looks, which is not the same as none."""
    resources, gaps, failed = collected(aggregator(held), kinds=["aws.rds.instance"])
    assert (resources, failed) == ([], [])
    ((kind, detail),) = whole(gaps)
    assert kind == "aws.rds.instance"
    assert told in detail


@pytest.mark.parametrize(
    "recording",
    [
        recorder(),
        recorder(AllSupported=False, ResourceTypes=["AWS::RDS::DBInstance"]),
        recorder(ExclusionByResourceTypes={"ResourceTypes": ["AWS::EC2::VPC"]}),
    ],
)
def test_a_type_that_is_recorded_and_not_held_is_an_empty_listing(recording: dict[str, Any]) -> None:
    """The recorder says that it looks."""
    assert collected(aggregator([recording]), kinds=["aws.rds.instance"]) == ([], [], [])


@pytest.mark.parametrize(
    ("status", "told"),
    [
        ({"LastUpdateStatus": "FAILED", "LastErrorCode": "AccessDenied"}, r"cannot collect it \(AccessDenied\)"),
        ({"LastUpdateStatus": "OUTDATED"}, "outdated"),
        ({"LastUpdateTime": datetime(2026, 11, 20, 12, tzinfo=UTC)}, "heard nothing of it for 48 h"),
        ({"AwsRegion": "eu-north-1"}, "does not collect 111122223333 in eu-west-1"),
        ({"SourceId": "999999999999"}, "does not collect 111122223333 in eu-west-1"),
    ],
)
def test_an_account_that_the_aggregator_does_not_keep_up_with_is_a_gap(status: dict[str, Any], told: str) -> None:
    """What it holds of it may be gone or changed."""
    answers = aggregator([recorder(), DATABASE], **status)
    resources, _, (failed,) = collected(answers, kinds=["aws.rds.instance"], regions=[REGION])
    assert resources == []
    assert re.search(told, failed.detail)


def test_a_resource_that_was_recorded_long_ago_counts_as_not_seen_where_that_is_asked_for() -> None:
    """By default it does not: Config records changes, and most things do not change."""
    assert CAPTURED < "2026-11-21"
    answers = aggregator(
        [recorder(), DATABASE, {**DATABASE, "resourceName": "x", "configurationItemCaptureTime": None}]
    )
    resources, gaps, _ = collected(answers, kinds=["aws.rds.instance"], stale_after_days=1)
    assert resources == []
    assert [gap.resource for gap in gaps if gap.resource] == ["orders", "x"]
    assert len(collected(answers, kinds=["aws.rds.instance"])[0]) == 2


def test_a_type_that_is_no_kind_keeps_a_name_of_its_own() -> None:
    """It is read where it is asked for by its type."""
    named = {"name": "search", "arn": "arn:aws:appsync:x", "authenticationType": "API_KEY", "secretKey": "hunter2"}
    held = [recorder(), item("AWS::AppSync::GraphQLApi", "search", named, id="abc")]
    (found,), gaps, _ = collected(aggregator(held), kinds=["AWS::AppSync::GraphQLApi"])
    assert (found.kind, found.identity, found.refs) == ("aws_config.appsync.graph_ql_api", "search", ("abc",))
    assert found.attributes == {"name": "search", "authenticationType": "API_KEY", "secretKey": "hunter2"}
    assert (found.tags, gaps) == ({"team": "shop"}, [])
    assert own_name("AWS::EC2::EIP") == "aws_config.ec2.eip"


@pytest.mark.parametrize(
    ("operation", "answer", "reason"),
    [
        ("DescribeConfigurationAggregatorSourcesStatus", DENIED, GapReason.ACCESS_DENIED),
        ("DescribeConfigurationAggregatorSourcesStatus", {}, GapReason.MALFORMED),
        ("SelectAggregateResourceConfig", DENIED, GapReason.ACCESS_DENIED),
        ("SelectAggregateResourceConfig", Refusal("ThrottlingException"), GapReason.THROTTLED),
        ("SelectAggregateResourceConfig", {}, GapReason.MALFORMED),
        ("SelectAggregateResourceConfig", {"Results": ["{"]}, GapReason.MALFORMED),
        ("SelectAggregateResourceConfig", {"Results": [], "NextToken": "again"}, GapReason.TRUNCATED),
    ],
)
def test_an_aggregator_that_cannot_be_asked_is_a_gap(operation: str, answer: Any, reason: GapReason) -> None:
    """Never an empty environment."""
    answers = {**aggregator(HELD), f"config.{operation}": answer}
    try:
        resources, gaps, failed = collected(answers)
    except CollectError as error:
        resources, gaps, failed = [], [], [error]
    assert (resources, gaps) == ([], [])
    assert {error.reason for error in failed} == {reason}
    if reason is GapReason.ACCESS_DENIED:
        assert f"allow config:{operation}" in failed[0].detail


def test_many_kinds_of_an_account_are_one_query() -> None:
    """Requests grow with pages, and not with kinds."""
    with stand(aggregator([recorder()])) as running:
        for task in COLLECTOR.plan(options(running.endpoint_url), Context("staging", Path(), now=NOW)):
            list(task.run())
        assert running.count("config.SelectAggregateResourceConfig") == 2  # the region, and what is global


def test_every_mapped_kind_is_one_that_is_read_live() -> None:
    """Under the CloudFormation type that the live kind says it is, and with the kind's own declaration."""
    assert {kind.name for kind in COLLECTOR.kinds} == {*RECORDED, "aws_config.*"}
    assert {name: recorded.type for name, recorded in RECORDED.items()} == {
        name: declared(name).cloudformation for name in RECORDED
    }
    assert options("http://127.0.0.1:1", regions=[REGION]).expected_listings() == len(RECORDED)


@pytest.mark.parametrize(
    "wrong",
    [
        {"accounts": []},
        {"accounts": ["staging"]},
        {"kinds": ["aws.nothing.*"]},
        {"regions": ["Ireland"]},
        {"external_id": "x"},
        {"aggregator": "x' OR '1'='1"},
    ],
)
def test_a_mistake_in_an_option_is_refused(wrong: dict[str, Any]) -> None:
    """Nothing that is written there gets into a query as anything but a name."""
    with pytest.raises(ValidationError):
        options("http://127.0.0.1:1", **wrong)
