"""Two AWS accounts built by one function. They differ in names, ids, accounts, regions, endpoints, order and replica
counts (production has more), and in nothing else, so an audit of them has nothing to find."""

from __future__ import annotations

import base64
import io
import json
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3

ROLE = "ParityAuditor"
SERVICES = "autoscaling ec2 ecs elasticache elb elbv2 lambda rds secretsmanager ssm".split()


@dataclass(frozen=True)
class Twin:
    """One of the two. `called` is how its names carry the environment, `title` the same in camel case."""

    environment: str
    called: str
    title: str
    account: str
    region: str
    network: str
    replicas: int
    backwards: bool = False

    @property
    def role_arn(self) -> str:
        return f"arn:aws:iam::{self.account}:role/{ROLE}"

    def arn(self, service: str, resource: str) -> str:
        return f"arn:aws:{service}:{self.region}:{self.account}:{resource}"

    def ordered(self, items: Sequence[Any]) -> list[Any]:
        return list(items)[::-1] if self.backwards else list(items)


STAGING = Twin("staging", "stg", "Staging", "111122223333", "eu-west-1", "10.1", replicas=1)
PROD = Twin("prod", "production", "Production", "444455556666", "eu-central-1", "10.2", replicas=3, backwards=True)
TWINS = (STAGING, PROD)


def session(twin: Twin, url: str) -> Callable[[str], Any]:
    """Clients in the twin's account and region, by service."""
    sts = boto3.client(
        "sts", region_name=twin.region, endpoint_url=url, aws_access_key_id="test", aws_secret_access_key="test"
    )
    keys = sts.assume_role(RoleArn=twin.role_arn, RoleSessionName="tests")["Credentials"]
    opened = boto3.session.Session(
        aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"],
        aws_session_token=keys["SessionToken"],
        region_name=twin.region,
    )
    return lambda service: opened.client(service, endpoint_url=url)


def config(folder: Path, urls: tuple[str, str], *, options: str = "", collect: str = "") -> Path:
    """`auditor.yaml` in `folder`: the twins behind these two addresses. `options` are more keys of each source.

    Unless they say otherwise the services are those that the twins have something of and the stand-in answers whole."""
    if "services:" not in options:
        options = f"        services: [{', '.join(SERVICES)}]\n{options}"
    sources = "\n".join(
        f"""  {twin.environment}:
    aliases: [{twin.called}]
    sources:
      - collector: aws
        role_arn: {twin.role_arn}
        regions: [{twin.region}]
        endpoint_url: {url}
        max_attempts: 1
        requests_per_second: 1000
        read_secure_values: true
        read_secret_values: true
{options}"""
        for twin, url in zip(TWINS, urls, strict=True)
    )
    file = folder / "auditor.yaml"
    file.write_text(f"environments:\n{sources}\n{collect}\npairs:\n  - {{left: staging, right: prod}}\n")
    return file


def build(twin: Twin, url: str) -> None:
    """Something of every kind that the stand-in knows."""
    client = session(twin, url)
    subnets, groups, vpc = _network(twin, client("ec2"))
    targets = _balancers(twin, client, subnets, groups["web"], vpc)
    _compute(twin, client, subnets, groups["web"])
    _containers(twin, client("ecs"), subnets, groups["web"], targets)
    _functions(twin, client)
    _databases(twin, client, subnets, groups["data"])
    _settings(twin, client)


def _network(twin: Twin, ec2: Any) -> tuple[list[str], dict[str, str], str]:
    vpc = ec2.create_vpc(CidrBlock=f"{twin.network}.0.0/16", TagSpecifications=_named("vpc", f"{twin.called}-main"))
    vpc_id = vpc["Vpc"]["VpcId"]
    zones = twin.ordered([("a", 0), ("b", 1)])
    subnets = [
        ec2.create_subnet(
            VpcId=vpc_id, CidrBlock=f"{twin.network}.{number}.0/24", AvailabilityZone=f"{twin.region}{zone}"
        )["Subnet"]["SubnetId"]
        for zone, number in zones
    ]
    groups = {
        what: ec2.create_security_group(GroupName=f"{what}-{twin.called}", Description=what, VpcId=vpc_id)["GroupId"]
        for what in twin.ordered(["web", "data"])
    }
    allowed = [
        (groups["web"], 443, {"IpRanges": [{"CidrIp": "0.0.0.0/0", "Description": "the world"}]}),
        (groups["web"], 8080, {"IpRanges": [{"CidrIp": f"{twin.network}.0.0/16"}]}),
        (groups["data"], 5432, {"UserIdGroupPairs": [{"GroupId": groups["web"]}]}),
    ]
    for group, port, source in twin.ordered(allowed):
        rule = {"IpProtocol": "tcp", "FromPort": port, "ToPort": port, **source}
        ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[rule])
    return subnets, groups, vpc_id


def _balancers(twin: Twin, client: Callable[[str], Any], subnets: list[str], group: str, vpc: str) -> dict[str, str]:
    elbv2 = client("elbv2")
    certificate = client("acm").request_certificate(DomainName=f"{twin.called}.acme.example")["CertificateArn"]
    balancer = elbv2.create_load_balancer(Name=f"web-{twin.called}", Subnets=subnets, SecurityGroups=[group])
    arn = balancer["LoadBalancers"][0]["LoadBalancerArn"]
    targets = {
        what: elbv2.create_target_group(
            Name=f"{what}-{twin.called}", Protocol="HTTP", Port=8080, VpcId=vpc, TargetType="ip", HealthCheckPath="/up"
        )["TargetGroups"][0]["TargetGroupArn"]
        for what in twin.ordered(["web", "api"])
    }
    redirect = {"Protocol": "HTTPS", "Port": "443", "StatusCode": "HTTP_301"}
    elbv2.create_listener(
        LoadBalancerArn=arn,
        Protocol="HTTP",
        Port=80,
        DefaultActions=[{"Type": "redirect", "RedirectConfig": redirect}],
    )
    listener = elbv2.create_listener(
        LoadBalancerArn=arn,
        Protocol="HTTPS",
        Port=443,
        SslPolicy="ELBSecurityPolicy-TLS13-1-2-2021-06",
        Certificates=[{"CertificateArn": certificate}],
        DefaultActions=[{"Type": "forward", "TargetGroupArn": targets["web"]}],
    )["Listeners"][0]["ListenerArn"]
    elbv2.create_rule(
        ListenerArn=listener,
        Priority=10,
        Conditions=[{"Field": "path-pattern", "Values": ["/api/*"]}],
        Actions=[{"Type": "forward", "TargetGroupArn": targets["api"]}],
    )
    client("elb").create_load_balancer(
        LoadBalancerName=f"old-{twin.called}",
        Listeners=[{"Protocol": "http", "LoadBalancerPort": 80, "InstanceProtocol": "http", "InstancePort": 8080}],
        AvailabilityZones=[f"{twin.region}a"],
    )
    return targets


def _compute(twin: Twin, client: Callable[[str], Any], subnets: list[str], group: str) -> None:
    ec2, scaling = client("ec2"), client("autoscaling")
    image = ec2.register_image(Name="acme-render-7", Architecture="x86_64", RootDeviceName="/dev/xvda")["ImageId"]
    name = f"render-{twin.called}"
    ec2.create_launch_template(
        LaunchTemplateName=name,
        LaunchTemplateData={
            "ImageId": image,
            "InstanceType": "c6i.large",
            "SecurityGroupIds": [group],
            "UserData": base64.b64encode(b"#!/bin/sh\nsystemctl start render\n").decode(),
            "MetadataOptions": {"HttpTokens": "required", "HttpEndpoint": "enabled"},
            "BlockDeviceMappings": [
                {"DeviceName": "/dev/xvda", "Ebs": {"VolumeSize": 20, "VolumeType": "gp3", "Encrypted": True}}
            ],
        },
    )
    scaling.create_auto_scaling_group(
        AutoScalingGroupName=name,
        LaunchTemplate={"LaunchTemplateName": name, "Version": "$Latest"},
        MinSize=twin.replicas,
        MaxSize=twin.replicas * 2,
        DesiredCapacity=twin.replicas,
        VPCZoneIdentifier=",".join(subnets),
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


def _containers(twin: Twin, ecs: Any, subnets: list[str], group: str, targets: dict[str, str]) -> None:
    cluster = f"shop-{twin.called}"
    ecs.create_cluster(clusterName=cluster, settings=[{"name": "containerInsights", "value": "enabled"}])
    for what in twin.ordered(["web", "api", "worker"]):
        family = f"{what}-{twin.called}"
        variables = {
            "APP_ENV": twin.environment,
            "BASE_URL": f"https://{twin.called}.acme.example",
            "QUEUE_NAME": f"orders-{twin.called}",
            "PAGE_SIZE": "50",
            "CACHE": "true",
        }
        definition = ecs.register_task_definition(
            family=family,
            networkMode="awsvpc",
            requiresCompatibilities=["FARGATE"],
            cpu="256",
            memory="512",
            executionRoleArn=f"arn:aws:iam::{twin.account}:role/{family}",
            containerDefinitions=[
                {
                    "name": what,
                    "image": f"{twin.account}.dkr.ecr.{twin.region}.amazonaws.com/{what}:1.4.2",
                    "essential": True,
                    "command": ["serve", "--port", "8080"],
                    "portMappings": [{"containerPort": 8080, "protocol": "tcp"}],
                    "environment": twin.ordered([{"name": key, "value": value} for key, value in variables.items()]),
                    "secrets": [
                        {"name": "DB_PASSWORD", "valueFrom": twin.arn("ssm", f"parameter/shop/{twin.called}/db")}
                    ],
                    "logConfiguration": {
                        "logDriver": "awslogs",
                        "options": {"awslogs-group": f"/ecs/{family}", "awslogs-region": twin.region},
                    },
                }
            ],
        )["taskDefinition"]["taskDefinitionArn"]
        behind = (
            [{"containerName": what, "containerPort": 8080, "targetGroupArn": arn}]
            if (arn := targets.get(what))
            else []
        )
        ecs.create_service(
            cluster=cluster,
            serviceName=what,
            taskDefinition=definition,
            desiredCount=twin.replicas,
            launchType="FARGATE",
            loadBalancers=behind,
            networkConfiguration={"awsvpcConfiguration": {"subnets": subnets, "securityGroups": [group]}},
        )


def _functions(twin: Twin, client: Callable[[str], Any]) -> None:
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(zipfile.ZipInfo("app.py", (2026, 1, 1, 0, 0, 0)), "def handler(event, context): ...\n")
    for what in twin.ordered(["Resize", "Export"]):
        name = f"{what}{twin.title}"
        role = client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=policy)["Role"]["Arn"]
        client("lambda").create_function(
            FunctionName=name,
            Runtime="python3.12",
            Role=role,
            Handler="app.handler",
            Code={"ZipFile": packed.getvalue()},
            Timeout=30,
            MemorySize=256,
            Environment={"Variables": {"BUCKET": f"acme-{twin.called}-uploads", "QUALITY": "80"}},
            Publish=True,
        )
        client("lambda").create_alias(FunctionName=name, Name="live", FunctionVersion="1")


def _databases(twin: Twin, client: Callable[[str], Any], subnets: list[str], group: str) -> None:
    rds, elasticache = client("rds"), client("elasticache")
    own = f"orders-{twin.called}"
    rds.create_db_subnet_group(DBSubnetGroupName=own, DBSubnetGroupDescription="data", SubnetIds=subnets)
    rds.create_db_parameter_group(DBParameterGroupName=own, DBParameterGroupFamily="postgres16", Description="orders")
    settings = twin.ordered([("log_min_duration_statement", "500"), ("random_page_cost", "1.1")])
    rds.modify_db_parameter_group(
        DBParameterGroupName=own,
        Parameters=[{"ParameterName": k, "ParameterValue": v, "ApplyMethod": "immediate"} for k, v in settings],
    )
    key = twin.arn("kms", f"key/{twin.account[:8]}-1111-4222-8333-{twin.account}")
    rds.create_db_instance(
        DBInstanceIdentifier=own,
        Engine="postgres",
        EngineVersion="16.3",
        DBInstanceClass="db.r6g.large",
        AllocatedStorage=50,
        StorageType="gp3",
        StorageEncrypted=True,
        KmsKeyId=key,
        DBParameterGroupName=own,
        DBSubnetGroupName=own,
        VpcSecurityGroupIds=[group],
        MasterUsername="app",
        MasterUserPassword="not-looked-at-1",
        BackupRetentionPeriod=7,
        EnableCloudwatchLogsExports=twin.ordered(["postgresql", "upgrade"]),
    )
    cluster = f"ledger-{twin.called}"
    rds.create_db_cluster_parameter_group(
        DBClusterParameterGroupName=cluster, DBParameterGroupFamily="aurora-mysql8.0", Description="ledger"
    )
    rds.create_db_cluster(
        DBClusterIdentifier=cluster,
        Engine="aurora-mysql",
        EngineVersion="8.0.mysql_aurora.3.05.2",
        MasterUsername="app",
        MasterUserPassword="not-looked-at-2",
        DBClusterParameterGroupName=cluster,
        DBSubnetGroupName=own,
        VpcSecurityGroupIds=[group],
    )
    rds.create_db_instance(
        DBInstanceIdentifier=f"{cluster}-1",
        DBClusterIdentifier=cluster,
        Engine="aurora-mysql",
        DBInstanceClass="db.r6g.large",
    )
    elasticache.create_replication_group(
        ReplicationGroupId=f"sessions-{twin.called}",
        ReplicationGroupDescription="sessions",
        Engine="redis",
        EngineVersion="7.1",
        CacheNodeType="cache.r6g.large",
        NumCacheClusters=1 + twin.replicas,
        TransitEncryptionEnabled=True,
        SecurityGroupIds=[group],
    )
    elasticache.create_cache_cluster(
        CacheClusterId=f"pages-{twin.called}", Engine="memcached", CacheNodeType="cache.t4g.small", NumCacheNodes=1
    )


def _settings(twin: Twin, client: Callable[[str], Any]) -> None:
    ssm, secrets = client("ssm"), client("secretsmanager")
    root = f"/shop/{twin.called}"
    for name, value in twin.ordered([("page-size", "50"), ("base-url", f"https://{twin.called}.acme.example")]):
        ssm.put_parameter(Name=f"{root}/{name}", Value=value, Type="String")
    ssm.put_parameter(Name=f"{root}/methods", Value="card,invoice", Type="StringList")
    ssm.put_parameter(Name=f"{root}/db", Value=f"Vq8nK2wLzT5r-{twin.account}", Type="SecureString")
    secrets.create_secret(
        Name=f"shop/{twin.called}/mail", SecretString=json.dumps({"password": f"Rm4xJ7cHbY9d{twin.account}"})
    )


def _named(resource: str, name: str) -> list[dict[str, Any]]:
    return [{"ResourceType": resource, "Tags": [{"Key": "Name", "Value": name}]}]
