"""The far sides that a configuration names, as publishers. Each one's library is loaded where it is named only."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from auditor.config import Config
    from auditor.publish.alertmanager import Alertmanager
    from auditor.publish.slack.entries import Look
    from auditor.publisher import Publisher

_SLACK_TIMEOUT = timedelta(seconds=10)


def publishers_of(config: Config) -> tuple[Publisher, ...]:
    """Whatever `publish` holds, ready to deliver."""
    found: list[Publisher] = []
    if config.publish.slack is not None:
        from auditor.publish.slack.api import web_client
        from auditor.publish.slack.publisher import SlackPublisher

        slack = config.publish.slack
        client = web_client(slack.token.get_secret_value(), slack.api_url.get_secret_value(), _SLACK_TIMEOUT)
        channels = [slack.channel, *(route.channel for route in slack.routes)]
        if slack.digest is not None and slack.digest.channel is not None:
            channels.append(slack.digest.channel)
        found.append(SlackPublisher(client, look_of(config), channels=channels))
    if config.publish.webhook is not None:
        from auditor.publish.webhook import DEFAULT_SOURCE, Webhook

        hook = config.publish.webhook
        secret = hook.secret.get_secret_value() if hook.secret is not None else None
        found.append(Webhook(hook.url.get_secret_value(), secret=secret, source=page_of(config) or DEFAULT_SOURCE))
    alertmanager = alertmanager_of(config)
    return (*found, alertmanager) if alertmanager is not None else tuple(found)


def alertmanager_of(config: Config) -> Alertmanager | None:
    if config.publish.alertmanager is None:
        return None
    from auditor.publish.alertmanager import Alertmanager

    settings = config.publish.alertmanager
    url = settings.url.get_secret_value()
    return Alertmanager(url, min_severity=settings.min_severity, page=page_of(config))


def look_of(config: Config) -> Look:
    """What this installation adds to a message in Slack."""
    from auditor.publish.slack.entries import Look

    slack = config.publish.slack
    buttons = slack is not None and (slack.app_token is not None or slack.signing_secret is not None)
    return Look(url=page_of(config), buttons=buttons)


def page_of(config: Config) -> str | None:
    """The address that people reach the service at, without a slash at its end."""
    url = config.serve.url
    return url.get_secret_value().rstrip("/") if url is not None else None


def published_names(config: Config) -> tuple[str, ...]:
    """The names of the publishers that are configured."""
    return tuple(name for name in type(config.publish).model_fields if getattr(config.publish, name) is not None)
