"""Alarms, backup plans, quotas, trails, detectors and defaults of an account, from canned answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from auditor.model import GapReason
from tests.collectors.aws.canned import canned, told
from tests.collectors.aws.generated import STAGING
from tests.collectors.aws.recordings import Answer, Recording, Refusal, recordings

HERE = f"arn:aws:cloudtrail:{STAGING.region}:{STAGING.account}:trail"
BUCKETS = recordings("s3.ListBuckets")
NOTHING = Refusal("ResourceNotFoundException")
PLAN = {
    "BackupPlanName": "daily",
    "Rules": [
        {
            "RuleName": "nightly",
            "RuleId": "generated",
            "TargetBackupVaultName": "orders",
            "Lifecycle": {"DeleteAfterDays": 35},
        }
    ],
}
SELECTION = {"SelectionName": "tagged", "IamRoleArn": "arn:aws:iam::111122223333:role/backup", "Resources": ["*"]}
BACKUP: Mapping[str, Answer] = {
    "ListBackupPlans": {"BackupPlansList": [{"BackupPlanName": "daily", "BackupPlanId": "p-1"}]},
    "GetBackupPlan": {"BackupPlan": PLAN, "BackupPlanId": "p-1"},
    "ListBackupSelections": {"BackupSelectionsList": [{"SelectionId": "s-1", "BackupPlanId": "p-1"}]},
    "GetBackupSelection": {"BackupSelection": SELECTION, "SelectionId": "s-1"},
}
TRAILS = [
    {"Name": "here", "TrailARN": f"{HERE}/here", "HomeRegion": "eu-west-1", "S3BucketName": "kept"},
    {"Name": "organisation", "TrailARN": "arn:aws:cloudtrail:us-east-1:9:trail/o", "HomeRegion": "us-east-1"},
]
DEFAULTS: Mapping[str, Answer] = {
    "GetEbsEncryptionByDefault": {"EbsEncryptionByDefault": True},
    "GetEbsDefaultKmsKeyId": {"KmsKeyId": "alias/aws/ebs"},
    "GetSnapshotBlockPublicAccessState": {"State": "block-all-sharing"},
    "GetImageBlockPublicAccessState": {"ImageBlockPublicAccessState": "unblocked"},
    "GetInstanceMetadataDefaults": {"AccountLevel": {"HttpTokens": "required"}},
    "GetSerialConsoleAccessStatus": {"SerialConsoleAccessEnabled": False},
}


def _quotas(asked: Mapping[str, Any]) -> Any:
    """Quotas of one service as they are applied; no service but these has any here."""
    code = asked["ServiceCode"]
    if code == "lambda":
        return {"Quotas": [_quota("L-1", "Concurrent executions", 5000.0), _quota("L-2", "Storage", 75.0)]}
    return {"Quotas": [_quota("L-3", "VPCs per Region", 5.0)]} if code == "vpc" else Refusal("NoSuchResourceException")


def _defaults(asked: Mapping[str, Any]) -> Any:
    plain = {"lambda": [_quota("L-1", "Concurrent executions", 1000.0), _quota("L-2", "Storage", 75.0)]}
    return {"Quotas": plain.get(asked["ServiceCode"], [_quota("L-3", "VPCs per Region", 5.0)])}


def _quota(code: str, name: str, value: float) -> dict[str, Any]:
    return {"QuotaCode": code, "QuotaName": name, "Value": value, "Unit": "None"}


def test_a_backup_plan_says_when_how_long_and_of_what() -> None:
    """Rules and selections are read; their ids are not kept."""
    seen = canned("aws.backup.plan", BACKUP)
    plan = seen.named("daily")
    assert (seen.gaps, seen.failed) == ((), None)
    assert plan.attributes == {
        "plan": {
            "rules": [
                {
                    "rule_name": "nightly",
                    "target_backup_vault_name": "orders",
                    "lifecycle": {"delete_after_days": 35},
                }
            ]
        },
        "selections": [
            {"selection_name": "tagged", "iam_role_arn": SELECTION["IamRoleArn"], "resources": ["*"]},
        ],
    }


def test_what_a_plan_selects_is_unknown_where_it_may_not_be_read() -> None:
    """An unread selection is a gap, and not a plan that backs nothing up."""
    seen = canned("aws.backup.plan", {**BACKUP, "GetBackupSelection": Refusal("AccessDeniedException", 403)})
    (gap,) = seen.gaps
    assert (gap.resource, gap.attribute, gap.reason) == ("daily", "selections", GapReason.ACCESS_DENIED)
    assert "selections" not in seen.named("daily").attributes


def test_a_vault_without_policy_and_notifications_says_so() -> None:
    """`Not found` is an answer here."""
    vaults = [{"BackupVaultName": "orders", "Locked": True, "MinRetentionDays": 7, "NumberOfRecoveryPoints": 5}]
    answers = {
        "ListBackupVaults": {"BackupVaultList": vaults},
        "GetBackupVaultAccessPolicy": NOTHING,
        "GetBackupVaultNotifications": NOTHING,
    }
    seen = canned("aws.backup.vault", answers)
    assert seen.gaps == ()
    assert seen.named("orders").attributes == {
        "locked": True,
        "min_retention_days": 7,
        "access_policy": {},
        "notifications": None,
    }


def test_only_quotas_that_somebody_had_raised_are_told() -> None:
    """What stands at AWS's default is no decision; a service without quotas in the region is passed over."""
    answers = {"ListServiceQuotas": _quotas, "ListAWSDefaultServiceQuotas": _defaults}
    seen = canned("aws.servicequotas.quota", answers)
    assert (seen.gaps, seen.failed) == ((), None)
    (raised,) = seen.resources
    assert raised.identity == "lambda/Concurrent executions"
    assert raised.attributes == {"quota": 5000.0, "default": 1000.0, "unit": "None"}


@pytest.mark.skipif(not BUCKETS, reason="the recordings of AWS answers are not beside the repository")
@pytest.mark.parametrize("recorded", BUCKETS, ids=str)
def test_recorded_buckets_are_read_where_they_lie(recorded: Recording) -> None:
    """Older answers say nothing of the region, so every bucket is asked; Ireland calls itself `EU` in the oldest."""
    names = [bucket["Name"] for bucket in recorded.data["Buckets"]]
    elsewhere, denied = names[:1], names[1:2]

    def lies(asked: Mapping[str, Any]) -> Any:
        if asked["Bucket"] in denied:
            return Refusal("AccessDenied", 403)
        return {"LocationConstraint": "us-west-2" if asked["Bucket"] in elsewhere else "EU"}

    seen = canned("aws.s3.bucket", {"ListBuckets": recorded.data, "GetBucketLocation": lies})
    assert seen.identities == names[2:]
    whole = [(gap.resource, gap.reason) for gap in seen.gaps if gap.attribute is None]
    assert whole == [(name, GapReason.ACCESS_DENIED) for name in denied]


def test_a_trail_is_told_at_home_or_where_its_home_is_not_read() -> None:
    """A trail of another region, or account, says nothing of its events here; that is no gap."""
    answers: Mapping[str, Answer] = {
        "DescribeTrails": {"trailList": TRAILS},
        "GetTrailStatus": {"IsLogging": True},
        "GetEventSelectors": {
            "EventSelectors": [{"ReadWriteType": "All", "IncludeManagementEvents": True, "DataResources": []}]
        },
    }
    seen = canned("aws.cloudtrail.trail", answers)
    assert (seen.identities, seen.gaps) == (["here", "organisation"], ())
    here = seen.named("here").attributes
    assert (here["is_logging"], here["destination"]) == (True, "kept")
    assert here["event_selectors"]["All events"]["include_management_events"] is True
    assert "event_selectors" not in seen.named("organisation").attributes


def test_a_detector_and_a_recorder_say_whether_they_are_on() -> None:
    """By feature; the id that AWS gave the detector is only a handle."""
    feature = {"Name": "EKS", "Status": "ENABLED", "AdditionalConfiguration": [{"Name": "AGENT", "Status": "DISABLED"}]}
    detector = {
        "Status": "ENABLED",
        "FindingPublishingFrequency": "SIX_HOURS",
        "ServiceRole": "r",
        "Features": [feature],
    }
    answers: Mapping[str, Answer] = {
        "ListDetectors": {"DetectorIds": ["0123456789abcdef"]},
        "GetDetector": detector,
        "DescribeConfigurationRecorders": {"ConfigurationRecorders": [{"name": "default"}]},
        "DescribeConfigurationRecorderStatus": {
            "ConfigurationRecordersStatus": [{"name": "default", "recording": False}]
        },
    }
    found = told("aws.guardduty.detector", answers)
    recorder = told("aws.config.recorder", answers)
    assert found["features"] == {"EKS": {"status": "ENABLED", "AGENT": "DISABLED"}}
    assert (found["status"], recorder) == ("ENABLED", {"recording": False})


@pytest.mark.parametrize("denied", [None, "GetImageBlockPublicAccessState"])
def test_what_ec2_does_by_default_is_asked_one_by_one(denied: str | None) -> None:
    """A question that is refused costs its own answer."""
    refused = {denied: Refusal("UnauthorizedOperation", 403)} if denied else {}
    seen = canned("aws.ec2.account_defaults", {**DEFAULTS, **refused})
    attributes = {
        "ebs_encryption": True,
        "ebs_kms_key_id": "alias/aws/ebs",
        "snapshot_block_public_access": "block-all-sharing",
        "image_block_public_access": "unblocked",
        "instance_metadata": {"http_tokens": "required"},
        "serial_console_access": False,
    }
    if denied:
        del attributes["image_block_public_access"]
    assert seen.named("defaults").attributes == attributes
    assert [gap.attribute for gap in seen.gaps] == (["image_block_public_access"] if denied else [])
