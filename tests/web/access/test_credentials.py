"""Tokens, sessions and the trail as they are kept, on both databases."""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest

from auditor.credentials import (
    CredentialError,
    Deed,
    Scope,
    WebSession,
    digest,
    id_of,
    issue,
    revoke,
    same,
)
from auditor.errors import StoreError
from auditor.store import NotFoundError, Store, schema
from tests.web.access.doors import ADMIN, NOW, session, token

DAY = timedelta(days=1)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A database of the module's own, which nobody reads but these tests."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path_factory.mktemp('credentials') / 'auditor.db'}"
    server = str(request.getfixturevalue("postgres_url"))
    name = f"credentials_{secrets.token_hex(4)}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {name}")
    return f"{server}{'&' if '?' in server else '?'}options=-csearch_path%3D{name}"


@pytest.fixture(scope="module")
def store(url: str) -> Iterator[Store]:
    schema.upgrade(url)
    with Store.open(url) as opened:
        yield opened


def everything(url: str) -> str:
    """All that the tables hold."""
    tables = ("api_tokens", "web_sessions", "trail")
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as lite:
            return repr([lite.execute(f"SELECT * FROM {table}").fetchall() for table in tables])
    with psycopg.connect(url) as connection:
        return repr([connection.execute(f"SELECT * FROM {table}").fetchall() for table in tables])


def test_a_token_is_kept_as_a_hash_and_found_by_its_id(store: Store, url: str) -> None:
    """256 random bits, of which the database holds nothing; everything else comes back as it was."""
    issued = issue(store, " nightly job ", Scope.ACT, 90 * DAY, NOW, ADMIN)
    identifier = id_of(issued.text)
    assert identifier == issued.token.id
    assert len(issued.text.rpartition("_")[2]) * 4 == 256
    found = store.token(identifier)
    assert found == (issued.token, digest(issued.text))
    assert (issued.token.name, issued.token.expires_at, issued.token.state(NOW)) == (
        "nightly job",
        NOW + 90 * DAY,
        "active",
    )
    assert issued.token.state(NOW + 90 * DAY) == "expired"
    assert store.token(identifier[:-1]) is None
    assert issued.text.rpartition("_")[2] not in everything(url) + repr(found)
    assert issue(store, "forever", Scope.READ, None, NOW, ADMIN).token.state(NOW + 9999 * DAY) == "active"
    store.token_used(identifier, NOW + DAY)
    assert next(one for one in store.tokens() if one.id == identifier).used_at == NOW + DAY
    deed = store.trail(limit=2)[1]
    assert (deed.actor, deed.via, deed.action, deed.outcome) == ("ada", "cli", "token.create", "done")
    assert (deed.subject, deed.detail) == (f"nightly job ({identifier})", "act, until 2027-02-18")


def test_a_token_that_was_taken_back_ends_its_sessions_and_only_those(store: Store, url: str) -> None:
    """At once, and once: the second time changes neither who did it nor the trail."""
    first, second = token(store, name="first"), token(store, name="second")
    values = secrets.token_hex(32), secrets.token_hex(32)
    session(store, values[0], Scope.READ, first.token)
    session(store, values[1], Scope.READ, second.token)
    gone = revoke(store, first.token, NOW + DAY, ADMIN)
    assert (gone.state(NOW), gone.revoked_at, gone.revoked_by) == ("revoked", NOW + DAY, "ada")
    assert store.session(digest(values[0]), NOW) is None
    assert digest(values[0]) not in everything(url)
    # One that was just being opened meanwhile.
    late = session(store, values[0], Scope.READ, first.token)
    assert store.session(late.digest, NOW) is None
    assert late not in store.sessions(NOW)
    kept = store.session(digest(values[1]), NOW)
    assert kept is not None
    assert kept.token_id == second.token.id
    lines = len(store.trail(limit=1000))
    assert revoke(store, first.token, NOW + 2 * DAY, ADMIN) == gone
    assert len(store.trail(limit=1000)) == lines
    with pytest.raises(NotFoundError, match="there is no token"):
        store.revoke_token("nosuch", Deed(NOW, "ada", "cli", "token.revoke"))


def test_sessions_end_in_time_and_are_cleared_away_by_the_next_login(store: Store, url: str) -> None:
    """One in place of another: the one before is gone; so are all that had ended."""
    value, later = secrets.token_hex(32), secrets.token_hex(32)
    begun = session(store, value, Scope.ACT)
    assert store.session(begun.digest, begun.expires_at - timedelta(seconds=1)) == begun
    assert store.session(begun.digest, begun.expires_at) is None
    assert begun in store.sessions(NOW)
    assert begun not in store.sessions(begun.expires_at)
    deed = Deed(NOW, "ada", "oidc", "login")
    other = WebSession(digest(later), "bob", Scope.READ, "oidc", begun.expires_at, begun.expires_at + DAY)
    store.begin_session(other, deed)
    assert begun.digest not in everything(url)
    third = WebSession(digest("x"), "bob", Scope.READ, "oidc", begun.expires_at, begun.expires_at + DAY)
    store.begin_session(third, deed, replaces=other.digest)
    assert store.sessions(begun.expires_at) == (third,)
    assert store.end_session(third.digest, Deed(NOW, "bob", "session", "logout"))
    lines = len(store.trail(limit=1000))
    assert not store.end_session(third.digest, Deed(NOW, "bob", "session", "logout"))
    assert len(store.trail(limit=1000)) == lines


def test_the_trail_is_read_by_the_page_and_never_rewritten(store: Store, url: str) -> None:
    """Newest first, page after page; what no database takes or nobody reads is cut; a row can be neither changed nor removed."""
    for number in range(5):
        store.add_deed(Deed(NOW, f"actor\x00 {number}", "local", "waive", "x" * 400, "done", "127.0.0.1", "why"))
    first = store.trail(limit=2)
    rest = store.trail(limit=3, before=first[-1].id)
    assert [deed.actor for deed in (*first, *rest)] == [f"actor {number}" for number in (4, 3, 2, 1, 0)]
    assert (len(first[0].subject), first[0].subject[-1], first[0].at) == (250, "…", NOW)
    statement = "UPDATE trail SET actor = 'nobody'", "DELETE FROM trail"
    for change in statement:
        if url.startswith("sqlite"):
            with (
                closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as lite,
                pytest.raises(sqlite3.IntegrityError),
            ):
                lite.execute(change)
        else:
            with psycopg.connect(url) as connection, pytest.raises(psycopg.errors.RestrictViolation):
                connection.execute(change)
    assert [deed.actor for deed in store.trail(limit=1)] == ["actor 4"]


@pytest.mark.parametrize(
    "name, lasts, said",
    [
        ("", DAY, "1 to 64"),
        ("x" * 65, DAY, "1 to 64"),
        ("a\nb", DAY, "1 to 64"),
        ("<b>", DAY, "1 to 64"),
        ("ci", timedelta(0), "has to last"),
        ("ci", timedelta(days=4_000_000), "longer than the calendar"),
    ],
)
def test_a_token_that_cannot_be_is_refused_in_words(store: Store, name: str, lasts: timedelta, said: str) -> None:
    """And nothing of it is kept."""
    before = len(store.tokens())
    with pytest.raises(CredentialError, match=said):
        issue(store, name, Scope.READ, lasts, NOW, ADMIN)
    assert len(store.tokens()) == before


def test_texts_that_are_no_tokens_have_no_id() -> None:
    """Too short, in capitals, with something behind."""
    text = f"pa_{'0' * 12}_{'a' * 64}"
    assert id_of(text) == "0" * 12
    assert [id_of(one) for one in ("", text[:-1], text.upper(), f"{text}\n", f" {text}", text.replace("a", "é"))] == [
        None
    ] * 6
    assert same("é", "é")
    assert not same("a", "é")


def test_a_damaged_database_is_told_as_ours(tmp_path: Path) -> None:
    """No error of the database's library gets out."""
    with Store.open(f"sqlite:///{tmp_path}/auditor.db") as opened:
        token(opened)
        with closing(sqlite3.connect(f"{tmp_path}/auditor.db")) as lite:
            lite.execute("DROP TABLE api_tokens")
        with pytest.raises(StoreError, match="no such table"):
            opened.tokens()
