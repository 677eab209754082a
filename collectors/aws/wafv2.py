"""WAF: web access control lists with their rules, rule groups, sets of addresses and of patterns.

What protects CloudFront is kept apart from what protects a region, and only us-east-1 tells of it, whichever regions are
read.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from auditor.errors import CollectError
from auditor.model import Category, Gap, Json
from collectors.aws._described import one
from collectors.aws._written import lone
from collectors.aws.base import AwsKind, Detail, Document

if TYPE_CHECKING:
    from collectors.aws._reader import Reader

_GLOBAL = "us-east-1"
_LOGGED_ELSEWHERE = ("resource_arn", "managed_by_firewall_manager", "log_destination_configs")
_TELLING = re.compile(r"(?i)verif|secret|token|auth|key|sign|pass")


def _things(reader: Reader, noun: str, scope: str) -> Iterator[Document | Gap]:
    for item in reader.items(f"List{noun}s", f"{noun}s", Scope=scope):
        try:
            yield from one(reader, f"Get{noun}", noun, Name=item["Name"], Scope=scope, Id=item["Id"])
        except CollectError as error:
            yield reader.gap(error, resource=item["Name"])


def _logging(logging: dict[str, Json]) -> Json:
    """What is logged of which requests; where to is each environment's own."""
    found = _worded({key: value for key, value in logging.items() if key not in _LOGGED_ELSEWHERE})
    found["destinations"] = len(logging.get("log_destination_configs") or ())
    return found


def _worded(attributes: dict[str, Json]) -> dict[str, Json]:
    """Choices as words (`{"block": {}}` -> `block`), what is searched for as text, and searched-for secrets as such."""
    found = _plain(attributes)
    return found if isinstance(found, dict) else attributes


def _plain(value: Any) -> Json:
    if isinstance(value, list):
        return lone([_plain(item) for item in value])
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        ((choice, said),) = value.items()
        if said == {}:
            return choice
    found = {key: _plain(item) for key, item in value.items()}
    if "search_string" in found:
        text = _text(found.pop("search_string"))
        found["secret_string" if _searches_secret(value) else "search_string"] = text
    return found


def _searches_secret(statement: dict[str, Any]) -> bool:
    """A header that proves who is calling is compared with the proof."""
    header = ((statement.get("field_to_match") or {}).get("single_header") or {}).get("name")
    return bool(header and _TELLING.search(str(header)))


def _text(encoded: Any) -> Json:
    """Bytes arrive as base64."""
    try:
        return base64.b64decode(str(encoded), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return encoded


def _tags() -> Detail:
    return Detail(
        attribute="tags",
        operation="ListTagsForResource",
        arguments={"ResourceARN": "ARN"},
        result="TagInfoForResource",
        transform=lambda info: info.get("tag_list") or [],
    )


_RULES = {
    "rules": "name",
    "rules.**.rule_action_overrides": "name",
    "rules.**.excluded_rules": "name",
    "**.{pre,post}_process_firewall_manager_rule_groups": "name",
    "custom_response_bodies": "name",
}

_NAMES = {"WebACL": "web_acl", "RuleGroup": "rule_group", "IPSet": "ip_set", "RegexPatternSet": "regex_pattern_set"}
_DROPPED = (
    "id",
    "arn",
    "name",
    "label_namespace",
    "capacity",  # follows from the rules
    "retrofitted_by_firewall_manager",
    "available_labels",
    "consumed_labels",
)


def _kinds(noun: str, about: str, *details: Detail) -> Iterator[AwsKind]:
    """One kind of what protects a region, one of what protects CloudFront."""
    for scope, prefix, whose in (("REGIONAL", "", "of a region"), ("CLOUDFRONT", "cloudfront_", "of CloudFront")):
        home = _GLOBAL if scope == "CLOUDFRONT" else ""
        yield AwsKind(
            name=f"aws.wafv2.{prefix}{_NAMES[noun]}",
            category=Category.SECURITY,
            about=f"{about}, {whose}",
            cloudformation=f"AWS::WAFv2::{noun}",
            service="wafv2",
            operation=f"Get{noun}",
            result=noun,
            read=partial(_things, noun=noun, scope=scope),
            identity="Name",
            location="ARN",
            everywhere=bool(home),
            home=home,
            keyed=_RULES,
            secret=("**.secret_string",),
            references=("token_domains",),
            drop=_DROPPED,
            details=(*details, _tags()),
            transform=_worded,
            permissions=(f"wafv2:List{noun}s",),
        )


KINDS = (
    *_kinds(
        "WebACL",
        "Web ACLs: default action, rules, managed rule groups with their overrides, logs",
        Detail(
            attribute="logging",
            operation="GetLoggingConfiguration",
            arguments={"ResourceArn": "ARN"},
            result="LoggingConfiguration",
            none_on=("WAFNonexistentItemException",),
            transform=_logging,
        ),
    ),
    *_kinds("RuleGroup", "Rule groups of the account's own"),
    *_kinds("IPSet", "Sets of addresses that rules let in or keep out"),
    *_kinds("RegexPatternSet", "Sets of patterns that rules look for"),
)
