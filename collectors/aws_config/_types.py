"""Which kinds AWS Config tells of in the shape that the service's own API answers in, and what it leaves out of them.

Config's `configuration` of these types is the answer of the API that lists them, in the spelling of a Java bean. Types
that Config took from CloudFormation's registry have another shape and are not mapped: under a name of its own each can be
read, but not compared with the live kind. Which properties a type has: https://github.com/awslabs/aws-config-resource-schema
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

RECORDER = "AWS::Config::ConfigurationRecorder"


@dataclass(frozen=True, slots=True)
class Recorded:
    """How one kind is recorded.

    type        Config's name of it
    properties  the top-level properties that Config records, in lower case; empty where it records all that count
    lacks       attributes, as the kind has them at last, that need what Config does not record
    needs       further types that the kind is made of
    """

    type: str
    properties: frozenset[str] = frozenset()
    lacks: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()


def _names(text: str) -> frozenset[str]:
    return frozenset(text.lower().split())


RECORDED: Mapping[str, Recorded] = {
    "aws.autoscaling.group": Recorded("AWS::AutoScaling::AutoScalingGroup", lacks=("policies",)),
    "aws.ec2.fleet": Recorded(
        "AWS::EC2::Instance",
        lacks=("ami_names", "platforms", "metadata_options"),
        needs=("AWS::EC2::Volume",),
    ),
    "aws.ec2.security_group": Recorded("AWS::EC2::SecurityGroup", needs=("AWS::EC2::VPC",)),
    "aws.iam.role": Recorded("AWS::IAM::Role", lacks=("max_session_duration",)),
    "aws.lambda.function": Recorded(
        "AWS::Lambda::Function",
        _names(
            "architectures codeSha256 codeSize deadLetterConfig description ephemeralStorage fileSystemConfigs functionArn "
            "functionName handler imageConfigResponse KMSKeyArn lastModified lastUpdateStatus lastUpdateStatusReasonCode "
            "layers memorySize packageType revisionId role runtime signingJobArn signingProfileVersionArn state stateReason "
            "stateReasonCode timeout tracingConfig version vpcConfig"
        ),
        lacks=("environment", "aliases", "image_uri"),
    ),
    "aws.rds.cluster": Recorded(
        "AWS::RDS::DBCluster",
        _names(
            "activityStreamKinesisStreamName activityStreamKmsKeyId activityStreamMode activityStreamStatus "
            "allocatedStorage associatedRoles availabilityZones backtrackConsumedChangeRecords backtrackWindow "
            "backupRetentionPeriod capacity cloneGroupId clusterCreateTime copyTagsToSnapshot crossAccountClone "
            "customEndpoints databaseName dbClusterResourceId dbclusterArn dbclusterIdentifier dbclusterMembers "
            "dbclusterParameterGroup dbsubnetGroup deletionProtection earliestBacktrackTime enabledCloudwatchLogsExports "
            "endpoint engine engineMode engineVersion hostedZoneId httpEndpointEnabled iamdatabaseAuthenticationEnabled "
            "kmsKeyId masterUsername multiAZ port preferredBackupWindow preferredMaintenanceWindow readReplicaIdentifiers "
            "readerEndpoint replicationSourceIdentifier scalingConfigurationInfo status storageEncrypted vpcSecurityGroups "
            "characterSetName percentProgress earliestRestorableTime latestRestorableTime dbClusterOptionGroupMemberships"
        ),
    ),
    "aws.rds.instance": Recorded(
        "AWS::RDS::DBInstance",
        _names(
            "allocatedStorage autoMinorVersionUpgrade availabilityZone backupRetentionPeriod cACertificateIdentifier "
            "characterSetName copyTagsToSnapshot dBClusterIdentifier dBInstanceArn dBInstanceClass dBInstanceIdentifier "
            "dBInstanceStatus dBName dBParameterGroups dBSecurityGroups dBSubnetGroup dbInstancePort dbiResourceId "
            "domainMemberships enabledCloudwatchLogsExports endpoint engine engineVersion enhancedMonitoringResourceArn "
            "iAMDatabaseAuthenticationEnabled instanceCreateTime iops kmsKeyId latestRestorableTime licenseModel "
            "masterUsername monitoringInterval monitoringRoleArn multiAZ optionGroupMemberships pendingModifiedValues "
            "performanceInsightsEnabled performanceInsightsKMSKeyId performanceInsightsRetentionPeriod "
            "preferredBackupWindow preferredMaintenanceWindow processorFeatures promotionTier publiclyAccessible "
            "readReplicaDBClusterIdentifiers readReplicaDBInstanceIdentifiers readReplicaSourceDBInstanceIdentifier "
            "secondaryAvailabilityZone statusInfos storageEncrypted storageType timezone vpcSecurityGroups tdeCredentialArn"
        ),
    ),
    "aws.s3.bucket": Recorded(
        "AWS::S3::Bucket",
        lacks=(
            "access",
            "lifecycle",
            "notifications",
            "policy_public",
            "replication",
            "website",
        ),
    ),
    "aws.sqs.queue": Recorded("AWS::SQS::Queue"),
}

# The listing of an API -> the type whose items are its answer, and where in the answer they stand.
LISTINGS: Mapping[tuple[str, str], tuple[str, str]] = {
    ("autoscaling", "DescribeAutoScalingGroups"): ("AWS::AutoScaling::AutoScalingGroup", "AutoScalingGroups[]"),
    ("ec2", "DescribeInstances"): ("AWS::EC2::Instance", "Reservations[].Instances[]"),
    ("ec2", "DescribeSecurityGroups"): ("AWS::EC2::SecurityGroup", "SecurityGroups[]"),
    ("ec2", "DescribeVolumes"): ("AWS::EC2::Volume", "Volumes[]"),
    ("ec2", "DescribeVpcs"): ("AWS::EC2::VPC", "Vpcs[]"),
    ("iam", "GetAccountAuthorizationDetails"): ("AWS::IAM::Role", "RoleDetailList[]"),
    ("iam", "ListRoles"): ("AWS::IAM::Role", "Roles[]"),
    ("lambda", "ListFunctions"): ("AWS::Lambda::Function", "Functions[]"),
    ("rds", "DescribeDBClusters"): ("AWS::RDS::DBCluster", "DBClusters[]"),
    ("rds", "DescribeDBInstances"): ("AWS::RDS::DBInstance", "DBInstances[]"),
    ("s3", "ListBuckets"): ("AWS::S3::Bucket", "Buckets[]"),
}

_TYPE = re.compile(r"AWS::([A-Za-z0-9]+)::([A-Za-z0-9]+)")
_BORDER = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def is_type(name: str) -> bool:
    """Whether this is a type as Config names them."""
    return _TYPE.fullmatch(name) is not None


def own_name(type_: str) -> str:
    """The kind that a type has which is not mapped: `AWS::AppSync::GraphQLApi` -> `aws_config.appsync.graph_ql_api`.

    Never the name of a live kind, since it does not have its shape."""
    service, thing = type_.split("::")[1:]
    return f"aws_config.{service.lower()}.{_BORDER.sub('_', thing).lower()}"
