"""`audit serve`: the parts of the service, put together, started in order and stopped in order."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import structlog

from auditor import __version__
from auditor.daemon.alerts import Alerts
from auditor.daemon.clicks import Desk
from auditor.daemon.delivery import Delivery
from auditor.daemon.jobs import Jobs
from auditor.daemon.leader import Leader
from auditor.daemon.loaded import Loaded, load
from auditor.daemon.loop import Loop
from auditor.daemon.probe import Probe
from auditor.daemon.reload import Reloader
from auditor.daemon.runs import AskedRuns
from auditor.daemon.scrape import Scrape, count_by
from auditor.daemon.secrets import secrets_of
from auditor.daemon.signals import Asked, asked
from auditor.daemon.work import Auditing
from auditor.errors import ConfigError, Problem, StoreError
from auditor.kept import Keeping
from auditor.loopback import is_loopback
from auditor.publish.alertmanager import EVERY
from auditor.publish.prometheus import PrometheusMeters
from auditor.sharing import Sharing
from auditor.store import Store
from auditor.web.access.gate import Gate
from auditor.web.app import State, create_app
from auditor.web.backend import Backend
from auditor.web.guard import host_name
from auditor.web.health import Check, Heartbeats
from auditor.web.routes import routers
from auditor.web.server import ListenError, Server
from auditor.web.slack import slack_router

if TYPE_CHECKING:
    from fastapi import FastAPI

    from auditor.config import Config
    from auditor.daemon.systemd import Notifier
    from auditor.redact import Redactor
    from auditor.registry import Registry
    from auditor.scrub import Scrubber

LEADERSHIP = "serve"
# How long a loop may be silent: one that only looks around, and one that asks the store, which may be slow to answer.
_WITHIN = timedelta(minutes=2)
_ASKING = timedelta(minutes=5)
# How much of the drain is kept for what comes after the audits.
_LAST_SECONDS = 2.0

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Ground:
    """What the service stands on. `file` is the configuration, `key` the installation's, `environ` the variables,
    `clock` gives aware UTC times."""

    file: Path
    key: bytes
    registry: Registry
    redactor: Redactor
    scrubber: Scrubber
    notifier: Notifier
    environ: Mapping[str, str]
    clock: Callable[[], datetime]

    def load(self) -> Loaded:
        """Read the files; what is secret in them is never said from then on. Raises ConfigError."""
        loaded = load(self.file, registry=self.registry, environ=self.environ, now=self.clock())
        self.scrubber.learn(secrets_of(loaded.config))
        return loaded


class Service:
    """The whole service on one configuration and one store, from `start` to `stop`."""

    def __init__(self, ground: Ground, loaded: Loaded, store: Store) -> None:
        self._ground = ground
        self._began = False
        self._stopping = False
        self.heartbeats = Heartbeats()
        self.meters = PrometheusMeters(__version__, ground.clock)
        self.leader = Leader(
            store.leadership(LEADERSHIP), changed=self._leads, beat=self.heartbeats.expect("leader", _WITHIN)
        )
        self.probe = Probe(store.check, store.check_writing)
        self.reloader = Reloader(
            loaded,
            load=ground.load,
            taken=self._taken,
            meters=self.meters,
            clock=ground.clock,
            beat=self.heartbeats.expect("reload", _WITHIN),
            busy=self._reading,
        )
        leading, clock = self.leader.is_leading, ground.clock
        self.delivery = Delivery(
            store, leading=leading, meters=self.meters, clock=clock, beat=self.heartbeats.expect("delivery", _ASKING)
        )
        self.alerts = Alerts(
            store, leading=leading, clock=clock, beat=self.heartbeats.expect("alerts", _ASKING), every=EVERY
        )
        keeping = Keeping(store)
        auditing = Auditing(
            store=store,
            registry=ground.registry,
            redactor=ground.redactor,
            sharing=Sharing(),
            meters=self.meters,
            clock=clock,
            loaded=self._loaded,
            recorded=self.delivery.wake,
            keeping=keeping,
        )
        self.jobs = Jobs(
            store,
            auditing,
            meters=self.meters,
            clock=clock,
            leading=leading,
            beat=self.heartbeats.expect("jobs", _ASKING),
        )
        self.runs = AskedRuns(auditing, loaded=self._loaded, clock=clock)
        self.desk = Desk(store, loaded=self._loaded, clock=clock)
        scrape = Scrape(store, self.meters, loaded=self._loaded, usable=lambda: self.probe.usable, clock=clock)
        backend = Backend(
            store=store,
            registry=ground.registry,
            redactor=ground.redactor,
            loaded=self._loaded,
            runs=self.runs,
            clock=clock,
            recorded=self.delivery.wake,
            stopping=lambda: self._stopping,
            keeping=keeping,
        )
        gate = Gate(lambda: self._loaded().config.serve, store, ground.key, clock, self._names)
        self.app = create_app(
            State(self.heartbeats.silent, self.checks, scrape),
            [*routers(), slack_router(self.desk, self.desk)],
            backend=backend,
            access=gate,
            https=lambda: gate.secure,
            may_scrape=gate.may_scrape,
        )
        self._server: Server | None = None
        self._watchdog = self._sign_of_life(ground.notifier)
        count_by(self.meters, loaded.config)

    def start(self) -> None:
        """Begin to work. Raises ConfigError where the store admits only one and that is another, or where the address
        cannot be had; StoreError where it cannot be told whether it is another."""
        config = self._loaded().config
        self.jobs.start(config)
        self.leader.start()
        if self.leader.alone and not self.leader.holds:
            standing = self.leader.standing
            if standing.problem is not None:
                # The lock file may still name who held it last.
                raise StoreError(standing.problem)
            raise _second(config, standing.holder)
        self._server = _listening(self.app, config)
        self.probe.ask()
        self.probe.start()
        self.delivery.use(config)
        self.alerts.use(config)
        self.alerts.start()
        self.desk.use(config)
        self.reloader.start()
        self._server.start()
        if self._watchdog is not None:
            self._watchdog.start()
        self._ground.notifier.ready(self.status)
        _log.info(
            "The service runs.",
            address=self.address,
            version=__version__,
            pid=os.getpid(),
            environments=len(config.environments),
            pairs=len(config.pairs),
        )
        self._began = True
        _say_unscheduled(config)
        _say_readable(config)

    def stop(self) -> bool:
        """Finish what is under way within the configured time; what is left after that is broken off, and lost is
        nothing: an audit is recorded whole or not at all, a notice stays in the outbox until it is accepted.

        False where something could not be broken off."""
        until = time.monotonic() + self._loaded().config.serve.drain.total_seconds() - _LAST_SECONDS
        self._stopping = True
        self._ground.notifier.stopping("finishing what is under way")
        if self._began:
            _log.info("The service stops: it finishes what is under way.", jobs=list(self.jobs.running))
        self.reloader.stop()
        ended = [
            self.jobs.stop(_left(until)),
            self.runs.stop(_left(until)),
            self.delivery.stop(_left(until)),
            self.alerts.stop(_left(until)),
        ]
        self.desk.close()
        self.leader.stop()
        if self._server is not None:
            self._server.stop()
        if self._watchdog is not None:
            self._watchdog.stop()
        clean = all([*ended, self.probe.stop(_LAST_SECONDS)])
        if self._began:
            _log.info("The service has stopped.", clean=clean)
        return clean

    def reload(self) -> None:
        """Read the files again, as SIGHUP asks for."""
        self.reloader.reload()

    def checks(self) -> Mapping[str, Check]:
        """What the service needs to be able to work."""
        checks = {**self.probe.checks, "leader": self._leader_check()}
        return {**checks, "service": Check(False, "it stops")} if self._stopping else checks

    @property
    def address(self) -> str:
        """Where it listens, such as `http://127.0.0.1:9464`; empty before it does."""
        return self._server.address if self._server is not None else ""

    @property
    def status(self) -> str:
        """One line for whoever asks the service manager."""
        role = "leads" if self.leader.is_leading() else "stands by"
        return f"{role}; {len(self._loaded().config.pairs)} pairs; {self.address}"

    def _leader_check(self) -> Check:
        standing = self.leader.standing
        if standing.leads:
            return Check(True, "this copy leads")
        if standing.known:
            return Check(True, f"{standing.holder} leads")
        return Check(False, standing.problem or "nobody leads yet")

    def _leads(self, leads: bool) -> None:
        self.meters.leading(leads)
        if self._stopping:
            return
        if leads:
            self.jobs.resume()
        else:
            self.jobs.pause()
        self.delivery.wake()
        self._ground.notifier.status(self.status)

    def _taken(self, before: Loaded, loaded: Loaded) -> None:
        """A new configuration is in force."""
        config = loaded.config
        count_by(self.meters, config)
        self.jobs.replace(config)
        self.alerts.use(config)
        if before.config.pairs != config.pairs:
            _say_unscheduled(config)
        if (before.config.publish, before.config.serve) != (config.publish, config.serve):
            self.delivery.use(config)
            self.desk.use(config)

    def _loaded(self) -> Loaded:
        return self.reloader.loaded

    def _names(self) -> frozenset[str]:
        """The host names that the service goes by."""
        serve = self._loaded().config.serve
        url = urlsplit(serve.url.get_secret_value()).netloc if serve.url is not None else ""
        return frozenset(name for name in (serve.host.lower(), host_name(url)) if name)

    def _reading(self, reads: bool) -> None:
        if reads:
            self._ground.notifier.reloading()
        else:
            self._ground.notifier.ready(self.status)

    def _sign_of_life(self, notifier: Notifier) -> Loop | None:
        if notifier.watchdog is None:
            return None

        def tell() -> None:
            if not self.heartbeats.silent():
                notifier.alive()

        return Loop("watchdog", tell, interval=notifier.watchdog.total_seconds() / 2, beat=lambda: None)


def serve(ground: Ground) -> bool:
    """Run the service until it is asked to stop. Whether everything came to its end.

    Raises ConfigError for wrong files, a second service beside an SQLite store, an address that cannot be had; and
    StoreError where the store cannot be opened."""
    with asked() as requests:
        loaded = ground.load()
        with Store.open(loaded.config.store, clock=ground.clock) as store:
            service = Service(ground, loaded, store)
            try:
                service.start()
                while requests.get() is not Asked.STOP:
                    service.reload()
            finally:
                clean = service.stop()
            return clean


def _say_readable(config: Config) -> None:
    """What lets people in should not cross a network as it is."""
    url = config.serve.url.get_secret_value() if config.serve.url is not None else ""
    encrypted = url.startswith("https://") or (bool(url) and is_loopback(host_name(urlsplit(url).netloc)))
    if not is_loopback(config.serve.host) and not encrypted:
        _log.warning(
            "Others reach the service over plain HTTP, so tokens and cookies can be read on the way: "
            "put TLS in front of it, and let serve.url be the https address.",
            host=config.serve.host,
        )


def _say_unscheduled(config: Config) -> None:
    """Silence about a pair is no good news where nobody looks at it."""
    idle = [f"{pair.left}/{pair.right}" for pair in config.pairs if pair.schedule is None]
    if len(idle) == len(config.pairs):
        _log.warning("No pair has a schedule: nothing is audited unless somebody asks for it.", pairs=idle)
    elif idle:
        _log.info("Some pairs have no schedule: they are audited only when somebody asks for it.", pairs=idle)


def _listening(app: FastAPI, config: Config) -> Server:
    try:
        return Server(app, config.serve.host, config.serve.port)
    except ListenError as error:
        raise ConfigError([Problem(str(config.file), None, None, "serve", str(error))]) from error


def _second(config: Config, holder: str | None) -> ConfigError:
    first = f" ({holder})" if holder else ""
    message = f"another `audit serve`{first} works on this store, and an SQLite store admits only one"
    remedy = "stop that one, or let `store` name a PostgreSQL database, where any number share the work"
    return ConfigError([Problem(str(config.file), None, None, "store", message, remedy)])


def _left(until: float) -> float:
    return max(until - time.monotonic(), 0.0)
