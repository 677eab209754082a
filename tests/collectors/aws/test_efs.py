"""EFS: file systems and their access points."""

from __future__ import annotations

import json
from typing import Any

from auditor.model import GapReason
from tests.collectors.aws.canned import canned, told
from tests.collectors.aws.recordings import DENIED, Refusal

KIND = "aws.efs.file_system"
SYSTEM = {
    "FileSystemId": "fs-0123",
    "FileSystemArn": "arn:aws:elasticfilesystem:eu-west-1:111111111111:file-system/fs-0123",
    "Name": "media-staging",
    "ThroughputMode": "elastic",
    "Encrypted": True,
    "SizeInBytes": {"Value": 6144},
    "NumberOfMountTargets": 2,
    "Tags": [{"Key": "team", "Value": "web"}],
}
NONE = Refusal("PolicyNotFound", 404)
POLICY = json.dumps({"Statement": {"Effect": "Deny", "Principal": "*", "Action": "*"}})
ANSWERS: dict[str, Any] = {
    "DescribeFileSystems": {"FileSystems": [SYSTEM]},
    "DescribeLifecycleConfiguration": {
        "LifecyclePolicies": [{"TransitionToIA": "AFTER_30_DAYS"}, {"TransitionToArchive": "AFTER_90_DAYS"}]
    },
    "DescribeBackupPolicy": {"BackupPolicy": {"Status": "ENABLED"}},
    "DescribeMountTargets": {"MountTargets": [{"MountTargetId": "fsmt-00000001"}, {"MountTargetId": "fsmt-00000002"}]},
    "DescribeMountTargetSecurityGroups": lambda asked: {"SecurityGroups": ["sg-1", f"sg-of-{asked['MountTargetId']}"]},
    "DescribeFileSystemPolicy": {"Policy": POLICY},
}


def test_a_file_system_is_its_settings_and_the_shape_of_its_mount_targets() -> None:
    """How much it holds is use; it is pointed to by its id and its host name."""
    assert told(KIND, ANSWERS) == {
        "throughput_mode": "elastic",
        "encrypted": True,
        "multi_az": True,
        "life_cycle": {"transition_to_ia": "AFTER_30_DAYS", "transition_to_archive": "AFTER_90_DAYS"},
        "automatic_backups": True,
        "mount_targets": {"count": 2, "security_groups": ["sg-1", "sg-of-fsmt-00000001", "sg-of-fsmt-00000002"]},
        "policy": {"deny everything": {"effect": "deny", "actions": ["*"], "principals": {"aws": ["*"]}}},
        "replication_overwrite_protection": None,
    }
    assert "fs-0123.efs.eu-west-1.amazonaws.com" in canned(KIND, ANSWERS).named("media-staging").refs


def test_no_policy_and_no_backups_are_answers_and_denied_is_none() -> None:
    """What may not be read is unknown."""
    found = told(KIND, {**ANSWERS, "DescribeBackupPolicy": NONE, "DescribeFileSystemPolicy": NONE})
    assert (found["automatic_backups"], found["policy"]) == (False, None)
    seen = canned(KIND, {**ANSWERS, "DescribeBackupPolicy": DENIED, "DescribeFileSystemPolicy": DENIED})
    assert {(gap.attribute, gap.reason) for gap in seen.gaps} == {
        ("automatic_backups", GapReason.ACCESS_DENIED),
        ("policy", GapReason.ACCESS_DENIED),
    }
    assert not {"automatic_backups", "policy"} & set(seen.named("media-staging").attributes)


def test_an_access_point_says_whose_files_it_shows() -> None:
    """Users and groups are numbers that mean something."""
    point = {
        "AccessPointId": "fsap-1",
        "Name": "uploads",
        "FileSystemId": "fs-0123",
        "PosixUser": {"Uid": 1000, "Gid": 1000, "SecondaryGids": [33, 7]},
        "RootDirectory": {"Path": "/up", "CreationInfo": {"OwnerUid": 0, "OwnerGid": 0, "Permissions": "0755"}},
    }
    assert told("aws.efs.access_point", {"DescribeAccessPoints": {"AccessPoints": [point]}}) == {
        "file_system_id": "fs-0123",
        "posix_user": "user 1000 group 1000,7,33",
        "root_directory": {"path": "/up", "creation_info": {"made_for": "user 0 group 0", "permissions": "0755"}},
    }
