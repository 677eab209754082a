"""IAM: who may do what, by the statements and not by how they were written down. Global: asked once per account.

Service-linked roles and those that Identity Center makes are left out: AWS makes and changes them by itself. Of users
nothing is read but how many there are: no name, no key.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from auditor.errors import CollectError
from auditor.model import Category, Gap, Json
from collectors.aws._codes import code_of
from collectors.aws._policies import statements, statements_or_none
from collectors.aws.base import AwsKind, Detail, Document

if TYPE_CHECKING:
    from collectors.aws._reader import Reader

_DETAILS = "GetAccountAuthorizationDetails"
_ALL = "iam:GetAccountAuthorizationDetails"
_OF_AWS = ("/aws-service-role/", "/aws-reserved/")


def _roles(reader: Reader) -> Iterator[Document | Gap]:
    """One answer holds every role with its policies; how long a session lasts only the plain listing tells."""
    sessions = {role["RoleName"]: role.get("MaxSessionDuration") for role in reader.items("ListRoles", "Roles")}
    for role in reader.items(_DETAILS, "RoleDetailList", Filter=["Role"]):
        if not str(role.get("Path", "/")).startswith(_OF_AWS):
            yield {**role, "MaxSessionDuration": sessions.get(role["RoleName"])}


def _role(role: dict[str, Json]) -> dict[str, Json]:
    boundary = role.get("PermissionsBoundary") or {}
    return {
        "path": role.get("Path", "/"),
        "trust": statements_or_none(role.get("AssumeRolePolicyDocument")),
        "max_session_duration": role.get("MaxSessionDuration"),
        "permissions_boundary": boundary.get("PermissionsBoundaryArn"),
        **_granted(role, "RolePolicyList"),
    }


def _granted(holder: Document, inline: str) -> dict[str, Json]:
    return {
        "attached_policies": sorted(each["PolicyArn"] for each in holder.get("AttachedManagedPolicies") or ()),
        "inline_policies": {
            each["PolicyName"]: statements(each["PolicyDocument"]) for each in holder.get(inline) or ()
        },
    }


def _customers_policies(reader: Reader) -> Iterator[Document | Gap]:
    yield from reader.items(_DETAILS, "Policies", Filter=["LocalManagedPolicy"])


def _policy(policy: dict[str, Json]) -> dict[str, Json]:
    versions = policy["PolicyVersionList"]
    default = next(each for each in versions if each.get("IsDefaultVersion"))
    return {"path": policy.get("Path", "/"), "statements": statements(default["Document"])}


def _groups(reader: Reader) -> Iterator[Document | Gap]:
    yield from reader.items(_DETAILS, "GroupDetailList", Filter=["Group"])


def _group(group: dict[str, Json]) -> dict[str, Json]:
    return {"path": group.get("Path", "/"), **_granted(group, "GroupPolicyList")}


def _profile(attributes: dict[str, Json]) -> dict[str, Json]:
    attributes["roles"] = sorted(role["arn"] for role in attributes.get("roles") or ())
    return attributes


def _account(reader: Reader) -> Iterator[Document | Gap]:
    yield {"name": "account", **reader.call("GetAccountSummary")["SummaryMap"]}


def _safety(summary: dict[str, Json]) -> dict[str, Json]:
    return {
        "users": summary.get("Users", 0),
        "root_mfa_enabled": bool(summary.get("AccountMFAEnabled")),
        "root_access_keys": bool(summary.get("AccountAccessKeysPresent")),
        **{name: summary[name] for name in ("password_policy",) if name in summary},
    }


def _password_policy(reader: Reader, _account: Document) -> Json:
    """None where nobody set one. That passwords expire at all follows from their greatest age."""
    try:
        policy = reader.call("GetAccountPasswordPolicy")["PasswordPolicy"]
    except CollectError as error:
        if error.__cause__ is not None and code_of(error.__cause__) == "NoSuchEntity":
            return None
        raise
    spelled = reader.spelled(policy, "GetAccountPasswordPolicy", "PasswordPolicy")
    return {key: value for key, value in spelled.items() if key != "expire_passwords"}


KINDS = (
    AwsKind(
        name="aws.iam.role",
        category=Category.SECURITY,
        about="IAM roles: who may assume them, attached and inline policies, boundary, session length",
        cloudformation="AWS::IAM::Role",
        service="iam",
        operation="ListRoles",
        read=_roles,
        permissions=(_ALL,),
        identity="RoleName",
        location="Arn",
        refs=("RoleId",),
        verbatim=("inline_policies", "inline_policies.*", "trust"),
        transform=_role,
        everywhere=True,
    ),
    AwsKind(
        name="aws.iam.policy",
        category=Category.SECURITY,
        about="IAM policies that the account manages itself: statements of the default version",
        cloudformation="AWS::IAM::ManagedPolicy",
        service="iam",
        operation=_DETAILS,
        read=_customers_policies,
        identity=lambda policy: str(policy["Arn"]).rpartition("/")[2],
        location="Arn",
        refs=("PolicyId",),
        verbatim=("statements",),
        transform=_policy,
        everywhere=True,
    ),
    AwsKind(
        name="aws.iam.group",
        category=Category.SECURITY,
        about="IAM groups: what their members may do, not who they are",
        cloudformation="AWS::IAM::Group",
        service="iam",
        operation=_DETAILS,
        read=_groups,
        identity="GroupName",
        location="Arn",
        verbatim=("inline_policies", "inline_policies.*"),
        transform=_group,
        everywhere=True,
    ),
    AwsKind(
        name="aws.iam.instance_profile",
        category=Category.SECURITY,
        about="Instance profiles and the role that each hands out",
        cloudformation="AWS::IAM::InstanceProfile",
        service="iam",
        operation="ListInstanceProfiles",
        result="InstanceProfiles",
        identity="InstanceProfileName",
        location="Arn",
        refs=("InstanceProfileId",),
        drop=("instance_profile_name", "instance_profile_id", "arn", "create_date"),
        transform=_profile,
        everywhere=True,
    ),
    AwsKind(
        name="aws.iam.account",
        category=Category.SECURITY,
        about="How the account's own sign-in is secured: password policy, root user, number of users",
        service="iam",
        operation="GetAccountSummary",
        read=_account,
        identity="name",
        references=("password_policy.*",),  # how long and how often, never a password
        drop=("name",),
        details=(Detail(attribute="password_policy", read=_password_policy),),
        permissions=("iam:GetAccountPasswordPolicy",),
        transform=_safety,
        everywhere=True,
    ),
)
