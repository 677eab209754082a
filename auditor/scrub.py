"""Take secrets out of what is said about a run: an error's message, a traceback, a log line.

What is stored and compared goes through `redact.py` under the installation's key. Nobody compares what is said here, so a
key for this one process will do, and what is known to be secret (variables named like one, values of the
configuration) is replaced besides what looks like a secret.
"""

from __future__ import annotations

import re
import secrets
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from auditor.model import Json

_SECRET_NAME = re.compile(r"TOKEN|SECRET|PASSW|CREDENTIAL|KEY|DSN|_URL$|WEBHOOK", re.IGNORECASE)
_SHORTEST_SECRET = 6
_PLAIN = re.compile(r"[a-zA-Z _,;.()]{0,40}")


class Scrubber:
    """Knows what must not be said. Safe to share between threads."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        from auditor.redact import Redactor

        self._redactor = Redactor(secrets.token_bytes(32))
        self._known = _longest_first(
            {value: f"${{{name}}}" for name, value in environ.items() if _SECRET_NAME.search(name)}
        )

    def learn(self, values: Iterable[str]) -> None:
        """Never say any of `values` either. Very short ones are left, or every text would be full of holes."""
        self._known = _longest_first({**dict.fromkeys(values, "{secret}"), **dict(self._known)})

    def text(self, text: str) -> str:
        """The text without what is, or looks like, a secret."""
        for value, shown in self._known:
            text = text.replace(value, shown)
        return text if _PLAIN.fullmatch(text) else self._redactor.text(text)

    def value(self, key: str, value: Json) -> Json:
        """What is said under `key`, at any depth. A key that promises a secret (`token`) is believed."""
        from auditor.secretnames import names_secret

        if isinstance(value, str):
            cleaned = self.text(value)
            return self._redactor.leaf(cleaned, key, promised=True) if names_secret(key) else cleaned
        if isinstance(value, dict):
            return {self.text(name): self.value(name, inner) for name, inner in value.items()}
        if isinstance(value, list | tuple):
            return [self.value(key, inner) for inner in value]
        return value


def _longest_first(known: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """A secret that is a part of another one must not break that up first."""
    usable = [(value, shown) for value, shown in known.items() if len(value) >= _SHORTEST_SECRET]
    return tuple(sorted(usable, key=lambda item: (-len(item[0]), item[0])))
