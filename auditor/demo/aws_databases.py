"""Orders in PostgreSQL, the catalogue in Aurora, sessions in Redis."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from auditor.demo.aws_network import Network
from auditor.demo.company import Site

_ENGINE = {"staging": "16.1", "prod": "16.3"}
_CATALOGUE_CLASS = {"staging": "db.t3.large", "prod": "db.r6g.large"}
_ORDERS_CLASS = {"staging": "db.r6g.large", "prod": "db.r6g.xlarge"}
_PLANNER = {"staging": "4", "prod": "1.1"}


def build(site: Site, client: Callable[[str], Any], network: Network) -> None:
    """Production is larger, redundant, protected and longer kept, as it should be."""
    rds = client("rds")
    rds.create_db_subnet_group(
        DBSubnetGroupName=site.name("subnet-group"),
        DBSubnetGroupDescription="Databases",
        SubnetIds=list(network.subnets),
    )
    _orders(site, rds, network)
    _catalogue(site, rds, network)
    _sessions(site, client("elasticache"), network)


def _orders(site: Site, rds: Any, network: Network) -> None:
    rds.create_db_parameter_group(
        DBParameterGroupName=site.name("orders-pg"), DBParameterGroupFamily="postgres16", Description="Orders"
    )
    settings = {
        "log_min_duration_statement": "500",
        "random_page_cost": _PLANNER[site.environment],
        "rds.force_ssl": "1",
    }
    rds.modify_db_parameter_group(DBParameterGroupName=site.name("orders-pg"), Parameters=_parameters(settings))
    rds.create_db_instance(
        DBInstanceIdentifier=site.name("orders-db"),
        DBName="orders",
        Engine="postgres",
        EngineVersion=_ENGINE[site.environment],
        DBInstanceClass=_ORDERS_CLASS[site.environment],
        AllocatedStorage=500 if site.prod else 50,
        StorageType="gp3",
        StorageEncrypted=True,
        KmsKeyId=site.arn("kms", f"key/{_key(site)}"),
        MultiAZ=site.prod,
        DeletionProtection=site.prod,
        BackupRetentionPeriod=site.keep_days,
        DBParameterGroupName=site.name("orders-pg"),
        DBSubnetGroupName=site.name("subnet-group"),
        VpcSecurityGroupIds=[network.groups["data-sg"]],
        MasterUsername="shop",
        MasterUserPassword=f"{site.environment}-Vq8nK2wLzT5r",
        EnableCloudwatchLogsExports=["postgresql"],
        CopyTagsToSnapshot=True,
        AutoMinorVersionUpgrade=False,
        Tags=_tags(site),
    )


def _catalogue(site: Site, rds: Any, network: Network) -> None:
    rds.create_db_cluster_parameter_group(
        DBClusterParameterGroupName=site.name("catalogue-pg"),
        DBParameterGroupFamily="aurora-mysql8.0",
        Description="Catalogue",
    )
    rds.create_db_cluster(
        DBClusterIdentifier=site.name("catalogue-db"),
        Engine="aurora-mysql",
        EngineVersion="8.0.mysql_aurora.3.05.2",
        DatabaseName="catalogue",
        MasterUsername="shop",
        MasterUserPassword=f"{site.environment}-Rm4xJ7cHbY9d",
        StorageEncrypted=True,
        KmsKeyId=site.arn("kms", f"key/{_key(site)}"),
        BackupRetentionPeriod=site.keep_days,
        DeletionProtection=site.prod,
        DBClusterParameterGroupName=site.name("catalogue-pg"),
        DBSubnetGroupName=site.name("subnet-group"),
        VpcSecurityGroupIds=[network.groups["data-sg"]],
        Tags=_tags(site),
    )
    rds.create_db_instance(
        DBInstanceIdentifier=f"{site.name('catalogue-db')}-1",
        DBClusterIdentifier=site.name("catalogue-db"),
        Engine="aurora-mysql",
        DBInstanceClass=_CATALOGUE_CLASS[site.environment],
        Tags=_tags(site),
    )


def _sessions(site: Site, elasticache: Any, network: Network) -> None:
    elasticache.create_replication_group(
        ReplicationGroupId=site.name("sessions"),
        ReplicationGroupDescription="Sessions of the shop",
        Engine="redis",
        EngineVersion="7.1",
        CacheNodeType="cache.r6g.large",
        NumCacheClusters=3 if site.prod else 2,
        AutomaticFailoverEnabled=True,
        MultiAZEnabled=site.prod,
        SnapshotRetentionLimit=site.keep_days,
        TransitEncryptionEnabled=True,
        # Somebody had to recreate production's cache in a hurry.
        AtRestEncryptionEnabled=not site.prod,
        SecurityGroupIds=[network.groups["data-sg"]],
    )


def _parameters(settings: dict[str, str]) -> list[dict[str, str]]:
    return [
        {"ParameterName": name, "ParameterValue": value, "ApplyMethod": "immediate"} for name, value in settings.items()
    ]


def _key(site: Site) -> str:
    return site.pick("5b1de0a7-6f1c-4c52-9a3e-0d7f5b6e2c11", "c9a4f3d2-27be-4f0a-8d15-7e3a9b0c6f42")


def _tags(site: Site) -> list[dict[str, str]]:
    return [{"Key": "environment", "Value": site.environment}, {"Key": "team", "Value": "shop"}]
