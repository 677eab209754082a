"""Clicks in Slack, while the service runs: received over Socket Mode or HTTP, whichever the configuration in force names."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from auditor.daemon.publishers import look_of
from auditor.notify import teller_of

if TYPE_CHECKING:
    from datetime import datetime

    from auditor.config import Config
    from auditor.daemon.loaded import Loaded
    from auditor.model import Json
    from auditor.publish.slack.clicks import Clicks
    from auditor.publish.slack.signature import Signatures
    from auditor.publish.slack.socket import SocketListener
    from auditor.settings import SlackSettings
    from auditor.store import Store


class Desk:
    """Where clicks arrive. What decides about one is looked up in `loaded` when it comes, so that reloads hold."""

    def __init__(self, store: Store, *, loaded: Callable[[], Loaded], clock: Callable[[], datetime]) -> None:
        self._store = store
        self._loaded = loaded
        self._clock = clock
        self._changing = threading.Lock()
        self._open: _Open | None = None

    def use(self, config: Config) -> None:
        """Receive what `config` says. What was taken before is done to its end."""
        slack = config.publish.slack
        wanted = slack if slack is not None and (slack.app_token or slack.signing_secret) else None
        with self._changing:
            before, self._open = self._open, None
            if before is not None:
                before.close()
            if wanted is not None:
                self._open = _Open(wanted, self._store, self._loaded, self._clock)

    def accept(self, body: bytes, headers: Mapping[str, str]) -> bool:
        """Whether a request over HTTP is Slack's, by its signature. Nothing is where no secret is configured."""
        opened = self._open
        signatures = opened.signatures if opened is not None else None
        return signatures is not None and signatures.accept(body, headers)

    def take(self, payload: Json) -> bool:
        """Take a click over. False where that is not possible now."""
        opened = self._open
        return opened is not None and opened.clicks.take(payload)

    def close(self) -> None:
        """Receive nothing more, and do what was taken."""
        with self._changing:
            opened, self._open = self._open, None
        if opened is not None:
            opened.close()


class _Open:
    def __init__(
        self, slack: SlackSettings, store: Store, loaded: Callable[[], Loaded], clock: Callable[[], datetime]
    ) -> None:
        from auditor.publish.posting import client
        from auditor.publish.slack.signature import Signatures
        from auditor.publish.slack.socket import SocketListener
        from auditor.web.slack import clicks_of

        self._sender = client()
        self.clicks: Clicks = clicks_of(
            store,
            lambda: teller_of(loaded().config.publish),
            lambda: loaded().config.publish.slack or slack,
            lambda: look_of(loaded().config),
            clock,
            self._sender,
        )
        secret = slack.signing_secret
        self.signatures: Signatures | None = Signatures(secret.get_secret_value(), clock) if secret else None
        self._socket: SocketListener | None = None
        if slack.app_token is not None:
            api_url = slack.api_url.get_secret_value()
            self._socket = SocketListener(slack.app_token.get_secret_value(), api_url, self.clicks)
            self._socket.start()

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
        self.clicks.close()
        self._sender.close()
