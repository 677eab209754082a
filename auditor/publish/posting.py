"""One POST, and what its answer means for a notice: accepted, later again, or never."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus

import httpx

from auditor.errors import PublishError
from auditor.publish.spelling import brief

_TIMEOUT = httpx.Timeout(10.0, connect=5.0)
# Of an answer nothing is read but what tells a person why it was refused.
_MOST_READ = 4096
_TEMPORARY = frozenset({408, 425, 429})


def client() -> httpx.Client:
    """A client for far sides that the configuration names: certificates are checked, redirections are not followed."""
    return httpx.Client(timeout=_TIMEOUT, follow_redirects=False, headers={"User-Agent": "parity-auditor"})


def post(sender: httpx.Client, url: str, body: bytes, headers: Mapping[str, str], *, far: str, now: datetime) -> None:
    """Send `body`; returns when the answer is 2xx. Raises PublishError, which calls the far side `far`, never its URL.

    408, 425, 429 and 5xx are temporary, as is whatever breaks on the way; every other answer is permanent."""
    try:
        with sender.stream("POST", url, content=body, headers=dict(headers)) as response:
            status = response.status_code
            if 200 <= status < 300:
                return
            said = _beginning(response)
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
        raise PublishError(f"{far} cannot be reached: {_reason(error)}", permanent=False) from error
    except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
        raise PublishError(f"the address of {far} is not one: {_reason(error)}", permanent=True) from error
    except httpx.HTTPError as error:
        message = f"{far} did not answer: {_reason(error)}"
        raise PublishError(message, permanent=False, doubt=True) from error
    permanent = status not in _TEMPORARY and status < 500
    raise PublishError(
        f"{far} answered {status} {_phrase(status)}{said}",
        permanent=permanent,
        retry_after=None if permanent else _retry_after(response.headers.get("Retry-After"), now),
    )


def _beginning(response: httpx.Response) -> str:
    read = b""
    for chunk in response.iter_bytes(_MOST_READ):
        read += chunk
        if len(read) >= _MOST_READ:
            break
    text = brief(" ".join(read[:_MOST_READ].decode("utf-8", "replace").split()))
    return f": {text}" if text else ""


def _phrase(status: int) -> str:
    if 300 <= status < 400:
        return "(a redirection, which is not followed)"
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "(an unknown status)"


def _reason(error: Exception) -> str:
    return str(error) or type(error).__name__


def _retry_after(text: str | None, now: datetime) -> timedelta | None:
    """Seconds, or a date (RFC 9110, 10.2.3)."""
    if text is None:
        return None
    if text.strip().isascii() and text.strip().isdigit():
        return timedelta(seconds=min(int(text.strip()), 10**7))
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(moment - now, timedelta(0))
