"""AppConfig, CodePipeline, CodeBuild, CloudFormation and application auto scaling: what is delivered, and how."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from auditor.redact import Redactor
from tests.collectors.aws.canned import canned, told
from tests.collectors.aws.reading import declared
from tests.collectors.aws.recordings import Refusal
from tests.collectors.aws.verdicts import verdicts

WHEN = datetime(2026, 11, 1, tzinfo=UTC)


def _appconfig(env: str, *, checkout: bool = True) -> dict[str, Any]:
    def content(asked: Mapping[str, Any]) -> Any:
        flags = {"version": "1", "values": {"checkout": {"enabled": checkout}}}
        body = json.dumps(flags).encode()
        assert (asked["ConfigurationProfileId"], asked["VersionNumber"]) == ("p1", 7)
        return {"Content": body, "ContentType": "application/json"}

    deployments = [
        {"DeploymentNumber": 9, "ConfigurationName": "flags", "State": "ROLLED_BACK", "ConfigurationVersion": "8"},
        {
            "DeploymentNumber": 8,
            "ConfigurationName": "flags",
            "ConfigurationProfileId": "p1",
            "State": "COMPLETE",
            "ConfigurationVersion": "7",
            "CompletedAt": WHEN,
        },
        {"DeploymentNumber": 7, "ConfigurationName": "flags", "State": "COMPLETE", "ConfigurationVersion": "6"},
    ]
    return {
        "ListApplications": {"Items": [{"Id": f"{env}app", "Name": "shop"}]},
        "ListEnvironments": {
            "Items": [{"ApplicationId": f"{env}app", "Id": f"{env}id", "Name": env, "State": "ReadyForDeployment"}]
        },
        "ListDeployments": {"Items": deployments},
        "GetHostedConfigurationVersion": content,
        "ListTagsForResource": {"Tags": {}},
    }


def test_an_appconfig_environment_says_what_its_deployed_configuration_says() -> None:
    """The last deployment that came through counts; a flag that differs is one finding, and a twin has none."""
    (left,) = canned("aws.appconfig.environment", _appconfig("staging")).resources
    assert left.identity == "shop/staging"
    assert left.attributes["deployed"]["flags"]["content"]["values"] == {"checkout": {"enabled": True}}
    assert verdicts([left], canned("aws.appconfig.environment", _appconfig("prod")).resources) == set()
    changed = canned("aws.appconfig.environment", _appconfig("prod", checkout=False)).resources
    assert {(path, severity) for _, path, severity in verdicts([left], changed)} == {
        ("deployed.flags.content.values.checkout.enabled", "medium")
    }


def test_a_configuration_that_may_not_be_read_is_a_gap_of_the_environment() -> None:
    """What is deployed is unknown then, not nothing."""
    seen = canned(
        "aws.appconfig.environment",
        {**_appconfig("staging"), "GetHostedConfigurationVersion": Refusal("AccessDeniedException", 403)},
    )
    assert [(gap.resource, gap.attribute) for gap in seen.gaps] == [("shop/staging", "deployed")]
    assert "deployed" not in seen.resources[0].attributes


def _pipeline(env: str, *stages: str) -> dict[str, Any]:
    def stage(name: str) -> dict[str, Any]:
        done = {"category": "Build", "owner": "AWS", "provider": "CodeBuild", "version": "1"}
        action = {"name": f"{name}-it", "actionTypeId": done, "configuration": {"ProjectName": f"orders-{env}"}}
        return {"name": name, "actions": [{**action, "inputArtifacts": [{"name": "src"}]}]}

    found = {"name": f"orders-{env}", "version": len(env), "stages": [stage(name) for name in stages]}
    store = {"type": "S3", "location": f"codepipeline-eu-west-1-{len(env)}12345"}
    return {
        "ListPipelines": {"pipelines": [{"name": found["name"]}]},
        "GetPipeline": {"pipeline": {**found, "artifactStore": store}},
        "ListTagsForResource": {"tags": []},
    }


def test_a_pipeline_is_its_steps_and_production_may_ask_a_person() -> None:
    """Versions and buckets of artifacts are no drift; a test that production leaves out is more than a note."""
    (left,) = canned("aws.codepipeline.pipeline", _pipeline("staging", "Source", "Test", "Deploy")).resources
    assert left.attributes["stages"][1]["actions"][0]["type"] == "Build/AWS/CodeBuild/1"

    def told_of(*stages: str) -> set[tuple[str, str]]:
        right = canned("aws.codepipeline.pipeline", _pipeline("prod", *stages)).resources
        return {(path, severity) for _, path, severity in verdicts([left], right)}

    assert told_of("Source", "Test", "Deploy") == set()
    assert told_of("Source", "Test", "Approve", "Deploy") == {
        ("stages.Approve.actions", "info"),
        ("stage_order", "info"),
    }
    assert told_of("Source", "Deploy") == {("stages.Test.actions", "medium"), ("stage_order", "info")}
    assert told_of("Source", "Deploy", "Test") == {("stage_order", "low")}


def test_a_build_project_keeps_no_secret_of_its_variables_and_hooks() -> None:
    """A password among plain variables is fingerprinted; where others are kept stays readable; a web hook is what it heeds."""
    variables = [
        {"name": "MODE", "value": "full", "type": "PLAINTEXT"},
        {"name": "DB_PASSWORD", "value": "hunter2", "type": "PLAINTEXT"},
        {"name": "API_TOKEN", "value": "orders/api:token", "type": "SECRETS_MANAGER"},
    ]
    heeded = [
        {"type": "EVENT", "pattern": "PUSH"},
        {"type": "HEAD_REF", "pattern": "main", "excludeMatchedPattern": True},
    ]
    project = {
        "name": "orders",
        "arn": "arn:aws:codebuild:eu-west-1:1:project/orders",
        "source": {"type": "GITHUB", "auth": {"type": "OAUTH", "resource": "t0p"}},
        "environment": {"image": "aws/codebuild/standard:7.0", "environmentVariables": variables},
        "webhook": {"payloadUrl": "https://hooks.example/t0p-s3cr3t", "secret": "s3cr3t", "filterGroups": [heeded]},
    }
    answers = {"ListProjects": {"projects": ["orders"]}, "BatchGetProjects": {"projects": [project]}}
    (found,) = canned("aws.codebuild.project", answers).resources
    safe = Redactor(b"k" * 32).resource(found, declared("aws.codebuild.project")).attributes
    assert safe["environment"]["variables"]["MODE"] == "full"
    assert safe["environment"]["variables"]["DB_PASSWORD"].startswith("{secret:")
    assert safe["environment"]["secrets"] == {"API_TOKEN": "orders/api:token"}
    assert safe["webhook"] == {"filter_groups": ["EVENT is PUSH and HEAD_REF is not main"]}
    assert not [word for word in ("hunter2", "s3cr3t", "t0p") if word in json.dumps(safe)]


def _stack(
    env: str, *, template: str = "Queue: orders-{env} in 111122223333", drift: str = "IN_SYNC"
) -> dict[str, Any]:
    stack = {
        "StackName": f"orders-{env}",
        "StackId": f"arn:aws:cloudformation:eu-west-1:1:stack/orders-{env}/{len(env)}",
        "CreationTime": WHEN,
        "StackStatus": "UPDATE_COMPLETE",
        "Parameters": [{"ParameterKey": "Mode", "ParameterValue": "ref", "ResolvedValue": "full"}],
        "Outputs": [{"OutputKey": "Url", "OutputValue": f"https://{env}.acme.example"}],
        "DriftInformation": {"StackDriftStatus": drift},
    }
    listed = [
        {
            "LogicalResourceId": "Queue",
            "ResourceType": "AWS::SQS::Queue",
            "LastUpdatedTimestamp": WHEN,
            "ResourceStatus": "x",
        }
    ]
    return {
        "DescribeStacks": {"Stacks": [stack]},
        "GetTemplate": {"TemplateBody": template.replace("{env}", "Staging")},
        "ListStackResources": {"StackResourceSummaries": listed},
    }


def test_a_stack_is_its_parameters_its_template_and_whether_it_was_changed_by_hand() -> None:
    """Accounts and the environment's name are no part of the digest; outputs are named, not told; drift counts in production."""
    stack = told("aws.cloudformation.stack", _stack("staging"))
    assert (stack["parameters"], stack["outputs"], stack["resources"]) == (
        {"Mode": "full"},
        ["Url"],
        {"AWS::SQS::Queue": 1},
    )
    other = told("aws.cloudformation.stack", _stack("staging", template="Queue: orders-STAGING in 444455556666 \n"))
    assert stack["template_digest"] == other["template_digest"]
    left = canned("aws.cloudformation.stack", _stack("staging")).resources
    assert verdicts(left, canned("aws.cloudformation.stack", _stack("prod")).resources) == set()
    changed = canned("aws.cloudformation.stack", _stack("prod", template="Topic", drift="DRIFTED")).resources
    assert {(path, severity) for _, path, severity in verdicts(left, changed)} == {
        ("template_digest", "medium"),
        ("drifted", "medium"),
    }


def test_every_namespace_is_asked_for_what_scales() -> None:
    """The API lists one service at a time; a target comes with its policies, without their alarms."""
    target = {
        "ServiceNamespace": "ecs",
        "ResourceId": "service/shop/orders",
        "ScalableDimension": "ecs:service:DesiredCount",
        "MinCapacity": 1,
        "MaxCapacity": 4,
        "RoleARN": "arn:aws:iam::1:role/scaling",
        "CreationTime": WHEN,
    }
    policy = {
        "PolicyName": "cpu",
        "PolicyARN": "arn:aws:autoscaling:eu-west-1:1:scalingPolicy:1a:policyName/cpu",
        "ServiceNamespace": "ecs",
        "ResourceId": "service/shop/orders",
        "ScalableDimension": "ecs:service:DesiredCount",
        "PolicyType": "TargetTrackingScaling",
        "CreationTime": WHEN,
        "Alarms": [{"AlarmName": "TargetTracking-1a", "AlarmARN": "arn:aws:cloudwatch:eu-west-1:1:alarm:x"}],
    }
    asked = []

    def targets(parameters: Mapping[str, Any]) -> Any:
        asked.append(parameters["ServiceNamespace"])
        return {"ScalableTargets": [target] if asked[-1] == "ecs" else []}

    answers = {
        "DescribeScalableTargets": targets,
        "DescribeScalingPolicies": {"ScalingPolicies": [policy]},
        "DescribeScheduledActions": {"ScheduledActions": []},
    }
    found = told("aws.applicationautoscaling.scalable_target", answers)
    assert {"ecs", "dynamodb", "lambda", "rds"} <= set(asked)
    assert len(asked) == len(set(asked))
    assert found["policies"] == [{"policy_name": "cpu", "policy_type": "TargetTrackingScaling"}]
    assert (found["min_capacity"], found["max_capacity"]) == (1, 4)
