"""What a value is, for rules that name a type (`values: boolean`). One value may be several: `14.9` is number and version."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from auditor.alike import is_host
from auditor.model import ABSENT, Absent
from auditor.sizes import parse_size
from auditor.versions import is_commit, parse_image, parse_version

if TYPE_CHECKING:
    from auditor.model import Json

_SECRET = re.compile(r"\{secret:[0-9a-f]+(?::placeholder)?\}")
_URL = re.compile(r"\A(?:(?:jdbc:)?[a-z][a-z0-9+.-]*://\S+|jdbc:oracle:[a-z0-9]+:\S*@\S+)\Z", re.IGNORECASE)
_EMAIL = re.compile(r"\A(?:[^<>]*<)?[^@\s<>]+@[^@\s<>]+\.[A-Za-z]{2,}>?\Z")
_IP = re.compile(
    r"\A[0-9]{1,3}(?:\.[0-9]{1,3}){3}(?:/[0-9]{1,2})?\Z|\A[0-9a-f]*:[0-9a-f:]+(?:/[0-9]{1,3})?\Z", re.IGNORECASE
)
_REGION = re.compile(
    r"\A(?:(?:af|ap|ca|cn|eu|il|me|mx|sa|us)(?:-gov|-iso[a-z]?)?-(?:north|south|east|west|central)(?:east|west)?-[0-9][a-f]?"
    r"|(?:africa|asia|australia|europe|me|northamerica|southamerica|us)-(?:north|south|east|west|central)(?:east|west)?[0-9]{1,2}(?:-[a-f])?"
    r"|(?:north|south|east|west|central|uk|us|eu|france|germany|japan|korea|brazil|canada|australia|norway|switzerland|uae|sweden|poland|italy|southeast)"
    r"(?:us|eu|europe|asia|india|uk|central|north|south|east|west|southeast|northeast)[0-9]?)\Z",
    re.IGNORECASE,
)
_PHONE = re.compile(r"\A\+[0-9][0-9 ()-]{6,18}\Z")
_UUID = re.compile(r"\A[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z", re.IGNORECASE)


def is_secret(value: Json | Absent) -> bool:
    """Whether the value is, or contains, the fingerprint that stands for a secret."""
    return isinstance(value, str) and _SECRET.search(value) is not None


def secrets_in(text: str) -> list[str]:
    """The fingerprints that stand for secrets in a text, in order."""
    return _SECRET.findall(text)


def is_whole_secret(value: Json | Absent) -> bool:
    return isinstance(value, str) and value.startswith("{") and _SECRET.fullmatch(value) is not None


def _text(test: Callable[[str], Any]) -> Callable[[Json, Json], bool]:
    def tested(form: Json, raw: Json) -> bool:
        if isinstance(raw, str) and test(raw):
            return True
        return form is not raw and isinstance(form, str) and bool(test(form))

    return tested


def _typed(test: Callable[[Json], bool]) -> Callable[[Json, Json], bool]:
    return lambda form, _: test(form)


def _is_version(_: Json, raw: Json) -> bool:
    return isinstance(raw, str | int | float) and not isinstance(raw, bool) and parse_version(str(raw)) is not None


@lru_cache(maxsize=4096)
def _is_timestamp(text: str) -> bool:
    return timestamp(text) is not None


def timestamp(value: Json | Absent) -> datetime | None:
    """An aware datetime for ISO 8601 text with a date, a time and a zone; None for anything else."""
    if not isinstance(value, str) or not 16 <= len(value) <= 40 or value[4:5] != "-":
        return None
    try:
        parsed = datetime.fromisoformat(value)
    except ValueError:
        return None
    return parsed if parsed.tzinfo is not None else None


def number(form: Json | Absent) -> int | float | None:
    """The value as a number; None for booleans and everything else."""
    return form if isinstance(form, int | float) and not isinstance(form, bool) else None


_TESTS: Mapping[str, Callable[[Json, Json], bool]] = {
    "boolean": _typed(lambda form: isinstance(form, bool)),
    "number": _typed(lambda form: number(form) is not None),
    "version": _is_version,
    "commit": _text(is_commit),
    "image": _text(lambda text: parse_image(text) is not None),
    "size": _text(lambda text: parse_size(text) is not None),
    "secret": lambda form, raw: is_whole_secret(raw) or is_whole_secret(form),
    "url": _text(_URL.match),
    "host": _text(lambda text: len(text) < 2000 and is_host(text)),
    "email": _text(_EMAIL.match),
    "ip": _text(_IP.match),
    "phone": _text(_PHONE.match),
    "uuid": _text(_UUID.match),
    "region": _text(_REGION.match),
    "timestamp": _text(_is_timestamp),
    "text": _typed(lambda form: isinstance(form, str) and not is_whole_secret(form)),
    "list": _typed(lambda form: isinstance(form, list)),
    "map": _typed(lambda form: isinstance(form, Mapping)),
}
TYPES = tuple(sorted(_TESTS))
ELEMENTWISE = frozenset({"url", "host", "email", "ip", "uuid", "phone", "region", "image", "secret", "number", "size"})
"""The types that a list is of, too, where all its items are."""


def is_type(name: str, form: Json | Absent, raw: Json | Absent) -> bool:
    """Whether a value (`form` typed, `raw` as spelled) is of the type; a list is of a text type when all its items are."""
    if isinstance(form, list) and name in ELEMENTWISE:
        spelled = raw if isinstance(raw, list) and len(raw) == len(form) else form
        return bool(form) and all(_TESTS[name](a, b) for a, b in zip(form, spelled, strict=True))
    return _TESTS[name](form, raw)


def both_are(names: tuple[str, ...], left: tuple[Json | Absent, ...], right: tuple[Json | Absent, ...]) -> bool:
    """Whether every side that has a value has one of one of these types; `left` and `right` are (form, raw).

    Null is no value: a rule about numbers also speaks of a number that is unset on one side.
    """
    present = False
    for form, raw in (left, right):
        if form is ABSENT or form is None:
            continue
        present = True
        for name in names:
            if is_type(name, form, raw):
                break
        else:
            return False
    return present
