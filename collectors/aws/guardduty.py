"""GuardDuty: whether a region is watched for threats, and by which of its protections."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from auditor.model import Category, Gap, Json
from collectors.aws.base import AwsKind, Document

if TYPE_CHECKING:
    from collectors.aws._reader import Reader


def _detectors(reader: Reader) -> Iterator[Document | Gap]:
    """A region has one at most; its id says nothing."""
    for detector in reader.items("ListDetectors", "DetectorIds"):
        answer = reader.call("GetDetector", DetectorId=detector)
        yield {
            "name": "detector",
            "id": detector,
            "status": answer["Status"],
            "finding_publishing_frequency": answer.get("FindingPublishingFrequency"),
            "features": {each["Name"]: _feature(each) for each in answer.get("Features") or ()},
        }


def _feature(feature: Document) -> dict[str, Json]:
    more = {each["Name"]: each.get("Status") for each in feature.get("AdditionalConfiguration") or ()}
    return {"status": feature.get("Status"), **more}


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
        permissions=("guardduty:GetDetector",),
    ),
)
