"""The service's cookies: never for scripts, never with requests of other sites' forms, encrypted where the service is."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fastapi import Request

SESSION = "session"
BROWSER = "browser"
LOGIN = "login"
# Where the middleware finds what to set (auditor/web/security.py).
STATE = "parity_cookies"
_RANDOM = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Cookies:
    """`secure`: people reach the service over https. A browser then keeps others from setting cookies of these names."""

    secure: bool

    def name(self, what: str) -> str:
        return f"__Host-parity_{what}" if self.secure else f"parity_{what}"

    def read(self, request: Request, what: str) -> str:
        """What the browser sends; empty where it has no such cookie."""
        return request.cookies.get(self.name(what), "")

    def random(self, request: Request, what: str) -> str:
        """The same of a cookie that holds 256 random bits; empty for anything else."""
        value = self.read(request, what)
        return value if _RANDOM.fullmatch(value) else ""

    def put(self, request: Request, what: str, value: str, lasts: timedelta | None = None) -> None:
        """Have the answer set it, until the browser ends where no time is given.

        Lax, not Strict: a link in a message would else arrive without it, and what is set in its place would make the
        forms of other tabs worthless. Requests that change something need more than a cookie anyway."""
        parts = [f"{self.name(what)}={value}", "Path=/", "HttpOnly", "SameSite=Lax"]
        if lasts is not None:
            parts.append(f"Max-Age={int(lasts.total_seconds())}")
        if self.secure:
            parts.append("Secure")
        request.scope.setdefault("state", {}).setdefault(STATE, []).append("; ".join(parts))

    def drop(self, request: Request, what: str) -> None:
        """Have the browser forget it."""
        self.put(request, what, "", timedelta(0))
