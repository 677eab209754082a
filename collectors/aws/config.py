"""AWS Config: whether a region's recorder records, and what."""

from __future__ import annotations

from auditor.model import Category, Json
from collectors.aws.base import AwsKind, Detail


def _recorder(attributes: dict[str, Json]) -> dict[str, Json]:
    statuses = attributes.pop("recording", None)
    if statuses is not None:
        attributes["recording"] = any(statuses)
    return attributes


KINDS = (
    AwsKind(
        name="aws.config.recorder",
        category=Category.SECURITY,
        about="Configuration recorders: whether they record, which types, how often",
        cloudformation="AWS::Config::ConfigurationRecorder",
        service="config",
        operation="DescribeConfigurationRecorders",
        result="ConfigurationRecorders",
        identity="name",
        location="arn",
        drop=("name", "arn"),
        details=(
            Detail(
                attribute="recording",
                operation="DescribeConfigurationRecorderStatus",
                arguments={"ConfigurationRecorderNames": "name"},
                result="ConfigurationRecordersStatus[].recording",
            ),
        ),
        transform=_recorder,
    ),
)
