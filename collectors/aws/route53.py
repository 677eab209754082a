"""Route 53: hosted zones, and the shape of their records: what a name is made of, not which addresses it gives.

Addresses, and text that proves to others who owns a domain, differ by their nature and are not kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from auditor.errors import CollectError
from auditor.model import Category, Gap, Json
from collectors.aws.base import AwsKind, Detail, Document

if TYPE_CHECKING:
    from collectors.aws._reader import Reader

# Records that others made: a zone's own, and proofs for certificates and mail.
_OF_THE_ZONE = frozenset({"NS", "SOA"})
_PROOF = re.compile(r"\A_[0-9a-f]{32}\.|\._domainkey\.|\A_amazonses\.")
_TOLD = frozenset({"CNAME", "MX", "CAA", "SRV", "NS", "DS", "PTR"})
_PUBLISHED = re.compile(r'\A"?v=(?:spf1|DMARC1)\b')
_LOAD_BALANCER = re.compile(r"\A(?:dualstack\.)?(?:internal-)?(.+)-[0-9]{6,10}(\.[a-z0-9.-]*elb\.)")
_GATEWAY = re.compile(r"\Ad-[a-z0-9]{10}(\.execute-api\.)")


def _zone_name(zone: Document) -> str:
    """Without the last dot. A domain may have a public and a private zone."""
    name = str(zone["Name"]).rstrip(".")
    return f"{name} (private)" if (zone.get("Config") or {}).get("PrivateZone") else name


def _zones(reader: Reader) -> Iterator[Document]:
    for zone in reader.items("ListHostedZones", "HostedZones"):
        yield {**zone, "plain_id": str(zone["Id"]).removeprefix("/hostedzone/")}


def _zone(attributes: dict[str, Json]) -> dict[str, Json]:
    return {
        "private": bool((attributes.get("config") or {}).get("private_zone")),
        **({"dnssec": attributes["dnssec"]} if "dnssec" in attributes else {}),
        **({"query_logging": attributes["query_logging"]} if "query_logging" in attributes else {}),
    }


def _is_public(zone: Document) -> bool:
    return not (zone.get("Config") or {}).get("PrivateZone")


def _records(reader: Reader) -> Iterator[Document | Gap]:
    """The records of every zone that people set. A zone whose records cannot be listed is a gap of the kind."""
    for zone in reader.items("ListHostedZones", "HostedZones"):
        try:
            for record in reader.items("ListResourceRecordSets", "ResourceRecordSets", HostedZoneId=zone["Id"]):
                apex = record["Name"] == zone["Name"]
                if not (apex and record["Type"] in _OF_THE_ZONE) and not _PROOF.search(record["Name"]):
                    yield {**record, "Zone": _zone_name(zone)}
        except CollectError as error:
            yield reader.gap(error)


def _record_name(record: Document) -> str:
    private = " (private)" if str(record.get("Zone")).endswith(" (private)") else ""
    said = f" {record['SetIdentifier']}" if record.get("SetIdentifier") else ""
    return f"{str(record['Name']).rstrip('.').replace(chr(92) + '052', '*')} {record['Type']}{private}{said}"


def _record(attributes: dict[str, Json]) -> dict[str, Json]:
    """Type, lifetime, routing, and where an alias or a CNAME leads."""
    attributes["health_checked"] = bool(attributes.pop("health_check_id", None))
    if alias := attributes.pop("alias_target", None):
        attributes["alias_target"] = _target(str(alias.get("dns_name") or ""))
        attributes["evaluate_target_health"] = bool(alias.get("evaluate_target_health"))
    values = [str(each.get("value") or "") for each in attributes.pop("resource_records", None) or ()]
    kind = attributes.get("type")
    if kind in _TOLD:
        attributes["values"] = sorted(_target(value) for value in values)
    elif kind in ("TXT", "SPF"):
        attributes["values"] = sorted(value for value in values if _PUBLISHED.match(value))
    return attributes


def _target(name: str) -> str:
    """A host name without its last dot and the numbers that AWS put into it."""
    plain = name.rstrip(".")
    return _GATEWAY.sub(r"api\1", _LOAD_BALANCER.sub(r"\1\2", plain))


KINDS = (
    AwsKind(
        name="aws.route53.hosted_zone",
        category=Category.NETWORK,
        about="Hosted zones: public or private, DNSSEC, query logs",
        cloudformation="AWS::Route53::HostedZone",
        service="route53",
        operation="ListHostedZones",
        result="HostedZones",
        read=_zones,
        identity=_zone_name,
        refs=("Id",),
        everywhere=True,
        details=(
            Detail(
                attribute="dnssec",
                operation="GetDNSSEC",
                arguments={"HostedZoneId": "plain_id"},
                result="Status.ServeSignature",
                when=_is_public,
            ),
            Detail(
                attribute="query_logging",
                operation="ListQueryLoggingConfigs",
                arguments={"HostedZoneId": "plain_id"},
                result="QueryLoggingConfigs",
                when=_is_public,
                transform=bool,
            ),
            Detail(
                attribute="tags",
                operation="ListTagsForResource",
                arguments={"ResourceId": "plain_id"},
                constants={"ResourceType": "hostedzone"},
                result="ResourceTagSet.Tags",
            ),
        ),
        transform=_zone,
    ),
    AwsKind(
        name="aws.route53.record_set",
        category=Category.NETWORK,
        about="Records by name and type: lifetime, routing, health check, where an alias leads; no addresses",
        cloudformation="AWS::Route53::RecordSet",
        service="route53",
        operation="ListResourceRecordSets",
        result="ResourceRecordSets",
        read=_records,
        identity=_record_name,
        parent="Zone",
        everywhere=True,
        drop=("name", "zone", "set_identifier", "traffic_policy_instance_id", "cidr_routing_config.collection_id"),
        transform=_record,
        permissions=("route53:ListHostedZones",),
    ),
)
