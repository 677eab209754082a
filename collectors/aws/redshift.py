"""Redshift: provisioned clusters with the effective values of their parameters, and their audit logs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from auditor.model import Category, Json
from collectors.aws._databases import names
from collectors.aws.base import AwsKind, Detail, Document, pick

if TYPE_CHECKING:
    from collectors.aws._reader import Reader


def _effective(reader: Reader, cluster: Document) -> Json:
    """Name -> value of every parameter, whoever set it. A cluster has one parameter group."""
    found: dict[str, Json] = {}
    for group in pick(cluster, "ClusterParameterGroups[].ParameterGroupName"):
        for parameter in reader.items("DescribeClusterParameters", "Parameters", ParameterGroupName=group):
            if parameter.get("ParameterValue") is not None:
                found[parameter["ParameterName"]] = parameter["ParameterValue"]
    return found


def _cluster(attributes: dict[str, Json]) -> dict[str, Json]:
    """Memberships by name; the port without the host name; `Enabled` as a switch."""
    attributes["port"] = (attributes.pop("endpoint", None) or {}).get("port")
    names(attributes, "vpc_security_groups", "vpc_security_group_id")
    names(attributes, "cluster_security_groups", "cluster_security_group_name")
    names(attributes, "iam_roles", "iam_role_arn")
    names(attributes, "cluster_parameter_groups", "parameter_group_name")
    if isinstance(attributes.get("multi_az"), str):
        attributes["multi_az"] = attributes["multi_az"].lower().startswith("enabled")
    relocation = attributes.pop("availability_zone_relocation_status", None)
    if relocation is not None:
        attributes["availability_zone_relocation_enabled"] = "enable" in str(relocation)
    return attributes


KINDS = (
    AwsKind(
        name="aws.redshift.cluster",
        category=Category.DATABASE,
        about="Redshift clusters: version, nodes, encryption, snapshots, parameters by effective value",
        cloudformation="AWS::Redshift::Cluster",
        service="redshift",
        operation="DescribeClusters",
        result="Clusters",
        identity="ClusterIdentifier",
        location="ClusterNamespaceArn",
        refs=("Endpoint.Address", "CustomDomainName"),
        verbatim=("parameters",),
        references=("master_password_secret_kms_key_id",),
        drop=(
            "cluster_identifier",
            "cluster_status",
            "cluster_availability_status",
            "modify_status",
            "cluster_create_time",
            "vpc_id",
            "availability_zone",
            "pending_modified_values",
            "pending_actions",
            "restore_status",
            "data_transfer_progress",
            "hsm_status.status",
            "cluster_public_key",
            "cluster_revision_number",  # patches that AWS rolls out within a version
            "cluster_nodes",
            "cluster_namespace_arn",
            "elastic_ip_status",
            "elastic_resize_number_of_node_options",
            "deferred_maintenance_windows",
            "snapshot_schedule_state",
            "expected_next_snapshot_schedule_time",
            "expected_next_snapshot_schedule_time_status",
            "next_maintenance_window_start_time",
            "resize_info",
            "total_storage_capacity_in_mega_bytes",  # follows from the nodes
            "aqua_configuration",
            "reserved_node_exchange_status",
            "custom_domain_certificate_expiry_date",
            "master_password_secret_arn",  # its name is made up by Redshift
            "multi_az_secondary",
            "lakehouse_registration_status",
            "catalog_arn",
            "logging_publish_status",
            "logging.last_successful_delivery_time",
            "logging.last_failure_time",
            "logging.last_failure_message",
            "logging.s3_tables",
        ),
        permissions=("redshift:DescribeClusterParameters",),
        details=(
            Detail(attribute="parameters", read=_effective),
            Detail(
                attribute="logging",
                operation="DescribeLoggingStatus",
                arguments={"ClusterIdentifier": "ClusterIdentifier"},
            ),
        ),
        transform=_cluster,
    ),
)
