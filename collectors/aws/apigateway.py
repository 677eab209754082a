"""API Gateway, REST: APIs with stages, authorizers and what each path answers with; usage plans; custom domains.

Ids of APIs, authorizers and resources are made up, so everything here goes by name and path. Keys of clients are not read.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from auditor.model import Category, Json
from collectors.aws._policies import statements
from collectors.aws._written import by_name, partition
from collectors.aws.base import AwsKind, Detail, Document

if TYPE_CHECKING:
    from collectors.aws._reader import Reader

# `arn:aws:apigateway:eu-west-1:lambda:path/2015-03-31/functions/<function>/invocations` -> the function.
_INVOKED = re.compile(r"\Aarn:[^:]*:apigateway:[^:]*:lambda:path/[^/]*/functions/(.+)/invocations\Z")
_STAGE_PASSING = (
    "deployment_id",
    "created_date",
    "last_updated_date",
    "cache_cluster_status",
    "tags",
    "documentation_version",
)


def _apis(reader: Reader) -> Iterator[Document]:
    """Every API, with the handles by which others point to it."""
    region, cloud = reader.region, partition(reader.region)
    for api in reader.items("GetRestApis", "items"):
        policy = api.get("policy")
        yield {
            **api,
            "arn": f"arn:{cloud}:apigateway:{region}::/restapis/{api['id']}",
            "handles": [
                f"{api['id']}.execute-api.{region}.amazonaws.com",
                f"arn:{cloud}:execute-api:{region}:{reader.account}:{api['id']}",
            ],
            # Statements name the API by its id.
            "policy": policy.replace(api["id"], api.get("name") or "") if policy else None,
        }


def _api(attributes: dict[str, Json]) -> dict[str, Json]:
    """The policy as statements, authorizers and validators by name where they are pointed to."""
    attributes["policy"] = statements(_unescaped(attributes["policy"])) if attributes.get("policy") else None
    names = {item["id"]: name for name, item in (attributes.get("authorizers") or {}).items()}
    validators = {item["id"]: item for item in attributes.pop("request_validators", None) or ()}
    for method in (attributes.get("routes") or {}).values():
        authorizer, validator = method.pop("authorizer_id", None), method.pop("request_validator_id", None)
        if authorizer in names:
            method["authorizer"] = names[authorizer]
        if found := validators.get(validator):
            method["validates"] = {
                "body": bool(found.get("validate_request_body")),
                "parameters": bool(found.get("validate_request_parameters")),
            }
    for authorizer in (attributes.get("authorizers") or {}).values():
        del authorizer["id"]
    return attributes


def _unescaped(policy: str) -> str:
    """API Gateway answers with a policy whose quotes are escaped once more."""
    return str(json.loads(f'"{policy}"')) if policy.startswith('{\\"') else policy


def _stages(stages: list[dict[str, Json]]) -> Json:
    """Stage -> settings. Which deployment a stage stands on is an id that tells nothing."""
    found = by_name(stages, "stage_name")
    for stage in found.values():
        for passing in _STAGE_PASSING:
            stage.pop(passing, None)
        stage["web_acl"] = stage.pop("web_acl_arn", None)
        stage["client_certificate"] = bool(stage.pop("client_certificate_id", None))
        if canary := stage.get("canary_settings"):
            canary.pop("deployment_id", None)
            canary["cached"] = canary.pop("use_stage_cache", False)
    return found


def _authorizers(authorizers: list[dict[str, Json]]) -> Json:
    found = by_name(authorizers, "name")
    for authorizer in found.values():
        if uri := authorizer.get("authorizer_uri"):
            authorizer["authorizer_uri"] = function_of(uri)
    return found


def _routes(resources: list[dict[str, Json]]) -> Json:
    """`GET /orders/{id}` -> who may call it and what answers. Descriptions of responses only document."""
    found: dict[str, Json] = {}
    for resource in resources:
        for verb, method in (resource.get("resource_methods") or {}).items():
            method.pop("http_method", None)
            method.pop("method_responses", None)
            if integration := method.pop("method_integration", None):
                method["integration"] = _integration(integration)
            found[f"{verb} {resource.get('path') or '/'}"] = method
    return found


def _integration(integration: dict[str, Json]) -> dict[str, Json]:
    # Named after the resource's id where nobody chose another.
    integration.pop("cache_namespace", None)
    if uri := integration.get("uri"):
        integration["uri"] = function_of(uri)
    for status in (integration.get("integration_responses") or {}).values():
        status.pop("status_code", None)
    return integration


def function_of(uri: str) -> str:
    """The Lambda function that a URI of an integration invokes; any other URI as it is."""
    invoked = _INVOKED.match(uri)
    return invoked[1] if invoked else uri


def _plans(reader: Reader) -> Iterator[Document]:
    """Usage plans with the names of the APIs that they are for."""
    names: dict[str, str] | None = None
    for plan in reader.items("GetUsagePlans", "items"):
        if names is None and plan.get("apiStages"):
            names = _api_names(reader)
        stages = [
            {
                **{key: value for key, value in stage.items() if key != "apiId"},
                "api": (names or {}).get(stage.get("apiId"), "?"),
            }
            for stage in plan.get("apiStages") or ()
        ]
        yield {**plan, "apiStages": stages}


def _api_names(reader: Reader) -> dict[Any, str]:
    return {api["id"]: api.get("name") or api["id"] for api in reader.items("GetRestApis", "items")}


def _domain(attributes: dict[str, Json]) -> dict[str, Json]:
    """Whether clients need a certificate; where their authorities are kept is each environment's own bucket."""
    attributes["mutual_tls"] = bool(attributes.pop("mutual_tls_authentication", None))
    attributes["certificate_arn"] = attributes.pop("regional_certificate_arn", None) or attributes.get(
        "certificate_arn"
    )
    return attributes


def _mappings(mappings: list[Mapping[str, Json]]) -> Json:
    return {str(each.get("base_path")): {"stage": each.get("stage")} for each in mappings}


def _of_api(attribute: str, operation: str, result: str = "items", **constants: Any) -> dict[str, Any]:
    return {
        "attribute": attribute,
        "operation": operation,
        "arguments": {"restApiId": "id"},
        "constants": constants,
        "result": result,
    }


KINDS = (
    AwsKind(
        name="aws.apigateway.rest_api",
        category=Category.NETWORK,
        about="REST APIs: endpoint type, policy, stages, authorizers, and what each method and path answers with",
        cloudformation="AWS::ApiGateway::RestApi",
        service="apigateway",
        operation="GetRestApis",
        result="items",
        read=_apis,
        identity="name",
        location="arn",
        refs=("handles",),
        component="name",
        tags="tags",
        verbatim=("stages", "stages.*.variables", "stages.*.method_settings", "authorizers", "routes", "policy"),
        drop=(
            "id",
            "name",
            "arn",
            "handles",
            "created_date",
            "root_resource_id",
            "warnings",
            "api_status",
            "api_status_message",
            "endpoint_configuration.vpc_endpoint_ids",
        ),
        details=(
            Detail(**_of_api("stages", "GetStages", "item"), transform=_stages),
            Detail(**_of_api("authorizers", "GetAuthorizers"), transform=_authorizers),
            Detail(**_of_api("request_validators", "GetRequestValidators")),
            Detail(**_of_api("routes", "GetResources", embed=["methods"], limit=500), transform=_routes),
        ),
        transform=_api,
    ),
    AwsKind(
        name="aws.apigateway.usage_plan",
        category=Category.NETWORK,
        about="Usage plans: throttle and quota of the clients of an API",
        cloudformation="AWS::ApiGateway::UsagePlan",
        service="apigateway",
        operation="GetUsagePlans",
        result="items",
        read=_plans,
        identity="name",
        tags="tags",
        keyed={"api_stages": "api+stage"},
        drop=("id", "name", "product_code"),
    ),
    AwsKind(
        name="aws.apigateway.domain_name",
        category=Category.NETWORK,
        about="Custom domains of APIs: TLS policy, endpoint type, client certificates, paths",
        cloudformation="AWS::ApiGateway::DomainName",
        service="apigateway",
        operation="GetDomainNames",
        result="items",
        identity="domainName",
        location="domainNameArn",
        refs=("regionalDomainName", "distributionDomainName"),
        tags="tags",
        verbatim=("mappings",),
        drop=(
            "domain_name",
            "domain_name_id",
            "domain_name_arn",
            "certificate_name",
            "certificate_upload_date",
            "regional_domain_name",
            "regional_hosted_zone_id",
            "regional_certificate_name",
            "distribution_domain_name",
            "distribution_hosted_zone_id",
            "domain_name_status",
            "domain_name_status_message",
            "ownership_verification_certificate_arn",
            "endpoint_configuration.vpc_endpoint_ids",
        ),
        details=(
            Detail(
                attribute="mappings",
                operation="GetBasePathMappings",
                arguments={"domainName": "domainName"},
                result="items",
                transform=_mappings,
            ),
        ),
        transform=_domain,
    ),
)
