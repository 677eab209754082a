"""S3: buckets with everything that decides who reads them and what becomes of their objects, and the account's own block.

Each region lists the buckets that lie in it. An API that does not tell where a bucket lies is asked bucket by bucket.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from auditor.errors import CollectError
from auditor.model import Category, Gap, GapReason, Json
from collectors.aws._codes import code_of
from collectors.aws._policies import statements
from collectors.aws.base import AwsKind, Detail, Document

if TYPE_CHECKING:
    from collectors.aws._reader import Reader

_NAME = {"Bucket": "Name"}
_OLD_NAMES = {None: "us-east-1", "": "us-east-1", "EU": "eu-west-1"}
_TARGETS = (
    ("lambda_function_configurations", "lambda_function_arn"),
    ("queue_configurations", "queue_arn"),
    ("topic_configurations", "topic_arn"),
)


def _buckets_here(reader: Reader) -> Iterator[Document | Gap]:
    for bucket in reader.items("ListBuckets", "Buckets", BucketRegion=reader.region):
        try:
            region = bucket.get("BucketRegion") or _region_of(reader, bucket["Name"])
        except CollectError as error:
            yield reader.gap(error, resource=bucket["Name"])
            continue
        if region == reader.region:
            yield bucket


def _region_of(reader: Reader, bucket: str) -> str:
    found = reader.call("GetBucketLocation", Bucket=bucket).get("LocationConstraint")
    return str(_OLD_NAMES.get(found, found))


def _access(reader: Reader, bucket: Document) -> Json:
    """Who owns the objects, and whom the access control list lets in besides the owner: lists count only where the
    owner does not own every object."""
    name = bucket["Name"]
    try:
        rules = reader.call("GetBucketOwnershipControls", Bucket=name)["OwnershipControls"]["Rules"]
        ownership = rules[0]["ObjectOwnership"] if rules else None
    except CollectError as error:
        if error.__cause__ is None or code_of(error.__cause__) != "OwnershipControlsNotFoundError":
            raise
        ownership = "ObjectWriter"  # what holds where nothing is said
    found: dict[str, Json] = {"object_ownership": ownership}
    if ownership != "BucketOwnerEnforced":
        answer = reader.call("GetBucketAcl", Bucket=name)
        owner = answer["Owner"].get("ID")
        found["grants"] = sorted(
            f"{_grantee(grant['Grantee'])} {grant['Permission']}"
            for grant in answer["Grants"]
            if grant["Grantee"].get("ID") != owner
        )
    return found


def _grantee(grantee: Document) -> str:
    uri = str(grantee.get("URI") or "")
    return uri.rpartition("/")[2] or str(grantee.get("EmailAddress") or grantee.get("ID") or "somebody")


def _encryption(rules: list[dict[str, Json]]) -> Json:
    """A bucket has one rule: algorithm, key, and whether the bucket's own key saves calls to KMS."""
    rule = rules[0] if rules else {}
    default = rule.pop("apply_server_side_encryption_by_default", None) or {}
    return {
        "algorithm": default.get("sse_algorithm"),
        "kms_key_id": default.get("kms_master_key_id"),
        "bucket_key_enabled": bool(rule.get("bucket_key_enabled")),
        **({"blocked": blocked} if (blocked := rule.get("blocked_encryption_types")) else {}),
    }


def _lifecycle(rules: list[dict[str, Json]]) -> Json:
    """Rules by id, what they move and delete as maps by storage class."""
    for rule in rules:
        for name in ("transitions", "noncurrent_version_transitions"):
            if name in rule:
                rule[name] = {each.pop("storage_class"): each for each in rule[name]}
    return rules


def _notifications(answer: dict[str, Json]) -> Json:
    """Whom the bucket tells of what: a list of targets, events and filters."""
    found: list[Json] = []
    for configurations, target in _TARGETS:
        for each in answer.get(configurations) or ():
            rules = ((each.get("filter") or {}).get("key") or {}).get("filter_rules") or ()
            names = {str(rule.get("name")).lower(): rule.get("value") for rule in rules}
            found.append({"target": each[target], "events": each.get("events") or [], "filter": names})
    if "event_bridge_configuration" in answer:
        found.append({"target": "event bridge", "events": ["*"], "filter": {}})
    return found


def _versioning(answer: dict[str, Json]) -> Json:
    """Never switched on is as good as suspended: the API says nothing, then."""
    return {"enabled": answer.get("status") == "Enabled", "mfa_delete": answer.get("mfa_delete") == "Enabled"}


def _logging(answer: dict[str, Json]) -> Json:
    return answer.get("logging_enabled")


def _bucket(attributes: dict[str, Json]) -> dict[str, Json]:
    """No policy is one without statements."""
    if "policy" in attributes:
        attributes["policy"] = attributes["policy"] or {}
    return attributes


def _account_block(reader: Reader) -> Iterator[Document | Gap]:
    """One document; null where the account forbids nothing."""
    result = "PublicAccessBlockConfiguration"
    try:
        answer = reader.call("GetPublicAccessBlock", AccountId=reader.account)
    except CollectError as error:
        if error.__cause__ is None or code_of(error.__cause__) != "NoSuchPublicAccessBlockConfiguration":
            raise
        answer = {result: None}
    if result not in answer:
        raise CollectError(GapReason.MALFORMED, f"s3control:GetPublicAccessBlock: an answer without {result}")
    block = reader.spelled(answer[result], "GetPublicAccessBlock", result)
    yield {"name": "public access block", "public_access_block": block}


def _hosts(bucket: Document) -> list[str]:
    name, region = bucket["Name"], bucket.get("BucketRegion")
    regional = [f"{name}.s3.{region}.amazonaws.com"] if region else []
    return [f"{name}.s3.amazonaws.com", *regional, f"s3://{name}"]


KINDS = (
    AwsKind(
        name="aws.s3.bucket",
        category=Category.STORAGE,
        about="S3 buckets: versioning, encryption, lifecycle, public access, policy, CORS, logging, replication, events",
        cloudformation="AWS::S3::Bucket",
        service="s3",
        operation="ListBuckets",
        result="Buckets",
        read=_buckets_here,
        permissions=("s3:GetBucketLocation", "s3:GetBucketOwnershipControls", "s3:GetBucketAcl"),
        identity="Name",
        location=lambda bucket: bucket.get("BucketArn") or f"arn:aws:s3:::{bucket['Name']}",
        refs=(_hosts,),
        keyed={
            "lifecycle": "id",
            "cors": "id",
            "notifications": "target",
            "replication.rules": "id",
            "lifecycle.*.filter.and.tags": "key",
        },
        ordered=("website.routing_rules",),  # the first that fits redirects
        drop=("name", "creation_date", "bucket_region", "bucket_arn"),
        details=(
            Detail(
                attribute="tags",
                operation="GetBucketTagging",
                arguments=_NAME,
                result="TagSet",
                none_on=("NoSuchTagSet",),
            ),
            Detail(attribute="versioning", operation="GetBucketVersioning", arguments=_NAME, transform=_versioning),
            Detail(
                attribute="encryption",
                operation="GetBucketEncryption",
                arguments=_NAME,
                result="ServerSideEncryptionConfiguration.Rules",
                none_on=("ServerSideEncryptionConfigurationNotFoundError",),
                transform=_encryption,
            ),
            Detail(
                attribute="lifecycle",
                operation="GetBucketLifecycleConfiguration",
                arguments=_NAME,
                result="Rules",
                none_on=("NoSuchLifecycleConfiguration",),
                transform=_lifecycle,
            ),
            Detail(
                attribute="public_access_block",
                operation="GetPublicAccessBlock",
                arguments=_NAME,
                result="PublicAccessBlockConfiguration",
                none_on=("NoSuchPublicAccessBlockConfiguration",),
            ),
            Detail(
                attribute="policy",
                operation="GetBucketPolicy",
                arguments=_NAME,
                result="Policy",
                none_on=("NoSuchBucketPolicy",),
                transform=statements,
            ),
            Detail(attribute="access", read=_access),
            Detail(
                attribute="cors",
                operation="GetBucketCors",
                arguments=_NAME,
                result="CORSRules",
                none_on=("NoSuchCORSConfiguration",),
            ),
            Detail(attribute="logging", operation="GetBucketLogging", arguments=_NAME, transform=_logging),
            Detail(
                attribute="replication",
                operation="GetBucketReplication",
                arguments=_NAME,
                result="ReplicationConfiguration",
                none_on=("ReplicationConfigurationNotFoundError",),
            ),
            Detail(
                attribute="website",
                operation="GetBucketWebsite",
                arguments=_NAME,
                none_on=("NoSuchWebsiteConfiguration",),
            ),
            Detail(
                attribute="object_lock",
                operation="GetObjectLockConfiguration",
                arguments=_NAME,
                result="ObjectLockConfiguration",
                none_on=("ObjectLockConfigurationNotFoundError",),
            ),
            Detail(
                attribute="notifications",
                operation="GetBucketNotificationConfiguration",
                arguments=_NAME,
                transform=_notifications,
            ),
        ),
        transform=_bucket,
    ),
    AwsKind(
        name="aws.s3.account",
        category=Category.SECURITY,
        about="What the whole account forbids its buckets: public access",
        service="s3control",
        operation="GetPublicAccessBlock",
        read=_account_block,
        identity="name",
        drop=("name",),
        everywhere=True,
    ),
)
