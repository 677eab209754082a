"""Several copies of the service on one PostgreSQL, which may be gone for a while."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from auditor.store import schema
from tests.daemon.served import CONFIG, FINDING, Serve, company
from tests.daemon.servers import own_server
from tests.daemon.waiting import eventually


def test_a_database_without_our_tables_is_refused_with_the_remedy(
    serve: Serve, tmp_path: Path, postgres_url: str
) -> None:
    """PostgreSQL is brought up to date by a person, on purpose."""
    company(tmp_path, CONFIG + "store: ${DATABASE}\n")
    url = f"{postgres_url}{'&' if '?' in postgres_url else '?'}options=-csearch_path%3Dnowhere_yet"
    served = serve(tmp_path, {"DATABASE": url})
    assert served.ended() == 4
    assert "audit db upgrade" in "".join(served.noise)


@pytest.fixture
def server() -> Iterator[object]:
    """A PostgreSQL server that the test may stop."""
    yield from own_server()


def test_copies_on_postgresql_share_the_work_and_outlive_each_other_and_the_server(
    serve: Serve, tmp_path: Path, server: object
) -> None:
    """One leads; killed, the other leads within the bound; the server gone, it waits; back again, it goes on."""
    url = server.get_uri()  # type: ignore[attr-defined]
    schema.upgrade(url)
    company(tmp_path, CONFIG + "store: ${DATABASE}\n")
    first = serve(tmp_path, {"DATABASE": url})
    first.becomes("parity_leader", 1)
    second = serve(tmp_path, {"DATABASE": url})
    second.becomes("parity_findings", 1, **FINDING)
    assert second.metric("parity_leader") == 0
    assert second.get("/readyz").json()["checks"]["leader"]["detail"].endswith(f":{first.process.pid} leads")
    assert not [line for line in second.lines if line["event"].startswith("An audit")]

    first.signal(signal.SIGKILL)
    second.becomes("parity_leader", 1)
    # It may have to wait until what the first one was at counts as given up.
    second.said("An audit ended.", seconds=90)

    server.stop()  # type: ignore[attr-defined]
    eventually(lambda: second.get("/readyz").status_code == 503)
    assert second.get("/healthz").status_code == 200
    assert second.metric("parity_store_up") == 0
    assert second.metric("parity_leader") == 0
    since = len(second.lines)
    server.ensure_postgres_running()  # type: ignore[attr-defined]
    eventually(lambda: second.get("/readyz").status_code == 200)
    second.said("An audit ended.", since=since, seconds=90)
    assert second.metric("parity_findings", **FINDING) == 1
    assert second.stop() == 0
