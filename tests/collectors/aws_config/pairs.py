"""The same resources twice: as the services' own APIs answer, and as AWS Config records them (its published properties:
beans in camel case, policies as the text of a URL, old and new lists of ranges side by side, nulls for what is not set)."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

ACCOUNT, REGION = "111122223333", "eu-west-1"
CAPTURED = "2026-11-20T08:00:00.000Z"
TAGS = [{"Key": "team", "Value": "shop"}]
_TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
_INLINE = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": "*"}]}
_PUBLIC = {"BlockPublicAcls": True, "IgnorePublicAcls": True, "BlockPublicPolicy": True, "RestrictPublicBuckets": False}
_BUCKET_POLICY = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "arn:aws:s3:::shop-assets/*"}],
    }
)
_QUEUE_URL = f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/orders"
_QUEUE_ARN = f"arn:aws:sqs:{REGION}:{ACCOUNT}:orders"
_DB_ARN = f"arn:aws:rds:{REGION}:{ACCOUNT}:db:orders"
_ROLE_ARN = f"arn:aws:iam::{ACCOUNT}:role/worker"
_FUNCTION_ARN = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:resize"


def item(type_: str, name: str, configuration: Any, **others: Any) -> dict[str, Any]:
    """One item as an advanced query answers it."""
    return {
        "resourceType": type_,
        "resourceId": others.pop("id", name),
        "resourceName": name,
        "accountId": ACCOUNT,
        "awsRegion": REGION,
        "configuration": configuration,
        "tags": [{"key": "team", "value": "shop", "tag": "team=shop"}],
        "configurationItemCaptureTime": CAPTURED,
        "configurationItemStatus": "OK",
        **others,
    }


def recorder(**group: Any) -> dict[str, Any]:
    """The recorder's own item; it records everything unless told otherwise."""
    recording = group.pop("Recording", True)
    configuration = {"Name": "default", "Recording": recording, "RecordingGroup": group or {"AllSupported": True}}
    return item("AWS::Config::ConfigurationRecorder", "default", configuration)


LIVE: dict[str, Any] = {
    "rds.DescribeDBInstances": {
        "DBInstances": [
            {
                "DBInstanceIdentifier": "orders",
                "DBInstanceArn": _DB_ARN,
                "DBInstanceClass": "db.r6g.large",
                "Engine": "postgres",
                "EngineVersion": "16.4",
                "DBInstanceStatus": "available",
                "MasterUsername": "shop",
                "Endpoint": {"Address": "orders.abcdef012345.eu-west-1.rds.amazonaws.com", "Port": 5432},
                "AllocatedStorage": 100,
                "MultiAZ": True,
                "StorageEncrypted": True,
                "PubliclyAccessible": False,
                "BackupRetentionPeriod": 7,
                "IAMDatabaseAuthenticationEnabled": True,
                "CACertificateIdentifier": "rds-ca-rsa2048-g1",
                "VpcSecurityGroups": [{"VpcSecurityGroupId": "sg-0a1b2c3d4e5f60718", "Status": "active"}],
                "DBParameterGroups": [{"DBParameterGroupName": "orders-16", "ParameterApplyStatus": "in-sync"}],
                "OptionGroupMemberships": [{"OptionGroupName": "default:postgres-16", "Status": "in-sync"}],
                "DBSubnetGroup": {
                    "DBSubnetGroupName": "private",
                    "DBSubnetGroupDescription": "private",
                    "VpcId": "vpc-0a1b2c3d4e5f60718",
                    "Subnets": [{"SubnetIdentifier": "subnet-0a1b2c3d4e5f60718", "SubnetStatus": "Active"}],
                },
                "DeletionProtection": True,
                "TagList": TAGS,
            }
        ]
    },
    "ec2.DescribeInstances": {
        "Reservations": [
            {
                "Instances": [
                    {
                        "InstanceId": "i-0a1b2c3d4e5f60718",
                        "InstanceType": "m6i.large",
                        "ImageId": "ami-0a1b2c3d4e5f60718",
                        "State": {"Code": 16, "Name": "running"},
                        "Architecture": "x86_64",
                        "EbsOptimized": True,
                        "SourceDestCheck": True,
                        "Monitoring": {"State": "enabled"},
                        "Placement": {"Tenancy": "default", "AvailabilityZone": "eu-west-1a"},
                        "SecurityGroups": [{"GroupId": "sg-0a1b2c3d4e5f60718", "GroupName": "web"}],
                        "RootDeviceName": "/dev/xvda",
                        "BlockDeviceMappings": [
                            {"DeviceName": "/dev/xvda", "Ebs": {"VolumeId": "vol-0a1b2c3d4e5f60718"}}
                        ],
                        "Tags": [*TAGS, {"Key": "Name", "Value": "web-1"}],
                        "PlatformDetails": "Linux/UNIX",
                    }
                ]
            }
        ]
    },
    "ec2.DescribeVolumes": {
        "Volumes": [
            {
                "VolumeId": "vol-0a1b2c3d4e5f60718",
                "VolumeType": "gp3",
                "Size": 50,
                "Encrypted": True,
                "Iops": 3000,
                "Throughput": 125,
            }
        ]
    },
    "ec2.DescribeImages": {"Images": [{"ImageId": "ami-0a1b2c3d4e5f60718", "Name": "al2023"}]},
    "ec2.DescribeSecurityGroups": {
        "SecurityGroups": [
            {
                "GroupId": "sg-0a1b2c3d4e5f60718",
                "GroupName": "web",
                "Description": "web servers",
                "OwnerId": ACCOUNT,
                "VpcId": "vpc-0a1b2c3d4e5f60718",
                "SecurityGroupArn": f"arn:aws:ec2:{REGION}:{ACCOUNT}:security-group/sg-0a1b2c3d4e5f60718",
                "IpPermissions": [
                    {
                        "IpProtocol": "tcp",
                        "FromPort": 443,
                        "ToPort": 443,
                        "IpRanges": [{"CidrIp": "10.0.0.0/8", "Description": "inside"}],
                        "Ipv6Ranges": [{"CidrIpv6": "2001:db8::/32"}],
                        "UserIdGroupPairs": [{"GroupId": "sg-0a1b2c3d4e5f60719", "UserId": ACCOUNT}],
                        "PrefixListIds": [],
                    }
                ],
                "IpPermissionsEgress": [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}],
                "Tags": TAGS,
            }
        ]
    },
    "lambda.ListFunctions": {
        "Functions": [
            {
                "FunctionName": "resize",
                "FunctionArn": _FUNCTION_ARN,
                "Runtime": "python3.12",
                "Role": _ROLE_ARN,
                "Handler": "app.handle",
                "CodeSize": 1200,
                "CodeSha256": "q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA=",
                "Timeout": 30,
                "MemorySize": 512,
                "KMSKeyArn": f"arn:aws:kms:{REGION}:{ACCOUNT}:key/0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9",
                "LastModified": "2026-01-01T00:00:00.000+0000",
                "TracingConfig": {"Mode": "Active"},
                "PackageType": "Zip",
                "Architectures": ["arm64"],
                "EphemeralStorage": {"Size": 1024},
                "VpcConfig": {"SubnetIds": ["subnet-0a1b2c3d4e5f60718"], "SecurityGroupIds": ["sg-0a1b2c3d4e5f60718"]},
                "Layers": [{"Arn": f"arn:aws:lambda:{REGION}:{ACCOUNT}:layer:imaging:4", "CodeSize": 5}],
                "Environment": {"Variables": {"LEVEL": "info"}},
            }
        ]
    },
    "lambda.ListAliases": {"Aliases": []},
    "lambda.GetFunctionConcurrency": {"ReservedConcurrentExecutions": 5},
    "lambda.ListTags": {"Tags": {"team": "shop"}},
    "s3.ListBuckets": {"Buckets": [{"Name": "shop-assets", "BucketRegion": REGION}]},
    "s3.GetBucketAcl": {"Owner": {"ID": "0a1b"}, "Grants": []},
    "s3.GetBucketNotificationConfiguration": {},
    "s3.GetBucketTagging": {"TagSet": TAGS},
    "s3.GetBucketVersioning": {"Status": "Enabled"},
    "s3.GetBucketEncryption": {
        "ServerSideEncryptionConfiguration": {
            "Rules": [
                {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}, "BucketKeyEnabled": True},
            ]
        }
    },
    "s3.GetPublicAccessBlock": {"PublicAccessBlockConfiguration": _PUBLIC},
    "s3.GetBucketPolicy": {"Policy": _BUCKET_POLICY},
    "s3.GetBucketCors": {
        "CORSRules": [
            {
                "ID": "web",
                "AllowedMethods": ["GET"],
                "AllowedOrigins": ["https://shop.example.com"],
                "ExposeHeaders": ["ETag"],
                "MaxAgeSeconds": 3000,
            }
        ]
    },
    "s3.GetBucketLogging": {"LoggingEnabled": {"TargetBucket": "shop-logs", "TargetPrefix": "assets/"}},
    "sqs.ListQueues": {"QueueUrls": [_QUEUE_URL]},
    "sqs.GetQueueAttributes": {
        "Attributes": {
            "QueueArn": _QUEUE_ARN,
            "VisibilityTimeout": "60",
            "MessageRetentionPeriod": "345600",
            "DelaySeconds": "0",
            "MaximumMessageSize": "262144",
            "ReceiveMessageWaitTimeSeconds": "20",
            "SqsManagedSseEnabled": "true",
            "RedrivePolicy": json.dumps({"deadLetterTargetArn": f"{_QUEUE_ARN}-dead", "maxReceiveCount": 5}),
            "CreatedTimestamp": "1700000000",
        }
    },
    "sqs.ListQueueTags": {"Tags": {"team": "shop"}},
    "iam.ListRoles": {
        "Roles": [
            {
                "RoleName": "worker",
                "Path": "/",
                "RoleId": "AROAEXAMPLEEXAMPLE12",
                "Arn": _ROLE_ARN,
                "CreateDate": "2026-01-01T00:00:00Z",
                "MaxSessionDuration": 3600,
            }
        ]
    },
    "iam.GetAccountAuthorizationDetails": {
        "RoleDetailList": [
            {
                "RoleName": "worker",
                "Path": "/",
                "RoleId": "AROAEXAMPLEEXAMPLE12",
                "Arn": _ROLE_ARN,
                "AssumeRolePolicyDocument": quote(json.dumps(_TRUST)),
                "RolePolicyList": [{"PolicyName": "send", "PolicyDocument": quote(json.dumps(_INLINE))}],
                "AttachedManagedPolicies": [
                    {"PolicyName": "Basic", "PolicyArn": "arn:aws:iam::aws:policy/service-role/Basic"}
                ],
                "Tags": TAGS,
            }
        ]
    },
}

HELD: list[dict[str, Any]] = [
    recorder(),
    item(
        "AWS::RDS::DBInstance",
        "orders",
        {
            "dBInstanceIdentifier": "orders",
            "dBInstanceArn": _DB_ARN,
            "dBInstanceClass": "db.r6g.large",
            "engine": "postgres",
            "engineVersion": "16.4",
            "dBInstanceStatus": "available",
            "masterUsername": "shop",
            "endpoint": {
                "address": "orders.abcdef012345.eu-west-1.rds.amazonaws.com",
                "port": 5432,
                "hostedZoneId": "Z",
            },
            "allocatedStorage": 100,
            "multiAZ": True,
            "storageEncrypted": True,
            "publiclyAccessible": False,
            "backupRetentionPeriod": 7,
            "iAMDatabaseAuthenticationEnabled": True,
            "cACertificateIdentifier": "rds-ca-rsa2048-g1",
            "characterSetName": None,
            "vpcSecurityGroups": [{"vpcSecurityGroupId": "sg-0a1b2c3d4e5f60718", "status": "active"}],
            "dBParameterGroups": [{"dBParameterGroupName": "orders-16", "parameterApplyStatus": "in-sync"}],
            "optionGroupMemberships": [{"optionGroupName": "default:postgres-16", "status": "in-sync"}],
            "dBSubnetGroup": {
                "dBSubnetGroupName": "private",
                "dBSubnetGroupDescription": "private",
                "vpcId": "vpc-0a1b2c3d4e5f60718",
                "subnets": [{"subnetIdentifier": "subnet-0a1b2c3d4e5f60718", "subnetStatus": "Active"}],
            },
            "dbInstancePort": 0,
        },
        id="db-ABCDEFGHIJKLMNOPQRSTUVWXYZ",
        arn=_DB_ARN,
    ),
    item(
        "AWS::EC2::Instance",
        "",
        {
            "instanceId": "i-0a1b2c3d4e5f60718",
            "instanceType": "m6i.large",
            "imageId": "ami-0a1b2c3d4e5f60718",
            "state": {"code": 16, "name": "running"},
            "architecture": "x86_64",
            "ebsOptimized": True,
            "sourceDestCheck": True,
            "monitoring": {"state": "enabled"},
            "placement": {"tenancy": "default", "availabilityZone": "eu-west-1a", "groupName": ""},
            "securityGroups": [{"groupId": "sg-0a1b2c3d4e5f60718", "groupName": "web"}],
            "rootDeviceName": "/dev/xvda",
            "blockDeviceMappings": [{"deviceName": "/dev/xvda", "ebs": {"volumeId": "vol-0a1b2c3d4e5f60718"}}],
        },
        id="i-0a1b2c3d4e5f60718",
        tags=[{"key": "team", "value": "shop"}, {"key": "Name", "value": "web-1"}],
    ),
    item(
        "AWS::EC2::Volume",
        "",
        {
            "volumeId": "vol-0a1b2c3d4e5f60718",
            "volumeType": "gp3",
            "size": 50,
            "encrypted": True,
            "iops": 3000,
            "throughput": 125,
        },
        id="vol-0a1b2c3d4e5f60718",
        tags=[],
    ),
    item("AWS::EC2::VPC", "", {"vpcId": "vpc-0a1b2c3d4e5f60718", "isDefault": False}, id="vpc-0a1b2c3d4e5f60718"),
    item(
        "AWS::EC2::SecurityGroup",
        "web",
        {
            "groupId": "sg-0a1b2c3d4e5f60718",
            "groupName": "web",
            "description": "web servers",
            "ownerId": ACCOUNT,
            "vpcId": "vpc-0a1b2c3d4e5f60718",
            "ipPermissions": [
                {
                    "ipProtocol": "tcp",
                    "fromPort": 443,
                    "toPort": 443,
                    "ipRanges": ["10.0.0.0/8"],
                    "ipv4Ranges": [{"cidrIp": "10.0.0.0/8", "description": "inside"}],
                    "ipv6Ranges": [{"cidrIpv6": "2001:db8::/32"}],
                    "userIdGroupPairs": [{"groupId": "sg-0a1b2c3d4e5f60719", "userId": ACCOUNT}],
                    "prefixListIds": [],
                }
            ],
            "ipPermissionsEgress": [
                {"ipProtocol": "-1", "ipv4Ranges": [{"cidrIp": "0.0.0.0/0"}], "ipRanges": ["0.0.0.0/0"]}
            ],
        },
        id="sg-0a1b2c3d4e5f60718",
        arn=f"arn:aws:ec2:{REGION}:{ACCOUNT}:security-group/sg-0a1b2c3d4e5f60718",
    ),
    item(
        "AWS::Lambda::Function",
        "resize",
        {
            "functionName": "resize",
            "functionArn": _FUNCTION_ARN,
            "runtime": "python3.12",
            "role": _ROLE_ARN,
            "handler": "app.handle",
            "codeSize": 1200,
            "codeSha256": "q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA=",
            "timeout": 30,
            "memorySize": 512,
            "kmskeyArn": f"arn:aws:kms:{REGION}:{ACCOUNT}:key/0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9",
            "lastModified": "2026-01-01T00:00:00.000+0000",
            "tracingConfig": {"mode": "Active"},
            "packageType": "Zip",
            "architectures": ["arm64"],
            "ephemeralStorage": {"size": 1024},
            "vpcConfig": {"subnetIds": ["subnet-0a1b2c3d4e5f60718"], "securityGroupIds": ["sg-0a1b2c3d4e5f60718"]},
            "layers": [{"arn": f"arn:aws:lambda:{REGION}:{ACCOUNT}:layer:imaging:4", "codeSize": 5}],
            "state": {"value": "Active"},
        },
        supplementaryConfiguration={"Concurrency": {"reservedConcurrentExecutions": 5.0}},
    ),
    item(
        "AWS::S3::Bucket",
        "shop-assets",
        {"name": "shop-assets", "creationDate": "2026-01-01T00:00:00.000Z", "owner": {"id": "0a1b"}},
        supplementaryConfiguration={
            "BucketVersioningConfiguration": json.dumps({"status": "Enabled", "isMfaDeleteEnabled": None}),
            "ServerSideEncryptionConfiguration": {
                "rules": [
                    {"applyServerSideEncryptionByDefault": {"sseAlgorithm": "AES256"}, "bucketKeyEnabled": True},
                ]
            },
            "PublicAccessBlockConfiguration": {name[0].lower() + name[1:]: value for name, value in _PUBLIC.items()},
            "BucketPolicy": {"policyText": _BUCKET_POLICY},
            "BucketCrossOriginConfiguration": {
                "rules": [
                    {
                        "id": "web",
                        "allowedMethods": ["GET"],
                        "allowedOrigins": ["https://shop.example.com"],
                        "exposedHeaders": ["ETag"],
                        "maxAgeSeconds": 3000,
                    }
                ]
            },
            "BucketLoggingConfiguration": {"destinationBucketName": "shop-logs", "logFilePrefix": "assets/"},
        },
    ),
    item(
        "AWS::SQS::Queue",
        "orders",
        {
            "QueueName": "orders",
            "QueueUrl": _QUEUE_URL,
            "QueueArn": _QUEUE_ARN,
            "VisibilityTimeout": 60,
            "MessageRetentionPeriod": 345600,
            "DelaySeconds": 0,
            "MaximumMessageSize": 262144,
            "ReceiveMessageWaitTimeSeconds": 20,
            "SqsManagedSseEnabled": "true",
            "RedrivePolicy": {"deadLetterTargetArn": f"{_QUEUE_ARN}-dead", "maxReceiveCount": 5},
        },
    ),
    item(
        "AWS::IAM::Role",
        "worker",
        {
            "roleName": "worker",
            "path": "/",
            "roleId": "AROAEXAMPLEEXAMPLE12",
            "arn": _ROLE_ARN,
            "assumeRolePolicyDocument": quote(json.dumps(_TRUST)),
            "rolePolicyList": [{"policyName": "send", "policyDocument": quote(json.dumps(_INLINE))}],
            "attachedManagedPolicies": [
                {"policyName": "Basic", "policyArn": "arn:aws:iam::aws:policy/service-role/Basic"}
            ],
            "permissionsBoundary": None,
            "instanceProfileList": [],
        },
        id="AROAEXAMPLEEXAMPLE12",
        awsRegion="global",
    ),
]
