"""The OpenAPI document, made from what the operations declare; and the operation that answers it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute, iter_route_contexts
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from auditor import __version__
from auditor.web.api.answers import Answer
from auditor.web.api.operations import gets, router
from auditor.web.api.shapes import Problem

if TYPE_CHECKING:
    from fastapi.dependencies.models import Dependant

PREFIX = "/api/v1"
_ABOUT = """\
Everything that the command line and the pages show, for programs.

Send a token as `Authorization: Bearer …`; `audit token` and the page /access make them. Each operation names the scope
that it needs: `read`, `act` or `admin`, and each of these includes the ones before it.

Lists come a page at a time: `limit` says how many, `after` takes the `next` of the page before, and the header `Link`
names the page that follows. Every answer to a GET has an `ETag`; with it as `If-None-Match` an answer that did not change
is a 304. What is refused is refused as `application/problem+json`, with a sentence that says what to do. A parameter or a
key that is not known is refused, too: a misspelt filter would answer everything.
"""
_TAGS = {
    "Overview": "How everything stands, at a glance.",
    "Pairs": "Two environments that are meant to match: verdict, gate, trend, counterparts.",
    "Findings": "What differs and should not, with its life; and what people do about it.",
    "Waivers": "What is tolerated: by whom, why, until when.",
    "Audits": "Single runs, what they report, and having one made now.",
    "Environments": "Environments, their snapshots, and what changed in them.",
    "Policies": "The rules, and how they are meant.",
    "Service": "The service itself: who asks, what is told to whom, tokens, the trail.",
}
_SCHEMES = {
    "token": {"type": "http", "scheme": "bearer", "description": "A token of this service."},
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": "parity_session",
        "description": "Of whoever signed in with a browser. What changes something needs X-CSRF-Token, too.",
    },
}


def document(routes: APIRouter) -> dict[str, Any]:
    """OpenAPI 3.1 of all operations of `routes`."""
    found = get_openapi(
        title="Parity Auditor",
        version=__version__,
        summary="Where staging does not mirror production, and whether it matters.",
        description=_ABOUT,
        routes=routes.routes,
        tags=[{"name": name, "description": about} for name, about in _TAGS.items()],
        license_info=None,
    )
    components = found.setdefault("components", {})
    components["securitySchemes"] = _SCHEMES
    bodies = {route.operation_id: model for route, model in _bodies(routes)}
    schemas = components.setdefault("schemas", {})
    schemas |= _schemas([Problem, *bodies.values()])
    for operations in found["paths"].values():
        for operation in operations.values():
            model = bodies.get(operation["operationId"])
            if model is not None:
                content = {"schema": {"$ref": f"#/components/schemas/{model.__name__}"}}
                operation["requestBody"] = {"required": True, "content": {"application/json": content}}
            operation["security"] = [{"token": []}, {"session": []}]
    return found


def document_router(routes: APIRouter) -> APIRouter:
    """GET /openapi.json about the operations of `routes`."""
    described = router("Service")
    made = lru_cache(maxsize=1)(lambda: document(routes))

    @described.get("/openapi.json", **gets("getOpenapi", "This document", dict[str, Any]))
    def openapi() -> Answer:
        """The OpenAPI 3.1 document of this API. The page /docs/api shows it to people."""
        return Answer(made())

    return described


def _schemas(models: Sequence[type[BaseModel]]) -> dict[str, Any]:
    wanted = [(model, "validation") for model in dict.fromkeys(models)]
    _, made = models_json_schema(wanted, ref_template="#/components/schemas/{model}")  # type: ignore[arg-type]
    return dict(made["$defs"])


def _bodies(routes: APIRouter) -> Iterator[tuple[APIRoute, type[BaseModel]]]:
    """The routes that read a body, with its model (`bodies.body`)."""
    for context in iter_route_contexts(routes.routes):
        route = context.original_route
        if isinstance(route, APIRoute):
            for model in _models(route.dependant):
                yield route, model


def _models(dependant: Dependant) -> Iterator[type[BaseModel]]:
    for below in dependant.dependencies:
        model = getattr(below.call, "model", None)
        if model is not None:
            yield model
        yield from _models(below)
