"""What to grant, read from the details of refusals: each collector writes there what would have been enough."""

from __future__ import annotations

import re
from collections.abc import Sequence

from auditor.collector import Grant
from auditor.model import Gap, GapReason


def denied(gaps: Sequence[Gap]) -> list[str]:
    """The details of the gaps that permissions would have spared."""
    return [gap.detail for gap in gaps if gap.reason is GapReason.ACCESS_DENIED]


def asked_for(gaps: Sequence[Gap], rule: re.Pattern[str], to: str, *, end: str = "") -> Grant | None:
    """What the gaps of one source ask for in their details, a line each that closes with `end`; None where nothing does."""
    missing = tuple(sorted({found for detail in denied(gaps) for found in rule.findall(detail)}))
    return Grant(missing, to, "\n".join(f"{each}{end}" for each in missing)) if missing else None
