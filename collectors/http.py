"""HTTP version endpoints: the version that each service says it runs.

Sends one GET per service, follows redirects on the same host only, and reads a JSON answer at a path, a plain text
answer whole, or a header. The body is never kept or logged: only the fields named here leave it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from auditor.collector import Context, Options, Task
from auditor.errors import CollectError
from auditor.model import Category, Gap, GapReason, Kind, Resource
from collectors._web import Reply, Site, shown, trust

_API = "http"
_MAX_VERSION = 200
# Where services commonly say which version they run, most telling first.
_VERSION_PATHS = (
    "version app.version application.version build.version info.version info.app.version service.version data.version "
    "app_version appVersion buildVersion build_version releaseVersion release image.tag imageTag tag git.commit.id.abbrev "
    "git.build.version"
).split()
_COMMIT_PATHS = (
    "git.commit.id.full git.commit.id commit.id commit.sha commit gitCommit git_commit commitSha commit_sha gitSha "
    "git_sha sha revision git.sha git.commit build.commit build.sha"
).split()
_DIGEST_PATHS = "digest image.digest imageDigest image_digest".split()
_DEPLOYED_PATHS = (
    "deploy.time deployTime deploy_time deployedAt deployed_at deployed deployment.time releasedAt released_at".split()
)
_BUILT_PATHS = "build.time buildTime build_time builtAt built_at built buildDate build_date git.build.time".split()

KIND = Kind(
    name="http.version",
    category=Category.DEPLOYMENT,
    about="The version that a service reports at its version endpoint",
    volatile=("built", "deployed"),
)


class Service(BaseModel):
    """One endpoint. In short, its URL alone."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    url: SecretStr = Field(description="http:// or https:// address of the version endpoint")
    json_path: str | None = Field(default=None, description="Dotted path of the version in a JSON answer: app.version")
    header: str | None = Field(default=None, description="Response header that holds the version, instead of the body")
    headers: Mapping[str, SecretStr] = Field(default_factory=dict, description="Request headers, as for authorization")
    timeout: float = Field(default=10.0, gt=0, le=120, description="Seconds for the whole answer, redirects included")
    ca_file: Path | None = Field(default=None, description="PEM file of the authority that signed the certificate")
    expected_status: int = Field(default=200, ge=100, le=599, description="Status of a good answer")
    max_bytes: int = Field(default=1_048_576, ge=1, le=67_108_864, description="Largest answer that is read")

    @field_validator("url")
    @classmethod
    def _is_web_address(cls, url: SecretStr) -> SecretStr:
        if not re.match(r"https?://[^/\s]", url.get_secret_value(), re.IGNORECASE):
            raise ValueError("must begin with http:// or https:// and a host")
        return url

    @field_validator("headers")
    @classmethod
    def _can_be_sent(cls, headers: Mapping[str, SecretStr]) -> Mapping[str, SecretStr]:
        for name, value in headers.items():
            if not re.fullmatch(r"[\x20-\x7e\t]*", value.get_secret_value()):
                raise ValueError(f"the value of {name} holds a line break or a character that no header may hold")
        return headers


class HttpOptions(Options):
    """The options of `collector: http`."""

    model_config = ConfigDict(hide_input_in_errors=True)

    services: Mapping[str, Service] = Field(min_length=1, description="Name of the service -> URL, or its settings")

    @field_validator("services", mode="before")
    @classmethod
    def _urls_are_services(cls, services: Any) -> Any:
        if not isinstance(services, Mapping):
            return services
        return {name: {"url": value} if isinstance(value, str) else value for name, value in services.items()}


class HttpCollector:
    name = "http"
    about = "HTTP version endpoints: the version that each service says it runs"
    kinds = (KIND,)
    options = HttpOptions
    permissions = ("GET on each configured URL",)

    def label(self, options: HttpOptions) -> str:
        return f"http:{','.join(sorted(options.services))}"

    def plan(self, options: HttpOptions, context: Context) -> Iterable[Task]:
        for name, service in options.services.items():
            yield Task(
                source=self.label(options),
                kinds=(KIND.name,),
                run=lambda name=name, service=service: _read(name, service, context, self.label(options)),  # type: ignore[misc]
                label=name,
            )


COLLECTOR = HttpCollector()


def _read(name: str, service: Service, context: Context, source: str) -> Iterator[Resource | Gap]:
    """The resource of one service, or the gap that hides it; the other services are listed all the same."""
    import httpx

    location = shown(httpx.URL(service.url.get_secret_value()))
    try:
        attributes = _ask(service, context)
    except CollectError as error:
        yield Gap(context.environment, source, KIND.name, error.reason, error.detail, resource=name, location=location)
        return
    yield Resource(KIND.name, name, attributes, refs=(location,), component=name, location=location)


def _ask(service: Service, context: Context) -> dict[str, Any]:
    site = Site(
        api=_API,
        headers={
            "accept": "application/json, text/plain;q=0.9, */*;q=0.1",
            **{key: value.get_secret_value() for key, value in service.headers.items()},
        },
        timeout=service.timeout,
        max_bytes=service.max_bytes,
        trust=trust(service.ca_file, context),
        head=service.header is not None,
    )
    return _version(service, site.get(context, service.url.get_secret_value(), accept=(service.expected_status,)))


def _version(service: Service, reply: Reply) -> dict[str, Any]:
    if service.header is not None:
        version = _line(reply.headers.get(service.header.lower()))
        if version is None:
            raise CollectError(GapReason.MALFORMED, f"the answer has no header {service.header} with a version")
        return {"version": version}
    kind = reply.headers.get("content-type", "").partition(";")[0].strip().lower()
    text = reply.text().strip("\ufeff \t\r\n")
    try:
        # As it is spelled: the number 1.10 is another version than 1.1, and NaN is none.
        document = json.loads(text, parse_float=str, parse_int=str, parse_constant=_no_number)
    except (ValueError, RecursionError):
        return {"version": _plain(service, kind, text)}
    if isinstance(document, dict | list):
        return _fields(service, document)
    if document is None or isinstance(document, bool):
        raise CollectError(GapReason.MALFORMED, f"the answer is `{text}`, which is no version")
    return {"version": _plain(service, "text/plain", document)}


def _no_number(name: str) -> None:
    raise ValueError(name)


def _plain(service: Service, kind: str, text: str) -> str:
    version = _line(text)
    if service.json_path is not None or kind.endswith("json"):
        raise CollectError(GapReason.MALFORMED, "the answer is not JSON")
    if version is None or kind == "text/html" or text.startswith("<"):
        raise CollectError(
            GapReason.MALFORMED, f"the answer is neither JSON nor one line of text ({kind or 'no type'})"
        )
    return version


def _fields(service: Service, document: Any) -> dict[str, Any]:
    found = {"commit": _COMMIT_PATHS, "digest": _DIGEST_PATHS, "built": _BUILT_PATHS, "deployed": _DEPLOYED_PATHS}
    attributes = {name: value for name, paths in found.items() if (value := _first(document, paths)) is not None}
    version = _first(document, [service.json_path] if service.json_path else _VERSION_PATHS)
    if version is None and service.json_path:
        raise CollectError(GapReason.MALFORMED, f"the answer holds no version at {service.json_path}")
    version = version or attributes.get("commit")
    if version is None:
        raise CollectError(GapReason.MALFORMED, "the answer holds no version where one is usual: set json_path")
    return {"version": version, **attributes}


def _first(document: Any, paths: Iterable[str]) -> str | None:
    return next((line for path in paths for line in map(_line, _at(document, path.split("."))) if line), None)


def _at(document: Any, steps: list[str]) -> Iterator[Any]:
    """What stands at a dotted path. A key may hold dots itself, as in properties printed as JSON."""
    if not steps:
        yield document
    elif isinstance(document, dict):
        for count in range(1, len(steps) + 1):
            key = ".".join(steps[:count])
            if key in document:
                yield from _at(document[key], steps[count:])
    elif isinstance(document, list) and steps[0].isdigit() and int(steps[0]) < len(document):
        yield from _at(document[int(steps[0])], steps[1:])


def _line(value: Any) -> str | None:
    """A version is one short line of text, or a number as it is spelled."""
    if not isinstance(value, str):
        return None
    text = value.strip()
    return text if text and len(text) <= _MAX_VERSION and text.isprintable() else None
