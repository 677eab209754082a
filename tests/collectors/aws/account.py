"""An account in moto with something of every kind of security, network and operations that moto knows."""

from __future__ import annotations

import json
from typing import Any

import boto3

from tests.collectors.aws.reading import REGION, client

ALLOW = {"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": "arn:aws:s3:::orders-staging/*"}
TRUST = {"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"}


def _document(*written: Any) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(written)})


def fill(url: str) -> None:
    """Everything, called after staging."""
    _identities(url)
    _storage(url)
    _network(url)
    _operations(url)


def _identities(url: str) -> None:
    iam, kms, acm = client("iam", url), client("kms", url), client("acm", url)
    iam.create_role(RoleName="orders-staging", AssumeRolePolicyDocument=_document(TRUST), MaxSessionDuration=7200)
    iam.put_role_policy(RoleName="orders-staging", PolicyName="read", PolicyDocument=_document(ALLOW))
    policy = iam.create_policy(PolicyName="orders-staging-write", PolicyDocument=_document(ALLOW))["Policy"]["Arn"]
    iam.create_policy_version(PolicyArn=policy, PolicyDocument=_document({**ALLOW, "Action": "s3:PutObject"}))
    iam.attach_role_policy(RoleName="orders-staging", PolicyArn=policy)
    iam.create_service_linked_role(AWSServiceName="autoscaling.amazonaws.com")
    iam.create_group(GroupName="readers")
    iam.create_instance_profile(InstanceProfileName="orders-staging")
    iam.add_role_to_instance_profile(InstanceProfileName="orders-staging", RoleName="orders-staging")
    iam.create_user(UserName="ada-lovelace")
    iam.create_access_key(UserName="ada-lovelace")
    key = kms.create_key(Tags=[{"TagKey": "team", "TagValue": "orders"}])["KeyMetadata"]["KeyId"]
    kms.create_alias(AliasName="alias/orders-staging", TargetKeyId=key)
    kms.enable_key_rotation(KeyId=key)
    kms.create_key(KeySpec="RSA_2048", KeyUsage="SIGN_VERIFY", Description="signs orders of staging")
    dying = kms.create_key()["KeyMetadata"]["KeyId"]
    kms.schedule_key_deletion(KeyId=dying, PendingWindowInDays=7)
    names = ["*.staging.acme.example"]
    acm.request_certificate(DomainName="staging.acme.example", ValidationMethod="DNS", SubjectAlternativeNames=names)


def _storage(url: str) -> None:
    s3 = client("s3", url)
    here = {"LocationConstraint": REGION}
    for bucket in ("orders-staging", "plain-staging", "trail-staging"):
        s3.create_bucket(Bucket=bucket, CreateBucketConfiguration=here)
    keys = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing"}
    there = boto3.client("s3", region_name="eu-west-2", endpoint_url=url, **keys)
    there.create_bucket(Bucket="elsewhere-staging", CreateBucketConfiguration={"LocationConstraint": "eu-west-2"})
    s3.put_bucket_versioning(Bucket="orders-staging", VersioningConfiguration={"Status": "Enabled"})
    secure = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": ["arn:aws:s3:::orders-staging", "arn:aws:s3:::orders-staging/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    s3.put_bucket_policy(Bucket="orders-staging", Policy=_document(secure))
    tidy = {
        "ID": "tidy",
        "Status": "Enabled",
        "Filter": {"Prefix": "tmp/"},
        "Expiration": {"Days": 7},
        "Transitions": [{"Days": 3, "StorageClass": "GLACIER"}],
    }
    s3.put_bucket_lifecycle_configuration(Bucket="orders-staging", LifecycleConfiguration={"Rules": [tidy]})
    closed = dict.fromkeys(("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True)
    s3.put_public_access_block(Bucket="orders-staging", PublicAccessBlockConfiguration=closed)
    encrypted = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}, "BucketKeyEnabled": True}
    s3.put_bucket_encryption(Bucket="orders-staging", ServerSideEncryptionConfiguration={"Rules": [encrypted]})
    s3.put_bucket_cors(
        Bucket="orders-staging",
        CORSConfiguration={
            "CORSRules": [{"AllowedMethods": ["GET"], "AllowedOrigins": ["https://staging.acme.example"]}]
        },
    )
    s3.put_bucket_tagging(Bucket="orders-staging", Tagging={"TagSet": [{"Key": "team", "Value": "orders"}]})
    s3.put_bucket_acl(Bucket="plain-staging", ACL="public-read")


def _network(url: str) -> None:
    ec2 = client("ec2", url)

    def named(kind: str, name: str) -> list[dict[str, Any]]:
        return [{"ResourceType": kind, "Tags": [{"Key": "Name", "Value": name}]}]

    vpc = ec2.create_vpc(CidrBlock="10.1.0.0/16", TagSpecifications=named("vpc", "orders-staging"))["Vpc"]["VpcId"]
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    for number, zone in enumerate("ab"):
        subnets, tables = {}, {}
        for offset, tier in ((0, "public"), (100, "private")):
            name = f"orders-staging-{tier}-{REGION}{zone}"
            subnets[tier] = ec2.create_subnet(
                VpcId=vpc,
                CidrBlock=f"10.1.{offset + number}.0/24",
                AvailabilityZone=f"{REGION}{zone}",
                TagSpecifications=named("subnet", name),
            )["Subnet"]["SubnetId"]
            table = ec2.create_route_table(VpcId=vpc, TagSpecifications=named("route-table", name))["RouteTable"]
            tables[tier] = table["RouteTableId"]
            ec2.associate_route_table(RouteTableId=tables[tier], SubnetId=subnets[tier])
        nat = ec2.create_nat_gateway(
            SubnetId=subnets["public"], AllocationId=ec2.allocate_address(Domain="vpc")["AllocationId"]
        )["NatGateway"]["NatGatewayId"]
        ec2.create_route(RouteTableId=tables["public"], DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)
        ec2.create_route(RouteTableId=tables["private"], DestinationCidrBlock="0.0.0.0/0", NatGatewayId=nat)
    ec2.create_vpc_endpoint(VpcId=vpc, ServiceName=f"com.amazonaws.{REGION}.s3", RouteTableIds=[tables["private"]])
    shared = ec2.create_vpc(CidrBlock="10.9.0.0/20")["Vpc"]["VpcId"]
    peering = ec2.create_vpc_peering_connection(VpcId=vpc, PeerVpcId=shared)["VpcPeeringConnection"]
    ec2.accept_vpc_peering_connection(VpcPeeringConnectionId=peering["VpcPeeringConnectionId"])
    acl = ec2.create_network_acl(VpcId=vpc, TagSpecifications=named("network-acl", "orders-staging-data"))["NetworkAcl"]
    for rule, block in ((100, "10.1.100.0/24"), (110, "10.1.0.0/16"), (120, "0.0.0.0/0")):
        ec2.create_network_acl_entry(
            NetworkAclId=acl["NetworkAclId"],
            RuleNumber=rule,
            Protocol="6",
            RuleAction="allow",
            Egress=False,
            CidrBlock=block,
            PortRange={"From": 5432, "To": 5432},
        )


def _operations(url: str) -> None:
    logs, alarms, backup = client("logs", url), client("cloudwatch", url), client("backup", url)
    logs.create_log_group(logGroupName="/orders/staging")
    logs.put_retention_policy(logGroupName="/orders/staging", retentionInDays=14)
    logs.create_log_group(logGroupName="/forever/staging")
    counted = [{"metricName": "Errors", "metricNamespace": "Orders", "metricValue": "1"}]
    logs.put_metric_filter(
        logGroupName="/orders/staging", filterName="errors", filterPattern="ERROR", metricTransformations=counted
    )
    for name, value in (("orders-staging-5xx", "app/orders-staging/50dc6c495c0c9188"), ("TargetTracking-x", "y")):
        alarms.put_metric_alarm(
            AlarmName=name,
            MetricName="HTTPCode_ELB_5XX_Count",
            Namespace="AWS/ApplicationELB",
            Dimensions=[{"Name": "LoadBalancer", "Value": value}],
            Statistic="Sum",
            Period=60,
            EvaluationPeriods=3,
            Threshold=5,
            ComparisonOperator="GreaterThanThreshold",
            AlarmActions=[f"arn:aws:sns:{REGION}:123456789012:pager-staging"],
        )
    backup.create_backup_vault(BackupVaultName="orders-staging")
    trail = client("cloudtrail", url)
    trail.create_trail(Name="audit-staging", S3BucketName="trail-staging", IsMultiRegionTrail=True)
    trail.start_logging(Name="audit-staging")
    client("guardduty", url).create_detector(Enable=True)
    client("config", url).put_configuration_recorder(
        ConfigurationRecorder={"name": "default", "roleARN": "arn:aws:iam::123456789012:role/config"}
    )
