"""The service itself: who asks, tokens, the trail, what is told to whom, what can be read."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from auditor.credentials import Scope
from auditor.model import Category
from auditor.web.api.shapes import Next, Shape, Time


class Whoami(Shape):
    """Who the service takes you for."""

    name: str = Field(description="What is recorded as the actor.")
    scope: Scope
    via: str = Field(description="`local`, `token`, `session` or `proxy`.")


class Token(Shape):
    """An API token, without its secret, as `audit token list --format json` prints it."""

    id: str
    name: str
    scope: Scope
    state: Literal["active", "expired", "revoked"]
    created_by: str
    revoked_by: str | None
    created_at: Time
    expires_at: Time | None = Field(description="Null: never.")
    used_at: Time | None = Field(description="Exact to the hour.")
    revoked_at: Time | None


class TokenList(Shape):
    """Tokens, the oldest first."""

    items: list[Token]
    next: Next


class NewToken(Token):
    """A token that was just made."""

    token: str = Field(description="Its text, which is never shown again.")


class Deed(Shape):
    """A line of the trail."""

    id: int
    at: Time
    actor: str
    via: str
    action: str
    subject: str
    outcome: str
    address: str
    detail: str


class Trail(Shape):
    """Who did what, the newest first."""

    items: list[Deed]
    next: Next


class Notice(Shape):
    """Something that people or machines are told, as `audit notices --format json` prints it."""

    id: str
    state: Literal["pending", "delivered", "failed"]
    kind: str
    target: str
    topic: str | None
    about: str
    created_at: Time
    not_before: Time
    attempts: int
    attempted_at: Time | None
    in_doubt: bool = Field(description="Nobody knows whether the last attempt got through.")
    next_at: Time | None
    error: str | None
    reference: Any = Field(description="What the far side called it.")
    delivered_at: Time | None


class NoticeList(Shape):
    """Notices, the newest first."""

    items: list[Notice]


class Kind(Shape):
    name: str
    category: Category
    about: str
    type: str = Field(description="CloudFormation's or the API's name.")


class Collector(Shape):
    """What one collector reads, as `audit collectors --format json` prints it."""

    name: str
    about: str
    kinds: list[Kind]
    permissions: list[str]
    options: dict[str, Any] = Field(description="The JSON Schema of what a source may say.")


class CollectorList(Shape):
    """The collectors that there are, by name."""

    items: list[Collector]
    next: Next
