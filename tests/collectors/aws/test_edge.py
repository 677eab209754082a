"""API Gateway, CloudFront, WAF, Route 53 and Cognito: what their ids and wrappers hide, and what production opens alone."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from auditor.model import Resource
from auditor.redact import Redactor
from collectors.aws import _regions
from collectors.aws._registry import services
from tests.collectors.aws.canned import canned, told
from tests.collectors.aws.reading import declared, read
from tests.collectors.aws.recordings import Recording, Refusal, recordings, stand
from tests.collectors.aws.verdicts import verdicts

DISTRIBUTIONS = recordings("cloudfront.ListDistributions")
APIS = recordings("apigateway.GetRestApis")
NO_POLICIES = {
    f"List{each}": {f"{name}List": {"Quantity": 0, "MaxItems": 100}}
    for each, name in (
        ("CachePolicies", "CachePolicy"),
        ("OriginRequestPolicies", "OriginRequestPolicy"),
        ("ResponseHeadersPolicies", "ResponseHeadersPolicy"),
    )
}


def _rest_api(env: str, *, authorization: str = "CUSTOM", path: str = "/orders") -> dict[str, Any]:
    api, function = f"{env}0api", f"arn:aws:lambda:eu-west-1:111111111111:function:orders-{env}"
    statement = {
        "Effect": "Allow",
        "Principal": "*",
        "Action": "execute-api:Invoke",
        "Resource": f"arn:aws:execute-api:eu-west-1:111111111111:{api}/*",
    }
    method = {
        "httpMethod": "GET",
        "authorizationType": authorization,
        "authorizerId": f"{env}9auth",
        "requestValidatorId": f"{env}8val",
        "methodIntegration": {
            "type": "AWS_PROXY",
            "uri": f"arn:aws:apigateway:eu-west-1:lambda:path/2015-03-31/functions/{function}/invocations",
            "cacheNamespace": f"{env}ns",
        },
    }
    return {
        "GetRestApis": {
            # API Gateway escapes the policy's quotes once more.
            "items": [
                {"id": api, "name": f"orders-{env}", "policy": json.dumps(json.dumps(statement_of(statement)))[1:-1]}
            ]
        },
        "GetStages": {
            "item": [
                {"stageName": env, "deploymentId": f"{env}dep", "methodSettings": {"*/*": {"loggingLevel": "INFO"}}}
            ]
        },
        "GetAuthorizers": {"items": [{"id": f"{env}9auth", "name": "people", "type": "TOKEN"}]},
        "GetRequestValidators": {"items": [{"id": f"{env}8val", "name": "all", "validateRequestBody": True}]},
        "GetResources": {"items": [{"id": f"{env}res", "path": path, "resourceMethods": {"GET": method}}]},
    }


def statement_of(statement: Mapping[str, Any]) -> dict[str, Any]:
    """A policy of one statement."""
    return {"Version": "2012-10-17", "Statement": [statement]}


def _resources(kind: str, answers: Mapping[str, Any]) -> tuple[Resource, ...]:
    seen = canned(kind, answers)
    assert (seen.gaps, seen.failed) == ((), None)
    return seen.resources


def test_a_rest_api_goes_by_paths_and_names_and_its_twin_is_quiet() -> None:
    """Ids of the API, its authorizers and deployments are nowhere; an open path in production is a finding of its own."""
    api = told("aws.apigateway.rest_api", _rest_api("staging"))
    assert api["routes"]["GET /orders"] == {
        "authorization_type": "CUSTOM",
        "authorizer": "people",
        "validates": {"body": True, "parameters": False},
        "integration": {"type": "AWS_PROXY", "uri": "arn:aws:lambda:eu-west-1:111111111111:function:orders-staging"},
    }
    assert api["policy"]["allow execute-api"]["resources"] == [
        "arn:aws:execute-api:eu-west-1:111111111111:orders-staging/*"
    ]
    left = _resources("aws.apigateway.rest_api", _rest_api("staging"))
    assert verdicts(left, _resources("aws.apigateway.rest_api", _rest_api("prod"))) == set()
    opened = _resources("aws.apigateway.rest_api", _rest_api("prod", authorization="NONE"))
    assert verdicts(left, opened) == {("orders-{env}", 'routes."GET /orders".authorization_type', "high")}
    moved = _resources("aws.apigateway.rest_api", _rest_api("prod", path="/v2/orders"))
    assert {severity for *_, severity in verdicts(left, moved)} == {"medium"}


def test_what_could_not_be_read_of_an_api_leaves_no_ids_behind() -> None:
    """Without authorizers a path says nothing of them, and the gap says which call was refused."""
    seen = canned(
        "aws.apigateway.rest_api", {**_rest_api("staging"), "GetAuthorizers": Refusal("AccessDeniedException", 403)}
    )
    assert [(gap.attribute, "apigateway:GET" in gap.detail) for gap in seen.gaps] == [("authorizers", True)]
    assert "staging9auth" not in json.dumps(seen.resources[0].attributes)


def test_an_http_api_has_what_a_route_leads_to_in_the_route() -> None:
    """Routes name integrations by id; here they hold them."""
    function = "arn:aws:lambda:eu-west-1:111111111111:function:orders"
    api = told(
        "aws.apigatewayv2.api",
        {
            "GetApis": {"Items": [{"ApiId": "a1b2c3", "Name": "orders", "ProtocolType": "HTTP"}]},
            "GetRoutes": {
                "Items": [{"RouteId": "r1", "RouteKey": "GET /o", "Target": "integrations/i1", "AuthorizerId": "z1"}]
            },
            "GetIntegrations": {
                "Items": [{"IntegrationId": "i1", "IntegrationUri": function, "IntegrationType": "AWS_PROXY"}]
            },
            "GetAuthorizers": {"Items": [{"AuthorizerId": "z1", "Name": "people", "AuthorizerType": "JWT"}]},
            "GetStages": {"Items": [{"StageName": "$default", "DeploymentId": "d1", "AutoDeploy": True}]},
        },
    )
    assert api["routes"] == {
        "GET /o": {
            "integration": {"integration_uri": function, "integration_type": "AWS_PROXY"},
            "authorizer": "people",
        }
    }
    assert api["stages"] == {"$default": {"auto_deploy": True, "client_certificate": False}}


@pytest.mark.skipif(not DISTRIBUTIONS, reason="the recordings of AWS answers are not beside the repository")
@pytest.mark.parametrize("recorded", DISTRIBUTIONS, ids=str)
def test_recorded_distributions_are_plain_lists_and_maps(recorded: Recording) -> None:
    """CloudFront's counted wrappers are gone, and every distribution has a name."""
    answers = {
        "ListDistributions": recorded.data,
        "GetDistributionConfig": {"DistributionConfig": {"Logging": {"Enabled": True}, "DefaultRootObject": ""}},
        "ListTagsForResource": {"Tags": {"Items": []}},
        **NO_POLICIES,
    }
    seen = canned("aws.cloudfront.distribution", answers)
    assert (seen.gaps, seen.failed) == ((), None)
    assert len(seen.resources) == len(recorded.data["DistributionList"]["Items"])
    for resource in seen.resources:
        assert "quantity" not in json.dumps(resource.attributes)
        assert resource.attributes["settings"]["logging"]["enabled"] is True
        assert all(isinstance(origin["access_controlled"], bool) for origin in resource.attributes["origins"])


def test_a_header_that_proves_who_asks_is_a_secret_and_a_policy_has_its_name() -> None:
    """The value of `x-origin-verify` leaves as a fingerprint, other headers stay readable."""
    headers = [
        {"HeaderName": "x-origin-verify", "HeaderValue": "plain-words"},
        {"HeaderName": "x-stage", "HeaderValue": "a"},
    ]
    origin = {"Id": "api", "DomainName": "api.acme.example", "CustomHeaders": {"Quantity": 2, "Items": headers}}
    behaviour = {"TargetOriginId": "api", "ViewerProtocolPolicy": "https-only", "CachePolicyId": "11-22"}
    distribution = {
        "Id": "E1",
        "ARN": "arn:aws:cloudfront::111111111111:distribution/E1",
        "Aliases": {"Quantity": 2, "Items": ["www.acme.example", "acme.example"]},
        "Origins": {"Quantity": 1, "Items": [origin]},
        "DefaultCacheBehavior": behaviour,
        "WebACLId": "",
    }
    own = {"Type": "custom", "CachePolicy": {"Id": "11-22", "CachePolicyConfig": {"Name": "short"}}}
    answers = {
        **NO_POLICIES,
        "ListDistributions": {"DistributionList": {"Quantity": 1, "Items": [distribution]}},
        "ListCachePolicies": {"CachePolicyList": {"Quantity": 1, "Items": [own]}},
        "GetDistributionConfig": {"DistributionConfig": {}},
        "ListTagsForResource": {"Tags": {"Items": []}},
    }
    (found,) = _resources("aws.cloudfront.distribution", answers)
    assert found.identity == "acme.example"
    assert found.attributes["default_cache_behavior"]["cache_policy"] == "short"
    safe = Redactor(b"k" * 32).resource(found, declared("aws.cloudfront.distribution"))
    (shown,) = safe.attributes["origins"]
    assert shown["secret_headers"]["x-origin-verify"].startswith("{secret:")
    assert shown["headers"] == {"x-stage": "a"}


def _acl(env: str, override: dict[str, Any]) -> dict[str, Any]:
    match = {
        "SearchString": b"plain-words",
        "FieldToMatch": {"SingleHeader": {"Name": "x-origin-verify"}},
        "PositionalConstraint": "EXACTLY",
    }
    managed = {"ManagedRuleGroupStatement": {"VendorName": "AWS", "Name": "AWSManagedRulesSQLiRuleSet"}}
    rules = [
        {"Name": "sqli", "Priority": 1, "Statement": managed, "OverrideAction": override},
        {"Name": "origin", "Priority": 2, "Statement": {"ByteMatchStatement": match}, "Action": {"Block": {}}},
    ]
    listed = {
        "Name": f"edge-{env}",
        "Id": f"{env}-id",
        "ARN": f"arn:aws:wafv2:eu-west-1:1:regional/webacl/edge-{env}/1",
    }
    return {
        "ListWebACLs": {"WebACLs": [listed]},
        "GetWebACL": {"WebACL": {**listed, "DefaultAction": {"Allow": {}}, "Rules": rules}},
        "GetLoggingConfiguration": Refusal("WAFNonexistentItemException"),
        "ListTagsForResource": {"TagInfoForResource": {"TagList": []}},
    }


def test_choices_of_a_web_acl_are_words_and_a_rule_that_only_counts_is_found() -> None:
    """`{"Block": {}}` reads `block`; what is searched for in a header of proof is a secret; nothing is logged."""
    acl = told("aws.wafv2.web_acl", _acl("staging", {"None": {}}))
    assert (acl["default_action"], acl["logging"]) == ("allow", None)
    assert [rule.get("action", rule.get("override_action")) for rule in acl["rules"]] == ["none", "block"]
    assert acl["rules"][1]["statement"]["byte_match_statement"]["secret_string"] == "plain-words"
    left = _resources("aws.wafv2.web_acl", _acl("staging", {"None": {}}))
    shared = {("edge-{env}", "rules.origin.statement.byte_match_statement.secret_string", "high")}
    assert verdicts(left, _resources("aws.wafv2.web_acl", _acl("prod", {"None": {}}))) == shared
    counting = _resources("aws.wafv2.web_acl", _acl("prod", {"Count": {}}))
    assert verdicts(left, counting) - shared == {("edge-{env}", "rules.sqli.override_action", "high")}


def test_records_have_the_shape_of_a_domain_and_no_addresses() -> None:
    """Proofs, the zone's own records and addresses are left out; an alias leads to a load balancer by its name."""
    zone = {"Id": "/hostedzone/Z1", "Name": "acme.example.", "Config": {"PrivateZone": False}}
    balancer = {
        "HostedZoneId": "Z2",
        "DNSName": "dualstack.orders-1234567890.eu-west-1.elb.amazonaws.com.",
        "EvaluateTargetHealth": True,
    }
    records = [
        {"Name": "acme.example.", "Type": "SOA", "TTL": 900, "ResourceRecords": [{"Value": "ns"}]},
        {"Name": "_0123456789abcdef0123456789abcdef.acme.example.", "Type": "CNAME", "TTL": 300},
        {"Name": "api.acme.example.", "Type": "A", "AliasTarget": balancer},
        {"Name": "\\052.acme.example.", "Type": "A", "TTL": 60, "ResourceRecords": [{"Value": "192.0.2.1"}]},
        {
            "Name": "acme.example.",
            "Type": "TXT",
            "TTL": 60,
            "ResourceRecords": [{"Value": '"v=spf1 -all"'}, {"Value": '"proof=1"'}],
        },
    ]
    answers = {
        "ListHostedZones": {"HostedZones": [zone], "IsTruncated": False, "MaxItems": "100"},
        "ListResourceRecordSets": {"ResourceRecordSets": records, "IsTruncated": False, "MaxItems": "100"},
    }
    found = {each.identity: dict(each.attributes) for each in _resources("aws.route53.record_set", answers)}
    assert found == {
        "api.acme.example A": {
            "type": "A",
            "health_checked": False,
            "alias_target": "orders.eu-west-1.elb.amazonaws.com",
            "evaluate_target_health": True,
        },
        "*.acme.example A": {"type": "A", "ttl": 60, "health_checked": False},
        "acme.example TXT": {"type": "TXT", "ttl": 60, "health_checked": False, "values": ['"v=spf1 -all"']},
    }


def test_a_client_of_a_user_pool_keeps_no_secret() -> None:
    """That it has one is a setting; what it is, is nobody's business."""
    client = {"ClientName": "web", "ClientId": "c1", "UserPoolId": "p1", "ClientSecret": "s3cr3t-of-web"}
    answers = {
        "ListUserPools": {"UserPools": [{"Id": "p1", "Name": "people"}]},
        "ListUserPoolClients": {"UserPoolClients": [{"ClientName": "web", "ClientId": "c1"}]},
        "DescribeUserPoolClient": {"UserPoolClient": client},
    }
    (found,) = _resources("aws.cognito.user_pool_client", answers)
    assert (found.identity, found.parent, found.attributes) == ("people/web", "people", {"has_secret": True})


@pytest.mark.skipif(not APIS, reason="the recordings of AWS answers are not beside the repository")
@pytest.mark.parametrize("recorded", APIS, ids=str)
def test_recorded_apis_are_read_with_their_policies(recorded: Recording) -> None:
    """Real answers, escaped policies included, in AWS's own protocol."""
    nothing: dict[str, Any] = {"apigateway.GetStages": {"item": []}}
    nothing |= {f"apigateway.Get{each}": {"items": []} for each in ("Authorizers", "RequestValidators", "Resources")}
    with stand({recorded.operation: recorded.data, **nothing}) as server:
        seen = read("aws.apigateway.rest_api", server.endpoint_url)
    assert (seen.gaps, seen.failed) == ((), None)
    for item in recorded.data["items"]:
        api = next(each for each in seen.resources if each.identity.split("#")[0] == item["name"])
        assert (api.attributes["policy"] is None) == (not item.get("policy"))


def test_what_protects_cloudfront_is_asked_where_it_is_told_of() -> None:
    """us-east-1, whichever regions are read; and nowhere in a cloud of AWS's that has no CloudFront firewall."""
    acl = next(kind for kind in services()["wafv2"] if kind.name == "aws.wafv2.cloudfront_web_acl")
    assert _regions(acl, ("eu-west-1", "eu-central-1")) == ("us-east-1",)
    assert _regions(acl, ("cn-north-1",)) == ()
    assert _regions(declared("aws.wafv2.web_acl"), ("eu-west-1", "eu-central-1")) == ("eu-west-1", "eu-central-1")
