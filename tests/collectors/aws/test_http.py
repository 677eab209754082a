"""How botocore's requests are carried: kept connections, what is left to botocore, and what a broken one is raised as."""

from __future__ import annotations

import http.server
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from botocore import exceptions
from botocore.awsrequest import AWSRequest, AWSResponse
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from collectors.aws._http import Transport


class _Far(http.server.BaseHTTPRequestHandler):
    """Answers as the path says, and writes down which connection asked what."""

    protocol_version = "HTTP/1.1"
    seen: list[tuple[int, str, str, dict[str, str], bytes]]

    def do_GET(self) -> None:
        self._answer()

    def do_HEAD(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.seen.append((self.client_address[1], self.command, self.path, dict(self.headers), body))
        if self.path == "/silent":
            self.server.silence.wait(10)  # type: ignore[attr-defined]
        self.close_connection = self.path in ("/silent", "/closing", "/short")
        self.send_response(429 if self.path == "/throttled" else 200)
        self.send_header("X-Twice", "one")
        self.send_header("X-Twice", "two")
        if self.path == "/closing":
            self.send_header("Connection", "close")
        if self.path == "/chunked":
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            self.wfile.write(b"3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n")
            return
        self.send_header("Content-Length", "9" if self.path == "/short" else "5")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(b"hello")

    def log_message(self, *_: Any) -> None:
        """Tests print nothing."""


def _certificate(folder: Path) -> Path:
    """A self-signed one for 127.0.0.1, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "stand-in")])
    now = datetime.now(UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    encoding = serialization.Encoding.PEM
    private = key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path = folder / "server.pem"
    path.write_bytes(private + built.public_bytes(encoding))
    return path


@contextmanager
def far(tls: ssl.SSLContext | None = None) -> Iterator[tuple[str, list[tuple[int, str, str, dict[str, str], bytes]]]]:
    """A server's address, and what it was asked: port of the connection, method, path, headers, body."""
    handler: Any = type("Far", (_Far,), {"seen": []})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        if tls is not None:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        silence = server.silence = threading.Event()  # type: ignore[attr-defined]
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        try:
            yield f"http{'' if tls is None else 's'}://127.0.0.1:{server.server_address[1]}", handler.seen
        finally:
            silence.set()
            server.shutdown()


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


def asked(url: str, method: str = "GET", **others: Any) -> Any:
    """A request as botocore has it ready."""
    return AWSRequest(method=method, url=url, **others).prepare()


def carried(transport: Transport, request: Any) -> AWSResponse:
    answer = transport.send(request)
    assert answer is not None
    return answer


def carrying(read_timeout: float = 5.0) -> Transport:
    return Transport(True, 5.0, read_timeout)


def test_requests_after_each_other_go_over_one_connection_as_they_were_signed() -> None:
    """Target, headers and body arrive as they are; answers of a known length, in chunks and without a body are read whole."""
    with far() as (url, seen):
        transport = carrying()
        first = carried(
            transport, asked(f"{url}/a%20b?Action=List&x=%2F", "POST", data=b"body", headers={"X-Own": "1"})
        )
        chunked = carried(transport, asked(f"{url}/chunked"))
        head = carried(transport, asked(f"{url}/", "HEAD"))
        throttled = carried(transport, asked(f"{url}/throttled"))
        last = carried(transport, asked(f"{url}/"))
        del transport
    assert (first.status_code, first.content, first.headers["x-twice"]) == (200, b"hello", "one, two")
    assert [each.content for each in (chunked, head, throttled, last)] == [b"abcdefg", b"", b"hello", b"hello"]
    assert throttled.status_code == 429
    assert len({connection for connection, *_ in seen}) == 1
    _, method, path, headers, body = seen[0]
    assert (method, path, body) == ("POST", "/a%20b?Action=List&x=%2F", b"body")
    assert headers["Host"] == url.removeprefix("http://")
    assert (headers["X-Own"], headers["Accept-Encoding"], headers["Content-Length"]) == ("1", "identity", "4")


def test_a_connection_that_the_far_side_ended_is_not_used_again() -> None:
    """One that says so is closed; one that is closed while it waits is noticed before it is asked anything."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        url = f"http://127.0.0.1:{listening.getsockname()[1]}/"
        accepted: list[int] = []
        closed = threading.Event()

        def serve() -> None:
            for _ in range(2):
                connection, _address = listening.accept()
                with connection:
                    accepted.append(len(connection.recv(65536)))
                    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
                closed.set()

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        transport = carrying()
        first = carried(transport, asked(url))
        assert closed.wait(5)
        second = carried(transport, asked(url))
        thread.join(5)
        del transport
    assert (first.content, second.content, len(accepted)) == (b"ok", b"ok", 2)
    with far() as (place, seen):
        transport = carrying()
        for _ in range(2):
            carried(transport, asked(f"{place}/closing"))
        del transport
    assert len({connection for connection, *_ in seen}) == 2


@pytest.mark.parametrize(
    "request_of",
    [
        lambda url: asked(url, stream_output=True),
        lambda url: asked(url, "PUT", data=b"x", headers={"Expect": "100-continue"}),
        lambda url: asked(url, "PUT", data=b"x", headers={"Transfer-Encoding": "chunked"}),
        lambda url: asked("ftp://127.0.0.1/"),
    ],
    ids=["streamed", "expects", "chunked", "scheme"],
)
def test_what_is_more_than_a_small_question_is_left_to_botocore(request_of: Callable[[str], Any]) -> None:
    """Nothing is sent, and nothing is answered, so that botocore sends it itself."""
    with far() as (url, seen):
        assert carrying().send(request_of(f"{url}/")) is None
        assert seen == []


def test_what_goes_through_a_proxy_is_left_to_botocore(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy of the environment holds for all hosts but those that are excepted."""
    with far() as (url, seen):
        monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
        assert carrying().send(asked(f"{url}/")) is None
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        assert carried(carrying(), asked(f"{url}/")).content == b"hello"
        assert len(seen) == 1


def test_a_far_side_that_fails_is_raised_as_botocore_would_raise_it() -> None:
    """Refused, silent, cut off, without the right certificate: all are errors that botocore tries again or we tell apart."""
    with far() as (url, _):
        with pytest.raises(exceptions.ReadTimeoutError):
            carrying(0.05).send(asked(f"{url}/silent"))
        with pytest.raises(exceptions.ConnectionClosedError):
            carrying().send(asked(f"{url}/short"))
        with pytest.raises(exceptions.SSLError):
            carrying().send(asked(f"{url.replace('http', 'https')}/"))
        with pytest.raises(exceptions.SSLError):
            Transport("/nowhere.pem", 5.0, 5.0).send(asked(f"{url.replace('http', 'https')}/"))
        with pytest.raises(exceptions.HTTPClientError, match="Invalid header value"):
            carrying().send(asked(f"{url}/", headers={"X-Own": "a\r\nX-Other: b"}))
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    with pytest.raises(exceptions.EndpointConnectionError):
        carrying().send(asked(f"http://127.0.0.1:{port}/"))


def test_certificates_to_trust_are_read_once(tmp_path: Path) -> None:
    """However many connections are made; and each has to prove whom it leads to."""
    trusted = _certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(trusted)
    with far(context) as (url, seen):
        transport = Transport(str(trusted), 5.0, 5.0)
        carried(transport, asked(f"{url}/closing"))
        trusted.unlink()
        carried(transport, asked(f"{url}/"))
        with pytest.raises(exceptions.SSLError):
            transport.send(asked(f"{url.replace('127.0.0.1', 'localhost')}/"))
        del transport
    assert len({connection for connection, *_ in seen}) == 2
