"""What the sampled values of one column are: how many hold personal data of which sort, and fingerprints of them.

Values are looked at here and nowhere else. What leaves are counts, shares and keyed fingerprints.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from collectors.data import meanings
from collectors.data.meanings import (
    ADDRESS,
    BIRTH_DATE,
    CARD,
    CREDENTIAL,
    EMAIL,
    FAMILY,
    GIVEN,
    IBAN,
    IP,
    LOGIN,
    NAME,
    NATIONAL_ID,
    PHONE,
    TEXT,
)
from collectors.data.patterns import Patterns, cards, ibans, public_ip, social_security_number

KEPT = 1000
"""Fingerprints that are kept of a column, the smallest ones."""
_DIGITS_OF_FINGERPRINT = 16
_FEWEST = 3
_CHANCE = 0.5
"""A share that chance does not reach: of random digits one in ten has a right check digit, and few are phone numbers."""
_MOST_LEAVES = 200
_SHORTEST_TEXT = 20
_NAME_SHAPE = re.compile(r"[^\W\d_][^\d_@/\\<>{}\[\]=]{0,79}")
_DATE_SHAPE = re.compile(r"(?:19|20)\d\d-\d\d-\d\d(?:[ T].*)?|\d{1,2}[./-]\d{1,2}[./-](?:19|20)\d\d")
_LOGIN_SHAPE = re.compile(r"\S{3,64}")
_DIGIT = re.compile(r"\d|::")
_UUID = re.compile(r"[0-9a-f]{8}(?:-?[0-9a-f]{4}){3}-?[0-9a-f]{12}", re.IGNORECASE)


@dataclass(slots=True)
class Profile:
    """Counts over the values of one column. `table` and `column` are their names, `is_ip` whether its type says address,
    `of_people` whether the table is about people: only there are texts anybody's own."""

    table: str
    column: str
    patterns: Patterns
    is_ip: bool = False
    of_people: bool = False
    sampled: int = 0
    _hints: frozenset[str] = frozenset()
    _rows: Counter[str] = field(default_factory=Counter)
    _values: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    _card_shapes: int = 0
    _card_hits: int = 0
    _cards_grouped: bool = False
    _dialled: int = 0
    _dialled_values: set[str] = field(default_factory=set)
    _prose: int = 0

    def __post_init__(self) -> None:
        self._hints = meanings.promised(self.column, self.table)

    def add(self, value: Any, given_name: str | None = None) -> None:
        """Look at one value. `given_name` is what the row says beside a family name."""
        if value is None or value == "":
            return
        self.sampled += 1
        found: set[str] = set()
        for text, key in _leaves(value):
            hints = self._hints if key is None else meanings.promised(key, self.column)
            self._look(text, hints, found, given_name if key is None else None, whole=key is None)
        self._rows.update(found)

    def _look(self, text: str, hints: frozenset[str], found: set[str], given: str | None, *, whole: bool) -> None:
        for email in self.patterns.emails(text):
            self._note(EMAIL, email, found)
        if _DIGIT.search(text) and self._look_for_numbers(text, hints, found):
            return
        if whole:
            self._look_by_name(text, hints, found, given)
        elif NAME in hints and _NAME_SHAPE.fullmatch(text.strip()):
            self._note(NAME, text if " " in text.strip() else None, found)

    def _look_for_numbers(self, text: str, hints: frozenset[str], found: set[str]) -> bool:
        """Whether the whole text is a phone number, so that it is nothing else."""
        for iban in ibans(text):
            self._note(IBAN, iban, found)
        self._look_for_cards(text, found)
        if self._look_for_phones(text, hints, found):
            return True
        if NATIONAL_ID in hints and (number := social_security_number(text)):
            self._note(NATIONAL_ID, number, found)
        if (address := public_ip(text)) is not None:
            self._note(IP, address, found)
        return False

    def _look_for_cards(self, text: str, found: set[str]) -> None:
        seen = cards(text)
        self._card_shapes += seen.shaped
        self._cards_grouped = self._cards_grouped or seen.grouped
        if seen.valid:
            self._card_hits += len(seen.valid)
            for number in seen.valid:
                self._note(CARD, number, found)

    def _look_for_phones(self, text: str, hints: frozenset[str], found: set[str]) -> bool:
        international = list(self.patterns.phones(text))
        for number in international:
            self._note(PHONE, number, found)
        if international or not (PHONE in hints or self.patterns.region):
            return bool(international)
        dialled = self.patterns.national_phone(text)
        if dialled is None:
            return False
        if PHONE in hints:
            self._note(PHONE, dialled, found)
        elif self.patterns.looks_dialled(text):
            self._dialled += 1
            self._dialled_values.add(f"{PHONE}:{dialled}")
        return PHONE in hints

    def _look_by_name(self, text: str, hints: frozenset[str], found: set[str], given: str | None) -> None:
        stripped = text.strip()
        if CREDENTIAL in hints:
            self._note(CREDENTIAL, text if len(text) >= 16 else None, found)
        elif NAME in hints and _NAME_SHAPE.fullmatch(stripped):
            self._note(NAME, _full_name(stripped, hints, given), found)
        elif ADDRESS in hints and re.search(r"[^\W\d_]", text) and re.search(r"\d", text):
            self._note(ADDRESS, stripped if len(stripped) >= 8 else None, found)
        elif BIRTH_DATE in hints and _DATE_SHAPE.fullmatch(stripped):
            self._note(BIRTH_DATE, None, found)
        elif LOGIN in hints and _LOGIN_SHAPE.fullmatch(stripped):
            self._note(LOGIN, stripped if len(stripped) >= 6 else None, found)
        elif len(stripped) >= _SHORTEST_TEXT and len(stripped.split()) >= 3 and not _UUID.fullmatch(stripped):
            self._prose += 1
            self._values[TEXT].add(_plain(text))

    def _note(self, meaning: str, value: str | None, found: set[str]) -> None:
        found.add(meaning)
        if value is not None:
            self._values[meaning].add(_plain(value))

    def attributes(self, fingerprint: Callable[[str], str]) -> dict[str, Any]:
        """What may be told of the column."""
        rows = self._weighed()
        personal = {
            meaning: {"values": count, "share": _share(count, self.sampled)}
            for meaning, count in sorted(rows.items())
            if meaning != TEXT
        }
        told: dict[str, Any] = {"sampled": self.sampled}
        if personal:
            told["personal"] = personal
        holds = sorted(rows)
        if holds:
            told["holds"] = holds
        values = {f"{meaning}:{value}" for meaning in holds for value in self._values[meaning] if meaning != IP}
        if PHONE in rows and PHONE not in self._rows:
            values |= self._dialled_values
        if len(values) >= _FEWEST:
            kept = sorted(fingerprint(value)[:_DIGITS_OF_FINGERPRINT] for value in values)
            told |= {"fingerprints": kept[:KEPT], "fingerprinted": len(kept)}
        return told

    def _weighed(self) -> dict[str, int]:
        """Rows by meaning, without what may well be chance."""
        rows = {meaning: count for meaning, count in self._rows.items() if count}
        certain = CARD in self._hints or self._card_hits >= self._card_shapes * _CHANCE
        if CARD in rows and not (certain and (CARD in self._hints or self._cards_grouped or self._card_hits > 1)):
            del rows[CARD]
        if IP in rows and not (self.is_ip or IP in self._hints or rows[IP] >= self.sampled * _CHANCE):
            del rows[IP]
        if PHONE not in rows and self._dialled >= max(2, self.sampled * _CHANCE):
            rows[PHONE] = self._dialled
        # Texts that repeat are chosen from a list, not written by people.
        differ = len(self._values[TEXT]) >= self._prose * _CHANCE
        if self.of_people and not rows and differ and self._prose >= max(_FEWEST, self.sampled * _CHANCE):
            rows[TEXT] = self._prose
        return rows


def _full_name(text: str, hints: frozenset[str], given: str | None) -> str | None:
    """First and last name together: one of them alone is shared by too many people to tell anything."""
    if FAMILY in hints:
        return f"{given} {text}" if given else None
    return text if GIVEN not in hints and " " in text and len(text) >= 6 else None


def _leaves(value: Any) -> Iterator[tuple[str, str | None]]:
    """The texts in a value, each with the key that it stands under inside a document, None outside of any."""
    document = _document(value)
    if document is None:
        yield str(value), None
        return
    stack: list[tuple[Any, str]] = [(document, "")]
    left = _MOST_LEAVES
    while stack and left:
        item, key = stack.pop()
        if isinstance(item, dict):
            stack.extend((child, str(name)) for name, child in item.items())
        elif isinstance(item, list):
            stack.extend((child, key) for child in item)
        elif isinstance(item, str | int) and not isinstance(item, bool):
            left -= 1
            yield str(item), key or None


def _document(value: Any) -> Any:
    if isinstance(value, dict | list):
        return value
    if not isinstance(value, str) or value[:1] not in "{[":
        return None
    try:
        parsed = json.loads(value)
    except (ValueError, RecursionError):
        return None
    return parsed if isinstance(parsed, dict | list) else None


def _plain(value: str) -> str:
    """One spelling for what is the same to people: case, width of characters and blanks do not count."""
    return " ".join(unicodedata.normalize("NFKC", value).casefold().split())


def _share(count: int, sampled: int) -> float:
    """Never 0 for something that is there."""
    return max(round(count / sampled, 3), 0.001) if sampled else 0.0
