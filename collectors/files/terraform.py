"""Terraform's language as plain data: variable files (`.tfvars`) and configuration (`.tf`), through python-hcl2.

python-hcl2 answers strings in their quotes, so that an expression can be told from a text; here a text loses quotes and
escapes, an expression stays `${...}`, heredocs become their content, and blocks become maps by their labels:
`resource "aws_sqs_queue" "orders"` is found at `resource.aws_sqs_queue.orders`.
"""

from __future__ import annotations

import re
import textwrap
from threading import Lock
from typing import Any

from auditor.model import Json
from collectors.files.text import Malformed, check_depth, integer

_BLOCK = "__is_block__"
_HEREDOC = re.compile(r"<<(?P<indented>-?)(?P<mark>[A-Za-z_][A-Za-z0-9_-]*)\n(?P<body>.*?)[ \t]*(?P=mark)\Z", re.DOTALL)
_ESCAPE = re.compile(r'\\(u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[nrt"\\])')
_PLAIN_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\"}
# python-hcl2 keeps where it is in a document in one object for the whole process: two threads would mix their texts up.
_ONE_AT_A_TIME = Lock()
_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?\Z")


def document(text: str) -> dict[str, Json]:
    """What a `.tf` or `.tfvars` text says. Raises Malformed with line and column."""
    import hcl2  # builds a grammar: half a second that only readers of Terraform files pay
    from hcl2.utils import SerializationOptions
    from lark.exceptions import LarkError, UnexpectedInput

    if not text.strip():
        return {}
    try:
        with _ONE_AT_A_TIME:
            raw = hcl2.loads(text, serialization_options=SerializationOptions(with_comments=False))
    except UnexpectedInput as error:
        line, column = (at if isinstance(at, int) and at > 0 else None for at in (error.line, error.column))
        raise Malformed("not Terraform's language", line, column) from error
    except LarkError as error:
        raise Malformed("not Terraform's language") from error
    except RecursionError as error:
        raise Malformed("nested too deeply") from error
    check_depth(raw)
    body = _body(raw)
    locals_ = body.get("locals")
    if isinstance(locals_, list):  # any number of `locals` blocks say the same as one
        body["locals"] = {key: value for block in locals_ for key, value in block.items()}
    return body


def _body(raw: dict[str, Any]) -> dict[str, Json]:
    found: dict[str, Json] = {}
    for key, value in raw.items():
        if key == _BLOCK:
            continue
        found[_text(key)] = _blocks(value) if _is_blocks(value) else _value(value)
    return found


def _is_blocks(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(_labels(item) is not None for item in value)


def _labels(item: Any) -> tuple[tuple[str, ...], dict[str, Any]] | None:
    """A block's labels and body; None for an object that is no block."""
    labels: list[str] = []
    while isinstance(item, dict) and _BLOCK not in item:
        if len(item) != 1:
            return None
        label, item = next(iter(item.items()))
        labels.append(_text(label))
    return (tuple(labels), item) if isinstance(item, dict) else None


def _blocks(items: list[Any]) -> Json:
    """Labelled blocks as nested maps; blocks without labels as one map, or as a list where there are several."""
    blocks = [found for found in map(_labels, items) if found is not None]
    if not any(labels for labels, _ in blocks):
        bodies = [_body(body) for _, body in blocks]
        return bodies[0] if len(bodies) == 1 else bodies
    nested: dict[str, Json] = {}
    for labels, raw in blocks:
        body = _body(raw)
        alias = body.get("alias")
        *parents, name = labels or ("",)
        level = nested
        for parent in parents:
            level = level.setdefault(parent, {})
        if name in level and isinstance(alias, str):  # a provider's further configurations
            name = f"{name}.{alias}"
        if name in level:
            earlier = level[name]
            level[name] = [*earlier, body] if isinstance(earlier, list) else [earlier, body]
        else:
            level[name] = body
    return nested


def _value(raw: Any) -> Json:
    if isinstance(raw, dict):
        return _body(raw)
    if isinstance(raw, list):
        return [_value(item) for item in raw]
    return _scalar(raw) if isinstance(raw, str) else raw


def _scalar(raw: str) -> Json:
    if raw.startswith("${") and raw.endswith("}") and _NUMBER.match(raw[2:-1]):
        text = raw[2:-1]
        return integer(text) if text.lstrip("-").isdecimal() else float(text)
    return _text(raw)


def _text(raw: str) -> str:
    if len(raw) < 2 or not (raw.startswith('"') and raw.endswith('"')):
        return raw
    heredoc = _HEREDOC.match(raw[1:-1])
    if heredoc is not None:
        return textwrap.dedent(heredoc["body"]) if heredoc["indented"] else heredoc["body"]
    return _ESCAPE.sub(_unescaped, raw[1:-1])


def _unescaped(found: re.Match[str]) -> str:
    escape = found[1]
    if escape[0] in "uU" and len(escape) > 1:
        return chr(int(escape[1:], 16))
    return _PLAIN_ESCAPES[escape]
