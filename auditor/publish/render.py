"""One audit in the format that was asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from auditor.publish.view import report as view

if TYPE_CHECKING:
    from datetime import datetime

    from auditor.model import Audit, Severity
    from auditor.publish.sources import Places

FORMATS = ("table", "json", "markdown", "junit", "html", "sarif")


def render(
    audit: Audit,
    format: str,  # noqa: A002  the name of the option, as people type it
    *,
    fail_on: Severity,
    width: int | None,
    color: bool,
    now: datetime,
    allow_incomplete: bool = False,
    places: Places | None = None,
) -> str:
    """The report as text that ends with a newline.

    `format` is one of FORMATS, else ValueError. `width` (columns; None: 100) and `color` concern `table` only.
    `now` is the reader's time, from which ages are counted; `places` says where the paths of `sarif` begin. Each renderer is loaded when it is asked for.
    """
    shown = view(audit, fail_on, allow_incomplete)
    match format:
        case "table":
            from auditor.publish.console import console

            return console(shown, width=width, color=color, now=now)
        case "json":
            from auditor.publish.json_report import json_report

            return json_report(shown)
        case "markdown":
            from auditor.publish.markdown import markdown

            return markdown(shown, now=now)
        case "junit":
            from auditor.publish.junit import junit

            return junit(shown)
        case "html":
            from auditor.publish.html import html

            return html(shown, now=now)
        case "sarif":
            from auditor.publish.sarif import sarif

            return sarif(shown, places)
    raise ValueError(f"unknown report format {format!r}; known are {', '.join(FORMATS)}")
