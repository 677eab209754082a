"""OpenSearch Service: domains of OpenSearch and of Elasticsearch. Only their owner's settings: the software patches that
AWS rolls out, and what a domain is busy with at the moment, are left out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from auditor.model import Category, Gap, Json
from collectors.aws._policies import statements_or_none
from collectors.aws.base import AwsKind, Detail, Document

if TYPE_CHECKING:
    from collectors.aws._reader import Reader

_AT_ONCE = 5  # domains that one DescribeDomains takes


def _domains(reader: Reader) -> Iterator[Document | Gap]:
    names = list(reader.items("ListDomainNames", "DomainNames[].DomainName"))
    for domain in reader.batches("DescribeDomains", "DomainStatusList", "DomainNames", names, size=_AT_ONCE):
        if not domain.get("Deleted"):
            yield domain


def _domain(attributes: dict[str, Json]) -> dict[str, Json]:
    """`OpenSearch_2.11` as engine and version; tuning as on or off, whatever is in progress."""
    engine, _, version = str(attributes.pop("engine_version", "")).partition("_")
    attributes |= {"engine": engine, "engine_version": version} if version else {"engine_version": engine}
    tuning = attributes.get("auto_tune_options") or {}
    if tuning.get("state"):
        tuning["state"] = "ENABLED" if str(tuning["state"]).startswith("ENABLE") else "DISABLED"
    attributes["access_policy"] = statements_or_none(attributes.pop("access_policies", None))
    network = attributes.get("vpc_options") or {}
    attributes["within_vpc"] = bool(network.get("subnet_ids"))
    return attributes


def _endpoints(domain: Document) -> list[Any]:
    return [domain.get("Endpoint"), domain.get("EndpointV2"), *(domain.get("Endpoints") or {}).values()]


KINDS = (
    AwsKind(
        name="aws.opensearch.domain",
        category=Category.DATABASE,
        about="OpenSearch and Elasticsearch domains: engine, nodes, storage, encryption, access",
        cloudformation="AWS::OpenSearchService::Domain",
        service="opensearch",
        operation="DescribeDomains",
        result="DomainStatusList",
        read=_domains,
        permissions=("es:ListDomainNames",),
        identity="DomainName",
        location="ARN",
        refs=(_endpoints,),
        keyed={"cluster_config.node_options": "node_type"},
        verbatim=("advanced_options", "log_publishing_options", "access_policy", "access_policy.*.conditions"),
        drop=(
            "domain_id",
            "domain_name",
            "arn",
            "created",
            "deleted",
            "endpoint",
            "endpoint_v2",
            "endpoints",
            "domain_endpoint_v2_hosted_zone_id",
            "processing",
            "upgrade_processing",
            "domain_processing_status",
            "modifying_properties",
            "change_progress_details",
            "service_software_options",
            "automated_snapshot_pause_options",
            "vpc_options.vpc_id",
            "vpc_options.availability_zones",
            "auto_tune_options.error_message",
            "advanced_security_options.anonymous_auth_disable_date",
            "advanced_security_options.saml_options.idp.metadata_content",  # certificates of the identity provider
            "aiml_options.natural_language_query_generation_options.current_state",
        ),
        details=(Detail(attribute="tags", operation="ListTags", arguments={"ARN": "ARN"}, result="TagList"),),
        transform=_domain,
    ),
)
