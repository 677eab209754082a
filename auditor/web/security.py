"""What every answer says to browsers, whatever made it: nothing of others runs, frames, embeds or keeps it.

Names and values in pages are hostile input; should a template ever fail to escape one, this is what is left. A route
may say something else of its own answer (an asset may be kept, a report brings its own style).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException

from auditor.web.access.cookies import STATE

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

# Forms are taken apart before it is known who sends them, and everybody else waits for that.
MOST_BYTES = 500_000
# Clicks come with the message that was clicked on.
_MORE_BYTES = {"/slack/interactions": 2_000_000}
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "content-security-policy": _POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "x-frame-options": "DENY",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "cache-control": "no-store",
}
_HTTPS_ONLY = "max-age=31536000"


class Security:
    """ASGI middleware, outermost: headers and cookies of every answer, and an end to what is read of a request.

    `https`: whether people reach the service over https."""

    def __init__(self, app: ASGIApp, https: Callable[[], bool]) -> None:
        self._app = app
        self._https = https

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        state = scope.setdefault("state", {})
        most = _MORE_BYTES.get(scope["path"], MOST_BYTES)
        read = 0

        async def limited() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > most:
                raise HTTPException(413, f"send at most {most} bytes")
            return message

        async def headed(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
                if self._https():
                    headers.setdefault("strict-transport-security", _HTTPS_ONLY)
                for cookie in state.get(STATE, ()):
                    headers.append("set-cookie", cookie)
            await send(message)

        await self._app(scope, limited, headed)
