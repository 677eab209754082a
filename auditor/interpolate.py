"""Fill `${NAME}` and `${NAME:-default}` in a document's values from the environment, so that no file holds a secret."""

from __future__ import annotations

import dataclasses
import re
from typing import TYPE_CHECKING

from auditor.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from auditor.errors import Problem
    from auditor.model import Json
    from auditor.yaml_source import Document, Place

_REFERENCE = re.compile(
    r"(?P<escape>\$\$)"
    r"|\$\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>(?:(?!\$\{)[^}])*))?\}"
    r"|(?P<broken>\$\{[^}]*\}?)"
)


def interpolate(document: Document, environ: Mapping[str, str]) -> Document:
    """The document with every variable in its values filled in; keys stay as they are, `$$` is a plain `$`.

    As in a shell, `:-` also replaces a variable that is set but empty. Positions and spellings are kept, so a later
    error can show `${NAME}` in place of what it stands for. Raises ConfigError with every variable that is missing.
    """
    problems: list[Problem] = []
    value = _filled(document.value, (), document, environ, problems)
    if problems:
        raise ConfigError(problems)
    return dataclasses.replace(document, value=value)


def _filled(value: Json, place: Place, document: Document, environ: Mapping[str, str], problems: list[Problem]) -> Json:
    if isinstance(value, dict):
        return {key: _filled(inner, (*place, key), document, environ, problems) for key, inner in value.items()}
    if isinstance(value, list):
        return [_filled(inner, (*place, i), document, environ, problems) for i, inner in enumerate(value)]
    if not isinstance(value, str):
        return value

    def replacement(found: re.Match[str]) -> str:
        if found["escape"]:
            return "$"
        if found["broken"]:
            remedy = "write ${NAME} or ${NAME:-default}, or $${ for a plain ${"
            message = f"{found['broken']!r} is not a variable"
            problems.append(document.problem(place, message, remedy, of_value=True))
            return ""
        name, default = found["name"], found["default"]
        filled = environ.get(name)
        if filled is None and default is None:
            remedy = f"set {name}, or give a default: ${{{name}:-value}}"
            message = f"the environment variable {name} is not set"
            problems.append(document.problem(place, message, remedy, of_value=True))
            return ""
        return default if default is not None and not filled else filled or ""

    return _REFERENCE.sub(replacement, value)
