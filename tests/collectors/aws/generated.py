"""Answers of AWS made from botocore's service models: every member of every operation, for any kind that is declared.

A value follows from the name of its member and the environment it is made for, so what one operation calls `VpcId` is
what another calls `VpcId`, and two environments differ in what environments differ in: names, accounts, regions, ids,
ARNs, endpoints, times and order.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore import xform_name
from botocore.response import StreamingBody

# What asks for another page, in any of AWS's spellings: a generated answer is always the last page.
_PAGING = re.compile(
    r"(?i)\A(next_?(page_?)?(token|marker)|marker|pagination_?token|position|is_?truncated|truncated|has_?more\w*|"
    r"last_?evaluated\w*|next_?record\w*|next_?dns_?name|next_?hosted_?zone_?id|next_?(forward|backward)_?token|"
    r"continuation_?token|next_?continuation_?token|more_?results)\Z"
)
# What tells of parts that could not be answered: a good answer has none.
_FAILED = re.compile(r"(?i)\A(errors?|failures?|failed\w*|unprocessed\w*|invalid\w+|error_?(code|message))\Z")
_SECRET_NAME = re.compile(
    r"(?i)(password|passwd|auth_?token|client_?secret|secret_?key|secret_?string|private_?key|hec_?token|keytab)\Z"
)
# The models call some names, keys' ids and texts sensitive, too: what a thing is called is shown on purpose.
_SHOWN = re.compile(r"(?:[nN]ame|Ids?|IDs?|Arn|ARN|Urls?|URL|[dD]escription|Email|Path|Principal)\Z")
_DEEPEST = 6
_WIDE = 2  # deeper than this a list has one item
_ID_PREFIXES = {
    "Vpc": "vpc",
    "Subnet": "subnet",
    "SecurityGroup": "sg",
    "Group": "sg",
    "Instance": "i",
    "Volume": "vol",
    "Image": "ami",
    "NetworkInterface": "eni",
    "RouteTable": "rtb",
    "InternetGateway": "igw",
    "NatGateway": "nat",
    "TransitGateway": "tgw",
    "VpcEndpoint": "vpce",
    "VpcPeeringConnection": "pcx",
    "NetworkAcl": "acl",
    "NetworkAclAssociation": "aclassoc",
    "DhcpOptions": "dopt",
    "FileSystem": "fs",
    "AccessPoint": "fsap",
    "MountTarget": "fsmt",
    "LaunchTemplate": "lt",
    "Allocation": "eipalloc",
    "PrefixList": "pl",
    "Snapshot": "snap",
    "SecurityGroupRule": "sgr",
}
_STATEMENT = (
    '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": "*"}]}'
)
_FIXED = {
    "CidrBlock": "10.20.0.0/16",
    "Cidr": "10.20.0.0/16",
    "IpProtocol": "tcp",
    "EngineVersion": "8.0.35",
    "Version": "1",
    "FunctionVersion": "1",
    "ScheduleExpression": "rate(5 minutes)",
    "RoutingHttpRequestXAmznMtlsClientcertEnabledHeaderName": "X-Header",
}
_GIVEN_IDS = frozenset({"autoscaling", "cloudwatch", "events", "s3"})
# Names that say too little.
_KNOWN_AS = {("lambda", "Arn"): "LayerArn", ("ec2", "ResourceId"): "VpcId"}


@dataclass(frozen=True)
class Place:
    """One environment that answers are made for."""

    name: str
    account: str
    region: str
    days: int = 0

    def unlike(self, *parts: object, length: int = 17) -> str:
        """Hex digits that no other environment has: as AWS makes up ids."""
        return hashlib.sha256(repr((self.name, *parts)).encode()).hexdigest()[:length]


STAGING = Place("staging", "111111111111", "eu-west-1")
PROD = Place("prod", "222222222222", "us-east-1", days=40)


class Generator:
    """Makes what boto3 would return. `canaries` collects every planted secret.

    sparse  no optional structure, list, map or time but `keep`
    empty   every list and every map is empty
    omit    members that no answer has
    ordered members, in our spelling, whose order is the same everywhere
    single  members that hold one item
    values  strings that are given, by member
    """

    def __init__(
        self,
        place: Place,
        *,
        sparse: bool = False,
        empty: bool = False,
        keep: frozenset[str] = frozenset(),
        omit: frozenset[str] = frozenset(),
        ordered: frozenset[str] = frozenset(),
        single: frozenset[str] = frozenset(),
        values: Mapping[str, str] | None = None,
    ) -> None:
        self.place = place
        self.canaries: set[str] = set()
        self._sparse = sparse
        self._empty = empty
        self._keep = keep
        self._omit = omit
        self._ordered = ordered
        self._single = single
        self._values = values or {}
        self._made: dict[str, tuple[str, int]] = {}
        self._asked: dict[str, list[str]] = {}
        self._parameters: set[str] = set()
        self._raised = 0
        self._lists: list[int] = []  # how deep each list lies that is being made

    def answer(self, operation: Any, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """A whole answer to one operation (a botocore `OperationModel`), about the things that `parameters` name."""
        shape = operation.output_shape
        self._asked = {}
        self._parameters = set()
        # What holds by default is not what somebody set.
        self._raised = 1 if "Default" in operation.name else 0
        # What two things are asked about by name differs as what is listed of two things does.
        index = 0
        for path, value in leaves(parameters):
            if value in self._made:
                # What was listed as `cluster` may be asked for, and answered, as `name`.
                called = next(step for step in reversed(path) if isinstance(step, str)).lower()
                if self._made[value][0] in ("name", "keyid"):
                    index = self._made[value][1]
                self._parameters |= {called, called.removesuffix("s")}
                for key in {self._made[value][0], called, called.removesuffix("s")}:
                    self._asked.setdefault(key, []).append(value)
        if shape is None:
            return {}
        service = operation.service_model.service_name
        return {
            name: value
            for name, value in self._structure(shape, service, index, (), 0).items()
            if name != "ResponseMetadata"
        }

    def _structure(self, shape: Any, service: str, index: int, above: tuple[str, ...], depth: int) -> dict[str, Any]:
        members = list(shape.members.items())
        if getattr(shape, "is_tagged_union", False):
            members = members[:1]
        found = {}
        for name, member in members:
            if (
                name in self._omit
                or _PAGING.match(name)
                or _FAILED.match(name)
                or (self._sparse and depth > 0 and not self._needed(shape, name, member))
            ):
                continue
            if member.name in above or depth > _DEEPEST:
                continue
            found[name] = self._value(member, name, service, index, (*above, shape.name), depth + 1)
        return found

    def _needed(self, shape: Any, name: str, member: Any) -> bool:
        nested = member.type_name in ("structure", "list", "map", "timestamp")
        return name in self._keep or name in shape.required_members or not nested

    def _value(self, shape: Any, name: str, service: str, index: int, above: tuple[str, ...], depth: int) -> Any:
        if shape.type_name == "structure":
            return self._structure(shape, service, index, above, depth)
        make: Callable[..., Any] = getattr(self, f"_{shape.type_name}", self._number)
        return make(shape, name, service, index, above, depth)

    def _list(self, shape: Any, name: str, service: str, index: int, above: tuple[str, ...], depth: int) -> list[Any]:
        if self._empty:
            return []
        alone = depth > _WIDE or self._sparse or name in self._single or _only_one(shape.member)
        count = 1 if alone else 2
        one = re.sub(r"(?<=[a-z])s\Z", "", name)
        if tags := self._tags(shape.member, name, index):
            return tags
        if depth == 1 and (member := self._asked_one_by_one(shape.member)):
            items = []
            for value in self._asked[member.lower()]:
                made = self._value(shape.member, one, service, self._made[value][1], above, depth)
                items.append({**made, member: value})
            return items
        self._lists.append(depth)
        items = [self._value(shape.member, one, service, index * 2 + at, above, depth) for at in range(count)]
        self._lists.pop()
        return items[::-1] if self.place.name == "prod" and xform_name(name) not in self._ordered else items

    def _tags(self, item: Any, name: str, index: int) -> list[dict[str, str]]:
        """Tags, a name among them; empty where the list holds none."""
        spelled = {member.lower(): member for member in getattr(item, "members", ())}
        if not re.fullmatch(r"(?i)tags?(et|set|list)?", name) or not {"key", "value"} <= set(spelled):
            return []
        named = {"Name": f"called-{index}-{self.place.name}", "team": "shop"}
        return [{spelled["key"]: key, spelled["value"]: value} for key, value in named.items()]

    def _asked_one_by_one(self, item: Any) -> str | None:
        """The member by which a list was asked for, one item each: `VolumeId` of `DescribeVolumes` with ids."""
        if item.type_name != "structure":
            return None
        named = [name for name in item.members if len(self._asked.get(name.lower(), ())) > 0]
        return named[0] if len(named) == 1 else None

    def _map(
        self, shape: Any, name: str, service: str, index: int, above: tuple[str, ...], depth: int
    ) -> dict[str, Any]:
        if self._empty:
            return {}
        keys = (
            [key for key in shape.key.enum if key != "All"] if getattr(shape.key, "enum", None) else ["First", "Second"]
        )
        return {key: self._value(shape.value, key, service, index, above, depth) for key in keys}

    def _timestamp(self, _shape: Any, name: str, *_: Any) -> datetime:
        return datetime(2026, 3, 1, tzinfo=UTC) + timedelta(days=self.place.days + _number(name) % 20)

    def _boolean(self, _shape: Any, name: str, *_: Any) -> bool:
        return _number(name) % 2 == 0

    def _blob(self, shape: Any, *_: Any) -> Any:
        content = b'{"setting": 1}'
        return StreamingBody(io.BytesIO(content), len(content)) if shape.serialization.get("streaming") else content

    def _number(self, shape: Any, name: str, _service: str, index: int, *_: Any) -> int | float:
        least, most = shape.metadata.get("min", 0), shape.metadata.get("max", 2**31)
        if name in self._values:
            return int(self._values[name])
        number = min(max(5 + _number(name) % 40 + index + self._raised, least), most)
        return float(number) if shape.type_name in ("double", "float") else number

    def _string(self, shape: Any, name: str, service: str, index: int, _above: tuple[str, ...], depth: int) -> str:
        if name in self._values:
            return self._values[name]
        if self._secret(shape, name):
            return self._canary(shape, name)
        if getattr(shape, "enum", None):
            return str(shape.enum[index % len(shape.enum)])
        asked = self._asked.get(name.lower(), ())
        if len(asked) == 1 and depth < 4 and self._about_what_was_asked(name):
            return asked[0]
        # Far down an id is one that people give, such as those of metrics and rules.
        given = name.lower() == "id" and (depth > 3 or (depth > 2 and service in _GIVEN_IDS))
        text = f"id{index}" if given else self._text(name, service, index)
        known = self._made.get(text)
        self._made[text] = name.lower(), index if known is None else min(index, known[1])
        return text

    def _about_what_was_asked(self, name: str) -> bool:
        """What is part of the thing that was asked for has names of its own: a bus is asked for its rules by its name."""
        return not self._lists or (max(self._lists) == 1 and name.lower() in self._parameters)

    @staticmethod
    def _secret(shape: Any, name: str) -> bool:
        sensitive = shape.metadata.get("sensitive") and not _SHOWN.search(name)
        return bool(_SECRET_NAME.search(name) or sensitive)

    def _canary(self, shape: Any, name: str) -> str:
        """A word under a name that promises a secret; under any other name a value that looks like one."""
        plain = _SECRET_NAME.search(name) is not None
        value = f"canary{self.place.name}" if plain else f"Xq7{self.place.unlike(name, length=20)}Zk9T"
        self.canaries.add(value)
        return value

    def _text(self, name: str, service: str, index: int) -> str:
        """A string as AWS would put it under this name."""
        name = _KNOWN_AS.get((service, name), name)
        base = xform_name(name).replace("_", "-")
        for pattern, make in _TEXTS:
            if pattern.search(name):
                return make(self.place, base, name, service, index)
        if name in _FIXED:
            return _FIXED[name]
        return f"{base} {index}"


def _only_one(item: Any) -> bool:
    """Whether items can only be called one thing, so that a list holds one."""
    members = item.members.values() if item.type_name == "structure" else ()
    return any(len(getattr(member, "enum", ())) == 1 for member in members)


def _number(name: str) -> int:
    return zlib.crc32(name.encode())


def _arn(place: Place, base: str, _name: str, service: str, index: int) -> str:
    thing = re.sub(r"-?arns?\Z", "", base) or "thing"
    region = "" if service in ("iam", "cloudfront", "s3", "route53") else place.region
    return f"arn:aws:{service}:{region}:{place.account}:{thing}/{thing}-{index}-{place.name}"


def _layer(place: Place, _base: str, _name: str, _service: str, index: int) -> str:
    return f"arn:aws:lambda:{place.region}:{place.account}:layer:layer-{index}:3"


def _id(place: Place, base: str, name: str, _service: str, index: int) -> str:
    prefix = _ID_PREFIXES.get(re.sub(r"Ids?\Z", "", name))
    if prefix:
        return f"{prefix}-{place.unlike(prefix, index)}"
    made = place.unlike(base, index, length=32)
    return f"{made[:8]}-{made[8:12]}-{made[12:16]}-{made[16:20]}-{made[20:32]}"


def _named(place: Place, base: str, _name: str, _service: str, index: int) -> str:
    return f"{base}-{index}-{place.name}"


def _url(place: Place, base: str, _name: str, service: str, index: int) -> str:
    return f"https://{service}.{place.region}.amazonaws.com/{place.account}/{base}-{index}-{place.name}"


def _host(place: Place, base: str, _name: str, _service: str, index: int) -> str:
    return f"{base}-{index}-{place.name}.{place.unlike('host', length=12)}.{place.region}.rds.amazonaws.com"


def _time(place: Place, _base: str, name: str, *_: Any) -> str:
    return (datetime(2026, 3, 1, tzinfo=UTC) + timedelta(days=place.days + _number(name) % 20)).isoformat()


# The first that fits tells what a string is.
_TEXTS: tuple[tuple[re.Pattern[str], Callable[[Place, str, str, str, int], str]], ...] = (
    (re.compile(r"(?i)(maintenance|backup|snapshot)_?window"), lambda *_: "sun:05:00-sun:06:00"),
    (re.compile(r"\A(?:.*Policy(Document|Text)?|Document|policyText|AccessPolicies|policy)\Z"), lambda *_: _STATEMENT),
    (
        re.compile(
            r"\A(?:EventPattern|[dD]efinition|RedrivePolicy|RedriveAllowPolicy|FilterPolicy|Lifecycle\w*Text)\Z"
        ),
        lambda *_: json.dumps({"source": ["aws.ec2"], "count": 3}),
    ),
    (re.compile(r"\ALayerArn\Z"), _layer),
    (re.compile(r"[cC]redentials\Z|\AencryptionKey\Z"), _arn),
    (re.compile(r"AllowedOrigins?\Z"), _url),
    (re.compile(r"[bB]ucket\Z"), _named),
    (re.compile(r"(?i)arns?\Z"), _arn),
    (re.compile(r"(?i)ip(v4|v6)?_?address(es)?\Z"), lambda _p, _b, _n, _s, index: f"10.20.0.{index}"),
    (re.compile(r"\ACidrIp\Z"), lambda _p, _b, _n, _s, index: f"10.{index % 250}.0.0/16"),
    (re.compile(r"\ACidrIpv6\Z"), lambda _p, _b, _n, _s, index: f"2001:db8:{index}::/48"),
    (re.compile(r"\ANodeGroupId\Z"), lambda _p, _b, _n, _s, index: f"{index:04}"),
    (re.compile(r"Urls?\Z|Uris?\Z|Endpoint\Z"), _url),
    (re.compile(r"(?i)(address|hostname|dnsname)\Z"), _host),
    (re.compile(r"(?:Date|Time|At|Timestamp)\Z"), _time),
    (re.compile(r"AvailabilityZones?\Z"), lambda place, _b, _n, _s, index: f"{place.region}{'abc'[index % 3]}"),
    (re.compile(r"Region\Z|regionName\Z"), lambda place, *_: place.region),
    (
        re.compile(r"(?:Owner|Account|OwnerId|AccountId|UserId|accountId|ownerId|RegistryId|registryId)\Z"),
        lambda place, *_: place.account,
    ),
    (re.compile(r"(?:ReplicationGroup|CacheCluster|MemberClusters?)Id\Z"), _named),
    (re.compile(r"(?:Id|Ids|id)\Z"), _id),
    (re.compile(r"(?:[nN]ame|Names|Identifier)\Z"), _named),
    (re.compile(r"\ADescription\Z"), lambda _p, _b, _n, _s, index: f"what thing {index} is for"),
)


def leaves(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    """Every scalar of a JSON document with its path; steps into lists are numbers."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from leaves(item, (*path, key))
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from leaves(item, (*path, index))
    else:
        yield path, value
