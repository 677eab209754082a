"""What networks are called and how they are laid out. Ids say nothing, so a thing without a Name tag is called by its shape,
and subnets, route tables and NAT gateways of one purpose are one thing with a count: there is one per zone."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from ipaddress import ip_network
from typing import TYPE_CHECKING

from collectors.aws.base import Document, tags_of

if TYPE_CHECKING:
    from collectors.aws._reader import Reader

# The last part of a name that counts zones: `-a`, `-1b`, `-az2`, `PrivateSubnet1`, `privateA`.
_ZONE = re.compile(r"(?:[-_./ ]+(?:az[-_]?)?(?:\d{0,2}[a-fA-F]|\d{1,2})|(?<=[A-Za-z])\d{1,2}|(?<=[a-z])[A-F])\Z")
_TARGETS = (
    ("NatGatewayId", "nat_gateway"),
    ("TransitGatewayId", "transit_gateway"),
    ("VpcPeeringConnectionId", "vpc_peering_connection"),
    ("EgressOnlyInternetGatewayId", "egress_only_internet_gateway"),
    ("LocalGatewayId", "local_gateway"),
    ("CarrierGatewayId", "carrier_gateway"),
    ("CoreNetworkArn", "core_network"),
    ("OdbNetworkArn", "odb_network"),
    ("InstanceId", "instance"),
    ("NetworkInterfaceId", "network_interface"),
)
_GATEWAYS = (("igw-", "internet_gateway"), ("vgw-", "vpn_gateway"), ("vpce-", "vpc_endpoint"))
OTHER_VPC = "another vpc"
_INTERNET = {"0.0.0.0/0": "internet", "::/0": "internet over ipv6"}


@dataclass(frozen=True, slots=True)
class Subnets:
    """The subnets of a region: by id the VPC, the zone and the tier of each, `tiers` as `vpc name/tier`."""

    documents: Mapping[str, Document]
    tables: Mapping[str, Document]
    tiers: Mapping[str, str]


def name_of(document: Document) -> str | None:
    """The tag `Name`, where it says something."""
    return tags_of(document.get("Tags")).get("Name", "").strip() or None


def vpc_names(reader: Reader) -> dict[str, str]:
    """What every VPC of the region is called, by id."""
    return named_vpcs(reader.items("DescribeVpcs", "Vpcs"))


def named_vpcs(vpcs: Iterable[Document]) -> dict[str, str]:
    """Name tag, `default-vpc`, or `vpc/16` for the size of its network; of two that share one the later has a number."""
    names: dict[str, str] = {}
    seen: Counter[str] = Counter()
    for vpc in sorted(vpcs, key=lambda each: (str(each.get("CidrBlock")), str(each["VpcId"]))):
        size = str(vpc.get("CidrBlock", "")).rpartition("/")[2]
        name = name_of(vpc) or ("default-vpc" if vpc.get("IsDefault") else f"vpc/{size}")
        seen[name] += 1
        names[vpc["VpcId"]] = name if seen[name] == 1 else f"{name}#{seen[name]}"
    return names


def tier(name: str, zone: str = "", region: str = "") -> str:
    """`orders-private` of `orders-private-eu-west-1a`: a name without what tells zones apart."""
    plain = name
    for part in (zone, region):
        if part:
            plain = re.sub(rf"[-_./ (]*{re.escape(part)}\)?", "", plain)
    return _ZONE.sub("", plain) or name


def within(vpc: str, name: str) -> str:
    """`orders/private` of a part that is called `private`, or `orders-private`, of the VPC `orders`."""
    own = name[len(vpc) :].lstrip("-_./ ") if name.lower().startswith(vpc.lower()) else name
    return f"{vpc}/{own or name}"


def read_subnets(reader: Reader, vpcs: Mapping[str, str]) -> Subnets:
    """Every subnet with the table that routes for it. Without a name a subnet is called after where its routes lead."""
    documents = {each["SubnetId"]: each for each in reader.items("DescribeSubnets", "Subnets")}
    own: dict[str, Document] = {}
    main: dict[str, Document] = {}
    for table in reader.items("DescribeRouteTables", "RouteTables"):
        for association in table.get("Associations") or ():
            if association.get("Main"):
                main[table["VpcId"]] = table
            elif association.get("SubnetId"):
                own[association["SubnetId"]] = table
    nothing: Document = {}
    tables = {key: own.get(key, main.get(each.get("VpcId", ""), nothing)) for key, each in documents.items()}
    tiers = {}
    for key, each in documents.items():
        name = name_of(each)
        called = tier(name, each.get("AvailabilityZone", ""), reader.region) if name else reach(tables[key])
        tiers[key] = within(vpcs.get(each.get("VpcId", ""), OTHER_VPC), called)
    return Subnets(documents, tables, tiers)


def routes(table: Document) -> dict[str, int]:
    """Where a table leads besides its own VPC: `internet via nat_gateway` -> by how many routes."""
    found: Counter[str] = Counter()
    for route in table.get("Routes") or ():
        via = _target(route)
        if via is None:
            continue
        destination = route.get("DestinationCidrBlock") or route.get("DestinationIpv6CidrBlock")
        to = _INTERNET.get(str(destination), "other networks") if destination else "prefix list"
        gone = " (blackhole)" if route.get("State") == "blackhole" else ""
        found[f"{to} via {via}{gone}"] += 1
    return dict(found)


def reach(table: Document) -> str:
    """`public` where the internet is one gateway away, `private` where something stands between, else `isolated`."""
    ways = [way for way in routes(table) if way.startswith("internet")]
    if any("via internet_gateway" in way for way in ways):
        return "public"
    return "private" if ways else "isolated"


def _target(route: Document) -> str | None:
    """What a route leads to; None where it stays within the VPC."""
    for key, kind in _TARGETS:
        if route.get(key):
            return kind
    gateway = str(route.get("GatewayId") or "")
    if gateway == "local":
        return None
    return next((kind for prefix, kind in _GATEWAYS if gateway.startswith(prefix)), "gateway")


def addresses(cidr: str) -> int:
    """How many addresses a block has."""
    return ip_network(cidr, strict=False).num_addresses
