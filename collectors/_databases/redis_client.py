"""One connection to Redis or Valkey: where a URL leads, one answer at a time within a limit, errors as ours."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote, urlsplit

from auditor.errors import CollectError
from auditor.model import GapReason
from collectors._meter import counted

if TYPE_CHECKING:
    from redis import Redis

API = "redis"
_SCHEME = re.compile(r"(redis|rediss|unix|valkey|valkeys)://")
_PARAMETERS = frozenset({"db", "ssl_ca_certs", "ssl_certfile", "ssl_keyfile", "ssl_check_hostname"})
_CODES = {
    "NOAUTH": GapReason.ACCESS_DENIED,
    "WRONGPASS": GapReason.ACCESS_DENIED,
    "NOPERM": GapReason.ACCESS_DENIED,
    "DENIED": GapReason.ACCESS_DENIED,
    "LOADING": GapReason.TIMEOUT,
    "BUSY": GapReason.TIMEOUT,
    "MASTERDOWN": GapReason.UNREACHABLE,
}
_WORDS = {
    GapReason.ACCESS_DENIED: "the server denied it",
    GapReason.THROTTLED: "the server has no connection to spare",
    GapReason.TIMEOUT: "the server did not answer in time",
    GapReason.UNREACHABLE: "the server cannot be reached",
    GapReason.UNSUPPORTED: "the server does not know the command, or a managed service keeps it from its users",
    GapReason.MALFORMED: "the server answered with an error",
}


@dataclass(frozen=True, slots=True)
class Place:
    """`host` shows a port that is not the default one; `login` is what the client takes, and never shown."""

    host: str
    database: int
    tls: bool
    login: dict[str, Any] = field(default_factory=dict, repr=False)


def place_of(url: str) -> Place:
    """The place that a URL names. Raises ValueError with what is wrong, never with a part of the URL."""
    scheme = _SCHEME.match(url)
    if not scheme:
        raise ValueError("must begin with redis://, rediss:// (with TLS), valkey://, valkeys:// or unix://")
    try:
        parts = urlsplit(url)
        port = parts.port or 6379
        given = dict(parse_qsl(parts.query))
        path = unquote(parts.path)
        database = int(given.pop("db", "") or (path.strip("/") if scheme[1] != "unix" else "") or 0)
    except ValueError:
        raise ValueError("is no URL that can be understood; escape special characters as %XX") from None
    unknown = sorted(set(given) - _PARAMETERS)
    if unknown:
        raise ValueError(f"knows no parameter `{unknown[0]}`; known: {', '.join(sorted(_PARAMETERS))}")
    login: dict[str, Any] = {"db": database}
    login |= {"username": unquote(parts.username)} if parts.username else {}
    login |= {"password": unquote(parts.password)} if parts.password is not None else {}
    if scheme[1] == "unix":
        return Place(path, database, False, login | {"unix_socket_path": path})
    host = parts.hostname or "localhost"
    login |= {"host": host, "port": port}
    tls = scheme[1] in ("rediss", "valkeys")
    if tls:
        checked = given.pop("ssl_check_hostname", "true").lower() in ("true", "yes", "1")
        login |= {"ssl": True, "ssl_check_hostname": checked, **given}
    return Place(host if port == 6379 else f"{host}:{port}", database, tls, login)


@dataclass(frozen=True)
class Server:
    """What one connection is asked. Each answer is counted; an error is a CollectError."""

    client: Redis
    meter: Callable[[str, str], None]

    def ask(self, *command: str) -> Any:
        """The answer to one command, as the client reads it."""
        with counted(self.meter, API), classified():
            ask: Callable[..., Any] = self.client.execute_command
            return ask(*command)


@contextmanager
def opened(
    place: Place, meter: Callable[[str, str], None], *, connect_timeout: float, timeout: float
) -> Iterator[Server]:
    """A connection that tries once, and waits for each answer no longer than `timeout` seconds."""
    from redis import Redis
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    client = Redis(
        **place.login,
        socket_connect_timeout=connect_timeout,
        socket_timeout=timeout,
        retry=Retry(NoBackoff(), 0),
        protocol=2,
        single_connection_client=False,
        client_name=None,
        decode_responses=True,
        encoding_errors="backslashreplace",
    )
    try:
        yield Server(client, meter)
    finally:
        client.close()


@contextmanager
def classified() -> Iterator[None]:
    """The client's errors as ours. Only the code of an answer is told: its text may quote what was sent."""
    from redis import exceptions

    try:
        yield
    except exceptions.TimeoutError as error:
        raise _as_ours(GapReason.TIMEOUT) from error
    except (exceptions.AuthorizationError, exceptions.NoPermissionError) as error:
        raise _as_ours(GapReason.ACCESS_DENIED) from error
    except exceptions.AuthenticationError as error:
        raise CollectError(
            GapReason.ACCESS_DENIED, "the server does not accept the user or the password, or wants one"
        ) from error
    except exceptions.MaxConnectionsError as error:
        raise _as_ours(GapReason.THROTTLED) from error
    except exceptions.BusyLoadingError as error:
        raise _as_ours(GapReason.TIMEOUT, "LOADING") from error
    except (exceptions.ConnectionError, OSError) as error:
        full = "max number of clients" in str(error)
        raise _as_ours(GapReason.THROTTLED if full else GapReason.UNREACHABLE) from error
    except exceptions.ResponseError as error:
        text = str(error)
        code = text.split(" ")[0]
        if "unknown command" in text.lower() or "unknown subcommand" in text.lower():
            raise _as_ours(GapReason.UNSUPPORTED) from error
        denied = "no permissions" in text.lower() or "authentication required" in text.lower()
        reason = GapReason.ACCESS_DENIED if denied else _CODES.get(code, GapReason.MALFORMED)
        raise _as_ours(reason, code if code.isupper() else "") from error
    except (exceptions.RedisError, ValueError, TypeError, LookupError, AttributeError) as error:
        # What speaks another protocol on this port is no Redis.
        raise _as_ours(GapReason.MALFORMED) from error


def _as_ours(reason: GapReason, code: str = "") -> CollectError:
    return CollectError(reason, f"{_WORDS[reason]} ({code})" if code else _WORDS[reason])
