"""CloudFront: distributions with origins, behaviours, TLS, firewall and logs; cache and request policies by what they say.

A distribution has no name of its own: it goes by its shortest alias, else by its comment, else by its first origin.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from auditor.model import Category, Json
from collectors.aws._written import counted, flattened, sequence
from collectors.aws.base import AwsKind, Detail, Document, pick

if TYPE_CHECKING:
    from collectors.aws._reader import Reader

_VERSION = re.compile(r":[0-9]+\Z")
# What CDK makes up: the place in the program's tree and a digest of it.
_GENERATED_ORIGIN = re.compile(r"(?i)Origin[0-9]*[0-9A-F]{8}\Z")
# Headers by which an origin knows that CloudFront is asking.
_TELLING = re.compile(r"(?i)verif|secret|token|auth|key|sign|shared|pass")
_POLICIES = (
    ("cache_policy", "ListCachePolicies", "CachePolicyList", "CachePolicy", "CachePolicyConfig"),
    (
        "origin_request_policy",
        "ListOriginRequestPolicies",
        "OriginRequestPolicyList",
        "OriginRequestPolicy",
        "OriginRequestPolicyConfig",
    ),
    (
        "response_headers_policy",
        "ListResponseHeadersPolicies",
        "ResponseHeadersPolicyList",
        "ResponseHeadersPolicy",
        "ResponseHeadersPolicyConfig",
    ),
)


def _name(distribution: Document) -> str:
    aliases = sorted(pick(distribution, "Aliases.Items") or (), key=lambda alias: (len(alias), alias))
    if aliases:
        return str(aliases[0])
    origins = pick(distribution, "Origins.Items[].DomainName")
    return str(distribution.get("Comment") or (origins[0] if origins else "") or distribution["Id"])


def _distributions(reader: Reader) -> Iterator[Document]:
    """Every distribution, with the names of the policies that its behaviours point to by id."""
    names: dict[str, str] | None = None
    for distribution in reader.items("ListDistributions", "DistributionList.Items[]"):
        if names is None:
            names = _policy_names(reader)
        yield {**distribution, "policy_names": names}


def _policy_names(reader: Reader) -> dict[str, str]:
    """Id -> name of every policy, AWS's own included."""
    found = {}
    for _, operation, listing, policy, config in _POLICIES:
        for each in reader.items(operation, f"{listing}.Items[]"):
            name = pick(each, f"{policy}.{config}.Name")
            if name:
                found[str(pick(each, f"{policy}.Id"))] = str(name)
    return found


def _distribution(attributes: dict[str, Json]) -> dict[str, Json]:
    """Counted lists as lists, behaviours by path, and what is pointed to by name rather than by id."""
    names = attributes.pop("policy_names", None) or {}
    found = counted(attributes)
    if not isinstance(found, dict):
        return attributes
    origins = {
        origin["id"]: _origin_name(index, origin["id"]) for index, origin in enumerate(found.get("origins") or ())
    }
    for origin in found.get("origins") or ():
        origin["id"] = origins[origin["id"]]
        _origin(origin)
    for group in found.get("origin_groups") or ():
        members = group.get("members") or ()
        group["members"] = " then ".join(
            origins.get(str(member.get("origin_id")), str(member.get("origin_id"))) for member in members
        )
    behaviours = found.get("cache_behaviors") or []
    found["cache_behavior_order"] = sequence([behaviour.get("path_pattern") for behaviour in behaviours])
    for behaviour in (*behaviours, found.get("default_cache_behavior") or {}):
        _behaviour(behaviour, names, origins)
    certificate = found.get("viewer_certificate") or {}
    certificate.pop("certificate", None)
    certificate.pop("certificate_source", None)
    found["web_acl"] = found.pop("web_acl_id", None) or None
    return found


def _origin_name(index: int, name: str) -> str:
    return f"origin {index + 1}" if _GENERATED_ORIGIN.search(name) else name


def _origin(origin: dict[str, Json]) -> None:
    """How the origin knows CloudFront, without the ids of it; headers that are secrets apart from those that are not."""
    s3 = origin.get("s3_origin_config") or {}
    identity = s3.pop("origin_access_identity", None)
    origin["access_controlled"] = bool(origin.pop("origin_access_control_id", None) or identity)
    listed = origin.pop("custom_headers", None) or ()
    headers = {each["header_name"]: each.get("header_value") for each in listed if "header_name" in each}
    origin["secret_headers"] = {name: value for name, value in headers.items() if _TELLING.search(name)}
    origin["headers"] = {name: value for name, value in headers.items() if not _TELLING.search(name)}


def _behaviour(behaviour: dict[str, Json], names: Mapping[str, str], origins: Mapping[str, str]) -> None:
    target = str(behaviour.pop("target_origin_id", ""))
    behaviour["target_origin"] = origins.get(target, target)
    for policy, *_ in _POLICIES:
        identity = behaviour.pop(f"{policy}_id", None)
        behaviour[policy] = names.get(identity, identity) if identity else None
    for associations, arn in (
        ("lambda_function_associations", "lambda_function_arn"),
        ("function_associations", "function_arn"),
    ):
        for each in behaviour.get(associations) or ():
            # Versions only count what was ever published.
            each["function"] = _VERSION.sub("", str(each.pop(arn, "")))
    allowed = behaviour.get("allowed_methods")
    if isinstance(allowed, dict):
        behaviour["allowed_methods"] = allowed.get("items")
        behaviour["cached_methods"] = allowed.get("cached_methods")


def _more(config: dict[str, Json]) -> Json:
    """What the listing does not tell. The bucket that logs go to is each environment's own."""
    logging = config.get("logging") or {}
    return {
        "default_root_object": config.get("default_root_object") or None,
        "logging": {"enabled": logging.get("enabled", False), "include_cookies": logging.get("include_cookies", False)},
        "continuous_deployment": bool(config.get("continuous_deployment_policy_id")),
    }


def _policy_kind(noun: str, operation: str, listing: str, policy: str, config: str) -> AwsKind:
    def own(reader: Reader) -> Iterator[Document]:
        for each in reader.items(operation, f"{listing}.Items[]", Type="custom"):
            yield each[policy]

    def plain(attributes: dict[str, Json]) -> dict[str, Json]:
        found: Any = flattened(counted(attributes.get(_snake(config)) or {}))
        return {key: value for key, value in found.items() if key != "name"}

    return AwsKind(
        name=f"aws.cloudfront.{noun}",
        category=Category.NETWORK,
        about=f"CloudFront's {noun.replace('_', ' ').replace('policy', 'policies')} of the account's own",
        cloudformation=f"AWS::CloudFront::{policy}",
        service="cloudfront",
        operation=operation,
        result=f"{listing}.Items[].{policy}",
        read=own,
        identity=f"{config}.Name",
        refs=("Id",),
        everywhere=True,
        keyed={"custom_headers_config": "header", "remove_headers_config": "header"},
        transform=plain,
    )


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()


KINDS = (
    AwsKind(
        name="aws.cloudfront.distribution",
        category=Category.NETWORK,
        about="Distributions: origins, behaviours, TLS, firewall, price class, aliases, error pages, logs",
        cloudformation="AWS::CloudFront::Distribution",
        service="cloudfront",
        operation="ListDistributions",
        result="DistributionList.Items[]",
        read=_distributions,
        identity=_name,
        location="ARN",
        refs=("DomainName", "Aliases.Items"),
        everywhere=True,
        keyed={
            "origins": "id",
            "origin_groups": "id",
            "cache_behaviors": "path_pattern",
            "**.{lambda_function_associations,function_associations}": "event_type",
            "custom_error_responses": "error_code",
        },
        secret=("origins.*.secret_headers.*",),
        verbatim=("origins.*.headers", "origins.*.secret_headers"),
        drop=(
            "id",
            "arn",
            "e_tag",
            "status",
            "last_modified_time",
            "domain_name",
            "alias_icp_recordals",
            "anycast_ip_list_id",
            "viewer_certificate.iam_certificate_id",
            "connection_function_association",
        ),
        details=(
            Detail(
                attribute="settings",
                operation="GetDistributionConfig",
                arguments={"Id": "Id"},
                result="DistributionConfig",
                transform=_more,
            ),
            Detail(
                attribute="tags",
                operation="ListTagsForResource",
                arguments={"Resource": "ARN"},
                result="Tags",
                transform=lambda tags: tags.get("items") or [],
            ),
        ),
        transform=_distribution,
        permissions=tuple(f"cloudfront:{operation}" for _, operation, *_ in _POLICIES),
    ),
    *(_policy_kind(*policy) for policy in _POLICIES),
)
