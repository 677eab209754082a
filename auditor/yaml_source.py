"""Read YAML that people write, and remember where every key and value stands, so that an error can point at it.

The scalars follow YAML 1.2's core schema: only `true` and `false` are booleans, `12:30` is text, a date is text. An
environment may be called `no`, and nothing turns into a type that JSON does not have.
"""

from __future__ import annotations

import difflib
import math
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

import yaml

from auditor.errors import ConfigError, Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from auditor.model import Json

Place: TypeAlias = tuple[str | int, ...]
Position: TypeAlias = tuple[int, int]

# An alias costs nothing to write and doubles what it names: nine lines can stand for a billion nodes.
MAX_NODES = 200_000
MAX_DEPTH = 100
# In `{token: ${NAME}}` YAML itself would take the second brace for a mapping. So a variable travels through the parser
# in characters that mean nothing to it (Unicode's private use area), one for one, which keeps every column.
_VARIABLE = re.compile(r"""\$\{[A-Za-z_][A-Za-z0-9_]*(?::-[^}"'\\\n]*)?\}""")
_SHELTER = {code: 0xE000 + code for code in range(0x20, 0x7F)}
_UNSHELTER = {private: code for code, private in _SHELTER.items()}
_TAG = "tag:yaml.org,2002:"
# Longer digit strings are account numbers, hashes or mischief: text.
_INT = re.compile(r"[-+]?[0-9]{1,300}|0o[0-7]{1,100}|0x[0-9a-fA-F]{1,100}")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")


@dataclass(frozen=True, slots=True)
class Document:
    """One YAML file: its value as JSON, and where each part of it stands (lines and columns count from 1).

    `positions` holds the key of every mapping entry and the start of every list item, by place (`("pairs", 0, "left")`);
    `values` the start of every value; `spelled` each scalar as the file spells it, before any interpolation.
    """

    value: Json
    positions: Mapping[Place, Position]
    file: str
    values: Mapping[Place, Position] = field(default_factory=dict)
    spelled: Mapping[Place, str] = field(default_factory=dict)

    def at(self, place: Place, *, of_value: bool = False) -> Position | None:
        """Where `place` stands, or else the nearest thing around it that is in the file; None for an empty file."""
        for length in range(len(place), -1, -1):
            found = (self.values if of_value else self.positions).get(place[:length])
            if found is not None:
                return found
        return None

    def problem(self, place: Place, message: str, remedy: str = "", *, of_value: bool = False) -> Problem:
        """A problem with what stands at `place`; it points to the key, or to the value with `of_value`."""
        line, column = self.at(place, of_value=of_value) or (None, None)
        return Problem(self.file, line, column, dotted(place), message, remedy)


def dotted(place: Place) -> str:
    """`("pairs", 0, "left")` as a person reads it: `pairs[0].left`."""
    text = ""
    for step in place:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The one of `known` that was probably meant by `word`; None where nothing is close."""
    by_lower = {name.lower().replace("-", "_"): name for name in known}
    meant = word.lower().replace("-", "_")
    close = difflib.get_close_matches(meant, sorted(by_lower), n=1, cutoff=0.6)
    # `prod` for `production` is far by its letters, and yet what was meant.
    close = close or [name for name in sorted(by_lower) if meant[:3] == name[:3] and _one_begins(meant, name)]
    return by_lower[close[0]] if close else None


def _one_begins(one: str, other: str) -> bool:
    return one.startswith(other) or other.startswith(one)


def load(path: Path, *, file: str | None = None) -> Document:
    """Read one file. `file` is its name in messages, by default the path as given. Raises ConfigError."""
    name = file or str(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise _refused(name, "there is no such file", "check the path, or let `audit init` write one") from error
    except UnicodeDecodeError as error:
        raise _refused(name, f"is not UTF-8 text (byte {error.start})", "save the file as UTF-8") from error
    except OSError as error:
        remedy = "name the file in it" if isinstance(error, IsADirectoryError) else "see that it may be read"
        raise _refused(name, f"cannot be read: {error.strerror or error}", remedy) from error
    return parse(text, name)


def parse(text: str, file: str) -> Document:
    """The same for a text that was read elsewhere. Raises ConfigError with every duplicate key and odd tag it holds."""
    node = compose(text, file)
    reader = _Reader(file)
    value = None if node is None else reader.value(node, ())
    if reader.problems:
        raise ConfigError(reader.problems)
    return Document(value, reader.positions, file, reader.values, reader.spelled)


def compose(text: str, file: str) -> yaml.Node | None:
    """The text as YAML's nodes, whose marks are positions in `text`; None where it holds nothing. Raises ConfigError.

    Scalars that hold variables are in their sheltered spelling: read them through `parse`."""
    if not any(chr(private) in text for private in _UNSHELTER):
        text = _VARIABLE.sub(lambda found: found[0].translate(_SHELTER), text)
    try:
        _check_depth(text, file)
        return yaml.compose(text, Loader=_Loader)
    except yaml.reader.ReaderError as error:
        shown = error.character if isinstance(error.character, str) else f"U+{int(error.character):04X}"
        raise _refused(file, f"holds a character that YAML does not allow ({shown!r})", "remove it") from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (None, None)
        message = f"is not valid YAML: {', '.join(part for part in (error.context, error.problem) if part)}"
        remedy = "check indentation, quotes and brackets here"
        raise ConfigError([Problem(file, line, column, "", message, remedy)]) from error


def _check_depth(text: str, file: str) -> None:
    """libyaml composes by recursion in C: a text of brackets alone would end the process, not raise."""
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > MAX_DEPTH:
            line = event.start_mark.line + 1 if event.start_mark else None
            raise ConfigError([Problem(file, line, None, "", f"is nested more than {MAX_DEPTH} deep", "flatten it")])


def _refused(file: str, message: str, remedy: str = "") -> ConfigError:
    return ConfigError([Problem(file, None, None, "", message, remedy)])


_Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_Base):  # type: ignore[misc]  # libyaml's loader where PyYAML was built with it: ten times as fast
    yaml_implicit_resolvers: dict[str, Any] = {}


for _tag, _pattern, _first in (
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    ("int", _INT.pattern, list("-+0123456789")),
    ("float", rf"{_FLOAT.pattern}", list("-+.0123456789")),
    ("merge", r"<<", ["<"]),
):
    _Loader.add_implicit_resolver(_TAG + _tag, re.compile(rf"^(?:{_pattern})$"), _first)


class _Reader:
    """Turns nodes into JSON and notes where they stand."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.positions: dict[Place, Position] = {}
        self.values: dict[Place, Position] = {}
        self.spelled: dict[Place, str] = {}
        self.problems: list[Problem] = []
        self._open: set[int] = set()
        self._seen = 0

    def value(self, node: yaml.Node, place: Place) -> Json:
        self._seen += 1
        if self._seen > MAX_NODES:
            raise _refused(self.file, f"stands for more than {MAX_NODES:,} values", "use fewer aliases (`*name`)")
        if len(place) > MAX_DEPTH:
            raise _refused(self.file, f"is nested more than {MAX_DEPTH} deep by its aliases", "flatten it")
        self.values[place] = _position(node)
        self.positions.setdefault(place, _position(node))
        if isinstance(node, yaml.ScalarNode):
            self.spelled[place] = str(node.value).translate(_UNSHELTER)
            return self._scalar(node, place)
        if id(node) in self._open:
            self._report(node, place, "an alias stands inside what it names", "name the value once more instead")
            return None
        self._open.add(id(node))
        try:
            return self._collection(node, place)
        finally:
            self._open.discard(id(node))

    def _collection(self, node: yaml.Node, place: Place) -> Json:
        if isinstance(node, yaml.SequenceNode) and node.tag == _TAG + "seq":
            return [self.value(item, (*place, index)) for index, item in enumerate(node.value)]
        if isinstance(node, yaml.MappingNode) and node.tag == _TAG + "map":
            return self._mapping(node, place)
        self._report(node, place, f"the tag {_short(node.tag)} is not understood", "write a plain value")
        return None

    def _mapping(self, node: yaml.MappingNode, place: Place) -> dict[str, Json]:
        written: dict[str, Json] = {}
        inherited: dict[str, Json] = {}
        # What is inherited is read first, so that the position of a key written here as well is the one here.
        for key_node, value_node in node.value:
            if key_node.tag == _TAG + "merge":
                inherited = {**self._merged(value_node, place), **inherited}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                self._report(key_node, place, "a key must be plain text", "write the key as one word")
                continue
            if key_node.tag == _TAG + "merge":
                continue
            key = str(key_node.value).translate(_UNSHELTER)
            here = (*place, key)
            if key in written:
                first = self.positions[here][0]
                self._report(key_node, here, f"the key stands twice (first in line {first})", "keep one of the two")
                continue
            self.positions[here] = _position(key_node)
            written[key] = self.value(value_node, here)
        return {**inherited, **written}

    def _merged(self, node: yaml.Node, place: Place) -> dict[str, Json]:
        if isinstance(node, yaml.SequenceNode):
            merged: dict[str, Json] = {}
            for item in reversed(node.value):
                merged |= self._merged(item, place)
            return merged
        if not isinstance(node, yaml.MappingNode):
            self._report(node, place, "`<<` takes a mapping", "point it at an anchor of a mapping (`<<: *name`)")
            return {}
        own = self.positions.get(place), self.values.get(place)
        value = self.value(node, place)
        self.positions[place], self.values[place] = own[0] or _position(node), own[1] or _position(node)
        return value if isinstance(value, dict) else {}

    def _scalar(self, node: yaml.ScalarNode, place: Place) -> Json:
        text = str(node.value).translate(_UNSHELTER)
        match node.tag.removeprefix(_TAG):
            case "str" | "merge":
                return text
            case "null":
                return None
            case "bool" if text.lower() in ("true", "false"):
                return text.lower() == "true"
            case "int" if _INT.fullmatch(text):
                base = {"0o": 8, "0x": 16}.get(text[:2], 10)
                return int(text, base)
            case "float" if _FLOAT.fullmatch(text):
                return float(text) if math.isfinite(float(text)) else text
        self._report(node, place, f"the tag {_short(node.tag)} is not understood here", "write a plain value")
        return None

    def _report(self, node: yaml.Node, place: Place, message: str, remedy: str) -> None:
        self.problems.append(Problem(self.file, *_position(node), dotted(place), message, remedy))


def _position(node: yaml.Node) -> Position:
    return node.start_mark.line + 1, node.start_mark.column + 1


def _short(tag: str) -> str:
    return "!!" + tag.removeprefix(_TAG) if tag.startswith(_TAG) else tag
