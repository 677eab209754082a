"""Secrets Manager: which secrets there are, and their values only when asked for."""

from __future__ import annotations

import json
from typing import Any

import pytest

from collectors.aws import AwsCollector, AwsOptions
from tests.collectors.aws.reading import client, declared, lost, moto, read
from tests.collectors.aws.recordings import DENIED, Recording, Refusal, recordings, stand

RECORDED = recordings("secretsmanager.ListSecrets")
PREFIX = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:"


def _secret(name: str, **other: Any) -> dict[str, Any]:
    return {"Name": name, "ARN": f"{PREFIX}{name}-a1B2c3", **other}


def test_secrets_are_named_and_their_values_left_alone() -> None:
    """On a real API stand-in: no value is read, and its absence is no gap."""
    with moto() as url:
        manager = client("secretsmanager", url)
        manager.create_secret(
            Name="orders/staging/db", SecretString='{"password": "canary"}', Tags=[{"Key": "team", "Value": "orders"}]
        )
        seen = read("aws.secretsmanager.secret", url)
        with_values = read("aws.secretsmanager.secret", url, read_secret_values=True)
    assert (seen.gaps, seen.failed) == ((), None)
    secret = seen.named("orders/staging/db")
    assert secret.attributes == {"rotation_enabled": False}
    assert secret.tags == {"team": "orders"}
    assert "canary" not in repr(seen)
    assert with_values.named("orders/staging/db").attributes["value"] == {"password": "canary"}


def test_a_secret_is_found_by_its_arn_with_and_without_the_generated_suffix() -> None:
    """Task definitions refer to both forms."""
    with stand({"secretsmanager.ListSecrets": {"SecretList": [_secret("orders/db")]}}) as server:
        secret = read("aws.secretsmanager.secret", server.endpoint_url).resources[0]
    assert secret.refs == (f"{PREFIX}orders/db-a1B2c3", f"{PREFIX}orders/db")


def test_a_secret_that_cloudformation_named_goes_by_its_stack_and_logical_id() -> None:
    """The twelve characters behind it differ in every environment; what refers to the full name still finds it."""
    tags = [
        {"Key": "aws:cloudformation:stack-name", "Value": "orders-staging"},
        {"Key": "aws:cloudformation:logical-id", "Value": "DbSecret"},
    ]
    listed = [_secret("DbSecret-1aB2cD3eF4gH", Tags=tags), _secret("DbSecret-blue", Tags=tags)]
    with stand({"secretsmanager.ListSecrets": {"SecretList": listed}}) as server:
        seen = read("aws.secretsmanager.secret", server.endpoint_url)
    assert seen.identities == ["orders-staging-DbSecret", "DbSecret-blue"]
    assert "DbSecret-1aB2cD3eF4gH" in seen.resources[0].refs


def test_each_key_of_a_json_secret_is_a_secret_of_its_own() -> None:
    """Keys are kept as written, other values stay whole, and a secret without a value says so."""
    values = {
        "object": {"SecretString": json.dumps({"dbPassword": "canary-1", "PORT": 5432})},
        "text": {"SecretString": "{not json"},
        "binary": {"SecretBinary": b"canary-2"},
        "empty": Refusal("ResourceNotFoundException"),
    }
    answers = {
        "secretsmanager.ListSecrets": {"SecretList": [_secret(name) for name in values]},
        "secretsmanager.GetSecretValue": lambda asked: values[asked["SecretId"].removeprefix(PREFIX)[:-7]],
    }
    with stand(answers) as server:
        seen = read("aws.secretsmanager.secret", server.endpoint_url, read_secret_values=True)
    assert seen.gaps == ()
    assert {each.identity: each.attributes["value"] for each in seen.resources} == {
        "object": {"dbPassword": "canary-1", "PORT": 5432},
        "text": "{not json",
        "binary": "Y2FuYXJ5LTI=",
        "empty": None,
    }
    assert declared("aws.secretsmanager.secret").secret == ("value", "value.**")


def test_a_value_that_may_not_be_read_is_a_gap_of_that_secret() -> None:
    """The secret itself is there, and so are its neighbours' values."""
    answers = {
        "secretsmanager.ListSecrets": {"SecretList": [_secret("a"), _secret("b")]},
        "secretsmanager.GetSecretValue": lambda asked: DENIED if ":a-" in asked["SecretId"] else {"SecretString": "v"},
    }
    with stand(answers) as server:
        seen = read("aws.secretsmanager.secret", server.endpoint_url, read_secret_values=True)
    assert seen.identities == ["a", "b"]
    assert [(gap.resource, gap.attribute, gap.reason) for gap in seen.gaps] == [("a", "value", "access_denied")]
    assert seen.named("b").attributes["value"] == "v"


def test_reading_values_is_asked_of_iam_only_when_the_option_is_on() -> None:
    """The generated policy holds no more than the enabled options need."""
    plain = AwsCollector().permissions_for(AwsOptions(services=("secretsmanager",), cloudtrail=False))
    assert plain == ("secretsmanager:ListSecrets",)
    chosen = AwsCollector().permissions_for(
        AwsOptions(services=("secretsmanager",), cloudtrail=False, read_secret_values=True)
    )
    assert set(chosen) - set(plain) == {"secretsmanager:GetSecretValue", "kms:Decrypt"}


@pytest.mark.skipif(not RECORDED, reason="the recordings of AWS answers are not beside the repository")
@pytest.mark.parametrize("recorded", RECORDED, ids=str)
def test_a_recorded_listing_loses_nothing_that_is_not_declared(recorded: Recording) -> None:
    """Every leaf of a secret that people made is there; secrets that a service of AWS made up are left out."""
    with stand({recorded.operation: recorded.data}) as server:
        seen = read("aws.secretsmanager.secret", server.endpoint_url)
    assert (seen.gaps, seen.failed) == ((), None)
    own = [item for item in recorded.data["SecretList"] if not item.get("OwningService")]
    assert seen.identities == [item["Name"] for item in own]
    for item in own:
        assert lost(declared("aws.secretsmanager.secret"), item, seen.named(item["Name"])) == []
