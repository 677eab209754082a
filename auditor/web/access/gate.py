"""Who sends a request, as the service knows it: by a token, a session, a trusted proxy, or because he is here anyway.

Credentials that are shown decide before those that are not: a valid token with `read` reads only, even on the service's
own machine. Everything is asked of the settings at every request, so that a reload holds at once.
"""

from __future__ import annotations

import getpass
import hmac
import json
import secrets
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import structlog
from fastapi import HTTPException, Request
from itsdangerous import BadSignature, URLSafeSerializer
from starlette.concurrency import run_in_threadpool

from auditor.credentials import USED_EVERY, ApiToken, Deed, Scope, WebSession, derived, digest, id_of, same
from auditor.errors import StoreError
from auditor.web.access.cookies import BROWSER, LOGIN, SESSION, Cookies
from auditor.web.access.grants import granted, proxied
from auditor.web.access.identity import Identity
from auditor.web.access.oidc import Provider
from auditor.web.access.origins import address, login_path, own_origin
from auditor.web.access.throttle import Throttle
from auditor.web.guard import known_host, local_only, media_type

if TYPE_CHECKING:
    from auditor.settings import AuthSettings, ServeSettings
    from auditor.store import Store

LASTS = timedelta(hours=12)
_LOGIN_LASTS = timedelta(minutes=10)
_SAFE = ("GET", "HEAD", "OPTIONS")
# Lines of the trail that nobody needs a credential for. They stay for good, so all addresses together write few.
_MOST_REFUSALS_A_MINUTE = 60
_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Login:
    """Who has shown who he is and begins a session. `via` is `token` or `oidc`."""

    name: str
    scope: Scope
    via: str
    token: ApiToken | None = None


class Gate:
    """Implements `need.Access`. Called from several threads.

    settings  `serve` of the configuration in force
    key       the key of the installation: copies of the service that share it accept each other's forms
    clock     aware UTC times
    names     the host names that the service goes by, beside those of the loopback interface
    """

    def __init__(
        self,
        settings: Callable[[], ServeSettings],
        store: Store,
        key: bytes,
        clock: Callable[[], datetime],
        names: Callable[[], Collection[str]],
        *,
        throttle: Throttle | None = None,
        provider: Provider | None = None,
    ) -> None:
        self._settings = settings
        self._store = store
        self._csrf_key = derived(key, "forms")
        self._login = URLSafeSerializer(derived(key, "login"))
        self._clock = clock
        self._known = known_host(names)
        self._throttle = throttle or Throttle()
        self._refusals = Throttle(_MOST_REFUSALS_A_MINUTE)
        self._person = _person()
        self.provider = provider or Provider(clock)

    async def identify(self, request: Request, wanted: Scope) -> Identity:
        identity = await self._who(request)
        # A refusal, too, is shown to somebody who is signed in.
        request.state.identity = identity
        if not identity.scope.covers(wanted):
            raise HTTPException(
                403,
                f"this needs the scope {wanted}, and {identity.name} has {identity.scope}: ask who administers this",
            )
        if request.method not in _SAFE and identity.via != "token":
            await self._meant(request, identity)
        return identity

    def csrf(self, identity: Identity) -> str:
        if not identity.key:
            return ""
        text = json.dumps([identity.via, identity.name, identity.key])
        return hmac.digest(self._csrf_key, text.encode(), "sha256").hex()

    async def may_scrape(self, request: Request) -> None:
        """Lets through who may have the metrics: everybody, unless the settings ask for `read`."""
        if self.auth.metrics == "read":
            await self.identify(request, Scope.READ)

    @property
    def auth(self) -> AuthSettings:
        return self._settings().auth

    @property
    def url(self) -> str:
        """The address that people use, without a slash at its end; empty where it is not configured."""
        url = self._settings().url
        return url.get_secret_value().rstrip("/") if url is not None else ""

    @property
    def secure(self) -> bool:
        """Whether people reach the service over https."""
        return self.url.startswith("https://")

    @property
    def cookies(self) -> Cookies:
        return Cookies(self.secure)

    def browser(self, request: Request) -> Identity:
        """A browser that nobody has logged in with yet, for the forms of the login page."""
        return Identity("", Scope.READ, "browser", self._browser_key(request))

    async def meant(self, request: Request) -> None:
        """Raises HTTPException 403 unless a form of the login page was sent from there."""
        await self._meant(request, self.browser(request))

    def by_token(self, request: Request, text: str) -> Login:
        """Whoever shows this token. Raises HTTPException 401, or 429 after too many failures."""
        token = self._token(text)
        if token is None:
            self.refused(request, "token", "the token is unknown, expired or revoked")
            raise HTTPException(401, "the token is unknown, expired or revoked", {"www-authenticate": "Bearer"})
        return Login(f"token:{token.name}", token.scope, "token", token)

    def refused(self, request: Request, via: str, why: str, name: str = "", *, trail: bool = True) -> None:
        """Count a failed attempt to get in. Raises HTTPException 429 where there are too many."""
        where = address(request)
        wait = self._throttle.failed(where)
        if wait is not None:
            _log.warning("Too many attempts to get in fail.", address=where, via=via)
            detail = f"too many attempts failed: try again in {wait} seconds"
            raise HTTPException(429, detail, {"retry-after": str(wait)})
        _log.info("An attempt to get in failed.", address=where, via=via, reason=why)
        if trail and self._refusals.failed("") is None:
            self._store.add_deed(Deed(self._clock(), name, via, "login", "", "refused", where, why))

    def begin(self, request: Request, login: Login) -> None:
        """A session in place of the one that the browser may have, and its cookie. It knows nothing of what was before."""
        now, value = self._clock(), secrets.token_hex(32)
        ends = now + LASTS
        if login.token is not None and login.token.expires_at is not None:
            ends = min(ends, login.token.expires_at)
        token_id = login.token.id if login.token is not None else None
        begun = WebSession(digest(value), login.name, login.scope, login.via, now, ends, token_id)
        before = self.cookies.random(request, SESSION)
        deed = Deed(now, login.name, login.via, "login", "", "done", address(request), login.scope.value)
        self._store.begin_session(begun, deed, digest(before) if before else None)
        self.cookies.put(request, SESSION, value, ends - now)

    def end(self, request: Request, identity: Identity) -> None:
        """Log out: the session is gone, not only its cookie."""
        value = self.cookies.random(request, SESSION)
        if value:
            deed = Deed(self._clock(), identity.name, identity.via, "logout", "", "done", address(request))
            self._store.end_session(digest(value), deed)
        self.cookies.drop(request, SESSION)

    def remember_login(self, request: Request, under_way: dict[str, str]) -> None:
        """Have the browser keep what a login that is under way needs when it comes back."""
        until = (self._clock() + _LOGIN_LASTS).timestamp()
        self.cookies.put(request, LOGIN, str(self._login.dumps({**under_way, "until": until})), _LOGIN_LASTS)

    def recall_login(self, request: Request) -> dict[str, Any]:
        """The same, once; empty where there is none or it is too old."""
        try:
            found = self._login.loads(self.cookies.read(request, LOGIN))
        except BadSignature:
            return {}
        self.cookies.drop(request, LOGIN)
        return found if found["until"] > self._clock().timestamp() else {}

    async def _who(self, request: Request) -> Identity:
        auth = self.auth
        if auth.tokens and (bearer := _bearer(request)) is not None:
            return await run_in_threadpool(self._by_bearer, request, bearer)
        if auth.tokens or auth.oidc is not None:
            found = await run_in_threadpool(self._by_session, request, auth)
            if found is not None:
                return found
        if auth.proxy is not None:
            said = proxied(request, auth.proxy)
            if said is not None:
                return self._by_proxy(request, auth, *said)
        if not auth.configured:
            return self._local(request)
        if auth.local:
            try:
                return self._local(request)
            except HTTPException as error:
                raise self._nobody(request, auth) from error
        raise self._nobody(request, auth)

    def _by_bearer(self, request: Request, text: str) -> Identity:
        token = self._token(text)
        if token is None:
            # Not in the trail: a program with an old token would fill it.
            self.refused(request, "token", "the token is unknown, expired or revoked", trail=False)
            headers = {"www-authenticate": 'Bearer error="invalid_token"'}
            raise HTTPException(401, "the token is unknown, expired or revoked: ask for another one", headers)
        return Identity(f"token:{token.name}", token.scope, "token")

    def _by_session(self, request: Request, auth: AuthSettings) -> Identity | None:
        value = self.cookies.random(request, SESSION)
        found = self._store.session(digest(value), self._clock()) if value else None
        # A way in that was closed since lets nobody stay either.
        if found is None or (found.via == "token" and not auth.tokens) or (found.via == "oidc" and auth.oidc is None):
            return None
        return Identity(found.name, found.scope, "session", found.digest)

    def _by_proxy(self, request: Request, auth: AuthSettings, name: str, groups: Collection[str]) -> Identity:
        assert auth.proxy is not None
        scope = granted(auth.proxy, groups)
        if scope is None:
            raise HTTPException(403, f"{name} is in no group that may use this: ask who administers it")
        return Identity(name, scope, "proxy", self._browser_key(request))

    def _local(self, request: Request) -> Identity:
        local_only(request)
        self._known(request)
        return Identity(self._person, Scope.ADMIN, "local", self._browser_key(request))

    def _nobody(self, request: Request, auth: AuthSettings) -> HTTPException:
        headers = {"www-authenticate": "Bearer"}
        if auth.tokens or auth.oidc is not None:
            headers["location"] = login_path(request)
            if "hx-request" in request.headers:
                headers["hx-redirect"] = headers["location"]
        ways = [
            *(["send an API token as `Authorization: Bearer …`"] if auth.tokens else []),
            *(["log in at /login"] if auth.tokens or auth.oidc is not None else []),
            *(["come through the proxy that signs people in"] if auth.proxy is not None else []),
        ]
        return HTTPException(401, f"nobody knows who you are: {', or '.join(ways)}", headers)

    def _token(self, text: str) -> ApiToken | None:
        """The token, if it lets in now; when it was used is remembered now and then."""
        identifier = id_of(text)
        known = self._store.token(identifier) if identifier is not None else None
        if known is None:
            return None
        token, kept = known
        now = self._clock()
        if not same(digest(text), kept) or token.state(now) != "active":
            return None
        if token.used_at is None or now - token.used_at >= USED_EVERY:
            try:
                self._store.token_used(token.id, now)
            except StoreError as error:
                # A store that takes nothing any more can still be looked at.
                _log.warning("When a token was used could not be kept.", token=token.id, error=str(error))
        return token

    def _browser_key(self, request: Request) -> str:
        """What tells this browser from others where nobody logs in. A page gives it to a browser that has none."""
        cookies = self.cookies
        value = cookies.random(request, BROWSER)
        if not value:
            value = secrets.token_hex(32)
            if request.method == "GET" and "text/html" in request.headers.get("accept", ""):
                cookies.put(request, BROWSER, value)
        return digest(value)

    async def _meant(self, request: Request, identity: Identity) -> None:
        """Whether the request was sent on purpose: from a page of ours, and with what only that page knows."""
        if not own_origin(request, self.url):
            raise HTTPException(403, "this was sent from another site's page: open the page here and try again")
        if identity.via == "local" and _from_a_tool(request):
            return
        given = request.headers.get("x-csrf-token", "")
        if not given and media_type(request) in _FORMS:
            field = (await request.form()).get("csrf")
            given = field if isinstance(field, str) else ""
        if not given or not same(given, self.csrf(identity)):
            raise HTTPException(403, "the form is too old, or of another login: load the page again and repeat it")


def _bearer(request: Request) -> str | None:
    scheme, _, text = request.headers.get("authorization", "").partition(" ")
    return text.strip() if scheme.lower() == "bearer" else None


def _from_a_tool(request: Request) -> bool:
    """A program of this machine and no browser, which would say where it was sent from: those may use the API as it is.

    What a page of another site can send without being asked is neither JSON nor another method than POST."""
    browser = any(name in request.headers for name in ("origin", "sec-fetch-site", "cookie"))
    asked_for = media_type(request) == "application/json" or request.method != "POST"
    path: str = request.scope["path"]
    return path.startswith("/api/") and not browser and asked_for


def _person() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user has no name
        return "local"
