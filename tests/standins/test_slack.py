"""The stand-in refuses what Slack documents to refuse: what it accepts in other tests is worth something by that."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from slack_sdk import WebClient

from tests.standins.block_kit import pings, problems
from tests.standins.slack_workspace import APP_TOKEN, BOT_TOKEN, Pace, Refused, Workspace

ROOT = Path(__file__).resolve().parents[2]


def text(value: str, kind: str = "plain_text") -> dict[str, Any]:
    return {"type": kind, "text": value}


def rich(*pieces: dict[str, Any]) -> dict[str, Any]:
    return {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": list(pieces)}]}


def button(**more: Any) -> dict[str, Any]:
    return {"type": "button", "action_id": "a", "text": text("Go"), "value": "v", **more}


def actions(*elements: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "actions", "elements": list(elements), **more}


def select(value: str) -> dict[str, Any]:
    options = [{"text": text("one"), "value": value}]
    return {"type": "static_select", "action_id": "s", "placeholder": text("Choose"), "options": options}


@pytest.mark.parametrize(
    "blocks",
    [
        [{"type": "divider"}] * 51,
        [{"type": "header", "text": text("x" * 151)}],
        [{"type": "header", "text": text("\U0001f9e8" * 76)}],
        [{"type": "header", "text": text("")}],
        [{"type": "header", "text": text("x", "mrkdwn")}],
        [{"type": "section", "text": text("x" * 3001, "mrkdwn")}],
        [{"type": "section"}],
        [{"type": "context", "elements": [text("x")] * 11}],
        [actions(button(text=text("x" * 76)))],
        [actions(button(value="x" * 2001))],
        [actions(button(action_id="x" * 256))],
        [actions(button(), button())],
        [actions()],
        [actions(button(), block_id="x" * 256)],
        [actions(button(action_id="a"), block_id="same"), actions(button(), block_id="same")],
        [actions(select("x" * 151))],
        [actions(button(confirm={"title": text("x" * 101), "text": text("x"), "confirm": text("y"), "deny": text("n")}))],
        [rich(text("", "text"))],
        [rich({"type": "text", "text": "x", "style": "bold"})],
        [rich({"type": "link", "url": "https://x.example/" + "x" * 3000})],
        [rich({"type": "unheard_of"})],
        [rich(*[text("x" * 2900, "text")] * 5)],
        [{"type": "unheard_of"}],
        [{"type": "divider", "surplus": 1}],
        {"type": "divider"},
    ],
)  # fmt: skip
def test_blocks_beyond_a_limit_or_of_another_structure_are_refused(blocks: Any) -> None:
    """Each one of Slack's documented limits."""
    assert problems(blocks) != []
    with pytest.raises(Refused, match=r"invalid_blocks|msg_blocks_too_long"):
        Workspace().call("chat.postMessage", BOT_TOKEN, {"channel": "parity", "text": "x", "blocks": blocks})


@pytest.mark.parametrize(
    "message",
    [
        {"text": "<!channel> look"},
        {"text": "<@U012AB3CD>"},
        {"text": "x", "blocks": [{"type": "section", "text": {**text("<!here>", "mrkdwn"), "verbatim": True}}]},
        {"text": "x", "blocks": [{"type": "section", "text": text("#general", "mrkdwn")}]},
        {"text": "x", "blocks": [rich({"type": "broadcast", "range": "here"})]},
        {"text": "x", "blocks": [{"type": "header", "text": text("emoji are on by default")}]},
    ],
)
def test_what_would_ping_is_seen(message: dict[str, Any]) -> None:
    """In the fallback text, in parsed text, and as elements of rich text."""
    assert pings(message) != []


@pytest.mark.parametrize(
    "given, token, error",
    [
        ({"channel": "nowhere", "text": "x"}, BOT_TOKEN, "channel_not_found"),
        ({"channel": "old", "text": "x"}, BOT_TOKEN, "is_archived"),
        ({"channel": "strangers", "text": "x"}, BOT_TOKEN, "not_in_channel"),
        ({"channel": "parity"}, BOT_TOKEN, "no_text"),
        ({"channel": "parity", "text": "x" * 40_001}, BOT_TOKEN, "msg_too_long"),
        ({"channel": "parity", "text": "x", "metadata": {"event_type": 1}}, BOT_TOKEN, "invalid_metadata_format"),
        ({"channel": "parity", "text": "x"}, "xoxb-other", "invalid_auth"),
        ({"channel": "parity", "text": "x"}, None, "not_authed"),
        ({"channel": "parity", "text": "x"}, APP_TOKEN, "not_allowed_token_type"),
    ],
)
def test_calls_are_refused_in_slacks_words(given: dict[str, Any], token: str | None, error: str) -> None:
    """Channels, tokens and arguments."""
    with pytest.raises(Refused) as refused:
        Workspace().call("chat.postMessage", token, given)
    assert refused.value.body["error"] == error


def test_a_channel_takes_a_burst_and_then_one_message_a_second() -> None:
    """With Slack's answer: how long to wait."""
    now = [0.0]
    workspace = Workspace(pace=Pace(1.0, 2, clock=lambda: now[0]))
    given = {"channel": "parity", "text": "x"}
    for _ in range(2):
        workspace.call("chat.postMessage", BOT_TOKEN, given)
    with pytest.raises(Refused) as refused:
        workspace.call("chat.postMessage", BOT_TOKEN, given)
    assert refused.value.body == {"ok": False, "error": "ratelimited", "retry_after": 1}
    workspace.call("chat.postMessage", BOT_TOKEN, {**given, "channel": "other"})
    now[0] += 1
    workspace.call("chat.postMessage", BOT_TOKEN, given)


def test_it_runs_by_itself_until_it_is_stopped() -> None:
    """It says where it listens, as JSON, and ends with success on SIGTERM."""
    command = [sys.executable, "-m", "tests.standins.slack", "--port", "0"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            known = json.loads(process.stdout.readline())
            client = WebClient(known["token"], base_url=known["api_url"])
            assert client.chat_postMessage(channel="#parity", text="hello")["channel"] == "C0PARITY001"
            process.send_signal(signal.SIGTERM)
            assert process.wait(60) == 0
        finally:
            process.kill()
