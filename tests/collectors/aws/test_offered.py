"""What an account cannot have is an empty, complete listing; what might hide something stays a gap."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from botocore.exceptions import ConnectTimeoutError, EndpointConnectionError, ProxyConnectionError

from auditor.model import GapReason
from collectors.aws._offered import is_offered
from collectors.aws.base import AwsKind, Detail
from tests.collectors.aws.all_kinds import KINDS
from tests.collectors.aws.answering import Answered, read_by
from tests.collectors.aws.generated import Place
from tests.collectors.aws.reading import Seen
from tests.collectors.aws.recordings import Refusal

LAMBDA = KINDS["aws.lambda.function"]
# botocore says that CodePipeline is not sold there; a service that is sold everywhere stands beside it.
WITHOUT, SERVICE = "mx-central-1", "codepipeline"


def _kind(**changed: Any) -> AwsKind:
    declared = {
        "name": "aws.codepipeline.pipeline",
        "category": LAMBDA.category,
        "about": "Pipelines",
        "service": SERVICE,
        "operation": "ListPipelines",
        "result": "pipelines",
        "identity": "name",
    }
    return AwsKind(**{**declared, **changed})


def _read(kind: AwsKind, region: str, answer: Any) -> Seen:
    def answering(model: Any, _: Mapping[str, Any]) -> Any:
        found = answer(model.name) if callable(answer) else answer
        if isinstance(found, Exception):
            raise found
        return found

    return read_by(Answered(region), kind, Place("staging", "111122223333", region), answering)


NOWHERE = EndpointConnectionError(endpoint_url="https://codepipeline.mx-central-1.amazonaws.com/")


@pytest.mark.parametrize("gone", [NOWHERE, ConnectTimeoutError(endpoint_url="https://x")])
def test_a_service_that_a_region_does_not_have_is_an_empty_listing(gone: Exception) -> None:
    """Endpoint data and the network agree that there is nobody to ask."""
    assert _read(_kind(), WITHOUT, gone) == Seen((), (), None)


def test_a_service_that_cannot_be_reached_where_it_is_sold_is_a_gap() -> None:
    """The network may hide what is there."""
    failed = _read(_kind(), "eu-west-1", NOWHERE).failed
    assert failed is not None
    assert failed.reason is GapReason.UNREACHABLE


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (Refusal("AccessDeniedException", 403), GapReason.ACCESS_DENIED),
        (Refusal("UnrecognizedClientException", 400), GapReason.ACCESS_DENIED),
        (ProxyConnectionError(proxy_url="http://proxy"), GapReason.UNREACHABLE),
    ],
)
def test_a_refusal_or_a_proxy_in_a_region_without_the_service_is_a_gap(answer: Any, reason: GapReason) -> None:
    """Somebody answered, or something stands in between: endpoint data alone decides nothing."""
    failed = _read(_kind(), WITHOUT, answer).failed
    assert failed is not None
    assert failed.reason is reason


@pytest.mark.parametrize("code", ["SubscriptionRequiredException", "OptInRequired", "NotSignedUp"])
def test_a_service_that_the_account_never_subscribed_to_is_an_empty_listing(code: str) -> None:
    """Who has not signed up has nothing there."""
    assert _read(LAMBDA, "eu-west-1", Refusal(code, 400)) == Seen((), (), None)


def test_a_service_control_policy_is_a_gap() -> None:
    """An explicit deny hides whatever is there."""
    text = "is not authorized to perform: lambda:ListFunctions with an explicit deny in a service control policy"
    failed = _read(LAMBDA, "eu-west-1", Refusal("AccessDeniedException", 403, text)).failed
    assert failed is not None
    assert failed.reason is GapReason.ACCESS_DENIED


def test_a_listing_that_breaks_off_that_way_is_a_gap() -> None:
    """Once something was listed the account has it, whatever a later page says."""
    pages = iter([{"pipelines": [{"name": "web"}], "nextToken": "2"}, Refusal("SubscriptionRequiredException")])
    found = _read(_kind(), "eu-west-1", lambda _: next(pages))
    assert [each.identity for each in found.resources] == ["web"]
    assert found.failed is not None


def test_a_detail_of_a_service_that_is_not_there_is_a_gap_of_that_attribute() -> None:
    """What another service does not have says nothing of this one."""
    detail = Detail(attribute="state", operation="GetPipelineState", arguments={"name": "name"}, result="stageStates")
    answers: Mapping[str, Any] = {
        "ListPipelines": {"pipelines": [{"name": "web"}]},
        "GetPipelineState": Refusal("SubscriptionRequiredException"),
    }
    found = _read(_kind(details=(detail,)), "eu-west-1", lambda name: answers[name])
    assert [(each.identity, "state" in each.attributes) for each in found.resources] == [("web", False)]
    assert [(gap.resource, gap.attribute) for gap in found.gaps] == [("web", "state")]


def test_where_nobody_is_likely_to_answer_one_attempt_is_made() -> None:
    """Six attempts with growing pauses, for each kind, would be minutes for nothing."""
    source = Answered(WITHOUT)
    assert source.client(SERVICE, WITHOUT).meta.config.retries["total_max_attempts"] == 1
    assert source.client("ec2", WITHOUT).meta.config.retries == source.client("rds", WITHOUT).meta.config.retries


def test_global_services_and_regions_newer_than_the_data_count_as_offered() -> None:
    """Where the data says nothing, the network has to."""
    session = Answered("eu-west-1").session
    assert is_offered(session, "cloudfront", "eu-west-1")
    assert is_offered(session, SERVICE, "eu-west-1")
    assert is_offered(session, SERVICE, "eu-nowhere-9")
    assert not is_offered(session, SERVICE, WITHOUT)
