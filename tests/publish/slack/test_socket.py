"""Clicks over Socket Mode: acknowledged in time, over one connection at a time, which comes back and ends cleanly."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from auditor.errors import AuditorError
from auditor.life import StoredFinding
from auditor.publish.posting import client
from auditor.publish.slack.clicks import Clicks
from auditor.publish.slack.controls import Action
from auditor.publish.slack.entries import Look
from auditor.publish.slack.parent import parent
from auditor.publish.slack.socket import SocketListener
from auditor.waivers import Waiver
from tests.publish.slack.stories import LOOK, conversation, found, news
from tests.standins.slack import Answer, Fault, SlackStandIn
from tests.standins.slack_workspace import APP_TOKEN, BOT_TOKEN

PAUSE = timedelta(milliseconds=20)


class Store:
    """One finding, and what was done about it. `gate` holds an act up until it is set."""

    def __init__(self) -> None:
        self.acknowledged: list[tuple[tuple[str, ...], str]] = []
        self.gate = threading.Event()
        self.gate.set()
        self.error: Exception | None = None

    def aimed(self, topic: str | None, fingerprints: Sequence[str]) -> Sequence[StoredFinding]:
        return [found()]

    def acknowledge(self, fingerprints: Sequence[str], actor: str, now: datetime) -> Sequence[StoredFinding]:
        assert self.gate.wait(60)
        if self.error:
            raise self.error
        self.acknowledged.append((tuple(fingerprints), actor))
        return [found()]

    def waive(
        self, fingerprints: Sequence[str], owner: str, reason: str, now: datetime, lasts: timedelta, origin: str
    ) -> Waiver:
        raise AuditorError("not in this test")


@pytest.fixture
def slack() -> Iterator[SlackStandIn]:
    with SlackStandIn() as stand_in:
        yield stand_in


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture(scope="module")
def sender() -> Iterator[httpx.Client]:
    with client() as made:
        yield made


@pytest.fixture
def clicks(slack: SlackStandIn, store: Store, sender: httpx.Client) -> Iterator[Clicks]:
    made = Clicks(store, lambda: (), lambda: Look(), lambda: datetime.now(UTC), sender, slack.api_url)
    yield made
    made.close()


@pytest.fixture
def listener(slack: SlackStandIn, clicks: Clicks) -> Iterator[SocketListener]:
    made = SocketListener(APP_TOKEN, slack.api_url, clicks, pause=PAUSE, look_every=PAUSE)
    made.start()
    assert slack.socket.wait_for_connections(1)
    yield made
    made.close()


def click(slack: SlackStandIn) -> Answer:
    """A click on Acknowledge of a message just posted."""
    message = parent(conversation("x", [found()]), news(findings=[found()]), LOOK)
    given = {"channel": "#parity", "text": message.text, "blocks": list(message.blocks)}
    slack.workspace.call("chat.postMessage", BOT_TOKEN, given)
    return slack.payload(slack.workspace.messages()[-1], Action.ACKNOWLEDGE)


def threads() -> set[threading.Thread]:
    return set(threading.enumerate())


def test_a_click_is_acknowledged_while_what_it_asks_for_still_takes_its_time(
    slack: SlackStandIn, store: Store, listener: SocketListener
) -> None:
    """Slack waits three seconds; the store may take longer. The outcome is told afterwards."""
    store.gate.clear()
    assert slack.press(click(slack), seconds=30)
    assert store.acknowledged == []
    store.gate.set()
    slack.workspace.wait_until(lambda: bool(slack.workspace.responses))
    assert store.acknowledged == [((found().fingerprint,), "slack:@ana (U0ANA00001)")]


def test_the_same_click_twice_is_done_once_and_acknowledged_twice(
    slack: SlackStandIn, store: Store, listener: SocketListener, clicks: Clicks
) -> None:
    """Slack sends again what it believes was not heard."""
    payload = click(slack)
    assert slack.press(payload)
    assert slack.press(payload)
    clicks.close()
    assert len(store.acknowledged) == 1


def test_a_connection_that_slack_wants_renewed_is_renewed(
    slack: SlackStandIn, store: Store, listener: SocketListener
) -> None:
    """As it does every few hours; clicks go on."""
    slack.socket.refresh()
    assert slack.socket.wait_for(lambda: slack.socket.served == 2 and slack.socket.connections() == 1)
    assert slack.press(click(slack))


def test_a_connection_that_breaks_comes_back(slack: SlackStandIn, listener: SocketListener) -> None:
    """Also where Slack does not answer at first: it is tried again after a pause."""
    slack.fail_next(
        *(Fault("status", "apps.connections.open"), Fault("ratelimited", "apps.connections.open", retry_after=0))
    )
    slack.socket.cut()
    assert slack.socket.wait_for(lambda: slack.socket.served == 2 and slack.socket.connections() == 1)
    assert slack.press(click(slack))


def test_closing_ends_the_connection_and_every_thread(slack: SlackStandIn, clicks: Clicks) -> None:
    """None is left that would keep the process alive, or wake up in the next test."""
    before = threads()
    made = SocketListener(APP_TOKEN, slack.api_url, clicks, pause=PAUSE)
    made.start()
    assert slack.socket.wait_for_connections(1)
    assert slack.press(click(slack))
    assert made.connected()
    clicks.close()
    made.close()
    assert slack.socket.wait_for_connections(0)
    assert {
        thread.name
        for thread in threads() - before
        if "slack-stand-in" not in thread.name and "serve" not in thread.name.lower()
    } == set()


def test_closing_does_not_wait_for_a_slack_that_asks_to_slow_down(slack: SlackStandIn, clicks: Clicks) -> None:
    """Nor for one that refuses the token; what is wrong is logged with a remedy, the token is not."""
    slack.fail_next(Fault("ratelimited", "apps.connections.open", retry_after=3000))
    made = SocketListener(APP_TOKEN, slack.api_url, clicks, pause=PAUSE)
    made.start()
    slack.workspace.wait_until(lambda: True)
    made.close()
    assert slack.socket.connections() == 0


def test_a_token_that_slack_refuses_is_said_with_a_remedy(
    slack: SlackStandIn, clicks: Clicks, caplog: pytest.LogCaptureFixture
) -> None:
    """And tried again, for it may be put right over there."""
    caplog.set_level(logging.DEBUG)
    said = Said("could not open a connection for clicks: invalid_auth")
    logging.getLogger("auditor.publish.slack.socket").addHandler(said)
    made = SocketListener("xapp-wrong-4711", slack.api_url, clicks, pause=PAUSE)
    made.start()
    try:
        assert said.heard.wait(60)
    finally:
        made.close()
        logging.getLogger("auditor.publish.slack.socket").removeHandler(said)
    assert "4711" not in caplog.text


def test_an_error_of_ours_while_a_click_is_done_is_logged_and_the_next_one_works(
    slack: SlackStandIn, store: Store, listener: SocketListener, caplog: pytest.LogCaptureFixture
) -> None:
    """It must not be lost in a thread that nobody looks at."""
    store.error = RuntimeError("a mistake")
    said = Said("A click in Slack could not be handled.")
    logging.getLogger("auditor.publish.slack.clicks").addHandler(said)
    try:
        assert slack.press(click(slack))
        assert said.heard.wait(60)
    finally:
        logging.getLogger("auditor.publish.slack.clicks").removeHandler(said)
    store.error = None
    assert slack.press(click(slack))
    slack.workspace.wait_until(lambda: bool(slack.workspace.responses))


def test_a_click_that_comes_after_the_close_is_not_acknowledged(
    slack: SlackStandIn, store: Store, listener: SocketListener, clicks: Clicks
) -> None:
    """Slack then shows the person that it did not work, instead of nothing."""
    clicks.close()
    assert slack.press(click(slack), seconds=0.3) is False
    assert store.acknowledged == []


class Said(logging.Handler):
    """Waits for a log line."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self._text = text
        self.heard = threading.Event()

    def emit(self, record: logging.LogRecord) -> None:
        if self._text in record.getMessage():
            self.heard.set()
