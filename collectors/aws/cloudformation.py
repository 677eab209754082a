"""CloudFormation: stacks with parameters, template, resources, capabilities, outputs and drift."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from typing import TYPE_CHECKING, Any

from auditor.model import Category, Json
from collectors.aws.base import AwsKind, Detail, Document

if TYPE_CHECKING:
    from collectors.aws._reader import Reader

_NESTED = re.compile(r"-[A-Z0-9]{12,14}\Z")
_ACCOUNT = re.compile(r"(?<![0-9])[0-9]{12}(?![0-9])")


def _name(stack: Document) -> str:
    """The name; a stack within a stack without the end that CloudFormation made up."""
    name = str(stack["StackName"])
    return _NESTED.sub("", name) if stack.get("ParentId") else name


def _stack(attributes: dict[str, Json]) -> dict[str, Json]:
    """Parameters with the values that they stand for, outputs by name only, and drift where it was found."""
    attributes["parameters"] = {
        each["parameter_key"]: each.get("resolved_value", each.get("parameter_value"))
        for each in attributes.get("parameters") or ()
    }
    attributes["outputs"] = sorted(each["output_key"] for each in attributes.get("outputs") or ())
    drift = attributes.pop("drift_information", None) or {}
    # A stack that nobody checked is no other than one that was found unchanged, as far as anybody knows.
    attributes["drifted"] = drift.get("stack_drift_status") == "DRIFTED"
    return attributes


def _template_digest(reader: Reader, stack: Document) -> Json:
    """SHA-256, in hex, of the template as it was written, with account, region and names of the environment set aside:
    what generators put into a template of each environment is no change of it."""
    body: Any = reader.call("GetTemplate", StackName=stack["StackId"], TemplateStage="Original").get("TemplateBody")
    text = body if isinstance(body, str) else json.dumps(body, sort_keys=True)
    names = sorted({reader.context.environment, *reader.context.aliases}, key=lambda name: (-len(name), name))
    text = _ACCOUNT.sub("{account}", text.replace(reader.region, "{region}"))
    for name in names:
        text = re.sub(re.escape(name), "{env}", text, flags=re.IGNORECASE)
    return hashlib.sha256("\n".join(line.rstrip() for line in text.strip().splitlines()).encode()).hexdigest()


def _resources(summaries: list[dict[str, Json]]) -> Json:
    """Type -> how many. Logical ids are made up where a template was generated."""
    return dict(Counter(each["resource_type"] for each in summaries))


KINDS = (
    AwsKind(
        name="aws.cloudformation.stack",
        category=Category.DEPLOYMENT,
        about="Stacks: parameters, template digest, resources by type, capabilities, outputs, protection, drift",
        cloudformation="AWS::CloudFormation::Stack",
        service="cloudformation",
        operation="DescribeStacks",
        result="Stacks",
        identity=_name,
        location="StackId",
        parent="ParentId",
        verbatim=("parameters", "resources"),
        drop=(
            "stack_id",
            "stack_name",
            "alias_name",
            "change_set_id",
            "creation_time",
            "deletion_time",
            "last_updated_time",
            "stack_status",
            "stack_status_reason",
            "detailed_status",
            "last_operations",
            "deletion_mode",
            "parent_id",
            "root_id",
        ),
        details=(
            Detail(attribute="template_digest", read=_template_digest),
            Detail(
                attribute="resources",
                operation="ListStackResources",
                arguments={"StackName": "StackId"},
                result="StackResourceSummaries",
                transform=_resources,
            ),
        ),
        transform=_stack,
        permissions=("cloudformation:GetTemplate",),
    ),
)
