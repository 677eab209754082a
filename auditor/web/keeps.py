"""What one application keeps of what it found out, for pages and API alike. Nothing of it is lost with it."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Any

from fastapi import Request

from auditor.web.queries.changes import ChangeFinder
from auditor.web.queries.counterparts import Counterparts
from auditor.web.queries.expected import ExpectedFinder
from auditor.web.queries.kept import Kept
from auditor.web.queries.overview import Overviews
from auditor.web.queries.pulses import Pulses
from auditor.web.queries.readiness import Readiness
from auditor.web.queries.resources import NormalForms
from auditor.web.queries.standing import Reasons
from auditor.web.queries.versions import VersionTable
from auditor.web.queries.waivers import Covered

_MAKING = threading.Lock()
_MOST_DESCRIBED = 1_000


@dataclass(frozen=True, slots=True)
class Keeps:
    """Routes keep nothing themselves, since all applications of a process share them (`auditor.web.routes`).

    described  collectors by name: what they declare never changes, and to make their schemas takes a while
    counting   held by who counts the hits of rules, which lays every pair side by side: several at once would take the
               memory and the threads of everybody else"""

    versions: VersionTable = field(default_factory=VersionTable)
    covered: Covered = field(default_factory=Covered)
    changes: ChangeFinder = field(default_factory=ChangeFinder)
    normals: NormalForms = field(default_factory=NormalForms)
    overviews: Overviews = field(default_factory=Overviews)
    counterparts: Counterparts = field(default_factory=Counterparts)
    readiness: Readiness = field(default_factory=Readiness)
    expected: ExpectedFinder = field(default_factory=ExpectedFinder)
    reasons: Reasons = field(default_factory=Reasons)
    pulses: Pulses = field(default_factory=Pulses)
    described: Kept[str, dict[str, Any]] = field(default_factory=lambda: Kept(_MOST_DESCRIBED))
    counting: threading.Lock = field(default_factory=threading.Lock)


def keeps(request: Request) -> Keeps:
    """The dependency of routes."""
    state = request.app.state
    with _MAKING:
        if not hasattr(state, "keeps"):
            state.keeps = Keeps()
    found: Keeps = state.keeps
    return found
