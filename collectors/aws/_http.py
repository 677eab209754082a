"""Carries botocore's signed requests over the standard library's HTTP/1.1, for all clients of one session.

botocore's own way costs a third of the CPU time of a request, and reads its 140 root certificates anew for every connection,
some 50 ms each. What is asked here is small and is read whole, so that less will do: `send` answers botocore's event
`before-send`. Whatever needs more (a proxy, a body that is streamed in or out) is left to botocore, by answering nothing.
"""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
import weakref
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from botocore import exceptions
from botocore.awsrequest import AWSResponse
from botocore.httpsession import create_urllib3_context, get_cert_path
from botocore.utils import get_environ_proxies
from urllib3.util import wait_for_read

_PORTS = {"http": 80, "https": 443}
# What a header says that only botocore knows how to do.
_BEYOND = ("expect", "transfer-encoding")


class _Place(NamedTuple):
    """Whom a connection leads to."""

    scheme: str
    host: str
    port: int


class Transport:
    """Connections that are kept open between requests, and the certificates that all of them trust. Safe between threads.

    `verify` is the file of certificates to trust, True for botocore's. Both timeouts are in seconds."""

    def __init__(self, verify: str | bool, connect_timeout: float, read_timeout: float) -> None:
        self._verify = verify
        self._connect_timeout, self._read_timeout = connect_timeout, read_timeout
        self._free: dict[_Place, list[http.client.HTTPConnection]] = defaultdict(list)
        self._proxied: dict[_Place, bool] = {}
        self._tls: ssl.SSLContext | None = None
        self._lock = threading.Lock()
        weakref.finalize(self, _close, self._free)

    def send(self, request: Any, **_: Any) -> AWSResponse | None:
        """The answer to `request` (botocore's AWSPreparedRequest), read whole; None where botocore has to ask by itself.

        Raises botocore's exceptions, so that it tries again what it would have tried again."""
        url = urlsplit(request.url)
        if url.hostname is None or url.scheme not in _PORTS:
            return None
        place = _Place(url.scheme, url.hostname, url.port or _PORTS[url.scheme])
        headers = _said(request.headers)
        if _needs_more(request, headers) or self._is_proxied(place, request.url):
            return None
        target = f"{url.path or '/'}{'?' + url.query if url.query else ''}"
        body = request.body.encode() if isinstance(request.body, str) else request.body
        connection = self._connection(place, request.url)
        try:
            connection.request(request.method, target, body, headers)
            with connection.getresponse() as answer:
                content = answer.read()
                stays = not answer.will_close
        except TimeoutError as error:
            connection.close()
            raise exceptions.ReadTimeoutError(endpoint_url=request.url, error=error) from error
        except (ValueError, http.client.InvalidURL) as error:
            # A line break in a header, or a path with one: as it stands it is never sent.
            connection.close()
            raise exceptions.HTTPClientError(error=error) from error
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            raise exceptions.ConnectionClosedError(error=error, request=request, endpoint_url=request.url) from error
        if stays:
            self._free[place].append(connection)
        else:
            connection.close()
        return AWSResponse(request.url, answer.status, _joined(answer.headers.raw_items()), _Body(content))

    def _is_proxied(self, place: _Place, url: str) -> bool:
        found = self._proxied.get(place)
        if found is None:
            found = self._proxied[place] = bool(get_environ_proxies(url))
        return found

    def _connection(self, place: _Place, url: str) -> http.client.HTTPConnection:
        free = self._free[place]
        while True:
            try:
                kept = free.pop()
            except IndexError:
                return self._connected(place, url)
            # Nothing was asked, so what can be read by now is that the far side has closed it.
            if kept.sock is not None and not wait_for_read(kept.sock, timeout=0):
                return kept
            kept.close()

    def _connected(self, place: _Place, url: str) -> http.client.HTTPConnection:
        made = self._made(place, url)
        try:
            made.connect()
        except TimeoutError as error:
            made.close()
            raise exceptions.ConnectTimeoutError(endpoint_url=url, error=error) from error
        except ssl.SSLError as error:
            made.close()
            raise exceptions.SSLError(endpoint_url=url, error=error) from error
        except OSError as error:
            made.close()
            raise exceptions.EndpointConnectionError(endpoint_url=url, error=error) from error
        made.sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        made.sock.settimeout(self._read_timeout)
        return made

    def _made(self, place: _Place, url: str) -> http.client.HTTPConnection:
        if place.scheme == "http":
            return http.client.HTTPConnection(place.host, place.port, timeout=self._connect_timeout)
        try:
            context = self._context()
        except OSError as error:  # there is no such file of certificates, or none in it
            raise exceptions.SSLError(endpoint_url=url, error=error) from error
        return http.client.HTTPSConnection(place.host, place.port, timeout=self._connect_timeout, context=context)

    def _context(self) -> ssl.SSLContext:
        with self._lock:
            if self._tls is None:
                made = create_urllib3_context()
                made.verify_mode = ssl.CERT_REQUIRED
                made.check_hostname = True
                made.load_verify_locations(get_cert_path(self._verify))
                self._tls = made
            return self._tls


class _Body:
    """What botocore reads an answer from."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def stream(self) -> Iterator[bytes]:
        yield self._content


def _needs_more(request: Any, headers: Mapping[str, str]) -> bool:
    """Whether only botocore knows how to send it."""
    if request.stream_output or not isinstance(request.body, bytes | str | None):
        return True
    return request.context.get("read_timeout") is not None or any(name.lower() in _BEYOND for name in headers)


def _said(headers: Any) -> dict[str, str]:
    return {
        name: value.decode("latin-1") if isinstance(value, bytes) else str(value) for name, value in headers.items()
    }


def _joined(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Headers by name; one that comes several times, as one with commas."""
    found: dict[str, str] = {}
    for name, value in headers:
        found[name] = f"{found[name]}, {value}" if name in found else value
    return found


def _close(free: dict[_Place, list[http.client.HTTPConnection]]) -> None:
    for connections in free.values():
        for connection in connections:
            connection.close()
