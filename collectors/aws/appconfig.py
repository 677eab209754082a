"""AppConfig: environments with what is deployed to them, configuration profiles, deployment strategies.

A configuration that AppConfig hosts is compared by what it says. One that lies elsewhere (S3, Parameter Store, a pipeline)
is told by the version that is deployed.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from auditor.errors import CollectError
from auditor.model import Category, Gap, Json
from collectors.aws._codes import code_of
from collectors.aws._written import parsed, partition
from collectors.aws.base import AwsKind, Detail, Document

if TYPE_CHECKING:
    from collectors.aws._reader import Reader

_OURS = "AppConfig."  # strategies that AWS gives everybody
_DEPLOYED = frozenset({"COMPLETE", "BAKING"})
_LARGEST = 200_000


def _of_applications(reader: Reader, operation: str) -> Iterator[Document | Gap]:
    """What `operation` lists for each application, with the application's name."""
    for application in reader.items("ListApplications", "Items"):
        try:
            for item in reader.items(operation, "Items", ApplicationId=application["Id"]):
                yield {**item, "Application": application["Name"], "ApplicationId": application["Id"]}
        except CollectError as error:
            yield reader.gap(error)


def _environments(reader: Reader) -> Iterator[Document | Gap]:
    for found in _of_applications(reader, "ListEnvironments"):
        yield found if isinstance(found, Gap) else {**found, "Arn": _arn(reader, found, "environment")}


def _profiles(reader: Reader) -> Iterator[Document | Gap]:
    for found in _of_applications(reader, "ListConfigurationProfiles"):
        yield found if isinstance(found, Gap) else {**found, "Arn": _arn(reader, found, "configurationprofile")}


def _arn(reader: Reader, item: Document, what: str) -> str:
    place = f"arn:{partition(reader.region)}:appconfig:{reader.region}:{reader.account}"
    return f"{place}:application/{item['ApplicationId']}/{what}/{item['Id']}"


def _environment(attributes: dict[str, Json]) -> dict[str, Json]:
    """The alarms that roll a deployment back."""
    attributes["rolled_back_by"] = sorted(str(each.get("alarm_arn") or "") for each in attributes.get("monitors") or ())
    return attributes


def _name(item: Document) -> str:
    return f"{item['Application']}/{item['Name']}"


def _strategies(reader: Reader) -> Iterator[Document]:
    for strategy in reader.items("ListDeploymentStrategies", "Items"):
        if not str(strategy.get("Id", "")).startswith(_OURS):
            yield strategy


def _deployed(reader: Reader, environment: Document) -> Json:
    """Profile -> its last deployment that came through: label, content, how it was rolled out."""
    where = {"ApplicationId": environment["ApplicationId"], "EnvironmentId": environment["Id"]}
    latest: dict[str, Document] = {}
    for each in reader.items("ListDeployments", "Items", **where):
        name = str(each.get("ConfigurationName") or "")
        if each.get("State") in _DEPLOYED and _number(each) > _number(latest.get(name, {})):
            latest[name] = each
    return {name: _deployment(reader, where, each) for name, each in sorted(latest.items())}


def _number(deployment: Document) -> int:
    return int(deployment.get("DeploymentNumber") or 0)


def _deployment(reader: Reader, where: dict[str, Any], deployment: Document) -> Json:
    found: dict[str, Json] = {
        "version": str(deployment.get("ConfigurationVersion") or ""),
        "version_label": deployment.get("VersionLabel"),
        "deployed_at": deployment["CompletedAt"].isoformat() if deployment.get("CompletedAt") else None,
        "growth_type": deployment.get("GrowthType"),
        "growth_factor": deployment.get("GrowthFactor"),
        "duration_in_minutes": deployment.get("DeploymentDurationInMinutes"),
        "final_bake_time_in_minutes": deployment.get("FinalBakeTimeInMinutes"),
    }
    profile = deployment.get("ConfigurationProfileId")
    if profile and found["version"].isdecimal():
        content = _hosted(reader, where["ApplicationId"], profile, int(found["version"]))
        if content is not None:
            found["content"] = content
    return found


def _hosted(reader: Reader, application: str, profile: str, version: int) -> Json:
    """What a hosted configuration says; None where it is kept elsewhere. JSON is compared by what it says."""
    try:
        answer = reader.call(
            "GetHostedConfigurationVersion",
            ApplicationId=application,
            ConfigurationProfileId=profile,
            VersionNumber=version,
        )
    except CollectError as error:
        if error.__cause__ is not None and code_of(error.__cause__) == "ResourceNotFoundException":
            return None
        raise
    content: Any = answer.get("Content")
    raw = content.read(_LARGEST + 1) if hasattr(content, "read") else content
    if not isinstance(raw, bytes) or len(raw) > _LARGEST:
        return None
    return parsed(raw.decode("utf-8", "replace"))


def _tags() -> Detail:
    return Detail(attribute="tags", operation="ListTagsForResource", arguments={"ResourceArn": "Arn"}, result="Tags")


KINDS = (
    AwsKind(
        name="aws.appconfig.environment",
        category=Category.CONFIG,
        about="AppConfig environments: the configuration that is deployed, how it is rolled out, alarms that roll it back",
        cloudformation="AWS::AppConfig::Environment",
        service="appconfig",
        operation="ListEnvironments",
        result="Items",
        read=_environments,
        identity=_name,
        location="Arn",
        parent="Application",
        component="Application",
        # Numbers only count what was ever published.
        volatile=("deployed.*.version", "deployed.*.deployed_at"),
        verbatim=("deployed", "deployed.*.content", "deployed.*.content.**"),
        drop=("id", "name", "arn", "application", "application_id", "state", "monitors"),
        details=(Detail(attribute="deployed", read=_deployed), _tags()),
        transform=_environment,
        permissions=(
            "appconfig:GetHostedConfigurationVersion",
            "appconfig:ListApplications",
            "appconfig:ListDeployments",
        ),
    ),
    AwsKind(
        name="aws.appconfig.configuration_profile",
        category=Category.CONFIG,
        about="AppConfig profiles: where a configuration comes from, of which type, and how it is validated",
        cloudformation="AWS::AppConfig::ConfigurationProfile",
        service="appconfig",
        operation="ListConfigurationProfiles",
        result="Items",
        read=_profiles,
        identity=_name,
        location="Arn",
        parent="Application",
        drop=("id", "name", "arn", "application", "application_id"),
        details=(_tags(),),
        permissions=("appconfig:ListApplications",),
    ),
    AwsKind(
        name="aws.appconfig.deployment_strategy",
        category=Category.CONFIG,
        about="AppConfig deployment strategies: how fast a configuration reaches everybody, and how long it is watched",
        cloudformation="AWS::AppConfig::DeploymentStrategy",
        service="appconfig",
        operation="ListDeploymentStrategies",
        result="Items",
        read=_strategies,
        identity="Name",
        drop=("id", "name"),
    ),
)
