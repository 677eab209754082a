"""A Terraform or OpenTofu state, version 4, as plain data: what it holds, and what of it may leave. Pure.

The format is Terraform's own: https://developer.hashicorp.com/terraform/internals/json-format describes its public twin.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from auditor.errors import CollectError
from auditor.model import GapReason, Json

VERSION = 4
# What a provider keeps in its state of which its schema, but not its name, says that it is secret.
_SECRETS: Mapping[str, frozenset[str]] = {
    "random_password": frozenset({"result", "bcrypt_hash"}),
    "random_string": frozenset({"result"}),
    "random_id": frozenset({"b64_std", "b64_url", "dec", "hex"}),
    "random_bytes": frozenset({"base64", "hex"}),
    "tls_private_key": frozenset({"private_key_pem", "private_key_openssh", "private_key_pem_pkcs8"}),
    "aws_iam_access_key": frozenset({"secret", "ses_smtp_password_v4", "encrypted_secret"}),
    "aws_api_gateway_api_key": frozenset({"value"}),
    "aws_secretsmanager_secret_version": frozenset({"secret_string", "secret_binary"}),
    "aws_ssm_parameter": frozenset({"value"}),
    "aws_launch_template": frozenset({"user_data"}),
    "aws_instance": frozenset({"user_data", "user_data_base64"}),
    "kubernetes_secret": frozenset({"data", "binary_data"}),
    "kubernetes_secret_v1": frozenset({"data", "binary_data"}),
    "helm_release": frozenset({"set_sensitive", "repository_password"}),
    "vault_generic_secret": frozenset({"data", "data_json"}),
    "vault_kv_secret": frozenset({"data", "data_json"}),
    "vault_kv_secret_v2": frozenset({"data", "data_json"}),
    "consul_keys": frozenset({"key"}),
    "github_actions_secret": frozenset({"plaintext_value", "encrypted_value"}),
    "github_actions_environment_secret": frozenset({"plaintext_value", "encrypted_value"}),
    "gitlab_project_variable": frozenset({"value"}),
    "gitlab_group_variable": frozenset({"value"}),
    "google_secret_manager_secret_version": frozenset({"secret_data"}),
    "azurerm_key_vault_secret": frozenset({"value"}),
    "local_sensitive_file": frozenset({"content", "content_base64"}),
    "local_file": frozenset({"sensitive_content"}),
    "datadog_api_key": frozenset({"key"}),
    "datadog_application_key": frozenset({"key"}),
}
# Blocks of which there may be several: one of them stays a list of one. Any other block that is there once is a map.
_SEVERAL = frozenset(
    "ingress egress rule route parameter setting set set_sensitive set_list tag statement attribute listener container env"
    " volume origin ordered_cache_behavior lifecycle_rule global_secondary_index local_secondary_index load_balancer"
    " capacity_provider_strategy replica subnet_mapping condition action step_adjustment tags option filter"
    " log_configuration ebs_block_device block_device_mappings cors_rule".split()
)


@dataclass(frozen=True, slots=True)
class Instance:
    """One managed resource as it stands in the state. `address` is what `terraform state show` takes."""

    address: str
    module: str
    type: str
    provider: str
    attributes: Mapping[str, Json]
    tainted: bool


@dataclass(frozen=True, slots=True)
class State:
    """`outputs` says of each output its type and whether it is sensitive; their values stay where they are."""

    terraform_version: str
    serial: int
    lineage: str
    providers: tuple[str, ...]
    modules: tuple[str, ...]
    outputs: Mapping[str, Json]
    instances: tuple[Instance, ...]


def parse(body: bytes, fingerprint: Callable[[str], str]) -> State:
    """The state that `body` spells, its sensitive values replaced by markers. Raises CollectError."""
    document = _document(body)
    try:
        return _state(document, fingerprint)
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        detail = "not a whole state of version 4: a part of it has another shape; read it again when nobody writes it"
        raise CollectError(GapReason.MALFORMED, detail) from error


def _document(body: bytes) -> Mapping[str, Any]:
    if not body.strip():
        raise CollectError(GapReason.MALFORMED, "the state is empty: was it ever written, or is it being written now?")
    try:
        found = json.loads(body)
    except (ValueError, RecursionError) as error:
        detail = "the state is not whole JSON: it may be half-written; read it again when no run is under way"
        raise CollectError(GapReason.MALFORMED, detail) from error
    if not isinstance(found, dict):
        raise CollectError(GapReason.MALFORMED, "not a state: JSON, but no object")
    if "encrypted_data" in found:
        detail = (
            "the state is encrypted by OpenTofu: read a decrypted copy (`tofu state pull`) from a path or over HTTP"
        )
        raise CollectError(GapReason.UNSUPPORTED, detail)
    if "version" not in found and {"ID", "Operation"} <= found.keys():
        raise CollectError(
            GapReason.MALFORMED, "this is the lock of a state, not the state: give the state's own address"
        )
    _check_version(found.get("version"))
    return found


def _check_version(version: Any) -> None:
    if isinstance(version, bool) or not isinstance(version, int):
        raise CollectError(GapReason.MALFORMED, "not a state: it says no version")
    if version < VERSION:
        detail = (
            f"a state of version {version}, which Terraform before 0.12 wrote: run `terraform apply` once with Terraform "
            "0.12 or newer, which rewrites it as version 4"
        )
        raise CollectError(GapReason.UNSUPPORTED, detail)
    if version > VERSION:
        raise CollectError(
            GapReason.UNSUPPORTED, f"a state of version {version}; version 4 is the one that can be read"
        )


def _state(document: Mapping[str, Any], fingerprint: Callable[[str], str]) -> State:
    managed = [item for item in document["resources"] if item["mode"] == "managed"]
    instances = tuple(found for item in managed for found in _instances(item, fingerprint))
    return State(
        terraform_version=str(document["terraform_version"]),
        serial=int(document["serial"]),
        lineage=str(document.get("lineage", "")),
        providers=tuple(sorted({_source(str(item["provider"])) for item in document["resources"]})),
        modules=tuple(sorted({str(item.get("module", "")).split("[")[0] for item in managed} - {""})),
        outputs={name: _shape(output) for name, output in sorted(document.get("outputs", {}).items())},
        instances=instances,
    )


def _source(provider: str) -> str:
    """`module.x.provider["registry.terraform.io/hashicorp/aws"].eu` -> the address in the quotes."""
    return provider.partition('["')[2].partition('"]')[0] or provider.rpartition("provider.")[2]


def _shape(output: Mapping[str, Any]) -> Json:
    kind = output.get("type")
    spelled = kind if isinstance(kind, str) else json.dumps(kind, sort_keys=True)
    return {"type": spelled, **({"sensitive": True} if output.get("sensitive") else {})}


def _instances(item: Mapping[str, Any], fingerprint: Callable[[str], str]) -> Iterator[Instance]:
    module = str(item.get("module", ""))
    base = f"{module}.{item['type']}.{item['name']}" if module else f"{item['type']}.{item['name']}"
    for instance in item["instances"]:
        if instance.get("deposed"):  # what is to be deleted once its successor stands
            continue
        key = instance.get("index_key")
        address = base if key is None else f"{base}[{json.dumps(key)}]"
        attributes = instance.get("attributes")
        if not isinstance(attributes, dict):
            raise TypeError("an instance without attributes")
        masked = _masked(str(item["type"]), attributes, instance.get("sensitive_attributes") or [], fingerprint)
        tainted = instance.get("status") == "tainted"
        yield Instance(address, module, str(item["type"]), _source(str(item["provider"])), _said(masked), tainted)


def _masked(
    kind: str, attributes: Mapping[str, Json], sensitive: list[Any], fingerprint: Callable[[str], str]
) -> dict[str, Json]:
    copy: dict[str, Json] = json.loads(json.dumps(attributes))
    for name in _SECRETS.get(kind, ()):
        _mask(copy, [name], fingerprint)
    for path in sensitive:
        _mask(copy, [_step(step) for step in path], fingerprint)
    return copy


def _step(step: Any) -> str | int:
    """`{type: get_attr, value: password}`, or `{type: index, value: {value: 0, type: number}}`."""
    value = step["value"]
    value = value["value"] if isinstance(value, dict) else value
    return value if isinstance(value, str | int) else str(value)


def _mask(document: dict[str, Json], path: list[str | int], fingerprint: Callable[[str], str]) -> None:
    """Replace what stands at `path`. Where the path leads through a set, which has no places, all of the set goes."""
    parent, key = document, path[0]
    here: Any = document.get(key) if isinstance(key, str) else None
    for step in path[1:]:
        if isinstance(here, dict) and step in here:
            parent, key, here = here, str(step), here[str(step)]
        elif isinstance(here, list) and isinstance(step, int) and 0 <= step < len(here):
            parent, key, here = here, step, here[step]  # type: ignore[assignment]
        else:
            break
    if here is not None and here != "" and here != [] and here != {}:
        parent[key] = _marker(here, fingerprint)  # type: ignore[index]


def _marker(value: Json, fingerprint: Callable[[str], str]) -> Json:
    """The keys of a map of secrets are names, and say which secrets there are."""
    if isinstance(value, dict):
        return {key: _marker(item, fingerprint) for key, item in value.items() if item is not None}
    text = value if isinstance(value, str) else json.dumps(value, sort_keys=True)
    return value if text.startswith("{secret:") else f"{{secret:{fingerprint(text)}}}"


def _said(attributes: Mapping[str, Json]) -> dict[str, Json]:
    """Attributes that are set: Terraform spells null for what nobody set, and newer providers know more attributes."""
    return {name: _value(name, value) for name, value in attributes.items() if value is not None}


def _value(name: str, value: Json) -> Json:
    if isinstance(value, dict):
        return _said(value)
    if not isinstance(value, list):
        return value
    items = [_value(name, item) for item in value]
    single = len(items) == 1 and isinstance(items[0], dict) and name not in _SEVERAL
    return items[0] if single else items
