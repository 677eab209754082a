"""EventBridge: buses, rules with their pattern or schedule and targets, and destinations outside AWS.

Rules that a service of AWS keeps for itself are not read: nobody sets them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from auditor.errors import CollectError
from auditor.model import Category, Gap, GapReason, Json
from collectors.aws._described import last
from collectors.aws._policies import statements_or_none
from collectors.aws._written import parsed
from collectors.aws.base import AwsKind, Detail, Document

if TYPE_CHECKING:
    from collectors.aws._reader import Reader

_DEFAULT = "default"
_SERVICE = re.compile(r"arn:[^:]*:([^:]+):")
# An ARN's last part where that is an id that EventBridge made up, behind the name.
_API_DESTINATION = re.compile(r"\A(arn:[^:]*:events:[^:]*:[^:]*:(?:api-destination|connection)/[^/]+)/.*\Z")


def _bus(attributes: dict[str, Json]) -> dict[str, Json]:
    attributes["policy"] = statements_or_none(attributes.get("policy"))
    return attributes


def _rules(reader: Reader) -> Iterator[Document | Gap]:
    """Rules of every bus. A bus whose rules cannot be listed is a gap of the kind: nothing tells what it holds."""
    for bus in reader.items("ListEventBuses", "EventBuses"):
        try:
            for rule in reader.items("ListRules", "Rules", EventBusName=bus["Name"]):
                if not rule.get("ManagedBy"):
                    yield {**rule, "EventBusName": bus["Name"]}
        except CollectError as error:
            yield reader.gap(error)


def _rule_name(rule: Document) -> str:
    bus = str(rule.get("EventBusName") or _DEFAULT)
    return str(rule["Name"]) if bus == _DEFAULT else f"{bus}/{rule['Name']}"


def _rule(attributes: dict[str, Json]) -> dict[str, Json]:
    if "event_pattern" in attributes:
        attributes["event_pattern"] = parsed(attributes["event_pattern"])
    return attributes


def _targets(reader: Reader, rule: Document) -> Json:
    """Service -> target; where several are of one service, each with its name. Ids of targets are mostly made up, and a
    target that is another one is a change of it."""
    listed = reader.items("ListTargetsByRule", "Targets", Rule=rule["Name"], EventBusName=rule["EventBusName"])
    targets = sorted(listed, key=lambda target: (target["Arn"], str(target.get("Input")), target["Id"]))
    services = Counter(_service(target["Arn"]) for target in targets)
    found: dict[str, Json] = {}
    for target in targets:
        service = _service(target["Arn"])
        name = service if services[service] == 1 else f"{service} {last(_without_id(target['Arn']))}"
        unique, count = name, 2
        while unique in found:
            unique, count = f"{name} {count}", count + 1
        found[unique] = _target(reader, target)
    return found


def _target(reader: Reader, target: Document) -> Json:
    spelled = reader.spelled(target, "ListTargetsByRule", "Targets[]")
    if not isinstance(spelled, dict):
        raise CollectError(GapReason.MALFORMED, f"events:ListTargetsByRule in {reader.region}: a target that is none")
    found = {name: value for name, value in spelled.items() if name not in ("id", "arn")}
    if "input" in found:
        found["input"] = parsed(found["input"])
    if dead := found.pop("dead_letter_config", None):
        found["dead_letter_queue"] = dead.get("arn")
    if tasks := found.get("ecs_parameters"):
        # Revisions only count how often a definition was registered.
        tasks["task_definition"] = re.sub(r":[0-9]+\Z", "", str(tasks.pop("task_definition_arn", "")))
    # What calls a target is no id of the rule's own.
    return {"target": _without_id(target["Arn"]), **found}


def _without_id(arn: str) -> str:
    return _API_DESTINATION.sub(r"\1", arn)


def _service(arn: str) -> str:
    match = _SERVICE.match(arn)
    return match[1] if match else "other"


def _destination(attributes: dict[str, Json]) -> dict[str, Json]:
    """The host of the address: what follows it may let in, as web hooks' addresses do."""
    url = urlsplit(str(attributes.pop("invocation_endpoint", "") or ""))
    attributes["invocation_endpoint"] = f"{url.scheme}://{url.hostname}" if url.hostname else None
    if "connection_arn" in attributes:
        attributes["connection"] = _without_id(str(attributes.pop("connection_arn")))
    return attributes


KINDS = (
    AwsKind(
        name="aws.events.event_bus",
        category=Category.MESSAGING,
        about="Event buses: who may put events there, encryption, dead-letter queue, logs",
        cloudformation="AWS::Events::EventBus",
        service="events",
        operation="ListEventBuses",
        result="EventBuses",
        identity="Name",
        location="Arn",
        verbatim=("policy",),
        drop=("name", "arn", "creation_time", "last_modified_time"),
        details=(
            Detail(
                attribute="settings",
                operation="DescribeEventBus",
                arguments={"Name": "Name"},
                transform=lambda bus: {
                    "kms_key_id": bus.get("kms_key_identifier"),
                    "dead_letter_queue": (bus.get("dead_letter_config") or {}).get("arn"),
                    "logging": bus.get("log_config"),
                },
            ),
            Detail(attribute="tags", operation="ListTagsForResource", arguments={"ResourceARN": "Arn"}, result="Tags"),
        ),
        transform=_bus,
    ),
    AwsKind(
        name="aws.events.rule",
        category=Category.MESSAGING,
        about="Rules: event pattern or schedule, whether they are on, targets with their input",
        cloudformation="AWS::Events::Rule",
        service="events",
        operation="ListRules",
        result="Rules",
        read=_rules,
        identity=_rule_name,
        location="Arn",
        parent="EventBusName",
        verbatim=("targets",),
        drop=("name", "arn", "event_bus_name"),
        details=(
            Detail(attribute="targets", read=_targets),
            Detail(attribute="tags", operation="ListTagsForResource", arguments={"ResourceARN": "Arn"}, result="Tags"),
        ),
        transform=_rule,
        permissions=("events:ListEventBuses", "events:ListTargetsByRule"),
    ),
    AwsKind(
        name="aws.events.api_destination",
        category=Category.MESSAGING,
        about="Destinations outside AWS: host, method, rate limit, the connection that signs in there",
        cloudformation="AWS::Events::ApiDestination",
        service="events",
        operation="ListApiDestinations",
        result="ApiDestinations",
        identity="Name",
        location="ApiDestinationArn",
        refs=(lambda item: _without_id(str(item.get("ApiDestinationArn") or "")),),
        drop=("name", "api_destination_arn", "api_destination_state", "creation_time", "last_modified_time"),
        transform=_destination,
    ),
)
