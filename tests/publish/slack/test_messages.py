"""Every message is as it was agreed to be, Slack takes it, and it pings nobody."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from auditor.publish.slack.blocks import MESSAGE_ROOM, Message, size
from tests.publish.golden import FOLDER, same_as_golden
from tests.publish.slack.reading import read
from tests.publish.slack.stories import messages
from tests.standins.block_kit import pings, problems
from tests.standins.slack_workspace import BOT_TOKEN, Workspace

NAMES = tuple(messages())


@pytest.fixture(scope="module")
def all_messages() -> dict[str, Message]:
    return messages()


@pytest.mark.parametrize("name", NAMES)
def test_a_message_is_as_it_was_agreed_to_be(name: str, all_messages: dict[str, Message]) -> None:
    """The whole message as JSON, and beside it as a person reads it."""
    message = all_messages[name]
    body = {"text": message.text, "blocks": list(message.blocks)}
    same_as_golden(f"slack/{name}.json", json.dumps(body, indent=1, ensure_ascii=False) + "\n")
    same_as_golden(f"slack/{name}.txt", read(message))


@pytest.mark.parametrize("name", NAMES)
def test_slack_takes_every_message_and_nobody_is_pinged(name: str, all_messages: dict[str, Message]) -> None:
    """By the schema of Slack's own types, by its library's checks and by its documented limits."""
    message = all_messages[name]
    assert problems(list(message.blocks)) == []
    assert pings({"text": message.text, "blocks": list(message.blocks)}) == []
    assert size(message.blocks) <= MESSAGE_ROOM
    assert 0 < len(message.text) < 4_000
    given = {"channel": "#parity", "text": message.text, "blocks": list(message.blocks)}
    assert Workspace().call("chat.postMessage", BOT_TOKEN, given)["ok"] is True


def test_no_golden_is_left_over() -> None:
    """A file that no message is compared with would say that something is tested which is not."""
    found = {path.name for path in Path(FOLDER / "slack").iterdir()}
    assert found == {f"{name}.{ending}" for name in NAMES for ending in ("json", "txt")}
