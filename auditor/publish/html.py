"""The report as one self-contained HTML page: no script, nothing fetched; follows light and dark, and prints.

Everything that comes from outside goes through `clean` and the template's autoescaping.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from auditor.model import ABSENT, Absent, Finding, Json
from auditor.publish.entries import Entry, counterpart, is_one_sided, needs_message, remarks, shown_identity, warnings
from auditor.publish.spelling import (
    Shown,
    brief,
    clean,
    count,
    instant,
    middle,
    path_text,
    percent,
    plain,
    sentence,
    side_by_side,
    span,
)

if TYPE_CHECKING:
    from datetime import datetime

    from auditor.publish.view import Report

_ROOM = 240
_WHOLE = 20_000


@dataclass(frozen=True, slots=True)
class Row:
    """A finding as the template shows it. `left_whole` and `right_whole` hold values too long for the table, else ""."""

    resource: str
    kind: str
    path: str
    label: str
    severity: str
    left: Shown
    right: Shown
    left_whole: str
    right_whole: str
    fingerprint: str
    counterpart: str
    message: str
    remarks: str


def html(report: Report, *, now: datetime) -> str:
    """The whole page. `now` is what ages are counted from."""

    def row(finding: Finding, entry: Entry | None = None) -> Row:
        return row_of(finding, entry or Entry((finding,)), report.audit.started_at, now)

    return _environment().get_template("report.html").render(report=report, row=row) + "\n"


@lru_cache(maxsize=1)
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("auditor.publish"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        breakable=_breakable,
        clean=lambda text, room=200: brief(text, room),
        count=count,
        instant=instant,
        path_text=path_text,
        percent=percent,
        span=span,
    )
    environment.globals["shown_identity"] = lambda breach: middle(shown_identity(breach), 200)
    return environment


def _breakable(text: str) -> Markup:
    """Text that a browser may break after the punctuation of a path, rather than within a word."""
    return Markup("<wbr>").join(re.split(r"(?<=[./_:-])(?=\w)", text))


def row_of(finding: Finding, entry: Entry, started_at: datetime, now: datetime) -> Row:
    """One finding of an entry. What was first seen before `started_at` says so."""
    breach = finding.breach
    if is_one_sided(breach):
        left, right = (
            Shown("(absent)" if side.identity is None else brief(side.identity, _ROOM), "", "")
            for side in (breach.left, breach.right)
        )
        whole = ("", "")
    else:
        left, right = side_by_side(breach.left.value, breach.right.value, _ROOM)
        whole = (_whole(breach.left.value), _whole(breach.right.value))
    return Row(
        resource=middle(shown_identity(breach), 200),
        kind=brief(breach.kind),
        path=middle(path_text(breach.path), 200),
        label=middle(entry.label(finding), 200),
        severity=breach.severity.value,
        left=left,
        right=right,
        left_whole=whole[0],
        right_whole=whole[1],
        fingerprint=breach.fingerprint[:8],
        counterpart=counterpart(breach),
        message=sentence(breach.message) if needs_message(breach) else "",
        remarks="; ".join(remarks(finding, started_at, now) if entry.cause is None else warnings(finding)),
    )


def _whole(value: Json | Absent) -> str:
    """A value over several lines, where the table's cell cannot hold it; at most 20 000 characters."""
    if value is ABSENT:
        return ""
    text = value if isinstance(value, str) else json.dumps(plain(value), ensure_ascii=False, sort_keys=True, indent=2)
    if len(text) <= _ROOM and (not isinstance(value, str) or "\n" not in text.strip("\n")):
        return ""
    return "\n".join(clean(line) for line in middle(text, _WHOLE).split("\n"))
