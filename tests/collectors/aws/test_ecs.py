"""ECS: clusters, services, and the task definitions that run."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from auditor.model import Kind, Resource
from collectors._ecs import TASK_DEFINITION, task_definition
from tests.collectors.aws.reading import client, declared, lost, moto, read
from tests.collectors.aws.recordings import DENIED, Recording, recordings, stand
from tests.collectors.aws.verdicts import verdicts

SERVICES = recordings("ecs.DescribeServices")
TASK_DEFINITIONS = recordings("ecs.DescribeTaskDefinition")
NOT_AT_HAND = "the recordings of AWS answers are not beside the repository"
PREFIX = "arn:aws:ecs:eu-west-1:111122223333:"


def _register(ecs: Any, family: str, tag: str) -> None:
    ecs.register_task_definition(
        family=family,
        networkMode="awsvpc",
        requiresCompatibilities=["FARGATE"],
        cpu="256",
        memory="512",
        containerDefinitions=[
            {
                "name": "app",
                "image": f"acme/{family}:{tag}",
                "portMappings": [{"containerPort": 8080}],
                "environment": [{"name": "LOG_LEVEL", "value": "info"}],
                "secrets": [{"name": "DB_PASSWORD", "valueFrom": "/orders/staging/db/password"}],
            }
        ],
    )


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """A moto account: a service that runs revision 2 of three, and a family that no service runs."""
    with moto() as url:
        ecs = client("ecs", url)
        ecs.create_cluster(clusterName="staging", settings=[{"name": "containerInsights", "value": "enabled"}])
        for tag in ("1.0", "1.1", "2.0"):
            _register(ecs, "orders", tag)
        _register(ecs, "nightly", "7")
        _register(ecs, "nightly", "8")
        ecs.create_service(
            cluster="staging",
            serviceName="orders-api",
            taskDefinition="orders:2",
            desiredCount=3,
            launchType="FARGATE",
            tags=[{"key": "team", "value": "orders"}],
        )
        yield url


def test_a_cluster_is_its_settings_and_not_its_counters(server: str) -> None:
    """How many tasks run now says nothing about parity; whether container insights are on does."""
    cluster = read("aws.ecs.cluster", server).named("staging")
    assert cluster.attributes["settings"] == [{"name": "containerInsights", "value": "enabled"}]
    assert declared("aws.ecs.cluster").keyed["settings"] == "name"
    counters = {"running_tasks_count", "pending_tasks_count", "active_services_count", "status", "cluster_arn"}
    assert not counters & cluster.attributes.keys()


def test_a_service_belongs_to_its_cluster_and_names_the_family_that_it_runs(server: str) -> None:
    """Identity within the cluster, size and launch type as attributes, the revision nowhere."""
    seen = read("aws.ecs.service", server)
    service = seen.named("staging/orders-api")
    assert (seen.gaps, seen.failed) == ((), None)
    assert (service.parent, service.component, service.tags) == ("staging", "orders-api", {"team": "orders"})
    assert service.attributes["task_definition"] == "orders"
    assert service.attributes["desired_count"] == 3
    assert service.attributes["launch_type"] == "FARGATE"
    assert not {"events", "deployments", "running_count", "service_arn", "created_at"} & service.attributes.keys()


def test_one_revision_stands_for_each_family(server: str) -> None:
    """The one that a service runs, though a newer one is registered; the latest where no service runs any."""
    seen = read("aws.ecs.task_definition", server)
    assert (seen.gaps, seen.failed) == ((), None)
    images = {each.identity: each.attributes["container_definitions"]["app"]["image"] for each in seen.resources}
    assert images == {"orders": "acme/orders:1.1", "nightly": "acme/nightly:8"}


def test_a_live_task_definition_has_the_attributes_of_its_file(server: str) -> None:
    """Kind and document are the same as those of a file in a repository."""
    live = read("aws.ecs.task_definition", server).named("orders")
    file = {
        "family": "orders",
        "networkMode": "awsvpc",
        "requiresCompatibilities": ["FARGATE"],
        "cpu": "256",
        "memory": "512",
        "containerDefinitions": [
            {
                "name": "app",
                "image": "acme/orders:1.1",
                "portMappings": [{"containerPort": 8080}],
                "environment": [{"name": "LOG_LEVEL", "value": "info"}],
                "secrets": [{"name": "DB_PASSWORD", "valueFrom": "/orders/staging/db/password"}],
            }
        ],
    }
    assert live.attributes == task_definition(file)
    assert isinstance(declared("aws.ecs.task_definition").declared, Kind)
    assert declared("aws.ecs.task_definition").declared == TASK_DEFINITION
    assert live.component == "orders"


def _service(name: str, definition: str, **other: Any) -> dict[str, Any]:
    return {
        "serviceName": name,
        "serviceArn": f"{PREFIX}service/staging/{name}",
        "clusterArn": f"{PREFIX}cluster/staging",
        "status": "ACTIVE",
        "taskDefinition": f"{PREFIX}task-definition/{definition}",
        **other,
    }


def _account(*services: dict[str, Any], **other: Any) -> dict[str, Any]:
    def described(asked: Any) -> Any:
        return {"services": [each for each in services if each["serviceArn"] in asked["services"]], "failures": []}

    def defined(asked: Any) -> Any:
        family, _, revision = asked["taskDefinition"].rpartition("/")[2].partition(":")
        return {
            "taskDefinition": {
                "family": family,
                "taskDefinitionArn": f"{PREFIX}task-definition/{family}:{revision or '9'}",
                "containerDefinitions": [{"name": "app", "image": f"acme/{family}:{revision or 'latest'}"}],
            }
        }

    return {
        "ecs.ListClusters": {"clusterArns": [f"{PREFIX}cluster/staging"]},
        "ecs.ListServices": {"serviceArns": [each["serviceArn"] for each in services]},
        "ecs.DescribeServices": described,
        "ecs.ListTaskDefinitionFamilies": {"families": ["orders"]},
        "ecs.DescribeTaskDefinition": defined,
        **other,
    }


def test_services_are_described_ten_at_a_time() -> None:
    """The API refuses more; none is lost at the border between two batches."""
    services = [_service(f"s{number:02}", "orders:1") for number in range(23)]
    with stand(_account(*services)) as server:
        seen = read("aws.ecs.service", server.endpoint_url)
        assert [len(asked["services"]) for call, asked in server.asked if call == "ecs.DescribeServices"] == [10, 10, 3]
    assert len(seen.resources) == 23


def test_a_service_that_cloudformation_named_goes_by_its_stack_and_logical_id() -> None:
    """What is made up behind them differs in every environment."""
    tags = [
        {"key": "aws:cloudformation:stack-name", "value": "orders"},
        {"key": "aws:cloudformation:logical-id", "value": "Service"},
    ]
    with stand(_account(_service("orders-Service-x1Y2z3A4b5C6", "orders:1", tags=tags))) as server:
        seen = read("aws.ecs.service", server.endpoint_url)
    assert seen.identities == ["staging/orders-Service"]


def test_what_only_the_current_deployment_tells_is_kept() -> None:
    """Service Connect and volumes stand on the deployment, not on the service."""
    deployments = [
        {"status": "ACTIVE", "serviceConnectConfiguration": {"enabled": False}},
        {
            "status": "PRIMARY",
            "createdAt": 1795341600,
            "serviceConnectConfiguration": {"enabled": True, "namespace": "internal"},
        },
    ]
    balanced = [{"targetGroupArn": "arn:tg/a", "containerName": "app", "containerPort": 8080}]
    service = _service("api", "orders:1", deployments=deployments, loadBalancers=balanced)
    with stand(_account(service)) as server:
        attributes = read("aws.ecs.service", server.endpoint_url).named("staging/api").attributes
    assert attributes["service_connect_configuration"] == {"enabled": True, "namespace": "internal"}
    assert datetime.fromisoformat(attributes["deployed_at"]) == datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
    assert "deployed_at" in declared("aws.ecs.service").volatile
    assert attributes["load_balancers"] == [
        {"target_group_arn": "arn:tg/a", "container_name": "app", "container_port": 8080}
    ]


def test_two_services_on_two_revisions_of_a_family_are_both_told() -> None:
    """The newer revision stands for the family; revisions are ordered as numbers."""
    with stand(_account(_service("a", "orders:9"), _service("b", "orders:10"))) as server:
        seen = read("aws.ecs.task_definition", server.endpoint_url)
    images = {each.identity: each.attributes["container_definitions"]["app"]["image"] for each in seen.resources}
    assert images == {"orders": "acme/orders:10", "orders#2": "acme/orders:9"}


def test_a_service_with_an_external_controller_runs_what_its_primary_task_set_says() -> None:
    """Such a service names no task definition of its own."""
    service = {key: value for key, value in _service("api", "orders:1").items() if key != "taskDefinition"}
    service["taskSets"] = [{"status": "PRIMARY", "taskDefinition": f"{PREFIX}task-definition/orders:4"}]
    with stand(_account(service)) as server:
        seen = read("aws.ecs.task_definition", server.endpoint_url)
    assert seen.named("orders").attributes["container_definitions"]["app"]["image"] == "acme/orders:4"


def test_a_service_that_could_not_be_described_is_a_gap_and_one_that_is_gone_is_not() -> None:
    """The API reports both beside the services that it did describe."""
    failures = [
        {"arn": f"{PREFIX}service/staging/gone", "reason": "MISSING"},
        {"arn": f"{PREFIX}service/staging/hidden", "reason": "ACCESS_DENIED"},
    ]
    answer = {"services": [_service("api", "orders:1")], "failures": failures}
    with stand(_account(_service("api", "orders:1"), **{"ecs.DescribeServices": answer})) as server:
        seen = read("aws.ecs.service", server.endpoint_url)
        definitions = read("aws.ecs.task_definition", server.endpoint_url)
    assert seen.identities == ["staging/api"]
    assert [(gap.resource, gap.attribute, gap.reason) for gap in seen.gaps] == [
        ("staging/hidden", None, "access_denied")
    ]
    assert [gap.resource for gap in definitions.gaps] == [None]


def test_a_task_definition_that_may_not_be_read_is_a_gap_of_its_family() -> None:
    """The listing stays complete but for that family."""
    with stand(_account(_service("api", "orders:1"), **{"ecs.DescribeTaskDefinition": DENIED})) as server:
        seen = read("aws.ecs.task_definition", server.endpoint_url)
    assert (seen.resources, seen.failed) == ((), None)
    assert [(gap.resource, gap.reason) for gap in seen.gaps] == [("orders", "access_denied")]


@pytest.mark.skipif(not SERVICES, reason=NOT_AT_HAND)
@pytest.mark.parametrize("recorded", SERVICES, ids=str)
def test_a_recorded_service_loses_nothing_that_is_not_declared(recorded: Recording) -> None:
    """Every leaf of a real answer is there or declared as dropped; of the task definition, the family."""
    services = recorded.data["services"]
    with stand(_account(*services)) as server:
        seen = read("aws.ecs.service", server.endpoint_url)
    assert (seen.gaps, seen.failed) == ((), None)
    for item, service in zip(services, seen.resources, strict=True):
        assert lost(declared("aws.ecs.service"), item, service, ("task_definition",)) == []
        assert f"/{service.attributes['task_definition']}:" in item["taskDefinition"]


@pytest.mark.skipif(not TASK_DEFINITIONS, reason=NOT_AT_HAND)
@pytest.mark.parametrize("recorded", TASK_DEFINITIONS, ids=str)
def test_a_recorded_task_definition_comes_through_the_collector_whole(recorded: Recording) -> None:
    """What the pure function makes of the recorded answer is what the collector yields."""
    name = recorded.data["taskDefinition"]["family"]
    answers = {"ecs.ListTaskDefinitionFamilies": {"families": [name]}, recorded.operation: recorded.data}
    with stand(_account(**answers)) as server:
        seen = read("aws.ecs.task_definition", server.endpoint_url)
    assert seen.named(name).attributes == task_definition(recorded.data)
    assert seen.named(name).location == recorded.data["taskDefinition"]["taskDefinitionArn"]


def test_an_image_of_each_accounts_own_registry_is_behind_like_any_other() -> None:
    """Account, region and environment stand in the names of both repositories; the tags are compared."""

    def task(environment: str, account: str, region: str, tag: str) -> Resource:
        image = f"{account}.dkr.ecr.{region}.amazonaws.com/orders-{environment}/api:{tag}"
        container = {"container_definitions": [{"name": "api", "image": image}]}
        name, kind = f"orders-{environment}", "aws.ecs.task_definition"
        return Resource(kind, name, container, "aws:1", region=region, account=account)

    left = task("staging", "111122223333", "eu-west-1", "1.4.1")
    right = task("prod", "444455556666", "eu-central-1", "1.4.2")
    assert verdicts([left], [right]) == {("orders-{env}", "container_definitions.api.image", "high")}
