"""Firehose: delivery streams with where they read from and where they write to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from auditor.errors import CollectError
from auditor.model import Category, Gap, GapReason, Json
from collectors.aws._described import described
from collectors.aws.base import AwsKind, Detail, Document

if TYPE_CHECKING:
    from collectors.aws._reader import Reader

_SUFFIX = "_destination_description"


def _delivery_streams(reader: Reader) -> Iterator[Document | Gap]:
    found = described(
        reader, _names(reader), "DescribeDeliveryStream", "DeliveryStreamDescription", "DeliveryStreamName"
    )
    yield from found


def _names(reader: Reader) -> list[str]:
    """Every delivery stream. The listing has pages, but no token: the next begins after the last name."""
    names: list[str] = []
    more: dict[str, Any] = {}
    while True:
        answer = reader.call("ListDeliveryStreams", **more)
        page = answer.get("DeliveryStreamNames")
        where = f"firehose:ListDeliveryStreams in {reader.region}"
        if not isinstance(page, list):
            raise CollectError(GapReason.MALFORMED, f"{where}: an answer without DeliveryStreamNames")
        if answer.get("HasMoreDeliveryStreams") and (not page or page[-1] in names):
            raise CollectError(GapReason.TRUNCATED, f"{where}: the same page came twice, so the listing has no end")
        names += page
        if not answer.get("HasMoreDeliveryStreams"):
            return names
        more = {"ExclusiveStartDeliveryStreamName": page[-1]}


def _tags(reader: Reader, stream: Document) -> Json:
    """Every tag. The API has pages of them, but no token."""
    found: list[Any] = []
    more: dict[str, Any] = {}
    while True:
        answer = reader.call("ListTagsForDeliveryStream", DeliveryStreamName=stream["DeliveryStreamName"], **more)
        found += answer["Tags"]
        if not answer.get("HasMoreTags") or not answer["Tags"]:
            return {tag["Key"]: tag.get("Value", "") for tag in found}
        more = {"ExclusiveStartTagKey": answer["Tags"][-1]["Key"]}


def _delivery_stream(attributes: dict[str, Json]) -> dict[str, Json]:
    """Source and destination by what they are; encryption of what waits as a switch."""
    encryption = attributes.pop("delivery_stream_encryption_configuration", None) or {}
    attributes["encrypted"] = str(encryption.get("status", "")) in ("ENABLED", "ENABLING")
    attributes["kms_key_arn"] = encryption.get("key_arn")
    attributes["source"] = {
        name.removesuffix("_source_description"): source for name, source in (attributes.get("source") or {}).items()
    }
    destinations: dict[str, Json] = {}
    for each in attributes.pop("destinations", None) or ():
        each.pop("destination_id", None)
        if "extended_s3_destination_description" in each:
            each.pop("s3_destination_description", None)  # the same again, in its older form
        destinations |= {name.removesuffix(_SUFFIX): _destination(value) for name, value in each.items()}
    attributes["destination"] = destinations
    return attributes


def _destination(value: dict[str, Json]) -> dict[str, Json]:
    """Common attributes and processors' parameters as maps."""
    request = value.get("request_configuration") or {}
    if request.get("common_attributes"):
        request["common_attributes"] = {
            str(each.get("attribute_name", "")): each.get("attribute_value", "")
            for each in request["common_attributes"]
        }
    for processor in (value.get("processing_configuration") or {}).get("processors") or ():
        processor["parameters"] = {
            str(each.get("parameter_name", "")): each.get("parameter_value", "")
            for each in processor.get("parameters") or ()
        }
    return value


KINDS = (
    AwsKind(
        name="aws.kinesisfirehose.delivery_stream",
        category=Category.MESSAGING,
        about="Delivery streams: source, destination, buffering, conversion, encryption",
        cloudformation="AWS::KinesisFirehose::DeliveryStream",
        service="firehose",
        operation="DescribeDeliveryStream",
        result="DeliveryStreamDescription",
        read=_delivery_streams,
        permissions=("firehose:ListDeliveryStreams", "firehose:ListTagsForDeliveryStream"),
        identity="DeliveryStreamName",
        location="DeliveryStreamARN",
        secret=("destination.splunk.hec_token",),
        keyed={"destination.*.processing_configuration.processors": "type"},
        verbatim=("destination.*.request_configuration.common_attributes",),
        drop=(
            "delivery_stream_name",
            "delivery_stream_arn",
            "delivery_stream_status",
            "failure_description",
            "version_id",
            "create_timestamp",
            "last_update_timestamp",
            "has_more_destinations",
            "source.kinesis_stream.delivery_start_timestamp",
            "source.msk.delivery_start_timestamp",
            "source.msk.read_from_timestamp",
            "source.database.snapshot_info",
            "destination.*.vpc_configuration_description.vpc_id",
        ),
        details=(Detail(attribute="tags", read=_tags),),
        transform=_delivery_stream,
    ),
)
