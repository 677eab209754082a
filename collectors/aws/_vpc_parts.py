"""Reads what a VPC is made of: each function yields documents that are attributes already, with `name`, `ids` and `vpc`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from auditor.model import Gap, Json
from collectors.aws._network import (
    OTHER_VPC,
    addresses,
    name_of,
    reach,
    read_subnets,
    routes,
    tier,
    vpc_names,
    within,
)
from collectors.aws._policies import statements_or_none
from collectors.aws.base import Document, tags_of

if TYPE_CHECKING:
    from collectors.aws._reader import Reader

_PROTOCOLS = {"-1": "all", "1": "icmp", "6": "tcp", "17": "udp", "58": "icmpv6"}
_GONE = ("deleted", "deleting", "failed", "rejected", "expired")
# The number of the entry that denies what no other entry said anything of.
_LAST_ENTRY = 32767


def subnet_tiers(reader: Reader) -> Iterator[Document | Gap]:
    """One document per tier."""
    vpcs = vpc_names(reader)
    subnets = read_subnets(reader, vpcs)
    for name in sorted(set(subnets.tiers.values())):
        ids = sorted(key for key, called in subnets.tiers.items() if called == name)
        each = [subnets.documents[key] for key in ids]
        yield {
            "name": name,
            "ids": ids,
            "vpc": vpcs.get(each[0].get("VpcId", ""), OTHER_VPC),
            "tags": _common_tags(each),
            "reach": sorted({reach(subnets.tables[key]) for key in ids}),
            "zones": len({one.get("AvailabilityZone") for one in each}),
            "addresses": sum(addresses(one["CidrBlock"]) for one in each if one.get("CidrBlock")),
            "ipv6": any(one.get("Ipv6CidrBlockAssociationSet") for one in each),
            "map_public_ip_on_launch": any(one.get("MapPublicIpOnLaunch") for one in each),
            "assign_ipv6_address_on_creation": any(one.get("AssignIpv6AddressOnCreation") for one in each),
        }


def route_tables(reader: Reader) -> Iterator[Document | Gap]:
    """One document per purpose. A table that nobody named is called after the subnets that it routes for."""
    vpcs = vpc_names(reader)
    subnets = read_subnets(reader, vpcs)
    groups: dict[str, list[Document]] = {}
    for table in reader.items("DescribeRouteTables", "RouteTables"):
        groups.setdefault(_table_name(table, vpcs, subnets.tiers, reader.region), []).append(table)
    for name, tables in sorted(groups.items()):
        ways = sorted({way for table in tables for way in routes(table)})
        yield {
            "name": name,
            "ids": sorted(table["RouteTableId"] for table in tables),
            "vpc": vpcs.get(tables[0].get("VpcId", ""), OTHER_VPC),
            "main": any(one.get("Main") for table in tables for one in table.get("Associations") or ()),
            "routes": {way: max(routes(table).get(way, 0) for table in tables) for way in ways},
        }


def _table_name(table: Document, vpcs: dict[str, str], tiers: Any, region: str) -> str:
    vpc = vpcs.get(table.get("VpcId", ""), OTHER_VPC)
    if name := name_of(table):
        return within(vpc, tier(name, _zone_in(name, region), region))
    associations = table.get("Associations") or ()
    named = sorted({tiers[one["SubnetId"]] for one in associations if one.get("SubnetId") in tiers})
    if named:
        return str(named[0])
    return f"{vpc}/main" if any(one.get("Main") for one in associations) else f"{vpc}/unused"


def _zone_in(name: str, region: str) -> str:
    """The zone of `region` that stands in `name`, or none."""
    at = name.find(region)
    zone = name[at : at + len(region) + 1] if at >= 0 else ""
    return zone if zone[-1:].isalpha() else ""


def nat_gateways(reader: Reader) -> Iterator[Document | Gap]:
    """One document per VPC and kind of connectivity."""
    vpcs = vpc_names(reader)
    zones = {each["SubnetId"]: each.get("AvailabilityZone") for each in reader.items("DescribeSubnets", "Subnets")}
    groups: dict[tuple[str, str], list[Document]] = {}
    for gateway in reader.items("DescribeNatGateways", "NatGateways"):
        if str(gateway.get("State")).lower() not in _GONE:
            key = (vpcs.get(gateway.get("VpcId", ""), OTHER_VPC), str(gateway.get("ConnectivityType") or "public"))
            groups.setdefault(key, []).append(gateway)
    for (vpc, connectivity), gateways in sorted(groups.items()):
        yield {
            "name": vpc if connectivity == "public" else f"{vpc}/{connectivity}",
            "ids": sorted(each["NatGatewayId"] for each in gateways),
            "vpc": vpc,
            "connectivity_type": connectivity,
            "availability_modes": sorted({each.get("AvailabilityMode") or "zonal" for each in gateways}),
            "zones": len({zones.get(each.get("SubnetId", ""), each.get("SubnetId")) for each in gateways}),
        }


def endpoints(reader: Reader) -> Iterator[Document | Gap]:
    """One document per endpoint, but for those that other services of AWS made for themselves."""
    vpcs = vpc_names(reader)
    for each in reader.items("DescribeVpcEndpoints", "VpcEndpoints"):
        if each.get("RequesterManaged") or str(each.get("State")).lower() in _GONE:
            continue
        vpc = vpcs.get(each.get("VpcId", ""), OTHER_VPC)
        service = str(each.get("ServiceName") or each.get("ServiceNetworkArn") or each.get("ResourceConfigurationArn"))
        known = service.rpartition(f".{reader.region}.")[2] if ".vpce." not in service else None
        name = known or name_of(each) or "service of others"
        yield {
            "name": f"{vpc}/{name}",
            "ids": [
                each["VpcEndpointId"],
                *(one["DnsName"] for one in each.get("DnsEntries") or () if "DnsName" in one),
            ],
            "vpc": vpc,
            "tags": each.get("Tags"),
            "vpc_endpoint_type": each.get("VpcEndpointType"),
            "private_dns_enabled": bool(each.get("PrivateDnsEnabled")),
            "ip_address_type": each.get("IpAddressType"),
            "zones": len(each.get("SubnetIds") or ()),
            "routed_tables": bool(each.get("RouteTableIds")),
            "security_groups": sorted(group["GroupId"] for group in each.get("Groups") or ()),
            "policy": statements_or_none(each.get("PolicyDocument")),
        }


def peerings(reader: Reader) -> Iterator[Document | Gap]:
    """One document per connection that is or may be. The other end is told by whose it is, not by its addresses."""
    vpcs = vpc_names(reader)
    for each in reader.items("DescribeVpcPeeringConnections", "VpcPeeringConnections"):
        status = str((each.get("Status") or {}).get("Code"))
        if status in _GONE:
            continue
        ends = [each.get("RequesterVpcInfo") or {}, each.get("AccepterVpcInfo") or {}]
        called = [vpcs.get(end.get("VpcId", ""), "elsewhere") for end in ends]
        yield {
            "name": name_of(each) or " to ".join(called),
            "ids": [each["VpcPeeringConnectionId"]],
            "tags": each.get("Tags"),
            "active": status == "active",
            "same_account": ends[0].get("OwnerId") == ends[1].get("OwnerId"),
            "same_region": ends[0].get("Region") == ends[1].get("Region"),
            **{side: _across(end) for side, end in zip(("requester", "accepter"), ends, strict=True)},
        }


def _across(end: Document) -> Json:
    options = end.get("PeeringOptions") or {}
    return {"allow_dns_resolution_from_remote_vpc": bool(options.get("AllowDnsResolutionFromRemoteVpc"))}


def acls(reader: Reader) -> Iterator[Document | Gap]:
    """One document per ACL. The VPC's own addresses are `vpc`, those of one of its tiers are the tier."""
    vpcs = vpc_names(reader)
    subnets = read_subnets(reader, vpcs)
    blocks = {each["VpcId"]: {each["CidrBlock"]: "vpc"} for each in reader.items("DescribeVpcs", "Vpcs")}
    for key, subnet in subnets.documents.items():
        if subnet.get("CidrBlock"):
            blocks.setdefault(subnet.get("VpcId", ""), {})[subnet["CidrBlock"]] = subnets.tiers[key]
    for acl in reader.items("DescribeNetworkAcls", "NetworkAcls"):
        vpc = vpcs.get(acl.get("VpcId", ""), OTHER_VPC)
        used = sorted({subnets.tiers.get(one.get("SubnetId", ""), "") for one in acl.get("Associations") or ()} - {""})
        own = "default" if acl.get("IsDefault") else used[0].removeprefix(f"{vpc}/") if used else "unused"
        yield {
            "name": within(vpc, name_of(acl) or own),
            "ids": [acl["NetworkAclId"]],
            "vpc": vpc,
            "tags": acl.get("Tags"),
            "is_default": bool(acl.get("IsDefault")),
            "tiers": used,
            "entries": [
                _entry(entry, blocks.get(acl.get("VpcId", ""), {}))
                for entry in acl.get("Entries") or ()
                if entry["RuleNumber"] < _LAST_ENTRY
            ],
        }


def _entry(entry: Document, blocks: dict[str, str]) -> dict[str, Json]:
    ports = entry.get("PortRange") or {}
    start, end = ports.get("From"), ports.get("To")
    block = str(entry.get("CidrBlock") or entry.get("Ipv6CidrBlock"))
    protocol = str(entry.get("Protocol"))
    return {
        "rule": f"{'egress' if entry.get('Egress') else 'ingress'} {entry['RuleNumber']}",
        "action": entry.get("RuleAction"),
        "protocol": _PROTOCOLS.get(protocol, protocol),
        "ports": "all" if start is None else str(start) if start == end else f"{start}-{end}",
        "source": blocks.get(block, block),
    }


def flow_logs(reader: Reader) -> Iterator[Document | Gap]:
    """One document per what is watched, traffic and kind of destination."""
    vpcs = vpc_names(reader)
    tiers = read_subnets(reader, vpcs).tiers
    found: dict[str, dict[str, Json]] = {}
    for each in reader.items("DescribeFlowLogs", "FlowLogs"):
        watched = str(each.get("ResourceId"))
        called = vpcs.get(watched) or tiers.get(watched) or f"{watched.partition('-')[0]} interface"
        traffic, kind = each.get("TrafficType"), each.get("LogDestinationType")
        name = f"{called} {str(traffic or 'transit').lower()} to {kind}"
        options = each.get("DestinationOptions") or {}
        one = found.setdefault(
            name,
            {
                "name": name,
                "ids": [],
                "tags": each.get("Tags"),
                "traffic_type": traffic,
                "log_destination_type": kind,
                "log_destination": each.get("LogDestination") or each.get("LogGroupName"),
                "log_format": each.get("LogFormat"),
                "max_aggregation_interval": each.get("MaxAggregationInterval"),
                "file_format": options.get("FileFormat"),
            },
        )
        one["ids"].append(each["FlowLogId"])
    yield from found.values()


def _common_tags(documents: list[Document]) -> dict[str, str]:
    """The tags that all of them agree on, but for the name."""
    tags = [tags_of(each.get("Tags")) for each in documents]
    return {key: value for key, value in tags[0].items() if key != "Name" and all(t.get(key) == value for t in tags)}
