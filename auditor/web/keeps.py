"""What one application keeps of what it found out, for pages and API alike. Nothing of it is lost with it."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from fastapi import Request

from auditor.web.queries.changes import ChangeFinder
from auditor.web.queries.counterparts import Counterparts
from auditor.web.queries.overview import Overviews
from auditor.web.queries.readiness import Readiness
from auditor.web.queries.resources import NormalForms
from auditor.web.queries.versions import VersionTable
from auditor.web.queries.waivers import Covered

_MAKING = threading.Lock()


@dataclass(frozen=True, slots=True)
class Keeps:
    versions: VersionTable = field(default_factory=VersionTable)
    covered: Covered = field(default_factory=Covered)
    changes: ChangeFinder = field(default_factory=ChangeFinder)
    normals: NormalForms = field(default_factory=NormalForms)
    overviews: Overviews = field(default_factory=Overviews)
    counterparts: Counterparts = field(default_factory=Counterparts)
    readiness: Readiness = field(default_factory=Readiness)


def keeps(request: Request) -> Keeps:
    """The dependency of routes."""
    state = request.app.state
    with _MAKING:
        if not hasattr(state, "keeps"):
            state.keeps = Keeps()
    found: Keeps = state.keeps
    return found
