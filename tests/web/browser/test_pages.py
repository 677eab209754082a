"""Every page there is, on a believable company: wide and narrow, light and dark."""

from __future__ import annotations

import pytest
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts

from auditor.web.routes import routers
from tests.web.browser.checks import problems_of
from tests.web.browser.conftest import Companies, Gallery
from tests.web.browser.places import ELSEWHERE, FILES, NO_PAGES, PLACES, World, shape


def pages() -> list[str]:
    """The routes of pages, as they are registered."""
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    for router in routers():
        app.include_router(router)
    found = {shape(str(one.path)) for one in iter_route_contexts(app.routes) if "GET" in (one.methods or ())}
    return sorted(path for path in found if not path.startswith(NO_PAGES) and not FILES.search(path))


def test_every_page_is_looked_at() -> None:
    """Whoever adds a page adds where to look at it."""
    assert [path for path in pages() if path not in PLACES and path not in ELSEWHERE] == []


@pytest.mark.parametrize("route", sorted(PLACES))
def test_a_page_is_whole(route: str, companies: Companies, gallery: Gallery) -> None:
    """Nothing sticks out, runs or asks elsewhere, wide and narrow; axe-core finds no violation in either theme."""
    assert problems_of(World("demo", companies("demo")), route, gallery) == {}
