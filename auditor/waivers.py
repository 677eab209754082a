"""What people tolerate: whose decision, why, and until when. Pure; the file and the store are read elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Waiver:
    """A tolerated finding, or several. Everything that is not None has to agree; globs are as in policies.

    id            stable: of a person's, given when it is made; of a file's, a digest of what it covers
    fingerprints  whole fingerprints; empty: any
    values        digest of the two observed values it is bound to (`waivers.values_digest`): new values end its effect
    origin        where it was written: `cli`, `slack`, `api`, or `waivers.yaml:12`
    revoked_at    when somebody took it back, else None
    """

    id: str
    owner: str
    reason: str
    created_at: datetime
    expires_at: datetime
    origin: str
    fingerprints: tuple[str, ...] = ()
    left: str | None = None
    right: str | None = None
    rule: str | None = None
    kind: str | None = None
    identity: str | None = None
    path: str | None = None
    values: str | None = None
    revoked_at: datetime | None = None
