"""A message as a person reads it, for goldens: words, links and buttons without their JSON."""

from __future__ import annotations

from collections.abc import Iterator

from auditor.model import Json
from auditor.publish.slack.blocks import Message


def read(message: Message) -> str:
    """The fallback text, a rule, then the blocks from top to bottom."""
    lines = [*message.text.split("\n"), "-" * 40]
    for block in message.blocks:
        lines += _block(block)
    return "".join(f"{line}\n" for line in lines)


def _block(block: Json) -> Iterator[str]:
    match block["type"]:
        case "header":
            yield f"# {block['text']['text']}"
        case "context":
            yield f"({block['elements'][0]['text']})"
        case "actions":
            yield "  ".join(f"[{_label(element)}]" for element in block["elements"])
        case "rich_text":
            for element in block["elements"]:
                yield from _lines(element)


def _lines(element: Json, bullet: str = "") -> Iterator[str]:
    if element["type"] == "rich_text_list":
        for item in element["elements"]:
            yield from _lines(item, "* ")
        return
    text = "".join(_piece(piece) for piece in element["elements"])
    first, *rest = text.split("\n")
    yield bullet + first
    yield from (f"{' ' * len(bullet)}{line}" for line in rest)


def _piece(piece: Json) -> str:
    if piece["type"] == "date":
        return str(piece["fallback"])
    if piece["type"] == "link":
        return f"<{piece['text']}>"
    style = piece.get("style", {})
    mark = "`" if "code" in style else "**" if "bold" in style else "_" if "italic" in style else ""
    return f"{mark}{piece['text']}{mark}"


def _label(element: Json) -> str:
    if element["type"] == "button":
        return f"{element['text']['text']}{'?' if 'confirm' in element else ''}"
    options = " ".join(option["text"]["text"] for option in element["options"])
    return f"{element['placeholder']['text']}{'?' if 'confirm' in element else ''}: {options}"
