"""The trail of who did what through the page and the API."""

from __future__ import annotations

from typing import TYPE_CHECKING

from auditor.credentials import Actor, Deed
from auditor.web.access.origins import address
from auditor.web.backend import backend

if TYPE_CHECKING:
    from fastapi import Request

    from auditor.web.access.identity import Identity


def note(request: Request, action: str, subject: str = "", outcome: str = "done", detail: str = "") -> None:
    """Add to the trail that whoever sent `request` did `action` to `subject`.

    For routes that `need` a scope, after the act. `outcome` is `done` or `refused`. It writes to the store: call it from
    a plain `def` route, or in a thread. Raises StoreError."""
    ground = backend(request)
    actor = actor_of(request)
    ground.store.add_deed(Deed(ground.clock(), actor.name, actor.via, action, subject, outcome, actor.address, detail))


def actor_of(request: Request) -> Actor:
    """Whoever sent `request`, to be recorded."""
    identity: Identity = request.state.identity
    return Actor(identity.name, identity.via, address(request))
