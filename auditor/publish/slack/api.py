"""One call of Slack's Web API: what it answers, or an error that says what to do and whether to try again.

Nothing here retries: a message whose fate is unknown must be looked for before it is sent again.
"""

from __future__ import annotations

import logging
import re
import socket
import ssl
from collections.abc import Callable, Mapping
from datetime import timedelta
from http.client import HTTPException
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.error import URLError

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackClientError

from auditor.errors import PublishError

if TYPE_CHECKING:
    from auditor.model import Json

_CODE = re.compile(r"[a-z][a-z0-9_]{1,80}")
_SCOPES = re.compile(r"[a-z.:,_ -]{1,200}")
_LONGEST_WAIT = timedelta(hours=1)
# The method may have done a part of its work, says Slack of these: https://docs.slack.dev/reference/methods/chat.postMessage
_DOUBTFUL = frozenset({"internal_error", "fatal_error"})
_TEMPORARY = frozenset(
    {
        "internal_error",
        "fatal_error",
        "service_unavailable",
        "request_timeout",
        "ratelimited",
        "rate_limited",
        "message_limit_exceeded",
        "team_added_to_org",
        "org_login_required",
        "external_channel_migrating",
    }
)
_REMEDIES: Mapping[str, str] = {
    "channel_not_found": "check the channel's name, or invite the bot to it with /invite if it is private",
    "not_in_channel": "invite the bot to the channel with /invite, or add the scope chat:write.public",
    "is_archived": "unarchive the channel, or name another one in publish.slack",
    "invalid_auth": "set publish.slack.token to the app's bot token (xoxb-…)",
    "not_authed": "set publish.slack.token to the app's bot token (xoxb-…)",
    "account_inactive": "the app was removed from the workspace: install it again and set the new token",
    "token_revoked": "install the app again and set the new token",
    "token_expired": "switch token rotation off for the app, and set a new token",
    "not_allowed_token_type": "set publish.slack.token to the app's bot token (xoxb-…)",
    "missing_scope": "add the scope to the app and install it again",
    "restricted_action": "ask an administrator of the workspace to let the app post there",
    "restricted_action_read_only_channel": "ask an administrator to let the app post there",
    "invalid_blocks": "report this: a message was made that Slack does not take",
    "msg_blocks_too_long": "report this: a message was made that Slack does not take",
    "msg_too_long": "report this: a message was made that Slack does not take",
}


Ask: TypeAlias = Callable[..., Mapping[str, Any]]


class SlackError(PublishError):
    """Slack refused a call or could not be reached. `code` is Slack's word for it, None where it gave none."""

    def __init__(
        self,
        message: str,
        *,
        permanent: bool,
        code: str | None = None,
        retry_after: timedelta | None = None,
        doubt: bool = False,
    ) -> None:
        self.code = code
        super().__init__(message, permanent=permanent, retry_after=retry_after, doubt=doubt)


def web_client(token: str, api_url: str, timeout: timedelta) -> WebClient:
    """A client that asks once: the library would send a message again when the connection broke before the answer."""
    seconds = max(int(timeout.total_seconds()), 1)
    # What the library says below a warning holds whole requests and answers.
    library = logging.getLogger(f"{__name__}.library")
    library.setLevel(logging.WARNING)
    return WebClient(token=token, base_url=api_url, timeout=seconds, retry_handlers=[], logger=library)


def call(method: Callable[..., Any], what: str, **arguments: Json) -> Mapping[str, Json]:
    """What `method` of a client answers. `what` it does completes the sentence `Slack: could not …`. Raises SlackError."""
    try:
        answer = method(**arguments).data
    except SlackApiError as error:
        raise _refusal(error, what) from error
    except URLError as error:
        reason = error.reason
        unsent = isinstance(reason, ConnectionRefusedError | socket.gaierror | ssl.SSLCertVerificationError)
        raise _unreached(what, "it could not be reached", doubt=not unsent) from error
    except TimeoutError as error:
        raise _unreached(what, "it did not answer in time", doubt=True) from error
    except (OSError, HTTPException, SlackClientError, ValueError) as error:
        raise _unreached(what, "the connection broke before the answer", doubt=True) from error
    if not isinstance(answer, dict):
        raise _unreached(what, "its answer could not be read", doubt=True)
    return answer


class Patient:
    """Makes calls as `call` does, but none any more once `limit` of `elapsed` (monotonic seconds) is over."""

    def __init__(self, elapsed: Callable[[], float], limit: timedelta) -> None:
        self._elapsed = elapsed
        self._until = elapsed() + limit.total_seconds()

    def __call__(self, method: Callable[..., Any], what: str, **arguments: Json) -> Mapping[str, Json]:
        if self._elapsed() >= self._until:
            raise SlackError(f"Slack: could not {what}: its answers take too long", permanent=False)
        return call(method, what, **arguments)


def _unreached(what: str, why: str, *, doubt: bool) -> SlackError:
    return SlackError(f"Slack: could not {what}: {why}; it is tried again", permanent=False, doubt=doubt)


def _refusal(error: SlackApiError, what: str) -> SlackError:
    response = error.response
    status = response.status_code
    data = response.data if isinstance(response.data, dict) else {}
    code = data.get("error")
    if not isinstance(code, str) or not _CODE.fullmatch(code):
        code = None
    if status == 429 or code in ("ratelimited", "rate_limited"):
        wait = _retry_after(response.headers)
        return SlackError(
            f"Slack: could not {what}: it asks to slow down", permanent=False, code="ratelimited", retry_after=wait
        )
    if status >= 500 or code is None:
        return SlackError(f"Slack: could not {what}: it answered {status}", permanent=False, code=code, doubt=True)
    if code in _TEMPORARY:
        return SlackError(f"Slack: could not {what}: {code}", permanent=False, code=code, doubt=code in _DOUBTFUL)
    remedy = _REMEDIES.get(code, f"look up {code} in Slack's documentation of the method")
    needed = data.get("needed")
    if code == "missing_scope" and isinstance(needed, str) and _SCOPES.fullmatch(needed):
        remedy = f"add the scope {needed} to the app and install it again"
    return SlackError(f"Slack: could not {what}: {code}; {remedy}", permanent=True, code=code)


def _retry_after(headers: Mapping[str, str]) -> timedelta | None:
    found = {name.lower(): value for name, value in headers.items()}.get("retry-after", "")
    return min(timedelta(seconds=int(found)), _LONGEST_WAIT) if found.isascii() and found.isdigit() else None
