"""AWS Backup: plans with their rules and what they select, and the vaults that keep the copies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from auditor.model import Category, Json
from collectors.aws._policies import statements
from collectors.aws.base import AwsKind, Detail, Document

if TYPE_CHECKING:
    from collectors.aws._reader import Reader

_CONDITIONS = ("string_equals", "string_not_equals", "string_like", "string_not_like")


def _selections(reader: Reader, plan: Document) -> Json:
    """What a plan backs up: names only lead to a second call each."""
    chosen = reader.items("ListBackupSelections", "BackupSelectionsList", BackupPlanId=plan["BackupPlanId"])
    found = []
    for each in chosen:
        answer = reader.call("GetBackupSelection", BackupPlanId=plan["BackupPlanId"], SelectionId=each["SelectionId"])
        found.append(reader.spelled(answer["BackupSelection"], "GetBackupSelection", "BackupSelection"))
    return found


def _rules(answer: dict[str, Any]) -> Json:
    return {name: value for name, value in answer.items() if name != "backup_plan_name"}


def _vault(attributes: dict[str, Json]) -> dict[str, Json]:
    """No policy is one without statements."""
    if "access_policy" in attributes:
        attributes["access_policy"] = attributes["access_policy"] or {}
    return attributes


KINDS = (
    AwsKind(
        name="aws.backup.plan",
        category=Category.OPERATIONS,
        about="Backup plans: when, how long each copy is kept, where it goes, what is selected",
        cloudformation="AWS::Backup::BackupPlan",
        service="backup",
        operation="ListBackupPlans",
        result="BackupPlansList",
        identity="BackupPlanName",
        location="BackupPlanArn",
        refs=("BackupPlanId",),
        keyed={
            "plan.rules": "rule_name",
            "plan.rules.*.copy_actions": "destination_backup_vault_arn",
            "plan.advanced_backup_settings": "resource_type",
            "plan.scan_settings": "malware_scanner",
            "selections": "selection_name",
            "selections.*.list_of_tags": "condition_key",
            **{f"selections.*.conditions.{name}": "condition_key" for name in _CONDITIONS},
        },
        verbatim=("plan.rules.*.recovery_point_tags", "plan.advanced_backup_settings.*.backup_options"),
        drop=(
            "backup_plan_name",
            "backup_plan_arn",
            "backup_plan_id",
            "creation_date",
            "deletion_date",
            "version_id",
            "creator_request_id",
            "last_execution_date",
            "plan.rules.*.rule_id",
            "advanced_backup_settings",
        ),
        details=(
            Detail(
                attribute="plan",
                operation="GetBackupPlan",
                arguments={"BackupPlanId": "BackupPlanId"},
                result="BackupPlan",
                transform=_rules,
            ),
            Detail(attribute="selections", read=_selections),
        ),
        permissions=("backup:ListBackupSelections", "backup:GetBackupSelection"),
    ),
    AwsKind(
        name="aws.backup.vault",
        category=Category.OPERATIONS,
        about="Backup vaults: lock, retention bounds, encryption, access policy, notifications",
        cloudformation="AWS::Backup::BackupVault",
        service="backup",
        operation="ListBackupVaults",
        result="BackupVaultList",
        identity="BackupVaultName",
        location="BackupVaultArn",
        verbatim=("access_policy",),
        drop=(
            "backup_vault_name",
            "backup_vault_arn",
            "vault_state",
            "creation_date",
            "creator_request_id",
            "number_of_recovery_points",
            "lock_date",
            "notifications.backup_vault_name",
            "notifications.backup_vault_arn",
        ),
        details=(
            Detail(
                attribute="access_policy",
                operation="GetBackupVaultAccessPolicy",
                arguments={"BackupVaultName": "BackupVaultName"},
                result="Policy",
                none_on=("ResourceNotFoundException",),
                transform=statements,
            ),
            Detail(
                attribute="notifications",
                operation="GetBackupVaultNotifications",
                arguments={"BackupVaultName": "BackupVaultName"},
                none_on=("ResourceNotFoundException",),
            ),
        ),
        transform=_vault,
    ),
)
