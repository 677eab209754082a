"""What several tasks or resources of one run need is asked for once, and a refusal is told by each of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from auditor.collector import Context
from auditor.model import Gap, GapReason, Resource
from collectors.aws import AwsCollector, AwsOptions
from tests.collectors.aws.reading import CREDENTIALS, REGION
from tests.collectors.aws.recordings import DENIED, Stand, stand

PREFIX = "arn:aws:ecs:eu-west-1:111122223333:"
IMAGES = {"ami-1": "base-2026-01", "ami-2": "base-2026-02"}


@pytest.fixture(autouse=True)
def _credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)


def run(running: Stand, collector: AwsCollector, service: str) -> dict[str, list[Resource | Gap]]:
    """Every task of one run of one service, by the kind that it reads."""
    chosen = AwsOptions(
        regions=(REGION,), services=(service,), endpoint_url=running.endpoint_url, max_attempts=1,
        requests_per_second=1000,
    )  # fmt: skip
    found: dict[str, list[Resource | Gap]] = {}
    for task in collector.plan(chosen, Context("staging", Path())):
        found.setdefault(task.kinds[0], []).extend(task.run())
    return found


def gaps(found: list[Resource | Gap]) -> list[tuple[str, str | None, str | None]]:
    return [(each.kind, each.resource, each.attribute) for each in found if isinstance(each, Gap)]


def _service(name: str) -> dict[str, Any]:
    return {
        "serviceName": name,
        "serviceArn": f"{PREFIX}service/staging/{name}",
        "clusterArn": f"{PREFIX}cluster/staging",
        "status": "ACTIVE",
        "taskDefinition": f"{PREFIX}task-definition/{name}:3",
    }


def _defined(asked: Any) -> Any:
    arn = asked["taskDefinition"]
    body = {"taskDefinitionArn": arn, "containerDefinitions": [{"name": "app", "image": f"acme/{arn[-5:]}"}]}
    return {"taskDefinition": body}


def test_services_are_listed_once_for_themselves_and_for_what_they_run_and_anew_by_the_next_run() -> None:
    """One that is hidden leaves a gap of either kind; nothing of a listing outlives its run."""
    hidden = {"arn": f"{PREFIX}service/staging/hidden", "reason": "ACCESS_DENIED"}
    services = [_service("api"), _service("jobs")]
    answers: dict[str, Any] = {
        "ecs.ListClusters": {"clusterArns": [f"{PREFIX}cluster/staging"]},
        "ecs.DescribeClusters": {"clusters": [{"clusterName": "staging", "clusterArn": f"{PREFIX}cluster/staging"}]},
        "ecs.ListServices": lambda _: {"serviceArns": [each["serviceArn"] for each in services]},
        "ecs.DescribeServices": lambda _: {"services": services, "failures": [hidden]},
        "ecs.ListTaskDefinitionFamilies": {"families": ["api", "jobs"]},
        "ecs.DescribeTaskDefinition": _defined,
    }
    with stand(answers) as running:
        collector = AwsCollector()
        found = run(running, collector, "ecs")
        assert (running.count("ecs.ListServices"), running.count("ecs.DescribeServices")) == (1, 1)
        assert running.count("ecs.DescribeTaskDefinition") == 2
        services.pop()
        again = run(running, collector, "ecs")
        assert running.count("ecs.DescribeServices") == 2
    assert gaps(found["aws.ecs.service"]) == [("aws.ecs.service", "staging/hidden", None)]
    assert gaps(found["aws.ecs.task_definition"]) == [("aws.ecs.task_definition", None, None)]
    names = [each.identity for each in found["aws.ecs.task_definition"] if isinstance(each, Resource)]
    assert names == ["api", "jobs"]
    assert [each.identity for each in again["aws.ecs.service"] if isinstance(each, Resource)] == ["staging/api"]


def _instances(*roles: tuple[str, str]) -> dict[str, Any]:
    instances = [
        {"InstanceId": f"i-{role}", "ImageId": image, "InstanceType": "t3.micro", "State": {"Name": "running"},
         "Tags": [{"Key": "Name", "Value": role}]}
        for role, image in roles
    ]  # fmt: skip
    return {"Reservations": [{"Instances": instances}]}


@pytest.fixture
def fleets() -> Iterator[Stand]:
    """Three fleets of two images, and a launch template of one of them."""

    def described(asked: Any) -> Any:
        wanted = [value for key, value in asked.items() if key.startswith("Filter.1.Value")]
        return {"Images": [{"ImageId": each, "Name": IMAGES[each]} for each in wanted if each in IMAGES]}

    version = {"LaunchTemplateId": "lt-1", "LaunchTemplateName": "web", "VersionNumber": 1, "DefaultVersion": True,
               "LaunchTemplateData": {"ImageId": "ami-2"}}  # fmt: skip
    answers: dict[str, Any] = {
        "ec2.DescribeInstances": _instances(("web", "ami-1"), ("worker", "ami-2"), ("batch", "ami-gone")),
        "ec2.DescribeImages": described,
        "ec2.DescribeVolumes": {"Volumes": []},
        "ec2.DescribeLaunchTemplates": {"LaunchTemplates": []},
        "ec2.DescribeLaunchTemplateVersions": {"LaunchTemplateVersions": [version]},
        "ec2.DescribeSecurityGroups": {"SecurityGroups": []},
        "ec2.DescribeVpcs": {"Vpcs": []},
        "ec2.DescribeInstanceTypes": {"InstanceTypes": []},
    }
    with stand(answers) as running:
        yield running


def test_the_images_of_all_fleets_are_asked_for_together_and_those_of_templates_only_where_unknown(
    fleets: Stand,
) -> None:
    """One request for three fleets, none for the template that names one of their images."""
    found = run(fleets, AwsCollector(), "ec2")
    names = {
        each.identity: each.attributes["ami_names"] for each in found["aws.ec2.fleet"] if isinstance(each, Resource)
    }
    assert names == {"web": ["base-2026-01"], "worker": ["base-2026-02"], "batch": ["deregistered"]}
    (template,) = found["aws.ec2.launch_template"]
    assert isinstance(template, Resource)
    assert template.attributes["ami_name"] == "base-2026-02"
    assert fleets.count("ec2.DescribeImages") == 1


def test_images_that_may_not_be_read_are_a_gap_of_each_fleet_after_one_request(fleets: Stand) -> None:
    """The template asks for itself, and tells its own gap; the next run asks again."""
    described, fleets.answers["ec2.DescribeImages"] = fleets.answers["ec2.DescribeImages"], DENIED
    collector = AwsCollector()
    found = run(fleets, collector, "ec2")
    assert gaps(found["aws.ec2.fleet"]) == [("aws.ec2.fleet", name, "ami_names") for name in ("batch", "web", "worker")]
    assert {each.reason for each in found["aws.ec2.fleet"] if isinstance(each, Gap)} == {GapReason.ACCESS_DENIED}
    assert gaps(found["aws.ec2.launch_template"]) == [("aws.ec2.launch_template", "web", "ami_name")]
    assert fleets.count("ec2.DescribeImages") == 2
    fleets.answers["ec2.DescribeImages"] = described
    assert gaps(run(fleets, collector, "ec2")["aws.ec2.fleet"]) == []
