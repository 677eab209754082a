"""YAML as plain data: every document of a file with its line, built from libyaml's events.

Scalars are read as YAML 1.1 reads them (as Kubernetes, Compose and PyYAML do), but for what only surprises: timestamps,
numbers with leading zeros and sexagesimal numbers stay text, keys keep their spelling (`on:` is not true). A key given
twice is an error, custom tags are data, and what aliases expand to is bounded.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from auditor.model import Json
from collectors.files.text import MAX_DEPTH, Malformed, integer, own_words

# More values than any file of the size limit can hold without aliases that multiply each other.
_MAX_VALUES = 500_000

_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_TRUE = frozenset({"yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"})
_FALSE = frozenset({"no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"})
_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9_]*)\Z")
_HEXADECIMAL = re.compile(r"[-+]?0x[0-9a-fA-F_]+\Z")
_FLOAT = re.compile(r"[-+]?(?:[0-9][0-9_]*\.[0-9_]*|\.[0-9_]+)(?:[eE][-+][0-9]+)?\Z")
_STANDARD = "tag:yaml.org,2002:"
_TEXT_TAGS = frozenset({"str", "binary", "timestamp"})

try:
    _Loader: Any = yaml.CSafeLoader
except AttributeError:  # PyYAML built without libyaml: slower, the same events.
    _Loader = yaml.SafeLoader


@dataclass(frozen=True, slots=True)
class Document:
    """One document of a file. `line` is where it starts, from 1."""

    value: Json
    line: int


@dataclass(slots=True)
class _Node:
    """A collection being filled. `merged` holds what `<<` brings in, nearest first."""

    value: dict[str, Json] | list[Json]
    line: int
    tag: str | None
    anchor: str | None
    key: str | None = None
    expects_key: bool = True
    size: int = 1
    merged: list[Json] = field(default_factory=list)


def documents(text: str) -> list[Document]:
    """Every document of a YAML text that holds anything. Raises Malformed with line and column."""
    return _documents(text, _resolve)


def unresolved(text: str) -> list[Document]:
    """The same with every scalar as it is spelled, and null where there is none: for what is text to its reader."""
    return _documents(text, lambda scalar: None if scalar in _NULL else scalar)


def _documents(text: str, resolve: Callable[[str], Json]) -> list[Document]:
    try:
        return list(_Builder(text, resolve).run())
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = (mark.line + 1, mark.column + 1) if mark else (None, None)
        raise Malformed(own_words(error.problem or "not YAML"), *place) from error
    except yaml.YAMLError as error:  # a character that YAML forbids; the message would quote it
        raise Malformed("a character that YAML does not allow") from error


class _Builder:
    def __init__(self, text: str, resolve: Callable[[str], Json]) -> None:
        self._resolve = resolve
        self._events = yaml.parse(text, Loader=_Loader)
        self._stack: list[_Node] = []
        self._anchors: dict[str, tuple[Json, int]] = {}
        self._open: set[str] = set()
        self._root: tuple[Json, int] | None = None

    def run(self) -> Iterator[Document]:
        line = 1
        for event in self._events:
            match event:
                case yaml.DocumentStartEvent():
                    self._anchors, self._root, line = {}, None, _line(event)
                case yaml.DocumentEndEvent():
                    if self._root is not None and self._root[0] is not None:
                        yield Document(self._root[0], line)
                case yaml.ScalarEvent():
                    if not self._stack:
                        line = _line(event)
                    self._scalar(event)
                case yaml.MappingStartEvent() | yaml.SequenceStartEvent():
                    if not self._stack:
                        line = _line(event)
                    self._start(event)
                case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
                    self._end()
                case yaml.AliasEvent():
                    self._alias(event)

    def _start(self, event: Any) -> None:
        if len(self._stack) >= MAX_DEPTH:
            raise _at(event, f"nested deeper than {MAX_DEPTH} levels")
        if self._stack and self._awaits_key(self._stack[-1]):
            raise _at(event, "a key that is a list or a map")
        if event.anchor:
            self._open.add(event.anchor)
        value: dict[str, Json] | list[Json] = {} if isinstance(event, yaml.MappingStartEvent) else []
        self._stack.append(_Node(value, _line(event), event.tag, event.anchor))

    def _end(self) -> None:
        node = self._stack.pop()
        value: Json = node.value
        if isinstance(value, dict):
            for inherited in node.merged:
                value = {**inherited, **value}
        value = _tagged(node.tag, value)
        if node.anchor:
            self._open.discard(node.anchor)
            self._anchors[node.anchor] = (value, node.size)
        self._place(value, node.size, node.line)

    def _scalar(self, event: Any) -> None:
        if self._stack and self._awaits_key(self._stack[-1]):
            self._key(event, event.value)
            if event.anchor:
                self._anchors[event.anchor] = (event.value, 1)
            return
        plain = event.implicit[0] and not event.style
        value = self._resolve(event.value) if plain else _explicit(event)
        if event.anchor:
            self._anchors[event.anchor] = (value, 1)
        self._place(value, 1, _line(event))

    def _alias(self, event: Any) -> None:
        if event.anchor in self._open:
            raise _at(event, "an alias that contains itself")
        if event.anchor not in self._anchors:
            raise _at(event, "an alias without its anchor")
        value, size = self._anchors[event.anchor]
        if self._stack and self._awaits_key(self._stack[-1]):
            self._key(event, value if isinstance(value, str) else str(value))
            return
        self._place(value, size, _line(event))

    def _awaits_key(self, node: _Node) -> bool:
        return isinstance(node.value, dict) and node.expects_key

    def _key(self, event: Any, key: str) -> None:
        node = self._stack[-1]
        if key in node.value and key != "<<":
            raise _at(event, "a key that is given twice in one map")
        node.key, node.expects_key = key, False

    def _place(self, value: Json, size: int, line: int) -> None:
        if not self._stack:
            self._root = (value, size)
            return
        node = self._stack[-1]
        node.size += size
        if node.size > _MAX_VALUES:
            raise Malformed(f"aliases that expand to more than {_MAX_VALUES} values", line)
        if isinstance(node.value, list):
            node.value.append(value)
            return
        key, node.key, node.expects_key = node.key or "", None, True
        if key == "<<":
            node.merged.extend(_mergeable(value, line))
        else:
            node.value[key] = value


def _mergeable(value: Json, line: int) -> list[Json]:
    found = value if isinstance(value, list) else [value]
    if not all(isinstance(item, dict) for item in found):
        raise Malformed("a merge key (<<) that does not name a map", line)
    return found


def _resolve(text: str) -> Json:
    """A plain scalar as YAML 1.1 reads it, but for timestamps, octal and sexagesimal numbers."""
    if text in _NULL:
        return None
    if text in _TRUE or text in _FALSE:
        return text in _TRUE
    if _INTEGER.match(text):
        return integer(text.replace("_", ""))
    if _HEXADECIMAL.match(text):
        return int(text.replace("_", ""), 16)
    if _FLOAT.match(text):
        number = float(text.replace("_", ""))
        return number if abs(number) != float("inf") else text
    return text


def _explicit(event: Any) -> Json:
    """A quoted or tagged scalar."""
    tag = event.tag
    if tag is None or tag == "!" or not tag.startswith(_STANDARD):
        return _tagged(tag, event.value)
    name = tag.removeprefix(_STANDARD)
    return event.value if name in _TEXT_TAGS else _resolve(event.value)


def _tagged(tag: str | None, value: Json) -> Json:
    """What a custom tag marks, kept as data: `!Ref Queue` is {"!Ref": "Queue"}."""
    if tag is None or tag == "!" or tag.startswith(_STANDARD):
        return value
    return {tag: value}


def _at(event: Any, problem: str) -> Malformed:
    return Malformed(problem, _line(event), event.start_mark.column + 1)


def _line(event: Any) -> int:
    return int(event.start_mark.line) + 1
