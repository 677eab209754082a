"""CloudTrail asked for who made a change, against a stand-in that speaks its protocol: real HTTP, real signatures."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from auditor.collector import Context, Inquiry
from auditor.errors import CollectError
from auditor.model import ABSENT, Author, GapReason, Moved, Resource
from collectors.aws import COLLECTOR, AwsOptions
from collectors.aws._trail import _event_source
from tests.collectors.aws.reading import CREDENTIALS
from tests.standins import trail_records as made
from tests.standins.cloudtrail import ACCOUNT, DENIED, SORRY, THROTTLED, Trail, cloudtrail, good

AFTER = datetime(2026, 11, 17, 9, 0, tzinfo=UTC)
BY = datetime(2026, 11, 17, 9, 15, tzinfo=UTC)
AT = datetime(2026, 11, 17, 9, 5, tzinfo=UTC)
REGION = "eu-west-1"
LOOKUP = f"cloudtrail:LookupEvents in {REGION}"


@dataclass
class Time:
    """A clock that only moves when somebody waits."""

    now: datetime = BY + timedelta(hours=1)
    ticks: float = 0.0
    turns: list[float] = field(default_factory=list)

    def take(self, seconds: float) -> None:
        self.ticks += seconds
        self.turns.append(self.ticks)


@pytest.fixture(autouse=True)
def _credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_PROFILE", raising=False)


@pytest.fixture
def trail() -> Iterator[Trail]:
    with cloudtrail() as found:
        yield found


def moved(old: Any = "15.4", new: Any = "15.8", after: datetime = AFTER, by: datetime = BY) -> Moved:
    return Moved("right", "prod", after, by, old, new, "s2")


def database(name: str = "orders", region: str = REGION, **changes: Any) -> Resource:
    arn = f"arn:aws:rds:{region}:{ACCOUNT}:db:{name}"
    refs = (arn, f"{name}.abcdef.{region}.rds.amazonaws.com", "db-ABCDEFGHIJKLMNOP")
    given: dict[str, Any] = {"region": region, "account": ACCOUNT, "refs": refs, "location": arn, **changes}
    return Resource("aws.rds.instance", name, {}, source="aws:prod", **given)


class Asker:
    """One audit's witness, and the time that it lives in."""

    def __init__(self, trail: Trail, time: Time | None = None, shared: dict[str, Any] | None = None) -> None:
        self.time = time or Time()
        self.counted: list[tuple[str, str]] = []
        context = Context(
            "prod", Path(), shared={} if shared is None else shared, meter=lambda *what: self.counted.append(what)
        )
        inquiry = Inquiry(lambda: self.time.now, self.time.take, lambda: self.time.ticks)
        options = AwsOptions(regions=(REGION,), endpoint_url=trail.endpoint_url, max_attempts=2)
        witness = COLLECTOR.witness(options, context, inquiry)
        assert witness is not None
        self.ask = witness.author


def test_the_change_of_a_resource_is_found_by_its_name(trail: Trail) -> None:
    """On whichever page it stands, among reads, refused calls, and events about things of another service."""
    trail.page_size = 2
    refused = made.engine_upgraded(AT + timedelta(minutes=1), "orders", "15.8") | {"errorCode": "InvalidParameterValue"}
    looked = made.record("rds", "DescribeDBInstances", AT, made.user("bo"), readOnly=True)
    other = made.record("backup", "StartBackupJob", AT + timedelta(minutes=2), made.user("bo"))
    tagged = made.record("rds", "AddTagsToResource", AT + timedelta(minutes=3), made.user("bo"))
    upgraded = made.engine_upgraded(AT, "orders", "15.8")
    for record in (refused, looked, other, tagged, upgraded):
        trail.add(REGION, record, "orders", f"arn:aws:rds:{REGION}:{ACCOUNT}:db:orders")
    asker = Asker(trail)
    assert asker.ask(database(), moved()) == Author(
        "deploy/ada", "rds:ModifyDBInstance", AT, "console", upgraded["eventID"]
    )
    assert [(one.key, one.value, one.page) for one in trail.asked] == [
        ("ResourceName", "orders", page) for page in range(3)
    ]
    assert (trail.asked[0].start, trail.asked[0].end) == (AFTER - timedelta(days=8), BY + timedelta(minutes=10))
    assert asker.counted == [("cloudtrail", "ok")] * 3
    newest = asker.ask(database(), moved(2, 1))
    assert newest is not None
    assert newest.event == "rds:ModifyDBInstance"
    assert len(trail.asked) == 3  # what is known within the audit is not asked again


def test_every_kind_of_resource_is_known_to_its_own_service(trail: Trail) -> None:
    """A fleet by its instances, a parameter by its name, a service of ECS, for which no resource is listed, by its request."""
    instance = "i-0abc0abc0abc0abc0"
    trail.add(REGION, made.scaled(AT, instance), instance)
    trail.add(REGION, made.parameter_put(AT, "/shop/mode"), "/shop/mode")
    trail.add(REGION, made.service_updated(AT, "shop", "api"))
    trail.add(REGION, made.service_updated(AT + timedelta(minutes=1), "shop", "worker"))
    where: dict[str, Any] = {"region": REGION, "account": ACCOUNT}
    asker = Asker(trail)

    def who(kind: str, identity: str, **more: Any) -> str | None:
        author = asker.ask(Resource(kind, identity, {}, **where, **more), moved(2, 4))
        return author.principal if author else None

    assert who("aws.ec2.fleet", "web", refs=(instance,)) == "AWSServiceRoleForAutoScaling/AutoScaling"
    assert who("aws.ssm.parameter", "/shop/mode") == "linus"
    assert who("aws.ecs.service", "shop/api") == "PlatformAdmin/ada@example.com"
    asked = len(trail.asked)
    assert who("aws.ecs.service", "shop/worker") == "PlatformAdmin/ada@example.com"
    assert [one.key for one in trail.asked[asked:]] == ["ResourceName"]  # the last writes were read once for all


def test_each_region_has_its_own_history(trail: Trail) -> None:
    """The same name in another region is another thing."""
    trail.add("eu-west-1", made.engine_upgraded(AT, "orders", "15.8"), "orders")
    trail.add("us-east-1", made.record("rds", "ModifyDBInstance", AT, made.user("bo")), "orders")
    asker = Asker(trail)
    first, second = (asker.ask(database(region=region), moved()) for region in ("eu-west-1", "us-east-1"))
    assert (first.principal, second.principal) == ("deploy/ada", "bo")  # type: ignore[union-attr]
    assert [one.region for one in trail.asked] == ["eu-west-1", "us-east-1"]


def test_no_more_than_two_requests_a_second_go_to_an_account_and_region(trail: Trail) -> None:
    """Of all audits of the process together; another region has its own two."""
    time, shared = Time(), dict[str, Any]()
    for name in ("a", "b", "c"):
        Asker(trail, time, shared).ask(database(name), moved())
    assert len(time.turns) == len(trail.asked) == 12  # by name, by ARN, by id, and the writes of the window
    for turn in range(10):
        assert time.turns[turn + 2] - time.turns[turn] >= 1.0
    before = time.ticks
    trail.add("us-east-1", made.engine_upgraded(AT, "a", "15.8"), "a")
    Asker(trail, time, shared).ask(database("a", "us-east-1"), moved())
    assert time.ticks == before


def test_what_is_not_known_is_said(trail: Trail) -> None:
    """Nothing there, nothing there yet, nothing kept so long, too much to look through, and nothing that can be read."""
    trail.add(REGION, made.engine_upgraded(AT, "other", "15.8"), "other")
    recent = Time(now=BY + timedelta(minutes=5))
    old = Time(now=BY + timedelta(days=91))

    def told(asker: Asker, resource: Resource | None = None) -> tuple[str, bool]:
        author = asker.ask(resource or database(), moved())
        assert author is not None
        assert author.principal is None
        return author.unknown, author.ask_again

    assert told(Asker(trail)) == ("CloudTrail has no event that changed it then; AWS may have done it by itself", False)
    assert told(Asker(trail, recent)) == (
        "CloudTrail has no such event yet, which may take a quarter of an hour",
        True,
    )
    assert max(one.end for one in trail.asked) <= BY + timedelta(minutes=10)
    asked = len(trail.asked)
    assert told(Asker(trail, old)) == ("CloudTrail can be asked for 90 days back only", False)
    assert told(Asker(trail), database(account=None)) == ("the account of the resource is not known", False)
    assert len(trail.asked) == asked
    for number in range(9):
        trail.add(REGION, made.parameter_put(AT + timedelta(seconds=number), f"/p/{number}"))
    trail.page_size = 2
    too_many = "CloudTrail has more events of that time than were looked through, and none of these fits"
    assert told(Asker(trail)) == (too_many, False)
    trail.replies[REGION] = [good({"Events": [{"CloudTrailEvent": "[" * 50_000}, {}]})]
    trail.page_size = 50
    assert told(Asker(trail)) == (too_many, False)


@pytest.mark.parametrize(
    ("replies", "reason", "text", "counted"),
    [
        (
            [DENIED],
            GapReason.ACCESS_DENIED,
            f"{LOOKUP}: AccessDeniedException; allow cloudtrail:LookupEvents, or set cloudtrail: false",
            ["denied"],
        ),
        (
            [THROTTLED, THROTTLED],
            GapReason.THROTTLED,
            f"{LOOKUP}: throttled, since others ask it, too",
            ["throttled", "throttled"],
        ),
        (
            [SORRY, SORRY],
            GapReason.MALFORMED,
            f"{LOOKUP}: 500; the answer is not one that AWS gives, look at endpoint_url or a proxy",
            ["error", "error"],
        ),
        ([good({})], GapReason.MALFORMED, f"{LOOKUP}: an answer without Events", ["ok"]),
    ],
)
def test_what_cannot_be_asked_is_an_error_with_a_remedy(
    trail: Trail, replies: list[Any], reason: GapReason, text: str, counted: list[str]
) -> None:
    """In our words, after one retry at most where that may help, and every request counted."""
    trail.replies[REGION] = list(replies)
    asker = Asker(trail)
    with pytest.raises(CollectError) as caught:
        asker.ask(database(), moved())
    assert (caught.value.reason, caught.value.detail) == (reason, text)
    assert asker.counted == [("cloudtrail", outcome) for outcome in counted]


def test_one_retry_gets_over_a_short_throttling(trail: Trail) -> None:
    """Others ask CloudTrail, too."""
    trail.replies[REGION] = [THROTTLED]
    trail.add(REGION, made.engine_upgraded(AT, "orders", "15.8"), "orders")
    author = Asker(trail).ask(database(), moved())
    assert author is not None
    assert author.principal == "deploy/ada"


def test_nobody_is_asked_where_that_is_not_wanted() -> None:
    """And then no permission is needed for it."""
    off, on = (AwsOptions(services=("rds",), cloudtrail=wanted) for wanted in (False, True))
    assert COLLECTOR.witness(off, Context("prod", Path()), Inquiry(lambda: BY, lambda _: None)) is None
    needed = set(COLLECTOR.permissions_for(on)) - set(COLLECTOR.permissions_for(off))
    assert needed == {"cloudtrail:LookupEvents"}


def test_who_removed_a_resource_is_found(trail: Trail) -> None:
    """Its last snapshot still knows by which names it went."""
    trail.add(REGION, made.record("rds", "DeleteDBInstance", AT, made.user("bo")), "orders")
    author = Asker(trail).ask(database(), moved(True, ABSENT))
    assert author is not None
    assert (author.principal, author.event) == ("bo", "rds:DeleteDBInstance")


def test_a_service_is_looked_up_by_the_name_that_cloudtrail_gives_it() -> None:
    """Mostly IAM's; alarms are recorded as what they were called first."""
    kinds = ("aws.rds.instance", "aws.cloudwatch.alarm", "aws.s3.account", "aws.ec2.vpc", "aws.servicequotas.quota")
    found = [_event_source(kind).removesuffix(".amazonaws.com") for kind in kinds]
    assert found == ["rds", "monitoring", "s3", "ec2", "servicequotas"]
