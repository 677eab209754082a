"""Media renderers on EC2: an image, a launch template, an Auto Scaling group and the machines it starts."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

from auditor.demo.aws_network import Network
from auditor.demo.company import Site

# Each account has its own copy of the image, by the same name.
_IMAGE = "tarnholm-render-2026.03.1"
_METADATA = {"staging": "required", "prod": "optional"}
_START = "#!/bin/sh\nsystemctl start render\n"


def build(site: Site, client: Callable[[str], Any], network: Network) -> None:
    """Production has more machines of the same type."""
    ec2, scaling = client("ec2"), client("autoscaling")
    image = ec2.register_image(
        Name=_IMAGE,
        Architecture="x86_64",
        RootDeviceName="/dev/xvda",
        VirtualizationType="hvm",
        BlockDeviceMappings=[{"DeviceName": "/dev/xvda", "Ebs": {"VolumeSize": 20, "VolumeType": "gp3"}}],
    )["ImageId"]
    name = site.name("render")
    ec2.create_launch_template(
        LaunchTemplateName=name,
        LaunchTemplateData={
            "ImageId": image,
            "InstanceType": "c6i.large",
            "SecurityGroupIds": [network.groups["render-sg"]],
            "UserData": base64.b64encode(_START.encode()).decode(),
            "MetadataOptions": {"HttpTokens": _METADATA[site.environment], "HttpEndpoint": "enabled"},
        },
    )
    scaling.create_auto_scaling_group(
        AutoScalingGroupName=name,
        LaunchTemplate={"LaunchTemplateName": name, "Version": "$Latest"},
        MinSize=site.machines,
        MaxSize=site.machines * 3,
        DesiredCapacity=site.machines,
        VPCZoneIdentifier=",".join(network.subnets),
        HealthCheckType="EC2",
        Tags=[
            {"Key": "team", "Value": "media", "PropagateAtLaunch": True, "ResourceId": name},
        ],
    )
    scaling.put_scaling_policy(
        AutoScalingGroupName=name,
        PolicyName="by-cpu",
        PolicyType="TargetTrackingScaling",
        TargetTrackingConfiguration={
            "PredefinedMetricSpecification": {"PredefinedMetricType": "ASGAverageCPUUtilization"},
            "TargetValue": 60.0,
        },
    )
