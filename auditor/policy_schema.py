"""JSON Schemas of policy files and of the waiver file, for editors: made from the models that read these files.

A schema says what a file may look like, and no more than that: whether a glob, a condition or an environment is right is
told by `audit config check`.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from auditor.expect import BARE
from auditor.expect_spec import WITH_ARGUMENT
from auditor.model import Severity
from auditor.policy import PackModel
from auditor.policy_rule import OK
from auditor.value_types import TYPES
from auditor.waiver_file import WaiverModel, WaiversModel
from auditor.waivers import SHORTEST_FINGERPRINT

DIALECT = "https://json-schema.org/draft/2020-12/schema"

Schema = dict[str, Any]

_DURATION: Schema = {
    "anyOf": [
        {"type": "number", "minimum": 0},
        {"type": "string", "pattern": r"^([0-9]+w|[0-9]+(\.[0-9]+)?[smhd]|P[0-9DTHMS]+)$"},
    ],
    "examples": ["30m", "24h", "7d", "2w"],
}
_SCALAR: Schema = {"type": ["string", "number", "boolean"]}
_TEXT_OR_NUMBER: Schema = {"type": ["string", "number"]}


def _mapping(properties: Schema) -> Schema:
    return {"type": "object", "properties": properties, "additionalProperties": False, "minProperties": 1}


_ARGUMENTS: Mapping[str, Schema] = {
    "equal": _SCALAR,
    "differ": _SCALAR,
    "one_of": {"type": "array", "minItems": 1},
    "matches": {"type": "string", "maxLength": 500},
    "at_least": _TEXT_OR_NUMBER,
    "at_most": _TEXT_OR_NUMBER,
    "ratio": _mapping({"min": {"type": "number"}, "max": {"type": "number"}}),
    "max_age": _DURATION,
    "max_lag": _mapping(
        {"releases": {"type": "integer", "minimum": 0}, "time": _DURATION, "side": {"enum": ["left", "right"]}}
    ),
    "overlap": _mapping(
        {"values": {"type": "integer", "minimum": 1}, "share": {"type": "number", "minimum": 0, "exclusiveMaximum": 1}}
    ),
    "no_reference_to": {"type": "string", "minLength": 1},
    "cel": {"type": "string", "maxLength": 4096},
}
_PACK: Mapping[str, str] = {
    "policy": "The policy's name, as pairs and other policies call it.",
    "about": "What it is for, as `audit policy list` shows it.",
    "extends": "Policies that are read first, so that the rules below override theirs.",
    "followed_by": "Policies that are read after this one wherever it is named, so that their rules override those below.",
    "rules": "The rules, from the general to the particular: the last that matches decides.",
}
_RULE: Mapping[str, str] = {
    "id": "Unique within the file; part of a finding's fingerprint.",
    "about": "Why the rule exists; shown with each of its findings.",
    "kind": "A glob over kinds, or a list of globs; any kind where it is left out.",
    "path": "A dotted glob over attributes, or a list of globs; the resource's presence where it is left out.",
    "where": "A condition in CEL, over left, right, resource, path, key and now.",
    "in": "The environment that the rule is about.",
    "values": "Only values of this type, or of one of these types.",
    "expect": "What must hold: a word, or a word with its argument.",
    "severity": "How much a finding matters.",
    "for": "Tolerated for so long first: such as 30m, 24h or 7d.",
    "escalate": "How severe a finding becomes by being open for so long.",
    "remediation": "What to do about it; may hold {left.identity}, {behind.value} and the like.",
    "category": "Where reports list it; the kind's own category where it is left out.",
    "examples": "What the whole policy is meant to say of single places; `audit policy test` runs them.",
}
_EXAMPLE: Mapping[str, str] = {
    "kind": "A kind; the rule's own, unless that is a glob.",
    "path": "A dotted path; the rule's own, unless that is a glob.",
    "left": "The value on the left; absent where it is not written.",
    "right": "The value on the right; absent where it is not written.",
    "verdict": "The severity that is expected, or ok.",
    "environments": "The names of the left and the right environment.",
    "identity": "What the resource is called.",
    "beside": "What else the two resources hold, for conditions that ask for it.",
}
_BESIDE: Mapping[str, str] = {
    "left": "More of the left one's attributes.",
    "right": "More of the right one's attributes.",
}
_ESCALATE: Mapping[str, str] = {"after": "How long it was open then.", "to": "The severity from then on."}
_WAIVERS: Mapping[str, str] = {
    "longest": "How long any waiver may last; 90d where it is left out.",
    "waivers": "What is tolerated.",
}
_WAIVER: Mapping[str, str] = {
    "owner": "Who answers for it.",
    "reason": "Why it is tolerated; shown with the finding.",
    "created": "When it was decided: a date, or a time with its zone.",
    "expires": "When it ends: a date (the end of that day, UTC), or a time with its zone.",
    "fingerprint": "A finding, or a list of them: eight characters or more of its fingerprint.",
    "rule": "A glob over rules, as version-behind or default/version-behind.",
    "kind": "A glob over kinds.",
    "identity": "A glob over resources, by the name in either environment or as orders-{env}.",
    "path": "A dotted glob over attributes.",
    "left": "The left environment of the pair.",
    "right": "The right environment of the pair.",
    "while": "The two values that it is bound to: other values end its effect.",
}
_WHILE: Mapping[str, str] = {
    "left": "The value on the left, as `audit show` prints it.",
    "right": "The value on the right.",
}
_SELECTING = ("fingerprint", "rule", "kind", "identity", "path", "left", "right")


def policy_schema() -> Schema:
    """JSON Schema of a policy file."""
    schema = _schema(PackModel, "Policy of Parity Auditor", _PACK)
    definitions = schema["$defs"]
    rule, example = definitions["RuleModel"], definitions["ExampleModel"]
    _describe(rule, _RULE)
    _describe(example, _EXAMPLE)
    _describe(definitions["BesideModel"], _BESIDE)
    _describe(definitions["EscalateModel"], _ESCALATE)
    properties = rule["properties"]
    _become(properties["expect"], _expect())
    _become(properties["for"], _DURATION)
    types = {"enum": list(TYPES)}
    _become(properties["values"], {"anyOf": [types, {"type": "array", "items": types}]})
    _become(definitions["EscalateModel"]["properties"]["after"], _DURATION)
    _become(example["properties"]["verdict"], {"enum": [OK, *(severity.value for severity in Severity)]})
    return schema


def waivers_schema() -> Schema:
    """JSON Schema of the waiver file."""
    schema = _schema(WaiversModel, "Waivers of Parity Auditor", _WAIVERS)
    waiver = WaiverModel.model_json_schema(by_alias=True)
    definitions = {**waiver.pop("$defs", {}), "WaiverModel": waiver}
    schema["$defs"] = {name: _plain(definition) for name, definition in definitions.items()}
    waiver = schema["$defs"]["WaiverModel"]
    _describe(waiver, _WAIVER)
    _describe(schema["$defs"]["WhileModel"], _WHILE)
    fingerprint = {
        "anyOf": [
            {"type": "string", "pattern": f"^[0-9a-f]{{{SHORTEST_FINGERPRINT},32}}$"},
            # Eight digits are a number to YAML.
            {"type": "integer", "minimum": 10 ** (SHORTEST_FINGERPRINT - 1)},
        ]
    }
    _become(
        waiver["properties"]["fingerprint"], {"anyOf": [*fingerprint["anyOf"], {"type": "array", "items": fingerprint}]}
    )
    for key in ("owner", "reason"):
        waiver["properties"][key]["minLength"] = 1
    waiver["anyOf"] = [{"required": [key]} for key in _SELECTING]
    _become(schema["properties"]["longest"], _DURATION)
    _become(schema["properties"]["waivers"], {"type": "array", "items": {"$ref": "#/$defs/WaiverModel"}})
    return schema


def _schema(model: type[BaseModel], title: str, about: Mapping[str, str]) -> Schema:
    schema = _plain(model.model_json_schema(by_alias=True))
    _describe(schema, about)
    return {"$schema": DIALECT, **schema, "title": title}


def _describe(schema: Schema, about: Mapping[str, str]) -> None:
    """Say what each key means. One that nobody described stops here, and so in the tests."""
    for key, description in schema["properties"].items():
        description["description"] = about[key]


def _become(schema: Schema, other: Schema) -> None:
    """Another shape under the same description."""
    description = schema.get("description")
    schema.clear()
    schema |= copy.deepcopy(other)
    if description:
        schema["description"] = description


def _expect() -> Schema:
    words = {"enum": sorted(BARE)}
    choices = [
        {"type": "object", "properties": {name: _ARGUMENTS[name]}, "required": [name], "additionalProperties": False}
        for name in sorted(WITH_ARGUMENT)
    ]
    return {"anyOf": [words, *choices]}


def _plain(schema: Any) -> Any:
    """Without the titles that pydantic makes of names, and what docstrings of ours say to developers."""
    if isinstance(schema, list):
        return [_plain(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    shown = {key: _plain(value) for key, value in schema.items()}
    if isinstance(shown.get("title"), str):
        del shown["title"]
    if "properties" in shown or "enum" in shown:
        shown.pop("description", None)
    return shown
