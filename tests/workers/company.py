"""Two environments behind a far side that answers each request after a while, and real processes that read them."""

from __future__ import annotations

import json
import multiprocessing
import threading
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from auditor.collect import collect_all
from auditor.config import Config, load_config
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
_PROCESSES.set_forkserver_preload(["tests.workers.company", "auditor.workers.process", "httpx", "collectors.http"])


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


def written(folder: Path, store: str, url: str, services: int, timeout: float = 60) -> Path:
    """The configuration of two environments with so many services each, one of which is broken."""
    sources = {
        name: [
            {
                "collector": "http",
                "services": {f"s{number}": f"{url}/{name}/{number}" for number in range(services - 1)}
                | {"broken": f"{url}/{name}/bad"},
            }
        ]
        for name in ("staging", "prod")
    }
    config = {
        "store": store,
        "environments": {name: {"sources": one} for name, one in sources.items()},
        "pairs": [{"left": "staging", "right": "prod"}],
        "collect": {"engine": "workers", "workers": 2, "timeout": timeout},
    }
    file = folder / "auditor.yaml"
    file.write_text(json.dumps(config))
    return file


def configured(file: Path) -> tuple[Config, Registry]:
    registry = Registry.load()
    return load_config(file, registry=registry, environ={}), registry


def observed(config: Config, registry: Registry, elsewhere: Elsewhere | None) -> dict[str, Snapshot]:
    """Snapshots of both environments, taken at one moment, by whoever is given."""
    from dataclasses import replace

    from auditor.realms import names_of

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

    def hire(self, pace: Pace = QUICK, key: bytes = KEY) -> Any:
        process = _PROCESSES.Process(target=work, args=(self._folder / "auditor.yaml", pace, key), daemon=True)
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


def work(file: Path, pace: Pace, key: bytes) -> None:
    """One worker, until it is asked to stop."""
    from auditor.workers.process import Ground, run

    config, registry = configured(file)
    run(Ground(config, registry, Redactor(key), concurrency=config.workers, pace=pace))
