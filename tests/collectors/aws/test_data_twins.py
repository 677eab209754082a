"""Data stores and clusters: recorded answers as two environments, and what moto makes read as the product reads it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from auditor.alike import Pair
from auditor.compare import compare
from auditor.comparison import Normal
from auditor.match import match
from auditor.redact import Redactor
from auditor.snapshot import normalise
from tests.collectors.aws.canned import canned
from tests.collectors.aws.reading import client, declared, moto, read
from tests.collectors.aws.recordings import Recording, recordings
from tests.collectors.aws.test_recorded_twins import PROD, STAGING, Twin

# Kind -> the recorded operation, what names its items, and the listing that comes before.
_RECORDED: Mapping[str, tuple[str, tuple[str, ...], Mapping[str, Any]]] = {
    "aws.dynamodb.table": ("dynamodb.DescribeTable", ("TableName",), {"ListTables": {"TableNames": ["x"]}}),
    "aws.eks.cluster": ("eks.DescribeCluster", ("name",), {"ListClusters": {"clusters": ["x"]}}),
    "aws.eks.node_group": (
        "eks.DescribeNodegroup",
        ("nodegroupName", "clusterName"),
        {"ListClusters": {"clusters": ["x"]}, "ListNodegroups": {"nodegroups": ["x"]}},
    ),
    "aws.msk.cluster": ("kafka.ListClustersV2", ("ClusterName",), {}),
    "aws.neptune.cluster": ("rds.DescribeDBClusters", ("DBClusterIdentifier",), {}),
}
_BESIDE: Mapping[str, Any] = {
    "DescribeContinuousBackups": {"ContinuousBackupsDescription": {"ContinuousBackupsStatus": "ENABLED"}},
    "DescribeTimeToLive": {"TimeToLiveDescription": {"TimeToLiveStatus": "DISABLED"}},
    "ListTagsOfResource": {"Tags": []},
}
RECORDED = [(kind, recorded) for kind, (operation, *_) in _RECORDED.items() for recorded in recordings(operation)]


def _normals(kind: str, recorded: Recording, environment: str) -> tuple[Normal, ...]:
    operation, keys, listing = _RECORDED[kind]
    ((_, found),) = recorded.data.items()
    items = found if isinstance(found, list) else [found]
    twin = Twin(environment, {item[key] for item in items for key in keys})
    answers = {**_BESIDE, **listing, operation.partition(".")[2]: twin.of(recorded.data)}
    seen = canned(kind, answers)
    assert (seen.gaps, seen.failed) == ((), None)
    redactor = Redactor(b"k" * 32)
    kept = [redactor.resource(each, declared(kind)) for each in seen.resources]
    return normalise(kept, lambda name: declared(name).declared, STAGING if environment == "staging" else PROD)


@pytest.mark.skipif(not RECORDED, reason="the recordings of AWS answers are not beside the repository")
@pytest.mark.parametrize(("kind", "recorded"), RECORDED, ids=[f"{kind}-{recorded.name}" for kind, recorded in RECORDED])
def test_two_copies_of_a_recorded_answer_have_no_difference(kind: str, recorded: Recording) -> None:
    """Names, accounts, ids, endpoints, times and order are all that tells them apart."""
    pair = Pair(STAGING, PROD)
    matches, alone = match(_normals(kind, recorded, "staging"), _normals(kind, recorded, "prod"), pair)
    found = [(each.match.left.identity, diff) for each in compare(matches, pair) for diff in each.differences]
    assert (alone, found) == ((), [])


def test_what_was_made_through_the_apis_is_read_without_a_gap() -> None:
    """One of each kind that moto can make, as its service answers it, with every call beside the listing."""
    network = {"subnetIds": ["subnet-1"], "endpointPublicAccess": True}
    with moto() as url:
        client("eks", url).create_cluster(
            name="shop", version="1.30", roleArn="arn:aws:iam::123456789012:role/eks", resourcesVpcConfig=network
        )
        client("dynamodb", url).create_table(
            TableName="orders",
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        client("efs", url).create_file_system(
            CreationToken="t", Encrypted=True, Tags=[{"Key": "Name", "Value": "media"}]
        )
        seen = {kind: read(kind, url) for kind in ("aws.eks.cluster", "aws.dynamodb.table", "aws.efs.file_system")}
    assert [(kind, each.gaps, each.failed) for kind, each in seen.items()] == [(kind, (), None) for kind in seen]
    assert seen["aws.eks.cluster"].named("shop").attributes["version"] == "1.30"
    assert seen["aws.dynamodb.table"].named("orders").attributes["billing_mode"] == "PAY_PER_REQUEST"
    assert seen["aws.efs.file_system"].named("media").attributes["mount_targets"]["count"] == 0
