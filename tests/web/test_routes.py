"""All applications of a process share their routes, so what one keeps must not be where another finds it."""

from __future__ import annotations

from fastapi import Request
from fastapi.routing import APIRoute, iter_route_contexts

from auditor.web.app import State, create_app
from auditor.web.keeps import keeps
from auditor.web.routes import routers

_SAME_FOR_ALL = {"made"}
"""The description of the API, which depends on the routes alone."""


def test_applications_have_the_same_routes_and_keep_what_they_find_apart() -> None:
    """Two applications are made of the same routers, and each has memories of its own."""
    state = State(dict, dict, lambda _: ("text/plain", b""))
    first, second = create_app(state, routers()), create_app(state, routers())
    kept = [keeps(Request({"type": "http", "app": app})) for app in (first, second, first)]
    assert routers() is routers()
    assert kept[0] is kept[2]
    assert not {id(getattr(kept[0], name)) for name in kept[0].__slots__} & {
        id(getattr(kept[1], name)) for name in kept[1].__slots__
    }


def test_no_route_keeps_anything_itself() -> None:
    """An operation holds nothing but the description of the API: all else comes with the request."""
    endpoints = [
        context.original_route.endpoint
        for router in routers()
        for context in iter_route_contexts(router.routes)
        if isinstance(context.original_route, APIRoute)
    ]
    held = {name for endpoint in endpoints for name in endpoint.__code__.co_freevars}
    assert len(endpoints) > 100
    assert held <= _SAME_FOR_ALL
