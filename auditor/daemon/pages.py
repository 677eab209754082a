"""The texts that the service's pages show, made from the store."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from auditor.model import Severity
from auditor.store import NotFoundError

if TYPE_CHECKING:
    from auditor.store import Store

_WIDTH = 110
_THRESHOLD = Severity.HIGH


class StorePages:
    """Findings and reports as they stand in `store`; `clock` gives the reader's time, from which ages are counted."""

    def __init__(self, store: Store, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._clock = clock

    def finding(self, fingerprint: str) -> str | None:
        from auditor.publish.lookups import explain_text, finding_text

        try:
            stored = self._store.finding(fingerprint)
        except NotFoundError:
            return None
        events = self._store.events(stored.fingerprint)
        known = finding_text(stored.finding, events, width=_WIDTH, color=False, now=self._clock())
        return f"{known}\n{explain_text(stored.finding, width=_WIDTH, color=False)}"

    def pair(self, left: str, right: str) -> str | None:
        from auditor.publish.render import render

        audit = self._store.last_audit(left, right)
        if audit is None:
            return None
        return render(audit, "html", fail_on=_THRESHOLD, width=None, color=False, now=self._clock())
