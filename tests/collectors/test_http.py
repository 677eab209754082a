"""The collector of HTTP version endpoints, against real servers on loopback."""

from __future__ import annotations

import datetime
import json
import ssl
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from pydantic import ValidationError

from auditor.collector import Context
from auditor.model import Gap, GapReason, Resource
from collectors.http import COLLECTOR, HttpOptions

if TYPE_CHECKING:
    from collections.abc import Iterator

MEGABYTE = 1_048_576


class Endpoint(BaseHTTPRequestHandler):
    """Answers by path; keeps the headers it was sent."""

    seen: list[tuple[str, str | None]]
    release: threading.Event

    def do_GET(self) -> None:
        self.seen.append((self.path, self.headers.get("authorization")))
        path, _, query = self.path.partition("?")
        getattr(self, f"answer_{path.strip('/')}")(query)

    def say(self, body: bytes, kind: str = "application/json", status: int = 200, **headers: str) -> None:
        self.send_response(status)
        self.send_header("content-type", kind)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def answer_json(self, query: str) -> None:
        self.say(json.dumps(json.loads(query_text(query)) if query else {"version": "1.4.2"}).encode())

    def answer_text(self, query: str) -> None:
        self.say(b"2.0.1\n", "text/plain; charset=utf-8")

    def answer_raw(self, query: str) -> None:
        kind, _, body = query.partition("&")
        self.say(bytes.fromhex(body), unquote(kind))

    def answer_page(self, query: str) -> None:
        self.say(b"<html><body>CaNaRy log in</body></html>", "text/html")

    def answer_broken(self, query: str) -> None:
        self.say(b'{"version": "CaNaRy', "application/json")

    def answer_header(self, query: str) -> None:
        self.say(b"", "text/plain", x_version="3.1.0")

    def answer_status(self, query: str) -> None:
        self.say(b"CaNaRy", "text/plain", status=int(query))

    def answer_hop(self, query: str) -> None:
        count = int(query)
        self.say(b"", status=302, location=f"/hop?{count - 1}" if count else "/json")

    def answer_away(self, query: str) -> None:
        self.say(b"", status=302, location=f"http://{query}/steal?token=CaNaRy")

    def answer_huge(self, query: str) -> None:
        self.send_response(200)
        self.end_headers()
        try:
            for _ in range(64):
                self.wfile.write(b" " * MEGABYTE)
        except OSError:
            self.seen.append(("cut off", None))

    def answer_drip(self, query: str) -> None:
        """One byte of a header at a time: every single read is quick, the whole never ends."""
        try:
            self.wfile.write(b"HTTP/1.1 200 OK\r\nx-slow: ")
            while not self.release.wait(0.05):
                self.wfile.write(b"a")
                self.wfile.flush()
        except OSError:
            self.close_connection = True

    def log_message(self, *_: Any) -> None:
        """Tests print nothing."""


def query_text(query: str) -> str:
    from urllib.parse import unquote

    return unquote(query)


@contextmanager
def served(context: ssl.SSLContext | None = None) -> Iterator[tuple[str, list[tuple[str, str | None]]]]:
    seen: list[tuple[str, str | None]] = []
    release = threading.Event()
    handler = type("Handler", (Endpoint,), {"seen": seen, "release": release})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    if context:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"{'https' if context else 'http'}://localhost:{server.server_port}", seen
    finally:
        release.set()
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "localhost,127.0.0.1")


@pytest.fixture
def server() -> Iterator[tuple[str, list[tuple[str, str | None]]]]:
    with served() as started:
        yield started


def collected(folder: Path = Path(), /, **services: Any) -> list[Resource | Gap]:
    options = HttpOptions.model_validate({"services": services})
    context = Context(environment="staging", folder=folder)
    return [item for task in COLLECTOR.plan(options, context) for item in task.run()]


def resource(service: Any) -> Resource:
    (item,) = collected(api=service)
    assert isinstance(item, Resource), item
    return item


def gap(service: Any, folder: Path = Path()) -> Gap:
    (item,) = collected(folder, api=service)
    assert isinstance(item, Gap), item
    assert (item.kind, item.resource, item.environment) == ("http.version", "api", "staging")
    assert "CaNaRy" not in repr(item)
    return item


@pytest.mark.parametrize(
    ("document", "attributes"),
    [
        ({"version": "1.4.2"}, {"version": "1.4.2"}),
        ({"app": {"name": "orders", "version": "1.4.2"}}, {"version": "1.4.2"}),
        ({"build": {"version": "7", "time": "2026-01-01"}}, {"version": "7", "built": "2026-01-01"}),
        ({"version": "7", "deployedAt": "2026-01-01T10:00:00Z"}, {"version": "7", "deployed": "2026-01-01T10:00:00Z"}),
        ({"git": {"commit": {"id": "9fceb02"}}}, {"version": "9fceb02", "commit": "9fceb02"}),
        ({"git.commit.id": "9fceb02", "version": 5}, {"version": "5", "commit": "9fceb02"}),
        ({"gitCommit": "9fceb02", "version": "v2"}, {"version": "v2", "commit": "9fceb02"}),
        ({"version": "2", "image": {"digest": "sha256:ab"}}, {"version": "2", "digest": "sha256:ab"}),
        ("1.0", {"version": "1.0"}),
    ],
)
def test_the_version_is_found_where_services_usually_put_it(server: Any, document: Any, attributes: Any) -> None:
    """Nested, flattened with dots, as a number, or nothing but a commit."""
    assert resource(f"{server[0]}/json?{json.dumps(document)}").attributes == attributes


def test_a_service_is_a_component_at_its_address(server: Any) -> None:
    """Identity and component are the configured name; the location has no query."""
    item = resource(f"{server[0]}/json?{json.dumps({'version': '1'})}")
    assert (item.kind, item.identity, item.component) == ("http.version", "api", "api")
    assert item.location == f"{server[0]}/json"


def test_a_json_path_of_ones_own_is_followed(server: Any) -> None:
    """Through lists, too; and what is not there is a gap, not a guess."""
    url = f"{server[0]}/json?{json.dumps({'version': '1', 'parts': [{'rev': 'r7'}]})}"
    assert resource({"url": url, "json_path": "parts.0.rev"}).attributes == {"version": "r7"}
    missing = gap({"url": url, "json_path": "parts.1.rev"})
    assert missing.reason is GapReason.MALFORMED
    assert "parts.1.rev" in missing.detail


def test_plain_text_and_headers_hold_versions_too(server: Any) -> None:
    """A text answer is the version; a header is read instead of the body."""
    assert resource(f"{server[0]}/text").attributes == {"version": "2.0.1"}
    assert resource({"url": f"{server[0]}/header", "header": "X-Version"}).attributes == {"version": "3.1.0"}


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("page", GapReason.MALFORMED),
        ("broken", GapReason.MALFORMED),
        ("json?{}", GapReason.MALFORMED),
        ("json?null", GapReason.MALFORMED),
        ("json?true", GapReason.MALFORMED),
        ("status?401", GapReason.ACCESS_DENIED),
        ("status?403", GapReason.ACCESS_DENIED),
        ("status?404", GapReason.UNSUPPORTED),
        ("status?429", GapReason.THROTTLED),
        ("status?500", GapReason.UNREACHABLE),
        ("status?504", GapReason.TIMEOUT),
        ("hop?9", GapReason.UNSUPPORTED),
    ],
)
def test_an_answer_without_a_version_is_a_gap_with_its_reason(server: Any, path: str, reason: GapReason) -> None:
    """And nothing of the body is told."""
    assert gap(f"{server[0]}/{path}").reason is reason


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("application/json;charset=klingon", b'{"version": "1"}'),
        ("text/plain;charset=rot13", b"1.0"),
        ("text/plain;charset=utf-8", b"1.0-\xe9"),
        ("text/plain", b"1.0-\xe8"),
        ("application/json", b'{"version": NaN}'),
    ],
)
def test_what_cannot_be_read_as_text_or_json_is_malformed(server: Any, kind: str, body: bytes) -> None:
    """And no version with question marks, which would be equal to another one."""
    found = gap(f"{server[0]}/raw?{kind.replace(' ', '')}&{body.hex()}")
    assert found.reason is GapReason.MALFORMED
    assert found.detail in ("the answer is not text in the charset that it names, or UTF-8", "the answer is not JSON")


def test_another_charset_is_read_as_it_says(server: Any) -> None:
    url = f"{server[0]}/raw?application/json;charset=utf-16&{json.dumps({'version': '1.0-é'}).encode('utf-16').hex()}"
    assert resource(url).attributes == {"version": "1.0-é"}


@pytest.mark.parametrize("body", [b'{"version": 1.10}', b"1.10"])
def test_a_number_is_the_version_that_it_spells(server: Any, body: bytes) -> None:
    """1.10 is nine releases after 1.1."""
    assert resource(f"{server[0]}/raw?application/json&{body.hex()}").attributes == {"version": "1.10"}


def test_another_status_may_be_the_expected_one(server: Any) -> None:
    """Some health endpoints answer 503 while they still tell their version."""
    service = {"url": f"{server[0]}/status?503", "expected_status": 503}
    assert resource(service).attributes == {"version": "CaNaRy"}


def test_redirects_on_the_same_host_are_followed_up_to_three(server: Any) -> None:
    """Three hops arrive, four do not."""
    assert resource(f"{server[0]}/hop?2").attributes == {"version": "1.4.2"}
    assert "more than 3 redirects" in gap(f"{server[0]}/hop?3").detail


def test_a_redirect_to_another_host_is_not_followed_and_gets_no_header(server: Any) -> None:
    """Nor to another port of the same one; the other server hears nothing."""
    with served() as (other, heard):
        port = other.rpartition(":")[2]
        for target in (f"127.0.0.1:{port}", f"localhost:{port}"):
            service = {"url": f"{server[0]}/away?{target}", "headers": {"authorization": "Bearer CaNaRy"}}
            assert gap(service).reason is GapReason.UNSUPPORTED
        assert heard == []
    assert [path.partition("?")[0] for path, _ in server[1]] == ["/away"] * 2


def test_another_name_of_the_same_address_is_another_host(server: Any) -> None:
    """What answers there may be another service: the redirect is not followed."""
    port = server[0].rpartition(":")[2]
    found = gap(f"{server[0]}/away?127.0.0.1:{port}")
    assert "redirects to http://127.0.0.1" in found.detail
    assert len(server[1]) == 1


def test_an_answer_that_is_too_large_is_cut_off(server: Any) -> None:
    """At the limit, not after 64 MiB."""
    found = gap({"url": f"{server[0]}/huge", "max_bytes": MEGABYTE})
    assert found.reason is GapReason.TRUNCATED
    assert str(MEGABYTE) in found.detail


def test_a_server_that_drips_is_left_behind_at_the_deadline(server: Any) -> None:
    """Each read is quick, so only a deadline over the whole ends it."""
    began = time.monotonic()
    found = gap({"url": f"{server[0]}/drip", "timeout": 0.4})
    assert found.reason is GapReason.TIMEOUT
    assert time.monotonic() - began < 30


def test_one_service_that_fails_leaves_the_others_alone(server: Any) -> None:
    """Each service is a task of its own, of one listing."""
    items = collected(good=f"{server[0]}/json", bad=f"{server[0]}/status?500")
    assert [type(item).__name__ for item in items] == ["Resource", "Gap"]


def test_a_name_that_does_not_resolve_and_a_closed_port_are_unreachable() -> None:
    """The detail names the kind of error."""
    with served() as (url, _):
        pass
    assert gap(f"{url}/json").reason is GapReason.UNREACHABLE
    assert gap("http://host.invalid/json?token=CaNaRy").reason is GapReason.UNREACHABLE


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A self-signed certificate for localhost, with its key in the same PEM file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = tmp_path / "server.pem"
    path.write_bytes(private + built.public_bytes(serialization.Encoding.PEM))
    return path


def test_certificates_are_verified(certificate: Path) -> None:
    """Self-signed is unreachable, until its authority is given - by a path relative to the configuration."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with served(context) as (url, _):
        refused = gap(f"{url}/json")
        assert refused.reason is GapReason.UNREACHABLE
        assert "CERTIFICATE_VERIFY_FAILED" in refused.detail
        (trusted,) = collected(certificate.parent, api={"url": f"{url}/json", "ca_file": "server.pem"})
        assert isinstance(trusted, Resource)
        absent = gap({"url": f"{url}/json", "ca_file": "absent.pem"}, certificate.parent)
        assert "absent.pem" in absent.detail


@pytest.mark.parametrize(
    "services",
    [
        {},
        {"api": "ftp://u:CaNaRy@host"},
        {"api": {"url": "https://h", "json": "CaNaRy"}},
        {"api": {"url": "https://h", "headers": {"authorization": "CaNaRy\r\nx: y"}}},
    ],
)
def test_options_that_are_wrong_are_refused_without_being_quoted(services: Any) -> None:
    """No service, another scheme, an unknown key, a header that would be two."""
    with pytest.raises(ValidationError) as caught:
        HttpOptions.model_validate({"services": services})
    assert "CaNaRy" not in str(caught.value)


def test_options_hide_what_may_be_secret() -> None:
    """URL and header values do not show in a representation; the label has the names only."""
    options = HttpOptions.model_validate(
        {"services": {"b": "https://u:CaNaRy@h/v", "a": {"url": "https://h", "headers": {"x": "CaNaRy"}}}}
    )
    assert "CaNaRy" not in repr(options)
    assert COLLECTOR.label(options) == "http:a,b"
