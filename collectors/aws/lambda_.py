"""Lambda: functions with their settings, the digest of their code, and which code each alias stands for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from auditor.errors import CollectError
from auditor.model import Category, GapReason, Json
from collectors.aws.base import AwsKind, Detail, Document

if TYPE_CHECKING:
    from collectors.aws._reader import Reader


def _aliases(reader: Reader, function: Document) -> Json:
    """Alias -> the version it stands for and that version's code. Version numbers only count what was ever published."""
    name = function["FunctionName"]
    aliases = list(reader.items("ListAliases", "Aliases", FunctionName=name))
    if not aliases:
        return {}
    listed = reader.items("ListVersionsByFunction", "Versions", FunctionName=name)
    digests = {version["Version"]: version.get("CodeSha256") for version in listed}
    return {alias["Name"]: _alias(alias, digests) for alias in aliases}


def _alias(alias: Document, digests: dict[str, Any]) -> dict[str, Json]:
    version = alias["FunctionVersion"]
    weights = (alias.get("RoutingConfig") or {}).get("AdditionalVersionWeights") or {}
    found: dict[str, Json] = {"version": version, "code_sha256": digests.get(version)}
    if alias.get("Description"):
        found["description"] = alias["Description"]
    if weights:
        found["also"] = [{"code_sha256": digests.get(other), "weight": share} for other, share in weights.items()]
    return found


def _image(reader: Reader, function: Document) -> Json:
    """The image as it was given. Nothing changes it without giving the function another revision."""
    revision, name = function.get("RevisionId"), function["FunctionName"]

    def read() -> tuple[Json, bool]:
        answer = reader.call("GetFunction", FunctionName=name)
        code = answer.get("Code")
        if not isinstance(code, Mapping):
            raise CollectError(GapReason.MALFORMED, f"lambda:GetFunction in {reader.region}: an answer without Code")
        return code.get("ImageUri"), (answer.get("Configuration") or {}).get("RevisionId") == revision

    # https://docs.aws.amazon.com/lambda/latest/api/API_FunctionConfiguration.html
    proof = (function.get("FunctionArn"), revision, function.get("CodeSha256"), function.get("LastModified"))
    return reader.before("lambda:image", proof, read)


def _reserved(reader: Reader, function: Document) -> Json:
    """Reserved concurrency; null where the function shares what the account has."""
    answer = reader.call("GetFunctionConcurrency", FunctionName=function["FunctionName"])
    return answer.get("ReservedConcurrentExecutions")


def _function(attributes: dict[str, Json]) -> dict[str, Json]:
    """Variables and layers as maps; what older answers leave out filled in with what Lambda documents as the default."""
    environment = attributes.pop("environment", None) or {}
    if "error" not in environment:
        attributes["environment"] = environment.get("variables") or {}
    attributes["layers"] = dict(_layer(layer["arn"]) for layer in attributes.get("layers") or ())
    attributes["image_config"] = (attributes.pop("image_config_response", None) or {}).get("image_config") or {}
    if not (attributes.get("vpc_config") or {}).get("subnet_ids"):
        attributes["vpc_config"] = {}
    for attribute, default in (
        ("package_type", "Zip"),
        ("architectures", ["x86_64"]),
        ("ephemeral_storage", {"size": 512}),
        ("tracing_config", {"mode": "PassThrough"}),
        ("dead_letter_config", {}),
    ):
        attributes.setdefault(attribute, default)
    return attributes


def _layer(arn: str) -> tuple[str, Json]:
    """`arn:aws:lambda:eu-west-1:111122223333:layer:datadog:41` -> `datadog`, 41."""
    name, _, version = arn.rpartition(":")
    return name.rpartition(":")[2], int(version) if version.isdecimal() else version


def _readable(reader: Reader, function: Document) -> Json:
    """The variables. Lambda lists a function whose variables it may not decrypt for us, with an error in their place."""
    environment = function.get("Environment") or {}
    if error := environment.get("Error"):
        code = error.get("ErrorCode", "")
        reason = GapReason.ACCESS_DENIED if "AccessDenied" in code else GapReason.UNREACHABLE
        raise CollectError(reason, f"lambda:ListFunctions in {reader.region}: variables not decrypted: {code}")
    return {"variables": environment.get("Variables") or {}}


KINDS = (
    AwsKind(
        name="aws.lambda.function",
        category=Category.COMPUTE,
        about="Functions: runtime, size, layers, variables, code and aliases",
        cloudformation="AWS::Lambda::Function",
        service="lambda",
        operation="ListFunctions",
        result="Functions",
        identity="FunctionName",
        location="FunctionArn",
        component="FunctionName",
        keyed={"file_system_configs": "local_mount_path"},
        ordered=("image_config.command", "image_config.entry_point"),
        volatile=("aliases.*.version",),
        verbatim=("environment", "layers", "aliases"),
        drop=(
            "function_name",
            "function_arn",
            "version",
            "code_size",  # the digest says more
            "last_modified",
            "revision_id",
            "config_sha256",
            "master_arn",
            "state",
            "state_reason",
            "state_reason_code",
            "last_update_status",
            "last_update_status_reason",
            "last_update_status_reason_code",
            "signing_job_arn",
            "snap_start.optimization_status",
            "runtime_version_config",  # the runtime's patch, which AWS rolls out function by function
            "vpc_config.vpc_id",
        ),
        permissions=(
            "lambda:ListAliases",
            "lambda:ListVersionsByFunction",
            "lambda:GetFunction",
            "lambda:GetFunctionConcurrency",
        ),
        details=(
            Detail(attribute="environment", read=_readable),
            Detail(attribute="aliases", read=_aliases),
            Detail(attribute="reserved_concurrent_executions", read=_reserved),
            Detail(
                attribute="image_uri",
                read=_image,
                when=lambda function: bool(function.get("PackageType") == "Image"),
            ),
            Detail(attribute="tags", operation="ListTags", arguments={"Resource": "FunctionArn"}, result="Tags"),
        ),
        transform=_function,
    ),
)
