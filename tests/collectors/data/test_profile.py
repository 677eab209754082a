"""A column is what its values and its name say together, and only counts and fingerprints are told of it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

import pytest

from auditor.redact import Redactor
from collectors.data import meanings
from collectors.data.patterns import Patterns
from collectors.data.profile import KEPT, Profile
from tests.collectors.data import shops
from tests.collectors.data.reading import KEY

FINGERPRINT = Redactor(KEY).fingerprint


def profiled(table: str, column: str, values: Iterable[Any], **more: Any) -> dict[str, Any]:
    """What is told of a column with these values."""
    profile = Profile(table, column, Patterns(region=more.pop("region", None)), **more)
    for value in values:
        profile.add(value)
    return profile.attributes(FINGERPRINT)


def shares(told: dict[str, Any]) -> dict[str, float]:
    return {meaning: counted["share"] for meaning, counted in told.get("personal", {}).items()}


def test_order_numbers_are_neither_phones_nor_cards_nor_addresses() -> None:
    """Digits alone are a phone number only under a phone's name; of random digits one in ten has a right check digit."""
    numbers = [str(4000000000000000 + index * 104729) for index in range(300)]
    assert profiled("orders", "order_number", numbers) == {"sampled": 300}
    assert profiled("orders", "reference", [f"0{3090180000 + index}" for index in range(50)], region="DE") == {
        "sampled": 50
    }
    assert shares(profiled("users", "mobile", [f"0{3090180000 + index}" for index in range(50)], region="DE")) == {
        "phone": 1.0
    }
    assert shares(profiled("x", "extra", [f"030 90180{index:03d}" for index in range(50)], region="DE")) == {
        "phone": 1.0
    }
    assert profiled("builds", "version", ["10.4.2.1"] * 20 + ["main"] * 40) == {"sampled": 60}


def test_few_personal_values_among_many_are_counted() -> None:
    """A share is never rounded to nothing."""
    told = profiled("notes", "body", ["nothing here"] * 2999 + ["ask wiebke@gmail.com"])
    assert told["personal"] == {"email": {"values": 1, "share": 0.001}}
    assert told["holds"] == ["email"]


def test_documents_are_searched_leaf_by_leaf() -> None:
    """The key of a leaf names it as a column's name would; a text that holds JSON is a document, too."""
    person = {"contact": {"mobile": "03090182011", "last_name": "Quadflieg"}, "cards": ["4539578763621486"], "n": 7}
    for document in (person, json.dumps(person), json.dumps([person, person])):
        assert shares(profiled("events", "payload", [document] * 4)) == {"card": 1.0, "name": 1.0, "phone": 1.0}
    assert shares(profiled("events", "payload", ['{"broken": "wiebke@gmail.com"'])) == {"email": 1.0}


def test_a_name_counts_by_the_columns_name_and_the_values_shape() -> None:
    """And is fingerprinted with its first name only: one of them alone is shared by too many people."""
    assert shares(profiled("customers", "last_name", shops.LAST)) == {"name": 1.0}
    assert profiled("customers", "last_name", shops.LAST).get("fingerprints") is None
    assert profiled("products", "name", ["Kettle", "Pan", "Pot"]) == {"sampled": 3}
    assert shares(profiled("patients", "name", ["Gesine Nebelsiek", "x1@"])) == {"name": 0.5}
    profile = Profile("customers", "surname", Patterns())
    for person in map(shops.Person, range(10)):
        profile.add(person.last.upper(), person.first)
    full = profiled("customers", "full_name", [f" {p.first}  {p.last}" for p in map(shops.Person, range(10))])
    assert profile.attributes(FINGERPRINT)["fingerprints"] == full["fingerprints"]


def test_texts_are_peoples_own_only_in_tables_of_people_and_where_they_differ() -> None:
    """What a shop publishes is the same everywhere on purpose, and what repeats is chosen from a list."""
    texts = [shops.Person(number).note for number in range(20)]
    assert profiled("customers", "notes", texts, of_people=True)["holds"] == ["text"]
    assert profiled("products", "description", texts) == {"sampled": 20}
    assert profiled("customers", "state", ["waiting for an answer of the bank"] * 20, of_people=True) == {"sampled": 20}


@pytest.mark.parametrize(
    ("table", "columns", "expected"),
    [
        ("products", ["id", "title", "description"], False),
        ("reviews", ["id", "customer_id", "body"], True),
        ("letters", ["id", "street", "body"], True),
        ("users", ["id", "bio"], True),
    ],
)
def test_a_table_is_about_people_by_its_name_or_its_columns(table: str, columns: list[str], expected: bool) -> None:
    """Rows that are people, or that belong to one."""
    assert meanings.concerns_people(table, columns) is expected


@pytest.mark.parametrize(
    ("column", "table", "found"),
    [
        ("email_address", "users", set()),
        ("shippingAddress1", "orders", {"address"}),
        ("wallet_address", "users", set()),
        ("phone_verified", "users", set()),
        ("token_expires_at", "sessions", set()),
        ("refreshToken", "logins", {"credential", "session"}),
        ("session_key", "django_session", {"credential", "session"}),
        ("encrypted_password", "users", {"credential"}),
        ("password_changed_at", "users", set()),
        ("vorname", "kunden", {"name", "given name"}),
        ("user_name", "accounts", {"login"}),
        ("card_brand", "payments", set()),
        ("dob", "patients", {"birth_date"}),
        ("clip", "videos", set()),
    ],
)
def test_a_columns_name_promises_only_what_it_says(column: str, table: str, found: set[str]) -> None:
    """A word after it may say that only something about it is meant."""
    assert meanings.promised(column, table) == found


def test_nothing_readable_is_told_and_equal_values_have_equal_fingerprints() -> None:
    """However they are spelled: case, blanks and full-width characters do not count. Another key gives others."""
    people = [shops.Person(number) for number in range(20)]
    told = profiled("customers", "email", [person.email for person in people])
    again = profiled("people", "contact", [f"  {person.email.upper()} " for person in reversed(people)])
    assert told["fingerprints"] == again["fingerprints"]
    assert not [person.email for person in people if person.email in json.dumps(told)]
    assert [each for each in told["fingerprints"] if not re.fullmatch(r"[0-9a-f]{16}", each)] == []
    profile = Profile("customers", "email", Patterns())
    for person in people:
        profile.add(person.email)
    assert not set(profile.attributes(Redactor(b"x" * 32).fingerprint)["fingerprints"]) & set(told["fingerprints"])


def test_the_smallest_fingerprints_are_kept_and_their_number_is_told() -> None:
    """Both sides keep the same of what they have in common, however much more one of them holds."""
    few, many = ([f"a{number}@gmail.com" for number in range(count)] for count in (1500, 3000))
    small, large = profiled("a", "b", few), profiled("a", "b", many)
    assert (small["fingerprinted"], large["fingerprinted"]) == (1500, 3000)
    assert len(small["fingerprints"]) == len(large["fingerprints"]) == KEPT
    both = set(small["fingerprints"]) & set(large["fingerprints"])
    assert {each for each in large["fingerprints"] if each in both} == {
        each for each in small["fingerprints"] if each <= large["fingerprints"][-1]
    }
