"""Signing in and out: with a token, and at a provider of OpenID Connect that is a real server."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
from joserfc.jwk import RSAKey

from auditor.credentials import Deed, Scope, digest, revoke
from auditor.daemon.serve import Service
from auditor.store import Store
from auditor.web.access.oidc import CALLBACK
from tests.standins.oidc import CLIENT, SECRET, Provider, provider
from tests.web.access.doors import ADMIN, NOW, Clock, Door, door, token

Standing = tuple[Service, Store, Clock]
URL = "https://parity.example.com"
PLACE = "__Host-parity_session"


@pytest.fixture(scope="module")
def standin(built: Standing) -> Iterator[Provider]:
    with provider(built[2]) as running:
        yield running


@pytest.fixture
def idp(standin: Provider) -> Iterator[Provider]:
    """The provider, which behaves."""
    before = copy.copy(standin.__dict__)
    standin.claims = {}
    yield standin
    standin.__dict__.update(before)


def front(standing: Standing, idp: Provider, **changed: Any) -> Door:
    groups = {"read": ["*"], "act": ["developers"], "admin": ["platform"]}
    settings = {"issuer": idp.url, "client_id": CLIENT, "client_secret": SECRET, **groups, **changed}
    return door(*standing, {"oidc": settings, "tokens": True}, url=URL)


def at_the_provider(address: str) -> str:
    """What a browser does there: it follows to /authorize, and is sent back with the path that is returned."""
    answer = httpx.get(address, trust_env=False)
    assert answer.status_code == 302, answer.text
    back = urlsplit(answer.headers["location"])
    assert f"{back.scheme}://{back.netloc}{back.path}" == f"{URL}{CALLBACK}"
    return f"{back.path}?{back.query}"


def signed_in(browser: Door, onward: str = "") -> Any:
    begun = browser.get(f"/login/oidc?next={onward}" if onward else "/login/oidc")
    assert begun.status == 303
    return browser.get(at_the_provider(begun.location))


def last(standing: Standing) -> Deed:
    return standing[1].trail(limit=1)[0]


def test_a_token_opens_a_session_whose_cookie_no_script_and_no_other_site_gets(standing: Standing) -> None:
    """HttpOnly, SameSite, Secure and of this host only under https; it goes on to what was asked for."""
    issued = token(standing[1], Scope.ACT, "ada")
    browser = door(*standing, {"tokens": True}, url=URL)
    assert browser.get("/access").location == "/login?next=/access"
    answer = browser.sign_in(f" {issued.text}\n", "/findings?text=a%20b")
    assert (answer.status, answer.location) == (303, "/findings?text=a%20b")
    (line,) = [line for line in answer.headers.getlist("set-cookie") if line.startswith(PLACE)]
    assert set(line.split("; ")[1:]) == {"Path=/", "HttpOnly", "SameSite=Lax", "Secure", "Max-Age=43200"}
    assert browser.get("/login").location == "/"
    assert browser.get("/access").status == 403
    (session,) = [one for one in standing[1].sessions(NOW) if one.token_id == issued.token.id]
    assert (session.name, session.scope, session.digest) == ("token:ada", Scope.ACT, digest(browser.jar[PLACE]))
    assert browser.jar[PLACE] not in repr(session)
    assert (last(standing).actor, last(standing).action, last(standing).outcome) == ("token:ada", "login", "done")
    plain = door(*standing, {"tokens": True}, url="http://parity.example.com")
    (line,) = [one for one in plain.sign_in(issued.text).headers.getlist("set-cookie") if "parity_session" in one]
    assert line.startswith("parity_session=")
    assert "Secure" not in line


def test_a_session_that_somebody_else_chose_is_not_taken_over(standing: Standing) -> None:
    """Whoever logs in gets a new one, and the one before it is over; so is one that was logged out."""
    browser = door(*standing, {"tokens": True}, url="http://parity.example.com")
    planted = "a" * 64
    browser.jar["parity_session"] = planted
    issued = token(standing[1], Scope.ADMIN)
    assert browser.sign_in(issued.text).status == 303
    first = browser.jar["parity_session"]
    assert first != planted
    assert standing[1].session(digest(planted), NOW) is None
    form = {"csrf": browser.csrf("/access")}
    again = door(*standing, {"tokens": True}, url="http://parity.example.com")
    again.jar = {"parity_session": first, **{name: one for name, one in browser.jar.items() if "browser" in name}}
    # Signing in once more, from the form that somebody left open.
    csrf = again.gate.csrf(again.gate.browser(_request(again)))
    assert again.post("/login", {"csrf": csrf, "token": issued.text}).status == 303
    assert again.jar["parity_session"] != first
    assert standing[1].session(digest(first), NOW) is None
    assert browser.post("/logout", form).location == "/login"
    form = {"csrf": again.csrf("/access")}
    value = again.jar["parity_session"]
    assert again.post("/logout", form).location == "/login"
    assert "parity_session" not in again.jar
    assert standing[1].session(digest(value), NOW) is None
    assert (last(standing).action, last(standing).via) == ("logout", "session")


def _request(browser: Door) -> Any:
    from fastapi import Request

    cookies = "; ".join(f"{name}={value}" for name, value in browser.jar.items())
    return Request({"type": "http", "method": "POST", "headers": [(b"cookie", cookies.encode())]})


def test_a_session_ends_with_its_token_its_time_or_its_way_in(standing: Standing) -> None:
    """Revoked: at once. Twelve hours: never longer, and less where the token expires before. Tokens switched off: at once."""
    built, store, clock = standing
    browser = door(built, store, clock, {"tokens": True})
    issued = token(store, Scope.READ, "ends")
    browser.sign_in(issued.text)
    assert browser.get("/login").location == "/"
    revoke(store, issued.token, NOW, ADMIN)
    assert browser.get("/login").status == 200
    for lasts, until in ((None, 12), (NOW.replace(hour=11) - NOW.replace(hour=9), 2)):
        clock.now = NOW
        browser.jar.clear()
        browser.sign_in(token(store, Scope.READ, "short", lasts).text)
        clock.later(hours=until, seconds=-1)
        assert browser.get("/login").location == "/"
        clock.later(seconds=1)
        assert browser.get("/login").status == 200
    clock.now = NOW
    browser.jar.clear()
    browser.sign_in(token(store).text)
    before = browser.jar
    closed = door(built, store, clock, {"proxy": {"from": ["10.0.0.1/32"], "read": ["*"]}})
    closed.jar = before
    assert closed.ask("GET", "/access", cookie=f"parity_session={before['parity_session']}").status == 401


def test_what_does_not_come_from_the_login_page_logs_nobody_in(standing: Standing) -> None:
    """Nobody is logged in as somebody else by a page elsewhere; and a wrong token is refused and told in the trail."""
    browser = door(*standing, {"tokens": True})
    text = token(standing[1]).text
    assert browser.post("/login", {"token": text}).status == 403
    assert browser.post("/login", {"token": text, "csrf": "x"}).status == 403
    csrf = browser.csrf()
    assert browser.post("/login", {"token": text, "csrf": csrf}, origin="https://evil.example").status == 403
    assert browser.post("/login", {"token": text, "csrf": csrf}, sec_fetch_site="cross-site").status == 403
    assert "parity_session" not in browser.jar
    refused = browser.post("/login", {"token": text[:-1] + "x", "csrf": csrf})
    assert refused.status == 401
    assert text[:-1] not in refused.text
    assert "unknown, expired or revoked" in refused.text
    assert (last(standing).action, last(standing).outcome, last(standing).address) == (
        "login",
        "refused",
        browser.client,
    )
    assert text[:20] not in repr(last(standing))
    assert browser.post("/login", {"token": text, "csrf": csrf}).status == 303


@pytest.mark.parametrize(
    "onward",
    [
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "/\t/evil.example",
        "\\\\evil.example",
        "/a\\b",
        "javascript:alert(1)",
        "evil.example",
        " /findings",
        "/x\r\nset-cookie: a=b",
        "/login?next=/login",
        "/logout",
        "",
    ],
)
def test_a_login_leads_nowhere_else(standing: Standing, onward: str) -> None:
    """What could be another host, a script or a circle leads to the overview."""
    browser = door(*standing, {"tokens": True})
    assert browser.sign_in(token(standing[1]).text, onward).location == "/"


def test_a_provider_lets_people_in_as_their_groups_allow(standing: Standing, idp: Provider) -> None:
    """Discovery, code, PKCE, nonce, signature; the scope is that of the group, the name that of the claim."""
    browser = front(standing, idp)
    page = browser.get("/login?next=/findings")
    assert 'href="/login/oidc?next=%2Ffindings"' in page.text
    answer = signed_in(browser, "/findings")
    assert (answer.status, answer.location) == (303, "/findings")
    assert (last(standing).actor, last(standing).via, last(standing).detail) == ("ada@example.com", "oidc", "act")
    assert browser.get("/access").status == 403
    idp.claims = {"groups": ["platform", "x"], "email_verified": False}
    browser = front(standing, idp)
    assert signed_in(browser).location == "/"
    assert browser.get("/access").status == 200
    # An address that nobody verified is not a name.
    assert last(standing).actor == "248289761001"
    idp.claims = {"groups": None, "realm_access": {"roles": "developers"}, "name": "Ada <script>"}
    browser = front(standing, idp, claim="realm_access.roles", name_claim="name", read=[])
    assert signed_in(browser).status == 303
    assert (last(standing).actor, last(standing).detail) == ("Ada <script>", "act")


def test_whose_groups_allow_nothing_stays_outside(standing: Standing, idp: Provider) -> None:
    """And is told by which name, and so is the trail; an unverified address is no claim to go by either."""
    browser = front(standing, idp, read=[], act=["owners"])
    answer = signed_in(browser)
    assert answer.status == 403
    assert "ada@example.com is in no group" in answer.text
    assert (last(standing).actor, last(standing).outcome) == ("ada@example.com", "refused")
    assert PLACE not in browser.jar
    for unverified in (False, "false", "no", 0):
        idp.claims = {"email_verified": unverified}
        assert signed_in(front(standing, idp, claim="email", read=["ada@example.com"])).status == 403, unverified
        assert last(standing).actor == "248289761001"
    idp.claims = {"email_verified": "true"}
    assert signed_in(front(standing, idp, claim="email", read=["ada@example.com"])).status == 303
    idp.claims = {}
    assert signed_in(front(standing, idp, claim="email", read=["ada@example.com"])).status == 303


def _other_key(idp: Provider) -> None:
    idp.signs_with = RSAKey.generate_key(2048, {"kid": "k1"})


def _shared_secret(idp: Provider) -> None:
    """The published key taken for a shared secret, which everybody knows."""
    idp.algorithm, idp.signs_with = "HS256", idp.key.as_pem(private=False)


FAULTS: Mapping[str, Callable[[Provider], object]] = {
    "wrong nonce": lambda idp: idp.claims.update(nonce="x"),
    "no nonce": lambda idp: idp.claims.update(nonce=None),
    "wrong audience": lambda idp: idp.claims.update(aud="another"),
    "several audiences, for another": lambda idp: idp.claims.update(aud=[CLIENT, "another"], azp="another"),
    "wrong issuer": lambda idp: idp.claims.update(iss="https://evil.example"),
    "expired": lambda idp: idp.claims.update(exp=int(NOW.timestamp()) - 61),
    "not yet": lambda idp: idp.claims.update(iat=int(NOW.timestamp()) + 3600),
    "no subject": lambda idp: idp.claims.update(sub=None),
    "unsigned": lambda idp: setattr(idp, "algorithm", "none"),
    "signed with another key": _other_key,
    "signed with what everybody knows": _shared_secret,
    "no token": lambda idp: setattr(idp, "refuses", True),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_the_provider_says_is_believed_only_if_all_of_it_is_right(
    standing: Standing, idp: Provider, fault: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Each wrong answer lets nobody in, is in the trail, and tells no secret."""
    browser = front(standing, idp)
    FAULTS[fault](idp)
    answer = signed_in(browser)
    assert answer.status == 403
    assert "answer is not valid" in answer.text
    assert PLACE not in browser.jar
    assert (last(standing).via, last(standing).outcome) == ("oidc", "refused")
    assert "canary" not in answer.text + caplog.text + repr(last(standing))


def test_an_answer_that_began_elsewhere_or_long_ago_is_refused(standing: Standing, idp: Provider) -> None:
    """Another state, no login under way, one of another browser, one that is too old, one that was used."""
    browser = front(standing, idp)
    back = at_the_provider(browser.get("/login/oidc").location)
    query = dict(parse_qsl(urlsplit(back).query))
    stranger = front(standing, idp)
    assert stranger.get(back).status == 403
    stranger.get("/login/oidc")
    assert stranger.get(back).status == 403
    assert browser.get(f"{CALLBACK}?code={query['code']}&state=x").status == 403
    browser.get("/login/oidc")
    assert browser.get(f"{CALLBACK}?error=access_denied&state=x").status == 403
    late = front(standing, idp)
    back = at_the_provider(late.get("/login/oidc").location)
    standing[2].later(minutes=11)
    assert late.get(back).status == 403
    standing[2].now = NOW
    back = at_the_provider(late.get("/login/oidc").location)
    assert late.get(back).status == 303
    assert late.get(back).status == 403
    denied = front(standing, idp)
    state = dict(parse_qsl(urlsplit(denied.get("/login/oidc").location).query))["state"]
    refused = denied.get(f"{CALLBACK}?error=access_denied&error_description=canary&state={state}")
    assert (refused.status, "did not let you in" in refused.text) == (403, True)


def test_a_new_key_of_the_provider_is_asked_for(standing: Standing, idp: Provider) -> None:
    """Keys are kept for an hour, but one that is not known is looked for at once."""
    browser = front(standing, idp)
    assert signed_in(browser).status == 303
    asked = idp.asked.count("/jwks")
    assert signed_in(browser).status == 303
    assert idp.asked.count("/jwks") == asked
    idp.key = RSAKey.generate_key(2048, {"kid": "k2"})
    assert signed_in(browser).status == 303
    assert idp.asked.count("/jwks") == asked + 1


def test_a_provider_that_cannot_be_reached_or_is_another_is_told_apart(standing: Standing, idp: Provider) -> None:
    """The page says that it does not work now; the log says why."""
    assert front(standing, idp, issuer="http://127.0.0.1:1").get("/login/oidc").status == 503
    silent = front(standing, idp)
    keys, idp.issuer = idp.asked.count("/.well-known/openid-configuration"), "https://another.example"
    assert [silent.get("/login/oidc").status for _ in range(3)] == [503, 503, 503]
    # It is left alone for a while, so that nobody waits for it who need not.
    assert idp.asked.count("/.well-known/openid-configuration") == keys + 1
    idp.issuer = ""
    standing[2].later(seconds=10)
    assert silent.get("/login/oidc").status == 303
    idp.issuer = "https://another.example"
    assert front(standing, idp).get("/login/oidc").status == 503
    without = door(*standing, {"tokens": True})
    assert without.get("/login/oidc").status == 404
    assert without.get(f"{CALLBACK}?code=a&state=b").status == 404
