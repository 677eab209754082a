"""GET /badge/LEFT/RIGHT.svg: how a pair stands, to be shown elsewhere; for everybody only where the settings say so."""

from __future__ import annotations

import hashlib
from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Query, Request, Response

from auditor.errors import ConfigError
from auditor.model import Category
from auditor.web.access import Scope, need
from auditor.web.backend import Backend, backend
from auditor.web.queries import badges

_KEPT_SECONDS = 60
_may_read = need(Scope.READ)


async def may_see(request: Request) -> None:
    """Whoever may read, or everybody where `serve.badge` is `public`."""
    ground = backend(request)
    if ground.config.serve.badge != "public":
        await _may_read(request)


# As on `need`'s own: what a route demands of whoever asks.
may_see.scope = Scope.READ  # type: ignore[attr-defined]


def badge_router() -> APIRouter:
    router = APIRouter(include_in_schema=False, dependencies=[Depends(may_see)])

    @router.get("/badge/{left}/{right}.svg")
    def badge(
        request: Request,
        ground: Annotated[Backend, Depends(backend)],
        left: str,
        right: str,
        label: Annotated[str, Query(max_length=200)] = "",
        category: Annotated[str, Query(max_length=40)] = "",
    ) -> Response:
        config, status = ground.config, 200
        pair = _configured(ground, left, right)
        if pair is None:
            # An image nevertheless: a page elsewhere would show a broken one, and nobody would know why.
            shown, status = badges.unknown(label), 404
        else:
            shown = badges.badge(ground.store, config, pair, ground.clock(), _category(category), label)
        body = badges.svg(shown)
        etag = f'"{hashlib.sha256(body.encode()).hexdigest()[:24]}"'
        public = config.serve.badge == "public"
        headers = {
            "etag": etag,
            "cache-control": f"{'public' if public else 'private'}, max-age={_KEPT_SECONDS}",
            "cross-origin-resource-policy": "cross-origin" if public else "same-origin",
            "content-security-policy": "default-src 'none'",
        }
        if status == 200 and etag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        return Response(body, status, headers, "image/svg+xml")

    return router


def _configured(ground: Backend, left: str, right: str) -> tuple[str, str] | None:
    """The pair, if it is one of those that are configured: nothing is said of other environments."""
    try:
        found = ground.config.pair(left, right)
    except ConfigError:
        return None
    named = (found.left, found.right)
    return named if named in {(pair.left, pair.right) for pair in ground.config.pairs} else None


def _category(name: str) -> Category | None:
    if not name:
        return None
    try:
        return Category(name.lower())
    except ValueError as error:
        known = ", ".join(category.value for category in Category)
        raise HTTPException(422, f"there is no such category; use one of {known}") from error
