"""GuardDuty: whether a region is watched for threats, and by which of its protections."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from auditor.model import Category, Gap, Json
from collectors.aws.base import AwsKind, Detail, Document

if TYPE_CHECKING:
    from collectors.aws._reader import Reader


def _detectors(reader: Reader) -> Iterator[Document | Gap]:
    """A region has one at most; its id says nothing."""
    for detector in reader.items("ListDetectors", "DetectorIds"):
        yield {"name": "detector", "id": detector}


def _detector(answer: dict[str, Any]) -> Json:
    return {
        "status": answer.get("status"),
        "finding_publishing_frequency": answer.get("finding_publishing_frequency"),
        "features": {
            each["name"]: {
                "status": each.get("status"),
                **{one["name"]: one.get("status") for one in each.get("additional_configuration") or ()},
            }
            for each in answer.get("features") or ()
        },
    }


def _flat(attributes: dict[str, Json]) -> dict[str, Json]:
    return attributes | (attributes.pop("detector", None) or {})


KINDS = (
    AwsKind(
        name="aws.guardduty.detector",
        category=Category.SECURITY,
        about="Whether GuardDuty watches a region, how soon it tells, and which protections are on",
        cloudformation="AWS::GuardDuty::Detector",
        service="guardduty",
        operation="ListDetectors",
        read=_detectors,
        identity="name",
        refs=("id",),
        verbatim=("features",),
        drop=("name", "id"),
        details=(
            Detail(attribute="detector", operation="GetDetector", arguments={"DetectorId": "id"}, transform=_detector),
        ),
        transform=_flat,
    ),
)
