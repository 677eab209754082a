"""Refusals: a page for a person, problem+json (RFC 9457) for a program, and one sentence in either that says what to do."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import structlog
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from auditor.acts import ActError
from auditor.errors import ConfigError, StoreError
from auditor.store import NotFoundError
from auditor.web.queries.findings import FilterError
from auditor.web.templating import page

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fastapi import FastAPI, Request, Response

PROBLEM = "application/problem+json"
_HEADED = {
    400: "That cannot be read",
    401: "Sign in first",
    403: "Not allowed",
    404: "Not found",
    405: "Not like this",
    409: "Not as things are",
    413: "Too much",
    415: "Another kind of content is needed",
    421: "Unknown under this name",
    422: "That is not right yet",
    429: "Too many attempts",
    500: "The auditor failed",
    503: "Not now",
}
# Beyond these a list of mistakes helps nobody.
_MOST_ERRORS = 20

_log = structlog.get_logger(__name__)


def install(app: FastAPI) -> None:
    """Have every failure of `app` answered so."""
    app.add_exception_handler(HTTPException, _refused)
    app.add_exception_handler(RequestValidationError, _wrong)
    app.add_exception_handler(NotFoundError, _unknown)
    app.add_exception_handler(ActError, _impossible)
    app.add_exception_handler(FilterError, _unanswerable)
    app.add_exception_handler(ConfigError, _misnamed)
    app.add_exception_handler(StoreError, _no_store)
    app.add_exception_handler(Exception, _defect)


def answer(
    request: Request,
    status: int,
    detail: str,
    headers: Mapping[str, str] | None = None,
    errors: Sequence[Mapping[str, Any]] = (),
) -> Response:
    """The refusal in the form that `request` asks for."""
    title = _HEADED.get(status) or HTTPStatus(status).phrase
    if wants_page(request):
        return page(request, "error.html", status=status, headers=headers, title=title, detail=detail, errors=errors)
    body: dict[str, Any] = {"type": "about:blank", "title": title, "status": status, "detail": detail}
    if errors:
        body["errors"] = list(errors)
    return JSONResponse(body, status, headers=dict(headers or {}), media_type=PROBLEM)


def wants_page(request: Request) -> bool:
    """Whether a person with a browser asks."""
    return not request.url.path.startswith("/api/") and "text/html" in request.headers.get("accept", "")


def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    location = (error.headers or {}).get("location")
    if location is not None and wants_page(request):
        from fastapi.responses import RedirectResponse

        return RedirectResponse(location, 303, headers={"vary": "accept"})
    headers = {name: value for name, value in (error.headers or {}).items() if name.lower() != "location"}
    return answer(request, error.status_code, str(error.detail), headers)


def _wrong(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    errors = [
        {"at": ".".join(str(step) for step in one["loc"]), "message": str(one["msg"])}
        for one in error.errors()[:_MOST_ERRORS]
    ]
    first = f"{errors[0]['at']}: {errors[0]['message']}" if errors else "the request cannot be read"
    return answer(request, 422, first, errors=errors)


def _unknown(request: Request, error: Exception) -> Response:
    return answer(request, 404, str(error).removeprefix("store: "))


def _impossible(request: Request, error: Exception) -> Response:
    return answer(request, 409, str(error))


def _unanswerable(request: Request, error: Exception) -> Response:
    return answer(request, 422, str(error))


def _misnamed(request: Request, error: Exception) -> Response:
    assert isinstance(error, ConfigError)
    remedies = [
        f"{problem.message}; {problem.remedy}" if problem.remedy else problem.message for problem in error.problems
    ]
    return answer(request, 404, "; ".join(remedies))


def _no_store(request: Request, error: Exception) -> Response:
    _log.warning("A request failed because of the store.", path=request.url.path, error=str(error))
    # It names files, hosts and users of databases: nothing for somebody of whom nobody knows who he is.
    known = getattr(request.state, "identity", None) is not None
    return answer(request, 503, f"the store cannot be used now: {error if known else 'see the log of the service'}")


def _defect(request: Request, error: Exception) -> Response:
    _log.error("A request failed by a defect.", path=request.url.path, exc_info=error)
    return answer(request, 500, f"a defect ({type(error).__name__}); the service's log has its traceback")
