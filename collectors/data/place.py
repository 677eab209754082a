"""Where a database is, read from its URL: which product, which host and database, and nothing of the user or password."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, unquote, urlsplit

POSTGRES, MYSQL = "postgresql", "mysql"
_POSTGRES = re.compile(r"postgres(?:ql)?(?:\+psycopg)?://")
_MYSQL = re.compile(r"(?:mysql|mariadb)(?:\+(?:pymysql|mysqldb|mysqlconnector|mariadbconnector))?://")
_MYSQL_PARAMETERS = frozenset(
    "unix_socket charset ssl_ca ssl_cert ssl_key ssl_verify_cert ssl_verify_identity ssl_disabled".split()
)
_SWITCHES = frozenset({"ssl_verify_cert", "ssl_verify_identity", "ssl_disabled"})


@dataclass(frozen=True, slots=True)
class Place:
    """`host` shows a port that is not the default one; `login` is what the driver's `connect` takes, and never shown."""

    engine: str
    host: str
    database: str
    login: dict[str, str | int | bool] = field(default_factory=dict, repr=False)


def place_of(url: str) -> Place:
    """The place that a URL names. Raises ValueError with what is wrong, never with a part of the URL."""
    if _POSTGRES.match(url):
        return _postgres(url)
    if _MYSQL.match(url):
        return _mysql(url)
    raise ValueError("must begin with postgresql://, mysql:// or mariadb://")


def _postgres(url: str) -> Place:
    import psycopg

    from collectors._postgres import libpq, place

    try:
        host, database = place(url)
    except psycopg.ProgrammingError:
        raise ValueError("is no URL that PostgreSQL understands; escape special characters as %XX") from None
    return Place(POSTGRES, host, database, {"conninfo": libpq(url)})


def _mysql(url: str) -> Place:
    try:
        parts = urlsplit(url)
        port = parts.port or 3306
        given = dict(parse_qsl(parts.query))
        if "@" in parts.path:  # what follows a `/` in a password
            raise ValueError
    except ValueError:
        raise ValueError("is no URL that can be understood; escape special characters as %XX") from None
    unknown = sorted(set(given) - _MYSQL_PARAMETERS)
    if unknown:
        raise ValueError(f"knows no parameter `{unknown[0]}`; known: {', '.join(sorted(_MYSQL_PARAMETERS))}")
    host, database = parts.hostname or "localhost", unquote(parts.path.lstrip("/"))
    login: dict[str, str | int | bool] = {"host": host, "port": port, "user": unquote(parts.username or "root")}
    login |= {name: _is_true(value) if name in _SWITCHES else value for name, value in given.items()}
    if parts.password is not None:
        login["password"] = unquote(parts.password)
    if database:
        login["database"] = database
    return Place(MYSQL, host if port == 3306 else f"{host}:{port}", database, login)


def _is_true(value: str) -> bool:
    return value.lower() in ("1", "true", "yes", "on")
