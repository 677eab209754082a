"""Glue: jobs, crawlers, triggers, connections and databases of the data catalogue. Tables are made by crawlers and jobs, as many
as there is data, and are not read. Neither is the drawing that Glue Studio keeps beside a job's script."""

from __future__ import annotations

from typing import TYPE_CHECKING

from auditor.model import Category, Json
from collectors.aws.base import AwsKind, Detail, Document

if TYPE_CHECKING:
    from collectors.aws._reader import Reader


def _arn(reader: Reader, what: str, name: str) -> str:
    partition = {"cn": "aws-cn", "us-gov": "aws-us-gov"}.get(reader.region.rpartition("-")[0].rpartition("-")[0], "aws")
    return f"arn:{partition}:glue:{reader.region}:{reader.account}:{what}/{name}"


def _tags_of(what: str) -> Detail:
    """Glue answers no ARNs of its own, but wants them."""

    def read(reader: Reader, item: Document) -> Json:
        found: Json = reader.call("GetTags", ResourceArn=_arn(reader, what, item["Name"])).get("Tags") or {}
        return found

    return Detail(attribute="tags", read=read)


def _job(attributes: dict[str, Json]) -> dict[str, Json]:
    """Connections by name."""
    attributes["connections"] = (attributes.pop("connections", None) or {}).get("connections") or []
    return attributes


KINDS = (
    AwsKind(
        name="aws.glue.job",
        category=Category.COMPUTE,
        about="Glue jobs: version, workers, script, arguments",
        cloudformation="AWS::Glue::Job",
        service="glue",
        operation="GetJobs",
        result="Jobs",
        identity="Name",
        component="Name",
        verbatim=("default_arguments", "non_overridable_arguments"),
        drop=(
            "name",
            "created_on",
            "last_modified_on",
            "allocated_capacity",  # max_capacity under its older name
            "code_gen_configuration_nodes",
            "auto_upgrade_metadata",
        ),
        permissions=("glue:GetTags",),
        details=(_tags_of("job"),),
        transform=_job,
    ),
    AwsKind(
        name="aws.glue.crawler",
        category=Category.COMPUTE,
        about="Glue crawlers: targets, schedule, what they do when a schema changes",
        cloudformation="AWS::Glue::Crawler",
        service="glue",
        operation="GetCrawlers",
        result="Crawlers",
        identity="Name",
        keyed={
            "targets.{s3_targets,jdbc_targets,mongo_db_targets}": "path",
            "targets.dynamo_db_targets": "path",
            "targets.catalog_targets": "database_name",
        },
        drop=(
            "name",
            "state",
            "crawl_elapsed_time",
            "creation_time",
            "last_updated",
            "last_crawl",
            "version",
            "catalog_id",
        ),
        permissions=("glue:GetTags",),
        details=(_tags_of("crawler"),),
    ),
    AwsKind(
        name="aws.glue.trigger",
        category=Category.COMPUTE,
        about="Glue triggers: when which jobs and crawlers begin",
        cloudformation="AWS::Glue::Trigger",
        service="glue",
        operation="GetTriggers",
        result="Triggers",
        identity="Name",
        verbatim=("actions.*.arguments",),
        keyed={"actions": "job_name+crawler_name", "predicate.conditions": "job_name+crawler_name"},
        drop=("name", "id"),
        permissions=("glue:GetTags",),
        details=(_tags_of("trigger"),),
    ),
    AwsKind(
        name="aws.glue.connection",
        category=Category.DATABASE,
        about="Connections of Glue to databases and networks, without their passwords",
        cloudformation="AWS::Glue::Connection",
        service="glue",
        operation="GetConnections",
        result="ConnectionList",
        arguments={"HidePassword": True},
        identity="Name",
        verbatim=("connection_properties", "spark_properties", "athena_properties", "python_properties"),
        drop=(
            "name",
            "creation_time",
            "last_updated_time",
            "last_updated_by",
            "last_connection_validation_time",
            "status",
            "status_reason",
            "connection_properties.PASSWORD",
            "connection_properties.ENCRYPTED_PASSWORD",
            "physical_connection_requirements.availability_zone",
        ),
        references=("connection_properties.SECRET_ID", "authentication_configuration.secret_arn"),
    ),
    AwsKind(
        name="aws.glue.database",
        category=Category.DATABASE,
        about="Databases of the data catalogue: where they lie, and their parameters",
        cloudformation="AWS::Glue::Database",
        service="glue",
        operation="GetDatabases",
        result="DatabaseList",
        identity="Name",
        keyed={"create_table_default_permissions": "principal"},
        verbatim=("parameters",),
        drop=("name", "create_time", "catalog_id"),
    ),
)
