"""What every operation of the API declares: who may do it, what it answers, how it refuses. One call says it all.

@router.get("/pairs", **gets("listPairs", "List the pairs", PairList))
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias, get_origin

from fastapi import APIRouter, Depends, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from auditor.web.access import Identity, Scope, need
from auditor.web.api.answers import Tagged
from auditor.web.api.bodies import BODY_REFUSALS
from auditor.web.api.shapes import PROBLEM_REF
from auditor.web.backend import Backend, backend
from auditor.web.keeps import Keeps, keeps
from auditor.web.problems import PROBLEM

if TYPE_CHECKING:
    from fastapi.dependencies.models import Dependant

# Somebody waits for what takes long, but no proxy waits for longer.
SECONDS = 20.0
# Names of resources may hold whatever the far side sent, and are not looked for by the database.
_ANYTHING = ("identity", "source")
_ANY = (401, 403, 421, 422, 429, 500, 503)
_REFUSALS = {
    401: "Nobody is known by the token or session, or there is none.",
    403: "Whoever asks may not do this.",
    404: "There is no such thing, or its name is ambiguous.",
    409: "It cannot be done as things are; the detail says what can.",
    413: "The body is too large.",
    415: "The body is not sent as application/json.",
    421: "The service is not known under this host name.",
    422: "A parameter or the body is wrong, or nothing is known by that name.",
    429: "Too many attempts failed; Retry-After says when to try again.",
    500: "A defect of the auditor; its log tells more.",
    503: "The store cannot be used now, or the service stops.",
}
_HEADERS = {
    "ETag": {
        "description": "Send it as If-None-Match to be told with 304 that nothing changed.",
        "schema": {"type": "string"},
    },
}


def later() -> HTTPException:
    """What takes longer than anybody waits goes on in the background."""
    return HTTPException(503, "that takes longer than usual: ask again in a minute", {"retry-after": "60"})


def _ground(request: Request) -> Backend:
    return backend(request)


def _asker(request: Request) -> Identity:
    identity: Identity = request.state.identity
    return identity


Ground: TypeAlias = Annotated[Backend, Depends(_ground)]
Found: TypeAlias = Annotated[Keeps, Depends(keeps)]
Asker: TypeAlias = Annotated[Identity, Depends(_asker)]


def router(tag: str) -> APIRouter:
    """For the operations on one noun."""
    return APIRouter(route_class=Tagged, tags=[tag])


def gets(
    name: str,
    summary: str,
    model: type[BaseModel] | Any,
    *refusals: int,
    scope: Scope = Scope.READ,
    media: Mapping[str, dict[str, Any]] | None = None,
) -> dict[str, Any]:
    """A question: `model` is what is answered; `media` are schemas by the types of the content, where it is no JSON."""
    content: dict[str, Any] = (
        {"model": model} if media is None else {"content": {name: {"schema": said} for name, said in media.items()}}
    )
    return {
        **_common(name, summary, scope),
        "responses": {
            200: {"description": "The answer.", "headers": _HEADERS, **content},
            304: {"description": "What If-None-Match names still is the answer."},
            **_refused(refusals),
        },
    }


def does(
    name: str,
    summary: str,
    model: type[BaseModel] | None,
    *refusals: int,
    scope: Scope = Scope.ACT,
    status: int = 200,
    headers: dict[str, str] | None = None,
) -> dict[str, Any]:
    """An act: what is done once the answer is here, or with 202 soon after. `headers` are those of the answer, explained."""
    told = {key: {"description": text, "schema": {"type": "string"}} for key, text in (headers or {}).items()}
    answer: dict[str, Any] = {"description": "It is done." if status != 202 else "It is begun.", "headers": told}
    return {
        **_common(name, summary, scope),
        "status_code": status,
        "responses": {
            status: answer | ({"model": model} if model is not None else {}),
            **_refused((*refusals, *BODY_REFUSALS)),
        },
    }


def _common(name: str, summary: str, scope: Scope) -> dict[str, Any]:
    return {
        "operation_id": name,
        "summary": summary,
        "response_model": None,
        "dependencies": [Depends(need(scope)), Depends(_known)],
        "openapi_extra": {"x-scope": scope.value},
    }


def _refused(more: tuple[int, ...]) -> dict[int | str, dict[str, Any]]:
    content = {PROBLEM: {"schema": {"$ref": PROBLEM_REF}}}
    return {code: {"description": _REFUSALS[code], "content": content} for code in sorted({*_ANY, *more})}


def _known(request: Request) -> None:
    """No parameter that is not declared: a misspelt filter would be none, and answer everything."""
    dependant: Dependant = request.scope["route"].dependant
    single, repeated = _parameters(dependant)
    given = Counter(key for key, _ in request.query_params.multi_items())
    known = sorted({*single, *repeated})
    errors = [
        _error(
            key, f"there is no such parameter; known are {', '.join(known)}" if known else "no parameter is known here"
        )
        for key in given
        if key not in known
    ]
    errors += [
        _error(key, "holds a character that no name has; leave it out")
        for key, value in request.query_params.multi_items()
        if "\0" in key + value and key not in _ANYTHING
    ]
    errors += [_error(key, "give it once only") for key, times in given.items() if times > 1 and key in single]
    if errors:
        raise RequestValidationError(errors)


def _parameters(dependant: Dependant) -> tuple[set[str], set[str]]:
    """The names of what may be asked once, and of what may be repeated."""
    single: set[str] = set()
    repeated: set[str] = set()
    for field in dependant.query_params:
        annotation = field.field_info.annotation
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            fields = {below.alias or name: below.annotation for name, below in annotation.model_fields.items()}
        else:
            fields = {field.alias: annotation}
        for name, kind in fields.items():
            (repeated if get_origin(kind) is list else single).add(name)
    for dependency in dependant.dependencies:
        more = _parameters(dependency)
        single |= more[0]
        repeated |= more[1]
    return single, repeated


def _error(key: str, message: str) -> dict[str, Any]:
    return {"loc": ("query", key), "msg": message, "type": "value_error"}
