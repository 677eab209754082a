"""A page under a reader's hands: keys, filters, themes, times, and news while somebody is at it."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from tests.web.browser.conftest import Companies, Visit
from tests.web.site import Site, company, site

_AN_HOUR = timedelta(hours=1)

if TYPE_CHECKING:
    from playwright.sync_api import Page


def fingerprint(where: Site) -> str:
    return max(where.store.findings("staging", "prod"), key=lambda one: one.breach.severity.rank).fingerprint


def test_an_audit_shows_on_an_open_page_that_stays_where_it_was(small: Site, visit: Visit) -> None:
    """The button begins it; what it found comes by itself: no reload, and scroll, folds and typed text stay."""
    from playwright.sync_api import expect

    page = visit(small, "/pairs/staging/prod", viewport={"width": 1000, "height": 500})
    reader = page.context.new_page()
    with reader.expect_event("request", lambda request: request.url.endswith("/events")):
        reader.goto(f"/findings/{fingerprint(small)}")
    expect(reader.locator("#timeline")).to_be_visible()
    fold = reader.locator("details.fold", has_text="As a message in Slack")
    fold.locator("summary").click()
    reader.get_by_role("searchbox", name="Search findings").fill("half a wo")
    reader.evaluate("window.untouched = true; scrollTo(0, 300)")
    place = reader.evaluate("scrollY")
    _wait_for_pulse(reader)

    (small.folder / "staging" / "orders.yaml").write_text(
        (small.folder / "staging" / "orders.yaml").read_text().replace("orders:3.8.0", "orders:3.8.5")
    )
    small.clock.later(_AN_HOUR)
    page.get_by_role("button", name="Audit staging against prod now").click()
    expect(page.locator("#asked")).to_contain_text("was audited just now")
    expect(page.get_by_text("3.8.5").first).to_be_visible()
    expect(reader.locator("main table.facts")).to_contain_text("1 h ago")
    assert reader.evaluate("window.untouched") is True
    assert reader.evaluate("scrollY") == place
    assert fold.get_attribute("open") is not None
    expect(reader.locator("#timeline")).to_be_visible()
    assert reader.get_by_role("searchbox", name="Search findings").input_value() == "half a wo"


def test_what_was_recorded_before_the_page_listened_is_shown(small: Site, visit: Visit) -> None:
    """An audit that ends between the answer and the first word of the stream is no news to the stream, but to the page."""
    from playwright.sync_api import Route, expect

    def late(route: Route) -> None:
        _release_orders(small, "3.8.5")
        route.continue_()

    page = visit(small, None)
    page.route("**/events", late, times=1)
    page.goto("/pairs/staging/prod")
    expect(page.get_by_text("orders:3.8.5").first).to_be_visible()


def test_what_is_recorded_while_a_page_is_asked_anew_is_shown(small: Site, visit: Visit) -> None:
    """The answer that is on its way knows nothing of it."""
    from playwright.sync_api import Route, expect

    page = visit(small, "/pairs/staging/prod")
    _wait_for_pulse(page)

    def late(route: Route) -> None:
        old = route.fetch()
        page.evaluate("delete document.documentElement.dataset.told")
        _release_orders(small, "3.8.6")
        _wait_for_pulse(page)
        route.fulfill(response=old)

    page.route("**/pairs/staging/prod", late, times=1)
    _release_orders(small, "3.8.5")
    expect(page.get_by_text("orders:3.8.6").first).to_be_visible()


def _release_orders(where: Site, version: str) -> None:
    """Staging gets another version, and an audit sees it."""
    file = where.folder / "staging" / "orders.yaml"
    file.write_text(re.sub(r"orders:3[.]8[.]\d", f"orders:{version}", file.read_text()))
    where.clock.later(_AN_HOUR)
    where.audit()


def test_news_wait_while_somebody_writes(small: Site, visit: Visit) -> None:
    """The page asks; what is being typed is neither lost nor moved."""
    from playwright.sync_api import expect

    stored = fingerprint(small)
    page = visit(small, None)
    with page.expect_event("request", lambda request: request.url.endswith("/events")):
        page.goto(f"/findings/{stored}")
    _wait_for_pulse(page)
    page.get_by_role("link", name="Acknowledge").click()
    page.get_by_label("Note").fill("not yet")
    small.clock.later(_AN_HOUR)
    small.audit()
    button = page.locator("#live").get_by_role("button", name="Show it")
    expect(button).to_be_attached()
    expect(page.get_by_label("Note")).to_have_value("not yet")


def test_the_page_says_when_the_service_is_gone(tmp_path: Path, visit: Visit) -> None:
    """Its stream ends with the service, within a few seconds, and what is shown is called old."""
    from playwright.sync_api import expect

    with site(company(tmp_path / "company")) as running:
        page = visit(running, None, expected="ERR_CONNECTION_REFUSED|ERR_INCOMPLETE_CHUNKED|ERR_EMPTY_RESPONSE")
        with page.expect_event("response", lambda response: response.url.endswith("/events")):
            page.goto("/")
    expect(page.locator("#live")).to_contain_text("The service does not answer")


def test_keys_lead_through_the_pages(companies: Companies, visit: Visit) -> None:
    """`/` searches, j and k walk, Enter opens, g and a letter goes, ? tells; none of them where somebody types."""
    from playwright.sync_api import expect

    page = visit(companies("small"), "/")
    page.keyboard.press("/")
    expect(page.get_by_role("searchbox", name="Search findings")).to_be_focused()
    page.keyboard.type("jorders")
    expect(page.get_by_role("searchbox", name="Search findings")).to_have_value("jorders")
    page.get_by_role("searchbox", name="Search findings").fill("orders")
    page.keyboard.press("Enter")
    page.wait_for_url("**/findings?text=orders")
    rows = page.locator("[data-row] a[href^='/findings/']")
    page.locator("h1").click()
    page.keyboard.press("j")
    expect(rows.nth(0)).to_be_focused()
    page.keyboard.press("j")
    expect(rows.nth(1)).to_be_focused()
    page.keyboard.press("k")
    expect(rows.nth(0)).to_be_focused()
    wanted = rows.nth(0).get_attribute("href")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**{wanted}")
    page.keyboard.press("a")
    expect(page.get_by_role("dialog", name="Acknowledge")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog", name="Acknowledge")).to_be_hidden()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("g")
    page.keyboard.press("v")
    page.wait_for_url("**/versions")


def test_keys_work_at_once_when_a_dialog_has_closed(companies: Companies, visit: Visit) -> None:
    """A closed dialog keeps the focus until the browser draws again: who is that quick is not typing into it."""
    from playwright.sync_api import expect

    page = visit(companies("small"), "/findings?text=orders")
    page.goto(page.url.split("/findings")[0] + str(page.locator("[data-row] a").first.get_attribute("href")))
    page.keyboard.press("a")
    acknowledge = page.get_by_role("dialog", name="Acknowledge")
    acknowledge.locator("input, textarea").first.focus()
    acknowledge.evaluate(
        """dialog => {
            dialog.close();
            document.activeElement.dispatchEvent(new KeyboardEvent("keydown", {key: "?", bubbles: true}));
        }"""
    )
    expect(page.get_by_role("dialog", name="Keyboard")).to_be_visible(timeout=5_000)


def test_filters_stand_in_the_address(companies: Companies, visit: Visit) -> None:
    """Chosen by keyboard, without a new page; the address alone gives the same rows, and Back takes one away."""
    from playwright.sync_api import expect

    page = visit(companies("demo"), "/findings")
    every = page.locator("[data-row]").count()
    choice = page.get_by_role("group", name="Severity").get_by_role("link", name=re.compile("^high"))
    choice.focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**severity=high**")
    expect(page.locator(".chips")).to_contain_text("high")
    page.get_by_label("Words that findings hold").fill("orders")
    page.keyboard.press("Enter")
    page.wait_for_url("**text=orders**")
    expect(page.locator(".chips")).to_contain_text("orders")
    rows = page.locator("[data-row]").all_inner_texts()
    assert 0 < len(rows) < every
    elsewhere = visit(companies("demo"), page.url)
    assert elsewhere.locator("[data-row]").all_inner_texts() == rows
    page.go_back()
    expect(page.locator(".chips")).not_to_contain_text("orders")
    expect(page.locator(".chips")).to_contain_text("high")


def test_the_theme_is_kept(companies: Companies, visit: Visit) -> None:
    """What the reader chose holds on the next page, whatever the system says."""
    page = visit(companies("small"), "/", color_scheme="light")
    assert _paper(page) == "rgb(255, 255, 255)"
    page.get_by_role("button", name="Light or dark").click()
    dark = _paper(page)
    assert dark != "rgb(255, 255, 255)"
    page.reload()
    assert _paper(page) == dark
    page.goto("/findings")
    assert _paper(page) == dark


def test_times_are_the_readers_own(companies: Companies, visit: Visit) -> None:
    """In her zone, with UTC on hover; without scripts, UTC."""
    from playwright.sync_api import expect

    where = companies("small")  # audited at 9:30 UTC
    page = visit(where, "/", timezone_id="Asia/Tokyo")
    time = page.locator("main time[datetime='2026-11-20T09:30:00Z']").first
    expect(time).to_contain_text("18:30")
    expect(time).to_have_attribute("title", "2026-11-20 09:30:00 UTC")
    plain = visit(where, "/", timezone_id="Asia/Tokyo", java_script_enabled=False)
    expect(plain.locator("main time").first).to_have_text("2026-11-20 09:30:00 UTC")


def test_paper_shows_everything(companies: Companies, visit: Visit) -> None:
    """Nothing is cut off, and what only a screen needs is left out."""
    page = visit(companies("demo"), "/pairs/staging/prod", viewport={"width": 718, "height": 1000})
    page.emulate_media(media="print")
    assert page.evaluate("document.documentElement.scrollWidth") <= 718
    cut = """() => [...document.querySelectorAll("main .scroll, main pre, main td, main dd")]
        .filter((one) => getComputedStyle(one).overflowX !== "visible" && one.scrollWidth > one.clientWidth + 1)
        .map((one) => one.outerHTML.slice(0, 200))"""
    assert page.evaluate(cut) == []
    assert not page.locator("header.bar").is_visible()
    assert 20_000 < len(page.pdf()) < 2_000_000


def _paper(page: Page) -> str:
    colour: str = page.evaluate("getComputedStyle(document.body).backgroundColor")
    return colour


def _wait_for_pulse(page: Page) -> None:
    """Until the page has heard how things stand: only what changes from then on is news to it."""
    from playwright.sync_api import expect

    expect(page.locator("html")).to_have_attribute("data-told", "")
