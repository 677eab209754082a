"""Kinesis data streams and Firehose delivery streams, whose listings have pages but no tokens."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from auditor.model import GapReason
from tests.collectors.aws.canned import canned, told

STREAM = "aws.kinesis.stream"
DELIVERY = "aws.kinesisfirehose.delivery_stream"


def _tags(asked: Mapping[str, Any]) -> dict[str, Any]:
    if asked.get("ExclusiveStartTagKey") == "team":
        return {"Tags": [{"Key": "tier", "Value": "1"}], "HasMoreTags": False}
    return {"Tags": [{"Key": "team", "Value": "web"}], "HasMoreTags": True}


def _streams(**summary: Any) -> dict[str, Any]:
    told_of = {"StreamName": "clicks", "StreamARN": "arn:aws:kinesis:eu-west-1:1:stream/clicks", "OpenShardCount": 4}
    return {
        "ListStreams": {"StreamNames": ["clicks"], "HasMoreStreams": False},
        "DescribeStreamSummary": {"StreamDescriptionSummary": {**told_of, **summary}},
        "ListTagsForStream": _tags,
    }


def test_shards_are_a_setting_only_where_somebody_provisions_them() -> None:
    """On demand AWS chooses; every page of the tags is read."""
    provisioned = _streams(EncryptionType="KMS", EnhancedMonitoring=[{"ShardLevelMetrics": ["IncomingBytes"]}])
    assert told(STREAM, provisioned) == {
        "open_shard_count": 4,
        "stream_mode": "PROVISIONED",
        "encrypted": True,
        "shard_level_metrics": ["IncomingBytes"],
    }
    on_demand = told(STREAM, _streams(StreamModeDetails={"StreamMode": "ON_DEMAND"}, EncryptionType="NONE"))
    assert on_demand == {"stream_mode": "ON_DEMAND", "encrypted": False, "shard_level_metrics": []}
    assert canned(STREAM, provisioned).named("clicks").tags == {"team": "web", "tier": "1"}


def _delivery(name: str) -> dict[str, Any]:
    bucket = {"BucketARN": "arn:aws:s3:::acme-events", "CompressionFormat": "GZIP"}
    processing = {
        "Enabled": True,
        "Processors": [{"Type": "Lambda", "Parameters": [{"ParameterName": "NumberOfRetries", "ParameterValue": "3"}]}],
    }
    return {
        "DeliveryStreamName": name,
        "DeliveryStreamType": "KinesisStreamAsSource",
        "VersionId": "9",
        "DeliveryStreamEncryptionConfiguration": {"Status": "DISABLED"},
        "Source": {"KinesisStreamSourceDescription": {"KinesisStreamARN": "arn:aws:kinesis:eu-west-1:1:stream/clicks"}},
        "Destinations": [
            {
                "DestinationId": "destinationId-000000000001",
                "S3DestinationDescription": bucket,
                "ExtendedS3DestinationDescription": {**bucket, "ProcessingConfiguration": processing},
            }
        ],
    }


def test_every_page_of_delivery_streams_is_read_and_each_by_where_it_delivers() -> None:
    """The next page begins after the last name; the older form of a destination says nothing new."""
    pages = {None: (["audit", "clicks"], True), "clicks": (["orders"], False)}

    def listed(asked: Mapping[str, Any]) -> dict[str, Any]:
        names, more = pages[asked.get("ExclusiveStartDeliveryStreamName")]
        return {"DeliveryStreamNames": names, "HasMoreDeliveryStreams": more}

    answers = {
        "ListDeliveryStreams": listed,
        "DescribeDeliveryStream": lambda asked: {"DeliveryStreamDescription": _delivery(asked["DeliveryStreamName"])},
        "ListTagsForDeliveryStream": _tags,
    }
    seen = canned(DELIVERY, answers)
    assert (seen.identities, seen.gaps, seen.failed) == (["audit", "clicks", "orders"], (), None)
    assert seen.named("orders").attributes == {
        "delivery_stream_type": "KinesisStreamAsSource",
        "encrypted": False,
        "kms_key_arn": None,
        "source": {"kinesis_stream": {"kinesis_stream_arn": "arn:aws:kinesis:eu-west-1:1:stream/clicks"}},
        "destination": {
            "extended_s3": {
                "bucket_arn": "arn:aws:s3:::acme-events",
                "compression_format": "GZIP",
                "processing_configuration": {
                    "enabled": True,
                    "processors": [{"type": "Lambda", "parameters": {"NumberOfRetries": "3"}}],
                },
            }
        },
    }


def test_a_listing_that_gives_the_same_page_again_has_no_end() -> None:
    """It is broken off, and not taken for complete."""
    again = {"DeliveryStreamNames": ["audit"], "HasMoreDeliveryStreams": True}
    seen = canned(DELIVERY, {"ListDeliveryStreams": again})
    assert seen.failed is not None
    assert seen.failed.reason is GapReason.TRUNCATED
