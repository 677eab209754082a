"""MSK: provisioned and serverless clusters, with the server properties of the configuration revision that they run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from auditor.errors import CollectError
from auditor.model import Category, GapReason, Json
from collectors.aws._properties import properties
from collectors.aws.base import AwsKind, Detail, Document, pick

if TYPE_CHECKING:
    from collectors.aws._reader import Reader

_SOFTWARE = "Provisioned.CurrentBrokerSoftwareInfo"


def _configuration(reader: Reader, cluster: Document) -> Json:
    """The server properties; none where the cluster runs on MSK's defaults. Revisions are counters, and not compared."""
    arn = pick(cluster, f"{_SOFTWARE}.ConfigurationArn")
    if not arn:
        return {}
    revision = pick(cluster, f"{_SOFTWARE}.ConfigurationRevision")
    answer = reader.call("DescribeConfigurationRevision", Arn=arn, Revision=revision)
    text = answer.get("ServerProperties")
    if not isinstance(text, bytes):
        raise CollectError(
            GapReason.MALFORMED,
            f"kafka:DescribeConfigurationRevision in {reader.region}: an answer without ServerProperties",
        )
    return properties(text.decode("utf-8", "replace"))


def _cluster(attributes: dict[str, Json]) -> dict[str, Json]:
    """Subnets and security groups of a serverless cluster, of however many networks."""
    serverless = attributes.get("serverless") or {}
    networks = serverless.pop("vpc_configs", None) or ()
    for attribute in ("subnet_ids", "security_group_ids"):
        if networks:
            serverless[attribute] = sorted({each for network in networks for each in network.get(attribute) or ()})
    return attributes


KINDS = (
    AwsKind(
        name="aws.msk.cluster",
        category=Category.MESSAGING,
        about="Kafka clusters: version, brokers, storage, encryption, who may connect, server properties",
        cloudformation="AWS::MSK::Cluster",
        service="kafka",
        operation="ListClustersV2",
        result="ClusterInfoList",
        identity="ClusterName",
        location="ClusterArn",
        refs=("Provisioned.ZookeeperConnectString",),
        verbatim=("configuration",),
        drop=(
            "active_operation_arn",
            "cluster_arn",
            "cluster_name",
            "creation_time",
            "current_version",  # a token for the next change, and no version of Kafka
            "state",
            "state_info",
            "provisioned.broker_node_group_info.zone_ids",
            "provisioned.current_broker_software_info.configuration_arn",
            "provisioned.current_broker_software_info.configuration_revision",
            "provisioned.zookeeper_connect_string",
            "provisioned.zookeeper_connect_string_tls",
            "provisioned.customer_action_status",
            "provisioned.rebalancing",
        ),
        permissions=("kafka:DescribeConfigurationRevision",),
        tags="Tags",
        details=(Detail(attribute="configuration", read=_configuration),),
        transform=_cluster,
    ),
)
