"""Amazon MQ: ActiveMQ and RabbitMQ brokers with the configuration that they run."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from auditor.errors import CollectError
from auditor.model import Category, Gap, GapReason, Json
from collectors.aws._described import one
from collectors.aws._properties import properties
from collectors.aws.base import AwsKind, Detail, Document, pick

if TYPE_CHECKING:
    from collectors.aws._reader import Reader

_COMMENT = re.compile(r"<!--.*?-->|<\?.*?\?>", re.DOTALL)
_ELEMENT = re.compile(r"""<([^/!?](?:[^<>"']|"[^"]*"|'[^']*')*)>""")


def _brokers(reader: Reader) -> Iterator[Document | Gap]:
    for broker in list(reader.items("ListBrokers", "BrokerSummaries")):
        try:
            for found in one(reader, "DescribeBroker", "", BrokerId=broker["BrokerId"]):
                yield reader.spelled(found, "DescribeBroker", "")
        except CollectError as error:
            yield reader.gap(error, resource=broker.get("BrokerName"))


def _configuration(reader: Reader, broker: Document) -> Json:
    """What the current revision says: RabbitMQ's properties, ActiveMQ's elements as text. Ids and revisions are counters."""
    current = pick(broker, "configurations.current") or {}
    if not current.get("id"):
        return {}
    asked = {"ConfigurationId": current["id"], "ConfigurationRevision": str(current.get("revision", 1))}
    answer = reader.call("DescribeConfigurationRevision", **asked)
    try:
        text = base64.b64decode(answer["Data"], validate=True).decode("utf-8", "replace")
    except (KeyError, binascii.Error) as error:
        where = f"mq:DescribeConfigurationRevision in {reader.region}"
        raise CollectError(GapReason.MALFORMED, f"{where}: an answer without Data in base64") from error
    return _elements(text) if text.lstrip().startswith("<") else properties(text)


def _elements(xml: str) -> Json:
    """Every element of ActiveMQ's XML with its attributes (`queue physicalName="orders"`), in any order, without comments."""
    found = _ELEMENT.findall(_COMMENT.sub("", xml))
    return {"elements": sorted(" ".join(each.split()).rstrip("/ ") for each in found)}


def _broker(attributes: dict[str, Json]) -> dict[str, Json]:
    """Users by name; when it is maintained as one text, as databases tell it."""
    window = attributes.pop("maintenance_window_start_time", None) or {}
    attributes["maintenance_window"] = " ".join(str(part) for part in window.values()) or None
    users: list[dict[str, Any]] = attributes.get("users") or []
    attributes["users"] = sorted(str(user.get("username")) for user in users)
    return attributes


KINDS = (
    AwsKind(
        name="aws.amazonmq.broker",
        category=Category.MESSAGING,
        about="ActiveMQ and RabbitMQ brokers: version, size, deployment mode, logs, configuration",
        cloudformation="AWS::AmazonMQ::Broker",
        service="mq",
        operation="DescribeBroker",
        read=_brokers,
        permissions=("mq:ListBrokers", "mq:DescribeConfigurationRevision"),
        identity="broker_name",
        location="broker_arn",
        refs=("broker_id", "broker_instances[].endpoints", "broker_instances[].console_url"),
        tags="tags",
        verbatim=("configuration",),
        drop=(
            "broker_name",
            "broker_arn",
            "broker_id",
            "broker_state",
            "broker_instances",
            "actions_required",
            "configurations",
            "created",
            "logs.audit_log_group",  # named after the broker's generated id
            "logs.general_log_group",
            "logs.pending",
            "pending_authentication_strategy",
            "pending_data_replication_metadata",
            "pending_data_replication_mode",
            "pending_engine_version",
            "pending_host_instance_type",
            "pending_ldap_server_metadata",
            "pending_security_groups",
            "pending_storage_size",
            "data_replication_metadata.data_replication_counterpart.broker_id",
        ),
        details=(Detail(attribute="configuration", read=_configuration),),
        transform=_broker,
    ),
)
