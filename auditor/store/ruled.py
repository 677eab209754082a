"""How many unresolved findings each rule makes: one reading of their index."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from auditor.store import searched
from auditor.store.tables import UNRESOLVED, FindingRow


def by_rule(session: Session, rules: Iterable[str]) -> dict[str, int]:
    """Counts by `policy/id`, for each of `rules`."""
    statement = select(FindingRow.rule, func.count()).where(UNRESOLVED).group_by(FindingRow.rule)
    counts = {row[0]: row[1] for row in session.execute(statement)}
    return {rule: counts.get(searched.rule(rule), 0) for rule in rules}
