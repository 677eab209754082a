"""Login at a provider of OpenID Connect: discovery, authorization code with PKCE, and a token that is verified.

What may sign a token is said here and not by the token: never nobody (`none`), never a secret that both sides share.
See OpenID Connect Core 1.0 (3.1.3.7) and RFC 9700. Tokens and their cryptography are imported by the first login: most
services have no provider, and a twentieth of their start would be spent on it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import httpx

from auditor.errors import AuditorError

if TYPE_CHECKING:
    from joserfc.jwk import KeySet

    from auditor.settings import OidcSettings

CALLBACK = "/login/oidc/callback"
_ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "Ed25519", "EdDSA")
_NEEDED = ("issuer", "authorization_endpoint", "token_endpoint", "jwks_uri")
_FRESH = timedelta(hours=1)
# How long a provider that did not answer is left alone.
_PAUSE = timedelta(seconds=10)
_LEEWAY_SECONDS = 60
_TIMEOUT_SECONDS = 10.0
_MOST_BYTES = 1_000_000


class LoginError(AuditorError):
    """A login did not work out. The text is for the log; it holds no code, token or secret."""


@dataclass(frozen=True, slots=True)
class Begun:
    """A login under way: where the browser goes, and what has to come back."""

    url: str
    state: str
    nonce: str
    verifier: str


@dataclass(frozen=True, slots=True)
class _Known:
    """What the provider says of itself, and since when it is known."""

    metadata: Mapping[str, Any]
    keys: KeySet
    at: datetime


class Provider:
    """Speaks to the provider. Safe to share between threads. `connect` gives a client for one login."""

    def __init__(self, clock: Callable[[], datetime], connect: Callable[[], httpx.Client] | None = None) -> None:
        self._clock = clock
        self._connect = connect or (lambda: httpx.Client(timeout=_TIMEOUT_SECONDS))
        self._asking = threading.Lock()
        self._known: dict[str, _Known] = {}
        self._failures: dict[str, tuple[datetime, str]] = {}

    def begin(self, settings: OidcSettings, redirect_uri: str) -> Begun:
        """Where to send a browser that wants to log in. Raises LoginError."""
        from authlib.common.security import generate_token  # type: ignore[import-untyped]
        from authlib.oauth2.rfc6749.parameters import prepare_grant_uri  # type: ignore[import-untyped]
        from authlib.oauth2.rfc7636 import create_s256_code_challenge  # type: ignore[import-untyped]

        with self._connect() as client:
            metadata = self._provider(client, settings.issuer).metadata
        state, nonce, verifier = generate_token(32), generate_token(32), generate_token(64)
        url = prepare_grant_uri(
            metadata["authorization_endpoint"],
            settings.client_id,
            "code",
            redirect_uri=redirect_uri,
            scope=" ".join(dict.fromkeys(("openid", *settings.scopes))),
            state=state,
            nonce=nonce,
            code_challenge=create_s256_code_challenge(verifier),
            code_challenge_method="S256",
        )
        return Begun(url, state, nonce, verifier)

    def finish(
        self, settings: OidcSettings, redirect_uri: str, code: str, *, nonce: str, verifier: str
    ) -> dict[str, Any]:
        """The claims about who logged in. Raises LoginError for whatever is not as it should be."""
        from joserfc.errors import InvalidKeyIdError

        with self._connect() as client:
            known = self._provider(client, settings.issuer)
            answer = _exchanged(client, settings, known.metadata, redirect_uri, code, verifier)
            text = answer.get("id_token")
            if not isinstance(text, str):
                raise LoginError("the provider gave no id token; ask it for the scope openid")
            try:
                return self._claims(settings, known, text, answer.get("access_token"), nonce)
            except InvalidKeyIdError:
                # The provider took another key into use since it was asked.
                known = self._provider(client, settings.issuer, known)
            try:
                return self._claims(settings, known, text, answer.get("access_token"), nonce)
            except InvalidKeyIdError as error:
                raise LoginError("the id token is signed with a key that the provider does not publish") from error

    def _provider(self, client: httpx.Client, issuer: str, stale: _Known | None = None) -> _Known:
        """One asks, the others wait for what he hears: a provider that hangs must not take up every thread."""
        began = self._clock()
        with self._asking:
            known = self._known.get(issuer)
            if known is not None and known is not stale and began - known.at < _FRESH:
                return known
            failure = self._failures.get(issuer)
            if failure is not None and began - failure[0] < _PAUSE:
                raise LoginError(failure[1])
            try:
                self._known[issuer] = _asked(client, issuer, self._clock())
            except LoginError as error:
                self._failures[issuer] = (self._clock(), str(error))
                raise
            return self._known[issuer]

    def _claims(
        self, settings: OidcSettings, known: _Known, text: str, access_token: Any, nonce: str
    ) -> dict[str, Any]:
        from authlib.oidc.core import CodeIDToken  # type: ignore[import-untyped]
        from joserfc import jwt
        from joserfc.errors import InvalidKeyIdError, JoseError
        from joserfc.jws import JWSRegistry

        try:
            registry = JWSRegistry(algorithms=list(_ALGORITHMS), strict_check_header=False)
            token = jwt.decode(text, known.keys, registry=registry)
            claims = CodeIDToken(
                token.claims,
                token.header,
                {
                    "iss": {"essential": True, "value": known.metadata["issuer"]},
                    "aud": {"essential": True, "value": settings.client_id},
                    "nonce": {"essential": True, "value": nonce},
                },
                {"nonce": nonce, "client_id": settings.client_id, "access_token": access_token},
            )
            claims.validate(now=int(self._clock().timestamp()), leeway=_LEEWAY_SECONDS)
        except InvalidKeyIdError:
            raise
        except (JoseError, ValueError, TypeError, KeyError) as error:
            raise LoginError(f"the id token is not valid ({type(error).__name__}: {_said(error)})") from error
        return dict(token.claims)


def _asked(client: httpx.Client, issuer: str, now: datetime) -> _Known:
    from joserfc.errors import JoseError
    from joserfc.jwk import KeySet

    metadata = _object(client, f"{issuer.rstrip('/')}/.well-known/openid-configuration")
    lacking = [name for name in _NEEDED if not isinstance(metadata.get(name), str)]
    if lacking:
        raise LoginError(f"the provider's configuration lacks {', '.join(lacking)}")
    if metadata["issuer"].rstrip("/") != issuer.rstrip("/"):
        raise LoginError(f"the provider calls itself {metadata['issuer']}; write serve.auth.oidc.issuer like that")
    try:
        keys = KeySet.import_key_set(_object(client, metadata["jwks_uri"]))  # type: ignore[arg-type]
    except (JoseError, KeyError, TypeError, ValueError) as error:
        raise LoginError(f"the provider's keys cannot be read ({type(error).__name__})") from error
    return _Known(metadata, keys, now)


def name_of(claims: Mapping[str, Any], claim: str) -> str:
    """What a person is recorded by: `claim`, else `sub`. An address that nobody verified is none."""
    name = claims.get(claim)
    if claim == "email" and not is_verified(claims):
        name = None
    return name if isinstance(name, str) and name else str(claims["sub"])


def is_verified(claims: Mapping[str, Any]) -> bool:
    """Whether nothing speaks against the address in `email`. Some providers say so in words (`"false"`), some not at all."""
    return "email_verified" not in claims or str(claims["email_verified"]).lower() in ("true", "1")


def _exchanged(
    client: httpx.Client,
    settings: OidcSettings,
    metadata: Mapping[str, Any],
    redirect_uri: str,
    code: str,
    verifier: str,
) -> dict[str, Any]:
    fields = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": redirect_uri,
        "code_verifier": verifier,
    }
    secret = settings.client_secret.get_secret_value() if settings.client_secret is not None else None
    auth = httpx.Auth()
    methods = metadata.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
    if secret is not None and "client_secret_basic" in methods:
        # RFC 6749 (2.3.1) has both encoded as in a form first.
        auth = httpx.BasicAuth(quote(settings.client_id, safe=""), quote(secret, safe=""))
    else:
        fields |= {"client_id": settings.client_id, **({"client_secret": secret} if secret is not None else {})}
    try:
        answer = client.post(metadata["token_endpoint"], data=fields, auth=auth, headers={"accept": "application/json"})
    except httpx.HTTPError as error:
        raise LoginError(f"the provider cannot be asked for the token ({type(error).__name__})") from error
    found = _json(answer)
    if answer.status_code != httpx.codes.OK:
        raise LoginError(f"the provider gave no token (HTTP {answer.status_code} {_said(found.get('error', ''))})")
    return found


def _object(client: httpx.Client, url: str) -> dict[str, Any]:
    try:
        answer = client.get(url, headers={"accept": "application/json"})
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise LoginError(f"the provider cannot be reached ({type(error).__name__})") from error
    if answer.status_code != httpx.codes.OK:
        raise LoginError(f"the provider answers HTTP {answer.status_code} for {url}")
    return _json(answer)


def _json(answer: httpx.Response) -> dict[str, Any]:
    try:
        found = answer.json() if len(answer.content) <= _MOST_BYTES else None
    except ValueError:
        found = None
    return found if isinstance(found, dict) else {}


def _said(what: object) -> str:
    return str(what)[:200]
