"""The shape of `auditor.yaml`: every key, its type and its default. Unknown keys are refused.

`config.py` reads it; what only makes sense across keys (a pair names an environment) is checked there.
"""

from __future__ import annotations

import re
from datetime import time, timedelta
from ipaddress import ip_network
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr
from pydantic_core import PydanticCustomError

from auditor.durations import parse_duration
from auditor.loopback import is_loopback
from auditor.model import Category, Severity
from auditor.schedule import ScheduleError, parse_schedule

_HOUR = re.compile(r"(?:[01][0-9]|2[0-3]):[0-5][0-9]")


def _known_cron(text: str) -> str:
    try:
        parse_schedule(text)
    except ScheduleError as error:
        message = str(error).replace("{", "{{").replace("}", "}}")
        remedy = "write five fields, such as */15 * * * * (every quarter of an hour), or @hourly, or every 10m"
        raise PydanticCustomError("schedule", message, {"remedy": remedy}) from error
    return text


def _known_duration(value: Any) -> Any:
    try:
        return parse_duration(value)
    except ValueError as error:
        raise PydanticCustomError(
            "duration", "expected a duration", {"remedy": "write it such as 30s, 10m or 24h"}
        ) from error


def _known_timezone(text: str) -> str:
    try:
        ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        remedy = "write a name of the time zone database, such as UTC or Europe/Berlin"
        raise PydanticCustomError("timezone", "not a time zone", {"remedy": remedy}) from error
    return text


def _known_hour(value: Any) -> Any:
    """YAML reads `22:00` without quotes as the number 1320: minutes. What is below 60 was not written that way."""
    if isinstance(value, int) and not isinstance(value, bool) and 60 <= value < 24 * 60:
        return time(value // 60, value % 60)
    if isinstance(value, str) and _HOUR.fullmatch(value):
        return time.fromisoformat(value)
    raise PydanticCustomError("hour", "expected a time of the day", {"remedy": 'write it such as "07:30" or "22:00"'})


def _known_store(text: str) -> str:
    scheme = text.partition("://")[0]
    if scheme.partition("+")[0] not in ("sqlite", "postgresql") or "://" not in text:
        remedy = "write sqlite:///auditor.db, or postgresql://user@host/database"
        raise PydanticCustomError("store", "expected the URL of a SQLite or PostgreSQL database", {"remedy": remedy})
    return text


def _known_url(text: SecretStr) -> SecretStr:
    if not text.get_secret_value().startswith(("https://", "http://")):
        remedy = "write it with its scheme, such as https://example.com/hook"
        raise PydanticCustomError("web_url", "expected an http(s) URL", {"remedy": remedy})
    return text


def _filled(text: SecretStr) -> SecretStr:
    if not text.get_secret_value().strip():
        remedy = "set the variable it comes from, or remove the section"
        raise PydanticCustomError("empty", "must not be empty", {"remedy": remedy})
    return text


def _known_issuer(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname or "")):
        return text
    remedy = "write it as the provider does, such as https://login.example.com/realms/acme"
    raise PydanticCustomError("issuer", "expected an https URL", {"remedy": remedy})


def _known_network(text: str) -> str:
    remedy = "write the proxy's own address or network, such as 10.1.2.3/32"
    try:
        network = ip_network(text)
    except ValueError as error:
        raise PydanticCustomError("network", "not a network", {"remedy": remedy}) from error
    if not network.prefixlen:
        raise PydanticCustomError("network", "everybody would be believed", {"remedy": remedy})
    return text


Duration = Annotated[timedelta, BeforeValidator(_known_duration, json_schema_input_type=str | float)]
Hour = Annotated[time, BeforeValidator(_known_hour, json_schema_input_type=str)]
When = Annotated[str, AfterValidator(_known_cron)]
TimeZone = Annotated[str, AfterValidator(_known_timezone)]
Secret = Annotated[SecretStr, AfterValidator(_filled)]
WebUrl = Annotated[SecretStr, AfterValidator(_known_url)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=64)]
Text = Annotated[str, Field(min_length=1)]
Header = Annotated[str, Field(pattern=r"^[A-Za-z0-9-]+$", max_length=64)]


class _Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SourceSettings(BaseModel):
    """One place to read. Every key besides these two belongs to the collector, which validates it itself."""

    model_config = ConfigDict(extra="allow", frozen=True)
    collector: Text = Field(description="Which collector reads it: see `audit collectors`.")
    aliases: tuple[Name, ...] = Field((), description="More names that mean this environment, in this source only.")


class EnvironmentSettings(_Settings):
    aliases: tuple[Name, ...] = Field(
        (), description="Words in names that mean this environment, besides its own name."
    )
    promotes_to: str | None = Field(None, description="The next environment of the promotion chain.")
    schedule: When | None = Field(
        None, description="When to observe it beyond what its pairs ask for: cron's five fields, or `every 10m`."
    )
    sources: tuple[SourceSettings, ...] = Field(min_length=1, description="The places to read.")


class PairSettings(_Settings):
    left: str = Field(description="The environment that should mirror the other one.")
    right: str = Field(description="The environment that is mirrored, usually production.")
    policies: tuple[Text, ...] = Field(("default",), min_length=1, description="Policy packs, later ones override.")
    schedule: When | None = Field(None, description="When to audit it: cron's five fields, or `every 10m`.")


class CounterpartSettings(_Settings):
    kind: Text = Field(description="Their kind, such as aws.rds.instance.")
    left: Text = Field(description="Identity of a resource in the left environment.")
    right: Text = Field(description="Identity of its counterpart in the right environment.")


class EquivalentSettings(_Settings):
    """An engine that local development runs in a container and an environment gets from a service."""

    engine: Text = Field(description="The engine's name, such as postgres.")
    images: tuple[Text, ...] = Field((), description="Last parts of the repositories of images that run it.")
    called: tuple[Text, ...] = Field((), description="What managed services call it, in small letters.")


class RouteSettings(_Settings):
    """Where what fits all of its conditions is told. The first route that fits decides."""

    channel: Text = Field(description="Channel name or id.")
    severities: tuple[Severity, ...] = Field((), description="Only findings of these severities.")
    categories: tuple[Category, ...] = Field((), description="Only findings of these categories.")
    environments: tuple[Text, ...] = Field((), description="Only pairs that one of these environments belongs to.")
    owners: tuple[Text, ...] = Field((), description="Only resources whose owner tag is one of these.")


class QuietHoursSettings(_Settings):
    """Hours in which what is less than urgent waits. `start` after `end` runs over midnight."""

    start: Hour = Field(description="When they begin, such as 22:00.")
    end: Hour = Field(description="When they end, such as 07:00.")
    timezone: TimeZone = Field("UTC", description="The zone of both.")
    unless: Severity = Field(Severity.CRITICAL, description="Told at once nevertheless from this severity on.")


class DigestSettings(_Settings):
    schedule: When = Field("0 8 * * mon", description="When to post it: cron's five fields, or @daily, @weekly.")
    timezone: TimeZone = Field("UTC", description="The zone of the schedule.")
    channel: Text | None = Field(None, description="Another channel for it.")


class SlackSettings(_Settings):
    token: Secret = Field(description="A bot token that may post messages.")
    channel: Text = Field(description="Channel name or id, for whatever no route takes.")
    min_severity: Severity = Field(Severity.MEDIUM, description="Post findings of this severity and above.")
    routes: tuple[RouteSettings, ...] = Field((), description="Other channels for a part of the findings.")
    quiet_hours: QuietHoursSettings | None = Field(None, description="When to hold back what is not urgent.")
    digest: DigestSettings | None = Field(None, description="A regular summary.")
    app_token: Secret | None = Field(
        None, description="An app token: buttons work over Socket Mode, without a public URL."
    )
    signing_secret: Secret | None = Field(
        None, description="Buttons work over POST /slack/interactions of this service."
    )
    actors: tuple[Text, ...] = Field(
        (), description="Ids of the users who may press buttons; everybody in the channel otherwise."
    )
    api_url: WebUrl = Field(
        SecretStr("https://slack.com/api/"), description="Another address of the API, for a stand-in."
    )


class WebhookSettings(_Settings):
    url: WebUrl = Field(description="Where changes are posted as CloudEvents.")
    secret: Secret | None = Field(None, description="Signs every request with HMAC-SHA-256.")
    min_severity: Severity = Field(Severity.INFO, description="Tell of findings of this severity and above.")


class AlertmanagerSettings(_Settings):
    url: WebUrl = Field(description="Address of an Alertmanager, without /api.")
    min_severity: Severity = Field(Severity.HIGH, description="Alert on findings of this severity and above.")


class PublishSettings(_Settings):
    slack: SlackSettings | None = None
    webhook: WebhookSettings | None = None
    alertmanager: AlertmanagerSettings | None = None


class GrantSettings(_Settings):
    """Which groups may do what. Each includes the ones before it; `*` means everybody who signed in."""

    read: tuple[Text, ...] = Field((), description="Groups that may see everything.")
    act: tuple[Text, ...] = Field((), description="Groups that may also acknowledge, waive and ask for audits.")
    admin: tuple[Text, ...] = Field((), description="Groups that may also give and take back access.")


class OidcSettings(GrantSettings):
    """Login at a provider of OpenID Connect. It sends people back to `/login/oidc/callback` below `serve.url`."""

    issuer: Annotated[str, AfterValidator(_known_issuer)] = Field(
        description="The provider: the address that its /.well-known/openid-configuration stands below."
    )
    client_id: Text = Field(description="What the provider calls this service.")
    client_secret: Secret | None = Field(None, description="Its secret there; left out for a public client.")
    scopes: tuple[Text, ...] = Field(("openid", "profile", "email"), description="What the provider is asked for.")
    claim: Text = Field("groups", description="The claim with the groups; dots lead into it.")
    name_claim: Text = Field("email", description="The claim that people are recorded by; `sub` where it is missing.")


class ProxySettings(GrantSettings):
    """A proxy in front of the service signs people in and says who they are. Only from its own addresses is it believed."""

    from_: tuple[Annotated[str, AfterValidator(_known_network)], ...] = Field(
        alias="from", min_length=1, description="Networks that the proxy's connections come from, such as 10.1.2.3/32."
    )
    user_header: Header = Field("X-Forwarded-User", description="The header with the user's name.")
    groups_header: Header = Field("X-Forwarded-Groups", description="The header with the groups, between commas.")


class AuthSettings(_Settings):
    """Who may use the page and the API. Without `tokens`, `oidc` or `proxy`: whoever works on the service's machine."""

    tokens: bool = Field(False, description="Whether API tokens let in, programs and people.")
    oidc: OidcSettings | None = Field(None, description="Login at a provider of OpenID Connect.")
    proxy: ProxySettings | None = Field(None, description="Login at a proxy in front of the service.")
    local: bool = Field(
        False, description="Whether processes of the service's own machine need no login although others do."
    )
    metrics: Literal["open", "read"] = Field("open", description="Whether /metrics is for everybody or needs `read`.")

    @property
    def configured(self) -> bool:
        """Whether people are asked who they are."""
        return self.tokens or self.oidc is not None or self.proxy is not None


class ServeSettings(_Settings):
    host: Text = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(9464, ge=0, le=65535, description="Port to listen on.")
    url: WebUrl | None = Field(None, description="The address that people reach it at, for links in messages.")
    drain: Duration = Field(timedelta(seconds=30), description="How long a stop waits for what is running.")
    auth: AuthSettings = Field(AuthSettings(), description="Who may use the page and the API.")
    badge: Literal["read", "public"] = Field(
        "read", description="Whether badges need `read` or are for everybody, to be shown in a README."
    )


class ScheduleSettings(_Settings):
    timezone: TimeZone = Field("UTC", description="The zone of every schedule.")
    jitter: Duration = Field(timedelta(0), description="Start each run up to this much later, by chance.")


class CollectSettings(_Settings):
    timeout: float = Field(120.0, gt=0, le=3600, description="Seconds for one listing before it becomes a gap.")
    workers: int = Field(64, ge=1, le=256, description="How many listings are read side by side.")
    engine: Literal["threads", "workers"] = Field(
        "threads", description="Who reads: threads of this process, or `audit worker` processes on any number of hosts."
    )


class TagSettings(_Settings):
    identity: Text = Field("parity:id", description="Resources with an equal value of this tag are counterparts.")
    owner: Text = Field("owner", description="The tag that names whom a resource belongs to.")


class Settings(_Settings):
    """Everything that may stand in `auditor.yaml`."""

    store: Annotated[str, AfterValidator(_known_store)] = Field(
        "sqlite:///auditor.db", description="Database URL; a relative SQLite path starts at this file's folder."
    )
    environments: dict[Name, EnvironmentSettings] = Field(min_length=1, description="Environments by name.")
    pairs: tuple[PairSettings, ...] = Field((), description="Environments that are meant to match.")
    policies: tuple[Text, ...] = Field((), description="Policy files or folders, searched before the packs that ship.")
    equivalents: tuple[EquivalentSettings, ...] = Field(
        (),
        description="Engines by image and by service, for pairs of local development, looked at before those that ship.",
    )
    waivers: Text | None = Field(None, description="File of tolerated findings.")
    publish: PublishSettings = Field(PublishSettings(), description="Whom to tell.")
    serve: ServeSettings = Field(ServeSettings(), description="Where metrics, API and page are served.")
    schedule: ScheduleSettings = Field(ScheduleSettings(), description="What holds for every schedule.")
    collect: CollectSettings = Field(CollectSettings(), description="Limits of collection.")
    match: tuple[CounterpartSettings, ...] = Field((), description="Counterparts that a person has confirmed.")
    tags: TagSettings = Field(TagSettings(), description="Tags with a meaning.")


def json_schema(collectors: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """JSON Schema of `auditor.yaml`. `collectors` holds the JSON Schema of each collector's options by its name."""
    schema = Settings.model_json_schema()
    definitions = schema["$defs"]
    common = definitions.pop("SourceSettings")["properties"]
    choices = []
    for name, options in sorted(collectors.items()):
        for inner, definition in options.get("$defs", {}).items():
            definitions[f"{name}.{inner}"] = _moved(definition, name)
        own = _moved({key: value for key, value in options.items() if key != "$defs"}, name)
        choices.append(
            {
                **own,
                "title": name,
                "properties": {**common, **own.get("properties", {}), "collector": {"const": name}},
                "required": ["collector", *own.get("required", [])],
            }
        )
    definitions["SourceSettings"] = {"oneOf": choices}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "auditor.yaml"}


def _moved(schema: Any, name: str) -> Any:
    """References into the options' own definitions, led to where these now stand."""
    if isinstance(schema, list):
        return [_moved(item, name) for item in schema]
    if not isinstance(schema, dict):
        return schema
    moved = {key: _moved(value, name) for key, value in schema.items()}
    reference = moved.get("$ref")
    if isinstance(reference, str):
        moved["$ref"] = reference.replace("#/$defs/", f"#/$defs/{name}.", 1)
    return moved
