"""CodePipeline: pipelines with their stages and actions, triggers and variables."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from auditor.errors import CollectError
from auditor.model import Category, Gap, Json
from collectors.aws._described import one
from collectors.aws._written import flattened, partition, sequence
from collectors.aws.base import AwsKind, Detail, Document

if TYPE_CHECKING:
    from collectors.aws._reader import Reader


def _pipelines(reader: Reader) -> Iterator[Document | Gap]:
    place = f"arn:{partition(reader.region)}:codepipeline:{reader.region}:{reader.account}"
    for listed in reader.items("ListPipelines", "pipelines"):
        name = listed["name"]
        try:
            for found in one(reader, "GetPipeline", "pipeline", name=name):
                yield {**found, "arn": f"{place}:{name}"}
        except CollectError as error:
            yield reader.gap(error, resource=name)


def _pipeline(attributes: dict[str, Json]) -> dict[str, Json]:
    """Stages in their order, actions by name. Where artifacts are kept meanwhile is each account's own bucket."""
    stages: Any = flattened(attributes.get("stages") or [])
    attributes["stages"] = stages
    attributes["stage_order"] = sequence([stage.get("name") for stage in stages])
    for stage in stages:
        for each in stage.get("actions") or ():
            kind = each.pop("action_type_id", None) or {}
            each["type"] = "/".join(str(kind.get(part, "")) for part in ("category", "owner", "provider", "version"))
    stores = [attributes.pop("artifact_store", None), *(attributes.pop("artifact_stores", None) or {}).values()]
    attributes["artifacts_encrypted_with_own_key"] = all(
        store.get("encryption_key") is not None for store in stores if store
    )
    return attributes


KINDS = (
    AwsKind(
        name="aws.codepipeline.pipeline",
        category=Category.DEPLOYMENT,
        about="Pipelines: stages, actions and their settings, triggers, variables",
        cloudformation="AWS::CodePipeline::Pipeline",
        service="codepipeline",
        operation="GetPipeline",
        result="pipeline",
        read=_pipelines,
        identity="name",
        location="arn",
        keyed={
            "stages": "name",
            "stages.*.actions": "name",
            "stages.*.actions.*.environment_variables": "name",
            "variables": "name",
            "triggers": "provider_type",
        },
        ordered=("stages", "stages.*.actions.*.commands"),
        verbatim=("stages.*.actions.*.configuration",),
        # Counts how often the definition was saved.
        volatile=("version",),
        drop=("name", "arn"),
        details=(
            Detail(attribute="tags", operation="ListTagsForResource", arguments={"resourceArn": "arn"}, result="tags"),
        ),
        transform=_pipeline,
        permissions=("codepipeline:ListPipelines",),
    ),
)
