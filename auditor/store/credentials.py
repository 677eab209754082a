"""API tokens, sessions of the page, and the trail of who gave, took or used what access. Secrets are kept as hashes only."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select, update

from auditor.credentials import ApiToken, Deed, Scope, WebSession
from auditor.store.access_tables import ApiTokenRow, TrailRow, WebSessionRow
from auditor.store.errors import NotFoundError
from auditor.store.opened import Opened


class Credentials(Opened):
    """One method per question, each one transaction. Part of `Store`'s face."""

    def add_token(self, token: ApiToken, digest: str, deed: Deed) -> None:
        """Keep a new token by the hash of its text, and who made it."""
        with self._database.writing() as session:
            session.add(ApiTokenRow(digest=digest, **_columns(token)))
            session.add(_line(deed))

    def tokens(self) -> tuple[ApiToken, ...]:
        """Every token ever made, newest first; expired and revoked ones too."""
        with self._database.reading() as session:
            rows = session.scalars(select(ApiTokenRow).order_by(ApiTokenRow.created_at.desc(), ApiTokenRow.id))
            return tuple(_token(row) for row in rows)

    def token(self, token_id: str) -> tuple[ApiToken, str] | None:
        """A token by its whole id, and the hash of its text."""
        with self._database.reading() as session:
            row = session.get(ApiTokenRow, token_id)
            return (_token(row), row.digest) if row is not None else None

    def token_used(self, token_id: str, at: datetime) -> None:
        """Remember when a token was used last."""
        with self._database.writing() as session:
            session.execute(update(ApiTokenRow).where(ApiTokenRow.id == token_id).values(used_at=at))

    def revoke_token(self, token_id: str, deed: Deed) -> ApiToken:
        """Take a token back at the time of `deed`, in its actor's name, and end its sessions. Raises NotFoundError.

        One that was taken back before stays as it was, and nothing is added to the trail."""
        with self._database.writing() as session:
            row = session.get(ApiTokenRow, token_id)
            if row is None:
                raise NotFoundError(f"store: there is no token {token_id!r}")
            if row.revoked_at is None:
                row.revoked_at, row.revoked_by = deed.at, deed.actor
                session.add(_line(deed))
            session.execute(delete(WebSessionRow).where(WebSessionRow.token_id == token_id))
            return _token(row)

    def begin_session(self, begun: WebSession, deed: Deed, replaces: str | None = None) -> None:
        """Keep a new session in place of the one with the digest `replaces`, and let go of all that have ended."""
        ended = [WebSessionRow.expires_at <= begun.created_at, WebSessionRow.digest == replaces]
        with self._database.writing() as session:
            for condition in ended:
                session.execute(delete(WebSessionRow).where(condition))
            session.add(
                WebSessionRow(
                    digest=begun.digest,
                    name=begun.name,
                    scope=begun.scope.value,
                    via=begun.via,
                    created_at=begun.created_at,
                    expires_at=begun.expires_at,
                    token_id=begun.token_id,
                )
            )
            session.add(_line(deed))

    def session(self, digest: str, now: datetime) -> WebSession | None:
        """The session whose cookie has this hash, if it has not ended, and its token was not taken back."""
        with self._database.reading() as session:
            row = session.scalars(_live(now).where(WebSessionRow.digest == digest)).first()
            return _session(row) if row is not None else None

    def sessions(self, now: datetime) -> tuple[WebSession, ...]:
        """Those that have not ended, newest first."""
        with self._database.reading() as session:
            rows = session.scalars(_live(now).order_by(WebSessionRow.created_at.desc(), WebSessionRow.digest))
            return tuple(_session(row) for row in rows)

    def end_session(self, digest: str, deed: Deed) -> bool:
        """End a session. False where there is none, and then nothing is added to the trail."""
        with self._database.writing() as session:
            result: Any = session.execute(delete(WebSessionRow).where(WebSessionRow.digest == digest))
            if not result.rowcount:
                return False
            session.add(_line(deed))
            return True

    def add_deed(self, deed: Deed) -> None:
        """Add a line to the trail. None is ever changed or removed."""
        with self._database.writing() as session:
            session.add(_line(deed))

    def trail(self, *, before: int | None = None, limit: int = 100) -> Sequence[Deed]:
        """Lines of the trail, newest first; `before` is the id of the last one on the page before."""
        statement = select(TrailRow).order_by(TrailRow.id.desc()).limit(limit)
        if before is not None:
            statement = statement.where(TrailRow.id < before)
        with self._database.reading() as session:
            return tuple(_deed(row) for row in session.scalars(statement))


def _live(now: datetime) -> Any:
    taken_back = select(ApiTokenRow.id).where(ApiTokenRow.revoked_at.is_not(None))
    own = WebSessionRow.token_id.is_(None) | WebSessionRow.token_id.not_in(taken_back)
    return select(WebSessionRow).where(WebSessionRow.expires_at > now, own)


def _columns(token: ApiToken) -> dict[str, Any]:
    return {
        "id": token.id,
        "name": token.name,
        "scope": token.scope.value,
        "created_at": token.created_at,
        "created_by": token.created_by,
        "expires_at": token.expires_at,
        "used_at": token.used_at,
        "revoked_at": token.revoked_at,
        "revoked_by": token.revoked_by,
    }


def _token(row: ApiTokenRow) -> ApiToken:
    return ApiToken(
        row.id,
        row.name,
        Scope(row.scope),
        row.created_at,
        row.created_by,
        row.expires_at,
        row.used_at,
        row.revoked_at,
        row.revoked_by,
    )


def _session(row: WebSessionRow) -> WebSession:
    return WebSession(row.digest, row.name, Scope(row.scope), row.via, row.created_at, row.expires_at, row.token_id)


def _line(deed: Deed) -> TrailRow:
    return TrailRow(
        at=deed.at,
        actor=_fit(deed.actor),
        via=_fit(deed.via),
        action=_fit(deed.action),
        subject=_fit(deed.subject),
        outcome=_fit(deed.outcome),
        address=_fit(deed.address),
        detail=_fit(deed.detail, 2000),
    )


def _fit(text: str, room: int = 250) -> str:
    """Names come from providers and forms. PostgreSQL takes no NUL, and nobody reads more than this of one."""
    text = text.replace("\x00", "")
    return text if len(text) <= room else f"{text[: room - 1]}…"


def _deed(row: TrailRow) -> Deed:
    return Deed(row.at, row.actor, row.via, row.action, row.subject, row.outcome, row.address, row.detail, row.id)
