"""The one order of findings, in every report, list and notice: severity, age, reach, and then where they are. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from auditor.model import Category

if TYPE_CHECKING:
    from auditor.model import Finding

_CATEGORIES = tuple(Category)


def order(finding: Finding) -> tuple[object, ...]:
    """A key to sort by: the worst first; of one severity the newest; of one audit what concerns most other resources.

    The newest first, because what came since one last looked is what one has not read yet, and what can still be
    explained and undone. What must not grow old says so in its rule (`escalate`), and is then more severe. The rest of
    the key only makes the order the same every time.
    """
    breach = finding.breach
    since = finding.opened_at or finding.first_seen
    place = (_CATEGORIES.index(breach.category), breach.kind, breach.identity, breach.path)
    return (-breach.severity.rank, -since.timestamp(), -breach.reach, *place, breach.rule.id, breach.fingerprint)
