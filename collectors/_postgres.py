"""Connecting to PostgreSQL read-only: where a URL leads, one transaction with its limits, and errors as ours."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from auditor.errors import CollectError
from auditor.model import GapReason
from collectors._meter import counted

if TYPE_CHECKING:
    import psycopg

_PATH = re.compile(r"\Apostgresql://[^/?]*([^?]*).*\Z", re.DOTALL)
SCHEME = re.compile(r"postgres(?:ql)?(?:\+psycopg)?://")
API = "postgres"

# https://www.postgresql.org/docs/current/errcodes-appendix.html, by code or by class
_REASONS = {
    "28": GapReason.ACCESS_DENIED,
    "42501": GapReason.ACCESS_DENIED,
    "3D": GapReason.UNREACHABLE,
    "53": GapReason.THROTTLED,
    "57014": GapReason.TIMEOUT,
    # A replica that falls too far behind ends what stands in the way.
    "40001": GapReason.TIMEOUT,
    "55P03": GapReason.TIMEOUT,
    "25P03": GapReason.TIMEOUT,
    "57": GapReason.UNREACHABLE,
    "08": GapReason.UNREACHABLE,
    "42": GapReason.UNSUPPORTED,
    "0A": GapReason.UNSUPPORTED,
}
# libpq keeps no SQLSTATE of a connection that was refused, so there only the message tells (in English, its default).
_REFUSALS = (
    (re.compile(r'database ".*" does not exist'), GapReason.UNREACHABLE),
    (re.compile(r"authentication failed|no pg_hba\.conf entry|does not exist|permission denied|not permitted|password"), GapReason.ACCESS_DENIED),
    (re.compile(r"too many (?:connections|clients)|remaining connection slots"), GapReason.THROTTLED),
    (re.compile(r"timeout expired|timed out"), GapReason.TIMEOUT),
)  # fmt: skip


@contextmanager
def connected(
    url: str, meter: Callable[[str, str], None], *, connect_timeout: int, statement_seconds: float
) -> Iterator[psycopg.Connection[Any]]:
    """One read-only transaction. Everything is set for the transaction only: a connection pooler hands the session on
    to the next client, and a session setting would then change the audited environment."""
    import psycopg

    milliseconds = max(1, round(statement_seconds * 1000))
    with counted(meter, API), classified():
        connection = psycopg.connect(
            libpq(url), connect_timeout=connect_timeout, application_name="parity-auditor", prepare_threshold=None
        )
    with connection:
        connection.read_only = True
        with classified():
            connection.execute(f"set local statement_timeout = {milliseconds}")
            connection.execute(f"set local lock_timeout = {min(5000, milliseconds)}")
            connection.execute("set local search_path = pg_catalog")
        yield connection


@contextmanager
def classified() -> Iterator[None]:
    """psycopg's errors as ours, told apart by SQLSTATE where there is one."""
    import psycopg

    try:
        yield
    except psycopg.Error as error:
        state = error.sqlstate or ""
        text = " ".join(str(error).split())
        if isinstance(error, psycopg.errors.ConnectionTimeout):
            reason = GapReason.TIMEOUT
        elif state:
            reason = _REASONS.get(state) or _REASONS.get(state[:2]) or GapReason.MALFORMED
        else:
            reason = next((reason for pattern, reason in _REFUSALS if pattern.search(text)), GapReason.UNREACHABLE)
        raise CollectError(reason, f"{text} (SQLSTATE {state})" if state else text) from error


def place(url: str) -> tuple[str, str]:
    """Host (with a port that is not the default one) and database of a URL, as libpq reads it; never user or password.

    Raises psycopg.ProgrammingError where it is none, also where libpq takes a part of the password for host or database:
    it ends at the first `@` or `/` that is not escaped."""
    import psycopg
    from psycopg.conninfo import conninfo_to_dict

    parts = conninfo_to_dict(libpq(url))
    hosts = str(parts.get("host") or parts.get("hostaddr") or "localhost").split(",")
    ports = str(parts.get("port") or "5432").split(",")
    torn = any("@" in host[1:] for host in hosts) or "@" in _PATH.sub(r"\1", libpq(url))
    if torn or not all(port.isdigit() for port in ports if port):
        raise psycopg.ProgrammingError("host or port is none")
    ports = ports if len(ports) == len(hosts) else ports[:1] * len(hosts)
    shown = [host if port == "5432" else f"{host}:{port}" for host, port in zip(hosts, ports, strict=True)]
    return ",".join(shown), str(parts.get("dbname") or parts.get("user") or "postgres")


def libpq(url: str) -> str:
    """SQLAlchemy's spelling of the scheme, as many configurations have it, in libpq's."""
    return SCHEME.sub("postgresql://", url)
