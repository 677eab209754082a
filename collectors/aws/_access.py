"""Credentials and the clients that use them: a profile, an assumed role, or the default chain. Never asks for an MFA code.

To make a client takes longer than to make ten calls with it, so they outlive a run, as long as everything that decides who
they are stays as it was.
"""

from __future__ import annotations

import os
import re
import threading
import time
import weakref
from collections import OrderedDict, deque
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from functools import cache, partial
from hashlib import blake2b
from pathlib import Path
from typing import Any, TypeAlias

import botocore
import botocore.session
from botocore.config import Config
from botocore.credentials import (
    AssumeRoleCredentialFetcher,
    CredentialProvider,
    CredentialResolver,
    DeferredRefreshableCredentials,
)
from botocore.hooks import HierarchicalEmitter
from botocore.loaders import Loader
from botocore.utils import parse_timestamp

from auditor.errors import CollectError
from auditor.model import GapReason
from collectors._meter import THROTTLED
from collectors.aws._errors import outcome
from collectors.aws._events import Events
from collectors.aws._http import Transport
from collectors.aws._limits import Bucket
from collectors.aws._offered import is_offered
from collectors.aws._options import AwsOptions

# Retries are spread out by the client; how fast the next requests go is the bucket's to decide, which all sources share.
_ATTEMPTS = "standard"
_ONE_ATTEMPT = Config(retries={"mode": _ATTEMPTS, "total_max_attempts": 1})
# Above what a run has under way at once, so that no connection is thrown away after one use.
_CONNECTIONS = 128
# Given whole, so that it is not put together for every request.
_USER_AGENT = f"parity-auditor Botocore/{botocore.__version__}"
_KEPT_SECONDS = 3600.0
_MOST_CLIENTS = 600  # about 0.35 MB each
_MOST_SESSIONS = 100
_SETTINGS = ("AWS_", "BOTO", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY", "HOME", "REQUESTS_CA_BUNDLE")
_ISO = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)\Z", re.ASCII)
_FILES = (("AWS_CONFIG_FILE", "~/.aws/config"), ("AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials"))

Meter: TypeAlias = Callable[[str, str], None]


@dataclass(frozen=True, slots=True)
class Asking:
    """Whom to tell of the answers to what this thread asks."""

    meter: Meter
    bucket: Bucket | None


ASKING: ContextVar[Asking | None] = ContextVar("asking", default=None)


class Models(Loader):  # type: ignore[misc]
    """botocore's descriptions of the services: read-only files, each read once however many threads ask for it at a time."""

    def __init__(self) -> None:
        super().__init__()
        self._reading = threading.RLock()

    def list_available_services(self, type_name: str) -> list[str]:
        with self._reading:
            found: list[str] = super().list_available_services(type_name)
            return found

    def load_service_model(self, service_name: str, type_name: str, api_version: str | None = None) -> Any:
        with self._reading:
            return super().load_service_model(service_name, type_name, api_version)

    def load_data_with_path(self, name: str) -> Any:
        with self._reading:
            return super().load_data_with_path(name)


_models = cache(Models)


class _AssumedRole(CredentialProvider):  # type: ignore[misc]
    """Hands out credentials that assume the role again shortly before they expire."""

    METHOD = "assume-role"
    CANONICAL_NAME = "custom-assume-role"

    def __init__(self, credentials: DeferredRefreshableCredentials) -> None:
        super().__init__()
        self._credentials = credentials

    def load(self) -> DeferredRefreshableCredentials:
        return self._credentials


class Access:
    """One session and its clients, one for each service and region. Safe between threads: clients are, making them is not."""

    def __init__(
        self,
        options: AwsOptions,
        meter: Meter,
        key: bytes,
        within: Access | None,
        made: Callable[[Access, tuple[str, str]], None],
    ) -> None:
        """`meter` is told of what nobody asks for in particular, `made` of every client that is made."""
        self.key = key
        self._made = made
        self.proven: dict[tuple[str | None, ...], Any] = {}
        self._meter = meter
        self._options = options
        self._config = Config(
            connect_timeout=options.connect_timeout,
            read_timeout=options.read_timeout,
            retries={"mode": _ATTEMPTS, "total_max_attempts": options.max_attempts},
            user_agent=_USER_AGENT,
            max_pool_connections=_CONNECTIONS,
        )
        self._lock = threading.Lock()
        self._clients: dict[tuple[str, str], Any] = {}
        self._transport: Transport | None = None
        self.session = self._open(within)

    def client(self, service: str, region: str) -> Any:
        """The one client for `service` in `region`."""
        key = (service, region)
        found = self._clients.get(key)
        if found is not None:
            return found
        with self._lock:
            found = self._clients.get(key)
            if found is not None:
                return found
            # Where there is most likely nobody to ask, one attempt tells.
            config = self._config if self._offers(service, region) else self._config.merge(_ONE_ATTEMPT)
            found = self._clients[key] = self._create(self.session, service, region_name=region, config=config)
        self._made(self, key)
        return found

    def drop(self, key: tuple[str, str]) -> None:
        """Whoever has this client keeps it; whoever asks for it again gets another."""
        self._clients.pop(key, None)

    def offers(self, service: str, region: str) -> bool:
        """Whether the service is sold in the region, as far as is known. A stand-in offers everything."""
        with self._lock:
            return self._offers(service, region)

    def default_region(self) -> str | None:
        """The region of the profile or of the environment."""
        found: str | None = self.session.get_config_variable("region")
        return found

    def _offers(self, service: str, region: str) -> bool:
        return self._options.endpoint_url is not None or is_offered(self.session, service, region)

    def _open(self, within: Access | None) -> Any:
        base = within.session if within is not None else self._new_session()
        _refuse_mfa(base)
        if self._options.role_arn is None:
            return base
        region = next(iter(self._options.regions), base.get_config_variable("region"))
        extra = {"RoleSessionName": self._options.session_name}
        if self._options.external_id is not None:
            extra["ExternalId"] = self._options.external_id.get_secret_value()
        credentials = base.get_credentials()
        if credentials is None:
            raise CollectError(
                GapReason.ACCESS_DENIED,
                f"sts:AssumeRole: no credentials found to assume {self._options.role_arn} with: set profile, or provide "
                "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
            )
        fetcher = AssumeRoleCredentialFetcher(
            client_creator=partial(self._create, base, region_name=region),
            source_credentials=credentials,
            role_arn=self._options.role_arn,
            extra_args=extra,
        )
        assumed = self._new_session()
        refreshing = DeferredRefreshableCredentials(fetcher.fetch_credentials, _AssumedRole.METHOD)
        assumed.register_component("credential_provider", CredentialResolver([_AssumedRole(refreshing)]))
        return assumed

    def _new_session(self) -> Any:
        hooks = HierarchicalEmitter()
        session = botocore.session.Session(profile=self._options.profile, event_hooks=hooks)
        session.register_component("event_emitter", Events(hooks))
        session.register_component("data_loader", _models())
        session.get_component("response_parser_factory").set_parser_defaults(timestamp_parser=moment)
        return session

    def _create(self, session: Any, service: str, **arguments: Any) -> Any:
        arguments.setdefault("config", self._config)
        client = session.create_client(service, endpoint_url=self._options.endpoint_url, **arguments)
        # The event comes once per attempt, so what a retry covers up is counted as well.
        client.meta.events.register("response-received", partial(_answered, service, self._meter))
        client.meta.events.register("before-send", self._transport_of(session).send)
        return client

    def _transport_of(self, session: Any) -> Transport:
        """One for all clients, as what they trust and how long they wait is the same for all."""
        if self._transport is None:
            trusted = session.get_config_variable("ca_bundle") or os.environ.get("REQUESTS_CA_BUNDLE", True)
            self._transport = Transport(trusted, self._options.connect_timeout, self._options.read_timeout)
        return self._transport


class Sessions:
    """What outlives a run. A session is opened anew after an hour, and where the options, a setting in the environment or
    one of AWS's files have changed. `ticks` are seconds since some moment."""

    def __init__(self, ticks: Callable[[], float] = time.monotonic, most_clients: int = _MOST_CLIENTS) -> None:
        self._ticks = ticks
        self._most = most_clients
        self._lock = threading.Lock()
        self._kept: OrderedDict[bytes, tuple[float, Access]] = OrderedDict()
        self._clients: deque[tuple[weakref.ref[Access], tuple[str, str]]] = deque()

    def of(self, options: AwsOptions, meter: Meter, within: Access | None = None) -> tuple[Access, bool]:
        """The session that these options mean, and whether it is one from before. Raises what botocore raises where they
        make no sense."""
        key = _key(options, within)
        with self._lock:
            since, found = self._kept.get(key, (0.0, None))
            if found is not None and self._ticks() - since < _KEPT_SECONDS:
                self._kept.move_to_end(key)
                return found, True
        # Outside of the lock, as it may take its time; of two that come together the later is kept, and both are good.
        made = Access(options, meter, key, within, self._count)
        with self._lock:
            self._kept[key] = (self._ticks(), made)
            self._kept.move_to_end(key)
            while len(self._kept) > _MOST_SESSIONS:
                self._kept.popitem(last=False)
        return made, False

    def forget(self, refused: Access) -> None:
        """Not to be used again by later runs."""
        with self._lock:
            if self._kept.get(refused.key, (0.0, None))[1] is refused:
                del self._kept[refused.key]

    def _count(self, access: Access, key: tuple[str, str]) -> None:
        """However many accounts a run reads, so many clients are there; the oldest have served theirs."""
        with self._lock:
            self._clients.append((weakref.ref(access), key))
            while len(self._clients) > self._most:
                oldest, old = self._clients.popleft()
                if (of := oldest()) is not None:
                    of.drop(old)


def _key(options: AwsOptions, within: Access | None) -> bytes:
    """What decides who we are and how we ask. Whoever assumes a role asks STS in the first of the regions."""
    external = options.external_id.get_secret_value() if options.external_id is not None else None
    chosen = (
        *(options.profile, options.role_arn, external, options.session_name, options.regions[:1]),
        *(options.endpoint_url, options.connect_timeout, options.read_timeout, options.max_attempts),
    )
    found = blake2b(repr(chosen).encode("utf-8", "surrogatepass"), digest_size=16)
    found.update(within.key if within is not None else b"")
    settings = sorted(item for item in os.environ.items() if item[0].upper().startswith(_SETTINGS))
    found.update(repr(settings).encode("utf-8", "surrogatepass"))
    for variable, place in _FILES:
        found.update(b"\0" + _content(Path(os.environ.get(variable) or place)))
    return found.digest()


def _content(path: Path) -> bytes:
    try:
        return path.expanduser().read_bytes()
    except (OSError, RuntimeError):
        return b""


def moment(told: Any) -> datetime:
    """The time that an answer tells. As AWS spells it most often it is read in a fiftieth of the time that botocore takes,
    which tries every spelling there is."""
    if isinstance(told, str) and _ISO.match(told):
        return datetime.fromisoformat(told)
    found: datetime = parse_timestamp(told)
    return found


def _answered(service: str, otherwise: Meter, parsed_response: Any = None, **_: Any) -> None:
    ended = outcome(parsed_response)
    asking = ASKING.get()
    (asking.meter if asking is not None else otherwise)(service, ended)
    if ended == THROTTLED and asking is not None and asking.bucket is not None:
        asking.bucket.throttled()


def _refuse_mfa(session: Any) -> None:
    """A profile that needs an MFA code would make botocore prompt for it in the middle of a run."""
    profiles = session.full_config.get("profiles", {})
    name, seen = session.profile or "default", set[str]()
    while name in profiles and name not in seen:
        seen.add(name)
        if "mfa_serial" in profiles[name]:
            raise CollectError(
                GapReason.ACCESS_DENIED,
                f"profile {name!r} asks for an MFA code, which nobody can type here: "
                "use a profile without mfa_serial, or role_arn with a role that an unattended user may assume",
            )
        name = profiles[name].get("source_profile", "")
