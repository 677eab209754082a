"""One source's credentials and clients: a profile, an assumed role, or the default chain. Never asks for an MFA code."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import cache, partial
from typing import Any

import botocore.session
from botocore.config import Config
from botocore.credentials import (
    AssumeRoleCredentialFetcher,
    CredentialProvider,
    CredentialResolver,
    DeferredRefreshableCredentials,
)
from botocore.loaders import create_loader

from auditor.errors import CollectError
from auditor.model import GapReason
from collectors.aws._codes import code_of
from collectors.aws._errors import EXPECTED, REASONS, outcome, translate
from collectors.aws._offered import is_offered
from collectors.aws._options import AwsOptions

_ONE_ATTEMPT = Config(retries={"mode": "standard", "total_max_attempts": 1})


@cache
def _models() -> Any:
    """botocore's descriptions of the services: read-only files, parsed once instead of once per source."""
    return create_loader()


class _AssumedRole(CredentialProvider):  # type: ignore[misc]
    """Hands out credentials that assume the role again shortly before they expire."""

    METHOD = "assume-role"
    CANONICAL_NAME = "custom-assume-role"

    def __init__(self, credentials: DeferredRefreshableCredentials) -> None:
        super().__init__()
        self._credentials = credentials

    def load(self) -> DeferredRefreshableCredentials:
        return self._credentials


class Source:
    """The sessions and clients of one entry under `sources:`. Safe between threads: clients are, making them is not.

    `meter` is told of every answer, and every lack of one, with the service that was asked. `within` is the source whose
    credentials assume the role, where they are not the profile's: an organization's, of which this is an account.
    """

    def __init__(self, options: AwsOptions, meter: Callable[[str, str], None], *, within: Source | None = None) -> None:
        self.options = options
        self._within = within
        self._meter = meter
        self._config = Config(
            connect_timeout=options.connect_timeout,
            read_timeout=options.read_timeout,
            retries={"mode": "adaptive", "total_max_attempts": options.max_attempts},
            user_agent_extra="parity-auditor",
            max_pool_connections=32,
        )
        self._lock = threading.Lock()
        self._clients: dict[tuple[str, str], Any] = {}
        try:
            self._session = self._open()
        except EXPECTED as error:
            raise translate(error, "sts", "GetCallerIdentity", "the AWS configuration", known=False) from error
        self.regions = self._regions()

    def client(self, service: str, region: str) -> Any:
        """The one client of this source for `service` in `region`."""
        with self._lock:
            key = (service, region)
            if key not in self._clients:
                # Where there is most likely nobody to ask, one attempt tells.
                config = self._config if self._offers(service, region) else self._config.merge(_ONE_ATTEMPT)
                self._clients[key] = self._create(self._session, service, region_name=region, config=config)
            return self._clients[key]

    def offers(self, service: str, region: str) -> bool:
        """Whether the service is sold in the region, as far as is known. A stand-in offers everything."""
        with self._lock:
            return self._offers(service, region)

    def _offers(self, service: str, region: str) -> bool:
        return self.options.endpoint_url is not None or is_offered(self._session, service, region)

    def account(self) -> str:
        """The account id behind the credentials. Raises CollectError when no region's STS accepts them."""
        for region in self.regions[:-1]:
            try:
                return self._ask_account(region)
            except CollectError as error:
                # A region that the account has not enabled refuses good credentials; the next one may accept them.
                if not _maybe_this_region_only(error):
                    raise
        return self._ask_account(self.regions[-1])

    def _ask_account(self, region: str) -> str:
        try:
            answer = self.client("sts", region).get_caller_identity()
            return str(answer["Account"])
        except EXPECTED as error:
            raise translate(error, "sts", "GetCallerIdentity", region, known=False) from error

    def _regions(self) -> tuple[str, ...]:
        if self.options.regions:
            return self.options.regions
        region = self._session.get_config_variable("region")
        if not region:
            raise CollectError(
                GapReason.UNSUPPORTED, "no region is set: list regions under this source, or set AWS_REGION"
            )
        return (str(region),)

    def _open(self) -> Any:
        base = self._within._session if self._within is not None else self._new_session()
        _refuse_mfa(base)
        if self.options.role_arn is None:
            return base
        region = next(iter(self.options.regions), base.get_config_variable("region"))
        extra = {"RoleSessionName": self.options.session_name}
        if self.options.external_id is not None:
            extra["ExternalId"] = self.options.external_id.get_secret_value()
        credentials = base.get_credentials()
        if credentials is None:
            raise CollectError(
                GapReason.ACCESS_DENIED,
                f"sts:AssumeRole: no credentials found to assume {self.options.role_arn} with: set profile, or provide "
                "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
            )
        fetcher = AssumeRoleCredentialFetcher(
            client_creator=partial(self._create, base, region_name=region),
            source_credentials=credentials,
            role_arn=self.options.role_arn,
            extra_args=extra,
        )
        assumed = self._new_session()
        refreshing = DeferredRefreshableCredentials(fetcher.fetch_credentials, _AssumedRole.METHOD)
        assumed.register_component("credential_provider", CredentialResolver([_AssumedRole(refreshing)]))
        return assumed

    def _new_session(self) -> Any:
        session = botocore.session.Session(profile=self.options.profile)
        session.register_component("data_loader", _models())
        return session

    def _create(self, session: Any, service: str, **arguments: Any) -> Any:
        arguments.setdefault("config", self._config)
        client = session.create_client(service, endpoint_url=self.options.endpoint_url, **arguments)
        # The event comes once per attempt, so what a retry covers up is counted as well.
        client.meta.events.register("response-received", partial(self._count, service))
        return client

    def _count(self, service: str, parsed_response: Any = None, **_: Any) -> None:
        self._meter(service, outcome(parsed_response))


def _maybe_this_region_only(error: CollectError) -> bool:
    if error.reason is GapReason.UNREACHABLE:
        return True
    cause = error.__cause__
    return cause is not None and REASONS.get(code_of(cause)) is GapReason.ACCESS_DENIED


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
