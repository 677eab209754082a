"""Real Chromium, driven by Playwright: one browser for all tests of a worker, a context of its own for each."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from tests.web import hostile
from tests.web.browser import demo
from tests.web.browser.checks import WIDE
from tests.web.browser.watch import Watch
from tests.web.site import Site, company, site

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser, Page

_PATIENCE = 30_000.0  # milliseconds: other tests run beside these


# Not for the session: Playwright keeps an event loop in this thread, and whatever else a worker tests may need its own.
@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Chromium, as it is installed: nothing is downloaded."""
    program = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    if program is None:
        pytest.skip("Chromium is not installed: apt-get install chromium, or say CHROMIUM=/path/to/it")
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=_PATIENCE)
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=program)
        yield running
        running.close()


class Visit(Protocol):
    """Opens `path` of a site (None: nothing yet) in a context of its own: `options` are those of Playwright's
    `new_context`. What the test is about and would be a problem elsewhere is `expected`, as a pattern."""

    def __call__(self, where: Site, path: str | None = "/", *, expected: str = "", **options: Any) -> Page: ...


@pytest.fixture
def visit(browser: Browser) -> Iterator[Visit]:
    """Pages whose test fails where anything went wrong behind them."""
    watches: list[Watch] = []
    with ExitStack() as stack:

        def opened(where: Site, path: str | None = "/", *, expected: str = "", **options: Any) -> Page:
            context = browser.new_context(base_url=where.url, **{"viewport": WIDE, "locale": "en-GB", **options})
            context.set_default_timeout(_PATIENCE)
            stack.callback(context.close)
            watches.append(Watch(context, where.url, expected))
            page = context.new_page()
            if path is not None:
                page.goto(path)
            return page

        yield opened
        problems = [problem for watch in watches for problem in watch.problems]
    assert problems == []


class Gallery(Protocol):
    """The pages of a company, to be looked at one after the other: one page of the browser, and who listens to it."""

    def __call__(self, where: Site) -> tuple[Page, Watch]: ...


@pytest.fixture(scope="module")
def gallery(browser: Browser) -> Iterator[Gallery]:
    """A context for all that is only looked at, because making one takes longer than showing a page."""
    made: dict[str, tuple[Page, Watch]] = {}
    with ExitStack() as stack:

        def opened(where: Site) -> tuple[Page, Watch]:
            if where.url not in made:
                context = browser.new_context(base_url=where.url, locale="en-GB")
                context.set_default_timeout(_PATIENCE)
                stack.callback(context.close)
                made[where.url] = context.new_page(), Watch(context, where.url)
            return made[where.url]

        yield opened


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Site]:
    """Three environments of a few files, audited just now, for a test to do with as it likes."""
    with site(company(tmp_path / "company")) as running:
        running.audit("dev", "staging")
        running.audit()
        yield running


Companies = Callable[[str], Site]


@pytest.fixture(scope="package")
def companies(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Companies]:
    """`small`, `demo` and `hostile`, to look at only: each is made when it is first asked for."""
    made: dict[str, Site] = {}
    with ExitStack() as stack:

        def running(name: str) -> Site:
            if name not in made:
                folder = tmp_path_factory.mktemp(name) / "company"
                lay_out = {"small": company, "demo": demo.company, "hostile": hostile.company}[name]
                made[name] = stack.enter_context(site(lay_out(folder)))
                _FILL[name](made[name])
            return made[name]

        yield running


def _fill_small(where: Site) -> None:
    where.audit("dev", "staging")
    where.audit()


_FILL: dict[str, Callable[[Site], object]] = {"small": _fill_small, "demo": demo.fill, "hostile": hostile.fill}
