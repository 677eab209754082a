"""Who asks: a name that is recorded with everything done, and how much it may do."""

from __future__ import annotations

from dataclasses import dataclass

from auditor.credentials import Scope

__all__ = ["Identity", "Scope"]


@dataclass(frozen=True, slots=True)
class Identity:
    """Whoever sent a request.

    name   what is recorded as the actor: an address, a user's name, `token:NAME`
    scope  how much it may do
    via    how it is known: `local`, `token`, `session` or `proxy`
    key    what its CSRF tokens are made from; empty where a request brings its own credentials every time
    """

    name: str
    scope: Scope
    via: str
    key: str = ""
