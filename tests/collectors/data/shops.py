"""One shop's database three times: production's, a copy of it, and a copy that was anonymised as it should be.

Every name, address and number is made up, but none is recognisable as such: that is what real ones look like, too.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

FIRST = "Wiebke Tassilo Fenja Ottokar Malwine Enno Gesine Ruprecht Svantje Leberecht Friedwart Undine".split()
LAST = "Quadflieg Hasselbrinck Oehlenschlaeger Pfannkuch Zwetschgenberg Trautwetter Nebelsiek Uhlenhorst".split()
STREETS = "Kieselgurweg Ziegenhainer Rotdornpfad Wacholderstieg".split()
CARDS = ("4539578763621486", "5425233430109903", "4716461583322103", "5110921484313344", "4024007138010896")
IBANS = (
    "DE75512108001245126199", "DE12500105170648489890", "DE27100777770209299700", "AT483200000012345864",
    "NL02ABNA0123456789", "FR7630004000031234567890143",
)  # fmt: skip
NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
PEOPLE = 48

TABLES = {
    "customers": (
        "id integer primary key, first_name varchar(80), last_name varchar(80), email varchar(200), phone varchar(40), "
        "birth_date date, street varchar(200), city varchar(80), notes text, password_hash varchar(100), status varchar(20)"
    ),
    "payment_methods": "id integer primary key, customer_id integer, holder_name varchar(100), card_number varchar(30), iban varchar(40)",
    "payment_types": "id integer primary key, label varchar(40)",
    "sessions": "id integer primary key, customer_id integer, access_token varchar(100), expires_at timestamp null",
    "audit_log": "id integer primary key, created_at timestamp null, detail text",
    "employees": "id integer primary key, ssn varchar(20)",
    "visits": "id integer primary key, client_ip varchar(45)",
    "orders": "id integer primary key, order_number varchar(30), reference bigint, currency char(3), placed_at timestamp null",
    "products": "id integer primary key, title varchar(100), description text, support varchar(80)",
}


@dataclass(frozen=True)
class Person:
    number: int

    @property
    def first(self) -> str:
        return FIRST[self.number % len(FIRST)]

    @property
    def last(self) -> str:
        return LAST[(self.number * 5 + self.number // len(FIRST)) % len(LAST)]

    @property
    def email(self) -> str:
        return f"{self.first}.{self.last}{self.number}@{('gmail.com', 'web.de', 'posteo.net')[self.number % 3]}".lower()

    @property
    def phone(self) -> str:
        return f"+49 30 9018{self.number:02d} {(self.number * 37) % 90 + 10}"

    @property
    def street(self) -> str:
        return f"{STREETS[self.number % len(STREETS)]} {self.number + 3}b"

    @property
    def note(self) -> str:
        return (
            f"Called about order {self.number}, wants it left with the neighbour {LAST[self.number % len(LAST)]} again"
        )

    @property
    def password(self) -> str:
        return "$2b$12$" + hashlib.sha256(f"password {self.number}".encode()).hexdigest()[:46]

    @property
    def token(self) -> str:
        return hashlib.sha256(f"token {self.number}".encode()).hexdigest()

    @property
    def card(self) -> str:
        return CARDS[self.number % len(CARDS)]

    @property
    def iban(self) -> str:
        return IBANS[self.number % len(IBANS)]

    @property
    def ssn(self) -> str:
        return f"{512 + self.number % 40}-{11 + self.number}-{2000 + self.number * 13}"

    @property
    def ip(self) -> str:
        return f"93.184.{self.number}.{self.number + 7}"


def canaries() -> list[str]:
    """What must not be found in anything that is written: every value by which one of the people can be told."""
    people = [Person(number) for number in range(PEOPLE)]
    found = [value for p in people for value in (p.email, p.phone, p.street, p.note, p.password, p.token, p.ssn, p.ip)]
    return [*found, *LAST, *CARDS, *IBANS]


def real() -> Iterator[tuple[str, list[tuple[Any, ...]]]]:
    """Production's rows by table."""
    people = [Person(number) for number in range(PEOPLE)]
    yield "customers", [
        (p.number, p.first, p.last, p.email, p.phone, f"19{50 + p.number}-03-04", p.street, "Berlin", p.note, p.password, "active")
        for p in people
    ]  # fmt: skip
    yield "payment_methods", [(p.number, p.number, f"{p.first} {p.last}", p.card, p.iban) for p in people]
    yield "sessions", [(p.number, p.number, p.token, (NOW + timedelta(days=3650)).replace(tzinfo=None)) for p in people]
    yield (
        "audit_log",
        [
            (
                p.number,
                (NOW - timedelta(days=900 - p.number)).replace(tzinfo=None),
                json.dumps({"actor": {"email": p.email}}),
            )
            for p in people
        ],
    )
    yield "employees", [(p.number, p.ssn) for p in people]
    yield "visits", [(p.number, p.ip) for p in people]
    yield from harmless()


def anonymised() -> Iterator[tuple[str, list[tuple[Any, ...]]]]:
    """The same shop without its people."""
    given, family = ("Alice", "Bob", "Carol", "Dave", "Eve"), ("Adams", "Brown", "Clark", "Davis")
    yield "customers", [
        (n, given[n % 5], family[n % 4], f"user{n}@example.com", f"+49 30 23125 {n:03d}", "1970-01-01", f"Teststreet {n}",
         "Berlin", None, None, "active")
        for n in range(PEOPLE)
    ]  # fmt: skip
    yield "payment_methods", []
    past = datetime(2020, 1, 1)
    yield "sessions", [(n, n, f"{n:064d}" if n % 2 else None, past) for n in range(PEOPLE)]
    yesterday = datetime.now(UTC).replace(tzinfo=None) - timedelta(days=1)
    yield "audit_log", [(n, yesterday, json.dumps({"actor": {"email": f"user{n}@example.com"}})) for n in range(PEOPLE)]
    yield "employees", [(n, None) for n in range(PEOPLE)]
    yield "visits", [(n, f"10.0.0.{n}") for n in range(PEOPLE)]
    yield from harmless()


def harmless() -> Iterator[tuple[str, list[tuple[Any, ...]]]]:
    """What looks like personal data to a careless eye, and is the same everywhere."""
    yield "payment_types", [(1, "card"), (2, "direct debit")]
    yield "orders", [
        (n, f"{4000000000000000 + n * 7919 * 104729 % 999999999999999}", 4915100000000 + n * 7919, "EUR", datetime(2026, 1, 1))
        for n in range(PEOPLE)
    ]  # fmt: skip
    yield (
        "products",
        [
            (
                n,
                f"Kettle number {n}",
                f"A kettle of stainless steel, holds {n} litres and whistles well",
                "support@kettles.de",
            )
            for n in range(PEOPLE)
        ],
    )


def statements(rows: Iterator[tuple[str, list[tuple[Any, ...]]]]) -> Iterator[tuple[str, list[tuple[Any, ...]]]]:
    """`create table` and `insert` statements, with the rows to run them with."""
    given = dict(rows)
    for table, columns in TABLES.items():
        yield f"create table {table} ({columns})", []
        if given[table]:
            marks = ", ".join(["%s"] * len(given[table][0]))
            yield f"insert into {table} values ({marks})", given[table]
