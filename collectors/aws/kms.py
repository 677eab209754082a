"""KMS: the keys that customers manage, by their aliases. Keys that AWS manages are alike in every account."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from auditor.errors import CollectError
from auditor.model import Category, Gap, Json
from collectors.aws._policies import statements
from collectors.aws.base import AwsKind, Detail, Document, tags_of

if TYPE_CHECKING:
    from collectors.aws._reader import Reader


def _customers_keys(reader: Reader) -> Iterator[Document | Gap]:
    """One document per key with its aliases and tags. What is about to be deleted and has no name left is gone."""
    aliases: dict[str, list[str]] = {}
    for alias in reader.items("ListAliases", "Aliases"):
        if alias.get("TargetKeyId"):
            aliases.setdefault(alias["TargetKeyId"], []).append(alias["AliasName"])
    for listed in reader.items("ListKeys", "Keys"):
        key = listed["KeyId"]
        names = sorted(aliases.get(key, ()))
        if any(name.startswith("alias/aws/") for name in names):
            continue
        try:
            described = reader.call("DescribeKey", KeyId=key)["KeyMetadata"]
            if described.get("KeyManager") == "AWS":
                continue
            tags = list(reader.items("ListResourceTags", "Tags", KeyId=key))
        except CollectError as error:
            yield reader.gap(error, resource=names[0] if names else key)
            continue
        if names or described.get("KeyState") not in ("PendingDeletion", "PendingReplicaDeletion"):
            yield {**described, "aliases": names, "tags": tags}


def _name(key: Document) -> str:
    """The first alias; else the tag `Name`, the description, or what it is for. The id says nothing."""
    if key["aliases"]:
        return str(key["aliases"][0])
    named = tags_of(key["tags"]).get("Name") or key.get("Description")
    return str(named or f"{key.get('KeyUsage')} {key.get('KeySpec')}".lower())


def _handles(key: Document) -> list[str]:
    prefix = str(key["Arn"]).partition(":key/")[0]
    return [key["KeyId"], *key["aliases"], *(f"{prefix}:{alias}" for alias in key["aliases"])]


def _rotates(key: Document) -> bool:
    """Only symmetric keys whose material AWS made rotate by themselves."""
    return key.get("KeySpec") == "SYMMETRIC_DEFAULT" and key.get("Origin") == "AWS_KMS"


def _as_attributes(key: dict[str, Json]) -> dict[str, Json]:
    """What the key can do. Its state is kept: one that is disabled or about to be deleted opens nothing any more."""
    attributes: dict[str, Json] = {
        "key_spec": key.get("KeySpec"),
        "key_usage": key.get("KeyUsage"),
        "key_state": key.get("KeyState"),
        "origin": key.get("Origin"),
        "multi_region": bool(key.get("MultiRegion")),
        **{name: key[name] for name in ("rotation", "policy") if name in key},
    }
    if others := key["aliases"][1:]:
        attributes["other_aliases"] = others
    return attributes


def _rotation(answer: dict[str, Any]) -> Json:
    return {"enabled": answer["key_rotation_enabled"], "days": answer.get("rotation_period_in_days")}


KINDS = (
    AwsKind(
        name="aws.kms.key",
        category=Category.SECURITY,
        about="KMS keys that the account manages itself, by alias: spec, usage, rotation, key policy",
        cloudformation="AWS::KMS::Key",
        service="kms",
        operation="ListKeys",
        read=_customers_keys,
        permissions=("kms:ListAliases", "kms:DescribeKey", "kms:ListResourceTags"),
        identity=_name,
        location="Arn",
        refs=(_handles,),
        tags="tags",
        details=(
            Detail(
                attribute="rotation",
                operation="GetKeyRotationStatus",
                arguments={"KeyId": "KeyId"},
                when=_rotates,
                none_on=("UnsupportedOperationException", "KMSInvalidStateException"),
                transform=_rotation,
            ),
            Detail(
                attribute="policy",
                operation="GetKeyPolicy",
                arguments={"KeyId": "KeyId"},
                constants={"PolicyName": "default"},
                result="Policy",
                transform=statements,
            ),
        ),
        transform=_as_attributes,
    ),
)
