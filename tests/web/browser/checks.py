"""What must hold of any page, whoever's data it shows, as one look from inside the browser and one by axe-core."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from tests.web import hostile
from tests.web.browser.places import COLOURFUL, HOSTILE_RICH, PLACES

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.web.browser.conftest import Gallery
    from tests.web.browser.places import World

NARROW, WIDE = {"width": 360, "height": 740}, {"width": 1440, "height": 900}
# Characters that reorder or hide what stands around them; the page spells them out.
_HIDDEN = "\\u0000-\\u0008\\u000b\\u000c\\u000e-\\u001f\\u007f-\\u009f\\u200b\\u200e\\u200f\\u202a-\\u202e\\u2060-\\u2069\\ufeff"
_LOOK = """
() => {
  const problems = [];
  const root = document.documentElement;
  const name = (element) => element.outerHTML.slice(0, 160);
  if (root.scrollWidth > root.clientWidth) {
    problems.push(`the page is ${root.scrollWidth} wide where ${root.clientWidth} are there`);
    const inside = (element) => {
      for (let up = element.parentElement; up && up !== document.body; up = up.parentElement)
        if (getComputedStyle(up).overflowX !== "visible") return true;
      return false;
    };
    for (const element of document.body.querySelectorAll("*")) {
      if (element.getBoundingClientRect().right > root.clientWidth + 1 && !inside(element)) {
        problems.push(`sticks out: ${name(element)}`);
        if (problems.length > 4) break;
      }
    }
  }
  if (window.PWNED !== undefined) problems.push("a script of the data ran");
  for (const element of document.querySelectorAll(
      "script:not([src]), style, base, iframe, object, embed, img, [style]:not([style='']):not([data-share])"))
    problems.push(`should not be there: ${name(element)}`);
  for (const element of document.querySelectorAll("[href], [src], [action], [formaction]"))
    for (const key of ["href", "src", "action", "formaction"])
      if (/^\\s*(javascript|data|vbscript):/i.test(element.getAttribute(key) ?? ""))
        problems.push(`leads to a script: ${name(element)}`);
  for (const element of document.querySelectorAll("*"))
    for (const attribute of element.attributes)
      if (/^on/i.test(attribute.name) || /^hx-on/.test(attribute.name)) problems.push(`runs a script: ${name(element)}`);
  const hidden = document.body.innerText.match(/.{0,30}[HIDDEN].{0,30}/);
  if (hidden) problems.push(`unseen characters: ${JSON.stringify(hidden[0])}`);
  const titles = [...document.querySelectorAll("[title]")].map((element) => element.title).find((text) => /[HIDDEN]/.test(text));
  if (titles) problems.push(`unseen characters in a title: ${JSON.stringify(titles.slice(0, 80))}`);
  const ids = [...document.querySelectorAll("[id]")].map((element) => element.id);
  const twice = ids.find((id, at) => ids.indexOf(id) !== at);
  if (twice) problems.push(`two elements have the id ${twice}`);
  if (document.querySelectorAll("h1").length !== 1) problems.push("a page has one h1");
  if (!document.querySelector("main")?.innerText.trim()) problems.push("the page is empty");
  for (const table of document.querySelectorAll("main table"))
    if (table.scrollWidth > table.parentElement.clientWidth + 1 && !table.closest(".scroll"))
      problems.push(`a table is wider than its place: ${name(table)}`);
  for (const cell of document.querySelectorAll("td.number, th.number"))
    if (!cell.closest(".cards") && getComputedStyle(cell).textAlign !== "right") problems.push(`not right-aligned: ${name(cell)}`);
  for (const element of document.querySelectorAll("main *"))
    if (getComputedStyle(element).textOverflow === "ellipsis" && element.scrollWidth > element.clientWidth
        && !element.closest("[title]")) problems.push(`cut off without a title: ${name(element)}`);
  return problems.slice(0, 12);
}
""".replace("HIDDEN", _HIDDEN).replace("PWNED", hostile.RAN)


def problems_of(world: World, route: str, gallery: Gallery) -> Mapping[str, list[str]]:
    """What is wrong with the page's places in that company, wide and narrow; where nothing is, they are left out.

    axe-core takes longer than everything else, so it looks at each page of the demo in light, and in dark and of the
    hostile company at those that hold what the others are made of."""
    page, watch = gallery(world.site)
    problems: dict[str, list[str]] = {}
    for path in PLACES[route](world):
        answer = None
        for size, theme in ((WIDE, "light"), (NARROW, "dark")):
            page.set_viewport_size(size)  # type: ignore[arg-type]
            page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
            # One visit: the document is the same at any size, and a telephone that is turned does not load it anew.
            answer = answer or page.goto(path)
            found = look(page)
            if answer is None or answer.status != 200:
                found.append(f"answered with {answer and answer.status}")
            if theme == "light" and (world.name == "demo" or (world.name == "hostile" and route in HOSTILE_RICH)):
                found += axe(page)
            elif theme == "dark" and world.name == "demo" and route in COLOURFUL:
                found += axe(page, colours_only=True)
            problems[f"{path[:100]} at {size['width']}"] = [*found, *watch.taken()]
    return {place: found for place, found in problems.items() if found}


def look(page: Page) -> list[str]:
    """What is wrong with the page as it is shown now."""
    found: list[str] = page.evaluate(_LOOK)
    return found


def axe(page: Page, *, colours_only: bool = False) -> list[str]:
    """What axe-core objects to. `colours_only` asks what depends on the theme."""
    _inject(page)
    options: dict[str, Any] = {"resultTypes": ["violations"]}
    if colours_only:
        options["runOnly"] = ["color-contrast", "link-in-text-block"]
    found = page.evaluate("(options) => axe.run(options).then((all) => all.violations)", options)
    return [
        f"{one['id']}: {one['help']}: {node['html'][:160]} {node['failureSummary'][:300]}"
        for one in found
        for node in one["nodes"][:3]
    ]


def _inject(page: Page) -> None:
    # By the debugger, which no content security policy binds.
    page.evaluate(_axe_script())


@lru_cache(maxsize=1)
def _axe_script() -> str:
    from axe_playwright_python.base import AXE_SCRIPT

    script: str = AXE_SCRIPT
    return script
