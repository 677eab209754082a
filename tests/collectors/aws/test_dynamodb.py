"""DynamoDB: tables."""

from __future__ import annotations

from typing import Any

import pytest

from auditor.model import GapReason
from tests.collectors.aws.canned import canned, told
from tests.collectors.aws.reading import declared, lost
from tests.collectors.aws.recordings import DENIED, Recording, recordings

KIND = "aws.dynamodb.table"
TABLES = recordings("dynamodb.DescribeTable")
ARN = "arn:aws:dynamodb:eu-west-1:111111111111:table/orders"
BACKUPS = {
    "ContinuousBackupsDescription": {
        "ContinuousBackupsStatus": "ENABLED",
        "PointInTimeRecoveryDescription": {"PointInTimeRecoveryStatus": "ENABLED", "RecoveryPeriodInDays": 35},
    }
}
LIFE = {"TimeToLiveDescription": {"TimeToLiveStatus": "ENABLED", "AttributeName": "expires"}}


def _answers(table: dict[str, Any], **other: Any) -> dict[str, Any]:
    return {
        "ListTables": {"TableNames": [table["TableName"]]},
        "DescribeTable": {"Table": table},
        "DescribeContinuousBackups": BACKUPS,
        "DescribeTimeToLive": LIFE,
        "ListTagsOfResource": {"Tags": []},
        **other,
    }


def test_what_the_api_leaves_out_is_said_and_use_is_not() -> None:
    """Billing, class and encryption have defaults; capacity is a setting only where it is provisioned."""
    index = {
        "IndexName": "by-date",
        "KeySchema": [{"AttributeName": "day", "KeyType": "HASH"}],
        "Projection": {"ProjectionType": "ALL"},
        "ItemCount": 7,
        "ProvisionedThroughput": {"ReadCapacityUnits": 0, "WriteCapacityUnits": 0},
    }
    table = {
        "TableName": "orders",
        "TableArn": ARN,
        "ItemCount": 12,
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
        "BillingModeSummary": {"BillingMode": "PAY_PER_REQUEST"},
        "ProvisionedThroughput": {"ReadCapacityUnits": 0, "WriteCapacityUnits": 0, "NumberOfDecreasesToday": 0},
        "GlobalSecondaryIndexes": [index],
        "SSEDescription": {"Status": "ENABLED", "SSEType": "KMS", "KMSMasterKeyArn": "arn:aws:kms:::key/1"},
        "StreamSpecification": {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
    }
    assert told(KIND, _answers(table)) == {
        "billing_mode": "PAY_PER_REQUEST",
        "table_class": "STANDARD",
        "key_schema": [{"attribute_name": "id", "key_type": "HASH"}],
        "global_secondary_indexes": [
            {
                "index_name": "by-date",
                "key_schema": [{"attribute_name": "day", "key_type": "HASH"}],
                "projection": {"projection_type": "ALL"},
            }
        ],
        "stream_enabled": True,
        "stream_view_type": "NEW_IMAGE",
        "sse_type": "KMS",
        "kms_master_key_arn": "arn:aws:kms:::key/1",
        "continuous_backups": {"point_in_time_recovery": True, "retention_in_days": 35},
        "time_to_live": "expires",
    }


def test_backups_that_may_not_be_seen_are_unknown_and_the_table_is_there() -> None:
    """A gap for the attribute; nothing says that recovery is off."""
    table = {
        "TableName": "orders",
        "TableArn": ARN,
        "ProvisionedThroughput": {"ReadCapacityUnits": 5, "WriteCapacityUnits": 1},
    }
    seen = canned(KIND, _answers(table, DescribeContinuousBackups=DENIED))
    assert [(gap.attribute, gap.reason) for gap in seen.gaps] == [("continuous_backups", GapReason.ACCESS_DENIED)]
    assert "continuous_backups" not in seen.named("orders").attributes
    assert seen.named("orders").attributes["provisioned_throughput"]["read_capacity_units"] == 5
    assert seen.named("orders").attributes["billing_mode"] == "PROVISIONED"


@pytest.mark.skipif(not TABLES, reason="the recordings of AWS answers are not beside the repository")
@pytest.mark.parametrize("recorded", TABLES, ids=str)
def test_a_recorded_table_loses_nothing_that_is_not_declared(recorded: Recording) -> None:
    """Every leaf of a real answer is an attribute, a handle, or named in the declaration as dropped."""
    table = recorded.data["Table"]
    (resource,) = canned(KIND, _answers(table)).resources
    passing = (
        "billing_mode_summary.last_update_to_pay_per_request_date_time",
        "provisioned_throughput",
        "global_secondary_indexes.*.provisioned_throughput",
        "sse_description.status",
        "table_class_summary.last_update_date_time",
    )
    assert lost(declared(KIND), table, resource, passing) == []
