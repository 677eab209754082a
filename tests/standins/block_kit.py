"""What Slack refuses of a message's blocks: their structure by a schema made from Slack's own types, and its limits."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

from jsonschema import Draft7Validator
from slack_sdk.errors import SlackObjectFormationError
from slack_sdk.models.blocks import Block

SCHEMA = Path(__file__).with_name("block_kit.schema.json")
MOST_BLOCKS = 50
LONGEST_MESSAGE = 13_000
# (type of the element, key) -> longest text, by https://docs.slack.dev/reference/block-kit
_LONGEST_TEXTS = {
    ("header", "text"): 150,
    ("section", "text"): 3_000,
    ("button", "text"): 75,
    ("static_select", "placeholder"): 150,
    ("confirm", "title"): 100,
    ("confirm", "text"): 300,
    ("confirm", "confirm"): 30,
    ("confirm", "deny"): 30,
    ("option", "text"): 75,
}
_LONGEST_STRINGS = {
    ("button", "value"): 2_000,
    ("option", "value"): 150,
    ("button", "url"): 3_000,
    ("link", "url"): 3_000,
}
_MOST_ELEMENTS = {"actions": 25, "context": 10, "static_select": 100}
_MENTIONS = ("<!", "<@", "<#")


def problems(blocks: Any) -> list[str]:
    """Everything that Slack would refuse these blocks for; empty where it takes them."""
    if not isinstance(blocks, list) or not all(isinstance(block, dict) for block in blocks):
        return ["blocks is not a list of objects"]
    found = [f"{len(blocks)} blocks, {MOST_BLOCKS} are allowed"] if len(blocks) > MOST_BLOCKS else []
    if length(blocks) > LONGEST_MESSAGE:
        found.append(f"{length(blocks)} characters of blocks: msg_blocks_too_long")
    ids = [block["block_id"] for block in blocks if "block_id" in block]
    if len(set(ids)) < len(ids):
        found.append("a block_id is used twice")
    for number, block in enumerate(blocks):
        found += [f"block {number}: {problem}" for problem in _block(block)]
    return found


def length(blocks: list[Any]) -> int:
    """Characters of the blocks as JSON, as UTF-16 counts them."""
    return len(json.dumps(blocks, ensure_ascii=False, separators=(",", ":")).encode("utf-16-le")) // 2


def pings(message: Any) -> list[str]:
    """What of a message would notify people or turn into a link to a channel."""
    return list(_pings(message.get("blocks") or [])) + [
        message["text"] for mention in _MENTIONS if mention in (message.get("text") or "")
    ]


def _pings(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for item in value:
            yield from _pings(item)
    if not isinstance(value, dict):
        return
    if value.get("type") in ("user", "usergroup", "broadcast", "channel", "team"):
        yield json.dumps(value)
    if value.get("type") == "mrkdwn" and (
        any(mention in value["text"] for mention in _MENTIONS) or not value.get("verbatim")
    ):
        yield value["text"]
    if value.get("type") == "plain_text" and value.get("emoji") is not False:
        yield value["text"]
    for item in value.values():
        yield from _pings(item)


@lru_cache(maxsize=1)
def _schema() -> dict[str, Any]:
    return dict(json.loads(SCHEMA.read_text(encoding="utf-8")))


@lru_cache(maxsize=64)
def _validator(block_type: str) -> Draft7Validator | None:
    """The validator of one type of block: asking all of them at once would say only that none fits."""
    definitions = _schema()["definitions"]
    for choice in definitions["KnownBlock"]["anyOf"]:
        name = choice["$ref"].rpartition("/")[2]
        shapes = definitions[name].get("anyOf", [definitions[name]])
        if any(shape["properties"]["type"].get("const") == block_type for shape in shapes):
            return Draft7Validator({"$ref": f"#/definitions/{name}", "definitions": definitions})
    return None


def _block(block: dict[str, Any]) -> Iterator[str]:
    validator = _validator(str(block.get("type")))
    if validator is None:
        yield f"unsupported type {block.get('type')!r}"
        return
    for error in validator.iter_errors(block):
        yield f"{error.json_path}: {error.message[:200]}"
    parsed = Block.parse(block)
    if parsed is None:
        yield "slack_sdk does not know it"
        return
    try:
        parsed.validate_json()
    except SlackObjectFormationError as error:
        yield str(error)
    yield from _limits(block, str(block["type"]))


def _limits(value: Any, name: str) -> Iterator[str]:
    if isinstance(value, list):
        for item in value:
            yield from _limits(item, {"options": "option"}.get(name, name))
        actions = [item["action_id"] for item in value if isinstance(item, dict) and "action_id" in item]
        if len(set(actions)) < len(actions):
            yield "an action_id is used twice in one block"
    if not isinstance(value, dict):
        return
    kind = value.get("type", name)
    for key in ("block_id", "action_id"):
        if not 0 < len(value.get(key, "x")) <= 255:
            yield f"{key} has {len(value[key])} characters"
    for key, inner in value.items():
        yield from _texts(kind, key, inner)
        yield from _limits(inner, key)
    for key in ("elements", "options"):
        if key in value and not 0 < len(value[key]) <= _MOST_ELEMENTS.get(kind, 10_000):
            yield f"{kind} has {len(value[key])} {key}"


def _texts(kind: str, key: str, inner: Any) -> Iterator[str]:
    if isinstance(inner, dict) and inner.get("type") in ("plain_text", "mrkdwn"):
        room = _LONGEST_TEXTS.get((kind, key), 3_000)
        if not 0 < _units(inner["text"]) <= room:
            yield f"{kind}.{key} has {_units(inner['text'])} characters, {room} are allowed"
    if isinstance(inner, str):
        room = _LONGEST_STRINGS.get((kind, key), 3_000)
        if _units(inner) > room or (key == "text" and not inner):
            yield f"{kind}.{key} has {_units(inner)} characters, {room} are allowed"


def _units(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2
