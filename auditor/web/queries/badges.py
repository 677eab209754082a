"""A pair in one word, as a flat SVG for a README or a wall: what its last audit said, and in which colour."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape, quoteattr

from auditor.publish.spelling import brief, count, instant, percent
from auditor.publish.view import ACTIVE
from auditor.web.queries.standing import FAIL_ON, Answer, standings

if TYPE_CHECKING:
    from datetime import datetime

    from auditor.config import Config
    from auditor.model import Category
    from auditor.store import Store
    from auditor.web.queries.standing import Standing

LONGEST_LABEL = 60
# Each bears white text with a contrast of 4.5 to 1 or more.
_GREEN, _RED, _AMBER, _GREY = "#1a6f37", "#b3261e", "#8a5300", "#57606b"
_DARK = "#2d343c"
# Widths of DejaVu Sans and Verdana at 11 pixels, in tenths of a pixel. What is not listed is as wide as a wide letter.
_WIDTHS = {
    **dict.fromkeys("iljI|.,:;'!", 38),
    **dict.fromkeys('ftr()[]{}/\\- "', 46),
    **dict.fromkeys("abcdeghknopqsuvxyzLFEJTSPZ0123456789_*?<>=+~^$#", 70),
    **dict.fromkeys("ABCDGHKNOQRUVXY&", 82),
    **dict.fromkeys("mwMW%@", 107),
    "\N{NO-BREAK SPACE}": 38,
    "…": 90,
}
_WIDE = 125
_PAD, _HEIGHT = 60, 20


@dataclass(frozen=True, slots=True)
class Badge:
    """`label` and `message` as shown, and `title` for who wants to know more."""

    label: str
    message: str
    title: str
    color: str


def badge(
    store: Store, config: Config, pair: tuple[str, str], now: datetime, category: Category | None, label: str
) -> Badge:
    """The pair as it stands, or one category of it.

    A percentage is shown only where everything was observed and nothing speaks against the pair."""
    name = label or f"parity {pair[0]}/{pair[1]}" + (f" {category.value}" if category else "")
    standing = standings(store, config, [pair], now)[0]
    message, color = _said(standing, category, _against(store, pair, category))
    seen = standing.summary
    title = f"{name}: {message}"
    if seen is not None:
        title += f"; audited {instant(seen.last_audit)}. {standing.sentence if category is None else ''}".rstrip()
    return Badge(brief(name, LONGEST_LABEL), message, title, color)


def unknown(label: str) -> Badge:
    """For a pair that nobody configured."""
    name = brief(label or "parity", LONGEST_LABEL)
    return Badge(name, "no such pair", f"{name}: no such pair is configured", _GREY)


def svg(shown: Badge) -> str:
    """The badge. Its text is stretched to the width that was reckoned, whatever the reader's fonts."""
    left, right = _width(shown.label), _width(shown.message)
    whole = left + right
    texts = "".join(
        f'<text x="{_px(start + width / 2)}" y="14" textLength="{_px(width - 2 * _PAD)}" lengthAdjust="spacingAndGlyphs">'
        f"{escape(text)}</text>"
        for start, width, text in ((0, left, shown.label), (left, right, shown.message))
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_px(whole)}" height="{_HEIGHT}" role="img" '
        f"aria-label={quoteattr(f'{shown.label}: {shown.message}')}><title>{escape(shown.title)}</title>"
        f'<rect width="{_px(whole)}" height="{_HEIGHT}" rx="3" fill="{shown.color}"/>'
        f'<path d="M3 0h{_px(left - 30)}v{_HEIGHT}H3a3 3 0 0 1-3-3V3a3 3 0 0 1 3-3z" fill="{_DARK}"/>'
        f'<g fill="#fff" text-anchor="middle" font-family="DejaVu Sans,Verdana,Geneva,sans-serif" font-size="11">{texts}</g></svg>\n'
    )


def _said(standing: Standing, category: Category | None, against: int) -> tuple[str, str]:
    seen = standing.summary
    if seen is None:
        return "never audited", _GREY
    if against:
        return count(against, "finding"), _RED
    if not seen.complete or (category is None and standing.answer is Answer.UNKNOWN):
        return "incomplete", _AMBER
    if standing.stale:
        return "out of date", _AMBER
    score = seen.score if category is None else seen.scores.get(category)
    return ("nothing compared", _GREY) if score is None else (percent(score), _GREEN)


def _against(store: Store, pair: tuple[str, str], category: Category | None) -> int:
    """How many findings speak against the pair, as for every command that is not told otherwise."""
    counts = store.counts([pair])[pair]
    return sum(
        number
        for (its, severity, status), number in counts.items()
        if category in (None, its) and status in ACTIVE and severity.rank >= FAIL_ON.rank
    )


def _width(text: str) -> int:
    """In tenths of a pixel, with the room at both sides."""
    return sum(_WIDTHS.get(letter, _WIDE) for letter in text) + 2 * _PAD


def _px(tenths: float) -> str:
    return f"{tenths / 10:.1f}".removesuffix(".0")
