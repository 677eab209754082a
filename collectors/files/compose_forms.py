"""The long and the short spellings of a Compose service as one form, and how one file is laid over another.

Rules: https://docs.docker.com/reference/compose-file/merge/ and the syntax of each attribute in the same reference.
Lists whose items have a key of their own become maps, so laying one over another is laying map over map.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Mapping
from typing import Any

from auditor.model import Json

_REPLACED = frozenset({"command", "entrypoint", "test"})
_PORT = re.compile(
    r"(?:(?:(?P<ip>\[[0-9a-fA-F:]+\]|[0-9.]+|\$\{[^}]*\}):)?(?P<published>[0-9-]*|\$\{.*\}):)?"
    r"(?P<target>[0-9-]+|\$\{.*\})(?:/(?P<protocol>[a-z]+))?\Z"
)
_MODES = frozenset({"ro", "rw", "z", "Z", "cached", "delegated", "consistent", "nocopy"})


def service(raw: Mapping[str, Json]) -> dict[str, Json]:
    """A service as one file says it, in its one form; `x-` extensions are left out. What has no known form stays."""
    found: dict[str, Json] = {}
    for key, value in raw.items():
        if key.startswith("x-"):
            continue
        form = _FORMS.get(key)
        found[key] = value if form is None or value is None or _override(value) else form(value)
    return found


def laid_over(base: Json, top: Json, key: str = "") -> Json:
    """What Compose makes of two files' values: maps are merged, lists joined, all else is replaced.

    `!reset` takes a value away and `!override` replaces it whole.
    """
    marked = _override(top)
    if marked is not None:
        return None if marked == "!reset" else top[marked]
    if top is None:
        return base
    if isinstance(base, dict) and isinstance(top, dict):
        merged = dict(base)
        for name, value in top.items():
            merged[name] = laid_over(base.get(name), value, name)
            if _override(value) == "!reset":
                del merged[name]
        return merged
    if isinstance(base, list) and isinstance(top, list) and key not in _REPLACED:
        return [*base, *(item for item in top if item not in base)]
    return _unmarked(top)


def _override(value: Json) -> str | None:
    if isinstance(value, dict) and len(value) == 1:
        tag = next(iter(value))
        return tag if tag in {"!reset", "!override"} else None
    return None


def _unmarked(value: Json) -> Json:
    """A value without marks that had nothing to work on."""
    if not isinstance(value, dict):
        return value
    kept: dict[str, Json] = {}
    for name, item in value.items():
        marked = _override(item)
        if marked != "!reset":
            kept[name] = _unmarked(item if marked is None else item[marked])
    return kept


def variables(value: Json) -> Json:
    """`environment`, `labels` and their like: `KEY=value` items or a map; values as text, null where none is given."""
    if isinstance(value, list):
        pairs = [str(item).partition("=") for item in value]
        return {key: text if sign else None for key, sign, text in pairs}
    if not isinstance(value, dict):
        return value
    return {key: item if item is None else plain_text(item) for key, item in value.items()}


def plain_text(value: Json) -> str:
    """A scalar as a process would see it in its environment."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _command(value: Json) -> Json:
    if not isinstance(value, str):
        return value
    try:
        return shlex.split(value)
    except ValueError:
        return value


def _hosts(value: Json) -> Json:
    if not isinstance(value, list):
        return value
    pairs = [re.split(r"[:=]", str(item), maxsplit=1) for item in value]
    return {pair[0]: pair[-1] for pair in pairs}


def _list(value: Json) -> Json:
    return value if isinstance(value, list) else [value]


def _texts(value: Json) -> Json:
    return [plain_text(item) for item in value] if isinstance(value, list) else value


def _ports(value: Json) -> Json:
    """Ports by `8080/tcp`; a second publication of the same port by `8080/tcp from 9090`."""
    if not isinstance(value, list):
        return value
    found: dict[str, Json] = {}
    for item in value:
        port = dict(item) if isinstance(item, dict) else _port(str(item))
        protocol = str(port.pop("protocol", None) or "tcp")
        target = str(port.pop("target", ""))
        port = {key: _number(entry) for key, entry in port.items() if not (key == "mode" and entry == "ingress")}
        published = port.get("published")
        key = f"{target}/{protocol}" + ("" if published is None else f" from {published}")
        found[key] = port
    return found


def _port(text: str) -> dict[str, Json]:
    short = _PORT.match(text)
    if short is None:
        return {"target": text}
    parts = {"host_ip": short["ip"], "published": short["published"], "protocol": short["protocol"]}
    return {"target": short["target"], **{key: part for key, part in parts.items() if part}}


def _number(value: Json) -> Json:
    return int(value) if isinstance(value, str) and value.isdecimal() and len(value) < 6 else value


def _volumes(value: Json) -> Json:
    """Mounts by their place in the container."""
    if not isinstance(value, list):
        return value
    found: dict[str, Json] = {}
    for item in value:
        mount = dict(item) if isinstance(item, dict) else _volume(str(item))
        target = str(mount.pop("target", "")).rstrip("/") or "/"
        if mount.get("read_only") is False:
            del mount["read_only"]
        found[target] = {key: entry for key, entry in mount.items() if key != "consistency"}
    return found


def _volume(text: str) -> dict[str, Json]:
    parts = re.split(r":(?![^{]*\})", text)  # not at the colon of ${NAME:-default}
    modes = (
        frozenset(parts.pop().split(",")) if len(parts) > 1 and _MODES.issuperset(parts[-1].split(",")) else frozenset()
    )
    source = ":".join(parts[:-1]) or None
    kind = "bind" if source and re.match(r"[./~$]|[A-Za-z]:", source) else "volume"
    mount: dict[str, Json] = {"type": kind, "target": parts[-1]}
    if source:
        mount["source"] = source
    if "ro" in modes:
        mount["read_only"] = True
    if "nocopy" in modes:
        mount["volume"] = {"nocopy": True}
    return mount


def _depends_on(value: Json) -> Json:
    if isinstance(value, list):
        return {str(name): {"condition": "service_started"} for name in value}
    if not isinstance(value, dict):
        return value
    return {
        name: {key: entry for key, entry in item.items() if not (key == "required" and entry is True)}
        if isinstance(item, dict)
        else item
        for name, item in value.items()
    }


def _networks(value: Json) -> Json:
    names = value if isinstance(value, dict) else dict.fromkeys(map(str, _list(value)))
    return {name: item or {} for name, item in names.items()}


def _granted(value: Json) -> Json:
    """Secrets and configs of a service by name."""
    if not isinstance(value, list):
        return value
    found: dict[str, Json] = {}
    for item in value:
        grant = dict(item) if isinstance(item, dict) else {"source": str(item)}
        found[str(grant.pop("source", grant.get("target", "")))] = grant
    return found


def _build(value: Json) -> Json:
    if not isinstance(value, str | dict):
        return value
    build = {"context": value} if isinstance(value, str) else value
    return {**build, **{key: variables(build[key]) for key in ("args", "labels") if key in build}}


def _healthcheck(value: Json) -> Json:
    if isinstance(value, dict) and isinstance(value.get("test"), str):
        return {**value, "test": ["CMD-SHELL", value["test"]]}
    return value


def _deploy(value: Json) -> Json:
    return {**value, "labels": variables(value["labels"])} if isinstance(value, dict) and "labels" in value else value


_FORMS: Mapping[str, Callable[[Any], Json]] = {
    "environment": variables,
    "labels": variables,
    "annotations": variables,
    "sysctls": variables,
    "extra_hosts": _hosts,
    "command": _command,
    "entrypoint": _command,
    "dns": _list,
    "dns_search": _list,
    "tmpfs": _list,
    "env_file": _list,
    "expose": _texts,
    "ports": _ports,
    "volumes": _volumes,
    "depends_on": _depends_on,
    "networks": _networks,
    "secrets": _granted,
    "configs": _granted,
    "build": _build,
    "healthcheck": _healthcheck,
    "deploy": _deploy,
}


def by_target(ports: Mapping[str, dict[str, Json]]) -> dict[str, Json]:
    """Ports by `8080/tcp` alone, where a port of the container is published once, as nearly all are."""
    targets = [key.partition(" from ")[0] for key in ports]
    return {
        target if targets.count(target) == 1 else key: port
        for (key, port), target in zip(ports.items(), targets, strict=True)
    }
