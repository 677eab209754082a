"""CloudWatch Logs: log groups with how long they keep what, and the metrics that are made of them."""

from __future__ import annotations

from auditor.model import Category, Json
from collectors.aws.base import AwsKind, Document


def _arn(group: Document) -> str:
    return str(group.get("logGroupArn") or str(group.get("arn", "")).removesuffix(":*"))


def _group(attributes: dict[str, Json]) -> dict[str, Json]:
    """Null for ever, and the class that a group has where none is told."""
    attributes.setdefault("retention_in_days", None)
    attributes.setdefault("kms_key_id", None)
    attributes.setdefault("log_group_class", "STANDARD")
    return attributes


KINDS = (
    AwsKind(
        name="aws.logs.log_group",
        category=Category.OPERATIONS,
        about="Log groups: retention, encryption, class, data protection",
        cloudformation="AWS::Logs::LogGroup",
        service="logs",
        operation="DescribeLogGroups",
        result="logGroups",
        identity="logGroupName",
        location=_arn,
        refs=("arn",),
        drop=("log_group_name", "log_group_arn", "arn", "creation_time", "stored_bytes", "metric_filter_count"),
        transform=_group,
    ),
    AwsKind(
        name="aws.logs.metric_filter",
        category=Category.OPERATIONS,
        about="Metric filters: which log lines count towards which metric",
        cloudformation="AWS::Logs::MetricFilter",
        service="logs",
        operation="DescribeMetricFilters",
        result="metricFilters",
        identity=lambda each: f"{each['logGroupName']}/{each['filterName']}",
        parent="logGroupName",
        keyed={"metric_transformations": "metric_name"},
        drop=("filter_name", "log_group_name", "creation_time"),
    ),
)
