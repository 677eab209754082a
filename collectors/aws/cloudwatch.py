"""CloudWatch alarms: what is watched, from which value on, and whom it tells. Whether one rings now is not drift.

Alarms that scaling policies keep for themselves are left out: they follow from the policies.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from auditor.model import Category, Gap, Json
from collectors.aws.base import AwsKind, Document

if TYPE_CHECKING:
    from collectors.aws._reader import Reader

_BALANCER = re.compile(r"(?<=\w)/[0-9a-f]{16}\Z")
_PASSING = (
    "alarm_name",
    "alarm_arn",
    "alarm_configuration_updated_timestamp",
    "state_value",
    "state_reason",
    "state_reason_data",
    "state_updated_timestamp",
    "state_transitioned_timestamp",
    "evaluation_state",
    "actions_suppressed_by",
    "actions_suppressed_reason",
)


def _metric_alarms(reader: Reader) -> Iterator[Document | Gap]:
    for alarm in reader.items("DescribeAlarms", "MetricAlarms", AlarmTypes=["MetricAlarm"]):
        if not str(alarm.get("AlarmName", "")).startswith("TargetTracking-"):
            yield alarm


def _named(attributes: dict[str, Json]) -> dict[str, Json]:
    """Load balancers and target groups by name: CloudWatch adds an id that AWS made up."""
    stats = [(each.get("metric_stat") or {}).get("metric") or {} for each in attributes.get("metrics") or ()]
    for holder in (attributes, *stats):
        for dimension in holder.get("dimensions") or ():
            dimension["value"] = _BALANCER.sub("", str(dimension.get("value")))
    return attributes


KINDS = (
    AwsKind(
        name="aws.cloudwatch.alarm",
        category=Category.OPERATIONS,
        about="Metric alarms: metric, statistic, threshold, how missing data counts, actions",
        cloudformation="AWS::CloudWatch::Alarm",
        service="cloudwatch",
        operation="DescribeAlarms",
        result="MetricAlarms",
        read=_metric_alarms,
        identity="AlarmName",
        location="AlarmArn",
        keyed={
            "dimensions": "name",
            "metrics": "id",
            "metrics.*.metric_stat.metric.dimensions": "name",
        },
        drop=_PASSING,
        transform=_named,
    ),
    AwsKind(
        name="aws.cloudwatch.composite_alarm",
        category=Category.OPERATIONS,
        about="Composite alarms: the rule over other alarms, suppression, actions",
        cloudformation="AWS::CloudWatch::CompositeAlarm",
        service="cloudwatch",
        operation="DescribeAlarms",
        result="CompositeAlarms",
        arguments={"AlarmTypes": ["CompositeAlarm"]},
        identity="AlarmName",
        location="AlarmArn",
        drop=_PASSING,
    ),
)
