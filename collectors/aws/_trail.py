"""Asks CloudTrail's event history who made a change. Permission: `cloudtrail:LookupEvents`; no trail has to be set up.

Two requests a second are all that AWS allows per account and region, so little is asked: the writes to the resource by
the names that it goes by and, since not every service tells CloudTrail which resources an event is about, the last
writes of the account within the window, once for all findings that share it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from auditor.collector import Context, Inquiry
from auditor.errors import CollectError
from auditor.model import Author, GapReason, Moved, Resource
from collectors._meter import ERROR
from collectors.aws._errors import BROKEN_ANSWER, EXPECTED, translate
from collectors.aws._limits import bucket
from collectors.aws._options import LOOKUP, AwsOptions
from collectors.aws._organization import Account, member_options
from collectors.aws._registry import services
from collectors.aws._session import Source
from collectors.aws._trail_events import Record, likeliest, record_of
from collectors.aws._written import partition
from collectors.aws.base import action

PER_SECOND = 2.0
# Whoever upgrades a database may ask for it days before its weekly maintenance window.
LEAD = timedelta(days=8)
# A snapshot's time is when its run began: what was read minutes later may hold what was changed meanwhile.
RUN = timedelta(minutes=10)
SKEW = timedelta(minutes=2)
# An event can be looked up within about a quarter of an hour, and for 90 days.
DELIVERY = timedelta(minutes=15)
KEPT = timedelta(days=90)

_NAMES = 3
_PAGES = 4
_ID = re.compile(r"\A[a-z]{1,8}-[0-9a-f]{8,17}\Z")
_GLOBAL = "us-east-1"
_NOT_A_RECORD = (ValueError, KeyError, TypeError, RecursionError)
# CloudTrail's name of a service where it is not IAM's.
_EVENT_SOURCES = {"cloudwatch": "monitoring", "s3control": "s3"}


@dataclass(frozen=True, slots=True)
class _Found:
    """What one lookup gave, newest first. `whole`: there was no more of it than was read, and all was understood."""

    records: tuple[Record, ...]
    whole: bool


class Trail:
    """The event history of one `aws` source. For one audit; answers are remembered within it."""

    def __init__(self, options: AwsOptions, context: Context, inquiry: Inquiry) -> None:
        # It is not worth much of an audit's time: one retry, and no long waiting for an answer.
        patience = {
            "max_attempts": min(options.max_attempts, 2),
            "read_timeout": min(options.read_timeout, 10.0),
            "connect_timeout": min(options.connect_timeout, 3.0),
        }
        self._options = options.model_copy(update=patience)
        self._source = Source(self._options, context.meter)
        self._members: dict[str, Source] = {}
        self._context = context
        self._inquiry = inquiry
        self._rate = min(PER_SECOND, options.requests_per_second)
        self._known: dict[tuple[object, ...], _Found] = {}

    def author(self, resource: Resource, moved: Moved) -> Author | None:
        """Raises CollectError when CloudTrail cannot be asked about the resource's account and region."""
        now = self._inquiry.clock()
        if resource.account is None:
            return Author(unknown="the account of the resource is not known")
        if moved.by < now - KEPT:
            return Author(unknown="CloudTrail can be asked for 90 days back only")
        place = _Place(resource.account, resource.region or _GLOBAL)
        since, until = moved.after - SKEW, min(moved.by + RUN, now)
        source = _event_source(resource.kind)
        whole = True
        for name in _lookup_names(resource):
            found = self._look(place, "ResourceName", name, max(moved.after - LEAD, now - KEPT + SKEW), until)
            own = [record for record in found.records if record.source == source]
            if best := likeliest(own, moved.old, moved.new, since, until):
                return best.author
            whole = whole and found.whole
        found = self._look(place, "ReadOnly", "false", max(since, now - KEPT + SKEW), until)
        names = _names(resource)
        own = [record for record in found.records if record.source == source and record.mentions(names)]
        if best := likeliest(own, moved.old, moved.new, since, until):
            return best.author
        return _nobody(now, until, whole=whole and found.whole)

    def _look(self, place: _Place, key: str, value: str, start: datetime, end: datetime) -> _Found:
        asked = (place, key, value, start, end)
        if asked not in self._known:
            self._known[asked] = self._records(place, key, value, start, end)
        return self._known[asked]

    def _records(self, place: _Place, key: str, value: str, start: datetime, end: datetime) -> _Found:
        records: list[Record] = []
        whole = True
        token: str | None = None
        for _ in range(_PAGES):
            arguments = {"NextToken": token} if token else {}
            page = self._ask(
                place,
                LookupAttributes=[{"AttributeKey": key, "AttributeValue": value}],
                StartTime=start,
                EndTime=end,
                MaxResults=50,
                **arguments,
            )
            for event in page["Events"]:
                try:
                    record = record_of(event)
                except _NOT_A_RECORD:
                    whole = False
                    continue
                if record is not None:
                    records.append(record)
            token = page.get("NextToken")
            if not token:
                return _Found(tuple(records), whole)
        return _Found(tuple(records), whole=False)

    def _of(self, account: str) -> Source:
        """Whom to ask about an account: an account of an organization keeps records of its own."""
        if self._options.organization is None:
            return self._source
        if account not in self._members:
            options = member_options(self._options, Account(account, "", partition(self._source.regions[0])))
            self._members[account] = Source(options, self._context.meter, within=self._source)
        return self._members[account]

    def _ask(self, place: _Place, **arguments: Any) -> dict[str, Any]:
        turns = bucket(
            self._context.shared,
            place.account,
            place.region,
            "cloudtrail",
            self._rate,
            burst=1.0,
            ticks=self._inquiry.ticks,
        )
        self._inquiry.take(turns.reserve())
        try:
            page: dict[str, Any] = self._of(place.account).client("cloudtrail", place.region).lookup_events(**arguments)
        except EXPECTED as error:
            if isinstance(error, BROKEN_ANSWER):  # the client gave up on it before anybody could count it
                self._context.meter("cloudtrail", ERROR)
            raise _told(translate(error, "cloudtrail", "LookupEvents", place.region, known=True), place) from error
        if not isinstance(page.get("Events"), list):
            call = f"{LOOKUP} in {place.region}"
            raise CollectError(GapReason.MALFORMED, f"{call}: an answer without Events")
        return page


@dataclass(frozen=True, slots=True)
class _Place:
    account: str
    region: str


def _told(error: CollectError, place: _Place) -> CollectError:
    """With the remedy that there is here: the rate is AWS's own, and nobody has to ask."""
    if error.reason is GapReason.ACCESS_DENIED:
        return CollectError(error.reason, f"{error.detail}, or set cloudtrail: false")
    if error.reason is GapReason.THROTTLED:
        return CollectError(error.reason, f"{LOOKUP} in {place.region}: throttled, since others ask it, too")
    return error


def _nobody(now: datetime, until: datetime, *, whole: bool) -> Author:
    if now < until + DELIVERY:
        return Author(unknown="CloudTrail has no such event yet, which may take a quarter of an hour", ask_again=True)
    if not whole:
        return Author(
            unknown="CloudTrail has more events of that time than were looked through, and none of these fits"
        )
    return Author(unknown="CloudTrail has no event that changed it then; AWS may have done it by itself")


def _event_source(kind: str) -> str:
    """`rds.amazonaws.com` of `aws.rds.instance`."""
    service = next(
        (one.service for kinds in services().values() for one in kinds if one.name == kind), kind.split(".")[1]
    )
    named = action(service, "").partition(":")[0]
    return f"{_EVENT_SOURCES.get(named, named)}.amazonaws.com"


def _lookup_names(resource: Resource) -> list[str]:
    """What CloudTrail may know it by, the likeliest first: its name, its id, its ARN."""
    ids = [ref for ref in resource.refs if _ID.match(ref)]
    plain = [ref for ref in resource.refs if _is_name(ref) and ref not in ids]
    arns = [resource.location] if resource.location and resource.location.startswith("arn:") else []
    return list(dict.fromkeys([*ids[:2], resource.identity, *arns, *plain]))[:_NAMES]


def _names(resource: Resource) -> list[str]:
    """Everything that a request may call it."""
    found: Iterator[str] = (ref for ref in resource.refs if _is_name(ref) or ref.startswith("arn:"))
    # A service is called by its own name within its cluster.
    own = resource.identity.rpartition("/")[2] if not resource.identity.startswith("/") else resource.identity
    return list(dict.fromkeys([resource.identity, own, *([resource.location] if resource.location else []), *found]))


def _is_name(ref: str) -> bool:
    return not ref.startswith("arn:") and "://" not in ref and not ref.endswith(".amazonaws.com")
