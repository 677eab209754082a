"""Compose files as resources: override files laid over the base, `extends`, `env_file` and variables worked in.

Variables come from the `.env` files beside the Compose file only, never from the auditor's own environment; one that they
do not set and that has no default stays `${NAME}`. The image of a service, its ports and so on are read in one form,
whichever of Compose's spellings the file uses.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from auditor.model import Gap, GapReason, Json, Resource
from collectors.files import compose_forms
from collectors.files.names import folder_of, joined
from collectors.files.scope import Scope
from collectors.files.text import Malformed

_TOP = frozenset({"version", "name", "services", "volumes", "networks", "secrets", "configs", "include"})
_SERVICE = frozenset({"image", "build", "extends"})
_NAME = re.compile(r"(?:^|[._-])(?:docker-)?compose(?:[._-]|$)")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_OPERATOR = re.compile(r":?[-+?]")
_MAX_NESTING = 20
_PARTS = {
    "volumes": "compose.volume",
    "networks": "compose.network",
    "secrets": "compose.secret",
    "configs": "compose.config",
}


class Missing(Exception):
    """A file that a Compose file names is not there, or lies outside of what the source covers."""


@dataclass(frozen=True, slots=True)
class Project:
    """One set of Compose files, base first, each with its path. `load` and `load_env` read further files by path; they
    raise Missing or Malformed."""

    files: Sequence[tuple[str, Mapping[str, Json]]]
    variables: Mapping[str, str]
    load: Callable[[str], Mapping[str, Json]]
    load_env: Callable[[str], Mapping[str, str | None]]


def is_compose(name: str, value: Json) -> bool:
    """Whether a document is a Compose file, by its name and its top-level keys."""
    if not isinstance(value, dict) or not all(key in _TOP or key.startswith("x-") for key in value):
        return False
    services = value.get("services")
    if _NAME.search(name.rsplit("/", 1)[-1].lower()):
        return isinstance(services, dict) or any(isinstance(value.get(part), dict) for part in _PARTS)
    if not isinstance(services, dict) or not all(isinstance(item, dict) for item in services.values()):
        return False
    return any(isinstance(item.get(key), str) for item in services.values() for key in _SERVICE)


def resources(project: Project, scope: Scope) -> Iterator[Resource | Gap]:
    """The services, volumes, networks, secrets and configs of a project, and a gap for what could not be worked in."""
    base = project.files[0][0]
    parent = folder_of(base) or None
    merged: dict[str, Json] = {}
    troubles: list[Gap] = []
    for path, document in project.files:
        for name, service in _services(project, path, document, scope, troubles):
            merged[name] = compose_forms.laid_over(merged.get(name), service)
    yield from troubles
    for name, service in sorted(merged.items()):
        attributes, gaps = _finished(project, name, service, base, scope)
        yield from gaps
        yield Resource(
            kind="compose.service",
            identity=name,
            attributes=attributes,
            source=scope.source,
            parent=parent,
            tags={key: value for key, value in (attributes.get("labels") or {}).items() if isinstance(value, str)},
            component=name,
            location=scope.location(base),
        )
    for part, kind in _PARTS.items():
        for name, value in sorted(_part(project, part).items()):
            yield Resource(kind, name, value, source=scope.source, parent=parent, location=scope.location(base))


def _part(project: Project, part: str) -> dict[str, dict[str, Json]]:
    merged: Json = {}
    for _, document in project.files:
        found = document.get(part)
        if isinstance(found, dict):
            merged = compose_forms.laid_over(merged, interpolated(found, project.variables))
    return {
        name: {key: item for key, item in value.items() if not key.startswith("x-")} if isinstance(value, dict) else {}
        for name, value in merged.items()
        if not name.startswith("x-")
    }


def _services(
    project: Project, path: str, document: Mapping[str, Json], scope: Scope, troubles: list[Gap]
) -> Iterator[tuple[str, dict[str, Json]]]:
    found = document.get("services")
    for name in found if isinstance(found, dict) else {}:
        if name.startswith("x-"):
            continue
        try:
            yield name, _service(project, path, document, name, ())
        except Malformed as error:
            troubles.append(scope.malformed("compose.service", name, path, error))
        except Missing as error:
            detail = f"the service it extends could not be read: {error}"
            troubles.append(scope.gap("compose.service", GapReason.UNREACHABLE, detail, name, path))


def _service(
    project: Project, path: str, document: Mapping[str, Json], name: str, seen: tuple[tuple[str, str], ...]
) -> dict[str, Json]:
    """One service as a file says it, laid over what it extends. Paths of its env files start at the source's path."""
    if (path, name) in seen:
        raise Malformed("a service that extends itself")
    services = document.get("services")
    raw = services.get(name) if isinstance(services, dict) else None
    if raw is None and seen:
        raise Missing("no service of that name")
    if not isinstance(raw, dict):
        raise Malformed("a service that is not a map")
    own = compose_forms.service(interpolated(raw, project.variables))
    if "env_file" in own:
        own["env_file"] = _env_files(own["env_file"], path)
    extended = own.pop("extends", None)
    if extended is None:
        return own
    target = extended if isinstance(extended, str) else extended.get("service")
    file = extended.get("file") if isinstance(extended, dict) else None
    other, inside = (joined(folder_of(path), file), None) if isinstance(file, str) else (path, document)
    parent = _service(project, other, inside or project.load(other), str(target), (*seen, (path, name)))
    merged: dict[str, Json] = compose_forms.laid_over(parent, own)
    return merged


def _env_files(value: Json, path: str) -> list[Json]:
    entries = value if isinstance(value, list) else [value]
    found: list[Json] = []
    for entry in entries:
        item = entry if isinstance(entry, dict) else {"path": str(entry)}
        found.append({"path": joined(folder_of(path), str(item.get("path"))), "required": item.get("required", True)})
    return found


def _finished(
    project: Project, name: str, service: dict[str, Json], base: str, scope: Scope
) -> tuple[dict[str, Json], list[Gap]]:
    """A service with its env files under its own environment, and its ports by target."""
    attributes = {key: value for key, value in service.items() if key != "env_file" and value is not None}
    environment: dict[str, Json] = {}
    gaps: list[Gap] = []
    for entry in service.get("env_file") or []:
        try:
            environment.update(project.load_env(entry["path"]))
        except Missing as error:
            if entry["required"]:
                detail = f"its env_file could not be read: {error}"
                gaps.append(_environment_gap(scope, GapReason.UNREACHABLE, detail, name, base))
        except Malformed as error:
            detail = f"its env_file is malformed: {error.problem}"
            gaps.append(_environment_gap(scope, GapReason.MALFORMED, detail, name, entry["path"], error.line))
    own = attributes.get("environment")
    for key, value in own.items() if isinstance(own, dict) else ():
        inherited = environment.get(key, project.variables.get(key))
        environment[key] = inherited if value is None else value
    if environment:
        attributes["environment"] = environment
    if isinstance(attributes.get("ports"), dict):
        attributes["ports"] = compose_forms.by_target(attributes["ports"])
    return attributes, gaps


def _environment_gap(
    scope: Scope, reason: GapReason, detail: str, service: str, file: str, line: int | None = None
) -> Gap:
    return scope.gap("compose.service", reason, detail, service, file, line, attribute="environment")


def interpolated(value: Json, variables: Mapping[str, str]) -> Json:
    """Every text of a document with `$NAME` and `${NAME...}` replaced by Compose's rules; keys stay."""
    if isinstance(value, dict):
        return {key: interpolated(item, variables) for key, item in value.items()}
    if isinstance(value, list):
        return [interpolated(item, variables) for item in value]
    return _replaced(value, variables, 0) if isinstance(value, str) and "$" in value else value


def _replaced(text: str, variables: Mapping[str, str], depth: int) -> str:
    parts: list[str] = []
    offset = 0
    while (dollar := text.find("$", offset)) >= 0:
        parts.append(text[offset:dollar])
        replacement, offset = _reference(text, dollar, variables, depth)
        parts.append(replacement)
    return "".join(parts) + text[offset:]


def _reference(text: str, dollar: int, variables: Mapping[str, str], depth: int) -> tuple[str, int]:
    """What stands for the reference that starts at `dollar`, and where the text goes on."""
    after = text[dollar + 1 : dollar + 2]
    if after == "$":
        return "$", dollar + 2
    braced = after == "{"
    name = _VARIABLE.match(text, dollar + 1 + braced)
    if name is None or depth > _MAX_NESTING:
        return "$", dollar + 1
    if not braced:
        return variables.get(name[0], f"${name[0]}"), name.end()
    end = _closing(text, dollar + 2)
    if end is None:
        return "$", dollar + 1
    operator = _OPERATOR.match(text, name.end())
    argument = text[operator.end() : end] if operator else ""
    value = variables.get(name[0])
    kept = text[dollar : end + 1]
    empty = value is None or (value == "" and operator is not None and operator[0].startswith(":"))
    match operator[0][-1] if operator else "":
        case "-" if empty and not argument:
            # Nothing by default is what a plain `${NAME}` gives, too: both say that the value is not known here.
            return (f"${{{name[0]}}}" if value is None else ""), end + 1
        case "-" if empty:
            return _replaced(argument, variables, depth + 1), end + 1
        case "+":
            return "" if empty else _replaced(argument, variables, depth + 1), end + 1
        case "?" if empty:
            return kept, end + 1
    return (kept if value is None else value), end + 1


def _closing(text: str, offset: int) -> int | None:
    depth = 1
    for index in range(offset, len(text)):
        depth += {"{": 1, "}": -1}.get(text[index], 0)
        if depth == 0:
            return index
    return None
