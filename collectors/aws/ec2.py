"""EC2: instances as fleets, launch templates, security groups, and the catalogue of instance types in use."""

from __future__ import annotations

from auditor.model import Category
from collectors.aws import _fleet, _instance_types, _security_groups, _templates
from collectors.aws.base import AwsKind, Detail

KINDS = (
    AwsKind(
        name="aws.ec2.fleet",
        category=Category.COMPUTE,
        about="EC2 instances that do one job, by Auto Scaling group, node group, Name or role",
        cloudformation="AWS::EC2::Instance",
        service="ec2",
        operation="DescribeInstances",
        read=_fleet.fleets,
        identity="name",
        refs=("instance_ids",),
        keyed={"volumes": "device"},
        drop=("name", "image_ids", "instance_ids", "volume_devices"),
        details=(
            Detail(attribute="ami_names", read=_fleet.ami_names),
            Detail(attribute="volumes", read=_fleet.volumes),
        ),
        permissions=("ec2:DescribeImages", "ec2:DescribeVolumes"),
    ),
    AwsKind(
        name="aws.ec2.launch_template",
        category=Category.COMPUTE,
        about="Launch templates: the default version, and the latest where it is another",
        cloudformation="AWS::EC2::LaunchTemplate",
        service="ec2",
        operation="DescribeLaunchTemplates",
        read=_templates.templates,
        identity="name",
        refs=("id",),
        keyed={
            f"{part}.{name}": key
            for part in ("data", "latest")
            for name, key in (
                ("block_device_mappings", "device_name"),
                ("network_interfaces", "device_index"),
                ("tag_specifications", "resource_type"),
            )
        },
        secret=("data.user_data", "latest.user_data"),
        verbatim=("data.tag_specifications.*.tags", "latest.tag_specifications.*.tags"),
        drop=("name", "id"),
        details=(
            Detail(attribute="ami_name", when=_templates.has_image("data"), read=_templates.image_of("data")),
            Detail(
                attribute="latest_ami_name", when=_templates.has_image("latest"), read=_templates.image_of("latest")
            ),
        ),
        transform=_templates.tidy,
        permissions=("ec2:DescribeLaunchTemplateVersions", "ec2:DescribeImages"),
    ),
    AwsKind(
        name="aws.ec2.security_group",
        category=Category.SECURITY,
        about="Security groups, each rule by itself",
        cloudformation="AWS::EC2::SecurityGroup",
        service="ec2",
        operation="DescribeSecurityGroups",
        result="SecurityGroups",
        read=_security_groups.groups,
        identity="name",
        refs=("GroupId",),
        location="SecurityGroupArn",
        keyed={"rules": "direction+protocol+ports+source"},
        drop=("name", "group_name", "group_id", "owner_id", "security_group_arn"),
        transform=_security_groups.by_rule,
        permissions=("ec2:DescribeVpcs",),
    ),
    AwsKind(
        name="aws.ec2.instance_type",
        category=Category.COMPUTE,
        about="The instance types in use: a catalogue to compare sizes by, no inventory of its own",
        service="ec2",
        operation="DescribeInstanceTypes",
        result="InstanceTypes",
        read=_instance_types.types_in_use,
        identity="InstanceType",
        transform=_instance_types.as_numbers,
        permissions=("ec2:DescribeInstances", "ec2:DescribeLaunchTemplateVersions"),
    ),
)
