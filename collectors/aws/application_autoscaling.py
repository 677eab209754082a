"""Application Auto Scaling: what scales ECS services, DynamoDB tables, Lambda concurrency and others, and by which policy."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from auditor.model import Category
from collectors.aws.base import AwsKind, Detail, Document

if TYPE_CHECKING:
    from collectors.aws._reader import Reader

_OF_TARGET = {
    "ServiceNamespace": "ServiceNamespace",
    "ResourceId": "ResourceId",
    "ScalableDimension": "ScalableDimension",
}


def _targets(reader: Reader) -> Iterator[Document]:
    """The targets of every service: the API has to be told which one is meant."""
    namespace = reader.model(reader.kind.operation).input_shape.members["ServiceNamespace"]
    for name in namespace.enum:
        yield from reader.items(reader.kind.operation, reader.kind.result, ServiceNamespace=name)


def _identity(target: Document) -> str:
    return f"{target['ResourceId']} {target['ScalableDimension']}"


KINDS = (
    AwsKind(
        name="aws.applicationautoscaling.scalable_target",
        category=Category.COMPUTE,
        about="What scales by itself: limits, policies, schedules, and whether scaling is suspended",
        cloudformation="AWS::ApplicationAutoScaling::ScalableTarget",
        service="application-autoscaling",
        operation="DescribeScalableTargets",
        result="ScalableTargets",
        read=_targets,
        identity=_identity,
        location="ScalableTargetARN",
        keyed={
            "policies": "policy_name",
            "scheduled_actions": "scheduled_action_name",
            "policies.*.**.dimensions": "name",
            "policies.*.**.metrics": "id",
        },
        drop=(
            "service_namespace",
            "resource_id",
            "scalable_dimension",
            "scalable_target_arn",
            "predicted_capacity",
            "creation_time",
            *(
                f"{each}.*.{name}"
                for each in ("policies", "scheduled_actions")
                for name in ("service_namespace", "resource_id", "scalable_dimension", "creation_time")
            ),
            "policies.*.policy_arn",
            "policies.*.alarms",
            "scheduled_actions.*.scheduled_action_arn",
            # The load balancer and target group by their ids.
            "policies.*.target_tracking_scaling_policy_configuration.predefined_metric_specification.resource_label",
        ),
        details=(
            Detail(
                attribute="policies",
                operation="DescribeScalingPolicies",
                arguments=_OF_TARGET,
                result="ScalingPolicies",
            ),
            Detail(
                attribute="scheduled_actions",
                operation="DescribeScheduledActions",
                arguments=_OF_TARGET,
                result="ScheduledActions",
            ),
        ),
    ),
)
