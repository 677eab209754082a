"""Batch: compute environments, job queues, job definitions."""

from __future__ import annotations

from typing import Any

from auditor.deployed import deployed
from tests.collectors.aws.canned import canned, told


def _definition(revision: int, **container: Any) -> dict[str, Any]:
    return {
        "jobDefinitionName": "invoices",
        "jobDefinitionArn": f"arn:aws:batch:eu-west-1:111111111111:job-definition/invoices:{revision}",
        "revision": revision,
        "status": "ACTIVE",
        "type": "container",
        "containerProperties": container,
    }


def test_of_a_job_definition_the_latest_active_revision_counts() -> None:
    """Variables and secrets are maps; what it asks for is told one way, however it was registered."""
    latest = _definition(
        10,
        image="acme/invoices:1.4.0",
        environment=[{"name": "MODE", "value": "full"}],
        secrets=[{"name": "DB_PASSWORD", "valueFrom": "arn:aws:ssm:eu-west-1:111111111111:parameter/db"}],
        resourceRequirements=[{"type": "VCPU", "value": "2"}, {"type": "MEMORY", "value": "4096"}],
    )
    older = _definition(9, image="acme/invoices:1.3.0", vcpus=2, memory=4096)
    asked: list[Any] = []

    def listed(parameters: Any) -> dict[str, Any]:
        asked.append(parameters["status"])
        return {"jobDefinitions": [older, latest]}

    (seen,) = canned("aws.batch.job_definition", {"DescribeJobDefinitions": listed}).resources
    assert (seen.identity, seen.component, asked) == ("invoices", "invoices", ["ACTIVE"])
    assert [(row.component, row.version) for row in deployed([seen])] == [("invoices", "1.4.0")]
    assert "arn:aws:batch:eu-west-1:111111111111:job-definition/invoices" in seen.refs
    needs = {"cpu": "2", "memory": "4096"}
    assert seen.attributes == {
        "type": "container",
        "container_properties": {
            "image": "acme/invoices:1.4.0",
            "environment": {"MODE": "full"},
            "secrets": {"DB_PASSWORD": "arn:aws:ssm:eu-west-1:111111111111:parameter/db"},
            "resource_requirements": needs,
        },
    }
    before = told("aws.batch.job_definition", {"DescribeJobDefinitions": {"jobDefinitions": [older]}})
    assert before["container_properties"]["resource_requirements"] == needs


def test_a_queue_tries_its_compute_environments_in_an_order() -> None:
    """By name, under their place."""
    order = [
        {"order": 2, "computeEnvironment": "arn:aws:batch:eu-west-1:111111111111:compute-environment/spot"},
        {"order": 1, "computeEnvironment": "arn:aws:batch:eu-west-1:111111111111:compute-environment/steady"},
    ]
    queue = {"jobQueueName": "nightly", "state": "ENABLED", "priority": 1, "computeEnvironmentOrder": order}
    assert told("aws.batch.job_queue", {"DescribeJobQueues": {"jobQueues": [queue]}}) == {
        "state": "ENABLED",
        "priority": 1,
        "compute_environments": {"1": "steady", "2": "spot"},
    }


def test_how_many_vcpus_run_is_no_setting_of_a_compute_environment() -> None:
    """Limits are."""
    environment = {
        "computeEnvironmentName": "steady",
        "ecsClusterArn": "arn:aws:ecs:eu-west-1:111111111111:cluster/steady_Batch_1a2b",
        "uuid": "1a2b",
        "computeResources": {"type": "EC2", "minvCpus": 0, "maxvCpus": 64, "desiredvCpus": 12},
    }
    answers = {"DescribeComputeEnvironments": {"computeEnvironments": [environment]}}
    assert told("aws.batch.compute_environment", answers) == {
        "compute_resources": {"type": "EC2", "minv_cpus": 0, "maxv_cpus": 64}
    }
