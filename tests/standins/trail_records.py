"""Records of CloudTrail's as AWS writes them: its fields in its order and spelling, names and ids invented."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any

from tests.standins.cloudtrail import ACCOUNT


def record(service: str, name: str, at: datetime, identity: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """One call of a service's API."""
    made = {
        "eventVersion": "1.11",
        "userIdentity": identity,
        "eventTime": f"{at:%Y-%m-%dT%H:%M:%SZ}",
        "eventSource": f"{service}.amazonaws.com",
        "eventName": name,
        "awsRegion": "eu-west-1",
        "sourceIPAddress": "198.51.100.7",
        "userAgent": "aws-cli/2.31.0 md/awscrt#0.27.6 ua/2.1 os/linux#6.1 md/arch#x86_64 lang/python#3.13.7",
        "requestParameters": None,
        "responseElements": None,
        "requestID": "5f1c7b0e-6a52-4f7e-9f43-3b1f3f6f0a11",
        "eventID": hashlib.sha256(f"{service}{name}{at}".encode()).hexdigest()[:36],
        "readOnly": False,
        "eventType": "AwsApiCall",
        "managementEvent": True,
        "recipientAccountId": ACCOUNT,
        "eventCategory": "Management",
        "tlsDetails": {
            "tlsVersion": "TLSv1.3",
            "cipherSuite": "TLS_AES_128_GCM_SHA256",
            "clientProvidedHostHeader": f"{service}.eu-west-1.amazonaws.com",
        },
    }
    return {**made, **changes}


def assumed(role: str, session: str, **context: Any) -> dict[str, Any]:
    """A role's session."""
    return {
        "type": "AssumedRole",
        "principalId": f"AROAEXAMPLEEXAMPLE123:{session}",
        "arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/{role}/{session}",
        "accountId": ACCOUNT,
        "accessKeyId": "ASIAEXAMPLEEXAMPLE12",
        "sessionContext": {
            "sessionIssuer": {
                "type": "Role",
                "principalId": "AROAEXAMPLEEXAMPLE123",
                "arn": f"arn:aws:iam::{ACCOUNT}:role/{role}",
                "accountId": ACCOUNT,
                "userName": role,
            },
            "attributes": {"creationDate": "2026-11-17T08:55:02Z", "mfaAuthenticated": "true"},
            **context,
        },
    }


def user(name: str) -> dict[str, Any]:
    """An IAM user."""
    return {
        "type": "IAMUser",
        "principalId": "AIDAEXAMPLEEXAMPLE123",
        "arn": f"arn:aws:iam::{ACCOUNT}:user/{name}",
        "accountId": ACCOUNT,
        "accessKeyId": "AKIAEXAMPLEEXAMPLE12",
        "userName": name,
    }


def engine_upgraded(at: datetime, database: str, version: str) -> dict[str, Any]:
    """RDS ModifyDBInstance, by a person's session in the console."""
    return record(
        "rds",
        "ModifyDBInstance",
        at,
        assumed("deploy", "ada"),
        userAgent="Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0 Safari/537.36",
        requestParameters={
            "applyImmediately": True,
            "allowMajorVersionUpgrade": False,
            "engineVersion": version,
            "dBInstanceIdentifier": database,
            "masterUserPassword": "****",
        },
        responseElements={"dBInstanceIdentifier": database, "dBInstanceStatus": "available", "engine": "postgres"},
        sessionCredentialFromConsole="true",
    )


def instances_run(at: datetime, instance: str) -> dict[str, Any]:
    """EC2 RunInstances through the API, by a pipeline that says on whose behalf it works."""
    return record(
        "ec2",
        "RunInstances",
        at,
        assumed("pipeline", "GitHubActions", sourceIdentity="grace"),
        userAgent="APN/1.0 HashiCorp/1.0 Terraform/1.13.4 aws-sdk-go-v2/1.39.6",
        requestParameters={"instancesSet": {"items": [{"imageId": "ami-0abc0abc0abc0abc0", "minCount": 1}]}},
        responseElements={"instancesSet": {"items": [{"instanceId": instance, "instanceType": "m7g.large"}]}},
    )


def scaled(at: datetime, instance: str) -> dict[str, Any]:
    """EC2 RunInstances by EC2 Auto Scaling itself."""
    return record(
        "ec2",
        "RunInstances",
        at,
        assumed("AWSServiceRoleForAutoScaling", "AutoScaling") | {"invokedBy": "autoscaling.amazonaws.com"},
        sourceIPAddress="autoscaling.amazonaws.com",
        userAgent="autoscaling.amazonaws.com",
        responseElements={"instancesSet": {"items": [{"instanceId": instance}]}},
    )


def parameter_put(at: datetime, name: str) -> dict[str, Any]:
    """SSM PutParameter by an IAM user; CloudTrail hides the value."""
    return record(
        "ssm",
        "PutParameter",
        at,
        user("linus"),
        requestParameters={"name": name, "value": "HIDDEN_DUE_TO_SECURITY_REASONS", "type": "String"},
        responseElements={"version": 7, "tier": "Standard"},
    )


def service_updated(at: datetime, cluster: str, service: str) -> dict[str, Any]:
    """ECS UpdateService by CloudFormation for a person; CloudTrail lists no resource for it."""
    return record(
        "ecs",
        "UpdateService",
        at,
        assumed("AWSReservedSSO_PlatformAdmin_0123456789abcdef", "ada@example.com")
        | {"invokedBy": "cloudformation.amazonaws.com"},
        sourceIPAddress="cloudformation.amazonaws.com",
        userAgent="cloudformation.amazonaws.com",
        requestParameters={"cluster": cluster, "service": service, "desiredCount": 4},
    )
