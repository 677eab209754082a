"""What pydantic says of a file, as problems that a person can mend: where it stands, what was expected, what is there."""

from __future__ import annotations

import re
import types
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel

from auditor.yaml_source import Document, Place, nearest

if TYPE_CHECKING:
    from pydantic import ValidationError
    from pydantic_core import ErrorDetails

    from auditor.errors import Problem
    from auditor.model import Json

_NUMBER = ("a whole number", "write digits only, such as 30")
_DECIMAL = ("a number", "write digits only, such as 1.5")
_BOOLEAN = ("true or false", "write true or false, without quotes")
_TEXT = ("text", "put the value in quotes if it is meant as text")
_LIST = ("a list", "write [a, b], or one `- item` a line")
_MAPPING = ("a mapping", "write `key: value`, one a line, indented below this key")
_URL = ("a URL", "write it with its scheme, such as https://example.com/version")
_TIME = ("a date and time", "write it in UTC, such as 2027-01-31T00:00:00Z")
_DATE = ("a date", "write it such as 2027-01-31")
_DURATION = ("a duration", "write seconds, or an ISO 8601 duration such as PT30S")
_EXPECTED: Mapping[str, tuple[str, str]] = {
    **dict.fromkeys(("int_type", "int_parsing", "int_from_float"), _NUMBER),
    **dict.fromkeys(("float_type", "float_parsing", "finite_number"), _DECIMAL),
    **dict.fromkeys(("bool_type", "bool_parsing"), _BOOLEAN),
    **dict.fromkeys(("string_type", "path_type", "bytes_type"), _TEXT),
    **dict.fromkeys(("list_type", "tuple_type", "set_type", "frozen_set_type", "iterable_type"), _LIST),
    **dict.fromkeys(("dict_type", "mapping_type", "model_type", "model_attributes_type", "dataclass_type"), _MAPPING),
    **dict.fromkeys(("url_type", "url_parsing", "url_scheme", "url_syntax_violation"), _URL),
    **dict.fromkeys(("datetime_type", "datetime_parsing", "datetime_from_date_parsing", "timezone_aware"), _TIME),
    **dict.fromkeys(("date_type", "date_parsing", "date_from_datetime_parsing", "date_from_datetime_inexact"), _DATE),
    **dict.fromkeys(("time_delta_type", "time_delta_parsing"), _DURATION),
    "none_required": ("nothing", "leave the value out"),
}
_BOUNDS: Mapping[str, str] = {
    "greater_than": "more than {gt}",
    "greater_than_equal": "{ge} or more",
    "less_than": "less than {lt}",
    "less_than_equal": "{le} or less",
    "too_short": "{min_length} or more entries",
    "too_long": "{max_length} entries or fewer",
    "string_too_short": "at least {min_length} character(s)",
    "string_too_long": "at most {max_length} characters",
    "string_pattern_mismatch": "text that matches {pattern}",
}
_SECRET_KEY = re.compile(r"token|secret|passw|credential|api_?key|private|dsn|url$", re.IGNORECASE)
_LONGEST = 60


def problems_from_pydantic(
    error: ValidationError, document: Document, model: type[BaseModel] | None = None, at: Place = ()
) -> list[Problem]:
    """Every error of one validation, in the order of the file.

    `at` is the place in the document of what was validated; `model` what it was validated as: with it, an unknown key
    is answered by the nearest right one. No value that came from the environment gets into a message.
    """
    merged: dict[tuple[Place, str], tuple[list[str], str, bool]] = {}
    for detail in error.errors(include_url=False):
        # Items that are wrong themselves are not counted by pydantic: the list is then "too short" for no other reason.
        if detail["type"] == "too_short" and detail["ctx"]["actual_length"] < len(detail["input"]):
            continue
        loc = tuple(detail["loc"])
        place = (*at, *_in_document(_look_up(document.value, at), loc, detail["type"]))
        what, message, remedy, of_value = _explain(detail, loc, document, place, model)
        texts, _, _ = merged.setdefault((place, what), ([], remedy, of_value))
        if message not in texts:
            texts.append(message)
    hidden = _interpolated(document)
    problems = []
    for (place, what), (texts, remedy, of_value) in merged.items():
        message = " or ".join(texts)
        if what == "expected":
            message = f"expected {message}, got {shown(document, place)}"
            remedy = remedy if len(texts) == 1 else "write one of these"
        problems.append(document.problem(place, _without(hidden, message), _without(hidden, remedy), of_value=of_value))
    return sorted(problems, key=lambda problem: (problem.line or 0, problem.column or 0))


def shown(document: Document, place: Place) -> str:
    """What stands at `place`, as the file spells it and without secrets: `text 'abc'`, `the number 3`, `a list`."""
    value = _look_up(document.value, place)
    name = "text" if isinstance(value, str) else "true or false" if isinstance(value, bool) else "the number"
    match value:
        case None:
            return "nothing"
        case dict():
            return "a mapping" if value else "an empty mapping"
        case list():
            return "a list" if value else "an empty list"
    if any(isinstance(step, str) and _SECRET_KEY.search(step) for step in place):
        return "a number" if name == "the number" else name
    text = re.sub(r"//[^@/\s]*@", "//…@", document.spelled.get(place, ""))
    text = text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
    return f"text {text!r}" if isinstance(value, str) else text if isinstance(value, bool) else f"{name} {text}"


def known_keys(model: type[BaseModel], loc: Iterable[str | int]) -> list[str]:
    """The keys that the model understands at `loc`, by the names that stand in files."""
    found: list[Any] = [model]
    for step in loc:
        # A step that leads nowhere is pydantic's name for a branch of a union, not a key.
        found = [inner for annotation in found for inner in _step(annotation, step)] or found
    models = [part for annotation in found for part in _members(annotation) if _is_model(part)]
    return [field.alias or name for part in models for name, field in part.model_fields.items()]


def _explain(
    detail: ErrorDetails, loc: Place, document: Document, place: Place, model: type[BaseModel] | None
) -> tuple[str, str, str, bool]:
    """Whether the message names what was expected, the message, the remedy, and whether the value is at fault."""
    context: Mapping[str, Any] = detail.get("ctx", {})
    kind = detail["type"]
    if kind == "extra_forbidden":
        keys = known_keys(model, loc[:-1]) if model else []
        guess = nearest(str(loc[-1]), keys)
        known = f"known here: {', '.join(sorted(set(keys)))}" if keys else "remove it"
        return "unknown", "unknown key", f"did you mean `{guess}`? ({known})" if guess else known, False
    if kind == "missing":
        return "missing", "this key is required and missing", f"add `{loc[-1]}:`", False
    if loc[-1:] == ("[key]",):
        bound = _BOUNDS.get(kind, "{pattern}").format(**context) if context else "text"
        return "name", f"the name must be {bound}", "choose another name", False
    if kind in _EXPECTED:
        expected, remedy = _EXPECTED[kind]
        return "expected", expected, remedy, True
    if kind in _BOUNDS:
        return "expected", _BOUNDS[kind].format(**context), "change the value", True
    if kind in ("literal_error", "enum"):
        choices = re.findall(r"'([^']*)'", str(context["expected"]))
        guess = nearest(str(_look_up(document.value, place)), choices)
        return "expected", f"one of {', '.join(choices)}", f"did you mean `{guess}`?" if guess else "choose one", True
    text = str(context["error"]) if kind == "value_error" and "error" in context else detail["msg"]
    return kind, text, str(context.get("remedy", "")), True


def _in_document(value: Json, loc: Place, kind: str) -> Place:
    """The steps of pydantic's location that exist in the file: names of union branches and `[key]` fall out."""
    place: Place = ()
    for index, step in enumerate(loc):
        if isinstance(value, dict) and str(step) in value:
            place, value = (*place, str(step)), value[str(step)]
        elif isinstance(value, list) and isinstance(step, int) and step < len(value):
            place, value = (*place, step), value[step]
        elif kind == "missing" and index == len(loc) - 1:
            place = (*place, step)
    return place


def _look_up(value: Json, place: Place) -> Json:
    for step in place:
        if not isinstance(value, dict | list):
            return None
        entries: Mapping[Any, Json] = value if isinstance(value, dict) else dict(enumerate(value))
        value = entries.get(step)
    return value


def _members(annotation: Any) -> list[Any]:
    origin = get_origin(annotation)
    if origin is Annotated:
        return _members(get_args(annotation)[0])
    if origin in (Union, types.UnionType):
        return [member for part in get_args(annotation) for member in _members(part)]
    return [annotation]


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _step(annotation: Any, step: str | int) -> list[Any]:
    found: list[Any] = []
    for member in _members(annotation):
        if _is_model(member):
            fields = member.model_fields.items()
            found += [field.annotation for name, field in fields if step in (field.alias, name)]
            continue
        arguments = [argument for argument in get_args(member) if argument is not Ellipsis]
        origin = get_origin(member)
        if arguments and isinstance(origin, type) and isinstance(step, str) == issubclass(origin, Mapping):
            found.append(arguments[-1])
    return found


def _interpolated(document: Document) -> dict[str, str]:
    """Values that came from the environment -> how the file spells them, longest first."""
    hidden = {
        value: spelled
        for place, spelled in document.spelled.items()
        if isinstance(value := _look_up(document.value, place), str) and value not in ("", spelled)
    }
    return dict(sorted(hidden.items(), key=lambda item: -len(item[0])))


def _without(hidden: Mapping[str, str], text: str) -> str:
    for value, spelled in hidden.items():
        text = text.replace(value, spelled)
    return text
