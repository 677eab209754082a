"""How kinds are declared and what the machinery promises for all of them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import boto3
import pytest

from auditor.collector import Context
from auditor.model import Category
from collectors.aws import COLLECTOR, AwsOptions
from collectors.aws._limits import Bucket, bucket
from collectors.aws._reader import Reader
from collectors.aws._registry import services
from collectors.aws._run import read_kind
from collectors.aws._session import Source
from collectors.aws._shapes import shape_at, snake
from collectors.aws.base import READS, AwsKind, Detail, action, pick, tags_of
from tests.collectors.aws.reading import CREDENTIALS
from tests.collectors.aws.recordings import stand

ALL = [kind for kinds in services().values() for kind in kinds]


def _model(service: str) -> object:
    keys = {"aws_access_key_id": "x", "aws_secret_access_key": "x"}
    return boto3.client(service, region_name="eu-west-1", **keys).meta.service_model


def test_every_declared_action_only_reads() -> None:
    """The generated policy never allows a change."""
    assert COLLECTOR.permissions == tuple(sorted(set(COLLECTOR.permissions)))
    reads = (*READS, "LookupEvents", "GET")
    assert [each for each in COLLECTOR.permissions if not each.split(":")[1].startswith(reads)] == []
    assert {"ec2:DescribeInstances", "elasticloadbalancing:DescribeRules"} <= set(COLLECTOR.permissions)


def test_permissions_follow_the_enabled_services() -> None:
    """Who reads only load balancers allows only those."""
    options = AwsOptions(services=("elb",), cloudtrail=False)
    assert {each.split(":")[0] for each in COLLECTOR.permissions_for(options)} == {"elasticloadbalancing"}


def test_every_kind_has_its_own_name_and_a_plain_declaration() -> None:
    """The rest of the product gets the declaration without the functions behind it."""
    names = [kind.name for kind in COLLECTOR.kinds]
    assert len(names) == len(set(names))
    assert all(re.fullmatch(r"aws\.[a-z0-9]+\.[a-z_]+", name) for name in names)
    assert {type(kind).__name__ for kind in COLLECTOR.kinds} == {"Kind"}


@pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.name)
def test_a_declaration_fits_the_service_model(kind: AwsKind) -> None:
    """The listing, its result and every detail call exist in the API as they are written down."""
    model = _model(kind.service)
    assert kind.operation in model.operation_names  # type: ignore[attr-defined]
    if kind.result:
        assert shape_at(model.operation_model(kind.operation).output_shape, kind.result) is not None  # type: ignore[attr-defined]
    for detail in kind.details:
        if detail.operation:
            called = (model if not detail.service else _model(detail.service)).operation_model(detail.operation)  # type: ignore[attr-defined]
            assert {*detail.arguments, *detail.constants} <= set(called.input_shape.members)
            assert shape_at(called.output_shape, detail.result) is not None
        else:
            assert detail.read is not None


def test_keys_of_the_schema_are_respelled_and_keys_of_data_are_not() -> None:
    """The service model tells an environment variable from a field."""
    shape = shape_at(_model("lambda").operation_model("ListFunctions").output_shape, "Functions[]")  # type: ignore[attr-defined]
    function = {
        "FunctionName": "f",
        "VpcConfig": {"SubnetIds": ["a"]},
        "Environment": {"Variables": {"LogLevel": "info", "DB_URL": "x"}},
        "ResponseMetadata": {"RequestId": "r"},
    }
    assert snake(function, shape) == {
        "function_name": "f",
        "vpc_config": {"subnet_ids": ["a"]},
        "environment": {"variables": {"LogLevel": "info", "DB_URL": "x"}},
    }


def test_times_become_utc_text_and_bytes_become_base64() -> None:
    """Everything in a resource is JSON."""
    there = datetime(2026, 1, 1, 2, tzinfo=timezone(timedelta(hours=2)))
    assert snake({"A": there, "B": b"\x00", "C": datetime(2026, 1, 1, tzinfo=UTC)}, None) == {
        "a": "2026-01-01T00:00:00+00:00",
        "b": "AA==",
        "c": "2026-01-01T00:00:00+00:00",
    }


def test_paths_step_into_lists() -> None:
    """`[]` collects; what is not there is nothing, or no items."""
    document = {"R": [{"I": [{"Id": 1}, {"Id": 2}]}, {"I": [{"Id": 3}]}]}
    assert pick(document, "R[].I[].Id") == [1, 2, 3]
    assert [each["Id"] for each in pick(document, "R[].I")] == [1, 2, 3]
    assert pick(document, "X.Y") is None
    assert pick(document, "X[].Y") == []


def test_tags_of_every_shape_are_one_map() -> None:
    """AWS writes them in at least four ways."""
    assert tags_of([{"Key": "a", "Value": "1"}]) == {"a": "1"}
    assert tags_of([{"key": "a", "value": "1"}]) == {"a": "1"}
    assert tags_of([{"TagKey": "a", "TagValue": "1"}]) == {"a": "1"}
    assert tags_of({"a": 1}) == {"a": "1"}
    assert tags_of(None) == {}


def test_actions_have_the_names_that_iam_knows() -> None:
    """They are not always the operation's."""
    assert action("elbv2", "DescribeRules") == "elasticloadbalancing:DescribeRules"
    assert action("s3", "ListBuckets") == "s3:ListAllMyBuckets"
    assert action("rds", "DescribeDBInstances") == "rds:DescribeDBInstances"


def test_a_bucket_lets_the_burst_through_and_then_its_rate() -> None:
    """The fourth of four requests at two a second waits for its turn; so does whoever comes after."""
    limited = Bucket(rate=2.0, burst=2.0)
    waits = [limited.reserve() for _ in range(4)]
    assert waits[:2] == [0.0, 0.0]
    assert waits[2] == pytest.approx(0.5, abs=0.05)
    assert waits[3] == pytest.approx(1.0, abs=0.05)


def test_a_bucket_is_shared_by_account_region_and_service() -> None:
    """Two sources of one account do not get twice the rate."""
    shared: dict[str, object] = {}
    first = bucket(shared, "1", "eu-west-1", "ec2", 5)
    assert bucket(shared, "1", "eu-west-1", "ec2", 5) is first
    assert bucket(shared, "2", "eu-west-1", "ec2", 5) is not first
    assert bucket(shared, "1", "eu-west-1", "rds", 5) is not first


def _balancers(**changes: object) -> AwsKind:
    given: dict[str, object] = {
        "name": "aws.test.balancer",
        "category": Category.NETWORK,
        "about": "for this test",
        "service": "elb",
        "operation": "DescribeLoadBalancers",
        "result": "LoadBalancerDescriptions",
        "identity": "LoadBalancerName",
    }
    return AwsKind(**{**given, **changes})  # type: ignore[arg-type]


def _read(
    kind: AwsKind, items: list[dict[str, object]], monkeypatch: pytest.MonkeyPatch, **answers: object
) -> list[object]:
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    told = {"elb.DescribeLoadBalancers": {"LoadBalancerDescriptions": items}, **answers}
    with stand(told) as running:  # type: ignore[arg-type]
        context = Context("staging", Path())
        options = AwsOptions(regions=("eu-west-1",), endpoint_url=running.endpoint_url, max_attempts=1)
        reader = Reader(kind, Source(options, context.meter), "aws:test", "111122223333", "eu-west-1", context)
        return list(read_kind(reader))


def test_what_is_not_declared_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """A call outside the declared permissions is a mistake in the kind, and stops it."""
    detail = Detail(attribute="x", read=lambda reader, _: reader.call("DescribeLoadBalancerPolicies"))
    with pytest.raises(AssertionError, match="does not declare elasticloadbalancing:DescribeLoadBalancerPolicies"):
        _read(_balancers(details=(detail,)), [{"LoadBalancerName": "a"}], monkeypatch)


def test_two_of_one_name_keep_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """Identities are unique in a listing."""
    found = _read(_balancers(), [{"LoadBalancerName": "a"}, {"LoadBalancerName": "a"}], monkeypatch)
    assert [each.identity for each in found] == ["a", "a#2"]  # type: ignore[attr-defined]


def test_a_name_that_cloudformation_made_up_loses_its_random_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stack and logical id say what it is; the whole name stays a handle."""
    tags = [
        {"Key": "aws:cloudformation:stack-name", "Value": "shop"},
        {"Key": "aws:cloudformation:logical-id", "Value": "Web"},
    ]
    kind = _balancers(tags="PolicyNames", details=(Detail(attribute="tags", read=lambda *_: tags),))
    (found,) = _read(kind, [{"LoadBalancerName": "shop-Web-1A2B3C"}], monkeypatch)
    assert found.identity == "shop-Web"  # type: ignore[attr-defined]
    assert "shop-Web-1A2B3C" in found.refs  # type: ignore[attr-defined]


def test_an_item_that_is_not_understood_is_a_gap_and_the_others_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """One odd answer costs one resource."""
    kind = _balancers(transform=lambda attributes: {"scheme": attributes["scheme"]})
    items: list[dict[str, object]] = [{"LoadBalancerName": "odd"}, {"LoadBalancerName": "fine", "Scheme": "internal"}]
    gap, resource = _read(kind, items, monkeypatch)
    assert (gap.resource, gap.attribute, gap.reason.value) == ("odd", None, "malformed")  # type: ignore[attr-defined]
    assert (resource.identity, resource.attributes) == ("fine", {"scheme": "internal"})  # type: ignore[attr-defined]


def test_a_detail_that_is_not_there_is_null_where_the_kind_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """`None is set` is an answer, not a failure."""
    detail = Detail(
        attribute="policies",
        operation="DescribeLoadBalancerPolicies",
        arguments={"LoadBalancerName": "LoadBalancerName"},
        result="PolicyDescriptions",
        none_on=("UnknownOperationException",),
    )
    (found,) = _read(_balancers(details=(detail,)), [{"LoadBalancerName": "a"}], monkeypatch)
    assert found.attributes["policies"] is None  # type: ignore[attr-defined]
