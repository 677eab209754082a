"""Secrets Manager: which secrets there are, their rotation and keys. Values only with `read_secret_values`, and then only
their fingerprints leave this process. Without it values are absent by choice, which is no gap.

Secrets that another service of AWS owns (`rds!db-...`, `events!connection/...`) are not read: their names are made up,
and the resource that they belong to says that it has one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from auditor.errors import CollectError
from auditor.model import Category, Gap, Json
from collectors.aws.base import AwsKind, Document

if TYPE_CHECKING:
    from collectors.aws._reader import Reader

_NO_VALUE = "ResourceNotFoundException"  # the secret is there, but nobody has put a value into it


def _secrets(reader: Reader) -> Iterator[Document | Gap]:
    for secret in reader.items("ListSecrets", "SecretList"):
        if secret.get("OwningService") and "!" in secret.get("Name", ""):
            continue
        if not reader.options.read_secret_values:
            yield secret
            continue
        try:
            yield {**secret, "Value": _value(reader, secret["ARN"])}
        except CollectError as error:
            yield reader.gap(error, resource=_name(secret), attribute="value")
            yield secret


def _value(reader: Reader, arn: str) -> Any:
    try:
        answer = reader.call("GetSecretValue", SecretId=arn)
    except CollectError as error:
        if _code(error) == _NO_VALUE:
            return None
        raise
    return answer.get("SecretString", answer.get("SecretBinary"))


def _code(error: CollectError) -> str:
    response: Any = getattr(error.__cause__, "response", {})
    return str(response.get("Error", {}).get("Code", ""))


def _secret(attributes: dict[str, Json]) -> dict[str, Json]:
    """A value that is a JSON object as a map, so that each of its keys is compared on its own."""
    value = attributes.get("value")
    if isinstance(value, str) and value.lstrip().startswith("{"):
        try:
            attributes["value"] = json.loads(value)
        except (ValueError, RecursionError):
            attributes["value"] = value  # only looks like JSON: one opaque value then
    attributes["rotation_enabled"] = bool(attributes.get("rotation_enabled"))
    return attributes


def _name(secret: Document) -> str | None:
    """CloudFormation calls a secret that nobody named `LogicalId-1aB2cD3eF4gH`; its stack and logical id are stable."""
    tags = {tag.get("Key"): tag.get("Value") for tag in secret.get("Tags") or ()}
    stack, logical = tags.get("aws:cloudformation:stack-name"), tags.get("aws:cloudformation:logical-id")
    name = secret.get("Name")
    if stack and logical and name and re.fullmatch(rf"{re.escape(logical)}-[A-Za-z0-9]{{12}}", name):
        return f"{stack}-{logical}"
    return name


def _without_suffix(secret: Document) -> str | None:
    """The ARN without the six characters that Secrets Manager appends; that form is accepted as a reference, too."""
    arn = str(secret.get("ARN", ""))
    return arn[:-7] if arn[-7:-6] == "-" else None


KINDS = (
    AwsKind(
        name="aws.secretsmanager.secret",
        category=Category.CONFIG,
        about="Secrets: rotation, keys and, where asked for, fingerprints of the values",
        cloudformation="AWS::SecretsManager::Secret",
        service="secretsmanager",
        operation="ListSecrets",
        result="SecretList",
        read=_secrets,
        only_with={"read_secret_values": ("secretsmanager:GetSecretValue", "kms:Decrypt")},
        identity=_name,
        location="ARN",
        refs=(_without_suffix, "Name"),
        keyed={"external_secret_rotation_metadata": "key"},
        secret=("value", "value.**"),
        verbatim=("value",),
        drop=(
            "arn",
            "name",
            "created_date",
            "last_changed_date",
            "last_accessed_date",
            "last_rotated_date",
            "next_rotation_date",
            "deleted_date",
            "secret_versions_to_stages",
        ),
        transform=_secret,
    ),
)
