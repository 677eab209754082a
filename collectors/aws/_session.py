"""Who a source is to AWS, for one run: its regions, its account, and the clients of the session behind it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from auditor.errors import CollectError
from auditor.model import GapReason
from collectors.aws._access import ASKING, Access, Asking, Meter, Sessions
from collectors.aws._codes import code_of
from collectors.aws._errors import EXPECTED, REASONS, translate
from collectors.aws._limits import Bucket
from collectors.aws._options import AwsOptions


class Source:
    """One entry under `sources:`, for one run. Safe between threads.

    `meter` is told of every answer, and every lack of one, with the service that was asked. `within` is the source whose
    credentials assume the role, where they are not the profile's: an organization's, of which this is an account.
    `sessions` are those that outlive the run; without them everything is made anew.
    """

    def __init__(
        self,
        options: AwsOptions,
        meter: Meter,
        *,
        within: Source | None = None,
        sessions: Sessions | None = None,
    ) -> None:
        self.options = options
        self._meter = meter
        self._sessions = sessions or Sessions()
        self._outer: Access | None = within._access if within is not None else None
        try:
            self._access: Access
            self._access, self._from_before = self._sessions.of(options, meter, self._outer)
        except EXPECTED as error:
            raise translate(error, "sts", "GetCallerIdentity", "the AWS configuration", known=False) from error
        self.regions = self._regions()

    def client(self, service: str, region: str) -> Any:
        """The one client of this source for `service` in `region`."""
        return self._access.client(service, region)

    def offers(self, service: str, region: str) -> bool:
        """Whether the service is sold in the region, as far as is known. A stand-in offers everything."""
        return self._access.offers(service, region)

    @property
    def proven(self) -> dict[tuple[str | None, ...], Any]:
        """Answers that stay true as long as what they are found by; as long-lived as the session."""
        return self._access.proven

    @contextmanager
    def asking(self, bucket: Bucket | None = None) -> Iterator[None]:
        """Within it, this thread's answers are told to the source's meter, and those that throttle to the bucket."""
        before = ASKING.set(Asking(self._meter, bucket))
        try:
            yield
        finally:
            ASKING.reset(before)

    def account(self) -> str:
        """The account id behind the credentials. Raises CollectError when no region's STS accepts them."""
        try:
            return self._any_account()
        except CollectError:
            # What was kept from an earlier run may have been replaced since, in a place that cannot be looked at.
            if not self._from_before:
                raise
            self._sessions.forget(self._access)
            self._access, self._from_before = self._sessions.of(self.options, self._meter, self._outer)
            return self._any_account()

    def _any_account(self) -> str:
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
            with self.asking():
                answer = self.client("sts", region).get_caller_identity()
            return str(answer["Account"])
        except EXPECTED as error:
            raise translate(error, "sts", "GetCallerIdentity", region, known=False) from error

    def _regions(self) -> tuple[str, ...]:
        if self.options.regions:
            return self.options.regions
        region = self._access.default_region()
        if not region:
            raise CollectError(
                GapReason.UNSUPPORTED, "no region is set: list regions under this source, or set AWS_REGION"
            )
        return (str(region),)


def _maybe_this_region_only(error: CollectError) -> bool:
    if error.reason is GapReason.UNREACHABLE:
        return True
    cause = error.__cause__
    return cause is not None and REASONS.get(code_of(cause)) is GapReason.ACCESS_DENIED
