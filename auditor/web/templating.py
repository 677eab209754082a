"""Pages from templates: one environment, its filters, and what every page shows around its own content.

Everything that comes from outside is escaped by the templates and cleaned by the filters: names and values are hostile.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from auditor import __version__
from auditor.publish.spelling import brief, count, instant, iso, middle, path_text, percent, sentence, span, spell

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from fastapi import Request

    from auditor.web.access import Identity

_KINDS = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


@dataclass(frozen=True, slots=True)
class Asset:
    """A file that ships with the pages. `version` changes with its content, so it may be kept for good."""

    body: bytes
    kind: str
    version: str


@lru_cache(maxsize=1)
def assets() -> Mapping[str, Asset]:
    """All of them by their path below `/static/`."""
    found: dict[str, Asset] = {}
    root = resources.files("auditor.web") / "static"
    for folder in ("", "vendor/"):
        for file in (root / folder).iterdir() if folder else root.iterdir():
            suffix = re.search(r"\.\w+$", file.name)
            if file.is_file() and suffix and suffix.group() in _KINDS:
                body = file.read_bytes()
                version = hashlib.sha256(body).hexdigest()[:12]
                found[folder + file.name] = Asset(body, f"{_KINDS[suffix.group()]}; charset=utf-8", version)
    return found


def page(
    request: Request, template: str, *, status: int = 200, headers: Mapping[str, str] | None = None, **context: Any
) -> HTMLResponse:
    """The answer made from `template`; `context` is what it says beyond what every page does."""
    state = request.app.state
    identity: Identity | None = getattr(request.state, "identity", None)
    backend = getattr(state, "backend", None)
    access = getattr(state, "access", None)
    around = {
        "request": request,
        "path": request.url.path,
        "identity": identity,
        "csrf": access.csrf(identity) if access is not None and identity is not None else "",
        "config": backend.config if backend is not None and identity is not None else None,
        "now": backend.clock() if backend is not None else None,
        "version": __version__,
        "pulse": getattr(request.state, "pulse", ""),
    }
    body = templates().get_template(template).render({**around, **context})
    return HTMLResponse(body, status, headers={"vary": "accept", **(headers or {})})


@lru_cache(maxsize=1)
def templates() -> Environment:
    environment = Environment(
        loader=PackageLoader("auditor.web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        breakable=breakable,
        clean=lambda text, room=200: brief(str(text), room),
        count=count,
        iso=iso,
        middle=middle,
        number=lambda value: f"{value:,}".replace(",", "\N{NARROW NO-BREAK SPACE}"),
        path_text=lambda path: brief(path_text(path), 400),
        percent=percent,
        segment=lambda text: quote(str(text), safe=""),
        sentence=sentence,
        span=span,
        spell=lambda value: middle(spell(value), 400),
        when=when,
    )
    environment.globals.update(asset=_asset, url=url)
    return environment


def when(moment: datetime | None) -> Markup:
    """A time: UTC in the document, which the reader's browser turns into its own zone and into an age."""
    if moment is None:
        return Markup('<span class="quiet">never</span>')
    text = instant(moment)
    return Markup('<time datetime="{}" title="{}">{}</time>').format(iso(moment), text, text)


def breakable(text: str) -> Markup:
    """Text that a browser may break after the punctuation of a path, rather than within a word."""
    parts = (escape(part) for part in re.split(r"(?<=[./_:-])(?=\w)", text))
    return Markup("<wbr>").join(parts)


def url(path: str, /, **query: Any) -> str:
    """`path` with a query of what is given; lists are repeated, None and empty are left out."""
    pairs = [
        (name.rstrip("_"), "1" if item is True else str(item))
        for name, value in query.items()
        for item in (value if isinstance(value, list | tuple | set | frozenset) else [value])
        if item is not None and item != "" and item is not False
    ]
    return f"{path}?{urlencode(pairs)}" if pairs else path


def _asset(name: str) -> str:
    return f"/static/{name}?v={assets()[name].version}"
