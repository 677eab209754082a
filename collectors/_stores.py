"""What the collectors of flags and configuration stores share: their options, how they are asked, and documents in values."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Self
from urllib.parse import urlsplit

from pydantic import ConfigDict, Field, SecretStr, model_validator

from auditor.collector import Context, Options
from auditor.model import Json
from collectors._web import Site, trust
from collectors.files import dotenv, structured, yaml
from collectors.files.text import Malformed

_ATTEMPTS = 3
_SENDABLE = re.compile(r"[\x21-\x7e]+")
# `spring.datasource.url: ...` or `pool:`, as the first line of a YAML document that is no mere sentence.
_YAML_LINE = re.compile(r"(?:---\s*|[\"']?[\w./-]+[\"']?:(?:\s+\S.*)?)")


class StoreOptions(Options):
    """Where a store answers, and how it is asked."""

    model_config = ConfigDict(hide_input_in_errors=True)

    url: SecretStr = Field(description="http:// or https:// address, without the path of its API")
    token: SecretStr | None = Field(default=None, description="Token that may read, usually `${VARIABLE}`")
    ca_file: Path | None = Field(default=None, description="PEM file of the authority that signed the certificate")
    timeout: float = Field(default=30.0, gt=0, le=120, description="Seconds for one whole answer")
    max_bytes: int = Field(default=67_108_864, ge=1, le=268_435_456, description="Largest answer that is read")

    @model_validator(mode="after")
    def _can_be_asked(self) -> Self:
        if not re.match(r"https?://[^/\s]", self.url.get_secret_value(), re.IGNORECASE):
            raise ValueError("url must begin with http:// or https:// and a host")
        if self.token is not None and not _SENDABLE.fullmatch(self.token.get_secret_value()):
            raise ValueError("token is empty, or holds a blank or a character that no header may hold")
        return self

    @property
    def place(self) -> str:
        """The address without user, password, query and fragment, for labels and locations."""
        parts = urlsplit(self.url.get_secret_value())
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path.rstrip('/')}"

    def site(self, api: str, context: Context, headers: Mapping[str, str | None], base: str | None = None) -> Site:
        """How the store is asked; headers without a value are not sent. Raises CollectError for an unusable ca_file."""
        return Site(
            api=api,
            base=base if base is not None else self.url.get_secret_value().rstrip("/"),
            headers={name: value for name, value in headers.items() if value is not None},
            timeout=self.timeout,
            max_bytes=self.max_bytes,
            trust=trust(self.ca_file, context),
            attempts=_ATTEMPTS,
        )

    @property
    def secret_token(self) -> str | None:
        return self.token.get_secret_value() if self.token is not None else None


def keyed_digest(context: Context, plain: str) -> str:
    """What stands for a content that is only to be told apart from others.

    Spelled as a digest, so that nothing takes it for a password: it is one, of what the installation's key alone can make."""
    return f"sha256-{hashlib.sha256(context.fingerprint(plain).encode()).hexdigest()}"


def document(name: str, text: str) -> Json:
    """What a value holds: a document where its name says so, or where it is a YAML map of several lines; else the text.

    JSON needs nothing here: it is looked into wherever it stands."""
    try:
        found = _parsed(PurePosixPath(name), text)
    except Malformed:  # not what its name says: a text like any other
        return text
    return found if isinstance(found, dict | list) and found else text


def _parsed(name: PurePosixPath, text: str) -> Json:
    match name.suffix.lower():
        case ".json":
            return structured.json_document(text)
        case ".toml":
            return structured.toml_document(text)
        case ".properties":
            return structured.properties_document(text)
        case ".ini" | ".cfg":
            return structured.ini_document(text)
        case ".env":
            return dotenv.parse(text)
        case ".yaml" | ".yml":
            return _yaml(text)
    return _yaml(text) if _looks_yaml(text) else text


def _yaml(text: str) -> Json:
    found = yaml.documents(text)
    return found[0].value if len(found) == 1 else text


def _looks_yaml(text: str) -> bool:
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    return len(lines) > 1 and _YAML_LINE.fullmatch(lines[0].rstrip()) is not None
