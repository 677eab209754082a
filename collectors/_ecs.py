"""ECS task definitions: one normal document, whether the API answered it or a repository keeps it as a file.

Both carry the API's own shape (camel case); `aws ecs describe-task-definition` wraps it in `taskDefinition`. What the
API fills in by itself is filled in here too, so that a file and the revision registered from it read the same.
Shape and defaults: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_TaskDefinition.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from auditor.errors import CollectError
from auditor.model import Category, GapReason, Kind

_CONTAINER = "container_definitions.*"

TASK_DEFINITION = Kind(
    name="aws.ecs.task_definition",
    category=Category.DEPLOYMENT,
    about="The containers that a service runs: images, sizes, environment, secrets by reference",
    cloudformation="AWS::ECS::TaskDefinition",
    ordered=(
        f"{_CONTAINER}.command",
        f"{_CONTAINER}.entry_point",
        f"{_CONTAINER}.environment_files",
        f"{_CONTAINER}.dns_servers",
        f"{_CONTAINER}.dns_search_domains",
        f"{_CONTAINER}.health_check.command",
    ),
    verbatim=(
        "container_definitions",
        f"{_CONTAINER}.environment",
        f"{_CONTAINER}.secrets",
        f"{_CONTAINER}.port_mappings",
        f"{_CONTAINER}.ulimits",
        f"{_CONTAINER}.mount_points",
        f"{_CONTAINER}.volumes_from",
        f"{_CONTAINER}.depends_on",
        f"{_CONTAINER}.extra_hosts",
        f"{_CONTAINER}.system_controls",
        f"{_CONTAINER}.resource_requirements",
        f"{_CONTAINER}.docker_labels",
        f"{_CONTAINER}.linux_parameters.devices",
        f"{_CONTAINER}.linux_parameters.tmpfs",
        f"{_CONTAINER}.log_configuration.options",
        f"{_CONTAINER}.log_configuration.secret_options",
        f"{_CONTAINER}.firelens_configuration.options",
        "inference_accelerators",
        "proxy_configuration.properties",
        "volumes",
        "volumes.*.docker_volume_configuration.driver_opts",
        "volumes.*.docker_volume_configuration.labels",
    ),
    references=(
        f"{_CONTAINER}.secrets.*",
        f"{_CONTAINER}.log_configuration.secret_options.*",
        f"{_CONTAINER}.repository_credentials.credentials_parameter",
        f"{_CONTAINER}.credential_specs",
        "volumes.*.fsx_windows_file_server_volume_configuration.authorization_config.credentials_parameter",
    ),
)

# Bookkeeping of one registration, which says nothing about what runs; and the family, which is the identity.
DROPPED = frozenset(
    {
        "family",
        "taskDefinitionArn",
        "revision",
        "status",
        "requiresAttributes",
        "compatibilities",
        "registeredAt",
        "registeredBy",
        "deregisteredAt",
        "deleteRequestedAt",
    }
)

_VERBATIM_MAPS = frozenset({"options", "dockerLabels", "driverOpts", "labels"})
_CONTAINER_DEFAULTS: Mapping[str, Any] = {
    "essential": True,
    "cpu": 0,
    "privileged": False,
    "readonlyRootFilesystem": False,
    "pseudoTerminal": False,
    "interactive": False,
    "disableNetworking": False,
}
_HEALTH_CHECK_DEFAULTS: Mapping[str, Any] = {"interval": 30, "timeout": 5, "retries": 3}
_EFS_DEFAULTS: Mapping[str, Any] = {"rootDirectory": "/", "transitEncryption": "DISABLED"}
_INTEGERS = frozenset(
    {"cpu", "memory", "memoryReservation", "containerPort", "hostPort", "softLimit", "hardLimit", "startTimeout"}
    | {"stopTimeout", "interval", "timeout", "retries", "startPeriod", "sharedMemorySize", "size", "sizeInGiB"}
)


def task_definition(document: Mapping[str, Any]) -> dict[str, Any]:
    """The attributes of `aws.ecs.task_definition` out of one task definition in the API's shape, wrapped or bare.

    Schema keys become snake case. Lists of named things become maps: containers by name, `environment` to its values,
    `secrets` to the references that they are read from, ports by `8080/tcp`. Empty lists and maps, and nulls, are left
    out. Tags are not part of it: see `tags`. Raises CollectError (malformed) where the document is no task definition.
    """
    body = unwrap(document)
    containers = body.get("containerDefinitions", [])
    mode = body.get("networkMode") or ("bridge" if not _windows(body) else None)
    rest = {key: value for key, value in body.items() if key not in DROPPED | {"containerDefinitions", "tags"}}
    rest["networkMode"] = mode
    rest.setdefault("enableFaultInjection", False)
    for size, units in (("cpu", _CPU_UNITS), ("memory", _MEMORY_UNITS)):
        if rest.get(size) is not None:
            rest[size] = _task_size(rest[size], units)
    volumes = _by(rest.pop("volumes", None), "name", "volumes")
    attributes = _snake(rest, _TASK_MAPS)
    attributes["container_definitions"] = {
        name: _container(item, mode) for name, item in _by(containers, "name", "containerDefinitions").items()
    }
    if volumes:
        attributes["volumes"] = {name: _volume(item) for name, item in volumes.items()}
    return attributes


def unwrap(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """The task definition itself. Raises CollectError (malformed) where there is none."""
    body = document.get("taskDefinition", document)
    if not isinstance(body, Mapping) or not isinstance(body.get("containerDefinitions"), list):
        raise CollectError(GapReason.MALFORMED, "not an ECS task definition: containerDefinitions is not a list")
    return body


def family(document: Mapping[str, Any]) -> str | None:
    """The name that all revisions of the task definition share; None in a file that leaves it to the command line."""
    name = unwrap(document).get("family")
    return name if isinstance(name, str) and name else None


def tags(document: Mapping[str, Any]) -> dict[str, str]:
    """The tags, which the API answers beside the task definition and a file keeps inside it."""
    found = document.get("tags") or unwrap(document).get("tags") or []
    return {str(tag["key"]): str(tag.get("value", "")) for tag in found if isinstance(tag, Mapping) and "key" in tag}


def _windows(body: Mapping[str, Any]) -> bool:
    platform = body.get("runtimePlatform") or {}
    return str(platform.get("operatingSystemFamily", "")).startswith("WINDOWS")


_CPU_UNITS: Mapping[str, float] = {"": 1, "VCPU": 1024}
_MEMORY_UNITS: Mapping[str, float] = {"": 1, "MB": 1, "MIB": 1, "GB": 1024, "GIB": 1024}


def _task_size(value: Any, units: Mapping[str, float]) -> str:
    """`1 vCPU` and `0.5 GB` are registered as CPU units and MiB; the API answers those numbers, as text."""
    found = re.fullmatch(r"\s*([0-9]*\.?[0-9]+)\s*([A-Za-z]*)\s*", str(value))
    if found is None or found[2].upper() not in units:
        return str(value)
    return f"{float(found[1]) * units[found[2].upper()]:g}"


def _container(item: Mapping[str, Any], mode: str | None) -> dict[str, Any]:
    filled = {**_CONTAINER_DEFAULTS, **{key: value for key, value in item.items() if value is not None}}
    del filled["name"]
    ports = filled.pop("portMappings", None) or []
    health = filled.get("healthCheck")
    if isinstance(health, Mapping) and health:
        filled["healthCheck"] = {**_HEALTH_CHECK_DEFAULTS, **health}
    files = filled.get("environmentFiles")
    if isinstance(files, list):
        filled["environmentFiles"] = [{"type": "s3", **file} for file in files if isinstance(file, Mapping)]
    attributes = _snake(filled, _CONTAINER_MAPS)
    if ports:
        attributes["port_mappings"] = _ports(ports, mode)
    return attributes


def _ports(ports: Any, mode: str | None) -> dict[str, Any]:
    """Ports by `8080/tcp`. The host's port is the container's where the task has its own interface, else dynamic (0)."""
    keyed: dict[str, Any] = {}
    for port in _objects(ports, "portMappings"):
        item = {"protocol": "tcp", **{key: value for key, value in port.items() if value is not None}}
        inside = item.get("containerPort") or item.get("containerPortRange")
        if inside is None:
            raise CollectError(GapReason.MALFORMED, "a port mapping of an ECS task definition names no container port")
        if "containerPortRange" not in item:
            item.setdefault("hostPort", inside if mode in {"awsvpc", "host"} else 0)
        keyed[f"{inside}/{item['protocol']}"] = _snake(item, {})
    return keyed


def _volume(item: Mapping[str, Any]) -> dict[str, Any]:
    filled = {key: value for key, value in item.items() if key != "name"}
    efs = filled.get("efsVolumeConfiguration")
    if isinstance(efs, Mapping):
        filled["efsVolumeConfiguration"] = {**_EFS_DEFAULTS, **efs}
    return _snake(filled, {})


def _without(*names: str) -> Callable[[Mapping[str, Any]], Any]:
    return lambda item: _snake({key: value for key, value in item.items() if key not in names}, {})


def _mount(name: str) -> Callable[[Mapping[str, Any]], Any]:
    return lambda item: _snake({"readOnly": False, **{key: value for key, value in item.items() if key != name}}, {})


def _value(name: str) -> Callable[[Mapping[str, Any]], Any]:
    return lambda item: item.get(name, "")


# List of the API -> what tells its items apart, and what is left of an item.
_Maps = Mapping[str, tuple[str, Callable[[Mapping[str, Any]], Any]]]
_CONTAINER_MAPS: _Maps = {
    "environment": ("name", _value("value")),
    "secrets": ("name", _value("valueFrom")),
    "secretOptions": ("name", _value("valueFrom")),
    "extraHosts": ("hostname", _value("ipAddress")),
    "systemControls": ("namespace", _value("value")),
    "dependsOn": ("containerName", _value("condition")),
    "ulimits": ("name", _without("name")),
    "mountPoints": ("containerPath", _mount("containerPath")),
    "volumesFrom": ("sourceContainer", _mount("sourceContainer")),
    "resourceRequirements": ("type", _without("type")),
    "devices": ("hostPath", _without("hostPath")),
    "tmpfs": ("containerPath", _without("containerPath")),
}
_TASK_MAPS: _Maps = {
    "inferenceAccelerators": ("deviceName", _without("deviceName")),
    "properties": ("name", _value("value")),
}


def _snake(item: Mapping[str, Any], maps: _Maps) -> dict[str, Any]:
    """An object of the API with its schema keys in snake case, lists of named things as maps, nothing empty."""
    # Whoever reads files need not wait for the SDK unless one of them is a task definition.
    from botocore import xform_name

    result: dict[str, Any] = {}
    for key, value in item.items():
        if value is None or value in ([], {}):
            continue
        if key in maps:
            by, left = maps[key]
            result[xform_name(key)] = {name: left(entry) for name, entry in _by(value, by, key).items()}
            continue
        spelled = _leaf(key, value) if not isinstance(value, Mapping | list) else _nested(key, value, maps)
        if spelled not in ({}, []):
            result[xform_name(key)] = spelled
    return result


def _nested(key: str, value: Any, maps: _Maps) -> Any:
    if isinstance(value, list):
        return [_snake(entry, maps) if isinstance(entry, Mapping) else entry for entry in value]
    return dict(value) if key in _VERBATIM_MAPS else _snake(value, maps)


def _leaf(key: str, value: Any) -> Any:
    if key in _INTEGERS and isinstance(value, str) and value.isdecimal():
        return int(value)
    return value


def _by(items: Any, key: str, where: str) -> dict[str, Mapping[str, Any]]:
    """The objects of a list by one of their keys; of two with the same key the last counts, as it does for ECS."""
    keyed: dict[str, Mapping[str, Any]] = {}
    for item in _objects(items, where):
        if not isinstance(item.get(key), str):
            raise CollectError(GapReason.MALFORMED, f"an item of {where} of an ECS task definition has no {key}")
        keyed[item[key]] = item
    return keyed


def _objects(items: Any, where: str) -> list[Mapping[str, Any]]:
    found = items or []
    if not isinstance(found, list) or not all(isinstance(item, Mapping) for item in found):
        raise CollectError(GapReason.MALFORMED, f"{where} of an ECS task definition is not a list of objects")
    return found
