"""CEL conditions of rules: compiled once, capped, and false where something that they ask for is missing."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import cel

from auditor.sizes import parse_size, same_architecture, same_family, size_order
from auditor.value_types import is_type, number
from auditor.versions import parse_image, same_release, version_order

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

# An expression of tens of thousands of characters ends the process inside the parser; nested macros are exponential.
MAX_LENGTH = 4096
MAX_DEPTH = 24
MAX_MACROS = 2
MAX_ITEMS = 10_000
_MACRO = re.compile(r"\.\s*(?:all|exists|exists_one|map|filter)\s*\(")
_BEFORE_PATH = re.compile(
    r"^(?:jdbc:oracle:[a-z0-9]+:[^@]*@(?://)?[^/:?#]*(?::[0-9]+)?|(?:jdbc:)?[a-z][a-z0-9+.-]*://[^/?#;]*)",
    re.IGNORECASE,
)
_STRINGS = re.compile(r"\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*'")


@dataclass(frozen=True, slots=True)
class Condition:
    """One compiled expression. `uses` are the identifiers in it, so that what nobody asks for need not be built."""

    text: str
    uses: frozenset[str]
    _program: Any = field(repr=False, compare=False)

    def holds(self, variables: Mapping[str, Any]) -> bool:
        """Whether the expression is true. A missing key, or values that cannot be compared, make it false."""
        if any(_too_large(value) for value in variables.values()):
            return False
        context = cel.Context(variables=dict(variables), functions=_FUNCTIONS)
        try:
            return self._program.execute(context) is True
        except (KeyError, TypeError, ValueError, RuntimeError):
            return False


def compile_condition(text: str) -> Condition:
    """Compile one expression. Raises ValueError with what is wrong with it, for a person."""
    if len(text) > MAX_LENGTH:
        raise ValueError(f"is longer than {MAX_LENGTH} characters")
    bare = _STRINGS.sub("''", text)
    if _depth(bare) > MAX_DEPTH:
        raise ValueError(f"is nested more than {MAX_DEPTH} deep")
    if len(_MACRO.findall(bare)) > MAX_MACROS:
        raise ValueError(f"loops more than {MAX_MACROS} times (all, exists, map, filter)")
    try:
        program = cel.compile(text)
    except ValueError as error:
        found = re.search(r"ERROR: <input>:\d+:(\d+): (.*)", str(error))
        # The parser goes on to list every token it would have taken.
        told = (
            found[2].partition(" expecting {")[0].replace("mismatched input '<EOF>'", "it ends too early")
            if found
            else ""
        )
        reason = f"{told} (character {found[1]})" if found else str(error).split("\n")[0]
        raise ValueError(f"is not valid CEL: {reason}") from error
    names = frozenset(re.findall(r"[A-Za-z_][A-Za-z0-9_]*", bare))
    called = frozenset(re.findall(r"(?<![.\w])([A-Za-z_]\w*)\s*\(", bare))
    unknown = called - _KNOWN_CALLS
    if unknown:
        raise ValueError(f"calls `{min(unknown)}`, which is no function here; known: {', '.join(sorted(_FUNCTIONS))}")
    roots = frozenset(re.findall(r"(?<![.\w])([A-Za-z_]\w*)\b(?!\s*\()", _without_macro_variables(bare)))
    stray = roots - _VARIABLES - _WORDS
    if stray:
        raise ValueError(f"names `{min(stray)}`, which is no variable here; known: {', '.join(sorted(_VARIABLES))}")
    return Condition(text, names, program)


def _without_macro_variables(text: str) -> str:
    for variable in set(re.findall(r"\.\s*(?:all|exists|exists_one|map|filter)\s*\(\s*([A-Za-z_]\w*)\s*,", text)):
        text = re.sub(rf"(?<![.\w]){variable}\b", "left", text)
    return text


def _depth(text: str) -> int:
    depth = deepest = 0
    for char in text:
        depth += (char in "([{") - (char in ")]}")
        deepest = max(deepest, depth)
    # A run of `!`, `-` or `?:` nests without brackets.
    return max(deepest, text.count("?"), *(len(run) for run in re.findall(r"[!-]+", text)), 0)


def _too_large(value: Any) -> bool:
    """Whether a value holds more than a rule should walk."""
    left = MAX_ITEMS
    stack = [value]
    while stack:
        item = stack.pop()
        if isinstance(item, dict | list):
            left -= len(item)
            if left < 0:
                return True
            stack.extend(item.values() if isinstance(item, dict) else item)
    return False


def magnitude_order(left: Any, right: Any) -> int | None:
    """-1, 0 or 1 over numbers, booleans (false is less), sizes and versions; None where they cannot be compared.

    Lists of sizes are as large as the largest of them.
    """
    if isinstance(left, bool) and isinstance(right, bool):
        return int(left) - int(right)
    a, b = number(left), number(right)
    if a is not None and b is not None:
        return (a > b) - (a < b)
    left, right = _largest(left), _largest(right)
    if isinstance(left, str) and isinstance(right, str):
        by_size = size_order(left, right)
        return by_size if by_size is not None else version_order(left, right)
    return None


def _largest(value: Any) -> Any:
    if not isinstance(value, list):
        return value
    sizes = [(size.rank, item) for item in value if isinstance(item, str) and (size := parse_size(item))]
    return max(sizes)[1] if sizes and len(sizes) == len(value) else None


def _of_all(test: Callable[[str, str], bool | None]) -> Callable[[Any, Any], bool | None]:
    """A test of two texts as one of two lists: true when each item has one on the other side that passes."""

    def of(left: Any, right: Any) -> bool | None:
        ours, theirs = (value if isinstance(value, list) else [value] for value in (left, right))
        if not ours or not theirs:
            return None
        rows = [[test(str(a), str(b)) for b in theirs] for a in ours]
        if any(found is None for row in rows for found in row):
            return None
        return all(any(row) for row in rows) and all(any(row[i] for row in rows) for i in range(len(theirs)))

    return of


def _url_path(text: Any) -> str:
    """What follows the host: the part of a URL that environments have in common."""
    return _BEFORE_PATH.sub("", str(text)).rstrip("/")


def _image_part(part: str) -> Callable[[Any], str | None]:
    def read(text: Any) -> str | None:
        image = parse_image(str(text))
        return None if image is None else str(getattr(image, part) or "")

    return read


# Null for what cannot be compared: CEL has no order for null, so `order(…) < 0` is then false.
_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "order": magnitude_order,
    "version_order": lambda left, right: version_order(str(left), str(right)),
    "same_major": lambda left, right: same_release(str(left), str(right), parts=1),
    "same_minor": lambda left, right: same_release(str(left), str(right), parts=2),
    "same_family": _of_all(same_family),
    "same_architecture": _of_all(same_architecture),
    "is_type": lambda name, value: is_type(str(name), value, value),
    "url_path": _url_path,
    "lower": lambda text: str(text).lower(),
    "image_repository": _image_part("repository"),
    "image_tag": _image_part("tag"),
    "mutable_image": lambda text: (image := parse_image(str(text))) is not None and image.mutable,
}
_KNOWN_CALLS = frozenset(_FUNCTIONS) | {
    "size", "has", "int", "uint", "double", "string", "bool", "timestamp", "duration", "type", "matches", "min", "max",
    "bytes", "dyn",
}  # fmt: skip
_VARIABLES = frozenset(
    {"left", "right", "resource", "now", "path", "key", "separate_accounts", "value", "own", "other"}
)
_WORDS = frozenset({"true", "false", "null", "in"})
