"""The whole application over HTTP on files of a test's own, in this process: what pages and API are tried on."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from fastapi import Request

from auditor.daemon.loaded import Loaded, load
from auditor.daemon.runs import AskedRuns
from auditor.daemon.work import Auditing
from auditor.meters import Unmetered
from auditor.model import Audit
from auditor.redact import Redactor
from auditor.registry import Registry
from auditor.sharing import Sharing
from auditor.store import Store
from auditor.web.access import Identity, Scope
from auditor.web.app import State, create_app
from auditor.web.backend import Backend
from auditor.web.routes import routers
from auditor.web.server import Server

NOW = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
CONFIG = """\
environments:
  dev: {promotes_to: staging, sources: [{collector: files, path: dev}]}
  staging: {aliases: [stg], promotes_to: prod, sources: [{collector: files, path: staging}]}
  prod: {sources: [{collector: files, path: prod}]}
pairs:
  - {left: dev, right: staging}
  - {left: staging, right: prod}
"""
_DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {{name: orders, labels: {{owner: team-orders}}}}
spec:
  replicas: {replicas}
  selector: {{matchLabels: {{app: orders}}}}
  template:
    metadata: {{labels: {{app: orders}}}}
    spec:
      containers:
        - name: orders
          image: registry.example.com/orders:{version}
          env:
            - {{name: LOG_LEVEL, value: {level}}}
            - {{name: DATABASE_URL, value: "postgres://orders.{env}.example.com/orders"}}
            - {{name: CACHE_TTL, value: "{ttl}"}}
          resources: {{limits: {{memory: {memory}, cpu: 500m}}}}
"""
_SIDES: Mapping[str, Mapping[str, Any]] = {
    "dev": {"replicas": 1, "version": "3.9.0", "level": "debug", "ttl": 60, "memory": "256Mi"},
    "staging": {"replicas": 2, "version": "3.8.0", "level": "debug", "ttl": 60, "memory": "512Mi"},
    "prod": {"replicas": 4, "version": "3.7.2", "level": "info", "ttl": 300, "memory": "1Gi"},
}


def company(folder: Path, config: str = CONFIG) -> Path:
    """Three environments of a few files each, with differences of several categories and severities."""
    for name, side in _SIDES.items():
        place = folder / name
        place.mkdir(parents=True)
        (place / "orders.yaml").write_text(_DEPLOYMENT.format(env=name, **side))
        (place / "mail.env").write_text(
            f"SMTP_HOST=smtp.{name}.example.com\nSMTP_TLS={'true' if name == 'prod' else 'false'}\n"
        )
    (folder / "staging" / "feature.env").write_text("NEW_CHECKOUT=true\n")
    (folder / "prod" / "billing.env").write_text("INVOICE_RETRIES=5\n")
    (folder / "auditor.yaml").write_text(config)
    return folder


@dataclass
class Clock:
    """Stands still until a test moves it."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now

    def later(self, by: timedelta) -> None:
        self.now += by


class OpenGate:
    """Lets everybody in as one person. What the real gate does is tried in tests/web/access/."""

    def __init__(self, scope: Scope = Scope.ADMIN) -> None:
        self.identity = Identity("ada", scope, "local", "k")

    async def identify(self, request: Request, wanted: Scope) -> Identity:
        return self.identity

    def csrf(self, identity: Identity) -> str:
        return "csrf-of-the-test"


@dataclass
class Site:
    """The running application and what it stands on."""

    folder: Path
    url: str
    store: Store
    clock: Clock
    auditing: Auditing
    http: httpx.Client
    loaded: Callable[[], Loaded]
    woken: list[datetime] = field(default_factory=list)

    def audit(self, left: str = "staging", right: str = "prod") -> Audit:
        """Audit the pair as the service does."""
        import threading

        return self.auditing.audited(left, right, self.clock(), threading.Event())

    def get(self, path: str, **headers: str) -> httpx.Response:
        """As a browser asks."""
        return self.http.get(path, headers={"accept": "text/html", **headers})

    def post(self, path: str, **fields: Any) -> httpx.Response:
        """A form, as a page sends it."""
        return self.http.post(path, data={"csrf": "csrf-of-the-test", **fields}, headers={"accept": "text/html"})


@contextmanager
def site(folder: Path, store_url: str | None = None, gate: Any = None, port: int = 0) -> Iterator[Site]:
    """Serve the configuration in `folder` (see `company`) until the block ends.

    `gate` says who may come in, or is a function that makes it of the settings, the store and the clock."""
    clock = Clock()
    registry = Registry.load()
    file = folder / "auditor.yaml"

    def loaded() -> Loaded:
        return load(file, registry=registry, environ=os.environ, now=clock())

    woken: list[datetime] = []
    redactor = Redactor(b"k" * 32)
    with Store.open(store_url or f"sqlite:///{folder / 'auditor.db'}", clock=clock) as store:
        auditing = Auditing(
            store=store,
            registry=registry,
            redactor=redactor,
            sharing=Sharing(),
            meters=Unmetered(),
            clock=clock,
            loaded=loaded,
            recorded=lambda: woken.append(clock()),
        )
        runs = AskedRuns(auditing, loaded=loaded, clock=clock)
        stopping = False
        ground = Backend(
            store=store,
            registry=registry,
            redactor=redactor,
            loaded=loaded,
            runs=runs,
            clock=clock,
            recorded=lambda: woken.append(clock()),
            stopping=lambda: stopping,
        )
        state = State(dict, dict, lambda _accept: ("text/plain", b""))
        access = gate(lambda: loaded().config.serve, store, clock) if callable(gate) else gate or OpenGate()
        server = Server(create_app(state, routers(), backend=ground, access=access), "127.0.0.1", port)
        server.start()
        try:
            with httpx.Client(base_url=server.address, trust_env=False, timeout=20) as client:
                yield Site(folder, server.address, store, clock, auditing, client, loaded, woken)
        finally:
            stopping = True
            runs.stop(5)
            server.stop()


def serve_until_interrupted(folder: Path, port: int) -> None:
    """For a look with one's own eyes: `python -m tests.web.site FOLDER PORT`."""
    import threading

    if not (folder / "auditor.yaml").exists():
        company(folder)
    with site(folder, port=port) as running:
        if running.store.last_audit("staging", "prod") is None:
            running.audit("dev", "staging")
            running.audit()
        print(running.url, flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    import sys

    serve_until_interrupted(Path(sys.argv[1]), int(sys.argv[2]))
