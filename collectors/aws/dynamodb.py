"""DynamoDB: tables with their keys, indexes, capacity, streams, backups and encryption. How much they hold, and how warm
they are, is use and no setting. What scales them automatically is read as `aws.applicationautoscaling`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from auditor.model import Category, Gap, Json
from collectors.aws._described import described
from collectors.aws.base import AwsKind, Detail, Document

if TYPE_CHECKING:
    from collectors.aws._reader import Reader

_INDEXES = "{local,global}_secondary_indexes"
_COUNTED = ("last_increase_date_time", "last_decrease_date_time", "number_of_decreases_today")


def _tables(reader: Reader) -> Iterator[Document | Gap]:
    yield from described(reader, reader.items("ListTables", "TableNames"), "DescribeTable", "Table", "TableName")


def _table(attributes: dict[str, Json]) -> dict[str, Json]:
    """What the API leaves out where it is the default, said; capacity only where it is provisioned."""
    billing = (attributes.pop("billing_mode_summary", None) or {}).get("billing_mode", "PROVISIONED")
    attributes["billing_mode"] = billing
    if billing != "PROVISIONED":
        attributes.pop("provisioned_throughput", None)
    for index in attributes.get("global_secondary_indexes") or ():
        if billing != "PROVISIONED":
            index.pop("provisioned_throughput", None)
    attributes["table_class"] = (attributes.pop("table_class_summary", None) or {}).get("table_class", "STANDARD")
    stream = attributes.pop("stream_specification", None) or {}
    attributes["stream_enabled"] = bool(stream.get("stream_enabled"))
    attributes["stream_view_type"] = stream.get("stream_view_type")
    sse = attributes.pop("sse_description", None) or {}
    # Every table is encrypted; without a key of KMS it is with one of DynamoDB's own.
    attributes["sse_type"] = sse.get("sse_type", "AES256") if sse.get("status") != "DISABLED" else "AES256"
    attributes["kms_master_key_arn"] = sse.get("kms_master_key_arn")
    return attributes


def _backups(description: dict[str, Json]) -> dict[str, Json]:
    """Whether the table can be taken back to any moment, and how far back; the moments themselves pass."""
    recovery = description.get("point_in_time_recovery_description") or {}
    return {
        "point_in_time_recovery": recovery.get("point_in_time_recovery_status") == "ENABLED",
        "retention_in_days": recovery.get("recovery_period_in_days"),
    }


def _time_to_live(description: dict[str, Json]) -> Json:
    """The attribute that tells when a row expires; none where rows stay."""
    on = description.get("time_to_live_status") in ("ENABLED", "ENABLING")
    return description.get("attribute_name") if on else None


KINDS = (
    AwsKind(
        name="aws.dynamodb.table",
        category=Category.DATABASE,
        about="Tables: keys, indexes, capacity, streams, time to live, backups, encryption",
        cloudformation="AWS::DynamoDB::Table",
        service="dynamodb",
        operation="DescribeTable",
        result="Table",
        read=_tables,
        permissions=("dynamodb:ListTables",),
        identity="TableName",
        location="TableArn",
        refs=("LatestStreamArn", "LocalSecondaryIndexes[].IndexArn", "GlobalSecondaryIndexes[].IndexArn"),
        keyed={
            "attribute_definitions": "attribute_name",
            "key_schema": "attribute_name",
            "local_secondary_indexes": "index_name",
            "global_secondary_indexes": "index_name",
            f"{_INDEXES}.*.key_schema": "attribute_name",
            "vector_indexes": "index_name",
            "vector_indexes.*.search_schema": "attribute_name",
            "replicas": "region_name",
            "replicas.*.global_secondary_indexes": "index_name",
            "global_table_witnesses": "region_name",
        },
        drop=(
            "table_name",
            "table_arn",
            "table_id",
            "table_status",
            "creation_date_time",
            "table_size_bytes",
            "item_count",
            "latest_stream_label",
            "latest_stream_arn",
            "restore_summary",
            "archival_summary",
            "warm_throughput",
            *(f"provisioned_throughput.{name}" for name in _COUNTED),
            *(
                f"{indexes}.*.{name}"
                for indexes in ("local_secondary_indexes", "global_secondary_indexes", "vector_indexes")
                for name in (
                    "index_size_bytes",
                    "item_count",
                    "index_arn",
                    "index_status",
                    "backfilling",
                    "warm_throughput",
                    *(f"provisioned_throughput.{counted}" for counted in _COUNTED),
                )
            ),
            "replicas.*.replica_status",
            "replicas.*.replica_arn",
            "replicas.*.replica_status_description",
            "replicas.*.replica_status_percent_progress",
            "replicas.*.replica_inaccessible_date_time",
            "replicas.*.replica_table_class_summary.last_update_date_time",
            "replicas.*.warm_throughput",
            "replicas.*.global_secondary_indexes.*.warm_throughput",
            "global_table_witnesses.*.witness_status",
        ),
        details=(
            Detail(
                attribute="continuous_backups",
                operation="DescribeContinuousBackups",
                arguments={"TableName": "TableName"},
                result="ContinuousBackupsDescription",
                transform=_backups,
            ),
            Detail(
                attribute="time_to_live",
                operation="DescribeTimeToLive",
                arguments={"TableName": "TableName"},
                result="TimeToLiveDescription",
                transform=_time_to_live,
            ),
            Detail(
                attribute="tags", operation="ListTagsOfResource", arguments={"ResourceArn": "TableArn"}, result="Tags"
            ),
        ),
        transform=_table,
    ),
)
