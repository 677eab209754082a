"""What a route demands of whoever asks. Every route names one of these, or says that it is for everybody."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol

from fastapi import Request

from auditor.web.access.identity import Identity, Scope


class Access(Protocol):
    """Tells who sends requests. It stands in `app.state.access`."""

    async def identify(self, request: Request, wanted: Scope) -> Identity:
        """Who asks, if that may do what is wanted; of a request that changes something also proof that it was meant.

        Raises HTTPException: 401 nobody known, 403 not enough or not meant, 421 under a name that is not the service's,
        429 too many failures."""
        ...

    def csrf(self, identity: Identity) -> str:
        """What a form or htmx sends along as `csrf` or `X-CSRF-Token`."""
        ...


def need(scope: Scope) -> Callable[[Request], Awaitable[Identity]]:
    """A dependency that lets through who may do `scope`, and gives the identity."""

    async def check(request: Request) -> Identity:
        access: Access = request.app.state.access
        identity = await access.identify(request, scope)
        request.state.identity = identity
        return identity

    check.scope = scope  # type: ignore[attr-defined]  # for the test that walks all routes
    return check
