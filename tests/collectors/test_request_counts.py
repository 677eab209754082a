"""Every request to a far side is counted with how it ended, those that a retry covers up as well."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from auditor.collector import Context
from auditor.model import Gap, Resource
from collectors.aws import AwsCollector, AwsOptions
from collectors.http import COLLECTOR as HTTP
from collectors.http import HttpOptions
from collectors.postgres import COLLECTOR as POSTGRES
from collectors.postgres import PostgresOptions
from tests.collectors.aws.faulty import Fault, Proxy, denied, faulty, html, literal, throttled
from tests.collectors.aws.reading import CREDENTIALS, REGION, moto


class Counted:
    """What a context's meter was told."""

    def __init__(self) -> None:
        self.requests: Counter[tuple[str, str]] = Counter()
        self._lock = threading.Lock()

    def __call__(self, api: str, outcome: str) -> None:
        with self._lock:
            self.requests[api, outcome] += 1

    @property
    def context(self) -> Context:
        return Context("staging", Path(), meter=self)


@pytest.fixture(scope="module")
def upstream() -> Iterator[str]:
    """A moto account without anything in it."""
    with moto() as url:
        yield url


@pytest.fixture
def proxy(upstream: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxy]:
    """What stands before the account, to spoil answers."""
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    with faulty(upstream) as running:
        yield running


def read_parameters(proxy: Proxy, attempts: int = 1) -> tuple[Counter[tuple[str, str]], list[Any]]:
    """Read the SSM parameters through the whole collector."""
    counted = Counted()
    options = AwsOptions(
        regions=(REGION,), services=("ssm",), endpoint_url=proxy.endpoint_url, max_attempts=attempts,
        requests_per_second=1000,
    )  # fmt: skip
    seen: list[Any] = []
    for task in AwsCollector().plan(options, counted.context):
        try:
            seen += task.run()
        except Exception as error:  # noqa: BLE001 - the test looks at it
            seen.append(error)
    return counted.requests, seen


def test_good_answers_of_aws_are_counted_by_service(proxy: Proxy) -> None:
    """One request to STS for who we are, and those to the service, as many as the far side was sent."""
    requests, _ = read_parameters(proxy)
    assert requests == {("sts", "ok"): 1, ("ssm", "ok"): len(proxy.asked) - 1}
    assert len(proxy.asked) > 1


def test_a_throttle_that_a_retry_covers_up_is_counted(proxy: Proxy) -> None:
    """The task reads everything all the same; that AWS slowed it down is seen here only."""
    once = Fault(_twice(throttled()), service="ssm")
    proxy.faults.append(once)
    requests, seen = read_parameters(proxy, attempts=4)
    assert requests["ssm", "throttled"] == 2
    assert requests["ssm", "ok"] >= 1
    assert not [item for item in seen if isinstance(item, Exception | Gap)]


@pytest.mark.parametrize(
    ("spoil", "outcome"),
    [
        (denied(), "denied"),
        (throttled(), "throttled"),
        (html(500), "error"),
        (literal('{"Parameters": [{"LastModifiedDate": "never"}]}'), "error"),
    ],
)
def test_what_aws_refuses_is_counted_by_why(proxy: Proxy, spoil: Any, outcome: str) -> None:
    """Every request that the far side got is counted once, also one whose answer nobody can parse."""
    proxy.faults.append(Fault(spoil, service="ssm"))
    requests, _ = read_parameters(proxy)
    asked = sum(1 for request in proxy.asked if request.service == "ssm")
    assert asked >= 1
    assert requests == {("sts", "ok"): 1, ("ssm", outcome): asked}


def test_no_answer_at_all_is_an_error(proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody listens at the address."""
    proxy.endpoint_url = "http://127.0.0.1:1"
    counted = Counted()
    options = AwsOptions(regions=(REGION,), endpoint_url=proxy.endpoint_url, max_attempts=2)
    with pytest.raises(Exception, match="sts:GetCallerIdentity"):
        list(AwsCollector().plan(options, counted.context))
    assert counted.requests == {("sts", "error"): 2}


def _twice(spoil: Any) -> Any:
    """Spoil the first two requests, and let the others through as good, empty answers."""
    left = [spoil, spoil]

    def once(request: Any) -> Any:
        return left.pop()(request) if left else literal('{"Parameters": []}')(request)

    return once


@contextmanager
def endpoint(*statuses: int) -> Iterator[str]:
    """A server that answers with these statuses, one after the other; a redirect leads back to it."""
    left = list(statuses)

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(left.pop(0))
            self.send_header("location", "/again")
            self.send_header("content-length", "5")
            self.end_headers()
            self.wfile.write(b"1.2.3")

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's name
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/version"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.mark.parametrize(
    ("statuses", "counted"),
    [
        ((200,), {"ok": 1}),
        ((302, 200), {"ok": 2}),
        ((403,), {"denied": 1}),
        ((429,), {"throttled": 1}),
        ((302, 500), {"ok": 1, "error": 1}),
    ],
)
def test_version_endpoints_are_counted_by_status(statuses: tuple[int, ...], counted: dict[str, int]) -> None:
    """A redirect is a request of its own."""
    meter = Counted()
    with endpoint(*statuses) as url:
        for task in HTTP.plan(HttpOptions.model_validate({"services": {"api": url}}), meter.context):
            list(task.run())
    assert meter.requests == {("http", outcome): count for outcome, count in counted.items()}


def test_a_server_that_refuses_the_login_is_counted_as_denied_and_a_good_one_by_its_queries(postgres_url: str) -> None:
    """Connecting is one request, each part that is read another."""
    good, bad = Counted(), Counted()
    options = PostgresOptions.model_validate({"url": postgres_url, "objects": False})
    found = [item for task in POSTGRES.plan(options, good.context) for item in task.run()]
    assert [type(item) for item in found] == [Resource]
    assert good.requests == {("postgres", "ok"): 8}
    unknown = PostgresOptions.model_validate({"url": f"{postgres_url}&user=nobody_at_all"})
    with pytest.raises(Exception, match="nobody_at_all"):
        [list(task.run()) for task in POSTGRES.plan(unknown, bad.context)]
    assert bad.requests == {("postgres", "denied"): 1}
