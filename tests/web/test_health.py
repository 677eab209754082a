"""What the service says of itself over HTTP, asked of a real server."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from datetime import timedelta

import httpx
import pytest

from auditor.web.app import State, create_app
from auditor.web.health import Check, Heartbeats
from auditor.web.server import ListenError, Server, is_loopback


class Watch:
    """A clock that the test sets."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Service:
    """What stands behind the pages, as the test wants it."""

    def __init__(self) -> None:
        self.watch = Watch()
        self.heartbeats = Heartbeats(self.watch)
        self.checks: Mapping[str, Check] = {"store": Check(True, "it answers")}

    def state(self) -> State:
        return State(self.heartbeats.silent, lambda: self.checks, self.metrics)

    def metrics(self, accept: str | None) -> tuple[str, bytes]:
        kind = "application/openmetrics-text; version=1.0.0; charset=utf-8" if accept else "text/plain; version=0.0.4"
        return kind, b"up 1\n"


@pytest.fixture
def service() -> Service:
    return Service()


@pytest.fixture
def client(service: Service) -> Iterator[httpx.Client]:
    server = Server(create_app(service.state()), "127.0.0.1", 0)
    server.start()
    with httpx.Client(base_url=server.address, trust_env=False) as opened:
        yield opened
    server.stop()
    assert not server.alive


def test_the_service_is_alive_while_every_loop_comes_round(service: Service, client: httpx.Client) -> None:
    """503 names the loop that is silent and for how long; a beat, or an end that was meant, heals it."""
    beat = service.heartbeats.expect("leader", within=timedelta(seconds=10))
    service.heartbeats.expect("schedule", within=timedelta(minutes=1))
    service.watch.now = 10.0
    answer = client.get("/healthz")
    assert (answer.status_code, answer.json()) == (200, {"alive": True, "silent_seconds": {}})
    service.watch.now = 12.3
    answer = client.get("/healthz")
    assert (answer.status_code, answer.json()) == (503, {"alive": False, "silent_seconds": {"leader": 12.3}})
    beat()
    assert client.get("/healthz").status_code == 200
    service.watch.now = 61.0
    assert client.get("/healthz").json()["silent_seconds"] == {"leader": 48.7, "schedule": 61.0}
    service.heartbeats.forget("leader")
    service.heartbeats.forget("schedule")
    assert client.get("/healthz").status_code == 200


def test_the_service_is_ready_when_every_check_is_passed(service: Service, client: httpx.Client) -> None:
    """Each check is told with its reason; one that fails makes it 503."""
    answer = client.get("/readyz")
    told = {"store": {"ok": True, "detail": "it answers"}}
    assert (answer.status_code, answer.json()) == (200, {"ready": True, "checks": told})
    service.checks = {**service.checks, "leader": Check(False, "nobody leads")}
    answer = client.get("/readyz")
    told["leader"] = {"ok": False, "detail": "nobody leads"}
    assert (answer.status_code, answer.json()) == (503, {"ready": False, "checks": told})


def test_a_scrape_gets_the_format_that_it_asks_for(client: httpx.Client) -> None:
    """The Accept header reaches whoever writes the metrics, and its content type comes back as it is."""
    answer = client.get("/metrics", headers={"accept": "application/openmetrics-text"})
    assert (answer.status_code, answer.text) == (200, "up 1\n")
    assert answer.headers["content-type"] == "application/openmetrics-text; version=1.0.0; charset=utf-8"


def test_nothing_that_describes_the_application_is_served(client: httpx.Client) -> None:
    """Neither its schema nor a page to try it on, and a refusal is one sentence of JSON."""
    for path in ("/docs", "/redoc", "/openapi.json", "/nowhere"):
        answer = client.get(path)
        assert (answer.status_code, answer.json()["detail"]) == (404, "Not Found")
    assert client.post("/metrics").status_code == 405
    assert "server" not in client.get("/").headers


def test_a_server_leaves_nothing_behind(service: Service) -> None:
    """Started, asked and stopped three times: as many threads as before, and the port is free again."""
    before = set(threading.enumerate())
    port = 0
    for _ in range(3):
        server = Server(create_app(service.state()), "127.0.0.1", port)
        server.start()
        assert httpx.get(f"{server.address}/readyz", trust_env=False).status_code == 200
        port = int(server.address.rpartition(":")[2])
        server.stop()
    assert [thread.name for thread in threading.enumerate() if thread not in before] == []


def test_an_address_that_cannot_be_had_is_one_clear_message(service: Service) -> None:
    """A port in use, and a host that is not ours: named, with a remedy."""
    taken = Server(create_app(service.state()), "127.0.0.1", 0)
    port = int(taken.address.rpartition(":")[2])
    with pytest.raises(
        ListenError, match=rf"cannot listen on 127\.0\.0\.1:{port}: .*; set serve\.host and serve\.port"
    ):
        Server(create_app(service.state()), "127.0.0.1", port)
    with pytest.raises(ListenError, match=r"cannot listen on 192\.0\.2\.1:0"):
        Server(create_app(service.state()), "192.0.2.1", 0)
    taken.stop()


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("localhost", True),
        ("LOCALHOST.", True),
        ("127.0.0.1", True),
        ("127.8.9.1", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("10.0.0.1", False),
        ("localhost.example.com", False),
        ("", False),
        ("testclient", False),
    ],
)
def test_what_is_this_machine_itself(host: str, expected: bool) -> None:
    """Loopback addresses in every spelling; a name but `localhost` is asked of nobody."""
    assert is_loopback(host) is expected
