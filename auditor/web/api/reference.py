"""/docs/api: the OpenAPI document for people to read, as a page like all others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse

from auditor.web.access import Scope, need
from auditor.web.api.document import document
from auditor.web.templating import page

_ORDER = ("get", "post", "delete")
_MANY = 12


@dataclass(frozen=True, slots=True)
class FieldLine:
    """A parameter, or a key of a body or an answer. `where`: `path`, `query`, `body`."""

    name: str
    kind: str
    shape: str
    required: bool
    about: str
    where: str = ""


@dataclass(frozen=True, slots=True)
class AnswerLine:
    status: str
    about: str
    media: str
    shape: str


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation. `id` is its name in the document, and where it stands on the page."""

    id: str
    method: str
    path: str
    summary: str
    about: str
    scope: str
    asked: tuple[FieldLine, ...]
    answers: tuple[AnswerLine, ...]


@dataclass(frozen=True, slots=True)
class Section:
    name: str
    about: str
    operations: tuple[Operation, ...]


@dataclass(frozen=True, slots=True)
class ShapeLine:
    name: str
    about: str
    fields: tuple[FieldLine, ...]


@dataclass(frozen=True, slots=True)
class Reference:
    """The whole page."""

    version: str
    about: tuple[str, ...]
    sections: tuple[Section, ...]
    shapes: tuple[ShapeLine, ...]


def reference_router(api: APIRouter) -> APIRouter:
    found = APIRouter(include_in_schema=False, dependencies=[Depends(need(Scope.READ))])
    made = lru_cache(maxsize=1)(lambda: reference(document(api)))

    @found.get("/docs/api")
    def show(request: Request) -> HTMLResponse:
        return page(request, "api.html", reference=made())

    return found


def reference(described: Mapping[str, Any]) -> Reference:
    """The document, sorted for people."""
    schemas = described["components"]["schemas"]
    operations = [
        (operation["tags"][0], _operation(path, method, operation, schemas))
        for path, methods in described["paths"].items()
        for method, operation in sorted(methods.items(), key=lambda item: _ORDER.index(item[0]))
    ]
    return Reference(
        version=described["info"]["version"],
        about=tuple(described["info"]["description"].split("\n\n")),
        sections=tuple(
            Section(tag["name"], tag["description"], tuple(one for name, one in operations if name == tag["name"]))
            for tag in described["tags"]
        ),
        shapes=tuple(
            ShapeLine(name, schema.get("description", ""), tuple(_fields(schema, schemas)))
            for name, schema in sorted(schemas.items())
            if "properties" in schema
        ),
    )


def _operation(path: str, method: str, said: Mapping[str, Any], schemas: Mapping[str, Any]) -> Operation:
    asked = [
        FieldLine(
            name=one["name"],
            kind=kind_of(one["schema"], schemas).removesuffix(" or null"),
            shape="",
            required=one.get("required", False),
            about=one.get("description", ""),
            where=one["in"],
        )
        for one in said.get("parameters", ())
    ]
    if "requestBody" in said:
        body = said["requestBody"]["content"]["application/json"]["schema"]
        asked += _fields(schemas[shape_of(body, schemas)], schemas, "body")
    answers = [
        AnswerLine(status, answer["description"], media, shape_of(content.get("schema", {}), schemas))
        for status, answer in said["responses"].items()
        for media, content in (answer.get("content") or {"": {}}).items()
    ]
    return Operation(
        id=said["operationId"],
        method=method.upper(),
        path=path,
        summary=said["summary"],
        about=said.get("description", ""),
        scope=said["x-scope"],
        asked=tuple(asked),
        answers=tuple(answers),
    )


def _fields(schema: Mapping[str, Any], schemas: Mapping[str, Any], where: str = "") -> Iterator[FieldLine]:
    required = schema.get("required", ())
    for name, said in schema.get("properties", {}).items():
        about, shape = said.get("description", ""), shape_of(said, schemas)
        yield FieldLine(name, kind_of(said, schemas), shape, name in required, about, where)


def shape_of(schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> str:
    """The name of the shape that a schema is, or holds; empty where it is of none."""
    if "$ref" in schema:
        name = str(schema["$ref"]).rpartition("/")[2]
        return name if "properties" in schemas[name] else ""
    inside: Sequence[Any] = (*schema.get("anyOf", ()), schema.get("items"), schema.get("additionalProperties"))
    return next((name for one in inside if isinstance(one, dict) and (name := shape_of(one, schemas))), "")


def kind_of(schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> str:
    """What a value is, in a few words: `list of text`, `low or high`, `text or null`."""
    if "$ref" in schema:
        name = str(schema["$ref"]).rpartition("/")[2]
        return name if "properties" in schemas[name] else kind_of(schemas[name], schemas)
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(kind_of(one, schemas) for one in schema["anyOf"]))
    if "const" in schema:
        return str(schema["const"])
    if "enum" in schema:
        words = [str(word) for word in schema["enum"]]
        return ", ".join(words[:-1]) + f" or {words[-1]}" if 1 < len(words) <= _MANY else "text"
    match schema.get("type"):
        case "array":
            return f"list of {kind_of(schema.get('items', {}), schemas)}"
        case "object":
            below = schema.get("additionalProperties")
            return f"map to {kind_of(below, schemas)}" if isinstance(below, dict) and below else "object"
        case "string":
            return {"date-time": "time", "date": "date"}.get(schema.get("format", ""), "text")
        case "null":
            return "null"
        case None:
            return "anything"
    return {"integer": "number", "number": "number", "boolean": "true or false"}[schema["type"]]
