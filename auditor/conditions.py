"""CEL conditions of rules: compiled once, bounded, and false where something that they ask for is missing.

The library behind them ends the process on a chain of some ten thousand operators and cannot be interrupted, so what an
expression may cost is decided before it runs: by its length, depth and loops, and by the size of the values it is given.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from auditor.cel_engine import cel
from auditor.condition_functions import FUNCTIONS
from auditor.yaml_source import nearest

MAX_LENGTH = 4096
MAX_TOKENS = 1000
MAX_DEPTH = 24
MAX_MACROS = 2
MAX_ITEMS = 10_000
MAX_COST = 250_000
"""Steps of one evaluation with loops, about a microsecond each."""
_MOST_KNOWN = 4096
_LONGEST_KNOWN = 2000  # characters of all variables
_TEXT_STEP = 500  # characters that a search in a loop walks in one step

_MACRO = re.compile(r"\.\s*(all|exists|exists_one|map|filter)\s*\(")
_MACRO_VARIABLE = re.compile(r"\.\s*(?:all|exists|exists_one|map|filter)\s*\(\s*([A-Za-z_]\w*)\s*,")
_BUILDING = frozenset({"map", "filter"})
# Comments and texts, raw and long ones too: what stands in them is no syntax.
_QUOTED = re.compile(
    r"//[^\n]*"
    r"|[bB]?[rR][bB]?(?:\"\"\".*?\"\"\"|'''.*?'''|\"[^\"\n]*\"|'[^'\n]*')"
    r"|[bB]?(?:\"\"\"(?:\\.|.)*?\"\"\"|'''(?:\\.|.)*?'''|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*')",
    re.DOTALL,
)
_PATTERN = re.compile(rf"\bmatches\s*\((?:[^\"',()]*,)?\s*({_QUOTED.pattern})\s*\)", re.DOTALL)
_TOKEN = re.compile(r"[A-Za-z_0-9]+|''|[^\sA-Za-z_0-9]")
_NO_METHOD = re.compile(r"Undefined variable or function: '(\w+)'")
_RAISED = re.compile(r"Function '(\w+)' error: (?:Python function call failed: )?(?:\w+Error: )?(.*?)(?:\. Check function|\Z)", re.DOTALL)  # fmt: skip

# What holds too much to be looked up by.
_WIDE = frozenset({"attributes", "tags"})

Told = Callable[[str], None]


def unheard(_why: str) -> None:
    """Nobody wants to know."""


@dataclass(frozen=True, slots=True)
class Condition:
    """One compiled expression. `uses` are the identifiers in it, so that what nobody asks for need not be built; of one that
    speaks of a side as a whole, its fields, too.

    `power` is how the work grows with the longest list where it loops (1: each item once), 0 where it does not."""

    text: str
    uses: frozenset[str]
    power: int
    _program: Any = field(repr=False, compare=False)
    _known: dict[str, bool] = field(default_factory=dict, init=False, repr=False, compare=False)

    def holds(self, variables: Mapping[str, Any], told: Told = unheard) -> bool:
        """Whether the expression is true.

        A missing key, or a null where a value is needed, makes it false. Anything else that keeps it from an answer
        does so, too, and `told` hears why: that is a mistake of its author, or more than a rule may cost.
        """
        # The same few values come again and again, and each time the engine reads its patterns anew.
        asked = repr(variables) if _WIDE.isdisjoint(self.uses) else ""
        known = self._known.get(asked)
        if known is not None:
            return known
        silent = True

        def heard(why: str) -> None:
            nonlocal silent
            silent = False
            told(why)

        found = self._worked_out(variables, heard)
        if silent and 0 < len(asked) <= _LONGEST_KNOWN:
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            self._known[asked] = found
        return found

    def _worked_out(self, variables: Mapping[str, Any], told: Told) -> bool:
        excess = self._excess(variables)
        if excess:
            told(excess)
            return False
        try:
            return self._program.execute(cel.Context(variables=dict(variables), functions=dict(FUNCTIONS))) is True
        except LookupError:
            return False
        except (TypeError, ValueError, ArithmeticError, RuntimeError) as error:
            if not self._met_null(variables):
                told(_reason(error))
            return False

    def _excess(self, variables: Mapping[str, Any]) -> str:
        """What makes these values too much to walk; empty where they are not."""
        items, longest, text = _extent(variables.values())
        if items > MAX_ITEMS:
            return f"it is asked of more than {MAX_ITEMS:,} items"
        if self.power and longest**self.power * (1 + text // _TEXT_STEP) > MAX_COST:
            return f"its loops would take more than {MAX_COST:,} steps over {longest:,} items"
        return ""

    def _met_null(self, variables: Mapping[str, Any]) -> bool:
        """Whether a null was among what it asked: nothing can be compared with one, and that is no mistake."""
        nulls: list[str] = []

        def watched(function: Callable[..., Any]) -> Callable[..., Any]:
            def call(*arguments: Any) -> Any:
                found = function(*arguments)
                if found is None:
                    nulls.append("")
                return found

            return call

        sides = [variables.get(name) for name in ("left", "right", "own", "other")]
        if "value" in self.uses and any("value" in side and side["value"] is None for side in sides if side):
            return True
        functions = {name: watched(function) for name, function in FUNCTIONS.items() if name in self.uses}
        if not functions:
            return False
        try:
            self._program.execute(cel.Context(variables=dict(variables), functions=functions))
        except (LookupError, TypeError, ValueError, ArithmeticError, RuntimeError):
            return bool(nulls)
        return False


def compile_condition(text: str) -> Condition:
    """Compile one expression. Raises ValueError with what is wrong with it, for a person."""
    if len(text) > MAX_LENGTH:
        raise ValueError(f"is longer than {MAX_LENGTH} characters")
    bare = _QUOTED.sub(lambda found: " " if found[0].startswith("//") else "''", text)
    if _depth(bare) > MAX_DEPTH:
        raise ValueError(f"is nested more than {MAX_DEPTH} deep")
    if len(_TOKEN.findall(bare)) > MAX_TOKENS:
        raise ValueError(f"has more than {MAX_TOKENS} words and signs")
    if len(_MACRO.findall(bare)) > MAX_MACROS:
        raise ValueError(f"loops more than {MAX_MACROS} times (all, exists, map, filter)")
    program = _compiled(text)
    _check_names(bare)
    _check_patterns(text)
    named = frozenset(re.findall(r"[A-Za-z_][A-Za-z0-9_]*", bare))
    # Who speaks of a side as a whole may ask it for anything: `'tags' in left`.
    whole = _WHOLE_SIDE.search(bare) is not None
    return Condition(text, named | _PLAIN_FIELDS if whole else named, _power(bare), program)


def _compiled(text: str) -> Any:
    try:
        return cel.compile(text)
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


def _check_names(bare: str) -> None:
    """Raise ValueError for a function, a variable or a field of one that does not exist."""
    called = set(re.findall(r"(?<![.\w])([A-Za-z_]\w*)\s*\(", bare))
    for name in sorted(called - _KNOWN_CALLS):
        raise ValueError(f"calls `{name}`, which is no function here{_hint(name, _KNOWN_CALLS, FUNCTIONS)}")
    methods = set(re.findall(r"\.\s*([A-Za-z_]\w*)\s*\(", bare))
    for name in sorted(methods - _KNOWN_CALLS - _METHODS):
        raise ValueError(f"calls `{name}`, which no value has{_hint(name, _METHODS)}")
    own = set(_MACRO_VARIABLE.findall(bare))
    roots = set(re.findall(r"(?<![.\w])([A-Za-z_]\w*)\b(?!\s*\()", bare))
    for name in sorted(roots - own - _VARIABLES - _WORDS):
        raise ValueError(f"names `{name}`, which is no variable here{_hint(name, _VARIABLES)}")
    for root, asked in re.findall(r"(?<![.\w])([A-Za-z_]\w*)\s*\.\s*([A-Za-z_]\w*)\b(?!\s*\()", bare):
        fields = _FIELDS.get(root) if root not in own else None
        if fields is not None and asked not in fields:
            raise ValueError(f"asks for `{root}.{asked}`, which does not exist{_hint(asked, fields)}")


def _check_patterns(text: str) -> None:
    """Raise ValueError for a regular expression that is none: at work it would only make its condition false."""
    for pattern in dict.fromkeys(_PATTERN.findall(text)):
        try:
            cel.compile(f"''.matches({pattern})").execute(cel.Context())
        except RuntimeError as error:
            reason = str(error).partition("\nerror: ")[2].partition(". Check function")[0] or "it cannot be read"
            raise ValueError(f"looks for {pattern}, which is no regular expression: {reason}") from error
        except ValueError:
            continue  # Not what it looked like; the expression as a whole is sound.


def _hint(name: str, known: frozenset[str], shown: Mapping[str, Any] | frozenset[str] | None = None) -> str:
    guess = nearest(name, known)
    listed = f"known: {', '.join(sorted(shown or known))}"
    return f"; did you mean `{guess}`? ({listed})" if guess else f"; {listed}"


def _depth(text: str) -> int:
    depth = deepest = 0
    for char in text:
        depth += (char in "([{") - (char in ")]}")
        deepest = max(deepest, depth)
    # A run of `!`, `-` or `?:` nests without brackets.
    return max(deepest, text.count("?"), *(len(run) for run in re.findall(r"(?:[!-]\s*)+", text)), 0)


def _power(bare: str) -> int:
    """How the steps grow with the number of items: one power per loop inside a loop, and one for what copies a list.

    A list is copied for each item that `map` and `filter` add to theirs, and by `+` within a loop."""
    spans = [(found.start(), _end(bare, found.end()), found[1]) for found in _MACRO.finditer(bare)]
    powers = [0]
    for start, end, _ in spans:
        around = [span for span in spans if span[0] <= start and end <= span[1]]
        copies = any(name in _BUILDING for *_, name in around) or "+" in bare[start:end]
        powers.append(len(around) + copies)
    return max(powers)


def _end(text: str, after: int) -> int:
    """Where the bracket closes that was opened just before `after`."""
    depth = 1
    for index in range(after, len(text)):
        depth += (text[index] in "([{") - (text[index] in ")]}")
        if not depth:
            return index
    return len(text)


def _extent(values: Iterable[Any]) -> tuple[int, int, int]:
    """How many items the values hold in all (counted to a little beyond the limit), the longest list, the longest text."""
    items = longest = text = 0
    stack = list(values)
    while stack:
        item = stack.pop()
        if isinstance(item, str):
            text = max(text, len(item))
        elif isinstance(item, dict | list):
            items += len(item)
            longest = max(longest, len(item))
            if items > MAX_ITEMS:
                break
            stack.extend(item.values() if isinstance(item, dict) else item)
    return items, longest, text


def _reason(error: Exception) -> str:
    """What went wrong, for the author of the rule."""
    text = str(error)
    method, raised = _NO_METHOD.match(text), _RAISED.match(text)
    if method:
        return f"`{method[1]}` cannot be asked of a value of this type"
    if raised:
        return f"`{raised[1]}` failed: {' '.join(raised[2].split())}"
    if isinstance(error, ArithmeticError):
        return "it divides by zero" if isinstance(error, ZeroDivisionError) else "a number grows too large"
    if isinstance(error, TypeError):
        return "it compares or combines values of types that do not go together"
    return " ".join(text.split())


_KNOWN_CALLS = frozenset(FUNCTIONS) | {
    "size", "has", "int", "uint", "double", "string", "bool", "timestamp", "duration", "type", "matches", "min", "max",
    "bytes", "dyn",
}  # fmt: skip
_METHODS = frozenset(
    {
        "all", "exists", "exists_one", "map", "filter", "contains", "startsWith", "endsWith", "matches", "size",
        "getFullYear", "getMonth", "getDate", "getDayOfMonth", "getDayOfWeek", "getDayOfYear", "getHours",
        "getMinutes", "getSeconds", "getMilliseconds",
    }
)  # fmt: skip
_VARIABLES = frozenset(
    {"left", "right", "resource", "now", "path", "key", "separate_accounts", "value", "own", "other"}
)
_WORDS = frozenset({"true", "false", "null", "in"})
_SIDE = frozenset(
    {
        "environment", "present", "value", "raw", "identity", "tags", "source", "attributes", "region", "account",
        "compared", "component", "qualified",
    }
)  # fmt: skip
_PLAIN_FIELDS = _SIDE - {"attributes", "compared", "qualified"}
_WHOLE_SIDE = re.compile(r"(?<![.\w])(?:left|right|own|other)\b(?!\s*\.\s*[A-Za-z_]\w*\b(?!\s*\())")
_FIELDS: Mapping[str, frozenset[str]] = {
    **dict.fromkeys(("left", "right", "own", "other"), _SIDE),
    "resource": frozenset({"kind", "identity", "component"}),
}
