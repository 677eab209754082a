"""What goes on behind a page: anything that a reader would not see and should not happen is written down."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, ConsoleMessage, Dialog, Request, Response, WebError

# What the browser has to be told with every answer.
HEADERS = {
    "content-security-policy": r"default-src 'none'(?!.*unsafe).*frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin|no-referrer",
}
_NOISY = ("error", "warning")


class Watch:
    """Listens to a browser context. `problems` is everything that must not be, but for what matches `expected`."""

    def __init__(self, context: BrowserContext, url: str, expected: str = "") -> None:
        self.problems: list[str] = []
        self._host = urlsplit(url).netloc
        self._expected = expected
        context.on("console", self._console)
        context.on("weberror", self._error)
        context.on("dialog", self._dialog)
        context.on("request", self._request)
        context.on("response", self._response)

    def taken(self) -> list[str]:
        """The problems so far, which are then forgotten."""
        found, self.problems = self.problems, []
        return found

    def _note(self, problem: str) -> None:
        if not self._expected or not re.search(self._expected, problem):
            self.problems.append(problem)

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in _NOISY or "Content Security Policy" in message.text:
            self._note(f"console {message.type}: {message.text} ({message.location.get('url', '')})")

    def _error(self, error: WebError) -> None:
        self._note(f"page error: {error.error}")

    def _dialog(self, dialog: Dialog) -> None:
        self._note(f"dialog: {dialog.message}")
        dialog.dismiss()

    def _request(self, request: Request) -> None:
        if urlsplit(request.url).netloc != self._host:
            self._note(f"request to another host: {request.url[:200]}")

    def _response(self, response: Response) -> None:
        if response.status >= 500:
            self._note(f"{response.status} from {response.url}")
        given = response.headers
        for name, pattern in HEADERS.items():
            if not re.search(pattern, given.get(name, "")):
                self._note(f"{response.url} says {name}: {given.get(name)}")
