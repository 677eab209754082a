"""Telling files apart: the format by the name, and what a document is by its content."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePosixPath

from auditor.model import Json
from collectors.files import dotenv, kinds, structured, terraform, yaml
from collectors.files.text import Malformed, Unsupported

_SUFFIXES = {
    ".yaml": kinds.YAML,
    ".yml": kinds.YAML,
    ".json": kinds.JSON,
    ".jsonc": kinds.JSON,
    ".toml": kinds.TOML,
    ".properties": kinds.PROPERTIES,
    ".ini": kinds.INI,
    ".cfg": kinds.INI,
    ".conf": kinds.INI,
    ".tfvars": kinds.TERRAFORM_VARIABLES,
    ".tf": kinds.TERRAFORM_CONFIGURATION,
    ".env": kinds.ENV,
}
_DOUBLE = {".tfvars.json": kinds.TERRAFORM_VARIABLES, ".tf.json": kinds.TERRAFORM_CONFIGURATION}
# Written for people to copy, not for anything to read.
_EXAMPLES = re.compile(r"[._-](?:example|sample|dist)(?:\.[a-z]+)?\Z|\.(?:template|tmpl|tpl|j2|bak|orig|swp|enc)\Z")
_MADE = frozenset(
    {"package-lock.json", "npm-shrinkwrap.json", "pnpm-lock.yaml", "composer.lock", ".terraform.lock.hcl"}
)
_DOTENV = re.compile(r"\A\.env(?:rc|[._-].*)?\Z|\A\.flaskenv\Z")
_INI_LINE = re.compile(r"\s*(?:[#;].*|\[[^\]\n]+\]\s*|[\w.\-/ ]+?\s*[=:].*|)\Z")
_TEMPLATE = re.compile(r"\{\{-?|\{%-?|<%=?")
_VAULT = "$ANSIBLE_VAULT"
# What a file of the format may turn out to be, so that one that cannot be read hides no more than it may hold.
_MAY_BE = {kinds.YAML: "*", kinds.JSON: "*"}


@dataclass(frozen=True, slots=True)
class Part:
    """One document of a file. `line` is where it starts; 1 in formats that hold a single one."""

    value: Json
    line: int = 1


def format_of(name: str) -> str | None:
    """The kind that a file's name speaks of (`yaml.file` for any YAML); None for what is not configuration."""
    path = PurePosixPath(name)
    file = path.name.lower()
    if file in _MADE or _EXAMPLES.search(file):
        return None
    if _DOTENV.match(file) or (".envs" in path.parts and "." not in file.lstrip(".")):
        return kinds.ENV
    double = next((kind for suffix, kind in _DOUBLE.items() if file.endswith(suffix)), None)
    return double or _SUFFIXES.get(path.suffix.lower())


def may_be(kind: str) -> str:
    """Glob over the kinds that a file of a format may hold."""
    return _MAY_BE.get(kind, kind)


def parts(name: str, kind: str, text: str) -> list[Part] | None:
    """The documents of a file's text. None where its content is of no format known (an nginx.conf, say).

    Raises Malformed, and Unsupported for templates and encrypted files.
    """
    if text.startswith(_VAULT):
        raise Unsupported("encrypted with ansible-vault: give the decrypted file, or exclude it")
    try:
        return _parts(name, kind, text)
    except Malformed as error:
        if kind in {kinds.YAML, kinds.JSON} and _TEMPLATE.search(text):
            raise Unsupported("a template, not plain data: give what it is rendered to") from error
        raise


def _parts(name: str, kind: str, text: str) -> list[Part] | None:
    match kind:
        case kinds.YAML:
            return [Part(found.value, found.line) for found in yaml.documents(text)]
        case kinds.JSON:
            return [Part(structured.json_document(text))]
        case kinds.TOML:
            return [Part(structured.toml_document(text))]
        case kinds.PROPERTIES:
            return [Part(structured.properties_document(text))]
        case kinds.INI:
            if name.lower().endswith(".conf") and not all(map(_INI_LINE.match, text.split("\n"))):
                return None
            return [Part(structured.ini_document(text))]
        case kinds.ENV:
            return [Part(_environment(text))]
    if name.endswith(".json"):
        return [Part(structured.json_document(text))]
    return [Part(terraform.document(text))]


def _environment(text: str) -> Json:
    """A dotenv file's variables, also where it holds flat YAML or JSON; values as text, as a process would see them."""
    if not dotenv.looks_like_yaml(text):
        return dotenv.parse(text)
    found = yaml.unresolved(text)
    value = found[0].value if found else {}
    if len(found) > 1 or not isinstance(value, dict):
        raise Malformed("neither variables (NAME=value) nor one flat map")
    return value


def is_task_definition(value: Json) -> bool:
    """Whether a document is an ECS task definition, as registered or as described."""
    if not isinstance(value, dict):
        return False
    body = value.get("taskDefinition", value)
    return isinstance(body, dict) and isinstance(body.get("containerDefinitions"), list)
