"""What the names of columns and tables promise: whose column is a phone number, a surname, a session's token.

English, with the words that German, French and Spanish schemas use for the same. A name alone proves nothing: it lets a
value count that would pass for an order number under any other name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

EMAIL, PHONE, CARD, IBAN, NATIONAL_ID, IP = "email", "phone", "card", "iban", "national_id", "ip"
NAME, BIRTH_DATE, ADDRESS, LOGIN, CREDENTIAL, TEXT = "name", "birth_date", "address", "login", "credential", "text"
GIVEN, FAMILY, SESSION = "given name", "family name", "session"

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_PHONE = frozenset(
    "phone phones telephone tel mobile cell cellphone fax msisdn whatsapp telefon handy telefono tlf gsm".split()
)
_CARD = frozenset("card cards pan cc creditcard cardnumber ccnumber kreditkarte tarjeta".split())
_GIVEN = frozenset("firstname forename fname givenname vorname prenom nombre".split())
_FAMILY = frozenset("surname lastname lname familyname nachname familienname apellido apellidos".split())
_FULL = frozenset("fullname realname displayname cardholder accountholder recipient addressee".split())
_WHOSE_NAME = frozenset(
    "full real display legal contact customer client patient holder recipient person employee guest".split()
)
_ADDRESS = frozenset("street address addr adresse anschrift strasse rue direccion domicilio".split())
_OTHER_ADDRESS = frozenset("email mail ip mac web url server host bind listen wallet contract memory id type".split())
_BIRTH = frozenset("dob birthday birthdate geburtsdatum geburtstag naissance nacimiento".split())
_LOGIN = frozenset("username login nickname handle loginname benutzername".split())
_CREDENTIAL = frozenset(
    "password passwd pwd passphrase passwort secret token tokens jwt otp cookie apikey totp".split()
)
_SESSION = frozenset("token tokens jwt otp cookie session sid apikey".split())
_SESSION_TABLE = frozenset("session sessions".split())
_OF_A_SESSION = frozenset("id key data payload sid value".split())
# After a word that promises something: only something about it is meant.
_ABOUT = frozenset(
    "at on by date time count counts type types kind status state enabled required verified confirmed expires expiry "
    "expiration expired ttl length hint version algorithm algo attempts url uri path format provider template label "
    "changed changes updated created sent valid prefix code country brand issuer last4 scheme network month year".split()
)
_PEOPLE = frozenset(
    "user users customer customers client clients person persons people contact contacts employee employees patient "
    "patients member members profile profiles subscriber subscribers passenger passengers guest guests student students "
    "lead leads author authors driver drivers applicant applicants candidate candidates recipient recipients owner "
    "owners kunde kunden benutzer personen clientes usuarios utilisateurs".split()
)
_OF_PEOPLE = frozenset({NAME, PHONE, ADDRESS, LOGIN, BIRTH_DATE, NATIONAL_ID})
_EXPIRY = frozenset("expires expiry expire expiration expired expiring".split())
_REVOKED = frozenset("revoked invalidated consumed redeemed".split())
_WHEN = ("occurred", "logged", "event", "created", "inserted", "recorded", "timestamp", "time", "date", "at")


@lru_cache(maxsize=65536)
def words(name: str) -> tuple[str, ...]:
    """The lower-case words of a name in any case style."""
    return tuple(word.lower() for word in _WORD.findall(name))


@lru_cache(maxsize=65536)
def promised(column: str, table: str) -> frozenset[str]:
    """What the values of `column` of `table` are, if they look like it at all."""
    parts = words(column)
    if not parts or parts[-1] in _ABOUT:
        return frozenset()
    own, joined = frozenset(parts), "".join(parts)
    found = {
        meaning
        for meaning, known in ((PHONE, _PHONE), (CARD, _CARD), (BIRTH_DATE, _BIRTH), (LOGIN, _LOGIN))
        if own & known or joined in known
    }
    if "ssn" in own or {"social", "security"} <= own:
        found.add(NATIONAL_ID)
    if "ip" in own or joined in ("ipaddress", "remoteaddr", "clientip"):
        found.add(IP)
    if own & _ADDRESS and not own & _OTHER_ADDRESS:
        found.add(ADDRESS)
    if "birth" in own or "born" in own:
        found.add(BIRTH_DATE)
    if parts[-2:] in (("user", "name"), ("screen", "name")):
        found.add(LOGIN)
    return frozenset(found | _names(parts, joined, table) | _credentials(parts, table))


def _names(parts: tuple[str, ...], joined: str, table: str) -> set[str]:
    own = frozenset(parts)
    if own & _GIVEN or parts[-2:] in (("first", "name"), ("given", "name")):
        return {NAME, GIVEN}
    if own & _FAMILY or parts[-2:] in (("last", "name"), ("family", "name")):
        return {NAME, FAMILY}
    whose = parts[-1] == "name" and bool(own & _WHOSE_NAME)
    plain = parts == ("name",) and bool(_PEOPLE.intersection(words(table)))
    return {NAME} if whose or plain or own & _FULL or joined in _FULL else set()


def _credentials(parts: tuple[str, ...], table: str) -> set[str]:
    own = frozenset(parts)
    of_session = bool(_SESSION_TABLE.intersection(words(table))) and parts[-1] in _OF_A_SESSION
    key = parts[-1] == "key" and bool(own & {"api", "access", "private", "session", "secret", "auth"})
    if not (own & _CREDENTIAL or of_session or key or {"session", "id"} <= own or any("password" in p for p in parts)):
        return set()
    return {CREDENTIAL, SESSION} if of_session or own & _SESSION or "api" in own else {CREDENTIAL}


def concerns_people(table: str, columns: Iterable[str]) -> bool:
    """Whether the rows of a table are people, or say which person they belong to."""
    if _PEOPLE.intersection(words(table)):
        return True
    return any(_PEOPLE.intersection(words(name)) or promised(name, table) & _OF_PEOPLE for name in columns)


def ends(column: str) -> bool:
    """Whether a time in `column` says until when its row is valid."""
    parts = frozenset(words(column))
    return bool(parts & _EXPIRY) or {"valid", "until"} <= parts or {"valid", "to"} <= parts


def revokes(column: str) -> bool:
    """Whether a time or a switch in `column` says that its row is not valid any more."""
    return bool(_REVOKED.intersection(words(column)))


def when(columns: list[str]) -> str | None:
    """The one of several columns of times that says when a row came to be; the first one where no name tells."""
    for word in _WHEN:
        for column in columns:
            if word in words(column) and not ends(column) and "updated" not in words(column):
                return column
    return next((column for column in columns if not ends(column)), None)
