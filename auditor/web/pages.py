"""What a link in a message leads to: a finding as text, and the last report of a pair. For reading, by this machine.

There is no login, and values of findings are more than metrics say: so the connection has to come from a loopback
address. A proxy on the same machine that asks who is there may pass requests on.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Protocol

from fastapi import APIRouter, Depends, HTTPException, Request, Response

from auditor.web.guard import known_host
from auditor.web.server import is_loopback

# Names and values are hostile input: nothing in a page may run, load or be taken for something else.
_HEADERS = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}


class Pages(Protocol):
    """The texts. Called from several threads; None where there is no such thing."""

    def finding(self, fingerprint: str) -> str | None:
        """Everything that is known of a finding, as plain text."""
        ...

    def pair(self, left: str, right: str) -> str | None:
        """The report of the pair's last audit, as an HTML document."""
        ...


def pages_router(pages: Pages, names: Callable[[], Collection[str]]) -> APIRouter:
    """`names` are the host names that the service goes by, beside those of the loopback interface."""
    router = APIRouter(dependencies=[Depends(_near), Depends(known_host(names))])

    @router.get("/findings/{fingerprint}")
    def finding(fingerprint: str) -> Response:
        text = pages.finding(fingerprint)
        if text is None:
            raise HTTPException(404, "there is no such finding: see `audit findings`")
        return Response(text, headers={**_HEADERS, "content-type": "text/plain; charset=utf-8"})

    @router.get("/pairs/{left}/{right}")
    def pair(left: str, right: str) -> Response:
        document = pages.pair(left, right)
        if document is None:
            raise HTTPException(404, "the pair was never audited: see `pairs` in the configuration")
        return Response(document, headers={**_HEADERS, "content-type": "text/html; charset=utf-8"})

    return router


def _near(request: Request) -> None:
    client = request.client.host if request.client is not None else ""
    if not is_loopback(client):
        raise HTTPException(
            403, "pages are shown to the service's own machine only: put a proxy with a login beside it"
        )
