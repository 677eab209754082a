"""Every declared kind, read from generated answers in two environments; made once per process."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from auditor.alike import Pair
from auditor.compare import compare
from auditor.comparison import Compared, Normal, Unmatched
from auditor.match import match
from auditor.model import Kind, Resource
from auditor.names import EnvironmentNames, environment_names
from auditor.redact import Redactor
from auditor.snapshot import normal_form, references_of
from collectors.aws._registry import services
from collectors.aws.base import AwsKind
from tests.collectors.aws.answering import Answered, read_by
from tests.collectors.aws.generated import PROD, STAGING, Generator, Place
from tests.collectors.aws.reading import Seen

KINDS = {kind.name: kind for kinds in services().values() for kind in kinds}
NAMES: Mapping[str, EnvironmentNames] = {
    place.name: environment_names(place.name, (), {other: ()}).at([place.account], [place.region])
    for place, other in ((STAGING, "prod"), (PROD, "staging"))
}
PAIR = Pair(NAMES["staging"], NAMES["prod"])
# Lists whose order has a meaning wherever they stand.
_ORDERED = frozenset({"stages", "command", "entry_point", "arguments", "args"})


@dataclass(frozen=True)
class Trait:
    """What holds of a kind's real answers that its service model does not say.

    always  members that are never left out, although the model calls them optional
    single  lists that never hold more than one item
    values  strings that things of this kind have, by member
    fixed   every account has exactly one
    never   members that things of this kind do not have (what belongs to a group is the group's)
    """

    always: tuple[str, ...] = ()
    never: tuple[str, ...] = ()
    single: tuple[str, ...] = ()
    values: Mapping[str, str] = field(default_factory=dict)
    fixed: bool = False


TRAITS: Mapping[str, Trait] = {
    "aws.amazonmq.broker": Trait(values={"Data": base64.b64encode(b"<broker/>").decode()}),
    "aws.cloudformation.stack": Trait(values={"StackDriftStatus": "IN_SYNC"}),
    "aws.docdb.cluster": Trait(values={"Engine": "docdb"}),
    "aws.docdb.cluster_parameter_group": Trait(values={"DBParameterGroupFamily": "docdb5.0"}),
    "aws.docdb.instance": Trait(values={"Engine": "docdb"}),
    "aws.ec2.account_defaults": Trait(fixed=True),
    "aws.ec2.fleet": Trait(always=("Instances",)),
    "aws.ec2.instance_type": Trait(always=("Instances", "VCpuInfo", "MemoryInfo", "ProcessorInfo")),
    # A spot request that ends on a day is a setting of that environment.
    "aws.ec2.vpc_endpoint": Trait(never=("RequesterManaged",)),
    "aws.ec2.launch_template": Trait(always=("LaunchTemplateData",), never=("ValidUntil",)),
    # Two groups that nothing was seen of are told apart by nothing.
    "aws.ec2.security_group": Trait(values={"Description": "what it is for"}),
    "aws.ecr.image": Trait(
        values={"image": "111111111111.dkr.ecr.eu-west-1.amazonaws.com/acme/api:1.4.2", "imageTag": "1.4.2"},
        always=("containerDefinitions", "image", "imageTags", "imageDigest", "imageDetails"),
        single=("imageDetails",),
    ),
    "aws.ecr.repository": Trait(values={"lifecyclePolicyText": '{"rules": [{"rulePriority": 1, "selection": {}}]}'}),
    "aws.ecs.task_definition": Trait(always=("containerDefinitions",)),
    "aws.eks.cluster": Trait(single=("encryptionConfig",)),
    "aws.events.rule": Trait(never=("ManagedBy",)),
    "aws.elasticache.cache_cluster": Trait(never=("ReplicationGroupId",)),
    "aws.elasticache.parameter_group": Trait(always=("CacheParameterGroup",)),
    # A repository's owner is called as its host has it, and is no account of AWS.
    "aws.glue.job": Trait(values={"Owner": "acme"}),
    "aws.iam.account": Trait(values={"AccountAccessKeysPresent": "0"}, fixed=True),
    "aws.iam.policy": Trait(always=("PolicyVersionList",)),
    # Snowflake's names are called sensitive, and are no secrets.
    "aws.kinesisfirehose.delivery_stream": Trait(single=("Destinations",), values={"Database": "events"}),
    "aws.kms.key": Trait(values={"KeyManager": "CUSTOMER"}, always=("KeyMetadata",)),
    "aws.neptune.cluster": Trait(values={"Engine": "neptune"}),
    "aws.neptune.cluster_parameter_group": Trait(values={"DBParameterGroupFamily": "neptune1.3"}),
    "aws.neptune.instance": Trait(values={"Engine": "neptune"}),
    "aws.lambda.function": Trait(values={"ApplicationLogLevel": "INFO", "SystemLogLevel": "INFO"}),
    "aws.rds.option_group": Trait(always=("OptionGroupMemberships",)),
    # A zone's own records are not read.
    "aws.route53.record_set": Trait(values={"Type": "A"}),
    "aws.s3.account": Trait(fixed=True),
    "aws.s3.bucket": Trait(
        single=("Rules",),
        values={"HostName": "docs.acme.example"},
        always=("OwnershipControls", "Owner", "Grants", "Grantee"),
    ),
}


def generator(kind: AwsKind, place: Place, **mode: bool) -> Generator:
    """The answers that a kind is read from: what its declaration looks for in a listing is there."""
    trait = TRAITS.get(kind.name, Trait())
    paths = [kind.result, *(detail.result for detail in kind.details)]
    paths += [where for where in (kind.identity, kind.location) if isinstance(where, str)]
    steps = {step.removesuffix("[]") for path in paths for step in path.split(".")}
    return Generator(
        place,
        keep=frozenset({*steps, *trait.always}),
        omit=frozenset(trait.never),
        ordered=frozenset(pattern.rpartition(".")[2] for pattern in kind.ordered) | _ORDERED,
        single=frozenset(trait.single),
        values=trait.values,
        **mode,
    )


@cache
def source() -> Answered:
    """The clients of one source, shared by all kinds as in a run."""
    return Answered(STAGING.region, one_client=True)


@cache
def seen(name: str, place: Place, **mode: bool) -> tuple[Seen, frozenset[str]]:
    """What reading the kind gives, and the secrets that were planted in the answers."""
    made = generator(KINDS[name], place, **mode)
    found = read_by(source(), KINDS[name], place, made.answer)
    return found, frozenset(made.canaries)


@cache
def redacted(name: str, place: Place) -> tuple[Resource, ...]:
    """The kind's resources as they leave `collect.py`."""
    redactor = Redactor(b"k" * 32)
    found = (each for each in seen(name, place)[0].resources if not _unspeakable(each.attributes))
    return tuple(redactor.resource(each, KINDS[name].declared) for each in found)


@cache
def environment(place: Place) -> tuple[Resource, ...]:
    """All resources of all kinds."""
    return tuple(resource for name in KINDS for resource in redacted(name, place))


@cache
def references(place: Place) -> dict[str, str]:
    """By which handles the resources of all kinds are pointed to."""
    return references_of(environment(place))


@cache
def normals(name: str, place: Place) -> tuple[Normal, ...]:
    """The resources of one kind in normal form, in the snapshot of all."""
    kind, names, known = declared(name), NAMES[place.name], references(place)
    return tuple(normal_form(each, kind, names, known) for each in redacted(name, place))


@cache
def laid(name: str) -> tuple[tuple[Compared, ...], tuple[Unmatched, ...]]:
    """The differences of one kind between the two environments, and what found no counterpart."""
    matches, alone = match(normals(name, STAGING), normals(name, PROD), PAIR)
    return compare(matches, PAIR), alone


def declared(name: str) -> Kind:
    return KINDS[name].declared


def _unspeakable(value: Any) -> bool:
    """Whether this is no JSON; told once, of the kind whose it is, and not of every kind beside it."""
    if isinstance(value, Mapping | list | tuple):
        return any(_unspeakable(item) for item in (value.values() if isinstance(value, Mapping) else value))
    return value is not None and not isinstance(value, str | int | float)


def text(resource: Resource) -> str:
    """Everything that a resource says, as one text."""
    return json.dumps([getattr(resource, name) for name in resource.__dataclass_fields__], default=_plain)


def _plain(value: Any) -> Any:
    return dict(value) if isinstance(value, Mapping) else list(value)
