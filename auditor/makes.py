"""Whether two values that are rightly not the same are of one make: they differ in names, ids and secrets, and in nothing else.

Each environment has a bucket, a webhook and a key of its own, so these have to differ. That says nothing for another
scheme, provider, region, port, path or parameter, or for a side that has none: what differs there is drift like any other.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from ipaddress import ip_address
from typing import TYPE_CHECKING

from auditor.alike import hosts
from auditor.value_types import is_secret, is_whole_secret

if TYPE_CHECKING:
    from auditor.model import Absent, Json

_NOTHING = re.compile(
    r"(?:|null|none|nil|undefined|unset|empty|n/a|-+|false|off|no|disabled?|\[\]|\{\}|\"\"|'')", re.IGNORECASE
)
_URL = re.compile(
    r"(?P<scheme>(?:jdbc:)?[a-z][a-z0-9+.-]*)://(?:(?P<user>[^/?#]*)@)?(?P<host>\[[^\]]*\]|[^/:?#]*)(?::(?P<port>[^/?#]*))?"
    r"(?P<path>[^?#]*)(?:\?(?P<query>[^#]*))?.*",
    re.IGNORECASE | re.DOTALL,
)
_ADDRESS = re.compile(
    r"(?P<host>\[[0-9a-f:]+\]|[a-z0-9_-]+(?:\.[a-z0-9_-]+)+|localhost)(?::(?P<port>[0-9]+))?", re.IGNORECASE
)
# The type is `role/` of `role/orders`, `secret:` of `secret:orders`; queues and topics are called by their names alone.
_ARN = re.compile(
    r"arn:(?P<partition>[a-z-]+):(?P<service>[a-z0-9-]+):[^:]*:[^:]*:(?P<resource>(?=.)(?P<type>[^:/]*[:/])?.*)",
    re.DOTALL,
)
_PARTS = re.compile(r"[A-Za-z][\w ]*=[^;]*(?:;\s*[A-Za-z][\w ]*=[^;]*)+;?\s*")
# What was made up by a machine: it holds a digit, and is too long for a version such as `v2`.
_MADE_UP = re.compile(r"(?=[^0-9]*[0-9])[A-Za-z0-9_@-]{6,}|[0-9]+")
_PORTS = {
    "http": "80",
    "https": "443",
    "ws": "80",
    "wss": "443",
    "ftp": "21",
    "sftp": "22",
    "ldap": "389",
    "ldaps": "636",
}
_PORTS |= {"amqp": "5672", "amqps": "5671", "redis": "6379", "rediss": "6379", "mysql": "3306", "postgres": "5432"}
_PORTS |= {"postgresql": "5432", "mongodb": "27017"}
# What stands for a host in these is the name of a bucket or a container.
_STORES = frozenset(
    {"s3", "s3a", "s3n", "gs", "gcs", "oss", "abfs", "abfss", "wasb", "wasbs", "az", "b2", "minio", "file"}
)
# Under these every customer, and every service, has a name.
_PLATFORMS = frozenset({"amazonaws.com", "windows.net", "azure.com", "googleapis.com"})
_SECOND_LEVEL = frozenset({"ac", "co", "com", "edu", "gov", "net", "nhs", "org"})
_REGION = re.compile(r"[a-z]{2}(?:-[a-z]+)+-[0-9]")


def says_nothing(value: Json | Absent) -> bool:
    """Whether a value is empty, or one of the words that stand for nothing: `null`, `none`, `disabled`."""
    if isinstance(value, str):
        return _NOTHING.fullmatch(value.strip()) is not None
    return value is None or value is False or value == [] or value == {}


def same_make(left: Json | Absent, right: Json | Absent) -> bool:
    """Whether two values differ in names, ids and secrets at most: one scheme, provider, region, port and shape, on both sides."""
    if says_nothing(left) != says_nothing(right):
        return False
    if not (isinstance(left, str) and isinstance(right, str)):
        return True
    left, right = left.strip(), right.strip()
    if is_whole_secret(left) or is_whole_secret(right):
        return is_whole_secret(left) and is_whole_secret(right)
    for pattern, same in ((_URL, _same_url), (_ARN, _same_arn), (_PARTS, _same_parts)):
        ours, theirs = pattern.fullmatch(left), pattern.fullmatch(right)
        if ours is not None and theirs is not None:
            return same(ours, theirs)
        if ours is not None or theirs is not None:
            return False
    return _same_address(left, right) and left.startswith("/") == right.startswith("/")


def _same_url(left: re.Match[str], right: re.Match[str]) -> bool:
    scheme = left["scheme"].lower()
    if scheme != right["scheme"].lower() or bool(left["user"]) != bool(right["user"]):
        return False
    port = _PORTS.get(scheme)
    if (left["port"] or port) != (right["port"] or port):
        return False
    if scheme not in _STORES and not _same_provider(left["host"], right["host"]):
        return False
    return _same_path(left["path"], right["path"]) and _same_query(left["query"] or "", right["query"] or "")


def _same_arn(left: re.Match[str], right: re.Match[str]) -> bool:
    if left["partition"] != right["partition"] or left["service"] != right["service"]:
        return False
    if left["service"] != "s3" and left["type"] != right["type"]:
        return False
    # `secret:NAME:KEY`, `function:NAME:ALIAS`: what follows the name tells which part of the thing is meant.
    ours, theirs = left["resource"].split(":"), right["resource"].split(":")
    return len(ours) == len(theirs) and all(map(_same_segment, ours[2:], theirs[2:]))


def _same_parts(left: re.Match[str], right: re.Match[str]) -> bool:
    """`InstrumentationKey=…;IngestionEndpoint=https://…`: the same parts, each of one make."""
    ours, theirs = (
        dict(part.strip().split("=", 1) for part in found[0].split(";") if part.strip()) for found in (left, right)
    )
    return ours.keys() == theirs.keys() and all(same_make(value, theirs[key]) for key, value in ours.items())


def _same_address(left: str, right: str) -> bool:
    ours, theirs = _ADDRESS.fullmatch(left), _ADDRESS.fullmatch(right)
    known = [found is not None and _is_address(found["host"]) for found in (ours, theirs)]
    if ours is None or theirs is None or not all(known):
        return not any(known)
    return ours["port"] == theirs["port"] and _same_provider(ours["host"], theirs["host"])


def _is_address(host: str) -> bool:
    return host.lower() == "localhost" or _is_ip(host) or hosts(host) == (host,)


def _is_ip(host: str) -> bool:
    try:
        ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True


def _same_provider(left: str, right: str) -> bool:
    """Whether two hosts belong to one domain, and on the platforms of providers to one service in one region."""
    if left.lower() == right.lower():
        return True
    if _is_ip(left) or _is_ip(right):
        return _is_ip(left) and _is_ip(right)
    if ("." in left) != ("." in right) or "localhost" in (left.lower(), right.lower()):
        return False
    return "." not in left or _domain(left.lower().split(".")) == _domain(right.lower().split("."))


def _domain(labels: Sequence[str]) -> tuple[str, ...]:
    known = 3 if len(labels) > 2 and labels[-2] in _SECOND_LEVEL and len(labels[-1]) == 2 else 2
    site, rest = tuple(labels[-known:]), tuple(labels[:-known])
    if ".".join(site) not in _PLATFORMS:
        return site
    at = next((i for i, label in enumerate(rest) if _REGION.fullmatch(label)), None)
    if at is None:
        # `acme.blob.core.windows.net`, `storage.googleapis.com`, `acme.s3.amazonaws.com`
        return (*(rest[-2:] if rest[-1:] in (("core",), ("database",)) else rest[-1:]), *site)
    # `acme.0a1b.eu-west-1.rds.amazonaws.com`, `acme.s3.eu-west-1.amazonaws.com`
    return (*(rest[at:] if at < len(rest) - 1 else rest[max(at - 1, 0) :]), *site)


def _same_path(left: str, right: str) -> bool:
    ours, theirs = left.rstrip("/").split("/"), right.rstrip("/").split("/")
    return len(ours) == len(theirs) and all(map(_same_segment, ours, theirs))


def _same_query(left: str, right: str) -> bool:
    ours, theirs = ([part.partition("=") for part in text.split("&") if part] for text in (left, right))
    ours, theirs = sorted(ours), sorted(theirs)
    return len(ours) == len(theirs) and all(
        a[0] == b[0] and _same_segment(a[2], b[2]) for a, b in zip(ours, theirs, strict=True)
    )


def _same_segment(left: str, right: str) -> bool:
    return left == right or (_is_made_up(left) and _is_made_up(right))


def _is_made_up(text: str) -> bool:
    return is_secret(text) or _MADE_UP.fullmatch(text) is not None
