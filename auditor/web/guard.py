"""Who may ask the service to do something: checks that a request passes before it is read."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from urllib.parse import urlsplit

from fastapi import HTTPException, Request
from starlette.requests import ClientDisconnect

from auditor.loopback import is_loopback

_FORWARDED = ("forwarded", "x-real-ip", "via", "x-client-ip", "true-client-ip", "cf-connecting-ip")
# What browsers write into Host: no user, no path, nothing that others could read differently.
_AUTHORITY = re.compile(r"[a-z0-9._-]+(:[0-9]*)?|\[[0-9a-f:.]+\](:[0-9]*)?", re.IGNORECASE)
_FORWARDED_ALL = ("x-forwarded-", "x-envoy-")


def local_only(request: Request) -> None:
    """Only processes of this machine, and no proxy in between: whose wish it passes on, nobody knows."""
    client = request.client.host if request.client is not None else ""
    passed_on = any(name in _FORWARDED or name.startswith(_FORWARDED_ALL) for name in request.headers)
    if not is_loopback(client) or passed_on:
        raise HTTPException(403, "this may be asked from the service's own machine only")


def known_host(names: Callable[[], Collection[str]]) -> Callable[[Request], None]:
    """Only under a name of the service's own: a web page elsewhere may let its name mean this machine's address.

    `names` are host names, in lower case, beside those of the loopback interface.
    """

    def check(request: Request) -> None:
        authority = request.headers.get("host", "")
        host = host_name(authority) if _AUTHORITY.fullmatch(authority) else ""
        if not (is_loopback(host) or host in names()):
            raise HTTPException(421, "the service is not known under this host name: see serve.url")

    return check


def json_only(request: Request) -> None:
    """A web page elsewhere can send a form without being asked, but no JSON."""
    if media_type(request) != "application/json":
        raise HTTPException(415, "send it as application/json")


def media_type(request: Request) -> str:
    """What the request's body is, in lower case; empty where it does not say."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def host_name(authority: str) -> str:
    """The name in a Host header or a URL's authority, in lower case, without its port; empty where there is none."""
    try:
        return (urlsplit(f"//{authority}").hostname or "").rstrip(".")
    except ValueError:
        return ""


async def body_of(request: Request, limit: int) -> bytes:
    """The request's body, which may have `limit` bytes. Nothing beyond is kept, whatever the sender announced."""
    parts: list[bytes] = []
    size = 0
    try:
        async for part in request.stream():
            size += len(part)
            if size > limit:
                raise HTTPException(413, f"send at most {limit} bytes")
            parts.append(part)
    except ClientDisconnect as error:
        raise HTTPException(400, "the request ended before its body did") from error
    return b"".join(parts)
