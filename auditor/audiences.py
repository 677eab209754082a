"""Who is told: the targets that `publish` of the configuration names, and which of them a finding is for. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from auditor.model import Category, Severity
from auditor.quiet import QuietHours

if TYPE_CHECKING:
    from auditor.model import Breach
    from auditor.settings import PublishSettings, SlackSettings


@dataclass(frozen=True, slots=True)
class Route:
    """Another address for the findings that fit every condition that is not empty."""

    address: str
    severities: frozenset[Severity] = frozenset()
    categories: frozenset[Category] = frozenset()
    environments: frozenset[str] = frozenset()
    owners: frozenset[str] = frozenset()

    def fits(self, breach: Breach) -> bool:
        """Whether a finding goes this way. Owners are compared whatever their case."""
        return (
            (not self.severities or breach.severity in self.severities)
            and (not self.categories or breach.category in self.categories)
            and self.fits_pair(breach.left.environment, breach.right.environment)
            and (not self.owners or (breach.owner or "").casefold() in self.owners)
        )

    def fits_pair(self, left: str, right: str) -> bool:
        return not self.environments or left in self.environments or right in self.environments

    @property
    def of_findings_only(self) -> bool:
        """Whether it asks for what only findings have, so that nothing else goes this way."""
        return bool(self.severities or self.categories or self.owners)


@dataclass(frozen=True, slots=True)
class Audience:
    """One far side and its addresses.

    publisher      the name of the publisher; a target is `publisher:address`
    address        where goes what no route takes
    conversational one message per cause, replies to it, quiet hours; else one event per audit
    gaps           whether it is told what cannot be observed
    digest         where the digest goes; None: nowhere
    """

    publisher: str
    address: str
    min_severity: Severity
    conversational: bool = False
    gaps: bool = True
    routes: tuple[Route, ...] = ()
    quiet: QuietHours | None = None
    digest: str | None = None
    digest_zone: ZoneInfo | None = None

    def target(self, breach: Breach) -> str:
        """Where a finding is told: the first route that fits, else the audience's own address."""
        address = next((route.address for route in self.routes if route.fits(breach)), self.address)
        return f"{self.publisher}:{address}"

    def target_of_pair(self, left: str, right: str) -> str:
        """Where something is told that concerns a pair as a whole."""
        fitting = (route for route in self.routes if route.fits_pair(left, right) and not route.of_findings_only)
        return f"{self.publisher}:{next((route.address for route in fitting), self.address)}"

    def owns(self, target: str) -> bool:
        return target.startswith(f"{self.publisher}:")


def audiences(publish: PublishSettings) -> tuple[Audience, ...]:
    """Everybody whom the configuration names."""
    found: list[Audience] = []
    if publish.slack:
        found.append(_slack(publish.slack))
    if publish.webhook:
        host = _host(publish.webhook.url.get_secret_value())
        found.append(Audience("webhook", host, publish.webhook.min_severity))
    if publish.alertmanager:
        host = _host(publish.alertmanager.url.get_secret_value())
        found.append(Audience("alertmanager", host, publish.alertmanager.min_severity, gaps=False))
    return tuple(found)


def _slack(slack: SlackSettings) -> Audience:
    routes = tuple(
        Route(
            route.channel,
            frozenset(route.severities),
            frozenset(route.categories),
            frozenset(route.environments),
            frozenset(owner.casefold() for owner in route.owners),
        )
        for route in slack.routes
    )
    hours = slack.quiet_hours
    quiet = QuietHours(hours.start, hours.end, ZoneInfo(hours.timezone), hours.unless) if hours else None
    digest = slack.digest
    return Audience(
        "slack",
        slack.channel,
        slack.min_severity,
        conversational=True,
        routes=routes,
        quiet=quiet,
        digest=(digest.channel or slack.channel) if digest else None,
        digest_zone=ZoneInfo(digest.timezone) if digest else None,
    )


def _host(url: str) -> str:
    """Of a URL, what may be kept and shown: paths and queries of hooks are often secrets, and so is a user's part."""
    return urlsplit(url).netloc.rpartition("@")[2]
