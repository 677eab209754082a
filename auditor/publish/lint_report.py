"""What `audit policy lint` prints: remarks with file and line, then how often each rule was of use."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

from auditor.policy_lint import Level
from auditor.publish.grid import DEFAULT_WIDTH, Page
from auditor.publish.spelling import brief, clean, count, sentence

if TYPE_CHECKING:
    from auditor.linting import Linted, Observed
    from auditor.policy_hits import Hits

SCHEMA = 1
_STYLES = {Level.ERROR: "bold red", Level.WARNING: "yellow", Level.INFO: "dim"}
_COLUMNS = ("places", "decided", "met", "breached", "overridden")


def table(linted: Linted, *, width: int | None, color: bool) -> str:
    """For a person: every remark, the hits of the rules that were looked at, and what could not be looked at."""
    page = Page(width or DEFAULT_WIDTH, color)
    for remark in linted.remarks:
        at = f"{clean(remark.file)}:{remark.line}" if remark.line else clean(remark.file)
        rule = f" {brief(remark.rule)}" if remark.rule else ""
        page.line(
            f"{remark.level.value}{rule}: {sentence(remark.message)} [{remark.code}]", style=_STYLES[remark.level]
        )
        page.place("", at)
        if remark.remedy:
            page.line(sentence(remark.remedy), indent=11, style="dim")
    for observed in linted.observed:
        _hits(page, observed)
    if linted.remarks or linted.observed:
        page.blank()
    for limit in linted.limits:
        page.fact("Note", sentence(limit[:1].upper() + limit[1:]))
    page.line(summary(linted), style="bold")
    return page.text()


def summary(linted: Linted) -> str:
    """`2 errors, 1 warning in 3 policies`"""
    levels = Counter(remark.level for remark in linted.remarks)
    told = [count(levels[level], level.value) if level is not Level.INFO else f"{levels[level]} for information" for level in Level if levels[level]]  # fmt: skip
    packs = count(len(linted.packs), "policy", "policies")
    return f"{', '.join(told)} in {packs}." if told else f"Nothing to remark in {packs}."


def as_json(linted: Linted) -> str:
    """For machines. `observed` holds the hits of every rule, also of those that ship."""
    document = {
        "schema": SCHEMA,
        "policies": list(linted.packs),
        "remarks": [
            {
                "level": remark.level.value,
                "code": remark.code,
                "file": remark.file,
                "line": remark.line,
                "rule": remark.rule or None,
                "message": remark.message,
                "remedy": remark.remedy,
            }
            for remark in linted.remarks
        ],
        "observed": [
            {
                "policies": list(observed.policies),
                "pairs": list(observed.pairs),
                "rules": {name: _object(hits) for name, hits in observed.hits.items()},
            }
            for observed in linted.observed
        ],
        "not_looked_at": list(linted.limits),
    }
    return json.dumps(document, indent=2, ensure_ascii=False)


def _hits(page: Page, observed: Observed) -> None:
    if not observed.rules:
        return
    page.blank()
    page.rule(f"HITS IN {', '.join(brief(pair) for pair in observed.pairs)}", style="bold")
    room = max(len(brief(name, 60)) for name in observed.rules)
    page.line(f"{'rule':<{room}}" + "".join(f"{name:>11}" for name in _COLUMNS), style="dim")
    for name in observed.rules:
        hits = observed.hits[name]
        numbers = (hits.seen, hits.decided, hits.met, hits.breached, hits.overridden)
        page.line(f"{brief(name, 60):<{room}}" + "".join(f"{number:>11}" for number in numbers))


def _object(hits: Hits) -> dict[str, Any]:
    return {
        "places": hits.seen,
        "spoke_of": hits.matched,
        "decided": hits.decided,
        "met": hits.met,
        "breached": hits.breached,
        "overridden": hits.overridden,
        "overridden_by": sorted(hits.overridden_by),
    }
