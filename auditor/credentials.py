"""API tokens, sessions of the page, and the trail of who did what: as they are kept, and how they are made.

A token or a session is 256 random bits, of which only the SHA-256 is kept: there is nothing to guess that a slow hash
would have to protect. A token reads `pa_ID_SECRET`, so that a scanner of repositories knows one when it sees one, and so
that the one row is found by its id and its secret compared in constant time.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from auditor.errors import AuditorError

LASTS = timedelta(days=90)
# How exact "last used" is: a write for every request would cost more than it tells.
USED_EVERY = timedelta(hours=1)
_TOKEN = re.compile(r"pa_([0-9a-f]{12})_[0-9a-f]{64}")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 @._/-]{0,63}")
_ID_BYTES = 6
_SECRET_BYTES = 32


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


class CredentialError(AuditorError):
    """A token cannot be made like this. The text says why, and what can."""


@dataclass(frozen=True, slots=True)
class ApiToken:
    """A token without its secret. `expires_at` is None for one that never expires; `used_at` is exact to the hour."""

    id: str
    name: str
    scope: Scope
    created_at: datetime
    created_by: str
    expires_at: datetime | None = None
    used_at: datetime | None = None
    revoked_at: datetime | None = None
    revoked_by: str | None = None

    def state(self, now: datetime) -> str:
        """`active`, `expired` or `revoked`."""
        if self.revoked_at is not None:
            return "revoked"
        return "expired" if self.expires_at is not None and self.expires_at <= now else "active"


@dataclass(frozen=True, slots=True)
class WebSession:
    """A login of the page. `digest` is that of what its cookie holds; `via` is `token` or `oidc`."""

    digest: str
    name: str
    scope: Scope
    via: str
    created_at: datetime
    expires_at: datetime
    token_id: str | None = None


@dataclass(frozen=True, slots=True)
class Deed:
    """A line of the trail: who did what to what, from where, and how it ended. `id` counts up; 0 before it is kept.

    via      how the actor was known: `local`, `token`, `session`, `proxy`, `oidc`, `cli`
    outcome  `done` or `refused`
    address  of the client; empty for commands
    """

    at: datetime
    actor: str
    via: str
    action: str
    subject: str = ""
    outcome: str = "done"
    address: str = ""
    detail: str = ""
    id: int = 0


@dataclass(frozen=True, slots=True)
class Actor:
    """Who gives or takes back access, how that is known, and the client's address where there is one."""

    name: str
    via: str
    address: str = ""


@dataclass(frozen=True, slots=True)
class Issued:
    """A new token and its text, which is never shown again."""

    text: str
    token: ApiToken


class Keeping(Protocol):
    """What giving and taking back access needs of the store."""

    def add_token(self, token: ApiToken, digest: str, deed: Deed) -> None: ...

    def revoke_token(self, token_id: str, deed: Deed) -> ApiToken: ...


def issue(store: Keeping, name: str, scope: Scope, lasts: timedelta | None, now: datetime, actor: Actor) -> Issued:
    """Make a token and keep it. `lasts` is None for one that never expires. Raises CredentialError."""
    name = name.strip()
    if not _NAME.fullmatch(name):
        raise CredentialError(
            "a token's name has 1 to 64 letters, digits, spaces, or @ . _ / -; let it say who or what will use it"
        )
    if lasts is not None and lasts <= timedelta(0):
        raise CredentialError("a token has to last for some time: say how long, such as 90d, or never")
    identifier = secrets.token_hex(_ID_BYTES)
    text = f"pa_{identifier}_{secrets.token_hex(_SECRET_BYTES)}"
    try:
        expires = now + lasts if lasts is not None else None
    except OverflowError as error:
        raise CredentialError(
            "that is longer than the calendar: say `never` for a token that does not expire"
        ) from error
    token = ApiToken(identifier, name, scope, now, actor.name, expires)
    until = f"until {expires:%Y-%m-%d}" if expires is not None else "without an end"
    deed = Deed(now, actor.name, actor.via, "token.create", f"{name} ({identifier})", "done", actor.address)
    store.add_token(token, digest(text), _with(deed, f"{scope.value}, {until}"))
    return Issued(text, token)


def revoke(store: Keeping, token: ApiToken, now: datetime, actor: Actor) -> ApiToken:
    """Take a token back and end its sessions. One that was taken back before stays as it is."""
    subject = f"{token.name} ({token.id})"
    return store.revoke_token(
        token.id, Deed(now, actor.name, actor.via, "token.revoke", subject, "done", actor.address)
    )


def id_of(text: str) -> str | None:
    """The id in a token's text; None for what does not look like a token."""
    found = _TOKEN.fullmatch(text)
    return found.group(1) if found else None


def digest(text: str) -> str:
    """What is kept of a token or a session's cookie: its SHA-256 in hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


def same(left: str, right: str) -> bool:
    """Whether two texts are equal, in a time that does not tell where they differ."""
    return hmac.compare_digest(left.encode(), right.encode())


def derived(key: bytes, purpose: str) -> bytes:
    """A key for one purpose from the key of the installation: copies of the service have the same one."""
    return hmac.digest(key, f"parity auditor: {purpose}".encode(), "sha256")


def _with(deed: Deed, detail: str) -> Deed:
    return Deed(deed.at, deed.actor, deed.via, deed.action, deed.subject, deed.outcome, deed.address, detail)
