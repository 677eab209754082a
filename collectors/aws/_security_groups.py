"""Security groups, each rule by itself: AWS folds sources with the same ports together, in an order of its own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from auditor.model import Json
from collectors.aws.base import Document, tags_of

if TYPE_CHECKING:
    from collectors.aws._reader import Reader

_PROTOCOLS = {"-1": "all", "1": "icmp", "6": "tcp", "17": "udp", "58": "icmpv6"}


def groups(reader: Reader) -> Iterator[Document]:
    """One document per group. A name that several VPCs use, as each uses `default`, gets its VPC's name added."""
    found = list(reader.items("DescribeSecurityGroups", "SecurityGroups"))
    names = Counter(group["GroupName"] for group in found)
    unclear = [group for group in found if names[group["GroupName"]] > 1 or group["GroupName"] == "default"]
    for group in found:
        if group not in unclear:
            yield {**group, "name": group["GroupName"]}
    if not unclear:
        return
    vpcs = {vpc["VpcId"]: _vpc_name(vpc) for vpc in reader.items("DescribeVpcs", "Vpcs")}
    for group in unclear:
        vpc = group.get("VpcId", "")
        yield {**group, "name": f"{group['GroupName']}@{vpcs.get(vpc, vpc)}"}


def by_rule(attributes: dict[str, Json]) -> dict[str, Json]:
    """`rules`: direction, protocol, ports, source, description of every single rule, in a fixed order."""
    rules: dict[tuple[str, ...], Json] = {}
    for direction, name in (("ingress", "ip_permissions"), ("egress", "ip_permissions_egress")):
        for permission in attributes.pop(name, None) or ():
            for source, description in _sources(permission, attributes):
                rule = {
                    "direction": direction,
                    "protocol": _PROTOCOLS.get(str(permission["ip_protocol"]), str(permission["ip_protocol"])),
                    "ports": _ports(permission),
                    "source": source,
                }
                rules[tuple(rule.values())] = {**rule, "description": description}
    attributes["rules"] = [rules[key] for key in sorted(rules)]
    return attributes


def _ports(permission: Json) -> str:
    start, end = permission.get("from_port"), permission.get("to_port")
    if start is None or start == -1 or (start, end) == (0, 65535):
        return "all"
    return str(start) if start == end else f"{start}-{end}"


def _sources(permission: Json, group: Json) -> Iterator[tuple[str, str | None]]:
    for part, key in (("ip_ranges", "cidr_ip"), ("ipv6_ranges", "cidr_ipv6"), ("prefix_list_ids", "prefix_list_id")):
        for each in permission.get(part) or ():
            yield each[key], each.get("description")
    for pair in permission.get("user_id_group_pairs") or ():
        yield _group_source(pair, group), pair.get("description")


def _group_source(pair: Json, group: Json) -> str:
    name: str = pair.get("group_id") or pair["group_name"]
    if name == group.get("group_id"):
        return "self"
    owner = pair.get("user_id")
    return name if owner in (None, group.get("owner_id")) else f"{owner}/{name}"


def _vpc_name(vpc: Document) -> str:
    name = tags_of(vpc.get("Tags")).get("Name")
    return name or ("default-vpc" if vpc.get("IsDefault") else str(vpc["VpcId"]))
