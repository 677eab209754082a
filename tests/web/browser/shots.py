"""Pictures of every page, for a person to look at: `python -m tests.web.browser.shots FOLDER [COMPANY ...]`.

Wide in light and narrow in dark, the other way round with `--swap`. What checks find is printed, too.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import tempfile
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from tests.web import hostile
from tests.web.browser import demo
from tests.web.browser.checks import NARROW, WIDE, axe, look
from tests.web.browser.places import PLACES, World
from tests.web.site import company, site

MOST_HEIGHT = 4000


def take(world: World, page: Page, folder: Path, only: str, swap: bool) -> None:
    for route, paths in PLACES.items():
        if only and not re.search(only, route):
            continue
        for number, path in enumerate(paths(world)):
            for size, theme in ((WIDE, "dark" if swap else "light"), (NARROW, "light" if swap else "dark")):
                page.set_viewport_size(size)  # type: ignore[arg-type]
                page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
                answer = page.goto(path)
                width = size["width"]
                name = f"{world.name}{route.replace('/', '_').replace('{}', 'x')}{number or ''}_{width}.png"
                height = min(page.evaluate("document.documentElement.scrollHeight"), MOST_HEIGHT)
                page.set_viewport_size({"width": width, "height": height})
                page.screenshot(path=folder / name)
                found = [*look(page), *axe(page)]
                status = answer.status if answer else None
                print(name, status, *found, sep="\n    " if found else " ", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description="Pictures of every page.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("companies", nargs="*", default=["demo"])
    parser.add_argument("--only", default="", help="a pattern of routes")
    parser.add_argument("--swap", action="store_true", help="wide in dark, narrow in light")
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    program = os.environ.get("CHROMIUM") or shutil.which("chromium")
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as scratch:
        browser = playwright.chromium.launch(executable_path=program)
        for name in given.companies:
            lay_out = {"small": company, "demo": demo.company, "hostile": hostile.company}[name]
            with site(lay_out(Path(scratch) / name)) as running:
                if name == "small":
                    running.audit("dev", "staging")
                    running.audit()
                else:
                    {"demo": demo.fill, "hostile": hostile.fill}[name](running)
                page = browser.new_context(base_url=running.url, locale="en-GB").new_page()
                take(World(name, running), page, given.folder, given.only, given.swap)
                page.close()
        browser.close()


if __name__ == "__main__":
    main()
