"""Who asks: a name that is recorded with everything done, and how much it may do."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Scope(StrEnum):
    """What a request may do. Each includes the ones before it.

    READ   see everything that the auditor knows
    ACT    acknowledge, waive, revoke, confirm a match, ask for an audit
    ADMIN  give and take back access, read the trail of who did what
    """

    READ = "read"
    ACT = "act"
    ADMIN = "admin"

    def covers(self, wanted: Scope) -> bool:
        order = list(Scope)
        return order.index(self) >= order.index(wanted)


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
