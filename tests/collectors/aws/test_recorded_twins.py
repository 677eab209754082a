"""Two environments made of one recorded answer: what only their names, ids, addresses and order tell apart is parity."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest

from auditor.alike import Pair
from auditor.compare import compare
from auditor.comparison import Normal
from auditor.match import match
from auditor.model import Resource
from auditor.names import environment_names
from auditor.redact import Redactor
from auditor.snapshot import normalise
from tests.collectors.aws.reading import declared, read
from tests.collectors.aws.recordings import Recording, recordings, stand

ACCOUNTS = {"staging": "111111111111", "prod": "222222222222"}
STAGING = environment_names("staging", (), {"prod": ()}).at([ACCOUNTS["staging"]], ["eu-west-1"])
PROD = environment_names("prod", (), {"staging": ()}).at([ACCOUNTS["prod"]], ["eu-west-1"])
# Ids that AWS makes up: of resources, keys, and the random label in host names and secrets' ARNs.
GENERATED = re.compile(
    r"(?<=\b(?:sg|db)-)[0-9a-zA-Z]{8,26}\b|(?<=subnet-)[0-9a-f]{8,17}\b|(?<=vpc-)[0-9a-f]{8,17}\b"
    r"|(?<=cluster-)[A-Z0-9]{26}\b|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
    r"|(?<=\.)[a-z0-9]{6,13}(?=\.(?:[a-z0-9-]+\.)+amazonaws\.com)|(?<=-)c[a-z0-9]{11}(?=\.[a-z0-9-]+\.)"
)
IDENTITIES = {
    "aws.rds.instance": ("DBInstances", "DBInstanceIdentifier", "DBClusterIdentifier"),
    "aws.rds.cluster": ("DBClusters", "DBClusterIdentifier"),
    "aws.elasticache.replication_group": ("ReplicationGroups", "ReplicationGroupId"),
    "aws.lambda.function": ("Functions", "FunctionName"),
    "aws.secretsmanager.secret": ("SecretList", "Name"),
    "aws.ssm.parameter": ("Parameters", "Name"),
    "aws.ecs.service": ("services", "serviceName"),
}
RECORDED = [
    (kind, recorded)
    for kind, operation in (
        ("aws.rds.instance", "rds.DescribeDBInstances"),
        ("aws.rds.cluster", "rds.DescribeDBClusters"),
        ("aws.elasticache.replication_group", "elasticache.DescribeReplicationGroups"),
        ("aws.lambda.function", "lambda.ListFunctions"),
        ("aws.secretsmanager.secret", "secretsmanager.ListSecrets"),
        ("aws.ssm.parameter", "ssm.DescribeParameters"),
        ("aws.ecs.service", "ecs.DescribeServices"),
    )
    for recorded in recordings(operation)
]


class Twin:
    """A copy of a recorded answer as another environment would give it."""

    def __init__(self, environment: str, names: set[str]) -> None:
        self._environment = environment
        longest = sorted(names, key=len, reverse=True)
        self._names = re.compile(rf"(?<![\w-])({'|'.join(map(re.escape, longest))})(?![\w-])")

    def of(self, value: Any) -> Any:
        if isinstance(value, Mapping):
            return {key: self.of(item) for key, item in value.items()}
        if isinstance(value, list):
            items = [self.of(item) for item in value]
            return items[::-1] if self._environment == "prod" else items
        if isinstance(value, datetime):
            return value + timedelta(days=len(self._environment))
        return self._text(value) if isinstance(value, str) else value

    def _text(self, text: str) -> str:
        text = self._names.sub(rf"\1-{self._environment}", text)
        text = re.sub(r"\b\d{12}\b", ACCOUNTS[self._environment], text)
        return GENERATED.sub(self._other_id, text)

    def _other_id(self, found: re.Match[str]) -> str:
        digest = hashlib.sha256(f"{self._environment}{found[0]}".encode()).hexdigest()
        digits = iter(digest * 2)
        return "".join(next(digits) if sign != "-" else sign for sign in found[0])


def resources(kind: str, recorded: Recording, environment: str) -> list[Resource]:
    """The recorded resources as the environment would have them, read through the collector and free of secrets."""
    result, *keys = IDENTITIES[kind]
    items = recorded.data[result]
    twin = Twin(environment, {item[key] for item in items for key in keys if item.get(key)})
    data = twin.of(recorded.data)
    answers = {
        recorded.operation: data,
        "ecs.ListClusters": {"clusterArns": ["arn:aws:ecs:us-east-1:111111111111:cluster/x"]},
        "ecs.ListServices": {"serviceArns": ["arn:aws:ecs:us-east-1:111111111111:service/x"]},
        "elasticache.DescribeCacheClusters": {"CacheClusters": []},
        "elasticache.ListTagsForResource": {"TagList": []},
        "lambda.ListAliases": {"Aliases": []},
        "lambda.GetFunctionConcurrency": {},
        "lambda.ListTags": {"Tags": {}},
        "ssm.GetParameters": lambda asked: {"Parameters": [{"Name": name, "Value": "v"} for name in asked["Names"]]},
    }
    with stand(answers) as server:
        seen = read(kind, server.endpoint_url)
    assert (seen.gaps, seen.failed) == ((), None)
    redactor = Redactor(b"k" * 32)
    return [redactor.resource(each, declared(kind)) for each in seen.resources]


def _normals(kind: str, recorded: Recording, environment: str) -> tuple[Normal, ...]:
    found = resources(kind, recorded, environment)
    return normalise(found, lambda name: declared(name).declared, STAGING if environment == "staging" else PROD)


@pytest.mark.skipif(not RECORDED, reason="the recordings of AWS answers are not beside the repository")
@pytest.mark.parametrize(("kind", "recorded"), RECORDED, ids=[str(recorded) for _, recorded in RECORDED])
def test_two_copies_that_differ_in_names_ids_addresses_times_and_order_have_no_difference(
    kind: str, recorded: Recording
) -> None:
    """Every resource finds its twin, and no leaf of the two differs."""
    pair = Pair(STAGING, PROD)
    matches, alone = match(_normals(kind, recorded, "staging"), _normals(kind, recorded, "prod"), pair)
    assert alone == ()
    assert matches
    found = [
        (each.match.left.identity, difference) for each in compare(matches, pair) for difference in each.differences
    ]
    assert found == []
