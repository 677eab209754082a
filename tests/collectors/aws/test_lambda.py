"""Lambda: functions, the digest of their code, and which code each alias stands for."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from typing import Any

import pytest

from tests.collectors.aws.reading import client, declared, lost, moto, read
from tests.collectors.aws.recordings import DENIED, Recording, recordings, stand

RECORDED = recordings("lambda.ListFunctions")
PREFIX = "arn:aws:lambda:eu-west-1:111122223333:function:"


def _zip(text: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(zipfile.ZipInfo("app.py"), text)
    return packed.getvalue()


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """A moto account: one function whose alias `live` stays behind the code that was uploaded last."""
    with moto() as url:
        role = client("iam", url).create_role(RoleName="fn", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
        functions = client("lambda", url)
        functions.create_function(
            FunctionName="resize-staging",
            Runtime="python3.12",
            Role=role,
            Handler="app.handler",
            Code={"ZipFile": _zip("print(1)")},
            MemorySize=512,
            Timeout=30,
            Environment={"Variables": {"LOG_LEVEL": "info", "myCamelKey": "1"}},
            Tags={"team": "media"},
            Publish=True,
        )
        functions.create_alias(FunctionName="resize-staging", Name="live", FunctionVersion="1")
        functions.update_function_code(FunctionName="resize-staging", ZipFile=_zip("print(2)"))
        functions.put_function_concurrency(FunctionName="resize-staging", ReservedConcurrentExecutions=5)
        yield url


def test_a_function_is_its_settings_its_code_and_its_variables(server: str) -> None:
    """Variables keep their names, reserved concurrency and tags come from calls of their own."""
    seen = read("aws.lambda.function", server)
    function = seen.named("resize-staging")
    assert (seen.gaps, seen.failed) == ((), None)
    assert function.attributes["runtime"] == "python3.12"
    assert function.attributes["memory_size"] == 512
    assert function.attributes["environment"] == {"LOG_LEVEL": "info", "myCamelKey": "1"}
    assert function.attributes["reserved_concurrent_executions"] == 5
    assert function.attributes["architectures"] == ["x86_64"]
    assert function.tags == {"team": "media"}
    gone = {"last_modified", "revision_id", "version", "function_arn", "state", "last_update_status", "code_size"}
    assert not gone & function.attributes.keys()
    assert "image_uri" not in function.attributes


def test_an_alias_stands_for_the_code_of_its_version_not_for_the_latest(server: str) -> None:
    """What was uploaded since is not what the alias runs; the version's number is kept, and not compared."""
    attributes = read("aws.lambda.function", server).named("resize-staging").attributes
    assert attributes["aliases"]["live"]["version"] == "1"
    assert attributes["aliases"]["live"]["code_sha256"] not in (None, attributes["code_sha256"])
    assert "aliases.*.version" in declared("aws.lambda.function").volatile


def _function(**other: Any) -> dict[str, Any]:
    return {"FunctionName": "fn", "FunctionArn": f"{PREFIX}fn", "CodeSha256": "new", "Version": "$LATEST", **other}


def _account(function: dict[str, Any], **other: Any) -> dict[str, Any]:
    return {
        "lambda.ListFunctions": {"Functions": [function]},
        "lambda.ListAliases": {"Aliases": []},
        "lambda.GetFunctionConcurrency": {},
        "lambda.ListTags": {"Tags": {}},
        **other,
    }


def test_aliases_that_may_not_be_listed_are_a_gap_and_the_function_stays() -> None:
    """The gap names function and attribute; everything else was read."""
    with stand(_account(_function(), **{"lambda.ListAliases": DENIED})) as server:
        seen = read("aws.lambda.function", server.endpoint_url)
    assert [(gap.resource, gap.attribute, gap.reason) for gap in seen.gaps] == [("fn", "aliases", "access_denied")]
    assert "lambda:ListAliases" in seen.gaps[0].detail
    assert "aliases" not in seen.named("fn").attributes
    assert seen.named("fn").attributes["code_sha256"] == "new"
    assert seen.named("fn").attributes["reserved_concurrent_executions"] is None


def test_an_alias_that_shifts_traffic_tells_both_codes() -> None:
    """A canary release in flight is a difference, and the code that it shifts to is named by its digest."""
    alias = {
        "Name": "live",
        "FunctionVersion": "7",
        "RoutingConfig": {"AdditionalVersionWeights": {"8": 0.1}},
    }
    versions = [_function(), _function(Version="7", CodeSha256="old"), _function(Version="8", CodeSha256="next")]
    answers = {"lambda.ListAliases": {"Aliases": [alias]}, "lambda.ListVersionsByFunction": {"Versions": versions}}
    with stand(_account(_function(), **answers)) as server:
        seen = read("aws.lambda.function", server.endpoint_url)
    assert seen.named("fn").attributes["aliases"] == {
        "live": {"version": "7", "code_sha256": "old", "also": [{"code_sha256": "next", "weight": 0.1}]}
    }


def test_layers_are_names_with_versions_and_images_are_asked_for() -> None:
    """A layer's account and region are no part of what it is called; only a function from an image has one."""
    function = _function(
        PackageType="Image",
        Layers=[{"Arn": "arn:aws:lambda:eu-west-1:464622532012:layer:Datadog-Extension:65", "CodeSize": 1}],
        ImageConfigResponse={"ImageConfig": {"Command": ["app.handler", "-v"]}},
        VpcConfig={"SubnetIds": ["subnet-1"], "SecurityGroupIds": ["sg-1"], "VpcId": "vpc-1"},
    )
    answers = {"lambda.GetFunction": {"Code": {"ImageUri": "111122223333.dkr.ecr.eu-west-1.amazonaws.com/fn:3"}}}
    with stand(_account(function, **answers)) as server:
        attributes = read("aws.lambda.function", server.endpoint_url).named("fn").attributes
    assert attributes["layers"] == {"Datadog-Extension": 65}
    assert attributes["image_uri"] == "111122223333.dkr.ecr.eu-west-1.amazonaws.com/fn:3"
    assert attributes["image_config"] == {"command": ["app.handler", "-v"]}
    assert attributes["vpc_config"] == {"subnet_ids": ["subnet-1"], "security_group_ids": ["sg-1"]}


def test_variables_that_lambda_could_not_decrypt_for_us_are_a_gap() -> None:
    """Lambda lists such a function with an error in place of its variables: that is not a function without any."""
    function = _function(Environment={"Error": {"ErrorCode": "AccessDeniedException", "Message": "kms"}})
    with stand(_account(function)) as server:
        seen = read("aws.lambda.function", server.endpoint_url)
    assert [(gap.resource, gap.attribute, gap.reason) for gap in seen.gaps] == [("fn", "environment", "access_denied")]
    assert "environment" not in seen.named("fn").attributes


@pytest.mark.skipif(not RECORDED, reason="the recordings of AWS answers are not beside the repository")
@pytest.mark.parametrize("recorded", RECORDED, ids=str)
def test_a_recorded_function_loses_nothing_that_is_not_declared(recorded: Recording) -> None:
    """Every leaf of a real answer is an attribute, a handle, or named in the declaration as dropped."""
    answers = _account({}, **{recorded.operation: recorded.data})
    with stand(answers) as server:
        seen = read("aws.lambda.function", server.endpoint_url)
    assert (seen.gaps, seen.failed) == ((), None)
    for item in recorded.data["Functions"]:
        assert lost(declared("aws.lambda.function"), item, seen.named(item["FunctionName"])) == []
