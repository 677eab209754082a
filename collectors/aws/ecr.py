"""ECR: repositories with scanning, tags that may or may not move, encryption, life cycle and who may pull; and of the
images only those that ECS, Batch or CodeBuild run by tag, in whichever registry: the digest behind the tag.

What Lambda runs is told by the digest of its code, and what is pinned by digest tells itself."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

from auditor.errors import CollectError
from auditor.model import Category, Gap, Json
from collectors.aws import batch, codebuild, ecs
from collectors.aws._codes import code_of
from collectors.aws._ecr_images import read_images
from collectors.aws._policies import statements_or_none
from collectors.aws.base import AwsKind, Detail, Document

if TYPE_CHECKING:
    from collectors.aws._reader import Reader


def _policy(reader: Reader, repository: Document) -> Json:
    text = _text(reader, repository, "GetRepositoryPolicy", "policyText", "RepositoryPolicyNotFoundException")
    return statements_or_none(text)


def _life_cycle(reader: Reader, repository: Document) -> Json:
    """Rules by their priority, which is what tells them apart; none where images are kept for ever."""
    text = _text(reader, repository, "GetLifecyclePolicy", "lifecyclePolicyText", "LifecyclePolicyNotFoundException")
    if text is None:
        return {}
    return {str(rule.pop("rulePriority")): rule for rule in json.loads(text)["rules"]}


def _text(reader: Reader, repository: Document, operation: str, result: str, none_on: str) -> str | None:
    try:
        answer = reader.call(operation, repositoryName=repository["repositoryName"])
    except CollectError as error:
        if error.__cause__ is not None and code_of(error.__cause__) == none_on:
            return None
        raise
    return str(answer[result])


def _repository(attributes: dict[str, Json]) -> dict[str, Json]:
    """What was never chosen is ECR's own key."""
    attributes.setdefault("encryption_configuration", {"encryption_type": "AES256"})
    return attributes


_RUN_IMAGES = ("aws.ecs.task_definition", "aws.batch.job_definition", "aws.codebuild.project")
_USERS = tuple(kind for kind in (*ecs.KINDS, *batch.KINDS, *codebuild.KINDS) if kind.name in _RUN_IMAGES)


def _images(reader: Reader) -> Iterator[Document | Gap]:
    return read_images(reader, _USERS)


KINDS = (
    AwsKind(
        name="aws.ecr.repository",
        category=Category.DEPLOYMENT,
        about="Image repositories: scanning, immutable tags, encryption, life cycle, policy",
        cloudformation="AWS::ECR::Repository",
        service="ecr",
        operation="DescribeRepositories",
        result="repositories",
        identity="repositoryName",
        location="repositoryArn",
        refs=("repositoryUri",),
        keyed={"image_tag_mutability_exclusion_filters": "filter"},
        verbatim=("policy", "policy.*.conditions", "life_cycle"),
        drop=("repository_arn", "repository_name", "repository_uri", "registry_id", "created_at"),
        permissions=("ecr:GetRepositoryPolicy", "ecr:GetLifecyclePolicy"),
        details=(
            Detail(attribute="policy", read=_policy),
            Detail(attribute="life_cycle", read=_life_cycle),
            Detail(
                attribute="tags",
                operation="ListTagsForResource",
                arguments={"resourceArn": "repositoryArn"},
                result="tags",
            ),
        ),
        transform=_repository,
    ),
    AwsKind(
        name="aws.ecr.image",
        category=Category.DEPLOYMENT,
        about="Images that run by tag, in any account's registry: whether the tag still exists, and its digest",
        service="ecr",
        operation="DescribeImages",
        read=_images,
        identity="identity",
        tags="",
        verbatim=("images",),
        # Each environment may pull from a registry of its own.
        volatile=("repository",),
        drop=("identity",),
        alongside={kind.service: kind.actions for kind in _USERS},
    ),
)
