"""CodeBuild: build projects with image, size, variables, source, artifacts and network."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from auditor.model import Category, Json
from collectors.aws.base import AwsKind, Document

if TYPE_CHECKING:
    from collectors.aws._reader import Reader

_BATCH = 100  # as many names as BatchGetProjects takes


def _projects(reader: Reader) -> Iterator[Document]:
    names = list(reader.items("ListProjects", "projects"))
    yield from reader.batches("BatchGetProjects", "projects", "names", names, size=_BATCH)


def _project(attributes: dict[str, Json]) -> dict[str, Json]:
    """Plain variables apart from those that say where a value is kept; of a web hook only what it reacts to."""
    environment = attributes.get("environment") or {}
    variables = environment.pop("environment_variables", None) or ()
    environment["variables"] = {
        each["name"]: each.get("value") for each in variables if each.get("type", "PLAINTEXT") == "PLAINTEXT"
    }
    environment["secrets"] = {
        each["name"]: each.get("value") for each in variables if each.get("type", "PLAINTEXT") != "PLAINTEXT"
    }
    if hook := attributes.get("webhook"):
        attributes["webhook"] = {
            key: hook[key]
            for key in ("branch_filter", "filter_groups", "build_type", "scope_configuration")
            if key in hook
        }
        groups = attributes["webhook"].get("filter_groups")
        if groups is not None:
            attributes["webhook"]["filter_groups"] = sorted(_group(group) for group in groups)
    return attributes


def _group(filters: list[dict[str, Json]]) -> str:
    """`EVENT is PUSH and HEAD_REF is not ^refs/heads/main$`: a group is what has to hold all at once."""
    return " and ".join(
        sorted(
            f"{each.get('type')} is {'not ' if each.get('exclude_matched_pattern') else ''}{each.get('pattern')}"
            for each in filters
        )
    )


KINDS = (
    AwsKind(
        name="aws.codebuild.project",
        category=Category.DEPLOYMENT,
        about="Build projects: image, size, privileges, variables, source, artifacts, logs",
        cloudformation="AWS::CodeBuild::Project",
        service="codebuild",
        operation="BatchGetProjects",
        result="projects",
        read=_projects,
        identity="name",
        location="arn",
        tags="tags",
        keyed={
            "secondary_sources": "source_identifier",
            "secondary_source_versions": "source_identifier",
            "secondary_artifacts": "artifact_identifier",
            "file_system_locations": "identifier",
        },
        references=("environment.secrets.*", "environment.registry_credential.credential"),
        verbatim=("environment.variables", "environment.secrets"),
        drop=(
            "name",
            "arn",
            "created",
            "last_modified",
            "badge.badge_request_url",
            "public_project_alias",
            "source.auth",
            "secondary_sources.*.auth",
            "environment.docker_server.status",
            "vpc_config.vpc_id",
        ),
        transform=_project,
        permissions=("codebuild:ListProjects",),
    ),
)
