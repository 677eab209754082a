"""Who may use the page and the API, and what they did there. Part of `tables`, and its migrations."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from auditor.store.columns import DIGEST, NAME, Base


class ApiTokenRow(Base):
    """A token that a program shows instead of logging in. Only the SHA-256 of it is kept, in hexadecimal."""

    __tablename__ = "api_tokens"

    id: Mapped[str] = mapped_column(NAME, primary_key=True)
    name: Mapped[str]
    digest: Mapped[str] = mapped_column(DIGEST, index=True, unique=True)
    scope: Mapped[str] = mapped_column(NAME)
    created_at: Mapped[datetime]
    created_by: Mapped[str]
    expires_at: Mapped[datetime | None]
    used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    revoked_by: Mapped[str | None]


class WebSessionRow(Base):
    """Somebody who is logged in. `digest` is the SHA-256 of the cookie; a session that a token opened ends with the token."""

    __tablename__ = "web_sessions"

    digest: Mapped[str] = mapped_column(DIGEST, primary_key=True)
    name: Mapped[str]
    scope: Mapped[str] = mapped_column(NAME)
    via: Mapped[str] = mapped_column(NAME)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    token_id: Mapped[str | None] = mapped_column(NAME, index=True)


class TrailRow(Base):
    """Who did or tried what through the page and the API, in the order recorded.

    Triggers of the database refuse to change or delete a row (`migrations/versions/r0005_page.py`)."""

    __tablename__ = "trail"
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(index=True)
    actor: Mapped[str]
    via: Mapped[str] = mapped_column(NAME)
    action: Mapped[str] = mapped_column(NAME)
    subject: Mapped[str]
    outcome: Mapped[str] = mapped_column(NAME)
    address: Mapped[str]
    detail: Mapped[str]
