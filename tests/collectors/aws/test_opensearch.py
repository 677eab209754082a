"""OpenSearch and Elasticsearch domains."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.collectors.aws.canned import canned, told
from tests.collectors.aws.reading import declared, lost
from tests.collectors.aws.recordings import Recording, recordings

KIND = "aws.opensearch.domain"
DOMAINS = recordings("es.DescribeElasticsearchDomains")
TAGS = {"TagList": [{"Key": "team", "Value": "web"}]}


def _answers(*domains: dict[str, Any]) -> dict[str, Any]:
    by_name = {domain["DomainName"]: domain for domain in domains}
    return {
        "ListDomainNames": {"DomainNames": [{"DomainName": name} for name in by_name]},
        "DescribeDomains": lambda asked: {"DomainStatusList": [by_name[name] for name in asked["DomainNames"]]},
        "ListTags": TAGS,
    }


def test_engine_and_version_are_two_things_and_a_policy_is_what_it_allows() -> None:
    """Patches that AWS rolls out, and what the domain is busy with, are left out."""
    policy = {"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "es:ESHttp*", "Resource": "*"}]}
    domain = {
        "DomainName": "search-staging",
        "DomainId": "111111111111/search-staging",
        "ARN": "arn:aws:es:eu-west-1:111111111111:domain/search-staging",
        "EngineVersion": "OpenSearch_2.11",
        "Processing": True,
        "ServiceSoftwareOptions": {"CurrentVersion": "OpenSearch_2_11_R20240101"},
        "AccessPolicies": json.dumps(policy),
        "AutoTuneOptions": {"State": "ENABLE_IN_PROGRESS"},
        "AdvancedOptions": {"indices.query.bool.max_clause_count": "1024"},
        "VPCOptions": {"VPCId": "vpc-1", "SubnetIds": ["subnet-1"], "AvailabilityZones": ["eu-west-1a"]},
        "Endpoints": {"vpc": "vpc-search-staging-abc.eu-west-1.es.amazonaws.com"},
    }
    assert told(KIND, _answers(domain)) == {
        "engine": "OpenSearch",
        "engine_version": "2.11",
        "access_policy": {
            "allow es": {
                "effect": "allow",
                "actions": ["es:eshttp*"],
                "resources": ["*"],
                "principals": {"aws": ["*"]},
            }
        },
        "auto_tune_options": {"state": "ENABLED"},
        "advanced_options": {"indices.query.bool.max_clause_count": "1024"},
        "vpc_options": {"subnet_ids": ["subnet-1"]},
        "within_vpc": True,
    }
    (seen,) = canned(KIND, _answers(domain)).resources
    assert "vpc-search-staging-abc.eu-west-1.es.amazonaws.com" in seen.refs
    assert seen.tags == {"team": "web"}


def test_many_domains_are_described_five_at_a_time() -> None:
    """More than the API takes at once is no reason to lose any."""
    domains = [{"DomainName": f"search-{number}", "EngineVersion": "OpenSearch_2.11"} for number in range(7)]
    answers = _answers(*domains)
    describe, sizes = answers["DescribeDomains"], []

    def counted(asked: Any) -> Any:
        sizes.append(len(asked["DomainNames"]))
        return describe(asked)

    seen = canned(KIND, {**answers, "DescribeDomains": counted})
    assert (seen.identities, sizes) == ([domain["DomainName"] for domain in domains], [5, 2])


@pytest.mark.skipif(not DOMAINS, reason="the recordings of AWS answers are not beside the repository")
@pytest.mark.parametrize("recorded", DOMAINS, ids=str)
def test_a_recorded_domain_loses_nothing_that_is_not_declared(recorded: Recording) -> None:
    """Recorded by the service's older API, which differs in two names."""
    older = {"ElasticsearchVersion": "EngineVersion", "ElasticsearchClusterConfig": "ClusterConfig"}
    domains = [
        {older.get(key, key): value for key, value in domain.items()} for domain in recorded.data["DomainStatusList"]
    ]
    seen = canned(KIND, _answers(*domains))
    assert (seen.gaps, seen.failed) == ((), None)
    for domain in domains:
        resource = seen.named(domain["DomainName"])
        assert lost(declared(KIND), domain, resource, ("engine_version", "access_policies", "auto_tune_options")) == []
        assert resource.attributes["engine_version"] in ("7.10", "1.3")
