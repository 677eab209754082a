"""A service with a store, an outbox and both ways in for clicks, beside a stand-in for Slack."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

import httpx
from fastapi import FastAPI

from auditor.deliver import Outbox
from auditor.life import live
from auditor.model import Breach
from auditor.notify import teller_of
from auditor.publish.slack.api import web_client
from auditor.publish.slack.entries import Look
from auditor.publish.slack.publisher import SlackPublisher
from auditor.publish.slack.signature import Signatures
from auditor.settings import PublishSettings
from auditor.store import Store
from auditor.web.server import Server
from auditor.web.slack import PATH, clicks_of, slack_router
from tests.standins.slack import SIGNING_SECRET, Answer, SlackStandIn
from tests.standins.slack_workspace import APP_TOKEN, BOT_TOKEN
from tests.store.samples import audit, snapshot


class Service:
    """`now` is its clock; the test sets it. Slack's is the real one. `database` is a file with our tables."""

    def __init__(self, database: Path, sender: httpx.Client, **slack: Any) -> None:
        self.now = datetime.now(UTC)
        self.slack = SlackStandIn()
        self._sender = sender
        given = {
            "token": BOT_TOKEN,
            "channel": "#parity",
            "api_url": self.slack.api_url,
            "app_token": APP_TOKEN,
            "signing_secret": SIGNING_SECRET,
            **slack,
        }
        self.settings = PublishSettings.model_validate({"slack": given})
        self._url = f"sqlite:///{database}"
        self._number = 0

    def __enter__(self) -> Self:
        self._stack = ExitStack()
        self._stack.enter_context(self.slack)
        self.store = self._stack.enter_context(Store.open(self._url))
        settings, teller = self.settings.slack, teller_of(self.settings)
        assert settings is not None
        assert teller is not None
        self.teller = teller
        look = Look("https://parity.example.com", buttons=True)
        web = web_client(BOT_TOKEN, self.slack.api_url, timedelta(minutes=1))
        publisher = SlackPublisher(web, look, pace=timedelta(0))
        self.outbox = self._stack.enter_context(Outbox(self.store, [publisher], lambda: self.now))
        self.clicks = clicks_of(
            self.store, lambda: self.teller, lambda: settings, lambda: look, lambda: self.now, self._sender
        )
        self._stack.callback(self.clicks.close)
        app = FastAPI()
        app.include_router(slack_router(Signatures(SIGNING_SECRET, lambda: self.now), self.clicks))
        server = Server(app, "127.0.0.1", 0)
        server.start()
        self._stack.callback(server.stop)
        self.url = f"{server.address}{PATH}"
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def audit(self, *breaches: Breach, after: timedelta = timedelta(minutes=1)) -> None:
        """One audit of staging and prod as the pipeline does it, and everything that it tells delivered."""
        self._number += 1
        self.now += after if self._number > 1 else timedelta(0)
        name = f"a{self._number}"
        for environment in ("staging", "prod"):
            self.store.save_snapshot(snapshot(f"{environment}-{name}", environment, self.now))
        previous = self.store.previous("staging", "prod")
        life = live(previous, breaches, lambda _: True, self.now, name)
        made = audit(name, life, self.now)
        topics = self.store.topics("staging", "prod")
        telling = self.teller.tell_audit(made, life, previous, made.gaps, topics, self.now)
        self.store.record_audit(made, (f"staging-{name}", f"prod-{name}"), life, telling)
        self.deliver()

    def deliver(self) -> None:
        """Deliver everything, also what was dated by Slack's clock, which is a little ahead."""
        self.now += timedelta(seconds=30)
        self.outbox.run_once(self.now)

    def first(self) -> Answer:
        """The first message in the channel."""
        return self.slack.workspace.messages()[0]

    def told(self, number: int = 1) -> Sequence[str]:
        """What was told to whoever clicked, once that are so many answers."""
        responses = self.slack.workspace.responses
        self.slack.workspace.wait_until(lambda: len(responses) >= number)
        assert all(body["response_type"] == "ephemeral" and not body["replace_original"] for _, body in responses)
        return [body["text"] for _, body in responses]
