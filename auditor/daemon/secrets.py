"""What a configuration holds that must never be said, beside what already looks like a secret."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from pydantic import BaseModel, SecretStr

if TYPE_CHECKING:
    from auditor.config import Config


def secrets_of(config: Config) -> tuple[str, ...]:
    """Tokens, client and signing secrets, addresses that are a secret in themselves, the store's password; of sources, whatever
    their collectors keep as a secret."""
    options = (source.options for environment in config.environments.values() for source in environment.sources)
    found = [text for model in (config.publish, config.serve.auth, *options) for text in _texts(model)]
    if config.publish.slack is not None:
        # Everybody's, and no secret.
        found = [text for text in found if text != config.publish.slack.api_url.get_secret_value()]
    return tuple(dict.fromkeys((*found, *_password(config.store))))


def _texts(value: object) -> Iterator[str]:
    match value:
        case SecretStr():
            yield value.get_secret_value()
        case BaseModel():
            for name in type(value).model_fields:
                yield from _texts(getattr(value, name))
        case dict():
            for item in value.values():
                yield from _texts(item)
        case list() | tuple():
            for item in value:
                yield from _texts(item)


def _password(url: str) -> Iterator[str]:
    try:
        password = urlsplit(url).password
    except ValueError:
        return
    if password:
        yield password
        yield unquote(password)
