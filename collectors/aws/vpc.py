"""VPCs by their shape: subnets per tier, routes, NAT gateways, endpoints, peering, network ACLs, flow logs, and what EC2
does by default in the account. Addresses and ids differ between any two environments; what counts is what leads where.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from auditor.errors import CollectError
from auditor.model import Category, Gap, GapReason, Json
from collectors.aws import _vpc_parts as parts
from collectors.aws._network import named_vpcs
from collectors.aws.base import AwsKind, Detail, Document

if TYPE_CHECKING:
    from collectors.aws._reader import Reader

_NAMING = ("ec2:DescribeVpcs",)
_LAYOUT = ("ec2:DescribeVpcs", "ec2:DescribeSubnets", "ec2:DescribeRouteTables")


def _vpcs(reader: Reader) -> Iterator[Document | Gap]:
    found = list(reader.items("DescribeVpcs", "Vpcs"))
    names = named_vpcs(found)
    for vpc in found:
        yield {**vpc, "name": names[vpc["VpcId"]]}


def _vpc(vpc: dict[str, Json]) -> dict[str, Json]:
    blocks = [
        each["CidrBlock"]
        for each in vpc.get("CidrBlockAssociationSet") or ()
        if (each.get("CidrBlockState") or {}).get("State") == "associated"
    ] or [vpc["CidrBlock"]]
    details = ("dns_support", "dns_hostnames", "dhcp_options", "internet_gateway")
    return {
        "is_default": bool(vpc.get("IsDefault")),
        "instance_tenancy": vpc.get("InstanceTenancy"),
        "network_sizes": sorted(f"/{block.rpartition('/')[2]}" for block in blocks),
        "ipv6": bool(vpc.get("Ipv6CidrBlockAssociationSet")),
        **{name: vpc[name] for name in details if name in vpc},
    }


def _has_own_options(vpc: Document) -> bool:
    return str(vpc.get("DhcpOptionsId", "default")) != "default"


def _dhcp(configurations: list[dict[str, Any]]) -> Json:
    return {
        each["key"]: sorted(str(value.get("value")) for value in each.get("values") or ()) for each in configurations
    }


def _gateway(reader: Reader, vpc: Document) -> Json:
    only = [{"Name": "attachment.vpc-id", "Values": [vpc["VpcId"]]}]
    return any(True for _ in reader.items("DescribeInternetGateways", "InternetGateways", Filters=only))


def _defaults(reader: Reader) -> Iterator[Document | Gap]:
    encrypted = _told("GetEbsEncryptionByDefault", "EbsEncryptionByDefault")
    yield {"name": "defaults", "ebs_encryption": encrypted(reader, {})}


def _told(operation: str, result: str) -> Any:
    """A detail's `read`: one call without parameters; what its answer says at `result`."""

    def read(reader: Reader, _item: Document) -> Json:
        answer = reader.call(operation)
        if result not in answer:
            raise CollectError(GapReason.MALFORMED, f"ec2:{operation} in {reader.region}: an answer without {result}")
        return reader.spelled(answer[result], operation, result)

    return read


KINDS = (
    AwsKind(
        name="aws.ec2.vpc",
        category=Category.NETWORK,
        about="VPCs: size, tenancy, name resolution, DHCP options, internet gateway",
        cloudformation="AWS::EC2::VPC",
        service="ec2",
        operation="DescribeVpcs",
        read=_vpcs,
        identity="name",
        refs=("VpcId",),
        details=(
            Detail(
                attribute="dns_support",
                operation="DescribeVpcAttribute",
                arguments={"VpcId": "VpcId"},
                constants={"Attribute": "enableDnsSupport"},
                result="EnableDnsSupport.Value",
            ),
            Detail(
                attribute="dns_hostnames",
                operation="DescribeVpcAttribute",
                arguments={"VpcId": "VpcId"},
                constants={"Attribute": "enableDnsHostnames"},
                result="EnableDnsHostnames.Value",
            ),
            Detail(
                attribute="dhcp_options",
                operation="DescribeDhcpOptions",
                arguments={"DhcpOptionsIds": "DhcpOptionsId"},
                result="DhcpOptions[].DhcpConfigurations",
                when=_has_own_options,
                transform=_dhcp,
            ),
            Detail(attribute="internet_gateway", read=_gateway),
        ),
        transform=_vpc,
        permissions=("ec2:DescribeInternetGateways",),
    ),
    AwsKind(
        name="aws.ec2.subnet",
        category=Category.NETWORK,
        about="Subnets by tier: how many, in how many zones, how large, and whether the internet reaches them",
        cloudformation="AWS::EC2::Subnet",
        service="ec2",
        operation="DescribeSubnets",
        read=parts.subnet_tiers,
        identity="name",
        refs=("ids",),
        parent="vpc",
        tags="tags",
        drop=("name", "ids", "vpc"),
        permissions=_LAYOUT,
    ),
    AwsKind(
        name="aws.ec2.route_table",
        category=Category.NETWORK,
        about="Route tables by purpose: what leads out of the VPC, and through what",
        cloudformation="AWS::EC2::RouteTable",
        service="ec2",
        operation="DescribeRouteTables",
        read=parts.route_tables,
        identity="name",
        refs=("ids",),
        parent="vpc",
        verbatim=("routes",),
        drop=("name", "ids", "vpc"),
        permissions=_LAYOUT,
    ),
    AwsKind(
        name="aws.ec2.nat_gateway",
        category=Category.NETWORK,
        about="NAT gateways of a VPC: how many, in how many zones",
        cloudformation="AWS::EC2::NatGateway",
        service="ec2",
        operation="DescribeNatGateways",
        read=parts.nat_gateways,
        identity="name",
        refs=("ids",),
        parent="vpc",
        drop=("name", "ids", "vpc"),
        permissions=("ec2:DescribeVpcs", "ec2:DescribeSubnets"),
    ),
    AwsKind(
        name="aws.ec2.vpc_endpoint",
        category=Category.NETWORK,
        about="VPC endpoints: service, type, private names, policy, zones, security groups",
        cloudformation="AWS::EC2::VPCEndpoint",
        service="ec2",
        operation="DescribeVpcEndpoints",
        read=parts.endpoints,
        identity="name",
        refs=("ids",),
        parent="vpc",
        tags="tags",
        verbatim=("policy",),
        drop=("name", "ids", "vpc"),
        permissions=_NAMING,
    ),
    AwsKind(
        name="aws.ec2.vpc_peering_connection",
        category=Category.NETWORK,
        about="Peering connections: whether they are up, with whom, whether names resolve across",
        cloudformation="AWS::EC2::VPCPeeringConnection",
        service="ec2",
        operation="DescribeVpcPeeringConnections",
        read=parts.peerings,
        identity="name",
        refs=("ids",),
        tags="tags",
        drop=("name", "ids"),
        permissions=_NAMING,
    ),
    AwsKind(
        name="aws.ec2.network_acl",
        category=Category.NETWORK,
        about="Network ACLs, each entry by direction and number",
        cloudformation="AWS::EC2::NetworkAcl",
        service="ec2",
        operation="DescribeNetworkAcls",
        read=parts.acls,
        identity="name",
        refs=("ids",),
        parent="vpc",
        tags="tags",
        keyed={"entries": "rule"},
        drop=("name", "ids", "vpc"),
        permissions=_LAYOUT,
    ),
    AwsKind(
        name="aws.ec2.flow_log",
        category=Category.OPERATIONS,
        about="Flow logs: which traffic of what is recorded, where and how often",
        cloudformation="AWS::EC2::FlowLog",
        service="ec2",
        operation="DescribeFlowLogs",
        read=parts.flow_logs,
        identity="name",
        refs=("ids",),
        tags="tags",
        drop=("name", "ids"),
        permissions=_LAYOUT,
    ),
    AwsKind(
        name="aws.ec2.account_defaults",
        category=Category.SECURITY,
        about="What EC2 does by default in the account and region: encryption, public sharing, instance metadata",
        service="ec2",
        operation="GetEbsEncryptionByDefault",
        read=_defaults,
        identity="name",
        drop=("name", "instance_metadata.managed_by", "instance_metadata.managed_exception_message"),
        details=(
            Detail(attribute="ebs_kms_key_id", read=_told("GetEbsDefaultKmsKeyId", "KmsKeyId")),
            Detail(attribute="snapshot_block_public_access", read=_told("GetSnapshotBlockPublicAccessState", "State")),
            Detail(
                attribute="image_block_public_access",
                read=_told("GetImageBlockPublicAccessState", "ImageBlockPublicAccessState"),
            ),
            Detail(attribute="instance_metadata", read=_told("GetInstanceMetadataDefaults", "AccountLevel")),
            Detail(
                attribute="serial_console_access",
                read=_told("GetSerialConsoleAccessStatus", "SerialConsoleAccessEnabled"),
            ),
        ),
        permissions=(
            "ec2:GetEbsDefaultKmsKeyId",
            "ec2:GetSnapshotBlockPublicAccessState",
            "ec2:GetImageBlockPublicAccessState",
            "ec2:GetInstanceMetadataDefaults",
            "ec2:GetSerialConsoleAccessStatus",
        ),
    ),
)
