"""SageMaker: endpoints with the configuration that they run: models, instances, weights, data capture.

A configuration is replaced, never changed, so its name is mostly a counter; what is in it is part of the endpoint. How many
instances serve at this moment is use."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from auditor.model import Category, Gap, Json
from collectors.aws._described import described, one
from collectors.aws.base import AwsKind, Detail, Document

if TYPE_CHECKING:
    from collectors.aws._reader import Reader

_VARIANTS = ("production_variants", "shadow_production_variants")


def _endpoints(reader: Reader) -> Iterator[Document | Gap]:
    names = reader.items("ListEndpoints", "Endpoints[].EndpointName")
    for found in described(reader, names, "DescribeEndpoint", "", "EndpointName"):
        yield found if isinstance(found, Gap) else reader.spelled(found, "DescribeEndpoint", "")


def _configuration(reader: Reader, endpoint: Document) -> Json:
    """What the endpoint was last told to run."""
    name = endpoint["endpoint_config_name"]
    for found in one(reader, "DescribeEndpointConfig", "", EndpointConfigName=name):
        return reader.spelled(found, "DescribeEndpointConfig", "")
    return None  # a configuration may be deleted under a running endpoint


def _endpoint(attributes: dict[str, Json]) -> dict[str, Json]:
    """Variants as the configuration has them, with the image that serves; what the endpoint repeats of it left out."""
    images: dict[str, list[str]] = {}
    for variant in (each for name in _VARIANTS for each in attributes.pop(name, None) or ()):
        deployed = variant.get("deployed_images") or ()
        images[variant["variant_name"]] = [image["specified_image"] for image in deployed if "specified_image" in image]
    attributes["images"] = {name: found[0] if len(found) == 1 else found for name, found in images.items()}
    if isinstance(configuration := attributes.get("configuration"), dict):
        for name in _VARIANTS:
            configuration[name] = {each.pop("variant_name"): each for each in configuration.get(name) or ()}
    return attributes


KINDS = (
    AwsKind(
        name="aws.sagemaker.endpoint",
        category=Category.COMPUTE,
        about="Endpoints that serve models: variants, instances, data capture",
        cloudformation="AWS::SageMaker::Endpoint",
        service="sagemaker",
        operation="DescribeEndpoint",
        read=_endpoints,
        permissions=("sagemaker:ListEndpoints", "sagemaker:DescribeEndpointConfig"),
        identity="endpoint_name",
        location="endpoint_arn",
        component="endpoint_name",
        verbatim=("images", *(f"configuration.{name}" for name in _VARIANTS)),
        drop=(
            "endpoint_name",
            "endpoint_arn",
            "endpoint_config_name",
            "endpoint_status",
            "failure_reason",
            "creation_time",
            "last_modified_time",
            "pending_deployment_summary",
            "data_capture_config",  # the configuration's, with how it is doing
            "async_inference_config",
            "explainer_config",
            "metrics_config",
            "cross_region_traffic_config",
            "configuration.endpoint_config_name",
            "configuration.endpoint_config_arn",
            "configuration.creation_time",
        ),
        details=(
            Detail(attribute="configuration", read=_configuration),
            Detail(attribute="tags", operation="ListTags", arguments={"ResourceArn": "endpoint_arn"}, result="Tags"),
        ),
        transform=_endpoint,
    ),
)
