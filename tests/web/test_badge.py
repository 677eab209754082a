"""The badge: what it says of a pair in each state, how it is drawn, and who gets it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from fastapi import HTTPException, Request

from auditor.web.access import Identity, Scope
from auditor.web.queries.badges import Badge, svg
from tests.publish.golden import same_as_golden
from tests.web.site import CONFIG, Site, company, site

_DRAWN = {
    "parity": Badge("parity staging/prod", "98.4 %", "parity staging/prod: 98.4 %", "#1a6f37"),
    "findings": Badge("parity staging/prod", "3 findings", "parity staging/prod: 3 findings", "#b3261e"),
    "incomplete": Badge("parity staging/prod", "incomplete", "parity staging/prod: incomplete", "#8a5300"),
    "never": Badge("parity staging/prod", "never audited", "parity staging/prod: never audited", "#57606b"),
    "hostile": Badge("</text><script>\N{RIGHT-TO-LEFT MARK}日本", "100 %", "</title><b>", "#1a6f37"),
}


class Strangers:
    """Lets nobody in."""

    async def identify(self, request: Request, wanted: Scope) -> Identity:
        raise HTTPException(401, "sign in")

    def csrf(self, identity: Identity) -> str:
        return ""


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with site(company(tmp_path_factory.mktemp("badge"))) as running:
        yield running


def words(body: str) -> list[str]:
    """The texts that are shown, label and message."""
    return [text.text or "" for text in ElementTree.fromstring(body).iter("{http://www.w3.org/2000/svg}text")]


@pytest.mark.parametrize("name", _DRAWN)
def test_badges_are_drawn_as_before(name: str) -> None:
    """Byte for byte; well-formed, as wide as its two parts, and with nothing but text of what was given."""
    drawn = svg(_DRAWN[name])
    same_as_golden(f"badge/{name}.svg", drawn)
    assert words(drawn) == [_DRAWN[name].label, _DRAWN[name].message]
    assert {tag.tag.rpartition("}")[2] for tag in ElementTree.fromstring(drawn).iter()} == {
        "svg", "title", "rect", "path", "g", "text",
    }  # fmt: skip


def test_colours_bear_white_text() -> None:
    """Contrast of 4.5 to 1 or more, as WCAG asks of small text."""

    def light(colour: str) -> float:
        parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    for badge in _DRAWN.values():
        for colour in re.findall(r'fill="(#[0-9a-f]{6})"', svg(badge)):
            assert 1.05 / (light(colour) + 0.05) >= 4.5, colour


def test_a_badge_follows_what_the_last_audit_said(pages: Site) -> None:
    """Never audited, a score where nothing speaks against it, findings, incomplete, out of date: in that order of a life."""

    def now(query: str = "", pair: str = "staging/prod") -> list[str]:
        return words(pages.http.get(f"/badge/{pair}.svg{query}").text)

    assert now() == ["parity staging/prod", "never audited"]
    pages.audit()
    assert now() == ["parity staging/prod", "77.5 %"]
    assert now(pair="stg/prod") == ["parity staging/prod", "77.5 %"]
    assert now("?category=deployment&label=Orders") == ["Orders", "60 %"]
    assert now("?category=network") == ["parity staging/prod network", "nothing compared"]
    pages.clock.later(timedelta(hours=30))
    assert now() == ["parity staging/prod", "out of date"]
    (pages.folder / "staging" / "broken.json").write_text("{")
    pages.clock.later(timedelta(minutes=5))
    pages.audit()
    assert now() == ["parity staging/prod", "incomplete"]
    (pages.folder / "staging" / "prod-host.env").write_text("DATABASE_URL=postgres://u@db.prod.example.com/orders\n")
    (pages.folder / "prod" / "prod-host.env").write_text("DATABASE_URL=postgres://u@db.prod.example.com/orders\n")
    pages.clock.later(timedelta(minutes=5))
    pages.audit()
    _, message = now()
    assert re.fullmatch(r"[12] findings?", message), message
    assert "never audited" in now(pair="dev/staging")


def test_a_badge_is_kept_by_its_tag_and_refuses_what_it_does_not_know(pages: Site) -> None:
    """304 for the same again; another pair is no broken image; an unknown category says which there are."""
    first = pages.http.get("/badge/dev/staging.svg")
    assert (first.status_code, first.headers["content-type"]) == (200, "image/svg+xml")
    assert first.headers["cache-control"] == "private, max-age=60"
    assert first.headers["content-security-policy"] == "default-src 'none'"
    again = pages.http.get("/badge/dev/staging.svg", headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    for pair in ("prod/staging", "nope/prod", "dev/prod"):
        unknown = pages.http.get(f"/badge/{pair}.svg")
        assert (unknown.status_code, words(unknown.text)) == (404, ["parity", "no such pair"])
    assert "network" in pages.http.get("/badge/dev/staging.svg?category=x").json()["detail"]
    long = pages.http.get("/badge/dev/staging.svg", params={"label": "<b>" + "x" * 190})
    assert len(words(long.text)[0]) == 60


def test_badges_are_for_everybody_only_where_the_settings_say_so(tmp_path: Path) -> None:
    """`serve.badge: public` opens the badge and nothing else, and lets other pages show it."""
    gate: Any = Strangers()
    folder = company(tmp_path)
    with site(folder, gate=gate) as running:
        assert running.http.get("/badge/staging/prod.svg").status_code == 401
        (folder / "auditor.yaml").write_text(CONFIG + "serve: {badge: public}\n")
        shown = running.http.get("/badge/staging/prod.svg")
        assert (shown.status_code, words(shown.text)[1]) == (200, "never audited")
        assert shown.headers["cross-origin-resource-policy"] == "cross-origin"
        assert shown.headers["cache-control"] == "public, max-age=60"
        assert running.http.get("/policies").status_code == 401
