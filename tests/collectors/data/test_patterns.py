"""Personal data proves itself: by a checksum, a numbering plan, a domain; what was set aside for examples is none."""

from __future__ import annotations

import pytest

from collectors.data.patterns import Cards, Patterns, cards, ibans, public_ip, social_security_number

ANY = Patterns(domains=["acme.io"])
GERMAN = Patterns(region="DE")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Wiebke.Quadflieg@Gmail.com", ["wiebke.quadflieg@gmail.com"]),
        ("write to <ann+shop@mail.web.de>, or to bob@posteo.net.", ["ann+shop@mail.web.de", "bob@posteo.net"]),
        ("user1@example.com, user2@mail.example.org, a@b.test, a@host.invalid, x@localhost.localhost", []),
        ("dev@acme.io, dev@eu.acme.io", []),
        ("dev@notacme.io", ["dev@notacme.io"]),
        ("noreply@shop.de, support+de@shop.de, git@github.com", []),
        ("img/logo@2x.png", []),
        ("postgres://app:pw@db.shop.de/x", []),
        ("<20260102030405.1234567890AB@mx.shop.de>", []),
        ("no address @ all, nor a@b", []),
    ],
)
def test_an_address_is_one_of_a_person_at_a_domain_that_is_not_allowed(text: str, found: list[str]) -> None:
    """Roles, reserved and allowed domains, file names, message ids and passwords in URLs are none."""
    assert list(ANY.emails(text)) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("+49 30 901820", ["+4930901820"]),
        ("call +49 (0)30 901820 or 0049 30 901820", ["+4930901820", "+4930901820"]),
        ("+1 415-867-5309", ["+14158675309"]),
        ("+1 415 555 0123, +44 7700 900123, +49 30 23125 123, +33 6 39 98 12 34", []),
        ("004930901820, 00000000000, +123", []),
        ("2026-11-23 08:00:00+00:00", []),
    ],
)
def test_a_number_in_international_form_is_one_that_is_in_use(text: str, found: list[str]) -> None:
    """By the numbering plan of its country; the numbers that are kept for films are none."""
    assert list(ANY.phones(text)) == found


def test_a_national_number_is_one_of_the_region_or_of_any_where_none_is_given() -> None:
    """Only the shape can be looked at where nobody says in which country it is dialled."""
    assert GERMAN.national_phone("030 901820") == "+4930901820"
    assert GERMAN.national_phone("030 23125 123") is None
    assert GERMAN.national_phone("99 99") is None
    assert ANY.national_phone("(415) 867-5309 x12") == "4158675309"
    assert ANY.national_phone("415-555-0199") is None
    assert [ANY.national_phone(text) for text in ("0000000000", "1234567890", "call me")] == [None, None, None]
    assert (ANY.looks_dialled("030 901820"), ANY.looks_dialled("030901820")) == (True, False)


def test_a_card_number_has_its_networks_beginning_and_length_and_a_right_check_digit() -> None:
    """The test numbers of payment providers have all of it, and are allowed."""
    assert cards("4539578763621486") == Cards(1, ("4539578763621486",))
    assert cards("paid with 4539 5787 6362 1486 today").grouped
    assert cards("3782-822463-10005") == Cards(1, ())
    assert cards("4539578763621487") == Cards(1, ())
    assert cards("4242424242424242 and 4111 1111 1111 1111") == Cards(2, ())
    assert cards("9539578763621486, id-4539578763621486, 4539578763621486.50") == Cards(0, ())
    assert cards("0" * 16) == Cards(0, ())


def test_an_iban_has_a_right_checksum_and_its_countrys_shape() -> None:
    """In running text, too, where the next word could be more of it; the ones of the standard's documentation are allowed."""
    assert list(ibans("to DE75 5121 0800 1245 1261 99 by Friday")) == ["DE75512108001245126199"]
    assert list(ibans("NL02ABNA0123456789;FR7630004000031234567890143")) == [
        "NL02ABNA0123456789",
        "FR7630004000031234567890143",
    ]
    assert list(ibans("DE76512108001245126199, DE89 3704 0044 0532 0130 00, XX75512108001245126199")) == []


def test_a_social_security_number_is_a_whole_one_that_can_have_been_issued() -> None:
    """Three areas never were, and nothing stands around it."""
    assert [social_security_number(text) for text in ("512-11-2000", "512112000", "512 11 2000")] == ["512112000"] * 3
    assert [social_security_number(text) for text in ("666-11-2000", "000-11-2000", "512-11-20000", "x")] == [None] * 4


def test_an_ip_address_is_one_of_the_internet() -> None:
    """Private, local, documentation and version numbers are none."""
    assert [public_ip(text) for text in ("93.184.2.7", "93.184.2.7/32", "2606:4700::1111")] == [
        "93.184.2.7",
        "93.184.2.7",
        "2606:4700::1111",
    ]
    assert [public_ip(text) for text in ("10.0.0.1", "127.0.0.1", "203.0.113.9", "::1", "1.2.3", "on 93.184.2.7")] == [
        None
    ] * 6
