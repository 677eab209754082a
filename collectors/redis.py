"""Redis and Valkey, by connecting: version, mode, memory and eviction, persistence, settings, modules, users by rights.

Asks `INFO`, `CONFIG GET` for named settings, `MODULE LIST`, `ACL USERS` and `ACL GETUSER`, and of a cluster or a sentinel
what it watches over. No key is read. A managed service that keeps `CONFIG` or `ACL` to itself costs that part only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from pydantic import ConfigDict, Field, SecretStr, field_validator

from auditor.collector import Context, Grant, Options, Task
from auditor.errors import CollectError
from auditor.model import Category, Gap, GapReason, Kind, Resource
from collectors._databases.addresses import called_after
from collectors._databases.redis_client import Place, Server, opened, place_of
from collectors._databases.redis_parts import GRANT, cluster, modules, sentinel, settings, told, users
from collectors._grants import denied

SERVER = Kind(
    name="redis.server",
    category=Category.DATABASE,
    about="A Redis or Valkey server: version, mode, memory and eviction, persistence, settings that matter, modules",
    verbatim=("settings", "modules"),
    keyed={"watches": "name"},
)
ROLE = Kind(
    name="redis.role",
    category=Category.SECURITY,
    about="A user of the access control list of Redis or Valkey by what it may do; never a password",
)
_MOST_USERS = 5000


class RedisOptions(Options):
    """The options of `collector: redis`."""

    model_config = ConfigDict(hide_input_in_errors=True)

    url: SecretStr = Field(
        description="redis://user:password@host:6379/0, rediss:// with TLS, or unix:///path, best as ${NAME}"
    )
    name: str | None = Field(
        default=None,
        min_length=1,
        max_length=100,
        pattern=r"^[^\s.]+$",
        description="What to call the server; the first label of its host by default, `redis` where that is an address",
    )
    timeout: float = Field(default=10.0, gt=0, le=120, description="Seconds that one answer may take")
    connect_timeout: float = Field(default=10.0, gt=0, le=120, description="Seconds that connecting may take")

    @property
    def place(self) -> Place:
        return place_of(self.url.get_secret_value())

    @field_validator("url")
    @classmethod
    def _is_redis(cls, url: SecretStr) -> SecretStr:
        # Without the error's own words, which may quote the URL; `from None` keeps it out of the traceback, too.
        try:
            place_of(url.get_secret_value())
        except ValueError as error:
            raise ValueError(str(error)) from None
        return url


class RedisCollector:
    name = "redis"
    about = "Redis and Valkey by connecting: version, mode, eviction, persistence, settings, modules and users"
    kinds = (SERVER, ROLE)
    options = RedisOptions
    permissions = (GRANT,)

    def grant(self, options: RedisOptions, gaps: Sequence[Gap]) -> Grant | None:
        """The rules that a user who reads needs, where any was refused."""
        if not denied(gaps):
            return None
        return Grant((GRANT,), f"the user that connects to {options.place.host}", GRANT)

    def label(self, options: RedisOptions) -> str:
        return f"redis:{options.place.host}/{options.place.database}"

    def plan(self, options: RedisOptions, context: Context) -> Iterable[Task]:
        source = self.label(options)
        yield Task(
            source=source,
            kinds=(SERVER.name, ROLE.name),
            run=lambda: _read(options, context, source),
            label=options.place.host,
        )


COLLECTOR = RedisCollector()


def _read(options: RedisOptions, context: Context, source: str) -> Iterator[Resource | Gap]:
    place = options.place
    name = options.name or called_after(place.host, "redis")
    location = f"redis://{place.host}/{place.database}"

    def gap(kind: Kind, why: CollectError, resource: str | None = None, attribute: str | None = None) -> Gap:
        detail = f"{why.detail}; it takes {GRANT}" if why.reason is GapReason.ACCESS_DENIED else why.detail
        return Gap(context.environment, source, kind.name, why.reason, detail, resource=resource, attribute=attribute)

    timeout = min(options.timeout, max(1.0, context.timeout))
    with opened(place, context.meter, connect_timeout=options.connect_timeout, timeout=timeout) as server:
        said = server.ask("INFO")
        if not isinstance(said, dict) or not said.get("redis_version"):
            raise CollectError(GapReason.MALFORMED, "what answers there says of itself no version of Redis or Valkey")
        attributes = told(said, tls=place.tls)
        unread: list[Gap] = []
        for attribute, read in _parts(attributes["mode"]):
            try:
                attributes |= read(server)
            except CollectError as error:
                if error.reason is GapReason.UNREACHABLE:
                    raise
                unread.append(gap(SERVER, error, resource=name, attribute=attribute))
        yield Resource(SERVER.name, name, attributes, refs=(place.host,), location=location)
        yield from unread
        yield from _roles(server, name, location, gap)


def _parts(mode: str) -> Iterable[tuple[str, Callable[[Server], dict[str, Any]]]]:
    """Which parts there are depends on what runs there: a sentinel has no keys, hence no settings of theirs."""
    if mode == "sentinel":
        return (("watches", sentinel),)
    common = (("settings", settings), ("modules", modules))
    return (*common, ("cluster", cluster)) if mode == "cluster" else common


def _roles(
    server: Server, name: str, location: str, gap: Callable[[Kind, CollectError], Gap]
) -> Iterator[Resource | Gap]:
    try:
        found = users(server)
    except CollectError as error:
        if error.reason is GapReason.UNREACHABLE:
            raise
        yield gap(ROLE, error)
        return
    for user, attributes in sorted(found.items())[:_MOST_USERS]:
        yield Resource(ROLE.name, f"{name}.{user}", attributes, parent=name, location=location)
    if len(found) > _MOST_USERS:
        yield gap(ROLE, CollectError(GapReason.TRUNCATED, f"there are more than {_MOST_USERS} users"))
