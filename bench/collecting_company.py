"""A company in moto: ten services in four regions of two accounts, the same in each but for its names.

    python -m bench.collecting_company

Prints one JSON object with its address and each account's credentials, and ends when its standard input does.
"""

from __future__ import annotations

import io
import json
import logging
import sys
import zipfile
from collections.abc import Mapping
from typing import Any

import boto3
from moto.server import ThreadedMotoServer

from bench.collecting_ours import ACCOUNTS, REGIONS

_TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": ["lambda.amazonaws.com", "ecs-tasks.amazonaws.com"]},
                "Action": "sts:AssumeRole",
            }
        ],
    }
)
_IMAGE = "ami-12c6146b"


def keys_of(url: str, account: str) -> dict[str, str]:
    """Credentials of the account, as moto gives them to whoever assumes a role in it."""
    sts = boto3.client(
        "sts", region_name=REGIONS[0], endpoint_url=url, aws_access_key_id="bench", aws_secret_access_key="bench"
    )
    role = f"arn:aws:iam::{account}:role/Auditor"
    found: dict[str, str] = sts.assume_role(RoleArn=role, RoleSessionName="bench")["Credentials"]
    return found


def fill(url: str, keys: Mapping[str, str], environment: str) -> None:
    """Every region of one account."""
    session = boto3.Session(
        aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"],
        aws_session_token=keys["SessionToken"],
    )
    iam = session.client("iam", region_name=REGIONS[0], endpoint_url=url)
    role = iam.create_role(RoleName=f"orders-{environment}", AssumeRolePolicyDocument=_TRUST)["Role"]["Arn"]
    for region in REGIONS:
        _Region(session, url, region, environment, role).fill()


class _Region:
    """One region of one account."""

    def __init__(self, session: boto3.Session, url: str, region: str, environment: str, role: str) -> None:
        self._session, self._url, self._region = session, url, region
        self._environment, self._role = environment, role

    def fill(self) -> None:
        vpc, subnets, group = self._network()
        self._compute(subnets, group)
        self._balancing(vpc, subnets, group)
        self._containers()
        self._functions()
        self._databases()
        self._messaging()

    def _client(self, service: str) -> Any:
        return self._session.client(service, region_name=self._region, endpoint_url=self._url)

    def _named(self, *parts: str) -> str:
        return "-".join((*parts, self._environment))

    def _network(self) -> tuple[str, list[str], str]:
        ec2 = self._client("ec2")
        vpc = ec2.create_vpc(CidrBlock="10.1.0.0/16")["Vpc"]["VpcId"]
        subnets = [
            ec2.create_subnet(
                VpcId=vpc, CidrBlock=f"10.1.{number}.0/24", AvailabilityZone=f"{self._region}{zone}"
            )["Subnet"]["SubnetId"]
            for number, zone in enumerate("ab")
        ]  # fmt: skip
        group = ec2.create_security_group(GroupName=self._named("web"), Description="web", VpcId=vpc)["GroupId"]
        return str(vpc), subnets, str(group)

    def _compute(self, subnets: list[str], group: str) -> None:
        ec2, autoscaling = self._client("ec2"), self._client("autoscaling")
        for role in ("web", "worker", "batch"):
            tags = [{"ResourceType": "instance", "Tags": [{"Key": "Name", "Value": self._named(role)}]}]
            ec2.run_instances(
                ImageId=_IMAGE, MinCount=2, MaxCount=2, InstanceType="t3.micro", SubnetId=subnets[0],
                SecurityGroupIds=[group], TagSpecifications=tags,
            )  # fmt: skip
            name = self._named(role)
            data = {"ImageId": _IMAGE, "InstanceType": "t3.micro"}
            ec2.create_launch_template(LaunchTemplateName=name, LaunchTemplateData=data)
            autoscaling.create_launch_configuration(
                LaunchConfigurationName=name, ImageId=_IMAGE, InstanceType="t3.micro"
            )
            autoscaling.create_auto_scaling_group(
                AutoScalingGroupName=name, LaunchConfigurationName=name, MinSize=0, MaxSize=4, DesiredCapacity=0,
                VPCZoneIdentifier=subnets[0],
            )  # fmt: skip

    def _balancing(self, vpc: str, subnets: list[str], group: str) -> None:
        elb = self._client("elbv2")
        for role in ("web", "api"):
            balancer = elb.create_load_balancer(Name=self._named(role), Subnets=subnets, SecurityGroups=[group])
            target = elb.create_target_group(
                Name=self._named(role), Protocol="HTTP", Port=8080, TargetType="ip", VpcId=vpc
            )
            elb.create_listener(
                LoadBalancerArn=balancer["LoadBalancers"][0]["LoadBalancerArn"],
                Protocol="HTTP",
                Port=80,
                DefaultActions=[{"Type": "forward", "TargetGroupArn": target["TargetGroups"][0]["TargetGroupArn"]}],
            )

    def _containers(self) -> None:
        ecs = self._client("ecs")
        for cluster in ("orders", "jobs"):
            name = self._named(cluster)
            ecs.create_cluster(clusterName=name)
            for role in ("api", "worker"):
                family = self._named(cluster, role)
                container = {"name": role, "image": "acme/orders:1.4.2", "memory": 256, "essential": True}
                ecs.register_task_definition(family=family, containerDefinitions=[container])
                ecs.create_service(cluster=name, serviceName=role, taskDefinition=family, desiredCount=2)

    def _functions(self) -> None:
        functions, code = self._client("lambda"), io.BytesIO()
        with zipfile.ZipFile(code, "w") as written:
            written.writestr("app.py", "def handler(event, context):\n    return event\n")
        for role in ("resize", "notify", "export", "import"):
            functions.create_function(
                FunctionName=self._named(role), Runtime="python3.12", Role=self._role, Handler="app.handler",
                Code={"ZipFile": code.getvalue()}, Environment={"Variables": {"STAGE": self._environment}},
            )  # fmt: skip

    def _databases(self) -> None:
        rds, dynamodb = self._client("rds"), self._client("dynamodb")
        group = self._named("orders")
        rds.create_db_parameter_group(DBParameterGroupName=group, DBParameterGroupFamily="postgres16", Description="o")
        for role in ("orders", "billing"):
            rds.create_db_instance(
                DBInstanceIdentifier=self._named(role), DBInstanceClass="db.t3.medium", Engine="postgres",
                EngineVersion="16.3", AllocatedStorage=20, MasterUsername="root", MasterUserPassword="not-a-secret",
                DBParameterGroupName=group,
            )  # fmt: skip
        for role in ("carts", "locks", "sessions"):
            dynamodb.create_table(
                TableName=self._named(role), BillingMode="PAY_PER_REQUEST",
                AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
                KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            )  # fmt: skip

    def _messaging(self) -> None:
        kms, sns, secrets = self._client("kms"), self._client("sns"), self._client("secretsmanager")
        for role in ("orders", "mails", "dead"):
            key = kms.create_key(Description=role)["KeyMetadata"]["KeyId"]
            kms.create_alias(AliasName=f"alias/{self._named(role)}", TargetKeyId=key)
            sns.create_topic(Name=self._named(role))
            secrets.create_secret(Name=self._named(role, "password"), SecretString="not-a-secret")


def main() -> None:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    url = f"http://{host}:{port}"
    keys = {environment: keys_of(url, account) for environment, account in ACCOUNTS.items()}
    for environment, own in keys.items():
        fill(url, own, environment)
    sys.stdout.write(json.dumps({"url": url, "keys": keys}, default=str) + "\n")
    sys.stdout.flush()
    sys.stdin.read()
    server.stop()


if __name__ == "__main__":
    main()
