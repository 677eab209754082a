"""ECR: which bytes are behind the tags that ECS, Batch and CodeBuild run, in whichever registry."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from unittest.mock import patch

import boto3
import pytest

from auditor.collector import Context
from auditor.deployed import deployed
from auditor.errors import CollectError
from auditor.model import Gap, GapReason, Resource
from collectors.aws import AwsCollector, AwsOptions
from collectors.aws._ecr_images import Repository, tagged
from collectors.aws._once import Once
from tests.collectors.aws.canned import canned
from tests.collectors.aws.reading import CREDENTIALS, REGION, Seen, client, moto
from tests.collectors.aws.recordings import DENIED, Refusal
from tests.collectors.aws.verdicts import verdicts

KIND = "aws.ecr.image"
OWN, SHARED = "111111111111", "999999999999"
ONE, OTHER = "sha256:" + "0f3a" * 16, "sha256:" + "91bd" * 16
MANIFEST = '{"mediaType": "application/vnd.oci.image.manifest.v1+json", "layers": []}'
GONE = Refusal("ImageNotFoundException", 400)


def host(account: str, region: str = "eu-west-1") -> str:
    """The registry of an account."""
    return f"{account}.dkr.ecr.{region}.amazonaws.com"


def running(*images: str, has: Mapping[str, Mapping[str, str] | Refusal], batch: str = "") -> dict[str, Any]:
    """The answers of an account that runs `images` in one task definition each. `has` are tags and digests by repository."""

    def definition(asked: Mapping[str, Any]) -> Any:
        family = asked["taskDefinition"]
        container = {"name": "app", "image": images[int(family.removeprefix("t"))]}
        return {"taskDefinition": {"family": family, "containerDefinitions": [container]}}

    def described(asked: Mapping[str, Any]) -> Any:
        tags = has[f"{asked['registryId']}/{asked['repositoryName']}"]
        wanted = [each["imageTag"] for each in asked["imageIds"]]
        if isinstance(tags, Refusal):
            return tags
        if not set(wanted) <= set(tags):
            return GONE
        return {"imageDetails": [{"imageDigest": tags[tag], "imageTags": [tag, "also"]} for tag in wanted]}

    jobs = [{"jobDefinitionName": "nightly", "containerProperties": {"image": batch}}] if batch else []
    return {
        "ListClusters": {"clusterArns": []},
        "ListTaskDefinitionFamilies": {"families": [f"t{index}" for index in range(len(images))]},
        "DescribeTaskDefinition": definition,
        "DescribeJobDefinitions": {"jobDefinitions": jobs},
        "ListProjects": {"projects": []},
        "DescribeImages": described,
    }


def found(*images: str, has: Mapping[str, Mapping[str, str] | Refusal], batch: str = "") -> Seen:
    return canned(KIND, running(*images, has=has, batch=batch))


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        (f"{host(OWN)}/acme/api:1.4.2", (Repository(host(OWN), "acme/api"), "1.4.2")),
        (f"{host(OWN)}/api", (Repository(host(OWN), "api"), "latest")),
        (f"{OWN}.dkr-ecr.eu-west-1.on.aws/api:1", (Repository(f"{OWN}.dkr-ecr.eu-west-1.on.aws", "api"), "1")),
        (f"{host(OWN)}/api:1@{ONE}", None),
        ("public.ecr.aws/nginx/nginx:1.27", None),
        ("acme/api:1.4.2", None),
        ("nginx", None),
        ("", None),
    ],
)
def test_a_tag_is_looked_up_where_ecr_has_it(image: str, expected: object) -> None:
    """Other registries, and what is pinned by its digest, are left alone."""
    assert tagged(image) == expected


def test_every_tag_that_runs_is_told_with_its_digest_once_per_repository() -> None:
    """Of ECS and of Batch; a tag that is gone is null and said, and takes no other one along."""
    has = {f"{OWN}/acme/api": {"1.4.2": ONE, "1.4.1": OTHER}, f"{SHARED}/acme/api": {"1": ONE}}
    api, shared = f"{host(OWN)}/acme/api", f"{host(SHARED, 'us-east-1')}/acme/api"
    seen = found(f"{api}:1.4.2", f"{api}:1.3.0", f"{shared}:1", "nginx:1.27", has=has, batch=f"{api}:1.4.1")
    assert (seen.gaps, seen.failed) == ((), None)
    assert {each.identity: each.attributes for each in seen.resources} == {
        "acme/api": {
            "repository": api,
            "images": {
                "1.3.0": {"exists": False, "digest": None},
                "1.4.1": {"exists": True, "digest": OTHER},
                "1.4.2": {"exists": True, "digest": ONE},
            },
        },
        "acme/api#2": {"repository": shared, "images": {"1": {"exists": True, "digest": ONE}}},
    }


def test_a_registry_that_is_not_ours_to_read_is_one_gap_per_repository() -> None:
    """However many of its images run; what else is known stays known, and a repository that is gone has no image."""
    tools = f"{host(SHARED)}/tools"
    has: dict[str, Mapping[str, str] | Refusal] = {
        f"{SHARED}/tools": DENIED,
        f"{OWN}/api": {"1": ONE},
        f"{OWN}/old": Refusal("RepositoryNotFoundException"),
    }
    seen = found(f"{tools}:1", f"{tools}:2", f"{host(OWN)}/api:1", f"{host(OWN)}/old:1", has=has)
    assert [(gap.resource, gap.attribute, gap.reason) for gap in seen.gaps] == [
        ("tools", None, GapReason.ACCESS_DENIED)
    ]
    assert seen.gaps[0].detail.endswith("allow ecr:DescribeImages")
    assert tools in seen.gaps[0].detail
    assert seen.failed is None
    assert {each.identity: each.attributes["images"]["1"]["digest"] for each in seen.resources} == {
        "api": ONE,
        "old": None,
    }


def test_where_what_runs_cannot_be_read_the_listing_is_not_complete() -> None:
    """More may be in use than was seen; and a service that the account cannot have runs nothing."""
    has = {f"{OWN}/api": {"1": ONE}}
    answers = running(f"{host(OWN)}/api:1", has=has)
    denied = canned(KIND, {**answers, "DescribeJobDefinitions": DENIED})
    assert denied.identities == ["api"]
    assert denied.failed is not None
    assert denied.failed.detail.endswith("allow batch:DescribeJobDefinitions")
    absent = canned(KIND, {**answers, "DescribeJobDefinitions": Refusal("SubscriptionRequiredException")})
    assert (absent.identities, absent.failed) == (["api"], None)


def test_a_registry_that_is_too_busy_is_not_asked_for_every_repository() -> None:
    """Twice in a row ends it, and then nothing says that the rest was seen."""
    images = [f"{host(OWN)}/r{index}:1" for index in range(5)]
    busy = Refusal("ThrottlingException")
    seen = found(*images, has={f"{OWN}/r{index}": busy for index in range(5)})
    assert seen.failed is not None
    assert (seen.failed.reason, [gap.resource for gap in seen.gaps]) == (GapReason.THROTTLED, ["r0"])


def _told(left: Mapping[str, str], right: Mapping[str, str], *also: str) -> set[tuple[str, str, str]]:
    """What the default policy says of two environments with a registry each, which run these tags of `api`."""
    sides = []
    for account, tags in ((OWN, left), (SHARED, right)):
        kept = {tag: digest for tag, digest in tags.items() if digest}
        seen = found(*(f"{host(account)}/acme/api:{tag}" for tag in tags), has={f"{account}/acme/api": kept})
        assert (seen.gaps, seen.failed) == ((), None)
        sides.append(seen.resources)
    return verdicts(*sides)


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        ({"1.4.2": ONE}, {"1.4.2": ONE}, set()),
        ({"1.4.2": ONE}, {"1.4.2": OTHER}, {("images.1.4.2.digest", "high")}),
        # What the task definitions say already.
        ({"1.5.0": ONE}, {"1.4.2": OTHER}, set()),
        ({"1.4.2": ONE, "7": ONE}, {"1.4.2": ONE}, set()),
        # Tags that are called after their environment, and move.
        ({"staging": ONE}, {"prod": ONE}, set()),
        ({"staging": ONE}, {"prod": OTHER}, {("images.{env}.digest", "medium")}),
        ({"latest": ONE}, {"latest": OTHER}, {("images.latest.digest", "medium")}),
        ({"1.4.2": ONE}, {"1.4.2": ""}, {("images.1.4.2.exists", "high")}),
        ({"1.4.2": ""}, {"1.4.2": ONE}, {("images.1.4.2.exists", "medium")}),
        ({"1.4.2": ""}, {"1.4.2": ""}, {("images.1.4.2.exists", "high")}),
        ({"1.4.2": ONE}, {"1.4.1": ""}, {("images.1.4.1.exists", "high")}),
    ],
)
def test_one_tag_of_two_images_is_one_finding(
    left: dict[str, str], right: dict[str, str], expected: set[tuple[str, str]]
) -> None:
    """Whatever the registries are called; and so is an image that cannot be pulled again."""
    assert {
        (path.replace("[", "").replace("]", "").replace('"', ""), severity) for _, path, severity in _told(left, right)
    } == expected


def test_a_repository_of_one_side_is_told_by_what_runs_it() -> None:
    """And not a second time as an image that is missing."""
    right = found(f"{host(SHARED)}/acme/worker:1", has={f"{SHARED}/acme/worker": {"1": ONE}}).resources
    assert verdicts([], right) == verdicts(right, []) == set()


def test_what_is_deployed_knows_its_digest() -> None:
    """Of a tag that moves the digest is the version; of one that does not it stands beside."""
    seen = found(
        *(f"{host(OWN)}/acme/{each}" for each in ("api:1.4.2", "web")),
        has={f"{OWN}/acme/api": {"1.4.2": ONE}, f"{OWN}/acme/web": {"latest": OTHER}},
    )
    images = {"api": f"{host(OWN)}/acme/api:1.4.2", "web": f"{host(OWN)}/acme/web", "cache": "redis:7.2"}
    tasks = [
        Resource("aws.ecs.task_definition", name, {"container_definitions": {"app": {"image": image}}}, component=name)
        for name, image in images.items()
    ]
    code = {"image_uri": f"{host(OWN)}/acme/mail:3.1", "code_sha256": ONE.removeprefix("sha256:")}
    told = deployed([*tasks, *seen.resources, Resource("aws.lambda.function", "mail", code)])
    assert [(row.component, row.version, row.digest) for row in told] == [
        ("api", "1.4.2", ONE),
        ("cache", "7.2", None),
        ("mail", "3.1", ONE),
        ("web", "91bd91bd91bd", OTHER),
    ]


def test_only_what_services_read_is_looked_up_and_asked_for() -> None:
    """Whoever reads ECR and ECS needs no right to read Batch."""
    actions = AwsCollector().permissions_for(AwsOptions(services=("ecr", "ecs")))
    assert {"ecr:DescribeImages", "ecs:DescribeTaskDefinition"} <= set(actions)
    assert [each for each in actions if each.startswith(("batch", "codebuild"))] == []
    assert "batch:DescribeJobDefinitions" in AwsCollector().permissions


def test_task_definitions_are_described_once_for_all_who_want_them() -> None:
    """Two tasks at once: the one that comes later waits and gets the same, the failure at its end as well."""
    begun, release, times = threading.Event(), threading.Event(), []

    def read() -> Iterator[int]:
        times.append(1)
        begun.set()
        assert release.wait(10)
        yield from (1, 2)
        raise CollectError(GapReason.THROTTLED, "busy")

    def take(items: list[object]) -> None:
        try:
            items.extend(known.items(read, 10))
        except CollectError as error:
            items.append(error.reason)

    known = Once()
    answers: list[list[object]] = [[], []]
    threads = [threading.Thread(target=take, args=(each,)) for each in answers]
    threads[0].start()
    assert begun.wait(10)
    with pytest.raises(TimeoutError):
        list(known.items(read, 0))
    threads[1].start()
    release.set()
    for thread in threads:
        thread.join(10)
    assert (answers, times) == ([[1, 2, GapReason.THROTTLED]] * 2, [1])


def test_moto_agrees_on_tags_digests_and_what_is_gone() -> None:
    """The whole collector against a server: images that were pushed, here and in another region, and a tag that never was."""
    with moto() as url:
        ecr, ecs = client("ecr", url), client("ecs", url)
        uri = ecr.create_repository(repositoryName="acme/api")["repository"]["repositoryUri"]
        pushed = ecr.put_image(repositoryName="acme/api", imageManifest=MANIFEST, imageTag="1.4.2")
        keys = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing"}
        elsewhere = boto3.client("ecr", region_name="us-east-1", endpoint_url=url, **keys)
        far = elsewhere.create_repository(repositoryName="tools")["repository"]["repositoryUri"]
        elsewhere.put_image(repositoryName="tools", imageManifest=MANIFEST, imageTag="7")
        for family, image in (("orders", f"{uri}:1.4.2"), ("nightly", f"{uri}:1.4.3"), ("tools", f"{far}:7")):
            container = {"name": "app", "image": image, "memory": 128}
            ecs.register_task_definition(family=family, containerDefinitions=[container])
        options = AwsOptions(regions=(REGION,), endpoint_url=url, services=("ecr", "ecs"), max_attempts=1)
        with patch.dict(os.environ, CREDENTIALS):
            tasks = AwsCollector().plan(options, Context(environment="staging", folder=Path()))
            api, tools = [each for task in tasks if task.kinds == (KIND,) for each in task.run()]
    assert not isinstance(api, Gap)
    assert not isinstance(tools, Gap)
    assert tools.attributes["images"]["7"]["exists"] is True
    assert api.attributes["images"] == {
        "1.4.2": {"exists": True, "digest": pushed["image"]["imageId"]["imageDigest"]},
        "1.4.3": {"exists": False, "digest": None},
    }
