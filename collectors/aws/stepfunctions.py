"""Step Functions: state machines with their definition, compared leaf by leaf, type, logs, traces and encryption."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from auditor.errors import CollectError
from auditor.model import Category, Json
from collectors.aws._described import one
from collectors.aws._written import parsed
from collectors.aws.base import AwsKind, Detail

if TYPE_CHECKING:
    from collectors.aws._reader import Reader


def _machines(reader: Reader) -> Iterator[Any]:
    for machine in reader.items("ListStateMachines", "stateMachines"):
        try:
            for found in one(reader, "DescribeStateMachine", "", stateMachineArn=machine["stateMachineArn"]):
                yield reader.spelled(found, "DescribeStateMachine", "")
        except CollectError as error:
            yield reader.gap(error, resource=machine["name"])


def _machine(attributes: dict[str, Json]) -> dict[str, Json]:
    """The definition as a document, the log groups by name, and what is not said as what Step Functions then does."""
    attributes["definition"] = parsed(attributes.get("definition"))
    logging = attributes.get("logging_configuration") or {"level": "OFF"}
    groups = [each.get("cloud_watch_logs_log_group") or {} for each in logging.pop("destinations", None) or ()]
    logging["log_groups"] = [str(group.get("log_group_arn") or "").removesuffix(":*") for group in groups]
    attributes["logging_configuration"] = logging
    attributes.setdefault("tracing_configuration", {"enabled": False})
    attributes.setdefault("encryption_configuration", {"type": "AWS_OWNED_KEY"})
    return attributes


KINDS = (
    AwsKind(
        name="aws.stepfunctions.state_machine",
        category=Category.MESSAGING,
        about="State machines: definition, type, logging, tracing, encryption",
        cloudformation="AWS::StepFunctions::StateMachine",
        service="stepfunctions",
        operation="DescribeStateMachine",
        read=_machines,
        identity="name",
        location="state_machine_arn",
        component="name",
        # Choices and handlers are tried in order; names of states and what is passed between them are data.
        ordered=("definition.**.{Choices,Retry,Catch}",),
        verbatim=("definition", "definition.**"),
        drop=(
            "name",
            "state_machine_arn",
            "status",
            "creation_date",
            "revision_id",
            "label",
            "variable_references",  # follows from the definition
        ),
        details=(
            Detail(
                attribute="tags",
                operation="ListTagsForResource",
                arguments={"resourceArn": "state_machine_arn"},
                result="tags",
            ),
        ),
        transform=_machine,
        permissions=("states:ListStateMachines",),
    ),
)
