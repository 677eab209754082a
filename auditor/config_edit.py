"""Add to a configuration file that people write, and leave every other character of it alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import yaml

from auditor.yaml_source import compose

if TYPE_CHECKING:
    from auditor.match import Counterpart


# Names come from whoever may name a resource: a variable in one would bring a secret of ours into the configuration.
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t", "$": "$$"}


def with_counterpart(text: str, counterpart: Counterpart) -> str:
    """The text of `auditor.yaml` with one more entry under `match:`. `text` must be a valid configuration."""
    entry = entry_of(counterpart)
    node = _value(text, "match")
    if node is None:
        break_before = "" if text.endswith("\n") or not text else "\n"
        return f"{text}{break_before}\nmatch:\n  - {entry}\n"
    start, end = node.start_mark.index, node.end_mark.index
    if not isinstance(node, yaml.SequenceNode):
        # `match:` with nothing after it
        return f"{text[:start]} [{entry}]{text[end:]}"
    if node.flow_style or not node.value:
        inner = text[start + 1 : end - 1].rstrip().rstrip(",")
        return f"{text[:start]}[{inner}{', ' if node.value else ''}{entry}]{text[end:]}"
    line_end = text.find("\n", _end(node))
    line_end = len(text) if line_end < 0 else line_end
    return f"{text[:line_end]}\n{' ' * node.start_mark.column}- {entry}{text[line_end:]}"


def entry_of(counterpart: Counterpart) -> str:
    """The entry itself: `{kind: "…", left: "…", right: "…"}`."""
    fields = (("kind", counterpart.kind), ("left", counterpart.left), ("right", counterpart.right))
    return "{" + ", ".join(f"{key}: {_quoted(value)}" for key, value in fields) + "}"


def _quoted(text: str) -> str:
    """In YAML's double quotes; what cannot be seen is spelled out, so that the file says what it shows."""
    return '"' + "".join(_ESCAPES.get(letter) or _visible(letter) for letter in text) + '"'


def _visible(letter: str) -> str:
    return letter if letter.isprintable() else f"\\U{ord(letter):08x}"


def _value(text: str, key: str) -> yaml.Node | None:
    root = compose(text, "auditor.yaml")
    if not isinstance(root, yaml.MappingNode):
        return None
    return next((value for name, value in root.value if name.value == key), None)


def _end(node: yaml.Node) -> int:
    """Where the last word of a node ends. A block's own end mark stands after the comments and blank lines behind it."""
    if not isinstance(node, yaml.CollectionNode) or node.flow_style or not node.value:
        return node.end_mark.index
    last = node.value[-1]
    return _end(last[1] if isinstance(last, tuple) else last)
