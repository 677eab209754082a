"""Answers of the API: JSON that any pipe can carry, entity tags, and the way on to the next page."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

from fastapi import Request, Response
from fastapi.routing import APIRoute

from auditor.publish.spelling import plain

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from auditor.model import Json

_KEPT = {"etag", "cache-control", "link", "vary"}


class Answer(Response):
    """`content` as strict JSON: `NaN` is a string, and what is not ASCII is escaped, so half a character does no harm."""

    media_type = "application/json"

    def render(self, content: Json) -> bytes:
        return json.dumps(plain(content), allow_nan=False, separators=(",", ":")).encode("ascii")


def page(request: Request, items: Sequence[Json], following: str | None, **more: Json) -> Answer:
    """A page of a list: its `items`, and the cursor that continues it, in the body and as a link."""
    return linked(request, Answer({"items": list(items), "next": following, **more}), following)


def linked(request: Request, answer: Answer, following: str | None) -> Answer:
    """The same answer with the link to the page that follows."""
    if following is not None:
        # Relative, since by which address the client came a proxy in between may know better.
        url = request.url.include_query_params(after=following)
        answer.headers["link"] = f'<{url.path}?{url.query}>; rel="next"'
    return answer


def sent(text: str) -> Response:
    """JSON that is text already, as the command line prints it."""
    return Response(text, media_type="application/json")


class Tagged(APIRoute):
    """Routes whose answers have an entity tag: whoever has that very answer is told so, and is sent nothing."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def tagged(request: Request) -> Response:
            response = await handle(request)
            if request.method != "GET":
                response.headers.setdefault("cache-control", "no-store")
                return response
            body = getattr(response, "body", None)
            if response.status_code != 200 or not isinstance(body, bytes):
                return response
            # For whoever may read it only, and never without asking whether it still holds.
            response.headers.setdefault("cache-control", "private, no-cache")
            response.headers["etag"] = tag(body)
            if not _known(request.headers, response.headers["etag"]):
                return response
            return Response(None, 304, {name: text for name, text in response.headers.items() if name in _KEPT})

        return tagged


def tag(body: bytes) -> str:
    """A strong entity tag: equal for equal bytes, and for no others."""
    return f'"{hashlib.sha256(body).hexdigest()[:32]}"'


def _known(headers: Mapping[str, str], etag: str) -> bool:
    named = [one.strip().removeprefix("W/") for one in headers.get("if-none-match", "").split(",")]
    return etag in named or "*" in named
