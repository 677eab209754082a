"""Two environments that are alike but for what somebody changes in one of them.

Every *place* holds one value on each side. A place drifts while the two differ; what truly drifts is thus known at any
time, and the service has to come to the same view by looking.
"""

from __future__ import annotations

import json
import logging
import random
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from tests.collectors.aws.faulty import Proxy, QuietServer, faulty

SIDES = ("staging", "prod")
ACCOUNTS = {"staging": "111122223333", "prod": "444455556666"}
REGION = "eu-west-1"
PARAMETERS, VARIABLES, SERVICES = 12, 60, 12
_CREDENTIALS = {"aws_access_key_id": "AKIALONGRUN0000000000", "aws_secret_access_key": "of-the-stand-in-only"}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value stands. `kind` and `name` are how a finding speaks of it."""

    kind: str
    name: str
    write: Callable[[str, str], None] = field(compare=False, repr=False)


@dataclass
class World:
    """The places and their values, and how often each began to drift. Safe between threads."""

    places: tuple[Place, ...]
    endpoint_url: str
    versions_url: str
    proxy: Proxy
    services: _Services
    folder: Path
    lock: threading.Lock = field(default_factory=threading.Lock)
    values: dict[tuple[Place, str], str] = field(default_factory=dict)
    changes: int = 0

    def settle(self) -> None:
        """Write every place once, alike on both sides."""
        for place in self.places:
            for side in SIDES:
                self._write(place, side, "1.0.0")

    def step(self, chance: random.Random) -> None:
        """Change one place on one side: mostly away from the other side, or after it."""
        place = chance.choice(self.places)
        side, other = chance.sample(SIDES, 2)
        with self.lock:
            drifts = self.values[place, side] != self.values[place, other]
            value = self.values[place, other]
        if not drifts or chance.random() < 0.2:
            value = f"1.{chance.randrange(1, 999)}.{chance.randrange(999)}"
        self._write(place, side, value)
        self.changes += 1

    def drifting(self) -> set[tuple[str, str]]:
        """Kind and name of every place that differs now."""
        with self.lock:
            return {
                (place.kind, place.name)
                for place in self.places
                if len({self.values[place, side] for side in SIDES}) > 1
            }

    def _write(self, place: Place, side: str, value: str) -> None:
        place.write(side, value)
        with self.lock:
            self.values[place, side] = value


@contextmanager
def running(folder: Path) -> Iterator[World]:
    """The world, up, with its configuration's files in `folder`. The stand-in of AWS is behind a proxy that can fail."""
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    with ExitStack() as stack:
        server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        server.start()
        stack.callback(server.stop)
        host, port = server.get_host_and_port()
        upstream = f"http://{host}:{port}"
        proxy = stack.enter_context(faulty(upstream))
        services = stack.enter_context(_services())
        clients = {side: _client(upstream, side) for side in SIDES}
        files = _Files(folder)
        places = [
            *(
                Place("aws.ssm.parameter", f"/shop/{{env}}/setting-{number:02}", _Parameter(clients, number))
                for number in range(PARAMETERS)
            ),
            *(Place("env.file", f"RELEASE_{number:02}", _Variable(files, number)) for number in range(VARIABLES)),
            *(Place("http.version", f"service-{number}", _Version(services, number)) for number in range(SERVICES)),
        ]
        yield World(tuple(places), proxy.endpoint_url, services.url, proxy, services, folder)


def configuration(world: World, **more: str) -> str:
    """An `auditor.yaml` that audits the world every other second. `more` are further top-level keys, as YAML."""
    environments = "".join(
        f"""
  {side}:
    sources:
      - collector: aws
        role_arn: arn:aws:iam::{ACCOUNTS[side]}:role/Auditor
        regions: [{REGION}]
        services: [ssm]
        endpoint_url: {world.endpoint_url}
        connect_timeout: 1
        read_timeout: 2
        max_attempts: 2
      - collector: files
        path: {world.folder / side}
      - collector: http
        services: {{{", ".join(f"service-{n}: {world.versions_url}/{side}/{n}" for n in range(SERVICES))}}}
"""
        for side in SIDES
    )
    rest = "\n".join(f"{key}: {value}" for key, value in more.items())
    return f"""
store: ${{AUDITOR_STORE}}
environments:{environments}
pairs:
  - {{left: staging, right: prod, policies: [longrun], schedule: every 2s}}
policies: [longrun.yaml]
collect: {{timeout: 5, workers: 8}}
{rest}
"""


POLICY = """
policy: longrun
rules:
  - id: differs
    about: Everything in this world is meant to be alike
    severity: high
    expect: equal
"""


@dataclass(frozen=True, slots=True)
class _Parameter:
    clients: dict[str, Any]
    number: int

    def __call__(self, side: str, value: str) -> None:
        self.clients[side].put_parameter(
            Name=f"/shop/{side}/setting-{self.number:02}", Value=value, Type="String", Overwrite=True
        )


class _Files:
    """One dotenv file a side, replaced as a whole, as editors and deployments do it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._values: dict[str, dict[int, str]] = {side: {} for side in SIDES}
        self._lock = threading.Lock()

    def set(self, side: str, number: int, value: str) -> None:
        with self._lock:
            self._values[side][number] = value
            text = "".join(f"RELEASE_{number:02}={value}\n" for number, value in sorted(self._values[side].items()))
            target = self._folder / side / "app.env"
            target.parent.mkdir(exist_ok=True)
            draft = self._folder / f"{side}.draft"
            draft.write_text(text)
            draft.replace(target)


@dataclass(frozen=True, slots=True)
class _Variable:
    files: _Files
    number: int

    def __call__(self, side: str, value: str) -> None:
        self.files.set(side, self.number, value)


class _Services:
    """Which version each service says it runs. `broken` makes them all answer 503."""

    def __init__(self) -> None:
        self.url = ""
        self.versions: dict[tuple[str, int], str] = {}
        self.broken = False


@dataclass(frozen=True, slots=True)
class _Version:
    services: _Services
    number: int

    def __call__(self, side: str, value: str) -> None:
        self.services.versions[side, self.number] = value


@contextmanager
def _services() -> Iterator[_Services]:
    services = _Services()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            _, side, number = self.path.split("/")
            body = json.dumps({"version": services.versions[side, int(number)]}).encode()
            self.send_response(503 if services.broken else 200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
            """Say nothing."""

    server = QuietServer(("127.0.0.1", 0), Handler)
    services.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield services
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _client(upstream: str, side: str) -> Any:
    reach = {"endpoint_url": upstream, "region_name": REGION, "config": Config(proxies={})}
    role = f"arn:aws:iam::{ACCOUNTS[side]}:role/Auditor"
    keys = boto3.client("sts", **reach, **_CREDENTIALS).assume_role(RoleArn=role, RoleSessionName="world")[
        "Credentials"
    ]
    return boto3.client(
        "ssm",
        **reach,
        aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"],
        aws_session_token=keys["SessionToken"],
    )
