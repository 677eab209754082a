"""Where a request comes from: the page that sent it, the path to go back to, the client's address."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

if TYPE_CHECKING:
    from fastapi import Request

_PORTS = {"http": 80, "https": 443}
_LONGEST_PATH = 2000
# What a browser would read as another host, and what it drops without a word.
_LEADS_AWAY = re.compile(r"//|/\\|.*[\x00-\x20\x7f-\x9f\\]")


def own_origin(request: Request, url: str) -> bool:
    """Whether the request was sent by the service's own pages, as far as the browser says where it was sent from.

    `url` is the address that people use; empty where it is not known."""
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return False
    origin = request.headers.get("origin")
    if origin is None:
        return True
    scheme = origin.partition("://")[0]
    known = {_authority(f"{scheme}://{request.headers.get('host', '')}")}
    if url.startswith(f"{scheme}://"):
        known.add(_authority(url))
    return _authority(origin) in known - {None}


def local_path(text: str, default: str = "/") -> str:
    """A path of this service to go on to; `default` for whatever could lead elsewhere."""
    usable = text.startswith("/") and len(text) <= _LONGEST_PATH and not _LEADS_AWAY.match(text)
    return text if usable and not text.startswith(("/login", "/logout")) else default


def login_path(request: Request) -> str:
    """The login page, which goes on to what was asked for; for what was sent, to the page that sent it."""
    wanted = f"{request.url.path}?{request.url.query}" if request.url.query else request.url.path
    if request.method not in ("GET", "HEAD"):
        _, _, sender = request.headers.get("referer", "").partition("://")
        host, slash, path = sender.partition("/")
        wanted = slash + path if host == request.headers.get("host") else "/"
    wanted = local_path(wanted)
    return "/login" if wanted == "/" else f"/login?next={quote(wanted, safe='/')}"


def address(request: Request) -> str:
    """The client's address, as the connection says; empty where it has none."""
    return request.client.host if request.client is not None else ""


def _authority(url: str) -> tuple[str, int | None] | None:
    try:
        parts = urlsplit(url)
        return ((parts.hostname or "").rstrip("."), parts.port or _PORTS.get(parts.scheme)) if parts.hostname else None
    except ValueError:
        return None
