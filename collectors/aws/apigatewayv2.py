"""API Gateway, HTTP and WebSocket: APIs with routes, what they lead to, stages, authorizers and CORS."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from auditor.model import Category, Json
from collectors.aws._written import by_name, partition
from collectors.aws.apigateway import function_of
from collectors.aws.base import AwsKind, Detail, Document

if TYPE_CHECKING:
    from collectors.aws._reader import Reader

_STAGE_PASSING = (
    "deployment_id",
    "created_date",
    "last_updated_date",
    "last_deployment_status_message",
    "api_gateway_managed",
    "tags",
)
_ROUTE_PASSING = ("route_id", "api_gateway_managed", "target", "authorizer_id")
_INTEGRATION_PASSING = ("integration_id", "api_gateway_managed")


def _apis(reader: Reader) -> Iterator[Document]:
    """Every API, with the handles by which others point to it."""
    region, cloud = reader.region, partition(reader.region)
    for api in reader.items("GetApis", "Items"):
        yield {
            **api,
            "Arn": f"arn:{cloud}:apigateway:{region}::/apis/{api['ApiId']}",
            "Handles": [
                f"{api['ApiId']}.execute-api.{region}.amazonaws.com",
                f"arn:{cloud}:execute-api:{region}:{reader.account}:{api['ApiId']}",
            ],
        }


def _api(attributes: dict[str, Json]) -> dict[str, Json]:
    """Each route with what it leads to, in place of the ids of both. Without the list of integrations routes keep none."""
    integrations = {each.get("integration_id"): each for each in attributes.pop("integrations", None) or ()}
    authorizers = {each.get("authorizer_id"): name for name, each in (attributes.get("authorizers") or {}).items()}
    for route in (attributes.get("routes") or {}).values():
        found = integrations.get(str(route.get("target") or "").rpartition("/")[2])
        if found is not None:
            route["integration"] = _integration(found)
        if route.get("authorizer_id") in authorizers:
            route["authorizer"] = authorizers[route["authorizer_id"]]
        for passing in _ROUTE_PASSING:
            route.pop(passing, None)
    for authorizer in (attributes.get("authorizers") or {}).values():
        authorizer.pop("authorizer_id", None)
    attributes.setdefault("disable_execute_api_endpoint", False)
    return attributes


def _integration(integration: dict[str, Json]) -> dict[str, Json]:
    found = {key: value for key, value in integration.items() if key not in _INTEGRATION_PASSING}
    if uri := found.get("integration_uri"):
        found["integration_uri"] = function_of(uri)
    return found


def _stages(stages: list[dict[str, Json]]) -> Json:
    found = by_name(stages, "stage_name")
    for stage in found.values():
        for passing in _STAGE_PASSING:
            stage.pop(passing, None)
        stage["client_certificate"] = bool(stage.pop("client_certificate_id", None))
    return found


def _authorizers(authorizers: list[dict[str, Json]]) -> Json:
    found = by_name(authorizers, "name")
    for authorizer in found.values():
        if uri := authorizer.get("authorizer_uri"):
            authorizer["authorizer_uri"] = function_of(uri)
    return found


_OF_API = {"ApiId": "ApiId"}

KINDS = (
    AwsKind(
        name="aws.apigatewayv2.api",
        category=Category.NETWORK,
        about="HTTP and WebSocket APIs: routes and what they lead to, stages, authorizers, CORS",
        cloudformation="AWS::ApiGatewayV2::Api",
        service="apigatewayv2",
        operation="GetApis",
        result="Items",
        read=_apis,
        identity="Name",
        location="Arn",
        refs=("Handles",),
        component="Name",
        references=("api_key_selection_expression",),  # where in a request the key stands
        verbatim=("routes", "stages", "stages.*.stage_variables", "stages.*.route_settings", "authorizers"),
        drop=(
            "name",
            "api_id",
            "arn",
            "handles",
            "api_endpoint",
            "api_gateway_managed",
            "created_date",
            "import_info",
            "warnings",
        ),
        details=(
            Detail(attribute="stages", operation="GetStages", arguments=_OF_API, result="Items", transform=_stages),
            Detail(
                attribute="authorizers",
                operation="GetAuthorizers",
                arguments=_OF_API,
                result="Items",
                transform=_authorizers,
            ),
            Detail(attribute="integrations", operation="GetIntegrations", arguments=_OF_API, result="Items"),
            Detail(
                attribute="routes",
                operation="GetRoutes",
                arguments=_OF_API,
                result="Items",
                transform=lambda routes: by_name(routes, "route_key"),
            ),
        ),
        transform=_api,
    ),
)
