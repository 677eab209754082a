"""A provider of OpenID Connect: discovery, keys, an authorize page that lets everybody in, and tokens signed with RS256.

It checks what a real one does (client, redirect address, one use of a code, PKCE) and can be told to misbehave.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

from joserfc import jws, jwt
from joserfc.jwk import KeySet, RSAKey

CLIENT = "parity auditor"
SECRET = "canary-s3cret+/="
_HOUR = 3600


@dataclass
class Grant:
    """What a code stands for."""

    redirect_uri: str
    challenge: str
    nonce: str


@dataclass
class Provider:
    """What it says of the person who logs in, and how it misbehaves.

    claims     replace those of the identity token; None as a value leaves one out
    algorithm   the token is signed with this; `none` means not at all
    signs_with  another key than the published one; bytes are a shared secret, for HS256
    refuses     the token endpoint answers 400
    """

    clock: Any
    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "k1", "use": "sig"}))
    url: str = ""
    claims: dict[str, Any] = field(default_factory=dict)
    algorithm: str = "RS256"
    signs_with: RSAKey | bytes | None = None
    refuses: bool = False
    issuer: str = ""
    asked: list[str] = field(default_factory=list)
    _codes: dict[str, Grant] = field(default_factory=dict)

    def metadata(self) -> dict[str, Any]:
        return {
            "issuer": self.issuer or self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/jwks",
            "id_token_signing_alg_values_supported": ["RS256"],
        }

    def jwks(self) -> dict[str, Any]:
        return dict(KeySet([self.key]).as_dict(private=False))

    def authorize(self, query: dict[str, str]) -> tuple[int, str]:
        """Where the browser is sent, with a code."""
        wanted = {"response_type": "code", "client_id": CLIENT, "code_challenge_method": "S256"}
        if any(query.get(name) != value for name, value in wanted.items()) or "openid" not in query["scope"].split():
            return 400, ""
        code = secrets.token_urlsafe(16)
        self._codes[code] = Grant(query["redirect_uri"], query["code_challenge"], query["nonce"])
        return 302, f"{query['redirect_uri']}?{urlencode({'code': code, 'state': query['state']})}"

    def token(self, form: dict[str, str], authorization: str) -> tuple[int, dict[str, Any]]:
        grant = self._codes.pop(form.get("code", ""), None)
        name, _, secret = base64.b64decode(authorization.removeprefix("Basic ")).decode().partition(":")
        challenge = _base64(hashlib.sha256(form.get("code_verifier", "").encode()).digest())
        if (
            self.refuses
            or grant is None
            or (unquote(name), unquote(secret)) != (CLIENT, SECRET)
            or form.get("redirect_uri") != grant.redirect_uri
            or challenge != grant.challenge
        ):
            return 400, {"error": "invalid_grant", "error_description": "no such code"}
        return 200, {"access_token": "canary-access", "token_type": "Bearer", "id_token": self._signed(grant)}

    def _signed(self, grant: Grant) -> str:
        now = int(self.now.timestamp())
        claims = {
            "iss": self.issuer or self.url,
            "sub": "248289761001",
            "aud": CLIENT,
            "iat": now,
            "exp": now + _HOUR,
            "nonce": grant.nonce,
            "email": "ada@example.com",
            "email_verified": True,
            "groups": ["developers"],
        }
        kept = {name: value for name, value in {**claims, **self.claims}.items() if value is not None}
        key = self.signs_with or self.key
        if self.algorithm == "none" or isinstance(key, bytes):
            # By hand: no library signs like this any more.
            signed = ".".join(_base64(json.dumps(part).encode()) for part in ({"alg": self.algorithm}, kept))
            return f"{signed}.{_base64(hmac.digest(key, signed.encode(), 'sha256')) if isinstance(key, bytes) else ''}"
        header = {"alg": self.algorithm, "kid": str(key.as_dict().get("kid", "k1"))}
        registry = jws.JWSRegistry(algorithms=[self.algorithm])
        return jwt.encode(header, kept, key, registry=registry)

    @property
    def now(self) -> datetime:
        return self.clock()  # type: ignore[no-any-return]


def _base64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


@contextmanager
def provider(clock: Any) -> Iterator[Provider]:
    """One that listens on a free port of this machine until the block ends."""
    standing = Provider(clock)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            standing.asked.append(parts.path)
            if parts.path == "/authorize":
                status, location = standing.authorize({name: one[0] for name, one in parse_qs(parts.query).items()})
                self.send_response(status)
                self.send_header("location", location)
                self.end_headers()
                return
            known = {"/.well-known/openid-configuration": standing.metadata, "/jwks": standing.jwks}
            answer = known.get(parts.path)
            self._say(200 if answer else 404, answer() if answer else {})

        def do_POST(self) -> None:
            standing.asked.append(self.path)
            body = self.rfile.read(int(self.headers["content-length"])).decode()
            form = {name: one[0] for name, one in parse_qs(body).items()}
            self._say(*standing.token(form, self.headers.get("authorization", "")))

        def _say(self, status: int, answer: dict[str, Any]) -> None:
            body = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Quietly."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    standing.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield standing
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
