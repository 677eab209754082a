"""JSON (with comments), TOML, INI and Java properties as plain data."""

from __future__ import annotations

import configparser
import json
import math
import re
import tomllib
from datetime import date, datetime, time
from typing import Any

from auditor.model import Json
from collectors.files.text import Malformed, check_depth, integer, own_words, position

_TOML_PLACE = re.compile(r"\(at line ([0-9]+), column ([0-9]+)\)")
_JSON_TOKEN = re.compile(r'"(?:[^"\\\n]|\\.)*"|//[^\n]*|/\*.*?\*/|,(?=\s*[\]}])', re.DOTALL)
_TOP, _NOWHERE = "\0top", "\0nowhere"
_PROPERTY_END = re.compile(r"(?<!\\)(?:\\\\)*(?P<sign>[ \t\f]*[=:][ \t\f]*|[ \t\f]+)")
_PROPERTY_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)


def json_document(text: str) -> Json:
    """A JSON text; comments and trailing commas, which .NET and editors allow, are read over.

    Raises Malformed with line and column; a key given twice is an error.
    """
    try:
        value = _json(text)
    except json.JSONDecodeError as strict:
        relaxed = _JSON_TOKEN.sub(_blank, text)
        try:
            value = _json(relaxed)
        except json.JSONDecodeError as error:
            raise Malformed(own_words(error.msg), error.lineno, error.colno) from strict
    except RecursionError as error:
        raise Malformed("nested too deeply") from error
    check_depth(value)
    return value


def _json(text: str) -> Json:
    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) == len(pairs):
            return found
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise Malformed("a key that is given twice in one object", *_second(text, twice))

    return json.loads(text, object_pairs_hook=once, parse_constant=str, parse_int=integer, parse_float=_real)


def _real(text: str) -> float | str:
    """A number; one beyond all measure as its text, for as infinity it would equal every other such number."""
    number = float(text)
    return number if math.isfinite(number) else text


def _second(text: str, key: str) -> tuple[int | None, int | None]:
    """Where a key stands for the second time; unknown where it stands in other objects too."""
    places = [found.start() for found in re.finditer(re.escape(json.dumps(key, ensure_ascii=False)) + r"\s*:", text)]
    return position(text, places[1]) if len(places) == 2 else (None, None)


def _blank(token: re.Match[str]) -> str:
    """Strings stay; comments and trailing commas become as many blanks and line ends, so that places stay true."""
    return token[0] if token[0].startswith('"') else re.sub(r"[^\n]", " ", token[0])


def toml_document(text: str) -> dict[str, Json]:
    """A TOML text; dates and times become ISO 8601 text. Raises Malformed with line and column."""
    try:
        value = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = _TOML_PLACE.search(str(error))
        place = (int(found[1]), int(found[2])) if found else (None, None)
        raise Malformed(own_words(str(error)), *place) from error
    except RecursionError as error:
        raise Malformed("nested too deeply") from error
    check_depth(value)
    plain: dict[str, Json] = _plain(value)
    return plain


def _plain(value: Any) -> Json:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value


def ini_document(text: str) -> dict[str, Json]:
    """An INI text: keys above the first section at the top, each section a map. Raises Malformed with its line."""
    parser = configparser.RawConfigParser(allow_no_value=True, default_section=_NOWHERE, empty_lines_in_values=False)
    parser.optionxform = _as_spelled  # type: ignore[assignment]
    try:
        parser.read_string(f"[{_TOP}]\n{text}")
    except (configparser.DuplicateOptionError, configparser.DuplicateSectionError) as error:
        raise Malformed("a key or section that is given twice", (error.lineno or 2) - 1) from error
    except configparser.ParsingError as error:
        raise Malformed("neither a section, a key nor a comment", _first_line(error)) from error
    sections: dict[str, Json] = {name: dict(parser.items(name)) for name in parser.sections()}
    return {**sections.pop(_TOP), **sections}


def _as_spelled(key: str) -> str:
    return key


def _first_line(error: configparser.ParsingError) -> int | None:
    """The line of the first problem, without the line that `ini_document` put on top."""
    numbers = [number for number, _ in error.errors]
    return numbers[0] - 1 if numbers else None


def properties_document(text: str) -> dict[str, Json]:
    """A Java properties text, dotted keys kept as they are; the last of several values counts, as in Java."""
    properties: dict[str, Json] = {}
    for line in _logical_lines(text):
        found = _PROPERTY_END.search(line)
        key, value = (line[: found.start("sign")], line[found.end("sign") :]) if found else (line, "")
        properties[_decoded(key)] = _decoded(value)
    return properties


def _logical_lines(text: str) -> list[str]:
    """Lines with their continuations, comments and blank lines left out."""
    lines: list[str] = []
    pending: str | None = None
    for raw in text.split("\n"):
        line = raw.lstrip(" \t\f")
        if pending is None and (not line or line[0] in "#!"):
            continue
        joined = (pending or "") + line
        backslashes = len(joined) - len(joined.rstrip("\\"))
        if backslashes % 2:
            pending = joined[:-1]
            continue
        lines.append(joined)
        pending = None
    return lines if pending is None else [*lines, pending]


def _decoded(text: str) -> str:
    def character(found: re.Match[str]) -> str:
        escape = found[1]
        if len(escape) == 5:
            return chr(int(escape[1:], 16))
        return {"n": "\n", "t": "\t", "r": "\r", "f": "\f"}.get(escape, escape)

    return _PROPERTY_ESCAPE.sub(character, text)
