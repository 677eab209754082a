"""EC2 against a stand-in server: fleets, launch templates, security groups and the catalogue of types."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

import pytest

from auditor.model import GapReason
from collectors.aws._fleet import fleet_name
from tests.collectors.aws.faulty import Fault, denied, faulty
from tests.collectors.aws.reading import client, moto, read
from tests.collectors.aws.recordings import stand

FLEET, TEMPLATE = "aws.ec2.fleet", "aws.ec2.launch_template"
GROUP, TYPE = "aws.ec2.security_group", "aws.ec2.instance_type"


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """Two numbered web servers and one that is gone, a worker of an unknown image, a template, a group with rules."""
    with moto() as address:
        ec2 = client("ec2", address)
        first = ec2.run_instances(ImageId="ami-12345678", InstanceType="t3.micro", MinCount=1, MaxCount=1)
        golden = ec2.create_image(InstanceId=first["Instances"][0]["InstanceId"], Name="golden-2026-11")["ImageId"]
        ec2.terminate_instances(InstanceIds=[first["Instances"][0]["InstanceId"]])
        vpc = ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
        other = ec2.create_vpc(CidrBlock="10.1.0.0/16")["Vpc"]["VpcId"]
        ec2.create_tags(Resources=[other], Tags=[{"Key": "Name", "Value": "staging-data"}])
        web = ec2.create_security_group(GroupName="web", Description="web servers", VpcId=vpc)["GroupId"]
        bastion = ec2.create_security_group(GroupName="bastion", Description="way in", VpcId=vpc)["GroupId"]
        _open(ec2, web, bastion)
        for name, kind in (("web-1", "t3.large"), ("web-2", "m5.large")):
            _run(ec2, golden, kind, {"Name": name, "team": "shop"}, SecurityGroupIds=[web])
        _run(ec2, "ami-12345678", "c5.large", {"role": "worker"}, SecurityGroupIds=[bastion])
        _template(ec2, golden)
        yield address


def _run(ec2: Any, image: str, kind: str, tags: dict[str, str], **others: Any) -> None:
    listed = [{"Key": key, "Value": value} for key, value in tags.items()]
    ec2.run_instances(
        ImageId=image,
        InstanceType=kind,
        MinCount=1,
        MaxCount=1,
        TagSpecifications=[{"ResourceType": "instance", "Tags": listed}],
        **others,
    )


def _open(ec2: Any, web: str, bastion: str) -> None:
    ranges = [{"CidrIp": "10.0.0.0/8", "Description": "inside"}, {"CidrIp": "192.0.2.0/24"}]
    ec2.authorize_security_group_ingress(
        GroupId=web,
        IpPermissions=[
            {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": ranges},
            {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "UserIdGroupPairs": [{"GroupId": bastion}]},
            {"IpProtocol": "tcp", "FromPort": 8000, "ToPort": 8010, "UserIdGroupPairs": [{"GroupId": web}]},
        ],
    )


def _template(ec2: Any, image: str) -> None:
    data = {
        "ImageId": image,
        "InstanceType": "r5.large",
        "UserData": base64.b64encode(b"#!/bin/sh\necho hello").decode(),
        "TagSpecifications": [{"ResourceType": "instance", "Tags": [{"Key": "CostCentre", "Value": "42"}]}],
    }
    ec2.create_launch_template(LaunchTemplateName="web-staging", LaunchTemplateData=data)


def test_instances_that_do_one_job_are_one_fleet(url: str) -> None:
    """Numbered names fold together, values become sets, images have names, and what is terminated does not count."""
    seen = read(FLEET, url)
    assert seen.failed is None
    assert seen.identities == ["web", "worker"]
    web = seen.named("web")
    assert web.attributes["count"] == 2
    assert web.attributes["instance_types"] == ["m5.large", "t3.large"]
    assert web.attributes["ami_names"] == ["golden-2026-11"]
    assert web.attributes["architectures"] == ["x86_64"]
    assert web.attributes["volumes"] == [
        {"device": "root", "types": ["gp2"], "sizes_gib": [8], "encrypted": False, "iops": [], "throughput_mib": []}
    ]
    assert len(web.attributes["security_groups"]) == 1
    assert len(web.refs) == 2
    assert all(ref.startswith("i-") for ref in web.refs)
    assert web.tags == {"team": "shop"}


def test_no_generated_id_stays_in_a_fleet(url: str) -> None:
    """Instances, images, volumes, addresses and interfaces come and go; only groups are pointed to."""
    web = dict(read(FLEET, url).named("web").attributes)
    del web["security_groups"]
    assert not any(f"'{start}" in repr(web) for start in ("i-", "ami-", "vol-", "eni-", "subnet-", "vpc-", "10."))


def test_a_denied_image_or_volume_call_leaves_the_rest_of_the_fleet(url: str) -> None:
    """Each attribute that could not be found out is a gap of its own, on each fleet."""
    with faulty(
        url, Fault(denied(), operation="DescribeImages"), Fault(denied(), operation="DescribeVolumes")
    ) as proxy:
        seen = read(FLEET, proxy.endpoint_url)
    assert seen.identities == ["web", "worker"]
    assert [(gap.resource, gap.attribute, gap.reason) for gap in seen.gaps] == [
        (fleet, attribute, GapReason.ACCESS_DENIED)
        for fleet in ("web", "worker")
        for attribute in ("ami_names", "volumes")
    ]
    assert "ami_names" not in seen.named("web").attributes
    assert seen.named("web").attributes["instance_types"] == ["m5.large", "t3.large"]


def test_an_image_that_is_gone_says_so() -> None:
    """A deregistered image has no name any more. That is an answer: it would be a gap until the last instance goes."""
    instance = {"InstanceId": "i-1", "ImageId": "ami-gone", "InstanceType": "t3.micro", "State": {"Name": "running"}}
    answers = {
        "ec2.DescribeInstances": {"Reservations": [{"Instances": [instance]}]},
        "ec2.DescribeImages": {"Images": []},
        "ec2.DescribeVolumes": {"Volumes": []},
    }
    with stand(answers) as running:
        seen = read(FLEET, running.endpoint_url)
    assert seen.gaps == ()
    assert seen.named("unnamed").attributes["ami_names"] == ["deregistered"]
    assert seen.named("unnamed").attributes["count"] == 1


@pytest.mark.parametrize(
    ("tags", "name"),
    [
        ({"aws:autoscaling:groupName": "web-asg", "Name": "other"}, "web-asg"),
        (
            {
                "aws:autoscaling:groupName": "eks-ng-8cb1",
                "eks:nodegroup-name": "ng",
                "eks:cluster-name": "main",
                "Name": "node",
            },
            "main/ng",
        ),
        ({"karpenter.sh/nodepool": "spot", "Name": "ip-10-0-0-1"}, "spot"),
        ({"elasticbeanstalk:environment-name": "shop", "aws:autoscaling:groupName": "awseb-e-1"}, "shop"),
        ({"Name": "db-01"}, "db"),
        ({"Name": "report-2026"}, "report-2026"),
        ({"Role": "worker"}, "worker"),
        ({}, "web-profile"),
    ],
)
def test_a_fleet_is_named_by_what_people_call_it(tags: dict[str, str], name: str) -> None:
    """Groups before names, names before roles, roles before the instance profile; generated names last."""
    listed = [{"Key": key, "Value": value} for key, value in tags.items()]
    profile = {"Arn": "arn:aws:iam::111122223333:instance-profile/path/web-profile"}
    assert fleet_name({"Tags": listed, "IamInstanceProfile": profile}) == name


def test_settings_that_differ_within_a_fleet_are_all_listed() -> None:
    """One odd instance shows, and order does not matter."""
    running = {"Name": "running"}
    instances = [
        {"InstanceId": f"i-{number}", "State": running, "EbsOptimized": number == 1, "Monitoring": {"State": "enabled"}}
        for number in (1, 2)
    ]
    answers = {
        "ec2.DescribeInstances": {"Reservations": [{"Instances": instances}]},
        "ec2.DescribeImages": {"Images": []},
        "ec2.DescribeVolumes": {"Volumes": []},
    }
    with stand(answers) as server:
        attributes = read(FLEET, server.endpoint_url).named("unnamed").attributes
    assert attributes["ebs_optimized"] == [False, True]
    assert attributes["monitoring"] == "enabled"


def test_a_launch_template_says_what_its_default_version_says(url: str) -> None:
    """The image by name, user data as text (declared secret), tags as a map; no id, no running number."""
    template = read(TEMPLATE, url).named("web-staging")
    assert template.attributes["ami_name"] == "golden-2026-11"
    assert template.attributes["data"] == {
        "instance_type": "r5.large",
        "user_data": "#!/bin/sh\necho hello",
        "tag_specifications": [{"resource_type": "instance", "tags": {"CostCentre": "42"}}],
    }
    assert "latest" not in template.attributes
    assert template.refs[0].startswith("lt-")


def test_a_version_that_is_not_the_default_yet_is_shown_beside_it() -> None:
    """What will come with the next change of the default is worth knowing."""
    version = {"LaunchTemplateId": "lt-1", "LaunchTemplateName": "web"}
    versions = [
        {**version, "VersionNumber": 9, "DefaultVersion": False, "LaunchTemplateData": {"InstanceType": "m5.large"}},
        {**version, "VersionNumber": 8, "DefaultVersion": True, "LaunchTemplateData": {"InstanceType": "t3.large"}},
    ]
    answers = {
        "ec2.DescribeLaunchTemplates": {"LaunchTemplates": [version]},
        "ec2.DescribeLaunchTemplateVersions": {"LaunchTemplateVersions": versions},
    }
    with stand(answers) as running:
        template = read(TEMPLATE, running.endpoint_url).named("web")
    assert template.attributes == {"data": {"instance_type": "t3.large"}, "latest": {"instance_type": "m5.large"}}


def test_every_rule_of_a_group_stands_by_itself(url: str) -> None:
    """One rule per source; its own id is `self`, another group's stays to be resolved, a description is no key."""
    seen = read(GROUP, url)
    rules = seen.named("web").attributes["rules"]
    bastion = next(ref for ref in seen.named("bastion").refs if ref.startswith("sg-"))
    keys = ("direction", "protocol", "ports", "source", "description")
    assert [tuple(rule[key] for key in keys) for rule in rules] == [
        ("egress", "all", "all", "0.0.0.0/0", None),
        ("ingress", "tcp", "22", bastion, None),
        ("ingress", "tcp", "443", "10.0.0.0/8", "inside"),
        ("ingress", "tcp", "443", "192.0.2.0/24", None),
        ("ingress", "tcp", "8000-8010", "self", None),
    ]


def test_groups_of_one_name_in_several_vpcs_keep_apart(url: str) -> None:
    """Every VPC has a group called `default`; its VPC's name says which."""
    assert sorted(read(GROUP, url).identities) == ["bastion", "default@default-vpc", "default@staging-data", "web"]


def test_a_denied_vpc_call_hides_only_the_groups_whose_names_are_unclear(url: str) -> None:
    """The others are read; the listing counts as broken, since their names are unknown."""
    with faulty(url, Fault(denied(), operation="DescribeVpcs")) as proxy:
        seen = read(GROUP, proxy.endpoint_url)
    assert sorted(seen.identities) == ["bastion", "web"]
    assert seen.failed is not None
    assert seen.failed.detail.endswith("allow ec2:DescribeVpcs")


def test_the_catalogue_holds_the_types_in_use_as_numbers(url: str) -> None:
    """Those of instances and of templates, no others."""
    seen = read(TYPE, url)
    assert sorted(seen.identities) == ["c5.large", "m5.large", "r5.large", "t3.large"]
    assert seen.named("m5.large").attributes == {
        "vcpu": 2,
        "memory_mib": 8192,
        "architectures": ["x86_64"],
        "family": "m5",
        "size": "large",
        "current_generation": False,
        "burstable": False,
        "network": "Up to 10 Gigabit",
    }
