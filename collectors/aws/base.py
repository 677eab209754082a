"""How an AWS kind is declared. A file of this folder is a service and exposes `KINDS: tuple[AwsKind, ...]`; about ten
lines each. `_run.py` does the rest: pages, detail calls, spelling, tags, errors, permissions.

Two spellings meet here. Paths into what the API answered keep the API's (`DBInstances[].DBInstanceIdentifier`, `[]`
steps into a list); paths into attributes are snake case (`db_instance_class`), as botocore's `xform_name` spells them.
Keys of maps that hold data (environment variables, labels) are left alone; the service model tells which those are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, TypeAlias

from auditor.model import Gap, Json, Kind

if TYPE_CHECKING:
    from collectors.aws._reader import Reader

Document: TypeAlias = Mapping[str, Any]
# A path in the API's spelling, or a function of the document where a path does not suffice.
Where: TypeAlias = str | Callable[[Document], Any]

READS = ("Describe", "List", "Get", "BatchGet", "GET")

# IAM's name of a service where it is not botocore's, and of an action where it is not the operation.
_IAM_SERVICES = {
    "elb": "elasticloadbalancing",
    "elbv2": "elasticloadbalancing",
    "stepfunctions": "states",
    "opensearch": "es",
    "efs": "elasticfilesystem",
    "docdb": "rds",
    "service-quotas": "servicequotas",
    "neptune": "rds",
    "sesv2": "ses",
}
_IAM_ACTIONS = {
    "s3:ListBuckets": "s3:ListAllMyBuckets",
    "s3:GetBucketEncryption": "s3:GetEncryptionConfiguration",
    "s3:GetBucketLifecycleConfiguration": "s3:GetLifecycleConfiguration",
    "s3:GetPublicAccessBlock": "s3:GetBucketPublicAccessBlock",
    "s3control:GetPublicAccessBlock": "s3:GetAccountPublicAccessBlock",
    "s3:GetBucketCors": "s3:GetBucketCORS",
    "s3:GetBucketReplication": "s3:GetReplicationConfiguration",
    "s3:GetBucketNotificationConfiguration": "s3:GetBucketNotification",
    "s3:GetObjectLockConfiguration": "s3:GetBucketObjectLockConfiguration",
}


def action(service: str, operation: str) -> str:
    """The IAM action that allows `operation` of botocore's `service`: `elasticloadbalancing:DescribeListeners`."""
    if service.startswith("apigateway"):
        return "apigateway:GET"  # IAM knows API Gateway's paths and methods, not its operations
    name = f"{_IAM_SERVICES.get(service, service)}:{operation}"
    return _IAM_ACTIONS.get(name, name)


def pick(document: Any, path: str) -> Any:
    """What lies at `path`; None where nothing does. `[]` after a step collects over a list: `Groups[].GroupId`, those
    that have one."""
    value = document
    steps = path.split(".") if path else []
    for index, step in enumerate(steps):
        name = step.removesuffix("[]")
        if not isinstance(value, Mapping):
            return None
        value = value.get(name)
        if value is None:
            return [] if step.endswith("[]") else None
        if step.endswith("[]"):
            rest = ".".join(steps[index + 1 :])
            found = [pick(item, rest) for item in value]
            return [
                inner for item in found if item is not None for inner in (item if isinstance(item, list) else [item])
            ]
    return value


def look(document: Document, where: Where | None) -> Any:
    """`where` applied to `document`."""
    if where is None:
        return None
    return pick(document, where) if isinstance(where, str) else where(document)


def tags_of(value: Any) -> dict[str, str]:
    """Tags in any of the shapes that AWS gives them, as one map: `[{Key, Value}]`, `[{key, value}]`, `{key: value}`."""
    if isinstance(value, Mapping):
        return {str(key): str(item) for key, item in value.items()}
    found = {}
    for tag in value or ():
        lower = {key.lower(): item for key, item in tag.items()}
        name = lower.get("key", lower.get("tagkey"))
        found[str(name)] = str(lower.get("value", lower.get("tagvalue", "")))
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Detail:
    """One more call per resource; its answer becomes one attribute. When it fails, that attribute is a gap and the
    resource stays.

    attribute   where the answer goes; `tags` fills the resource's tags instead
    operation   `DescribeLoadBalancerAttributes`; asked for every page where it has pages
    arguments   parameter -> path in the item (a lone value is wrapped where the parameter takes a list)
    constants   parameters that are always the same
    result      path in the answer; empty is the whole answer. An answer without it is malformed
    service     botocore's service, when it is not the kind's
    none_on     error codes that mean "there is none": the attribute is null
    when        asked only for items of which this holds; otherwise the attribute is absent
    transform   a last pure step over the spelled answer
    read        instead of `operation`: any number of calls through the reader, giving the attribute. What it calls must
                be among the kind's `permissions`
    """

    attribute: str
    operation: str = ""
    arguments: Mapping[str, str] = field(default_factory=dict)
    constants: Mapping[str, Any] = field(default_factory=dict)
    result: str = ""
    service: str = ""
    none_on: tuple[str, ...] = ()
    when: Callable[[Document], bool] | None = None
    transform: Callable[[Any], Json] | None = None
    read: Callable[[Reader, Document], Json] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AwsKind(Kind):
    """A kind, and how it is read.

    service      botocore's name of the service (`elbv2`); the file's name is what people write under `services:`
    operation    the listing: `DescribeDBInstances`
    result       path of the items in a page of its answer: `DBInstances`, `Reservations[].Instances`
    arguments    fixed parameters of the listing
    read         instead of the plain listing: yields the documents (as `result` of `operation` spells them) through the
                 reader. May yield Gaps for single things. With an empty `result` the documents are attributes already
    identity     the name that people know it by
    refs         every other handle by which it is pointed to: names, ids, ARNs (lists are flattened)
    location     its ARN; also a handle
    parent       identity of the resource that it belongs to
    component    the deployable that it is part of
    tags         where the answer holds its tags; they leave the attributes
    drop         attributes not worth keeping at all, dotted, `*` one step: never stored, unlike `volatile`
    details      one more call per resource each
    transform    a last pure step: attributes -> attributes. Attributes whose detail call failed are not in them
    permissions  IAM actions beyond those of `operation` and `details`
    alongside    another service, as `services:` calls it -> IAM actions that are needed only where it is read, too
    only_with    option of the source -> IAM actions that are needed only when it is on
    everywhere   a global service: asked once, not once per region
    home         the one region that tells of it, where `everywhere` holds and not just any region does
    """

    service: str
    operation: str
    result: str = ""
    identity: Where
    arguments: Mapping[str, Any] = field(default_factory=dict)
    read: Callable[[Reader], Iterator[Document | Gap]] | None = None
    refs: tuple[Where, ...] = ()
    location: Where | None = None
    parent: Where | None = None
    component: Where | None = None
    tags: str = "Tags"
    drop: tuple[str, ...] = ()
    details: tuple[Detail, ...] = ()
    transform: Callable[[dict[str, Json]], dict[str, Json]] | None = None
    permissions: tuple[str, ...] = ()
    alongside: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    only_with: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    everywhere: bool = False
    home: str = ""

    @property
    def actions(self) -> tuple[str, ...]:
        """Every IAM action that reading this kind may need, sorted."""
        calls = [(self.service, self.operation)]
        calls += [(detail.service or self.service, detail.operation) for detail in self.details if detail.operation]
        chosen = (each for given in (self.only_with, self.alongside) for actions in given.values() for each in actions)
        return tuple(sorted({*(action(*call) for call in calls), *self.permissions, *chosen}))

    def actions_with(self, options: object) -> tuple[str, ...]:
        """The IAM actions that reading this kind with these options of the source needs, sorted."""
        off = {each for option, actions in self.only_with.items() if not getattr(options, option) for each in actions}
        read = getattr(options, "services", ())
        off |= {each for service, actions in self.alongside.items() if read and service not in read for each in actions}
        return tuple(each for each in self.actions if each not in off)

    @property
    def declared(self) -> Kind:
        """What the rest of the product knows of this kind: its declaration without the functions that read it."""
        return Kind(**{each.name: getattr(self, each.name) for each in fields(Kind)})
