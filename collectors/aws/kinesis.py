"""Kinesis data streams. How many shards AWS gives a stream on demand at this moment is use, and no setting."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from auditor.model import Category, Gap, Json
from collectors.aws._described import described
from collectors.aws.base import AwsKind, Detail, Document

if TYPE_CHECKING:
    from collectors.aws._reader import Reader


def _streams(reader: Reader) -> Iterator[Document | Gap]:
    names = reader.items("ListStreams", "StreamNames")
    yield from described(reader, names, "DescribeStreamSummary", "StreamDescriptionSummary", "StreamName")


def _tags(reader: Reader, stream: Document) -> Json:
    """Every tag. The API has pages of them, but no token."""
    found: list[Any] = []
    more: dict[str, Any] = {}
    while True:
        answer = reader.call("ListTagsForStream", StreamName=stream["StreamName"], **more)
        found += answer["Tags"]
        if not answer.get("HasMoreTags") or not answer["Tags"]:
            return {tag["Key"]: tag.get("Value", "") for tag in found}
        more = {"ExclusiveStartTagKey": answer["Tags"][-1]["Key"]}


def _stream(attributes: dict[str, Json]) -> dict[str, Json]:
    """Mode and encryption as switches; shards only where somebody provisions them."""
    mode = (attributes.pop("stream_mode_details", None) or {}).get("stream_mode", "PROVISIONED")
    attributes["stream_mode"] = mode
    if mode != "PROVISIONED":
        attributes.pop("open_shard_count", None)
    attributes["encrypted"] = attributes.pop("encryption_type", None) == "KMS"
    metrics = [each.get("shard_level_metrics") or () for each in attributes.pop("enhanced_monitoring", None) or ()]
    attributes["shard_level_metrics"] = sorted({name for names in metrics for name in names})
    return attributes


KINDS = (
    AwsKind(
        name="aws.kinesis.stream",
        category=Category.MESSAGING,
        about="Data streams: mode, shards, retention, encryption",
        cloudformation="AWS::Kinesis::Stream",
        service="kinesis",
        operation="DescribeStreamSummary",
        result="StreamDescriptionSummary",
        read=_streams,
        permissions=("kinesis:ListStreams", "kinesis:ListTagsForStream"),
        identity="StreamName",
        location="StreamARN",
        refs=("StreamId",),
        drop=(
            "stream_name",
            "stream_arn",
            "stream_id",
            "stream_status",
            "stream_creation_timestamp",
            "warm_throughput.current_mi_bps",
        ),
        details=(Detail(attribute="tags", read=_tags),),
        transform=_stream,
    ),
)
