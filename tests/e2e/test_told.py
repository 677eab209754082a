"""From a drift to Slack, a webhook and the metrics, and from a click back to all of them: the whole service as it is run."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from auditor.publish.slack.controls import Action
from auditor.web.slack import PATH
from tests.daemon.served import FINDING, Served, company
from tests.daemon.waiting import eventually
from tests.receiver import receiving
from tests.standins.slack import SIGNING_SECRET, SlackStandIn
from tests.standins.slack_workspace import APP_TOKEN, BOT_TOKEN

CONFIG = """\
environments:
  staging: {{sources: [{{collector: files, path: staging}}]}}
  prod: {{sources: [{{collector: files, path: prod}}]}}
pairs:
  - {{left: staging, right: prod, schedule: every 1s}}
serve: {{port: 0, drain: 10s, url: "https://parity.example.com"}}
publish:
  slack:
    token: ${{SLACK_BOT_TOKEN}}
    {clicks}
    channel: "#parity"
    min_severity: info
    api_url: {slack}
  webhook: {{url: "{webhook}"}}
"""
SIGNED = "signing_secret: ${SLACK_SIGNING_SECRET}"
SOCKET = "app_token: ${SLACK_APP_TOKEN}"
WAIVED = {**FINDING, "status": "waived"}
ACKNOWLEDGED = {**FINDING, "status": "acknowledged"}


@pytest.fixture
def slack() -> Iterator[SlackStandIn]:
    with SlackStandIn() as stand_in:
        yield stand_in


def parents(slack: SlackStandIn) -> list[dict[str, Any]]:
    return [message for message in slack.workspace.messages() if "thread_ts" not in message]


def test_a_drift_is_told_once_snoozed_by_a_click_and_told_again_when_it_is_gone(
    slack: SlackStandIn, tmp_path: Path
) -> None:
    """Slack, webhook, metrics and the store agree at every step; what is forged changes nothing."""
    with receiving() as webhook:
        company(tmp_path, CONFIG.format(slack=slack.api_url, webhook=webhook.url, clicks=SIGNED))
        served = Served(tmp_path, {"SLACK_BOT_TOKEN": BOT_TOKEN, "SLACK_SIGNING_SECRET": SIGNING_SECRET})
        try:
            slack.workspace.wait_until(lambda: bool(parents(slack)), 30)
            (message,) = parents(slack)
            assert "LOG_LEVEL" in json.dumps(message["blocks"])
            assert "https://parity.example.com/findings/" in json.dumps(message["blocks"])
            served.becomes("parity_findings", 1, **FINDING)

            payload = slack.payload(message, Action.SNOOZE, option="7 days")
            address = served.address + PATH
            assert slack.click(address, payload, secret="somebody else's") == 401
            assert served.metric("parity_findings", **WAIVED) in (None, 0)
            assert slack.click(address, payload) == 200
            served.becomes("parity_findings", 1, **WAIVED)
            served.becomes("parity_waivers", 1, state="active")
            slack.workspace.wait_until(lambda: "edited" in parents(slack)[0], 30)
            slack.workspace.wait_until(lambda: "waived" in json.dumps(slack.workspace.thread(message["ts"])), 30)

            (tmp_path / "staging" / "app.env").write_text("LOG_LEVEL=info\n")
            eventually(lambda: served.metric("parity_findings", **WAIVED) in (None, 0))
            slack.workspace.wait_until(lambda: "resolved" in json.dumps(slack.workspace.thread(message["ts"])), 30)
            told = eventually(lambda: len(webhook.received) >= 3 and webhook.received)
            happened = [
                change["happening"] for request in told for change in json.loads(request.body)["data"]["changes"]
            ]
            assert happened == ["new", "waived", "resolved"]
            assert len(parents(slack)) == 1
            assert slack.workspace.problems == []
            assert served.stop() == 0
            assert served.noise == []
            assert [line for line in served.lines if line["level"] in ("error", "critical")] == []
            assert BOT_TOKEN not in json.dumps(served.lines)
        finally:
            served.close()


def test_clicks_come_over_socket_mode_where_nothing_can_reach_the_service(slack: SlackStandIn, tmp_path: Path) -> None:
    """An acknowledgement silences the finding; after a restart the next click still arrives, and ends nothing twice."""
    with receiving() as webhook:
        company(tmp_path, CONFIG.format(slack=slack.api_url, webhook=webhook.url, clicks=SOCKET))
        variables = {"SLACK_BOT_TOKEN": BOT_TOKEN, "SLACK_APP_TOKEN": APP_TOKEN}
        first = Served(tmp_path, variables)
        try:
            slack.workspace.wait_until(lambda: bool(parents(slack)), 30)
            payload = slack.payload(parents(slack)[0], Action.ACKNOWLEDGE)
            assert slack.socket.wait_for_connections(1, 30)
            assert slack.press(payload)
            first.becomes("parity_findings", 1, **ACKNOWLEDGED)
            assert first.get(PATH).status_code in (404, 405)
            slack.workspace.wait_until(lambda: "edited" in parents(slack)[0], 30)
            assert first.stop() == 0
        finally:
            first.close()
        second = Served(tmp_path, variables)
        try:
            assert slack.socket.wait_for_connections(1, 30)
            assert slack.press(payload)
            explain = slack.payload(parents(slack)[0], Action.EXPLAIN)
            assert slack.press(explain)
            slack.workspace.wait_until(lambda: "policies/default.yaml" in json.dumps(slack.workspace.responses), 30)
            second.becomes("parity_findings", 1, **ACKNOWLEDGED)
            happened = [
                change["happening"]
                for request in webhook.received
                for change in json.loads(request.body)["data"]["changes"]
            ]
            assert happened == ["new", "acknowledged"]
            assert slack.workspace.problems == []
            assert second.stop() == 0
        finally:
            second.close()
