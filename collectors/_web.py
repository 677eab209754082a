"""One far side that speaks HTTP, asked with GET only: whole answers in bounded time and memory, every error as ours.

An answer is complete, or it is a CollectError: a refusal, a redirect to elsewhere, half an answer, one that is too large
or too late never reads as an empty list. What a server says in an error's body is never repeated: it may quote a token.
"""

from __future__ import annotations

import json
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from auditor.errors import CollectError
from auditor.model import GapReason
from collectors._inflate import ASKED_FOR, unpacked
from collectors._meter import counted

if TYPE_CHECKING:
    import httpx

    from auditor.collector import Context

T = TypeVar("T")

MAX_REDIRECTS = 3
_TRUSTED = "web.trusted"
_REASONS = {
    401: GapReason.ACCESS_DENIED,
    403: GapReason.ACCESS_DENIED,
    407: GapReason.ACCESS_DENIED,
    408: GapReason.TIMEOUT,
    429: GapReason.THROTTLED,
    504: GapReason.TIMEOUT,
}

_MEANINGS = {
    401: "the credentials are not accepted",
    403: "the credentials may not read this",
    404: "nothing is there, or the credentials may not see it: check the address and the names",
    407: "the proxy asks for credentials",
    429: "it was asked too often",
}


@dataclass(frozen=True, slots=True)
class Reply:
    """A good answer: its status, its headers by lower-case name, and its whole body."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    charset: str = "utf-8"

    def text(self) -> str:
        """The body as text. Raises CollectError (malformed) where it is none: two answers that cannot be read are not equal."""
        try:
            return self.body.decode(self.charset)
        except (LookupError, UnicodeError) as error:
            raise CollectError(
                GapReason.MALFORMED, "the answer is not text in the charset that it names, or UTF-8"
            ) from error

    def json(self) -> Any:
        """The body as JSON. Raises CollectError (malformed) where it is none."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError) as error:
            raise CollectError(GapReason.MALFORMED, "the answer is not JSON") from error


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """How one far side is asked.

    api        its name in the metrics of requests: `github`
    base       address that paths are appended to; empty where whole addresses are asked
    headers    sent with every request, as for authorization; never shown
    timeout    seconds for one whole answer, redirects included
    max_bytes  the largest answer that is read
    trust      what verifies its certificate: `trust()`; None means by those that httpx trusts
    attempts   how often a throttled or unreachable far side is asked before that is a gap
    head       only status and headers are wanted: the body is not read
    """

    api: str
    base: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    timeout: float = 30.0
    max_bytes: int = 67_108_864
    trust: ssl.SSLContext | None = None
    attempts: int = 1
    head: bool = False

    def json(self, context: Context, path: str, /, *, absent: tuple[int, ...] = (), **parameters: str | int) -> Any:
        """The JSON at `path`; None where one of the statuses in `absent` says that there is none. Raises CollectError."""
        reply = self.get(context, path, accept=(200, *absent), **parameters)
        return None if reply.status in absent else reply.json()

    def get(
        self, context: Context, path: str, /, *, accept: tuple[int, ...] = (200,), **parameters: str | int
    ) -> Reply:
        """One GET, asked again after a pause where the far side is busy and `attempts` allow. Raises CollectError."""
        for attempt in range(1, self.attempts + 1):
            try:
                return self._once(context, path, accept, parameters)
            except CollectError as error:
                again = error.reason in (GapReason.THROTTLED, GapReason.UNREACHABLE)
                if attempt == self.attempts or not again or context.cancelled.wait(min(2.0**attempt / 2, 8.0)):
                    raise
        raise AssertionError("a site is asked at least once")

    def _once(self, context: Context, path: str, accept: tuple[int, ...], parameters: Mapping[str, str | int]) -> Reply:
        seconds = min(self.timeout, context.timeout)
        return within(seconds, lambda close: self._ask(context, path, accept, parameters, seconds, close))

    def _ask(
        self,
        context: Context,
        path: str,
        accept: tuple[int, ...],
        parameters: Mapping[str, str | int],
        seconds: float,
        close: list[Callable[[], None]],
    ) -> Reply:
        import httpx

        end = time.monotonic() + seconds
        plain = {"accept": "application/json", "accept-encoding": ASKED_FOR, "user-agent": "parity-auditor"}
        headers = {**plain, **self.headers}
        verify = self.trust or trust(None, context)
        with (
            classified(seconds),
            httpx.Client(verify=verify, timeout=seconds, follow_redirects=False, trust_env=True) as client,
        ):
            close.append(client.close)
            url = httpx.URL(f"{self.base}{path}")
            url = url.copy_merge_params(parameters) if parameters else url
            for _ in range(MAX_REDIRECTS + 1):
                with (
                    counted(context.meter, self.api),
                    classified(seconds),
                    client.stream("GET", url, headers=headers) as response,
                ):
                    if not response.has_redirect_location or response.status_code in accept:
                        body = self._body(response, accept, end, seconds)
                        heads = {name.lower(): value for name, value in response.headers.items()}
                        return Reply(response.status_code, heads, body, response.charset_encoding or "utf-8")
                    url = redirected(url, response)
            raise CollectError(GapReason.UNSUPPORTED, f"more than {MAX_REDIRECTS} redirects")

    def _body(self, response: httpx.Response, accept: tuple[int, ...], end: float, seconds: float) -> bytes:
        status = response.status_code
        if status not in accept:
            raise CollectError(status_reason(status), f"answered {status}, {meaning_of(status)}")
        body = bytearray()
        if self.head:
            return b""
        for chunk in unpacked(response.iter_raw(), response.headers.get("content-encoding", "")):
            body += chunk
            if len(body) > self.max_bytes:
                raise CollectError(GapReason.TRUNCATED, f"the answer is larger than {self.max_bytes} bytes")
            if time.monotonic() > end:
                raise CollectError(GapReason.TIMEOUT, f"no whole answer within {seconds:g} s")
        return bytes(body)


def status_reason(status: int) -> GapReason:
    """What a status that was not expected means for what was asked."""
    return _REASONS.get(status) or (GapReason.UNREACHABLE if status >= 500 else GapReason.UNSUPPORTED)


def meaning_of(status: int) -> str:
    """What an answer with a status that was not expected says, in words."""
    return _MEANINGS.get(status) or ("an error of its own" if status >= 500 else "which is not what was asked for")


def within(seconds: float, work: Callable[[list[Callable[[], None]]], T]) -> T:
    """`work`'s result, if it comes in time.

    httpx bounds each single read, so a server that drips its headers byte by byte, or a name server that does not
    answer, is never too slow for it. Here the whole is bounded: what is late is closed and left behind.
    """
    close: list[Callable[[], None]] = []
    result: list[T] = []
    failure: list[BaseException] = []

    def run() -> None:
        try:
            result.append(work(close))
        except BaseException as error:  # noqa: BLE001 - it is raised again in the thread that waits
            failure.append(error)

    thread = threading.Thread(target=run, name="http-request", daemon=True)
    thread.start()
    thread.join(seconds)
    if failure:
        raise failure[0]
    if result:
        return result[0]
    for function in close:
        function()
    raise CollectError(GapReason.TIMEOUT, f"no whole answer within {seconds:g} s")


@contextmanager
def classified(seconds: float) -> Iterator[None]:
    """httpx's errors as ours."""
    import httpx

    try:
        yield
    except httpx.TimeoutException as error:
        raise CollectError(GapReason.TIMEOUT, f"no answer within {seconds:g} s") from error
    except httpx.LocalProtocolError as error:
        # Its text quotes what could not be sent, which may be a header with a token.
        raise CollectError(GapReason.UNSUPPORTED, "the request cannot be sent: check url and headers") from error
    except (httpx.RequestError, httpx.InvalidURL) as error:
        reason = GapReason.MALFORMED if isinstance(error, httpx.DecodingError | httpx.InvalidURL) else None
        raise CollectError(reason or GapReason.UNREACHABLE, f"{type(error).__name__}: {error}") from error


class _Trusted:
    """What verifies certificates, by the authority's file. Safe between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._made: dict[Path | None, ssl.SSLContext] = {}

    def by(self, authority: Path | None) -> ssl.SSLContext:
        import httpx

        with self._lock:
            found = self._made.get(authority)
            if found is None:
                found = (
                    httpx.create_ssl_context() if authority is None else ssl.create_default_context(cafile=authority)
                )
                self._made[authority] = found
            return found


def trust(ca_file: Path | None, context: Context) -> ssl.SSLContext:
    """Certificates are always verified, against the given authority or those that httpx trusts. Raises CollectError.

    Made once in a run for all sites that trust the same: loading the authorities takes longer than most answers."""
    trusted: _Trusted = context.shared.setdefault(_TRUSTED, _Trusted())
    try:
        return trusted.by(context.folder / ca_file if ca_file is not None else None)
    except (OSError, ssl.SSLError) as error:
        raise CollectError(GapReason.UNREACHABLE, f"ca_file {ca_file} cannot be used: {error}") from error


def redirected(url: httpx.URL, response: httpx.Response) -> httpx.URL:
    """Where the answer points to. Never to another host, which would get our headers and answer in another's name."""
    target = url.join(response.headers["location"])
    if target.host != url.host or (url.scheme == "https" and target.scheme != "https"):
        detail = f"redirects to {target.scheme}://{target.host}, which is not followed"
        raise CollectError(GapReason.UNSUPPORTED, detail)
    if target.scheme == url.scheme and target.port != url.port:
        raise CollectError(GapReason.UNSUPPORTED, f"redirects to port {target.port}, which is not followed")
    return target


def shown(url: httpx.URL) -> str:
    """The address without user, password, query and fragment, each of which may hold a secret."""
    return str(url.copy_with(username=None, password=None, query=None, fragment=None))
