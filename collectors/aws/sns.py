"""SNS: topics with delivery and encryption, and who is subscribed with which filter.

Addresses of people are listed per protocol; of web hooks only the host is kept, since the rest of the address lets in.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from auditor.errors import CollectError
from auditor.model import Category, Json
from collectors.aws._codes import code_of
from collectors.aws._described import GONE, last
from collectors.aws._policies import statements
from collectors.aws._written import parsed, word, worded
from collectors.aws.base import AwsKind, Detail, Document

if TYPE_CHECKING:
    from collectors.aws._reader import Reader

_PASSING = frozenset(
    {
        "topic_arn",
        "owner",
        "subscriptions_confirmed",
        "subscriptions_pending",
        "subscriptions_deleted",
        "beginning_archive_time",
        "delivery_policy",  # part of the effective one
    }
)
# What a subscription's attributes repeat of the listing, or tell of the moment.
_KNOWN = frozenset(
    {
        "subscription_arn",
        "topic_arn",
        "owner",
        "endpoint",
        "protocol",
        "confirmation_was_authenticated",
        "pending_confirmation",
        "delivery_policy",
        "subscription_principal",
        "replay_status",
    }
)
# One subscription per person or device: they are listed, and nobody's settings are asked for.
_PERSONAL = frozenset({"email", "email-json", "sms", "application"})


def _topics(reader: Reader) -> Iterator[Document]:
    for topic in reader.items("ListTopics", "Topics"):
        yield {"topic_arn": topic["TopicArn"], "topic_name": last(topic["TopicArn"])}


def _settings(attributes: dict[str, Json]) -> Json:
    found = {word(name): value for name, value in attributes.items()}
    found = {name: value for name, value in found.items() if name not in _PASSING}
    for name in ("effective_delivery_policy", "data_protection_policy", "archive_policy"):
        if name in found:
            found[name] = worded(parsed(found[name]))
    if found.get("policy"):
        found["policy"] = statements(found["policy"])
    found["encryption"] = "kms" if found.get("kms_master_key_id") else "none"
    return {"fifo_topic": "false", **found}


def _subscriptions(reader: Reader, topic: Document) -> Json:
    """Protocol and endpoint -> settings. `email` and the like hold the addresses or nothing but that there are some."""
    found: dict[str, Json] = {}
    for each in reader.items("ListSubscriptionsByTopic", "Subscriptions", TopicArn=topic["topic_arn"]):
        protocol, endpoint = str(each.get("Protocol") or ""), str(each.get("Endpoint") or "")
        if protocol in _PERSONAL:
            group = found.setdefault(protocol, {"recipients": []} if protocol.startswith("email") else {})
            if "recipients" in group:
                group["recipients"].append(endpoint)
            continue
        name = f"{protocol} {_place(endpoint)}"
        unique, count = name, 2
        while unique in found:
            unique, count = f"{name} {count}", count + 1
        found[unique] = _subscription(reader, str(each.get("SubscriptionArn") or ""))
    return found


def _subscription(reader: Reader, arn: str) -> Json:
    """Filter, raw delivery, dead-letter queue. One that nobody confirmed yet has no ARN and no settings."""
    if not arn.startswith("arn:"):
        return {"confirmed": False}
    try:
        attributes = reader.call("GetSubscriptionAttributes", SubscriptionArn=arn).get("Attributes") or {}
    except CollectError as error:
        if error.__cause__ is None or code_of(error.__cause__) not in GONE:
            raise
        attributes = {}
    found = {word(name): value for name, value in attributes.items()}
    settings: dict[str, Json] = {name: value for name, value in found.items() if name not in _KNOWN}
    for name in ("filter_policy", "effective_delivery_policy"):
        if name in settings:
            # Keys of a filter are names of attributes of messages: data.
            settings[name] = parsed(settings[name])
    if "redrive_policy" in settings:
        redrive = worded(parsed(settings.pop("redrive_policy")))
        settings["dead_letter_queue"] = redrive.get("dead_letter_target_arn") if isinstance(redrive, dict) else redrive
    return {"confirmed": True, **settings}


def _place(endpoint: str) -> str:
    """The name in an ARN; of a URL scheme and host."""
    url = urlsplit(endpoint)
    return f"{url.scheme}://{url.hostname}" if url.scheme in ("http", "https") and url.hostname else last(endpoint)


KINDS = (
    AwsKind(
        name="aws.sns.topic",
        category=Category.MESSAGING,
        about="Topics: delivery, encryption, policy, subscriptions with their filters",
        cloudformation="AWS::SNS::Topic",
        service="sns",
        operation="ListTopics",
        read=_topics,
        identity="topic_name",
        location="topic_arn",
        verbatim=("attributes.policy", "subscriptions", "subscriptions.*.filter_policy"),
        drop=("topic_name", "topic_arn"),
        details=(
            Detail(
                attribute="attributes",
                operation="GetTopicAttributes",
                arguments={"TopicArn": "topic_arn"},
                result="Attributes",
                transform=_settings,
            ),
            Detail(attribute="subscriptions", read=_subscriptions),
            Detail(
                attribute="tags", operation="ListTagsForResource", arguments={"ResourceArn": "topic_arn"}, result="Tags"
            ),
        ),
        permissions=("sns:GetSubscriptionAttributes", "sns:ListSubscriptionsByTopic"),
    ),
)
