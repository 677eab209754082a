"""What covers a waived finding, looked up when somebody asks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from auditor.model import Status
from auditor.waivers import finder

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from auditor.life import StoredFinding
    from auditor.store import Store
    from auditor.waivers import Waiver


def covering(
    stored: StoredFinding, written: Sequence[Waiver], store: Store, now: datetime
) -> tuple[Waiver | None, str]:
    """The waiver that covers a waived finding; where none does any more, why. `written` are those of the waiver file."""
    if stored.status is not Status.WAIVED:
        return None, ""
    left, right = stored.breach.left.environment, stored.breach.right.environment
    tolerated = finder([*written, *store.waivers()], left, right, now)
    waiver = tolerated(stored.breach)
    return waiver, "" if waiver else tolerated.lapse(stored.breach)
