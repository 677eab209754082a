"""SQS: queues with their timeouts, retention, FIFO settings, encryption, and where what cannot be processed goes.

ListQueues leaves its list out where there is no queue, and so does whatever else may answer in its place. What only SQS
can tell settles it: that it knows no queue of a certain name.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from auditor.errors import CollectError
from auditor.model import Category, GapReason, Json
from collectors.aws._codes import code_of
from collectors.aws._policies import statements
from collectors.aws._written import parsed, partition, word, worded
from collectors.aws.base import AwsKind, Detail, Document

if TYPE_CHECKING:
    from collectors.aws._reader import Reader

_PAGE = 1000
_NO_QUEUE = "parity-auditor-asks-whether-this-is-sqs"
_UNKNOWN = frozenset({"AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist"})
_DOCUMENTS = ("redrive_policy", "redrive_allow_policy")
_PASSING = frozenset(
    {
        "approximate_number_of_messages",
        "approximate_number_of_messages_delayed",
        "approximate_number_of_messages_not_visible",
        "created_timestamp",
        "last_modified_timestamp",
        "queue_arn",
    }
)


def _queues(reader: Reader) -> Iterator[Document]:
    answer = reader.call("ListQueues", MaxResults=_PAGE)
    if "QueueUrls" not in answer:
        _expect_sqs(reader)
        return
    for url in (
        reader.items("ListQueues", "QueueUrls", MaxResults=_PAGE) if answer.get("NextToken") else answer["QueueUrls"]
    ):
        name = url.rpartition("/")[2]
        arn = f"arn:{partition(reader.region)}:sqs:{reader.region}:{reader.account}:{name}"
        yield {"queue_name": name, "queue_url": url, "queue_arn": arn}


def _expect_sqs(reader: Reader) -> None:
    try:
        reader.call("GetQueueUrl", QueueName=_NO_QUEUE)
    except CollectError as error:
        if error.__cause__ is not None and code_of(error.__cause__) in _UNKNOWN:
            return
        raise
    raise CollectError(GapReason.MALFORMED, f"sqs:ListQueues in {reader.region}: an answer without QueueUrls")


def _settings(attributes: dict[str, Json]) -> Json:
    """Attributes as SQS names them, in snake case; policies parsed, counters and times left out."""
    found = {word(name): value for name, value in attributes.items()}
    found = {name: value for name, value in found.items() if name not in _PASSING}
    for name in _DOCUMENTS:
        if name in found:
            found[name] = worded(parsed(found[name]))
    # What a queue sends on, and where to, is no id of its own.
    redrive = found.get("redrive_policy")
    if isinstance(redrive, dict) and "dead_letter_target_arn" in redrive:
        redrive["dead_letter_queue"] = redrive.pop("dead_letter_target_arn")
    if found.get("policy"):
        found["policy"] = statements(found["policy"])
    by_sqs = str(found.pop("sqs_managed_sse_enabled", "")).lower() == "true"
    found["encryption"] = "kms" if found.get("kms_master_key_id") else "sqs" if by_sqs else "none"
    return {"fifo_queue": "false", **found}


KINDS = (
    AwsKind(
        name="aws.sqs.queue",
        category=Category.MESSAGING,
        about="Queues: timeouts, retention, FIFO, encryption, dead-letter queue, policy",
        cloudformation="AWS::SQS::Queue",
        service="sqs",
        operation="ListQueues",
        read=_queues,
        identity="queue_name",
        location="queue_arn",
        refs=("queue_url",),
        verbatim=("attributes.policy",),
        drop=("queue_name", "queue_url", "queue_arn"),
        details=(
            Detail(
                attribute="attributes",
                operation="GetQueueAttributes",
                arguments={"QueueUrl": "queue_url"},
                constants={"AttributeNames": ["All"]},
                result="Attributes",
                transform=_settings,
            ),
            Detail(
                attribute="tags",
                operation="ListQueueTags",
                arguments={"QueueUrl": "queue_url"},
                # An untagged queue has no `Tags` at all.
                transform=lambda answer: answer.get("tags") or {},
            ),
        ),
        permissions=("sqs:GetQueueUrl",),
    ),
)
