"""Two environments behind a far side that answers each request after a while, and real processes that read them.

`bench/fanout.py` measures with the same.
"""

from __future__ import annotations

import json
import multiprocessing
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from auditor.collect import collect_all
from auditor.collector import Context, Options, Task
from auditor.config import Config, load_config
from auditor.errors import CollectError
from auditor.model import Category, Gap, GapReason, Kind, Resource
from auditor.realms import names_of
from auditor.redact import Redactor
from auditor.registry import Registry
from auditor.workers.pace import Pace

if TYPE_CHECKING:
    from auditor.collect import Environment
    from auditor.model import Snapshot
    from auditor.pool import Elsewhere

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
KEY = b"k" * 40
QUICK = Pace(beat=0.2, silence=2.0, sweep=0.2, poll=0.2, orphan=60, deliveries=50)
# Not the address by which sources of this machine are told: what it names is read by workers.
HOST = "127.0.0.2"
# What every worker imports is imported once, in the process that they are forked from.
_PROCESSES = multiprocessing.get_context("forkserver")
_PROCESSES.set_forkserver_preload(["tests.workers.company", "auditor.workers.process"])
PASSWORD = "correct horse battery staple"


class SlowOptions(Options):
    """`parts` things at `url`, of which the last two cannot be read."""

    url: str
    parts: int


class SlowCollector:
    """One request for each thing. It does nothing but wait, so a hundred of it fit into one processor."""

    name = "slow"
    about = "Things that take a while to be read"
    kinds = (Kind("slow.thing", Category.CONFIG, "Something"),)
    options = SlowOptions
    permissions = ("GET",)

    def label(self, options: SlowOptions) -> str:
        return f"slow:{options.parts}"

    def plan(self, options: SlowOptions, context: Context) -> Iterable[Task]:
        for number in range(options.parts):
            path = f"/{context.environment}/{number}"
            if number == options.parts - 2:
                path = f"/{context.environment}/bad"
            read = partial(_thing, options.url, path, context, fails=number == options.parts - 1)
            yield Task(self.label(options), ("slow.thing",), read, label=str(number))


def _thing(url: str, path: str, context: Context, *, fails: bool) -> Iterator[Resource | Gap]:
    connection = HTTPConnection(url.removeprefix("http://"), timeout=context.timeout)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        body = json.loads(response.read())
    finally:
        connection.close()
    if fails:
        raise RuntimeError(f"a mistake in the collector, which quotes {PASSWORD}")
    if response.status != 200:
        raise CollectError(GapReason.UNREACHABLE, f"answered {response.status}", resource=path)
    attributes = {**body, "password": PASSWORD, "asked": context.fingerprint(path), "at": context.now.isoformat()}
    yield Resource("slow.thing", path, attributes, tags={"names": ",".join(context.aliases)})
    yield Gap(context.environment, "", "slow.thing", GapReason.ACCESS_DENIED, "denied", path, "owner")


class Slow:
    """Says a version at every path after `delay` seconds, but an error at each that ends in `bad`.

    `asked` counts the requests by path; `on_request` is told of each, by its number, before it is answered."""

    def __init__(self, delay: float = 0.05) -> None:
        self.delay = delay
        self.asked: Counter[str] = Counter()
        self.on_request: Callable[[int], None] = lambda _number: None
        self._lock = threading.Lock()
        self._never = threading.Event()
        slow = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                body = slow.answer(self.path)
                self.send_response(500 if self.path.endswith("bad") else 200)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                """Quiet."""

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 256

            def handle_error(self, request: Any, client_address: Any) -> None:
                """Who was killed does not wait for the answer."""

        self._server = Server((HOST, 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    def answer(self, path: str) -> bytes:
        with self._lock:
            self.asked[path] += 1
            number = sum(self.asked.values())
        self.on_request(number)
        self._never.wait(self.delay)
        return json.dumps({"version": f"1.{len(path)}.{sum(path.encode()) % 7}"}).encode()

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def written(folder: Path, store: str, url: str, parts: int, timeout: float = 60) -> Path:
    """The configuration of two environments with so many parts each."""
    source = {"collector": "slow", "url": url, "parts": parts}
    config = {
        "store": store,
        "environments": {"staging": {"sources": [source]}, "prod": {"aliases": ["live"], "sources": [source]}},
        "pairs": [{"left": "staging", "right": "prod"}],
        "collect": {"engine": "workers", "workers": 2, "timeout": timeout},
    }
    file = folder / "auditor.yaml"
    file.write_text(json.dumps(config))
    return file


def configured(file: Path) -> tuple[Config, Registry]:
    registry = Registry([SlowCollector()])
    return load_config(file, registry=registry, environ={}), registry


def observed(config: Config, registry: Registry, elsewhere: Elsewhere | None) -> dict[str, Snapshot]:
    """Snapshots of both environments, taken at one moment, by whoever is given."""

    def told(environment: Environment) -> Environment:
        names = names_of(config, environment.name)
        return replace(environment, aliases=names.tokens, others=names.foreign)

    wanted = [told(environment) for environment in config.environments.values()]
    options: dict[str, Any] = {"workers": 8, "timeout": config.timeout, "elsewhere": elsewhere}
    return collect_all(wanted, registry, Redactor(KEY), lambda: NOW, **options)


class Staff:
    """Worker processes of one configuration."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._hired: list[Any] = []
        self._lock = threading.Lock()

    def hire(self, pace: Pace = QUICK, key: bytes = KEY, concurrency: int | None = None) -> Any:
        arguments = (self._folder / "auditor.yaml", pace, key, concurrency)
        process = _PROCESSES.Process(target=work, args=arguments, daemon=True)
        process.start()
        with self._lock:
            self._hired.append(process)
        return process

    @property
    def living(self) -> list[Any]:
        with self._lock:
            return [process for process in self._hired if process.is_alive()]

    def dismiss(self) -> None:
        for process in self._hired:
            process.kill()
        for process in self._hired:
            process.join()


def work(file: Path, pace: Pace, key: bytes, concurrency: int | None) -> None:
    """One worker, until it is asked to stop."""
    from auditor.workers.process import Ground, run

    config, registry = configured(file)
    run(Ground(config, registry, Redactor(key), concurrency=concurrency or config.workers, pace=pace))
