"""Answers what a kind asks of its API from what AWS Config recorded, so that the kind reads both alike."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from botocore.exceptions import ClientError

from auditor.collector import Context
from auditor.errors import CollectError
from auditor.model import GapReason
from collectors.aws._reader import Reader
from collectors.aws._session import Source
from collectors.aws._shapes import shape_at
from collectors.aws.base import AwsKind, pick
from collectors.aws_config._spelling import parsed, to_api
from collectors.aws_config._types import LISTINGS

Item = Mapping[str, Any]
_Arguments = Mapping[str, Any]


class NotRecordedError(CollectError):
    """AWS Config does not record what was asked."""


class ConfigReader(Reader):
    """One kind of one account and region. `items_by_type` are the items that Config holds of them."""

    def __init__(
        self,
        kind: AwsKind,
        source: Source,
        label: str,
        account: str,
        region: str,
        context: Context,
        items_by_type: Mapping[str, Sequence[Item]],
    ) -> None:
        super().__init__(kind, source, label, account, region, context)
        self._items = items_by_type

    def recorded(self, type_: str) -> Sequence[Item]:
        """The items of one type."""
        return self._items.get(type_, ())

    def call(self, operation: str, /, *, service: str = "", **arguments: Any) -> dict[str, Any]:
        """The recorded answer. Raises NotRecordedError where Config has none."""
        service = service or self.kind.service
        answered = _CALLS.get((service, operation))
        if answered is not None:
            return answered(self, arguments)
        if any(detail.attribute == "tags" and detail.operation == operation for detail in self.kind.details):
            return self._no_more_tags(operation, service)
        if (service, operation) in LISTINGS:
            _, path = LISTINGS[service, operation]
            return {path.split("[]")[0]: list(self.items(operation, path.removesuffix("[]"), service=service))}
        raise NotRecordedError(
            GapReason.UNSUPPORTED, f"AWS Config does not record what {service}:{operation} answers: read it with `aws`"
        )

    def items(self, operation: str, result: str, /, *, service: str = "", **arguments: Any) -> Iterator[Any]:
        """Every recorded item that the listing would hold."""
        service = service or self.kind.service
        if (service, operation) not in LISTINGS:
            yield from pick(self.call(operation, service=service, **arguments), result) or ()
            return
        type_, path = LISTINGS[service, operation]
        shape = shape_at(self.model(operation, service=service).output_shape, path)
        wanted = _wanted(arguments)
        for item in self.recorded(type_):
            if wanted is None or item.get("resourceId") in wanted:
                yield self._document(item, shape)

    def _document(self, item: Item, shape: Any) -> dict[str, Any]:
        document: dict[str, Any] = to_api(parsed(item.get("configuration")), shape)
        document[self.kind.tags] = parsed(item.get("tags")) or []
        for name, value in (("BucketRegion", item.get("awsRegion")), ("SecurityGroupArn", item.get("arn"))):
            if name in shape.members and name not in document:
                document[name] = value
        return document

    def _no_more_tags(self, operation: str, service: str) -> dict[str, Any]:
        """Tags come with the item, so a call for them has nothing to add."""
        members = self.model(operation, service=service).output_shape.members
        return {name: {} if shape.type_name == "map" else [] for name, shape in members.items()}


def _wanted(arguments: _Arguments) -> frozenset[str] | None:
    """The ids that a listing is narrowed to; None where it is not."""
    values = [value for each in arguments.get("Filters", ()) for value in each.get("Values", ())]
    return frozenset(values) if values else None


def _queues(reader: ConfigReader, _: _Arguments) -> dict[str, Any]:
    return {"QueueUrls": [parsed(each["configuration"])["QueueUrl"] for each in reader.recorded("AWS::SQS::Queue")]}


def _queue(reader: ConfigReader, arguments: _Arguments) -> Item:
    found = reader.recorded("AWS::SQS::Queue")
    return next(each for each in found if parsed(each["configuration"])["QueueUrl"] == arguments["QueueUrl"])


def _queue_attributes(reader: ConfigReader, arguments: _Arguments) -> dict[str, Any]:
    known = parsed(_queue(reader, arguments)["configuration"])
    names = {name: value for name, value in known.items() if name not in ("QueueUrl", "QueueName", "Tags", "Arn")}
    return {"Attributes": {name: value for name, value in names.items() if value is not None}}


def _queue_tags(reader: ConfigReader, arguments: _Arguments) -> dict[str, Any]:
    tags = parsed(_queue(reader, arguments).get("tags")) or []
    return {"Tags": {each["key"]: each["value"] for each in tags}}


def _reserved(reader: ConfigReader, arguments: _Arguments) -> dict[str, Any]:
    found = next(
        each
        for each in reader.recorded("AWS::Lambda::Function")
        if parsed(each["configuration"])["functionName"] == arguments["FunctionName"]
    )
    reserved = (_supplement(found, "Concurrency") or {}).get("reservedConcurrentExecutions")
    return {} if reserved is None else {"ReservedConcurrentExecutions": int(reserved)}


def _supplement(item: Item, name: str) -> Any:
    return parsed((parsed(item.get("supplementaryConfiguration")) or {}).get(name))


def _of_bucket(operation: str, member: str, missing: str) -> Callable[[ConfigReader, _Arguments], dict[str, Any]]:
    """What a bucket's supplement says, which is called as the answer's one member is. `missing` is the API's code for
    `there is none`."""

    def answer(reader: ConfigReader, arguments: _Arguments) -> dict[str, Any]:
        said = _bucket_supplement(reader, arguments, member)
        if not said:
            raise _none(missing, operation)
        output = reader.model(operation).output_shape
        return {member: to_api(said, output.members[member])}

    return answer


def _bucket_supplement(reader: ConfigReader, arguments: _Arguments, name: str) -> Any:
    found = next(each for each in reader.recorded("AWS::S3::Bucket") if each["resourceName"] == arguments["Bucket"])
    return _supplement(found, name)


def _none(code: str, operation: str) -> CollectError:
    error = CollectError(GapReason.UNSUPPORTED, f"AWS Config recorded none: {code}")
    error.__cause__ = ClientError({"Error": {"Code": code, "Message": "not recorded"}}, operation)
    return error


def _versioning(reader: ConfigReader, arguments: _Arguments) -> dict[str, Any]:
    said = _bucket_supplement(reader, arguments, "BucketVersioningConfiguration") or {}
    status = said.get("status")
    found = {} if status in (None, "Off") else {"Status": status}
    return found | ({"MFADelete": "Enabled"} if said.get("isMfaDeleteEnabled") else {})


def _logging(reader: ConfigReader, arguments: _Arguments) -> dict[str, Any]:
    said = _bucket_supplement(reader, arguments, "BucketLoggingConfiguration") or {}
    if not said.get("destinationBucketName"):
        return {}
    return {
        "LoggingEnabled": {
            "TargetBucket": said["destinationBucketName"],
            "TargetPrefix": said.get("logFilePrefix") or "",
        }
    }


def _policy(reader: ConfigReader, arguments: _Arguments) -> dict[str, Any]:
    said = _bucket_supplement(reader, arguments, "BucketPolicy") or {}
    if not said.get("policyText"):
        raise _none("NoSuchBucketPolicy", "GetBucketPolicy")
    return {"Policy": said["policyText"]}


def _cors(reader: ConfigReader, arguments: _Arguments) -> dict[str, Any]:
    said = _bucket_supplement(reader, arguments, "BucketCrossOriginConfiguration") or {}
    if not said.get("rules"):
        raise _none("NoSuchCORSConfiguration", "GetBucketCors")
    # The bean of S3's own client calls these two otherwise than the API.
    rules = [
        {"exposeHeaders" if key == "exposedHeaders" else key: value for key, value in rule.items()}
        for rule in said["rules"]
    ]
    shape = reader.model("GetBucketCors").output_shape.members["CORSRules"]
    return {"CORSRules": to_api(rules, shape)}


_CALLS: Mapping[tuple[str, str], Callable[[ConfigReader, _Arguments], dict[str, Any]]] = {
    ("sqs", "ListQueues"): _queues,
    ("sqs", "GetQueueAttributes"): _queue_attributes,
    ("sqs", "ListQueueTags"): _queue_tags,
    ("lambda", "GetFunctionConcurrency"): _reserved,
    ("s3", "GetBucketVersioning"): _versioning,
    ("s3", "GetBucketLogging"): _logging,
    ("s3", "GetBucketPolicy"): _policy,
    ("s3", "GetBucketCors"): _cors,
    ("s3", "GetBucketEncryption"): _of_bucket(
        "GetBucketEncryption",
        "ServerSideEncryptionConfiguration",
        "ServerSideEncryptionConfigurationNotFoundError",
    ),
    ("s3", "GetPublicAccessBlock"): _of_bucket(
        "GetPublicAccessBlock", "PublicAccessBlockConfiguration", "NoSuchPublicAccessBlockConfiguration"
    ),
    ("s3", "GetObjectLockConfiguration"): _of_bucket(
        "GetObjectLockConfiguration", "ObjectLockConfiguration", "ObjectLockConfigurationNotFoundError"
    ),
}
