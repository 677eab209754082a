"""CloudTrail: which trails record what, where they keep it, and whether they record at all."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from auditor.model import Category, Gap, Json
from collectors.aws.base import AwsKind, Detail, Document

if TYPE_CHECKING:
    from collectors.aws._reader import Reader


def _trails(reader: Reader) -> Iterator[Document | Gap]:
    """A trail of all regions shows in each of them: it is told where it is at home, or in the first region that is read."""
    regions = reader.options.regions or (reader.region,)
    for trail in reader.items("DescribeTrails", "trailList"):
        home = trail.get("HomeRegion", reader.region)
        if home == reader.region or (home not in regions and reader.region == regions[0]):
            owner = str(trail.get("TrailARN", "")).split(":")[4:5]
            # Which events it records is told at home only, and to its owner.
            yield {**trail, "foreign": home != reader.region or owner != [reader.account]}


def _is_own(trail: Document) -> bool:
    return not trail["foreign"]


def _trail(attributes: dict[str, Json]) -> dict[str, Json]:
    """Where it is kept. One bucket for all accounts is as it should be, so it is not called a bucket."""
    attributes["destination"] = attributes.pop("s3_bucket_name", None)
    return attributes


def _selectors(answer: dict[str, Any]) -> Json:
    """Either kind of selectors, those of one name or of one sort under one key."""
    found: dict[str, Json] = {}
    for each in answer.get("advanced_event_selectors") or ():
        fields = {one.pop("field"): one for one in each.get("field_selectors") or ()}
        found[str(each.get("name") or "selector")] = fields
    for each in answer.get("event_selectors") or ():
        resources = {one["type"]: sorted(one.get("values") or ()) for one in each.get("data_resources") or ()}
        found[f"{each.get('read_write_type')} events"] = {**each, "data_resources": resources}
    return found


KINDS = (
    AwsKind(
        name="aws.cloudtrail.trail",
        category=Category.SECURITY,
        about="Trails: whether they record, which events of which regions, validation, encryption, destination",
        cloudformation="AWS::CloudTrail::Trail",
        service="cloudtrail",
        operation="DescribeTrails",
        result="trailList",
        read=_trails,
        identity="Name",
        location="TrailARN",
        verbatim=("event_selectors",),
        drop=(
            "name",
            "trail_arn",
            "home_region",
            "sns_topic_name",
            "recursive_logging",
            "has_custom_event_selectors",
            "foreign",
        ),
        details=(
            Detail(
                attribute="is_logging",
                operation="GetTrailStatus",
                arguments={"Name": "TrailARN"},
                result="IsLogging",
            ),
            Detail(
                attribute="event_selectors",
                operation="GetEventSelectors",
                arguments={"TrailName": "TrailARN"},
                when=_is_own,
                transform=_selectors,
            ),
        ),
        transform=_trail,
    ),
)
