"""A small world for a real daemon: three environments of files, the services that run in them, and whom to tell."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tests.grafana.dashboards import ROOT
from tests.prefork import begin
from tests.prometheus.server import until

_VERSIONS = {
    "/staging/api": "1.5.0",
    "/prod/api": "1.4.2",
    "/staging/web": "7.0",
    "/prod/web": "7.0",
    "/staging/worker": "3.1",
    "/test/api": "1.5.0",
}
_SETTINGS = """\
DATABASE_POOL=20
FEATURE_CHECKOUT=on
LOG_LEVEL={level}
RETRIES={retries}
"""
_COMPOSE = """\
services:
  billing: {image: "registry.example.com/billing:2.0"}
  billing-next: {image: "registry.example.com/billing:2.1"}
"""
_CONFIG = """\
store: sqlite:///auditor.db
environments:
  test:
    sources:
      - {{collector: files, path: test}}
      - {{collector: http, services: {{api: "{services}/test/api", web: "{services}/throttled"}}}}
  staging:
    aliases: [stg]
    sources:
      - {{collector: files, path: staging}}
      - {{collector: http, services: {{api: "{services}/staging/api", web: "{services}/staging/web", worker: "{services}/staging/worker"}}}}
  prod:
    sources:
      - {{collector: files, path: prod}}
      - {{collector: http, services: {{api: "{services}/prod/api", web: "{services}/prod/web"}}}}
  preview:
    sources:
      - {{collector: files, path: preview}}
pairs:
  - {{left: staging, right: prod, schedule: every 2s}}
  - {{left: test, right: staging, schedule: every 3s}}
  - {{left: preview, right: prod}}
waivers: waivers.yaml
publish:
  webhook: {{url: "{services}/hook"}}
serve: {{port: 0, drain: 5s}}
"""
_WAIVERS = """\
waivers:
  - owner: ada
    reason: the migration is not over
    rule: "*"
    path: DATABASE_POOL
    left: staging
    right: prod
    created: {created}
    expires: {expires}
"""


@dataclass(frozen=True, slots=True)
class World:
    folder: Path

    def build(self, services: str) -> None:
        """The files, and the configuration that names `services` as the address of everything that is far away."""
        for name in ("test", "staging", "prod", "preview"):
            self.set(name, level="info", retries=3)
        (self.folder / "test" / "broken.yaml").write_text("replicas: [1, 2\n", encoding="utf-8")
        (self.folder / "staging" / "compose.yaml").write_text(_COMPOSE, encoding="utf-8")
        self.set("staging", level="debug", retries=3)
        today = datetime.now(UTC).date()
        dates = {"created": today - timedelta(days=30), "expires": today + timedelta(days=5)}
        (self.folder / "waivers.yaml").write_text(_WAIVERS.format(**dates), encoding="utf-8")
        (self.folder / "auditor.yaml").write_text(_CONFIG.format(services=services), encoding="utf-8")

    def set(self, environment: str, *, level: str, retries: int) -> None:
        file = self.folder / environment / "app.env"
        file.parent.mkdir(exist_ok=True)
        written = file.with_suffix(".new")
        written.write_text(_SETTINGS.format(level=level, retries=retries), encoding="utf-8")
        written.rename(file)

    @contextlib.contextmanager
    def daemon(self) -> Iterator[str]:
        """`audit serve` on this world; its address (`host:port`) while it runs."""
        log = self.folder / "log.jsonl"
        command = ("auditor", "serve", "--config", str(self.folder / "auditor.yaml"), "--log-format", "json")
        environ = {**os.environ, "PYTHONPATH": str(ROOT)}
        with log.open("w", encoding="utf-8") as out:
            running = begin(*command, stderr=out, cwd=self.folder, env=environ)
        try:
            yield until(lambda: _address(running, log), "the service runs", 40)
        finally:
            running.terminate()
            try:
                running.wait(15)
            finally:
                running.kill()


def _address(running: subprocess.Popen[bytes], log: Path) -> str:
    text = log.read_text(encoding="utf-8")
    assert running.poll() is None, text
    found = (json.loads(line) for line in text.splitlines() if line.startswith("{") and line.endswith("}"))
    return next((line["address"].removeprefix("http://") for line in found if "address" in line), "")


@dataclass(frozen=True, slots=True)
class FarAway:
    """The address of everything that is far away. The receiver of notices is there only when `back` is set."""

    url: str
    back: threading.Event


@contextlib.contextmanager
def far_away() -> Iterator[FarAway]:
    """The services and the webhook's receiver, which holds on to every third notice when it is back."""
    release, back = threading.Event(), threading.Event()

    class Answers(BaseHTTPRequestHandler):
        told = 0

        def do_GET(self) -> None:
            if self.path == "/throttled":
                self._answer(429, {})
            else:
                self._answer(200, {"version": _VERSIONS[self.path], "deployed": "2026-01-02T03:04:05Z"})

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if not back.is_set():
                self._answer(503, {})
                return
            Answers.told += 1
            if Answers.told % 3 == 0:
                release.wait(4)
            self._answer(200, {})

        def _answer(self, status: int, body: dict[str, str]) -> None:
            content = json.dumps(body).encode()
            with contextlib.suppress(ConnectionError):
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

        def log_message(self, *args: object) -> None:
            """Tests print nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield FarAway(f"http://127.0.0.1:{server.server_port}", back)
    finally:
        release.set()
        server.shutdown()
        thread.join()
        server.server_close()
