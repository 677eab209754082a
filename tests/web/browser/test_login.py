"""Signing in with a token, as a person does it, and what there is to see of that."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from auditor.credentials import Actor, Scope, issue
from auditor.web.access.gate import Gate
from tests.web.browser.checks import NARROW, WIDE, axe, look
from tests.web.browser.conftest import Visit
from tests.web.site import CONFIG, company, site

if TYPE_CHECKING:
    from pathlib import Path

_WITH_TOKENS = f"{CONFIG}serve: {{auth: {{tokens: true}}}}\n"


def _gate(settings: Any, store: Any, clock: Any) -> Gate:
    return Gate(settings, store, b"k" * 32, clock, lambda: ())


def test_a_person_signs_in_with_a_token_and_out_again(tmp_path: Path, visit: Visit) -> None:
    """A wrong token is refused in a sentence; the right one leads to where she wanted to go, and /access tells of it."""
    from playwright.sync_api import expect

    with site(company(tmp_path / "company", _WITH_TOKENS), gate=_gate) as running:
        running.audit()
        token = issue(
            running.store, "the laptop of mira", Scope.ADMIN, timedelta(days=9), running.clock(), Actor("ada", "cli")
        )
        page = visit(running, "/findings?severity=high", expected="status of 40[13]")
        found = []
        for size, theme in ((NARROW, "dark"), (WIDE, "light")):
            page.set_viewport_size(size)
            page.emulate_media(color_scheme=theme)
            found += [*look(page), *axe(page)]
        assert found == []
        page.get_by_label("Token").fill("pa_wrong")
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("alert")).to_be_visible()
        page.get_by_label("Token").fill(token.text)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url("**/findings?severity=high")
        expect(page.get_by_role("heading", name="Findings")).to_be_visible()
        page.goto("/access")
        assert [*look(page), *axe(page)] == []
        expect(page.locator("main")).to_contain_text("the laptop of mira")
        page.get_by_role("button", name="Sign out", exact=True).click()
        page.wait_for_url("**/login**")
        page.goto("/findings")
        expect(page.get_by_label("Token")).to_be_visible()
