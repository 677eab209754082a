"""The reviewed file of waivers: load, validate, check. Every mistake is told at once, by position.

The file says who tolerates what, why and until when; `waivers.py` says what that covers.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from auditor.config_checks import unknown
from auditor.durations import parse_duration
from auditor.errors import ConfigError, Problem
from auditor.globs import kind_pattern, path_glob
from auditor.model import ABSENT, Json
from auditor.validation import problems_from_pydantic
from auditor.waivers import (
    LONGEST,
    SHORTEST_FINGERPRINT,
    Waiver,
    days,
    digest_of,
    identity_glob,
    moment,
    waiver_id,
)
from auditor.yaml_source import Document, Place, load

if TYPE_CHECKING:
    from pathlib import Path

    from auditor.config import Config

_T = TypeVar("_T")
LIMIT = timedelta(days=366)
"""What `longest` may say at most: what nobody looks at within a year is no exception, and belongs in a policy."""
_DAY = timedelta(days=1)
# Places and clocks disagree about what day it is, by a day at most.
_AHEAD = _DAY
_TIME = re.compile(r"(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d{3}|\.\d{6})?)?)(Z|[+-]\d\d:\d\d)?)?")
_FINGERPRINT = re.compile(rf"[0-9a-f]{{{SHORTEST_FINGERPRINT},32}}")
_SELECTING = ("fingerprint", "rule", "kind", "identity", "path", "left", "right")


class WhileModel(BaseModel):
    """The two values that a waiver is bound to. A side that is not written is absent; a null is null."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    left: Any = None
    right: Any = None


class WaiverModel(BaseModel):
    """One waiver as it stands in the file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    owner: str
    reason: str
    created: str
    expires: str
    fingerprint: str | list[str] = []
    rule: str | None = None
    kind: str | None = None
    identity: str | None = None
    path: str | None = None
    left: str | None = None
    right: str | None = None
    bound: WhileModel | None = Field(default=None, alias="while")


class WaiversModel(BaseModel):
    """The whole file. Each entry is validated by itself, so that a wrong one does not hide what is wrong in others."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    longest: Any = None
    waivers: list[Any] = []


@dataclass(frozen=True, slots=True)
class WaiverFile:
    """What the file says: its waivers in their order, expired ones too, and how long any waiver may last."""

    waivers: tuple[Waiver, ...] = ()
    longest: timedelta = LONGEST


def waivers_of(config: Config, now: datetime) -> WaiverFile:
    """The waiver file that the configuration names, an empty one where it names none. Raises as `load_waivers`."""
    return load_waivers(config.waivers, now, config.environments) if config.waivers else WaiverFile()


def load_waivers(path: Path, now: datetime, environments: Collection[str] = ()) -> WaiverFile:
    """Read one file. `environments` are the names that `left` and `right` may be; any, where there are none.

    Raises ConfigError with every problem found. To be expired is no problem.
    """
    document = _as_spelled(load(path))
    if document.value is None:
        return WaiverFile()
    if not isinstance(document.value, dict):
        raise ConfigError([document.problem((), "expected a mapping", "begin with `waivers:` and list them below it")])
    problems: list[Problem] = []
    try:
        WaiversModel.model_validate(document.value)
    except ValidationError as error:
        problems += problems_from_pydantic(error, document, WaiversModel)
    longest = _longest(document, problems)
    found: dict[str, Waiver] = {}
    for index, model in _entries(document, problems):
        reader = _Reader(document, index, model, path.name, problems)
        waiver = reader.read(now, longest, environments)
        if waiver is not None and waiver.id in found:
            first = found[waiver.id].origin.rpartition(":")[2]
            reader.note((), f"the same stands twice (first in line {first})", "keep one of the two")
        elif waiver is not None:
            found[waiver.id] = waiver
    if problems:
        raise ConfigError(sorted(problems, key=lambda problem: (problem.line or 0, problem.column or 0)))
    return WaiverFile(tuple(found.values()), longest)


def _as_spelled(document: Document) -> Document:
    """Numbers in the entries as their text: `12345678` is a fingerprint and `16.10` a version, whatever YAML thinks."""

    def text(value: Json, place: Place) -> Json:
        match value:
            case dict():
                return {key: text(item, (*place, key)) for key, item in value.items()}
            case list():
                return [text(item, (*place, index)) for index, item in enumerate(value)]
            case int() | float() if not isinstance(value, bool):
                return document.spelled.get(place, str(value))
        return value

    if not isinstance(document.value, dict) or "waivers" not in document.value:
        return document
    return replace(document, value={**document.value, "waivers": text(document.value["waivers"], ("waivers",))})


def _longest(document: Document, problems: list[Problem]) -> timedelta:
    if "longest" not in document.value:
        return LONGEST
    message, remedy = "", f"write {days(LIMIT)} or less, such as 90d"
    try:
        longest = parse_duration(document.value["longest"])
        if timedelta(0) < longest <= LIMIT:
            return longest
        message = "is no time at all" if not longest else f"is longer than {days(LIMIT)}"
    except ValueError as error:
        message = str(error)
    problems.append(document.problem(("longest",), message, remedy, of_value=True))
    # What the entries say is held against the limit of the product, so that no second message follows from the first.
    return LIMIT


def _entries(document: Document, problems: list[Problem]) -> Iterator[tuple[int, WaiverModel]]:
    listed = document.value.get("waivers")
    for index, entry in enumerate(listed if isinstance(listed, list) else ()):
        try:
            yield index, WaiverModel.model_validate(entry)
        except ValidationError as error:
            problems += problems_from_pydantic(error, document, WaiverModel, at=("waivers", index))


class _Reader:
    """Reads one entry; whatever is wrong with it is noted with its place, all at once."""

    def __init__(self, document: Document, index: int, model: WaiverModel, file: str, problems: list[Problem]) -> None:
        self.document, self.index, self.model, self.problems = document, index, model, problems
        self.origin = f"{file}:{(document.at(('waivers', index)) or (0, 0))[0]}"

    def read(self, now: datetime, longest: timedelta, environments: Collection[str]) -> Waiver | None:
        """The waiver, or None where something was wrong with it; what, has been noted."""
        model, before = self.model, len(self.problems)
        self._check_selects()
        if not model.owner.strip():
            self.note(("owner",), "must not be empty", "name who answers for it")
        if not model.reason.strip():
            self.note(("reason",), "must not be empty", "say why it is tolerated")
        self._check_glob("rule", model.rule, kind_pattern)
        self._check_glob("kind", model.kind, kind_pattern)
        self._check_glob("identity", model.identity, lambda text: kind_pattern(identity_glob(text)))
        self._check_glob("path", model.path, path_glob)
        for side in ("left", "right"):
            name = getattr(model, side)
            if name is not None and environments and name not in environments:
                self.note((side,), *unknown("environment", name, environments))
        fingerprints = self._fingerprints()
        created = self._created(now)
        expires = self._time("expires", model.expires, last_instant)
        if created is not None and expires is not None:
            self._check_span(created, expires, longest)
        if len(self.problems) > before or created is None or expires is None:
            return None
        waiver = Waiver(
            id="",
            owner=model.owner.strip(),
            reason=model.reason.strip(),
            created_at=created,
            expires_at=expires,
            origin=self.origin,
            fingerprints=fingerprints,
            left=model.left,
            right=model.right,
            rule=model.rule,
            kind=model.kind,
            identity=model.identity,
            path=model.path,
            values=self._values(),
        )
        return replace(waiver, id=waiver_id(waiver))

    def note(self, place: Place, message: str, remedy: str) -> None:
        self.problems.append(self.document.problem(("waivers", self.index, *place), message, remedy, of_value=True))

    def _check_selects(self) -> None:
        given = [getattr(self.model, key) for key in _SELECTING]
        # Two values narrow it down, too.
        if not any(map(_selects, given)) and not (self.model.bound is not None and any(given)):
            self.note((), "does not say what it covers", f"name at least one of {', '.join(_SELECTING)}")
        if self.model.bound is not None and not self.model.bound.model_fields_set:
            self.note(("while",), "names no value", "write left: and right: as `audit show` prints them")

    def _check_glob(self, key: str, glob: str | None, compiled: Callable[[str], object]) -> None:
        if glob is None:
            return
        try:
            if not glob.strip():
                raise ValueError("must not be empty")
            compiled(glob)
        except ValueError as error:
            self.note((key,), str(error), "write it as in a policy, or leave it out for any")

    def _fingerprints(self) -> tuple[str, ...]:
        given = self.model.fingerprint
        items: list[tuple[Place, str]] = [((), given)] if isinstance(given, str) else []
        if isinstance(given, list):
            items = [((index,), text) for index, text in enumerate(given)]
        for place, text in items:
            if not _FINGERPRINT.fullmatch(text):
                message = f"expected {SHORTEST_FINGERPRINT} to 32 characters of a fingerprint, got {text!r}"
                self.note(("fingerprint", *place), message, "copy it from a report or from `audit findings`")
        return tuple(sorted({text for _, text in items}))

    def _values(self) -> str | None:
        bound = self.model.bound
        if bound is None:
            return None
        left, right = (getattr(bound, side) if side in bound.model_fields_set else ABSENT for side in ("left", "right"))
        return digest_of(left, right)

    def _created(self, now: datetime) -> datetime | None:
        created = self._time("created", self.model.created, first_instant)
        if created is not None and created > now + _AHEAD:
            self.note(("created",), "is in the future", "write the day on which it was decided")
            return None
        return created

    def _time(self, key: str, text: str, read: Callable[[str], datetime]) -> datetime | None:
        try:
            return read(text)
        except ValueError as error:
            remedy = "write a date such as 2027-01-31, or a time in UTC such as 2027-01-31T18:00Z"
            self.note((key,), str(error), remedy)
            return None

    def _check_span(self, created: datetime, expires: datetime, longest: timedelta) -> None:
        # A date means some time of that day, so the limit counts from its end.
        last = created + longest + (_DAY if _is_day(self.model.created) else timedelta(0))
        if expires <= created:
            self.note(("expires",), "is before `created`", "write the day from which it has to be mended")
        elif expires > last:
            message = f"is more than {days(longest)} after `created`"
            day = f"{last - _DAY:%Y-%m-%d}" if _is_day(self.model.expires) else moment(last)
            more = f", or allow more with `longest:` at the top ({days(LIMIT)} at most)" if longest < LIMIT else ""
            self.note(("expires",), message, f"let it end by {day}{more}")


def _selects(said: str | list[str] | None) -> bool:
    """Whether a key leaves anything out: one of stars alone covers all that there is and will be."""
    return bool(said) and not (isinstance(said, str) and said.strip() != "" and set(said.strip()) <= set("*./"))


def first_instant(text: str) -> datetime:
    """A time as people write it, of a date its first instant, in UTC. Raises ValueError with what is wrong."""
    shape = _TIME.fullmatch(text.strip())
    if shape and shape[2] and not shape[3]:
        raise ValueError(f"has no time zone: {text.strip()}Z would be UTC")
    try:
        if shape is None:
            raise ValueError
        at = datetime.fromisoformat(text.strip())
        return at.astimezone(UTC) if shape[2] else at.replace(tzinfo=UTC)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"expected a date or time, got {text!r}") from error


def last_instant(text: str) -> datetime:
    """The same for an end: of a date, the end of that day."""
    first = first_instant(text)
    try:
        return first + _DAY if _is_day(text) else first
    except OverflowError as error:
        raise ValueError(f"expected a date or time, got {text!r}") from error


def _is_day(text: str) -> bool:
    return len(text.strip()) == len("2027-01-31")
