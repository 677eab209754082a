"""Whether a request really comes from Slack, and for the first time.

https://docs.slack.dev/authentication/verifying-requests-from-slack. What was accepted once is refused for as long as its
timestamp would still pass; the memory is this process's own, and acts are the same however often they are asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from threading import Lock

from slack_sdk.signature import Clock, SignatureVerifier

OLDEST = timedelta(minutes=5)
_MOST_REMEMBERED = 10_000
_LONGEST_TIMESTAMP = 12


class _Clock(Clock):
    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock

    def now(self) -> float:
        return self._clock().timestamp()


class Signatures:
    """Checks signatures against one secret. Safe to share between threads."""

    def __init__(self, secret: str, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._verifier = SignatureVerifier(secret, _Clock(clock))
        self._seen: dict[str, datetime] = {}
        self._lock = Lock()

    def accept(self, body: bytes, headers: Mapping[str, str]) -> bool:
        """Whether the request is signed with the secret, at most five minutes old, and was not accepted before."""
        given = {name.lower(): value for name, value in headers.items()}
        timestamp = given.get("x-slack-request-timestamp", "")
        signature = given.get("x-slack-signature", "")
        if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= _LONGEST_TIMESTAMP):
            return False
        if not signature.isascii() or not _is_text(body):
            return False
        if not self._verifier.is_valid(body, timestamp, signature):
            return False
        return self._first(signature, datetime.fromtimestamp(int(timestamp), UTC) + OLDEST)

    def _first(self, signature: str, until: datetime) -> bool:
        now = self._clock()
        with self._lock:
            if len(self._seen) >= _MOST_REMEMBERED:
                self._seen = {known: end for known, end in self._seen.items() if end >= now}
            if signature in self._seen or len(self._seen) >= _MOST_REMEMBERED:
                return False
            self._seen[signature] = until
            return True


def _is_text(body: bytes) -> bool:
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True
