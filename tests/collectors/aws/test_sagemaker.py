"""SageMaker: endpoints with the configuration that they run."""

from __future__ import annotations

from typing import Any

from auditor.model import GapReason
from tests.collectors.aws.canned import canned, told
from tests.collectors.aws.recordings import DENIED, Refusal

KIND = "aws.sagemaker.endpoint"
ANSWERS: dict[str, Any] = {
    "ListEndpoints": {"Endpoints": [{"EndpointName": "churn-staging"}]},
    "DescribeEndpoint": {
        "EndpointName": "churn-staging",
        "EndpointArn": "arn:aws:sagemaker:eu-west-1:111111111111:endpoint/churn-staging",
        "EndpointConfigName": "churn-2024-03-01-1a2b",
        "EndpointStatus": "InService",
        "ProductionVariants": [
            {
                "VariantName": "main",
                "CurrentInstanceCount": 2,
                "DeployedImages": [{"SpecifiedImage": "acme/churn:3", "ResolvedImage": "acme/churn@sha256:00"}],
            }
        ],
    },
    "DescribeEndpointConfig": {
        "EndpointConfigName": "churn-2024-03-01-1a2b",
        "ProductionVariants": [{"VariantName": "main", "ModelName": "churn-3", "InstanceType": "ml.m5.large"}],
    },
    "ListTags": {"Tags": [{"Key": "team", "Value": "data"}]},
}


def test_an_endpoint_is_what_its_configuration_says_and_not_what_that_is_called() -> None:
    """How many instances serve at this moment is left out; the image that serves is not."""
    assert told(KIND, ANSWERS) == {
        "images": {"main": "acme/churn:3"},
        "configuration": {
            "production_variants": {"main": {"model_name": "churn-3", "instance_type": "ml.m5.large"}},
            "shadow_production_variants": {},
        },
    }
    assert canned(KIND, ANSWERS).named("churn-staging").tags == {"team": "data"}


def test_a_configuration_that_is_gone_is_none_and_one_that_is_hidden_is_unknown() -> None:
    """An endpoint goes on without its configuration."""
    gone = told(KIND, {**ANSWERS, "DescribeEndpointConfig": Refusal("ResourceNotFoundException", 404)})
    assert gone["configuration"] is None
    hidden = canned(KIND, {**ANSWERS, "DescribeEndpointConfig": DENIED})
    assert [(gap.attribute, gap.reason) for gap in hidden.gaps] == [("configuration", GapReason.ACCESS_DENIED)]
