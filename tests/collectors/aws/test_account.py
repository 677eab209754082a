"""Buckets, keys, certificates, roles, networks, alarms and trails, read from an account in moto."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from auditor.alike import Pair
from auditor.collector import Context
from auditor.compare import compare
from auditor.match import match
from auditor.model import Gap, GapReason, Resource
from auditor.names import environment_names
from auditor.redact import Redactor
from auditor.snapshot import normalise
from collectors.aws import AwsCollector, AwsOptions
from tests.collectors.aws import faulty
from tests.collectors.aws.account import fill
from tests.collectors.aws.faulty import Fault
from tests.collectors.aws.reading import CREDENTIALS, REGION, Seen, declared, moto, read

KINDS = (
    "aws.s3.bucket",
    "aws.kms.key",
    "aws.acm.certificate",
    "aws.iam.role",
    "aws.iam.policy",
    "aws.iam.group",
    "aws.iam.instance_profile",
    "aws.iam.account",
    "aws.ec2.vpc",
    "aws.ec2.subnet",
    "aws.ec2.route_table",
    "aws.ec2.nat_gateway",
    "aws.ec2.vpc_endpoint",
    "aws.ec2.vpc_peering_connection",
    "aws.ec2.network_acl",
    "aws.logs.log_group",
    "aws.logs.metric_filter",
    "aws.cloudwatch.alarm",
    "aws.cloudtrail.trail",
    "aws.guardduty.detector",
    "aws.config.recorder",
)
ACCOUNT, OTHER_ACCOUNT = "123456789012", "999988887777"
STAGING = environment_names("staging", (), {"prod": ()}).at([ACCOUNT], ["eu-west-1"])
PROD = environment_names("prod", (), {"staging": ()}).at([OTHER_ACCOUNT], ["eu-west-1"])
GENERATED = re.compile(
    r"(?<=-)[0-9a-f]{17}\b|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|\b[0-9a-f]{32}\b|\bA[RN][OP]A[A-Z0-9]{17}\b"
)


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The account."""
    with moto() as url:
        fill(url)
        yield url


@pytest.fixture(scope="module")
def seen(server: str) -> Mapping[str, Seen]:
    """Everything that is read of it, by one source."""
    services = tuple(sorted({kind.split(".")[1] for kind in KINDS} - {"ec2"} | {"vpc"}))
    options = AwsOptions(regions=(REGION,), endpoint_url=server, services=services, requests_per_second=1000)
    found: dict[str, Seen] = {}
    with patch.dict(os.environ, CREDENTIALS):
        for task in AwsCollector().plan(options, Context(environment="staging", folder=Path())):
            if task.kinds[0] in KINDS:
                each = list(task.run())
                resources = tuple(one for one in each if isinstance(one, Resource))
                found[task.kinds[0]] = Seen(resources, tuple(one for one in each if isinstance(one, Gap)))
    return found


def test_everything_is_read_without_a_gap(seen: Mapping[str, Seen]) -> None:
    """Moto answers all of these, so nothing may be lost."""
    assert {kind: (one.gaps, one.failed) for kind, one in seen.items() if one.gaps or one.failed} == {}


def test_things_are_called_what_people_call_them(seen: Mapping[str, Seen]) -> None:
    """By name, alias, domain or tag, a tier for its subnets; what only an id tells by its shape. What AWS keeps for itself
    (its own keys and roles, alarms of scaling policies) and what is about to be deleted is not there."""
    assert {kind: sorted(one.identities) for kind, one in seen.items()} == {
        "aws.s3.bucket": ["orders-staging", "plain-staging", "trail-staging"],
        "aws.kms.key": ["alias/orders-staging", "signs orders of staging"],
        "aws.acm.certificate": ["staging.acme.example"],
        "aws.iam.role": ["orders-staging"],
        "aws.iam.policy": ["orders-staging-write"],
        "aws.iam.group": ["readers"],
        "aws.iam.instance_profile": ["orders-staging"],
        "aws.iam.account": ["account"],
        "aws.ec2.vpc": ["default-vpc", "orders-staging", "vpc/20"],
        "aws.ec2.subnet": ["default-vpc/isolated", "orders-staging/private", "orders-staging/public"],
        "aws.ec2.route_table": [
            "default-vpc/main",
            "orders-staging/main",
            "orders-staging/private",
            "orders-staging/public",
            "vpc/20/main",
        ],
        "aws.ec2.nat_gateway": ["orders-staging"],
        "aws.ec2.vpc_endpoint": ["orders-staging/s3"],
        "aws.ec2.vpc_peering_connection": ["orders-staging to vpc/20"],
        "aws.ec2.network_acl": [
            "default-vpc/default",
            "orders-staging/data",
            "orders-staging/default",
            "vpc/20/default",
        ],
        "aws.logs.log_group": ["/forever/staging", "/orders/staging"],
        "aws.logs.metric_filter": ["/orders/staging/errors"],
        "aws.cloudwatch.alarm": ["orders-staging-5xx"],
        "aws.cloudtrail.trail": ["audit-staging"],
        "aws.guardduty.detector": ["detector"],
        "aws.config.recorder": ["default"],
    }


def test_a_bucket_says_who_reads_it_and_what_becomes_of_its_objects(seen: Mapping[str, Seen]) -> None:
    """What was never set is null or off, not a gap."""
    orders, plain = (seen["aws.s3.bucket"].named(name) for name in ("orders-staging", "plain-staging"))
    assert orders.tags == {"team": "orders"}
    assert orders.attributes["versioning"] == {"enabled": True, "mfa_delete": False}
    assert orders.attributes["encryption"] == {"algorithm": "aws:kms", "kms_key_id": None, "bucket_key_enabled": True}
    assert set(orders.attributes["public_access_block"].values()) == {True}
    assert orders.attributes["policy"]["deny s3"]["principals"] == {"aws": ["*"]}
    assert orders.attributes["lifecycle"][0]["transitions"] == {"GLACIER": {"days": 3}}
    assert orders.attributes["cors"][0]["allowed_origins"] == ["https://staging.acme.example"]
    assert plain.attributes["versioning"] == {"enabled": False, "mfa_delete": False}
    assert plain.attributes["policy"] == {}
    assert [plain.attributes[name] for name in ("public_access_block", "lifecycle", "cors", "website", "logging")] == [
        None
    ] * 5
    assert plain.attributes["access"] == {"object_ownership": "ObjectWriter", "grants": ["AllUsers READ"]}


def test_a_role_says_who_may_take_it_and_what_it_may(seen: Mapping[str, Seen]) -> None:
    """By statements; a policy of the account by its default version. No user's name and no key is anywhere."""
    role, policy = seen["aws.iam.role"].resources[0], seen["aws.iam.policy"].resources[0]
    assert role.attributes["trust"]["allow sts"]["principals"] == {"service": ["ecs-tasks.amazonaws.com"]}
    assert role.attributes["inline_policies"]["read"]["allow s3"]["actions"] == ["s3:getobject"]
    assert role.attributes["attached_policies"] == [policy.location]
    assert role.attributes["max_session_duration"] == 7200
    assert policy.attributes["statements"]["allow s3"]["actions"] == ["s3:getobject"]
    assert seen["aws.iam.account"].resources[0].attributes["users"] == 1
    assert "lovelace" not in repr(seen)
    assert "AKIA" not in repr(seen)


def test_a_key_says_how_it_rotates_and_a_certificate_how_it_is_renewed(seen: Mapping[str, Seen]) -> None:
    """Only what can rotate is asked; when a certificate ends is kept and not compared."""
    key, signing = (seen["aws.kms.key"].named(name) for name in ("alias/orders-staging", "signs orders of staging"))
    assert key.attributes["rotation"]["enabled"] is True
    assert (signing.attributes["key_spec"], "rotation" in signing.attributes) == ("RSA_2048", False)
    certificate = seen["aws.acm.certificate"].resources[0].attributes
    assert (certificate["issued"]["names"], certificate["issued"]["wildcard"], certificate["renewal"]) == (
        2,
        True,
        "automatic",
    )
    assert certificate["not_after"] > "2026"
    assert "not_after" in declared("aws.acm.certificate").volatile


def test_a_network_is_told_by_what_leads_where(seen: Mapping[str, Seen]) -> None:
    """Subnets of one purpose are one tier, its routes say how it reaches the internet, addresses of its own are names."""
    public, private = (seen["aws.ec2.subnet"].named(f"orders-staging/{tier}") for tier in ("public", "private"))
    assert [public.attributes["reach"], private.attributes["reach"]] == [["public"], ["private"]]
    assert (private.attributes["zones"], private.attributes["addresses"], len(private.refs)) == (2, 512, 2)
    routes = seen["aws.ec2.route_table"].named("orders-staging/private").attributes["routes"]
    assert routes == {"internet via nat_gateway": 1, "prefix list via vpc_endpoint": 1}
    assert seen["aws.ec2.nat_gateway"].resources[0].attributes["zones"] == 2
    entries = seen["aws.ec2.network_acl"].named("orders-staging/data").attributes["entries"]
    assert [(entry["rule"], entry["source"]) for entry in entries] == [
        ("ingress 100", "orders-staging/private"),
        ("ingress 110", "vpc"),
        ("ingress 120", "0.0.0.0/0"),
    ]
    assert seen["aws.ec2.vpc_peering_connection"].resources[0].attributes["active"] is True


def test_logs_and_alarms_say_what_is_kept_and_whom_they_tell(seen: Mapping[str, Seen]) -> None:
    """For ever is null; a load balancer's dimension goes by its name; whether it rings now is not there."""
    kept = {one.identity: one.attributes["retention_in_days"] for one in seen["aws.logs.log_group"].resources}
    assert kept == {"/orders/staging": 14, "/forever/staging": None}
    alarm = seen["aws.cloudwatch.alarm"].resources[0].attributes
    assert alarm["dimensions"] == [{"name": "LoadBalancer", "value": "app/orders-staging"}]
    assert [key for key in alarm if key.startswith("state")] == []
    trail = seen["aws.cloudtrail.trail"].resources[0].attributes
    assert (trail["is_logging"], trail["destination"]) == (True, "trail-staging")


def test_what_may_not_be_asked_of_a_bucket_is_unknown_and_not_unset(server: str) -> None:
    """A denied question (the first, where it lies, is answered) is a gap of its attribute, and the others are read."""
    denied = faulty.literal("<Error><Code>AccessDenied</Code><Message>no</Message></Error>", 403)
    with faulty.faulty(server, Fault(denied, operation="GET /orders-staging", after=1)) as proxy:
        found = read("aws.s3.bucket", proxy.endpoint_url)
    assert {gap.attribute for gap in found.gaps} == {detail.attribute for detail in declared("aws.s3.bucket").details}
    assert {(gap.resource, gap.reason) for gap in found.gaps} == {("orders-staging", GapReason.ACCESS_DENIED)}
    assert found.named("orders-staging").attributes == {}
    assert found.named("plain-staging").attributes["policy"] == {}


def _twin(value: Any) -> Any:
    """As production would have it: its name and account, other ids, another order."""
    if isinstance(value, Mapping):
        return {_twin(key): _twin(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_twin(item) for item in value)[::-1]
    if not isinstance(value, str):
        return value
    renamed = value.replace("staging", "prod").replace(ACCOUNT, OTHER_ACCOUNT).replace("2026-", "2025-")
    return GENERATED.sub(lambda found: found[0][:4] + found[0][4:][::-1], renamed)


def test_a_renamed_account_is_the_same_account(seen: Mapping[str, Seen]) -> None:
    """Every resource finds its twin, those of the shape as those of a name, and nothing differs."""
    redactor = Redactor(b"k" * 32)
    ours = [redactor.resource(one, declared(one.kind)) for found in seen.values() for one in found.resources]
    theirs = [
        Resource(
            one.kind,
            _twin(one.identity),
            _twin(one.attributes),
            source="aws:prod",
            region=one.region,
            account=OTHER_ACCOUNT,
            parent=_twin(one.parent),
            refs=_twin(one.refs),
            tags=_twin(one.tags),
        )
        for one in ours
    ]
    pair = Pair(STAGING, PROD)
    left = normalise(ours, lambda name: declared(name).declared, STAGING)
    right = normalise(theirs, lambda name: declared(name).declared, PROD)
    matches, alone = match(left, right, pair)
    assert [one.normal.identity for one in alone] == []
    assert [(one.match.left.identity, one.differences) for one in compare(matches, pair) if one.differences] == []
