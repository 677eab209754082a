"""EFS: file systems with throughput, encryption, life cycle, backups and the shape of their mount targets. How much they
hold is use; a mount target's address and subnet are each environment's own, how many zones it covers is not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from auditor.errors import CollectError
from auditor.model import Category, GapReason, Json
from collectors.aws._codes import code_of
from collectors.aws._policies import statements_or_none
from collectors.aws.base import AwsKind, Detail, Document, pick

if TYPE_CHECKING:
    from collectors.aws._reader import Reader

_NO_POLICY = ("PolicyNotFound",)
_BY_ID = {"FileSystemId": "FileSystemId"}


def _mount_targets(reader: Reader, system: Document) -> Json:
    """How many, and the security groups in front of them."""
    targets = list(reader.items("DescribeMountTargets", "MountTargets", FileSystemId=system["FileSystemId"]))
    groups: set[str] = set()
    for target in targets:
        answer = reader.call("DescribeMountTargetSecurityGroups", MountTargetId=target["MountTargetId"])
        found = answer.get("SecurityGroups")
        if not isinstance(found, list):
            where = f"efs:DescribeMountTargetSecurityGroups in {reader.region}"
            raise CollectError(GapReason.MALFORMED, f"{where}: an answer without SecurityGroups")
        groups.update(found)
    return {"count": len(targets), "security_groups": sorted(groups)}


def _policy(reader: Reader, system: Document) -> Json:
    try:
        answer = reader.call("DescribeFileSystemPolicy", FileSystemId=system["FileSystemId"])
    except CollectError as error:
        if error.__cause__ is not None and code_of(error.__cause__) in _NO_POLICY:
            return None
        raise
    return statements_or_none(answer["Policy"])


def _life_cycle(policies: Any) -> Json:
    """A list of maps with one key each, as one map."""
    return {name: after for policy in policies or () for name, after in policy.items()}


def _system(attributes: dict[str, Json]) -> dict[str, Json]:
    """One zone or several, and backups, as switches."""
    attributes["multi_az"] = attributes.pop("availability_zone_name", None) is None
    if "automatic_backups" in attributes:
        attributes["automatic_backups"] = attributes["automatic_backups"] in ("ENABLED", "ENABLING")
    protection = (attributes.pop("file_system_protection", None) or {}).get("replication_overwrite_protection")
    attributes["replication_overwrite_protection"] = protection
    return attributes


def _named(system: Document) -> str | None:
    """The Name tag; who gave none knows it by its id only."""
    return system.get("Name") or system.get("FileSystemId")


def _host(system: Document) -> str | None:
    # arn:aws:elasticfilesystem:eu-west-1:111122223333:file-system/fs-0123
    parts = str(system.get("FileSystemArn", "")).split(":")
    return f"{system['FileSystemId']}.efs.{parts[3]}.amazonaws.com" if len(parts) > 5 else None


def _access_point(attributes: dict[str, Json]) -> dict[str, Json]:
    """User and owner as `user 1000 group 1000`: their numbers are settings, and no ids of AWS's."""
    user = attributes.get("posix_user")
    if user:
        groups = ",".join(str(each) for each in (user.get("gid"), *sorted(user.get("secondary_gids") or ())))
        attributes["posix_user"] = f"user {user.get('uid')} group {groups}"
    made = (attributes.get("root_directory") or {}).get("creation_info")
    if made:
        made["made_for"] = f"user {made.pop('owner_uid', None)} group {made.pop('owner_gid', None)}"
    return attributes


def _access_point_name(point: Document) -> str | None:
    return point.get("Name") or pick(point, "RootDirectory.Path") or point.get("AccessPointId")


KINDS = (
    AwsKind(
        name="aws.efs.file_system",
        category=Category.STORAGE,
        about="File systems: performance, throughput, encryption, life cycle, backups, mount targets",
        cloudformation="AWS::EFS::FileSystem",
        service="efs",
        operation="DescribeFileSystems",
        result="FileSystems",
        identity=_named,
        location="FileSystemArn",
        refs=("FileSystemId", _host),
        verbatim=("policy", "policy.*.conditions"),
        drop=(
            "file_system_id",
            "file_system_arn",
            "owner_id",
            "creation_token",
            "creation_time",
            "life_cycle_state",
            "name",
            "number_of_mount_targets",
            "size_in_bytes",
            "availability_zone_id",
        ),
        permissions=(
            "elasticfilesystem:DescribeMountTargets",
            "elasticfilesystem:DescribeMountTargetSecurityGroups",
            "elasticfilesystem:DescribeFileSystemPolicy",
        ),
        details=(
            Detail(
                attribute="life_cycle",
                operation="DescribeLifecycleConfiguration",
                arguments=_BY_ID,
                result="LifecyclePolicies",
                transform=_life_cycle,
            ),
            Detail(
                attribute="automatic_backups",
                operation="DescribeBackupPolicy",
                arguments=_BY_ID,
                result="BackupPolicy.Status",
                none_on=_NO_POLICY,
            ),
            Detail(attribute="mount_targets", read=_mount_targets),
            Detail(attribute="policy", read=_policy),
        ),
        transform=_system,
    ),
    AwsKind(
        name="aws.efs.access_point",
        category=Category.STORAGE,
        about="Access points of file systems: root directory and user",
        cloudformation="AWS::EFS::AccessPoint",
        service="efs",
        operation="DescribeAccessPoints",
        result="AccessPoints",
        identity=_access_point_name,
        location="AccessPointArn",
        refs=("AccessPointId",),
        drop=("access_point_id", "access_point_arn", "owner_id", "client_token", "life_cycle_state", "name"),
        transform=_access_point,
    ),
)
