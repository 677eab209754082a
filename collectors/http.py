"""HTTP version endpoints: the version that each service says it runs.

Sends one GET per service, follows redirects on the same host only, and reads a JSON answer at a path, a plain text
answer whole, or a header. The body is never kept or logged: only the fields named here leave it.
"""

from __future__ import annotations

import json
import re
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from auditor.collector import Context, Options, Task
from auditor.errors import CollectError
from auditor.model import Category, Gap, GapReason, Kind, Resource
from collectors._meter import counted

if TYPE_CHECKING:
    import httpx

T = TypeVar("T")

_API = "http"
_MAX_REDIRECTS = 3
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

_STATUS_REASONS = {
    401: GapReason.ACCESS_DENIED,
    403: GapReason.ACCESS_DENIED,
    407: GapReason.ACCESS_DENIED,
    408: GapReason.TIMEOUT,
    429: GapReason.THROTTLED,
    504: GapReason.TIMEOUT,
}


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

    location = _shown(httpx.URL(service.url.get_secret_value()))
    try:
        deadline = min(service.timeout, context.timeout)
        attributes = _within(deadline, lambda close: _ask(service, context, deadline, close))
    except CollectError as error:
        yield Gap(context.environment, source, KIND.name, error.reason, error.detail, resource=name, location=location)
        return
    yield Resource(KIND.name, name, attributes, refs=(location,), component=name, location=location)


def _within(seconds: float, work: Callable[[list[Callable[[], None]]], T]) -> T:
    """`work`'s result, if it comes in time.

    httpx bounds each single read, so a server that drips its headers byte by byte, or a name server that does not
    answer, is never too slow for it. Here the whole is bounded: what is late is closed and left behind.
    """
    close: list[Callable[[], None]] = []
    result: list[T] = []
    failure: list[BaseException] = []

    def run() -> None:
        try:
            result.append(work(close))
        except BaseException as error:  # noqa: BLE001 - it is raised again in the thread that waits
            failure.append(error)

    thread = threading.Thread(target=run, name="http-version", daemon=True)
    thread.start()
    thread.join(seconds)
    if failure:
        raise failure[0]
    if result:
        return result[0]
    for function in close:
        function()
    raise CollectError(GapReason.TIMEOUT, f"no whole answer within {seconds:g} s")


def _ask(service: Service, context: Context, seconds: float, close: list[Callable[[], None]]) -> dict[str, Any]:
    import httpx

    headers = {"accept": "application/json, text/plain;q=0.9, */*;q=0.1", "user-agent": "parity-auditor"}
    headers |= {key: value.get_secret_value() for key, value in service.headers.items()}
    end = time.monotonic() + seconds
    trust = _trust(service.ca_file, context.folder)
    with _classified(seconds), httpx.Client(verify=trust, timeout=seconds, follow_redirects=False) as client:
        close.append(client.close)
        url = httpx.URL(service.url.get_secret_value())
        for _ in range(_MAX_REDIRECTS + 1):
            with (
                counted(context.meter, _API),
                _classified(seconds),
                client.stream("GET", url, headers=headers) as response,
            ):
                if not response.has_redirect_location or response.status_code == service.expected_status:
                    return _version(service, response, _body(service, response, end))
                url = _redirected(url, response)
        raise CollectError(GapReason.UNSUPPORTED, f"more than {_MAX_REDIRECTS} redirects")


@contextmanager
def _classified(seconds: float) -> Iterator[None]:
    """httpx's errors as ours."""
    import httpx

    try:
        yield
    except httpx.TimeoutException as error:
        raise CollectError(GapReason.TIMEOUT, f"no answer within {seconds:g} s") from error
    except httpx.LocalProtocolError as error:
        # Its text quotes what could not be sent, which may be a header with a token.
        raise CollectError(GapReason.UNSUPPORTED, "the request cannot be sent: check url and headers") from error
    except (httpx.RequestError, httpx.InvalidURL) as error:
        reason = GapReason.MALFORMED if isinstance(error, httpx.DecodingError | httpx.InvalidURL) else None
        raise CollectError(reason or GapReason.UNREACHABLE, f"{type(error).__name__}: {error}") from error


def _trust(ca_file: Path | None, folder: Path) -> ssl.SSLContext | bool:
    """Certificates are always verified, against the given authority or those that httpx trusts."""
    if ca_file is None:
        return True
    try:
        return ssl.create_default_context(cafile=str(folder / ca_file))
    except (OSError, ssl.SSLError) as error:
        raise CollectError(GapReason.UNREACHABLE, f"ca_file {ca_file} cannot be used: {error}") from error


def _redirected(url: httpx.URL, response: httpx.Response) -> httpx.URL:
    """Where the answer points to. Never to another host, which would get our headers and answer in another's name."""
    target = url.join(response.headers["location"])
    if target.host != url.host or (url.scheme == "https" and target.scheme != "https"):
        detail = f"redirects to {target.scheme}://{target.host}, which is not followed"
        raise CollectError(GapReason.UNSUPPORTED, detail)
    if target.scheme == url.scheme and target.port != url.port:
        raise CollectError(GapReason.UNSUPPORTED, f"redirects to port {target.port}, which is not followed")
    return target


def _body(service: Service, response: httpx.Response, end: float) -> bytes:
    if response.status_code != service.expected_status:
        status = response.status_code
        reason = _STATUS_REASONS.get(status) or (GapReason.UNREACHABLE if status >= 500 else GapReason.UNSUPPORTED)
        raise CollectError(reason, f"answered {status} where {service.expected_status} was expected")
    if service.header is not None:
        return b""
    body = bytearray()
    for chunk in response.iter_bytes():
        body += chunk
        if len(body) > service.max_bytes:
            raise CollectError(GapReason.TRUNCATED, f"the answer is larger than {service.max_bytes} bytes")
        if time.monotonic() > end:
            raise CollectError(GapReason.TIMEOUT, f"no whole answer within {service.timeout:g} s")
    return bytes(body)


def _version(service: Service, response: httpx.Response, body: bytes) -> dict[str, Any]:
    if service.header is not None:
        version = _line(response.headers.get(service.header))
        if version is None:
            raise CollectError(GapReason.MALFORMED, f"the answer has no header {service.header} with a version")
        return {"version": version}
    kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    text = body.decode(response.charset_encoding or "utf-8", errors="replace").strip("\ufeff \t\r\n")
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return {"version": _plain(service, kind, text)}
    if isinstance(document, dict | list):
        return _fields(service, document)
    return {"version": _plain(service, "text/plain", str(document) if isinstance(document, str) else text)}


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
    """A version is one short line of text, or a number."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    text = str(value).strip()
    return text if text and len(text) <= _MAX_VERSION and text.isprintable() else None


def _shown(url: httpx.URL) -> str:
    """The address without user, password, query and fragment, each of which may hold a secret."""
    return str(url.copy_with(username=None, password=None, query=None, fragment=None))
