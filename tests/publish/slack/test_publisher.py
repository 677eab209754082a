"""Notices reach Slack once each, whatever breaks on the way, and an error says what to do about it."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from auditor.codec import encode
from auditor.errors import PublishError
from auditor.model import Json, Severity
from auditor.notices import Conversation, Delivery, Happening, Notice, NoticeKind, Queued
from auditor.publish.slack.api import web_client
from auditor.publish.slack.publisher import SlackPublisher
from tests.publish.slack.stories import LOOK, conversation, found, group, news, resolved, whole_digest
from tests.standins.slack import Fault, SlackStandIn
from tests.standins.slack_workspace import BOT_TOKEN, Pace, Workspace

NOW = datetime.now(UTC)
FIRST = {"channel": "C0PARITY001", "ts": ""}


@pytest.fixture
def slack() -> Iterator[SlackStandIn]:
    with SlackStandIn() as stand_in:
        yield stand_in


class Waits:
    """A clock that goes on by what is waited for, and notes it."""

    def __init__(self) -> None:
        self.now = 100.0
        self.waited: list[float] = []

    def elapsed(self) -> float:
        return self.now

    def pause(self, seconds: float) -> None:
        self.waited.append(round(seconds, 3))
        self.now += seconds


def publisher(
    slack: SlackStandIn, *, token: str = BOT_TOKEN, waits: Waits | None = None, timeout: int = 5
) -> SlackPublisher:
    passed = waits or Waits()
    client = web_client(token, slack.api_url, timedelta(seconds=timeout))
    return SlackPublisher(client, LOOK, elapsed=passed.elapsed, pause=passed.pause)


def queued(
    kind: NoticeKind = NoticeKind.OPEN,
    body: object = None,
    *,
    notice_id: str = "n1",
    channel: str = "#parity",
    doubt: bool = False,
) -> Queued:
    made = Notice(notice_id, f"slack:{channel}", kind, "t1", NOW, NOW, encode(body or news(findings=[found()])))
    return Queued(
        made, Delivery.PENDING, 1, attempts=1 if doubt else 0, attempted_at=NOW if doubt else None, ended=not doubt
    )


def talk(reference: Json = None) -> Conversation:
    made = conversation("engine_version is behind", group())
    return replace(made, topic=replace(made.topic, reference=reference))


def refused(slack: SlackStandIn, notice: Queued, **given: object) -> PublishError:
    with pytest.raises(PublishError) as caught:
        publisher(slack, **given).deliver(notice, talk(), NOW)  # type: ignore[arg-type]
    return caught.value


def test_a_first_message_is_posted_with_the_id_of_its_notice_and_nothing_unfurls(slack: SlackStandIn) -> None:
    """By channel name; the reference is the channel's id and the message's timestamp."""
    reference = publisher(slack).deliver(queued(), talk(), NOW)
    (message,) = slack.workspace.messages()
    assert reference == {"channel": "C0PARITY001", "ts": message["ts"]}
    assert message["metadata"] == {"event_type": "parity_notice", "event_payload": {"id": "n1"}}
    sent = message["sent"]
    assert (sent["unfurl_links"], sent["unfurl_media"], sent["link_names"], sent["mrkdwn"]) == (False,) * 4
    assert sent["parse"] == "none"
    assert "thread_ts" not in sent
    assert message["text"].startswith("🟡 Medium: engine_version is behind")


def test_a_reply_brings_the_first_message_up_to_date_and_tells_the_rest_in_its_thread(slack: SlackStandIn) -> None:
    """The first message shows the findings as they are now, the thread what changed."""
    sender = publisher(slack)
    first = sender.deliver(queued(), talk(), NOW)
    gone = replace(conversation("engine_version is behind", resolved(group())), gaps=())
    gone = replace(gone, topic=replace(gone.topic, reference=first))
    body = news(Happening.RESOLVED, resolved(group()), reason="gone")
    reference = sender.deliver(queued(NoticeKind.REPLY, body, notice_id="n2"), gone, NOW)
    parent, reply = slack.workspace.messages()
    assert (parent["edited"], parent["text"].partition("\n")[0]) == (1, "✅ Resolved: engine_version is behind")
    assert reply["thread_ts"] == parent["ts"]
    assert reply["broadcast"] is False
    assert reference == {"channel": "C0PARITY001", "ts": reply["ts"]}


@pytest.mark.parametrize(
    "happening, severity, shown",
    [
        (Happening.REGRESSED, Severity.CRITICAL, True),
        (Happening.ESCALATED, Severity.CRITICAL, True),
        (Happening.REGRESSED, Severity.HIGH, False),
        (Happening.NEW, Severity.CRITICAL, False),
    ],
)
def test_only_what_is_critical_and_got_worse_is_shown_in_the_channel_too(
    slack: SlackStandIn, happening: Happening, severity: Severity, shown: bool
) -> None:
    """Somebody who muted the thread still sees that."""
    sender = publisher(slack)
    first = sender.deliver(queued(), talk(), NOW)
    body = news(happening, [found(severity=severity)])
    sender.deliver(queued(NoticeKind.REPLY, body, notice_id="n2"), talk(first), NOW)
    assert slack.workspace.messages()[1]["broadcast"] is shown


@pytest.mark.parametrize(
    "error, alone", [("message_not_found", True), ("edit_window_closed", False), ("cant_update_message", False)]
)
def test_a_reply_is_told_even_where_the_first_message_cannot_be_updated(
    slack: SlackStandIn, error: str, alone: bool
) -> None:
    """In the thread while there is one, else as a message of its own."""
    sender = publisher(slack)
    first = sender.deliver(queued(), talk(), NOW)
    slack.fail_next(Fault("error", "chat.update", error=error))
    sender.deliver(queued(NoticeKind.REPLY, notice_id="n2"), talk(first), NOW)
    reply = slack.workspace.messages()[1]
    assert ("thread_ts" not in reply) is alone
    assert (reply["blocks"][0]["type"] == "header") is alone


def test_a_reply_whose_first_message_was_given_up_stands_alone(slack: SlackStandIn) -> None:
    """The topic has no reference then."""
    publisher(slack).deliver(queued(NoticeKind.REPLY), talk(None), NOW)
    (message,) = slack.workspace.messages()
    assert message["blocks"][0]["text"]["text"] == "🟠 staging against prod: 1 new"


def test_events_and_digests_are_messages_of_their_own(slack: SlackStandIn) -> None:
    """Neither has a topic."""
    sender = publisher(slack)
    sender.deliver(queued(NoticeKind.EVENT), None, NOW)
    sender.deliver(queued(NoticeKind.DIGEST, whole_digest(), notice_id="n2"), None, NOW)
    titles = [message["blocks"][0]["text"]["text"] for message in slack.workspace.messages()]
    assert titles == ["🟠 staging against prod: 1 new", "Parity, 15 Nov to 22 Nov 2026"]


@pytest.mark.parametrize("kind", ["drop_after", "hang_after"])
@pytest.mark.parametrize("channel", ["#parity", "parity", "C0PARITY001", "#secret"])
def test_a_message_that_slack_took_before_the_connection_broke_is_not_posted_again(
    slack: SlackStandIn, kind: str, channel: str
) -> None:
    """The next attempt, of another process, finds it by the name of the channel or by its id."""
    slack.fail_next(Fault(kind))
    error = refused(slack, queued(channel=channel), timeout=1)
    assert (error.permanent, error.doubt) == (False, True)
    reference = publisher(slack).deliver(queued(channel=channel, doubt=True), talk(), NOW)
    name = "secret" if channel == "#secret" else "parity"
    (message,) = slack.workspace.messages(name)
    assert reference == {"channel": "G0SECRET001" if name == "secret" else "C0PARITY001", "ts": message["ts"]}


@pytest.mark.parametrize("kind", ["drop_before", "hang_before", "status"])
def test_a_message_that_slack_did_not_take_is_posted_by_the_next_attempt(slack: SlackStandIn, kind: str) -> None:
    """Nobody could know; so it is looked for, and posted once."""
    slack.fail_next(Fault(kind, status=503))
    assert refused(slack, queued(), timeout=1).doubt
    publisher(slack).deliver(queued(doubt=True), talk(), NOW)
    (message,) = slack.workspace.messages()
    assert "repeat" not in json.dumps(message)


def test_a_reply_that_slack_took_before_the_connection_broke_is_not_posted_again(slack: SlackStandIn) -> None:
    """It is found in its thread, among other replies and over several pages."""
    sender = publisher(slack)
    first = sender.deliver(queued(), talk(), NOW)
    slack.fail_next(Fault("drop_after"))
    with pytest.raises(PublishError) as caught:
        sender.deliver(queued(NoticeKind.REPLY, notice_id="n2"), talk(first), NOW)
    assert caught.value.doubt
    for number in range(250):
        given = {"channel": "#parity", "text": f"chat {number}", "thread_ts": first["ts"]}
        slack.workspace.call("chat.postMessage", BOT_TOKEN, given)
    reference = sender.deliver(queued(NoticeKind.REPLY, notice_id="n2", doubt=True), talk(first), NOW)
    replies = [message for message in slack.workspace.thread(first["ts"]) if "metadata" in message]
    assert [reference["ts"]] == [message["ts"] for message in replies]


def test_where_metadata_is_not_shown_the_message_is_found_by_its_first_block(slack: SlackStandIn) -> None:
    """The id of the notice is in both."""
    reference = publisher(slack).deliver(queued(), talk(), NOW)
    del slack.workspace.channels["C0PARITY001"].messages[0]["metadata"]
    assert publisher(slack).deliver(queued(doubt=True), talk(), NOW) == reference
    assert publisher(slack).deliver(queued(doubt=True, notice_id="n2"), talk(), NOW) != reference


@pytest.mark.parametrize("scopes", [{"chat:write"}, {"chat:write", "channels:read", "groups:read"}])
def test_where_the_history_may_not_be_read_a_repetition_is_marked_as_one(slack: SlackStandIn, scopes: set[str]) -> None:
    """Better told twice, and said so, than never."""
    slack.workspace.scopes = scopes
    slack.fail_next(Fault("drop_after"))
    refused(slack, queued())
    publisher(slack).deliver(queued(doubt=True), talk(), NOW)
    first, second = slack.workspace.messages()
    assert "may be a repeat" not in json.dumps(first)
    assert "may be a repeat" in second["blocks"][-1]["elements"][0]["text"]
    assert slack.workspace.problems == []


def test_while_the_history_cannot_be_read_for_a_moment_nothing_is_posted(slack: SlackStandIn) -> None:
    """And the doubt stays: the next attempt looks again."""
    slack.fail_next(Fault("ratelimited", "conversations.history", retry_after=30))
    error = refused(slack, queued(doubt=True))
    assert (error.permanent, error.doubt, error.retry_after) == (False, True, timedelta(seconds=30))
    assert slack.workspace.messages() == []


def test_a_temporary_failure_after_the_look_up_leaves_the_doubt(slack: SlackStandIn) -> None:
    """What the earlier attempt sent may still be on its way."""
    slack.fail_next(Fault("ratelimited"))
    assert refused(slack, queued(doubt=True)).doubt


def test_a_rate_limit_is_temporary_and_says_how_long(slack: SlackStandIn) -> None:
    """Slack's own Retry-After; the message surely is not there."""
    slack.fail_next(Fault("ratelimited", retry_after=17))
    error = refused(slack, queued())
    assert (error.permanent, error.doubt, error.retry_after) == (False, False, timedelta(seconds=17))


@pytest.mark.parametrize("code", ["internal_error", "fatal_error", "service_unavailable", "request_timeout"])
def test_what_slack_calls_its_own_trouble_is_temporary(slack: SlackStandIn, code: str) -> None:
    """In doubt where Slack says that a part of the work may have been done."""
    slack.fail_next(Fault("error", error=code))
    error = refused(slack, queued())
    assert (error.permanent, error.doubt) == (False, code in ("internal_error", "fatal_error"))


@pytest.mark.parametrize(
    "channel, remedy",
    [
        ("#nowhere", "channel_not_found; check the channel's name"),
        ("#hidden", "channel_not_found; check the channel's name, or invite the bot to it with /invite"),
        ("#old", "is_archived; unarchive the channel"),
        ("#strangers", "not_in_channel; invite the bot to the channel with /invite"),
    ],
)
def test_a_channel_that_cannot_be_posted_to_is_given_up_with_a_remedy(
    slack: SlackStandIn, channel: str, remedy: str
) -> None:
    """Trying again would not help."""
    error = refused(slack, queued(channel=channel))
    assert error.permanent
    assert not error.doubt
    assert str(error).startswith(f"Slack: could not post to {channel}: {remedy}")


@pytest.mark.parametrize("state", ["account_inactive", "token_revoked", "invalid_auth"])
def test_a_token_that_does_not_work_is_given_up_with_a_remedy_and_stays_secret(
    slack: SlackStandIn, state: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither the error nor the log of any level shows it."""
    caplog.set_level(logging.DEBUG)
    token = "xoxb-very-secret-4711"
    if state != "invalid_auth":
        slack.workspace.tokens[token] = state
    error = refused(slack, queued(), token=token)
    assert error.permanent
    assert f": {state}; " in str(error)
    assert "token" in str(error)
    assert token not in f"{error!r} {error.__cause__} {caplog.text}"


def test_what_was_meant_for_a_channel_that_never_was_goes_where_the_mended_configuration_says(
    slack: SlackStandIn,
) -> None:
    """Sent again after a slip in the channel's name; what comes later goes into the thread of where it is now."""
    client = web_client(BOT_TOKEN, slack.api_url, timedelta(minutes=1))
    mended = SlackPublisher(client, LOOK, channels=["#parity"], pace=timedelta(0))
    first = mended.deliver(queued(channel="#partiy"), talk(), NOW)
    (message,) = slack.workspace.messages()
    assert first == {"channel": "C0PARITY001", "ts": message["ts"]}
    body = news(Happening.RESOLVED, resolved(group()), reason="gone")
    later = queued(NoticeKind.REPLY, body, notice_id="n2", channel="#partiy")
    assert mended.deliver(later, talk(first), NOW)["channel"] == "C0PARITY001"
    assert len(slack.workspace.thread(message["ts"])) == 1
    still_wrong = SlackPublisher(client, LOOK, channels=["#partiy"], pace=timedelta(0))
    with pytest.raises(PublishError, match="channel_not_found"):
        still_wrong.deliver(queued(channel="#partiy"), talk(), NOW)


def test_a_missing_scope_is_named(slack: SlackStandIn) -> None:
    """As Slack names it."""
    slack.workspace.scopes = set()
    assert str(refused(slack, queued())).endswith(
        "missing_scope; add the scope chat:write to the app and install it again"
    )


@pytest.mark.parametrize("code", ["invalid_blocks", "msg_too_long", "something_new"])
def test_a_message_that_slack_does_not_take_is_given_up(slack: SlackStandIn, code: str) -> None:
    """It would not take it the next time either."""
    slack.fail_next(Fault("error", error=code))
    assert refused(slack, queued()).permanent


def test_where_nobody_listens_the_error_is_temporary_and_without_doubt() -> None:
    """The request never left this machine."""
    with SlackStandIn() as gone:
        pass
    error = refused(gone, queued())
    assert (error.permanent, error.doubt) == (False, False)
    assert str(error) == "Slack: could not post to #parity: it could not be reached; it is tried again"


def test_messages_to_one_channel_keep_slacks_pace_and_channels_do_not_wait_for_each_other() -> None:
    """One a second; the stand-in refuses the second one within it."""
    waits = Waits()
    with SlackStandIn(Workspace(pace=Pace(1.0, 1, clock=waits.elapsed))) as slack:
        sender = publisher(slack, waits=waits)
        first = sender.deliver(queued(), talk(), NOW)
        sender.deliver(queued(notice_id="n2", channel="#other"), talk(), NOW)
        assert waits.waited == []
        sender.deliver(queued(NoticeKind.REPLY, notice_id="n3"), talk(first), NOW)
        sender.deliver(queued(notice_id="n4", channel="parity"), talk(), NOW)
        waits.now += 5
        sender.deliver(queued(notice_id="n5"), talk(), NOW)
    assert waits.waited == [1.0, 1.0]


def test_an_attempt_ends_in_time_where_every_answer_is_slow(slack: SlackStandIn) -> None:
    """After half a minute nothing more is asked: an attempt of a minute counts as broken off, and another may begin."""
    waits = Waits()
    sender = publisher(slack, waits=waits)
    for number in range(450):
        slack.workspace.call("chat.postMessage", BOT_TOKEN, {"channel": "#parity", "text": f"chat {number}"})
    calls = slack.workspace.calls

    def slow() -> float:
        return waits.now + 14 * sum(method == "conversations.history" for method, _ in calls)

    sender._elapsed = slow
    with pytest.raises(PublishError, match="take too long") as caught:
        sender.deliver(queued(doubt=True, channel="C0PARITY001"), talk(), NOW)
    assert (caught.value.permanent, caught.value.doubt) == (False, True)
    assert len(slack.workspace.messages()) == 450


def test_a_notice_that_cannot_be_read_is_given_up(slack: SlackStandIn) -> None:
    """A damaged row must not hold up the others."""
    broken = replace(queued().notice, body={"left": 1})
    assert refused(slack, replace(queued(), notice=broken)).permanent
