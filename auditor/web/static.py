"""GET /static/…: what pages are dressed with. For everybody, since the login page needs it; kept by browsers for good."""

from __future__ import annotations

from fastapi import APIRouter, HTTPException, Request, Response

from auditor.web.templating import assets


def static_router() -> APIRouter:
    router = APIRouter(include_in_schema=False)

    @router.get("/static/{name:path}")
    def static(name: str, request: Request) -> Response:
        asset = assets().get(name)
        if asset is None:
            raise HTTPException(404, "there is no such file")
        etag = f'"{asset.version}"'
        # Only what was asked for by its version may be kept: the next release has others under the same names.
        kept = request.query_params.get("v") == asset.version
        headers = {
            "etag": etag,
            "cache-control": "public, max-age=31536000, immutable" if kept else "no-cache",
        }
        if request.headers.get("if-none-match") == etag:
            return Response(status_code=304, headers=headers)
        return Response(asset.body, headers={**headers, "content-type": asset.kind})

    return router
