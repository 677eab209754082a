"""Settings of Spring, Micronaut and Quarkus: `logging.level: {org.acme: INFO}` and the same written step by step are one."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from auditor.model import Json

_NAME = re.compile(r"(?:application|bootstrap)(?:-[\w.-]+)?\.ya?ml\Z", re.IGNORECASE)


def is_settings(name: str, value: Json) -> bool:
    """Whether a document may be such settings, going by its file's name; an Application of Argo CD is none."""
    return isinstance(value, dict) and "apiVersion" not in value and _NAME.match(PurePosixPath(name).name) is not None


def nested(value: Json) -> Json:
    """The document with each key of several steps (`a.b: 1`) written step by step. What stands in brackets is one step.

    Where a shorter key has a value of its own (`a: 1` beside `a.b: 2`), the longer one stays as it is written."""
    if isinstance(value, list):
        return [nested(item) for item in value]
    if not isinstance(value, dict):
        return value
    found: dict[str, Json] = {}
    for steps, below in sorted(((_steps(key), below) for key, below in value.items()), key=lambda row: len(row[0])):
        _put(found, steps, nested(below))
    return found


def _steps(key: str) -> list[str]:
    return [key] if "[" in key or not all(key.split(".")) else key.split(".")


def _put(into: dict[str, Json], steps: list[str], value: Json) -> None:
    head, rest = steps[0], steps[1:]
    there = into.get(head)
    if not rest and isinstance(there, dict) and isinstance(value, dict):
        for key, below in value.items():
            _put(there, [key], below)
    elif not rest and head not in into:
        into[head] = value
    elif rest and (head not in into or isinstance(there, dict)):
        _put(into.setdefault(head, {}), rest, value)
    else:
        into[".".join(steps)] = value
