"""Telling files apart: the format by the name, and what a document is by its content."""

from __future__ import annotations

import re
from collections.abc import Container
from contextlib import suppress
from dataclasses import dataclass
from pathlib import PurePosixPath

from auditor.model import Json
from collectors.files import dotenv, kinds, spring, structured, terraform, xml, yaml
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
    ".cnf": kinds.INI,
    ".conf": kinds.INI,
    ".xml": kinds.XML,
    ".config": kinds.XML,
    ".hcl": kinds.HCL,
    ".nomad": kinds.HCL,
    ".tfvars": kinds.TERRAFORM_VARIABLES,
    ".tf": kinds.TERRAFORM_CONFIGURATION,
    ".env": kinds.ENV,
}
_DOUBLE = {".tfvars.json": kinds.TERRAFORM_VARIABLES, ".tf.json": kinds.TERRAFORM_CONFIGURATION}
# Written for people to copy, not for anything to read.
_EXAMPLES = re.compile(r"[._-](?:example|sample|dist)(?:\.[a-z]+)?\Z|\.(?:template|tmpl|tpl|j2|bak|orig|swp)\Z")
_MADE = frozenset(
    {"package-lock.json", "npm-shrinkwrap.json", "pnpm-lock.yaml", "composer.lock", ".terraform.lock.hcl"}
)
# Configuration that is not read, by the end of its name: what it may hold, and what to do about it.
_RENDERED = "a template, not plain data: give what it is rendered to, or exclude it"
_TEMPLATES = (".j2", ".jinja", ".jinja2", ".tmpl", ".tpl", ".template", ".erb", ".gotmpl", ".mustache")
_ENCRYPTED = (".enc", ".gpg", ".pgp", ".age")
_PROGRAMS = (".jsonnet", ".libsonnet", ".cue", ".dhall", ".pkl", ".bicep", ".bicepparam")
_OTHER_FORMATS = (".json5", ".hjson", ".edn", ".plist", ".service", ".timer", ".socket", "caddyfile", ".htaccess")
_NO_FORMAT = "in no format that is read: exclude it where nothing in it has to be compared"
_DOTENV = re.compile(r"\A\.env(?:rc|[._-].*)?\Z|\A\.flaskenv\Z")
_INI_LINE = re.compile(r"\s*(?:[#;].*|\[[^\]\n]+\]\s*|[\w.\-/ ]+?\s*[=:].*|)\Z")
_TEMPLATE = re.compile(r"\{\{-?|\{%-?|<%=?")
# `image: {{ image }}`: one value that a pipeline fills in; `{{- toYaml .Values.env }}` stands for who knows what.
_LEFT_OPEN = re.compile(
    r"^([ \t]*(?:-[ \t]+|(?:-[ \t]+)?[\w.\"'/-]+:[ \t]+))(\{\{[ ]?(?!(?:end|else)\b)[A-Za-z_][\w-]*[ ]?\}\})(?=[ \t]*(?:#.*)?$)",
    re.MULTILINE,
)
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
    if file in _MADE or _EXAMPLES.search(file) or file.endswith(_ENCRYPTED):
        return None
    if _DOTENV.match(file) or (".envs" in path.parts and "." not in file.lstrip(".")):
        return kinds.ENV
    double = next((kind for suffix, kind in _DOUBLE.items() if file.endswith(suffix)), None)
    return double or _SUFFIXES.get(path.suffix.lower())


def unread(name: str, beside: Container[str] = ()) -> tuple[str, str] | None:
    """Of configuration in a format that is not read: a glob over what it may hold, and why, for a person. Else None.

    What nobody configures an environment by (documents, programs, images, locks, examples) is none of it; nor is a
    template or an encrypted file that stands `beside` what is made of it."""
    file = PurePosixPath(name).name.lower()
    stem, _, _ = file.rpartition(".")
    made = str(PurePosixPath(name).with_name(PurePosixPath(name).name[: len(stem)])) if stem else name
    holds = format_of(made) if stem and made not in beside else None
    if file.endswith(".tfstate"):
        return "terraform.*", "Terraform's state: name it in a `terraform` source, or exclude it"
    if holds is not None and holds != kinds.ENV and file.endswith(_TEMPLATES):
        return may_be(holds), _RENDERED
    if holds is not None and file.endswith(_ENCRYPTED):
        return may_be(holds), "encrypted: give the decrypted file, or exclude it"
    if file.endswith(_PROGRAMS):
        return "*", "a program that makes configuration: give what it is rendered to, or exclude it"
    return ("*.file", _NO_FORMAT) if file.endswith(_OTHER_FORMATS) else None


def may_be(kind: str) -> str:
    """Glob over the kinds that a file of a format may hold."""
    return _MAY_BE.get(kind, kind)


def parts(name: str, kind: str, text: str) -> list[Part]:
    """The documents of a file's text.

    Raises Malformed, and Unsupported for templates, encrypted files, and content of no format known (an nginx.conf, say).
    """
    if text.startswith(_VAULT):
        raise Unsupported("encrypted with ansible-vault: give the decrypted file, or exclude it")
    try:
        return _parts(name, kind, text)
    except Malformed as error:
        if kind not in {kinds.YAML, kinds.JSON} or not _TEMPLATE.search(text):
            raise
        if kind == kinds.YAML and (quoted := _LEFT_OPEN.sub(r"\1'\2'", text)) != text:
            with suppress(Malformed):
                return _parts(name, kind, quoted)
        raise Unsupported("a template, not plain data: give what it is rendered to") from error


def _parts(name: str, kind: str, text: str) -> list[Part]:
    match kind:
        case kinds.YAML:
            return [
                Part(spring.nested(found.value) if spring.is_settings(name, found.value) else found.value, found.line)
                for found in yaml.documents(text)
            ]
        case kinds.JSON:
            return [Part(structured.json_document(text))]
        case kinds.TOML:
            return [Part(structured.toml_document(text))]
        case kinds.PROPERTIES:
            return [Part(structured.properties_document(text))]
        case kinds.INI:
            if name.lower().endswith(".conf") and not all(map(_INI_LINE.match, text.split("\n"))):
                raise Unsupported(_NO_FORMAT)
            return [Part(structured.ini_document(text))]
        case kinds.XML:
            if not text.lstrip().startswith("<"):
                raise Unsupported(_NO_FORMAT)
            return [Part(xml.document(text))]
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
