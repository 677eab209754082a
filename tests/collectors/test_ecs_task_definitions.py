"""A task definition reads the same from the API and from the file that it was registered from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from auditor.errors import CollectError
from auditor.model import Resource
from auditor.redact import Redactor
from collectors._ecs import TASK_DEFINITION, family, tags, task_definition
from tests.collectors.aws.recordings import Recording, recordings

REALPAIRS = Path(__file__).resolve().parents[2].parent / "shared" / "realpairs"

FILE: dict[str, Any] = {
    "family": "orders",
    "networkMode": "awsvpc",
    "requiresCompatibilities": ["FARGATE"],
    "cpu": "0.5 vCPU",
    "memory": "1 GB",
    "containerDefinitions": [
        {
            "name": "app",
            "image": "111122223333.dkr.ecr.eu-west-1.amazonaws.com/orders:1.4.2",
            "portMappings": [{"containerPort": 8080}],
            "environment": [{"name": "LOG_LEVEL", "value": "info"}, {"name": "myCamelKey", "value": "1"}],
            "secrets": [{"name": "DB_PASSWORD", "valueFrom": "/orders/staging/db/password"}],
            "environmentFiles": [{"value": "arn:aws:s3:::conf/app.env"}],
            "ulimits": [{"name": "nofile", "softLimit": 1024, "hardLimit": 4096}],
            "mountPoints": [{"sourceVolume": "data", "containerPath": "/data"}],
            "dependsOn": [{"containerName": "proxy", "condition": "HEALTHY"}],
            "healthCheck": {"command": ["CMD-SHELL", "curl -f localhost"]},
            "dockerLabels": {"com.acme.Team": "orders"},
            "logConfiguration": {
                "logDriver": "awslogs",
                "options": {"awslogs-group": "/ecs/orders", "awslogs-createGroup": "true"},
            },
        },
        {"name": "proxy", "image": "envoy:1.31", "essential": False},
    ],
    "volumes": [{"name": "data", "efsVolumeConfiguration": {"fileSystemId": "fs-1"}}, {"name": "scratch"}],
    "tags": [{"key": "team", "value": "orders"}],
}

LIVE: dict[str, Any] = {
    "taskDefinition": {
        "taskDefinitionArn": "arn:aws:ecs:eu-west-1:111122223333:task-definition/orders:7",
        "family": "orders",
        "revision": 7,
        "status": "ACTIVE",
        "requiresAttributes": [{"name": "ecs.capability.task-eni"}],
        "compatibilities": ["EC2", "FARGATE"],
        "registeredAt": "2026-11-01T00:00:00Z",
        "registeredBy": "arn:aws:iam::111122223333:user/ci",
        "networkMode": "awsvpc",
        "requiresCompatibilities": ["FARGATE"],
        "placementConstraints": [],
        "cpu": "512",
        "memory": "1024",
        "containerDefinitions": [
            {
                "name": "proxy",
                "image": "envoy:1.31",
                "cpu": 0,
                "essential": False,
                "portMappings": [],
                "environment": [],
                "mountPoints": [],
                "volumesFrom": [],
                "systemControls": [],
            },
            {
                "name": "app",
                "image": "111122223333.dkr.ecr.eu-west-1.amazonaws.com/orders:1.4.2",
                "cpu": 0,
                "essential": True,
                "portMappings": [{"containerPort": 8080, "hostPort": 8080, "protocol": "tcp"}],
                "environment": [{"name": "myCamelKey", "value": "1"}, {"name": "LOG_LEVEL", "value": "info"}],
                "secrets": [{"name": "DB_PASSWORD", "valueFrom": "/orders/staging/db/password"}],
                "environmentFiles": [{"value": "arn:aws:s3:::conf/app.env", "type": "s3"}],
                "ulimits": [{"name": "nofile", "softLimit": 1024, "hardLimit": 4096}],
                "mountPoints": [{"sourceVolume": "data", "containerPath": "/data", "readOnly": False}],
                "dependsOn": [{"containerName": "proxy", "condition": "HEALTHY"}],
                "volumesFrom": [],
                "healthCheck": {
                    "command": ["CMD-SHELL", "curl -f localhost"],
                    "interval": 30,
                    "timeout": 5,
                    "retries": 3,
                },
                "dockerLabels": {"com.acme.Team": "orders"},
                "logConfiguration": {
                    "logDriver": "awslogs",
                    "options": {"awslogs-group": "/ecs/orders", "awslogs-createGroup": "true"},
                    "secretOptions": [],
                },
            },
        ],
        "volumes": [
            {"name": "scratch", "host": {}},
            {
                "name": "data",
                "efsVolumeConfiguration": {
                    "fileSystemId": "fs-1",
                    "rootDirectory": "/",
                    "transitEncryption": "DISABLED",
                },
            },
        ],
    },
    "tags": [{"key": "team", "value": "orders"}],
}


def test_a_file_and_the_revision_registered_from_it_give_equal_attributes() -> None:
    """What the API fills in, and the order that it answers in, make no difference."""
    assert task_definition(FILE) == task_definition(LIVE)
    assert family(FILE) == family(LIVE) == "orders"
    assert tags(FILE) == tags(LIVE) == {"team": "orders"}


def test_the_attributes_are_maps_keyed_by_what_people_call_things() -> None:
    """The document in full: schema keys in snake case, names and options as they were written."""
    app = task_definition(FILE)["container_definitions"]["app"]
    assert app == {
        "image": "111122223333.dkr.ecr.eu-west-1.amazonaws.com/orders:1.4.2",
        "essential": True,
        "cpu": 0,
        "privileged": False,
        "readonly_root_filesystem": False,
        "pseudo_terminal": False,
        "interactive": False,
        "disable_networking": False,
        "port_mappings": {"8080/tcp": {"container_port": 8080, "host_port": 8080, "protocol": "tcp"}},
        "environment": {"LOG_LEVEL": "info", "myCamelKey": "1"},
        "secrets": {"DB_PASSWORD": "/orders/staging/db/password"},
        "environment_files": [{"type": "s3", "value": "arn:aws:s3:::conf/app.env"}],
        "ulimits": {"nofile": {"soft_limit": 1024, "hard_limit": 4096}},
        "mount_points": {"/data": {"source_volume": "data", "read_only": False}},
        "depends_on": {"proxy": "HEALTHY"},
        "health_check": {"command": ["CMD-SHELL", "curl -f localhost"], "interval": 30, "timeout": 5, "retries": 3},
        "docker_labels": {"com.acme.Team": "orders"},
        "log_configuration": {
            "log_driver": "awslogs",
            "options": {"awslogs-group": "/ecs/orders", "awslogs-createGroup": "true"},
        },
    }
    assert task_definition(FILE)["volumes"]["scratch"] == {}
    assert (task_definition(FILE)["cpu"], task_definition(FILE)["memory"]) == (512, 1024)


def test_a_port_without_a_host_port_is_dynamic_on_a_bridge() -> None:
    """Outside of awsvpc and host networks the host's port is chosen at run time, which the API writes as 0."""
    body = {"containerDefinitions": [{"name": "app", "portMappings": [{"containerPort": 80, "protocol": "udp"}]}]}
    attributes = task_definition(body)
    assert attributes["network_mode"] == "bridge"
    assert attributes["container_definitions"]["app"]["port_mappings"]["80/udp"]["host_port"] == 0


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({"family": "orders"}, "containerDefinitions"),
        ({"containerDefinitions": {"name": "app"}}, "containerDefinitions"),
        ({"containerDefinitions": [{"image": "app:1"}]}, "has no name"),
        ({"containerDefinitions": ["app"]}, "not a list of objects"),
        ({"containerDefinitions": [{"name": "app", "portMappings": [{"hostPort": 1}]}]}, "container port"),
    ],
)
def test_what_is_no_task_definition_is_called_malformed(body: dict[str, Any], named: str) -> None:
    """A wrong shape is an error with a name, never a crash or half a document."""
    with pytest.raises(CollectError, match=named) as caught:
        task_definition(body)
    assert caught.value.reason == "malformed"


def test_where_a_secret_is_kept_stays_readable_and_a_secret_itself_does_not() -> None:
    """A reference is what two environments are compared by; a password written into the file leaves as a fingerprint."""
    container = {
        "name": "app",
        "environment": [{"name": "SMTP_PASSWORD", "value": "canary"}],
        "secrets": [{"name": "DB_PASSWORD", "valueFrom": "rabbit-prod-password"}],
        "repositoryCredentials": {"credentialsParameter": "registry-prod-password"},
    }
    redactor = Redactor(b"k" * 32)
    attributes = task_definition({"containerDefinitions": [container]})
    shown = redactor.resource(Resource(TASK_DEFINITION.name, "orders", attributes), TASK_DEFINITION).attributes
    app = shown["container_definitions"]["app"]
    assert app["secrets"] == {"DB_PASSWORD": "rabbit-prod-password"}
    assert app["repository_credentials"] == {"credentials_parameter": "registry-prod-password"}
    assert app["environment"] == {"SMTP_PASSWORD": redactor.marker("canary")}


RECORDED = recordings("ecs.DescribeTaskDefinition")


@pytest.mark.skipif(not RECORDED, reason="the recordings of AWS answers are not beside the repository")
@pytest.mark.parametrize("recorded", RECORDED, ids=str)
def test_a_recorded_task_definition_loses_nothing(recorded: Recording) -> None:
    """Environment, secrets, image and sizes of the recorded answer are all there."""
    body = recorded.data["taskDefinition"]
    attributes = task_definition(recorded.data)
    assert str(attributes["cpu"]) == body["cpu"]
    assert attributes["task_role_arn"] == body["taskRoleArn"]
    for container in body["containerDefinitions"]:
        seen = attributes["container_definitions"][container["name"]]
        assert seen["image"] == container["image"]
        assert seen["environment"] == {item["name"]: item["value"] for item in container["environment"]}
        assert seen["secrets"] == {item["name"]: item["valueFrom"] for item in container["secrets"]}
        assert seen["log_configuration"]["options"] == container["logConfiguration"]["options"]
    assert not {"revision", "status", "registered_at", "task_definition_arn"} & attributes.keys()


FILES = sorted(REALPAIRS.glob("*/*/task-definition.json"))


@pytest.mark.skipif(not FILES, reason="the real pairs are not beside the repository")
@pytest.mark.parametrize("path", FILES, ids=lambda path: "/".join(path.parts[-3:-1]))
def test_a_real_file_of_a_repository_is_read_whole(path: Path) -> None:
    """Every variable and every secret reference of the file is an attribute under its own name."""
    document = json.loads(path.read_text())
    attributes = task_definition(document)
    for container in document["containerDefinitions"]:
        seen = attributes["container_definitions"][container["name"]]
        assert set(seen["environment"]) == {item["name"] for item in container["environment"]}
        assert set(seen["secrets"]) == {item["name"] for item in container["secrets"]}
    assert attributes["requires_compatibilities"] == ["FARGATE"]


def test_every_map_that_is_keyed_by_names_is_declared_verbatim() -> None:
    """Keys that are data are matched as written: the declaration must name their maps."""
    app = task_definition(FILE)["container_definitions"]["app"]
    for name in ("environment", "secrets", "port_mappings", "ulimits", "mount_points", "depends_on", "docker_labels"):
        assert f"container_definitions.*.{name}" in TASK_DEFINITION.verbatim
        assert name in app
