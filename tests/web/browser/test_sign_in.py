"""Signing in and out, and giving and taking back access, as a person does it in a browser."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import expect

from auditor.credentials import Actor, Issued, Scope, issue
from auditor.settings import AuthSettings, ServeSettings
from auditor.store import Store
from auditor.web.access.gate import Gate
from tests.web.browser.checks import NARROW, axe, look
from tests.web.browser.conftest import Visit
from tests.web.site import CONFIG, NOW, Clock, Site, company, site

REFUSED = r"status of 401|status of 403"


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[tuple[Site, Issued]]:
    """A service that lets in by token, and one for an administrator."""
    folder = company(tmp_path / "company", f"{CONFIG}serve: {{auth: {{tokens: true}}}}\n")
    url, clock = f"sqlite:///{folder / 'auditor.db'}", Clock()
    with Store.open(url, clock=clock) as store:
        settings = ServeSettings(auth=AuthSettings(tokens=True))
        gate = Gate(lambda: settings, store, b"k" * 32, clock, frozenset)
        issued = issue(store, "ada", Scope.ADMIN, timedelta(days=1), NOW, Actor("root", "cli"))
        with site(folder, url, gate=gate) as running:
            yield running, issued


def test_a_person_signs_in_gives_access_takes_it_back_and_signs_out(guarded: tuple[Site, Issued], visit: Visit) -> None:
    """From the page that was asked for back to it, with a session that no script can read."""
    where, issued = guarded
    page = visit(where, "/access", expected=REFUSED)
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    assert [*look(page), *axe(page)] == []
    page.get_by_label("Token").fill("pa_wrong")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text("unknown, expired or revoked")
    page.get_by_label("Token").fill(issued.text)
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url(re.compile("/access$"))
    kept = {cookie["name"]: cookie for cookie in page.context.cookies()}
    assert (kept["parity_session"]["httpOnly"], kept["parity_session"]["sameSite"]) == (True, "Lax")
    assert page.evaluate("document.cookie") == ""
    page.get_by_label("For whom or what").fill("nightly pipeline of the payments team")
    page.get_by_label("May").select_option("act")
    page.get_by_role("button", name="Make a token").click()
    text = page.locator("#issued").inner_text()
    assert [*look(page), *axe(page)] == []
    page.set_viewport_size(NARROW)
    assert look(page) == []
    bearer = {"authorization": f"Bearer {text}"}
    assert where.http.get("/access", headers=bearer).status_code == 403
    row = page.get_by_role("row", name="nightly pipeline")
    row.get_by_text("Revoke").click()
    row.get_by_role("button", name="for good").click()
    expect(page.get_by_role("row", name="nightly pipeline").first).to_contain_text("revoked")
    assert where.http.get("/access", headers=bearer).status_code == 401
    assert [deed.action for deed in where.store.trail(limit=4)] == ["token.revoke", "token.create", "login", "login"]
    page.locator("header").get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    page.goto("/access")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
