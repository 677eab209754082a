"""EKS: clusters, managed node groups, add-ons and Fargate profiles. What runs inside is read by the `kubernetes` collector.

Node groups, add-ons and profiles are named within their cluster (`shop/system`). How many nodes a group has at this
moment, and the patch of the control plane that AWS rolls out by itself (`platformVersion`), are no settings.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from auditor.errors import CollectError
from auditor.model import Category, Gap, Json
from collectors.aws._described import described
from collectors.aws.base import AwsKind, Document, pick

if TYPE_CHECKING:
    from collectors.aws._reader import Reader

# Terraform gives a name that only has a prefix 26 digits: the time to the tenth of a millisecond, and a counter.
_UNIQUE = re.compile(r"(?<=.)-?20[0-9]{16}[0-9a-f]{8}\Z")


def _clusters(reader: Reader) -> Iterator[Document | Gap]:
    yield from described(reader, reader.items("ListClusters", "clusters"), "DescribeCluster", "cluster", "name")


def _within(reader: Reader, listing: str, names: str, parameter: str) -> Iterator[Document | Gap]:
    """Whatever belongs to a cluster. A cluster whose listing cannot be had may hide anything, so it ends this one."""
    kind = reader.kind
    for cluster in list(reader.items("ListClusters", "clusters")):
        try:
            found = list(reader.items(listing, names, clusterName=cluster))
        except CollectError as error:
            raise CollectError(error.reason, f"{error.detail} (cluster {cluster})") from error

        def called(name: str, cluster: str = cluster) -> str:
            return f"{cluster}/{_plain(name)}"

        yield from described(reader, found, kind.operation, kind.result, parameter, called=called, clusterName=cluster)


def _plain(name: str) -> str:
    return _UNIQUE.sub("", name)


def _node_groups(reader: Reader) -> Iterator[Document | Gap]:
    yield from _within(reader, "ListNodegroups", "nodegroups", "nodegroupName")


def _addons(reader: Reader) -> Iterator[Document | Gap]:
    yield from _within(reader, "ListAddons", "addons", "addonName")


def _fargate_profiles(reader: Reader) -> Iterator[Document | Gap]:
    yield from _within(reader, "ListFargateProfiles", "fargateProfileNames", "fargateProfileName")


def _cluster(attributes: dict[str, Json]) -> dict[str, Json]:
    """Logs by type, and which key wraps the secrets that Kubernetes stores."""
    logs: dict[str, Json] = {}
    for entry in (attributes.pop("logging", None) or {}).get("cluster_logging") or ():
        logs |= dict.fromkeys(entry.get("types") or (), bool(entry.get("enabled")))
    attributes["control_plane_logs"] = {f"{name}_enabled": on for name, on in logs.items()}
    keys = [(each.get("provider") or {}).get("key_arn") for each in attributes.pop("encryption_config", None) or ()]
    attributes["envelope_encryption"] = bool(keys)
    attributes["kms_key_arn"] = next((key for key in keys if key), None)
    return attributes


def _node_group(attributes: dict[str, Json]) -> dict[str, Json]:
    """Taints as Kubernetes writes them: `dedicated=gpu:NO_SCHEDULE`."""
    attributes["taints"] = sorted(
        f"{taint.get('key', '')}={taint.get('value', '')}:{taint.get('effect', '')}"
        for taint in attributes.get("taints") or ()
    )
    return attributes


def _fargate_profile(attributes: dict[str, Json]) -> dict[str, Json]:
    """Selectors as text (`jobs{tier=batch}`): there may be several of one namespace."""
    attributes["selectors"] = sorted(_selector(each) for each in attributes.get("selectors") or ())
    return attributes


def _selector(selector: dict[str, Any]) -> str:
    labels = ",".join(f"{key}={value}" for key, value in sorted((selector.get("labels") or {}).items()))
    return f"{selector.get('namespace', '')}{{{labels}}}" if labels else str(selector.get("namespace", ""))


def _issuer(cluster: Document) -> list[Any]:
    """The issuer of the cluster's tokens, as roles that trust it spell it."""
    issuer = pick(cluster, "identity.oidc.issuer")
    return [issuer, str(issuer).removeprefix("https://")] if issuer else []


_LISTING = ("eks:ListClusters",)
_PASSING = ("cluster_name", "status", "created_at", "modified_at", "health")

KINDS = (
    AwsKind(
        name="aws.eks.cluster",
        category=Category.COMPUTE,
        about="Kubernetes clusters: version, endpoint access, logs, encryption, network",
        cloudformation="AWS::EKS::Cluster",
        service="eks",
        operation="DescribeCluster",
        result="cluster",
        read=_clusters,
        permissions=_LISTING,
        identity="name",
        location="arn",
        refs=("endpoint", _issuer),
        tags="tags",
        keyed={"kube_scheduler_config.node_resources_fit.scoring_strategy.resources": "name"},
        drop=(
            *_PASSING,
            "name",
            "arn",
            "id",
            "endpoint",
            "identity",
            "certificate_authority",
            "client_request_token",
            "connector_config.activation_id",
            "connector_config.activation_code",
            "connector_config.activation_expiry",
            "platform_version",
            "resources_vpc_config.vpc_id",
            "resources_vpc_config.cluster_security_group_id",  # made by EKS, one per cluster
        ),
        transform=_cluster,
    ),
    AwsKind(
        name="aws.eks.node_group",
        category=Category.COMPUTE,
        about="Managed node groups: instance types, AMI, release, limits of scaling, labels and taints",
        cloudformation="AWS::EKS::Nodegroup",
        service="eks",
        operation="DescribeNodegroup",
        result="nodegroup",
        read=_node_groups,
        permissions=(*_LISTING, "eks:ListNodegroups"),
        identity=lambda group: f"{group['clusterName']}/{_plain(group['nodegroupName'])}",
        references=("remote_access.ec2_ssh_key",),  # the name of a key pair
        location="nodegroupArn",
        refs=("nodegroupName", "resources.autoScalingGroups[].name"),
        parent="clusterName",
        tags="tags",
        verbatim=("labels",),
        keyed={"node_repair_config.node_repair_config_overrides": "node_monitoring_condition+node_unhealthy_reason"},
        drop=(
            *_PASSING,
            "nodegroup_name",
            "nodegroup_arn",
            "resources",
            "scaling_config.desired_size",
            "launch_template.id",
            "launch_template.version",  # a counter; what the version says is compared as a launch template
        ),
        transform=_node_group,
    ),
    AwsKind(
        name="aws.eks.addon",
        category=Category.DEPLOYMENT,
        about="Add-ons of Kubernetes clusters: version and configuration",
        cloudformation="AWS::EKS::Addon",
        service="eks",
        operation="DescribeAddon",
        result="addon",
        read=_addons,
        permissions=(*_LISTING, "eks:ListAddons"),
        identity=lambda addon: f"{addon['clusterName']}/{addon['addonName']}",
        location="addonArn",
        parent="clusterName",
        tags="tags",
        drop=(
            *_PASSING,
            "addon_name",
            "addon_arn",
            "publisher",
            "owner",
            "marketplace_information",
            "pod_identity_associations",  # generated ids
        ),
    ),
    AwsKind(
        name="aws.eks.fargate_profile",
        category=Category.COMPUTE,
        about="Fargate profiles: which pods run without nodes, in which subnets",
        cloudformation="AWS::EKS::FargateProfile",
        service="eks",
        operation="DescribeFargateProfile",
        result="fargateProfile",
        read=_fargate_profiles,
        permissions=(*_LISTING, "eks:ListFargateProfiles"),
        identity=lambda profile: f"{profile['clusterName']}/{_plain(profile['fargateProfileName'])}",
        location="fargateProfileArn",
        parent="clusterName",
        tags="tags",
        drop=(*_PASSING, "fargate_profile_name", "fargate_profile_arn"),
        transform=_fargate_profile,
    ),
)
