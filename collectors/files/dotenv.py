"""Dotenv files: `KEY=value` lines as shells, Docker and the dotenv libraries read them.

Quotes, values over several lines, `export`, and comments after values are understood; `${NAME}` is replaced by what the
same file says of NAME, and is left as it stands otherwise: nothing of the auditor's own environment is read.
"""

from __future__ import annotations

import re

from collectors.files.text import Malformed

_NAME = re.compile(r"(?:export[ \t]+)?(?P<key>[A-Za-z_][A-Za-z0-9_.\-]*)[ \t]*(?P<sign>=|(?=\n|\Z|#))[ \t]*")
_REFERENCE = re.compile(r"\$\{(?P<name>[A-Za-z_][A-Za-z0-9_.]*)(?:(?P<sign>:?-)(?P<default>[^{}]*))?\}")
_DOUBLE = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_SINGLE = re.compile(r"'((?:[^'\\]|\\.)*)'", re.DOTALL)
_PLAIN = re.compile(r"[^\n]*")
_COMMENT = re.compile(r"(?:^|[ \t])#.*\Z")
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\", "$": "$", "`": "`", "\n": ""}
_FLAT_YAML = re.compile(r"[A-Za-z_][\w.\-]*[ \t]*:(?:[ \t]|$)")


def parse(text: str) -> dict[str, str | None]:
    """Variables by name, null where a line names one without `=`. The last of several values counts.

    Raises Malformed with the line of what is neither a variable, a comment nor empty.
    """
    variables: dict[str, str | None] = {}
    offset, line = 0, 1
    while offset < len(text):
        if text[offset] in " \t\n":
            line += text[offset] == "\n"
            offset += 1
            continue
        if text[offset] == "#":
            offset = _end_of_line(text, offset)
            continue
        start = offset
        key, value, offset = _variable(text, offset, line, variables)
        variables[key] = value
        line += text.count("\n", start, offset)
    return variables


def looks_like_yaml(text: str) -> bool:
    """Whether a file with a dotenv name holds flat YAML (`KEY: "value"`): its first telling line decides."""
    for line in text.splitlines():
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            continue
        return stripped in {"---", "{"} or _FLAT_YAML.match(line) is not None
    return False


def _variable(text: str, offset: int, line: int, known: dict[str, str | None]) -> tuple[str, str | None, int]:
    name = _NAME.match(text, offset)
    if name is None:
        raise Malformed("neither a variable (NAME=value) nor a comment", line)
    offset = name.end()
    if not name["sign"]:
        return name["key"], None, _end_of_line(text, offset)
    mark = text[offset : offset + 1]
    if mark not in ("'", '"'):
        plain = _PLAIN.match(text, offset)
        raw = plain[0] if plain else ""
        return name["key"], _expand(_COMMENT.sub("", raw).strip(), known), offset + len(raw)
    quoted = (_SINGLE if mark == "'" else _DOUBLE).match(text, offset)
    if quoted is None:
        raise Malformed("a quote that is not closed", line)
    rest = text[quoted.end() : _end_of_line(text, quoted.end())].strip()
    if rest and not rest.startswith("#"):
        raise Malformed("text after the closing quote", line + quoted[0].count("\n"))
    body = quoted[1]
    value = re.sub(r"\\(['\\])", r"\1", body) if mark == "'" else _unescaped(_expand(body, known))
    return name["key"], value, _end_of_line(text, quoted.end())


def _end_of_line(text: str, offset: int) -> int:
    end = text.find("\n", offset)
    return len(text) if end < 0 else end


def _unescaped(body: str) -> str:
    return re.sub(r"\\(.)", lambda found: _ESCAPES.get(found[1], found[0]), body, flags=re.DOTALL)


def _expand(value: str, known: dict[str, str | None]) -> str:
    def replacement(found: re.Match[str]) -> str:
        escaped = found.start() > 0 and value[found.start() - 1] == "\\"
        value_known = known.get(found["name"])
        if escaped or (value_known is None and found["default"] is None):
            return found[0]
        if value_known is None or (value_known == "" and found["sign"] == ":-"):
            return found["default"] or ""
        return value_known

    return _REFERENCE.sub(replacement, value) if "${" in value else value
