"""Puts what a company keeps in files on disk, each side's in its own folder or both side by side."""

from __future__ import annotations

import copy
import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import yaml

from bench.accuracy.companies.estate import Both, Item, World


def write(both: Both, root: Path) -> tuple[Path, Path] | None:
    """The folders to read the two sides from; None where the company keeps no files."""
    folders = both.plan.layout == "folders"
    places = tuple(root / (world.side.token if folders else "both") for world in (both.left, both.right))
    wrote = [_write(world, place) for world, place in zip((both.left, both.right), places, strict=True)]
    return (places[0], places[1]) if any(wrote) else None


def _write(world: World, place: Path) -> bool:
    by_file: dict[str, list[Item]] = defaultdict(list)
    for item in world.items.values():
        if item.file:
            by_file[item.file].append(item)
    for name, items in by_file.items():
        path = place / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(_text(items, world))
    return bool(by_file)


def _text(items: list[Item], world: World) -> str:
    first = items[0]
    match first.kind:
        case "env.file":
            return "".join(f"{key}={_quoted(value)}\n" for key, value in first.doc.items())
        case "json.file":
            return json.dumps(first.doc, indent=world.side.pick(2, 4)) + "\n"
        case "yaml.file":
            return _yaml(first.doc)
        case "terraform.variables":
            return "".join(f"{key} = {_hcl(value)}\n" for key, value in first.doc.items())
        case "compose.service":
            return _yaml({"services": {item.name: item.doc for item in items}})
        case _:
            return "---\n".join(_yaml(_manifest(item.doc)) for item in items)


def _yaml(document: Any) -> str:
    return str(yaml.safe_dump(document, sort_keys=False, default_flow_style=False, width=1000))


def _quoted(value: Any) -> str:
    text = str(value)
    return json.dumps(text) if any(sign in text for sign in " #'") else text


def _hcl(value: Any) -> str:
    if isinstance(value, dict):
        return "{\n" + "".join(f"  {json.dumps(key)} = {_hcl(item)}\n" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_hcl(item) for item in value) + "]"
    return json.dumps(value)


def _manifest(document: dict[str, Any]) -> dict[str, Any]:
    """The manifest as Kubernetes wants it: containers and variables as lists of named things."""
    written = copy.deepcopy(document)
    for spec in _pod_specs(written):
        spec["containers"] = [{"name": name, **_with_env(container)} for name, container in spec["containers"].items()]
    return written


def _pod_specs(document: dict[str, Any]) -> list[dict[str, Any]]:
    spec = document.get("spec", {})
    found = [
        spec.get("template", {}).get("spec"),
        spec.get("jobTemplate", {}).get("spec", {}).get("template", {}).get("spec"),
    ]
    return [each for each in found if isinstance(each, dict)]


def _with_env(container: dict[str, Any]) -> dict[str, Any]:
    if "env" not in container:
        return container
    env = [
        {"name": name, **value} if isinstance(value, dict) else {"name": name, "value": value}
        for name, value in container["env"].items()
    ]
    return {**container, "env": env}
