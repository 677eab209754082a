"""Personal data in a text, as far as it proves itself: by a checksum, a numbering plan, a domain that exists.

What was set aside for examples and fiction is none: RFC 2606 domains, the numbers that regulators keep for films, the
test numbers of payment providers, the IBANs of the standard's own documentation.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

_EMAIL = re.compile(r"(?<![\w.+/:@-])([A-Za-z0-9._%+'-]{1,64})@((?:[A-Za-z0-9-]{1,63}\.)+[A-Za-z]{2,24})(?![\w@-])")
_FILE_ENDINGS = frozenset("png jpg jpeg gif svg webp ico css js map html htm pdf".split())
_RESERVED = ("example.com", "example.org", "example.net", "example", "test", "invalid", "localhost", "local")
# Mailboxes of a role, which no one person stands behind.
_ROLES = frozenset(
    "abuse admin administrator billing contact do-not-reply donotreply git hello help hostmaster info mailer-daemon "
    "marketing no-reply no_reply noreply notifications office orders postmaster root sales security service support "
    "team test webmaster".split()
)
_MESSAGE_ID = re.compile(r"(?=(?:\D*\d){9})[\w.+-]{20,}\Z")
_DIGITS = re.compile(r"(?<![\w.,+-])\d(?:[ -]?\d){11,18}(?![\w-]|[.,]\d)")
_GROUPED = re.compile(r"\d{4}([ -])\d{4}\1\d{4}\1\d{1,7}|\d{4}([ -])\d{6}\2\d{5}")
_IBAN = re.compile(r"(?<![A-Za-z0-9])[A-Z]{2}\d{2}(?: ?[A-Za-z0-9]){11,30}(?![A-Za-z0-9])")
_INTERNATIONAL = re.compile(r"(?<![\w+])(?:\+|00)[1-9](?:[\s().\-/]{0,2}\d){6,14}(?!\d)")
_NATIONAL = re.compile(r"\(?\d(?:[\s().\-/]{0,2}\d){6,13}(?:\s?(?:x|ext\.?)\s?\d{1,5})?")
_SEPARATED = re.compile(r"\d[\s().\-/]+\d")
_SSN = re.compile(r"\d{3}([- ]?)\d{2}\1\d{4}")
# https://en.wikipedia.org/wiki/Payment_card_number: first digits and lengths of the networks that are in use.
_NETWORKS = (
    (re.compile(r"4"), (13, 16, 19)),
    (re.compile(r"5[1-5]|222[1-9]|22[3-9]\d|2[3-6]\d\d|27[01]\d|2720"), (16,)),
    (re.compile(r"3[47]"), (15,)),
    (re.compile(r"6011|65|64[4-9]"), (16, 19)),
    (re.compile(r"30[0-5]|3[689]"), (14,)),
    (re.compile(r"35(?:2[89]|[3-8]\d)"), (16,)),
    (re.compile(r"62"), (16, 17, 18, 19)),
)
_TEST_CARDS = frozenset(
    "4242424242424242 4000056655665556 4111111111111111 4012888888881881 4222222222222 4000000000000002 4000002500003155 "
    "4000000000003220 4000000000009995 5555555555554444 2223003122003222 5200828282828210 5105105105105100 "
    "5431111111111111 378282246310005 371449635398431 378734493671000 6011111111111117 6011000990139424 6011981111111113 "
    "3056930009020004 36227206271667 30569309025904 38520000023237 3566002020360505 3530111333300000 6200000000000005 "
    "4000000000000077 4000000000000341 5454545454545454 4917610000000000 4444333322221111 6759649826438453".split()
)
_EXAMPLE_IBANS = frozenset(
    "DE89370400440532013000 GB82WEST12345698765432 GB29NWBK60161331926819 FR1420041010050500013M02606 "
    "FR7630006000011234567890189 NL91ABNA0417164300 ES9121000418450200051332 IT60X0542811101000000123456 "
    "CH9300762011623852957 AT611904300234573201 BE68539007547034 IE29AIBK93115212345678 PL61109010140000071219812874 "
    "DE91100000000123456789 SE4550000000058398257466 NO9386011117947 DK5000400440116243 FI2112345600000785 "
    "LU280019400644750000 PT50000201231234567890154".split()
)
# Kept for fiction by NANPA, Ofcom, Arcep, the Bundesnetzagentur, ACMA and ComReg.
_FICTION = re.compile(
    r"1\d{3}55501\d\d|447700900\d{3}|44(?:20794|1632|1134960|1144960|1154960|1164960|1174960|1184960|1214960|1314960)\d+"
    r"|33(?:19900|26191|35301|46571|53649|63998)\d{4}|49(?:3023125|6990009|4066969|2214710|8999998|17139200)\d{2,4}"
    r"|61(?:491570|[2378]5550|[2378]7010)\d{3,4}|353209110\d{3}"
)


@dataclass(frozen=True, slots=True)
class Cards:
    """Numbers that have the shape of a card's, and those of them whose check digit is right too. By chance one in ten is."""

    shaped: int = 0
    valid: tuple[str, ...] = ()
    grouped: bool = False


@dataclass(frozen=True)
class Patterns:
    """What counts as personal here. `domains` may stand in e-mail addresses; `region` is where numbers without `+` are dialled."""

    domains: Iterable[str] = ()
    region: str | None = None
    _allowed: tuple[str, ...] = field(init=False, default=())

    def __post_init__(self) -> None:
        own = (domain.lower().lstrip("@.") for domain in self.domains)
        object.__setattr__(self, "_allowed", (*_RESERVED, *own))

    def emails(self, text: str) -> Iterator[str]:
        """The addresses of people at domains that are not allowed, in lower case."""
        if "@" not in text:
            return
        for found in _EMAIL.finditer(text):
            mailbox, domain = found[1].lower().strip("."), found[2].lower()
            if any(domain == allowed or domain.endswith(f".{allowed}") for allowed in self._allowed):
                continue
            role = mailbox.partition("+")[0] in _ROLES
            if not role and domain.rpartition(".")[2] not in _FILE_ENDINGS and not _MESSAGE_ID.match(mailbox):
                yield f"{mailbox}@{domain}"

    def phones(self, text: str) -> Iterator[str]:
        """Numbers in international format that are in use in their country, as `+49…`."""
        if "+" not in text and "00" not in text:
            return
        for found in _INTERNATIONAL.finditer(text):
            number = re.sub(r"\D", "", found.group()).removeprefix("00")
            # Zeros before an order number make no international prefix of it.
            if not found.group().startswith("+") and not self.looks_dialled(found.group()):
                continue
            dialled = None if _is_made_up(number) else _dialled(f"+{number}", None)
            if dialled is not None:
                yield dialled

    def national_phone(self, text: str) -> str | None:
        """A whole text that is a number as people dial it in `region`; of any country where none is given."""
        stripped = text.strip()
        if not _NATIONAL.fullmatch(stripped):
            return None
        number = re.sub(r"\D", "", re.split(r"\s?(?:x|ext)", stripped)[0])
        if _is_made_up(number) or _FICTION.fullmatch(f"1{number}"):
            return None
        if self.region is None:
            return number
        return _dialled(stripped, self.region)

    def looks_dialled(self, text: str) -> bool:
        """Whether a number is written as people write phone numbers: in groups. Digits alone may be any number."""
        return _SEPARATED.search(text) is not None


def cards(text: str) -> Cards:
    """The card numbers in a text, as digits, but for those that payment providers publish for tests."""
    from stdnum import luhn

    shaped, valid, grouped = 0, [], False
    for found in _DIGITS.finditer(text):
        number = re.sub(r"\D", "", found.group())
        if not any(start.match(number) and len(number) in lengths for start, lengths in _NETWORKS):
            continue
        shaped += 1
        if luhn.is_valid(number) and number not in _TEST_CARDS and len(set(number)) > 2:
            valid.append(number)
            grouped = grouped or _GROUPED.fullmatch(found.group()) is not None
    return Cards(shaped, tuple(valid), grouped)


def ibans(text: str) -> Iterator[str]:
    """The IBANs in a text whose checksum and country's shape are right."""
    from stdnum import iban

    for found in _IBAN.finditer(text):
        # In running text the next word may stand where more of the number could.
        parts = found.group().split(" ")
        for count in range(len(parts), 0, -1):
            number = "".join(parts[:count]).upper()
            if len(number) >= 15 and iban.is_valid(number):
                if number not in _EXAMPLE_IBANS:
                    yield number
                break


def social_security_number(text: str) -> str | None:
    """A whole text that is a social security number of the United States."""
    from stdnum.us import ssn

    stripped = text.strip()
    number = re.sub(r"\D", "", stripped)
    return number if _SSN.fullmatch(stripped) and ssn.is_valid(number) else None


def public_ip(text: str) -> str | None:
    """A whole text that is an IP address of the internet: not private, reserved or for documentation."""
    stripped = text.strip()
    if not 6 < len(stripped) < 46 or not (stripped.count(".") == 3 or ":" in stripped):
        return None
    try:
        address = ipaddress.ip_address(stripped.partition("/")[0])
    except ValueError:
        return None
    return str(address) if address.is_global and not address.is_multicast else None


def _is_made_up(number: str) -> bool:
    return (
        len(set(number)) < 3
        or number in "01234567890123456789"
        or number in "98765432109876543210"
        or _FICTION.fullmatch(number) is not None
    )


def _dialled(text: str, region: str | None) -> str | None:
    """The number in international form, if it is in use where it is dialled and not kept for fiction there."""
    import phonenumbers

    try:
        parsed = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None
    number = f"{parsed.country_code}{parsed.national_number}"
    return f"+{number}" if phonenumbers.is_valid_number(parsed) and not _FICTION.fullmatch(number) else None
