"""What a person reads of a page, for tests that assert it."""

from __future__ import annotations

import re
from html import unescape


def said(html: str) -> str:
    """The text of a page's content: no markup, one space between words."""
    main = html[html.index("<main") : html.index("</main>")]
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", main.replace("<wbr>", ""))).split())


def rows(html: str) -> list[str]:
    """The rows of a page's tables, each as one line of text."""
    found = re.findall(r"<tr[^>]*>(.*?)</tr>", html.replace("<wbr>", ""), re.DOTALL)
    return [" ".join(unescape(re.sub(r"<[^>]+>", " ", row)).split()) for row in found]


def row(html: str, words: str) -> str:
    """The only row that has these words."""
    found = [one for one in rows(html) if words in one]
    assert len(found) == 1, found
    return found[0]
