"""Whom to tell what: the right ones once, nobody twice, and nobody of what is not worth a message."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from auditor.audiences import Audience, Route, audiences
from auditor.model import Category, Severity, Side
from auditor.notices import Happening, NoticeKind, Telling, Why
from auditor.notify import teller_of
from auditor.quiet import QuietHours
from auditor.settings import PublishSettings
from tests.store.samples import breach
from tests.telling import HOOK, SLACK, World, gap, news, said, several

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


def whys(telling: Telling) -> list[tuple[str, bool, Why]]:
    """What was decided of each finding."""
    return [(decision.what.removeprefix("fp-"), decision.told, decision.why) for decision in telling.decisions]


def kinds(telling: Telling) -> list[NoticeKind]:
    return [notice.kind for notice in telling.notices]


def test_a_new_finding_opens_a_topic_and_is_told_once() -> None:
    """The audit that finds it makes one message; the next one, which finds it again, makes none."""
    world = World()
    first = world.audit(breach("orders"))
    (topic,), (notice,) = first.topics, first.notices
    assert (topic.target, topic.title, topic.cause_key) == ("slack:#parity", "runs on another engine", None)
    assert (notice.kind, notice.topic, notice.target) == (NoticeKind.OPEN, topic.id, topic.target)
    assert said(notice) == [("orders", Happening.NEW)]
    assert first.members == ((topic.id, "fp-orders"),)
    assert whys(first) == [("orders", True, Why.OPENS)]
    assert world.audit(breach("orders")) == Telling()


def test_the_same_audit_decided_again_has_the_same_ids() -> None:
    """A conflict makes the pipeline decide again, a crash may repeat it: that must not tell twice."""
    one, other = World().audit(*several(3)), World().audit(*several(3))
    assert one == other
    assert len({notice.id for notice in one.notices}) == 3


def test_the_same_finding_at_another_audit_has_another_id() -> None:
    """It came back: that is another message."""
    world = World()
    first, _, third = world.audit(breach("a")), world.audit(), world.audit(breach("a"))
    assert first.notices[0].id != third.notices[0].id


def test_a_pending_finding_is_told_to_nobody_until_it_is_open() -> None:
    """What a rule tolerates for a while is not news, and what goes away within that time never was."""
    world = World()
    waiting = replace(breach("slow"), tolerated_for=HOUR)
    assert whys(world.audit(waiting, replace(breach("gone"), tolerated_for=HOUR))) == [
        ("slow", False, Why.TOLERATED),
        ("gone", False, Why.TOLERATED),
    ]
    later = world.audit(waiting, after=HOUR)
    assert whys(later) == [("gone", False, Why.NEVER_FOUND), ("slow", True, Why.OPENS)]
    assert said(later.notices[0]) == [("slow", Happening.NEW)]


def test_a_resolved_finding_replies_into_its_topic_and_closes_it() -> None:
    """The conversation ends where it began."""
    world = World()
    topic = world.audit(breach("orders")).topics[0].id
    done = world.audit()
    assert (kinds(done), done.notices[0].topic, done.closed) == ([NoticeKind.REPLY], topic, (topic,))
    assert said(done.notices[0]) == [("orders", Happening.RESOLVED)]


def test_a_topic_stays_open_while_one_of_its_findings_does() -> None:
    """Several changes of one topic in one audit are one reply; the last one closes it."""
    world = World()
    three = several(3, cause_key="k", cause="3 engines differ")
    (topic,) = world.audit(*three).topics
    assert (topic.title, topic.cause_key) == ("3 engines differ", "k")
    two_gone = world.audit(three[0])
    assert [said(notice) for notice in two_gone.notices] == [
        [("n001", Happening.RESOLVED), ("n002", Happening.RESOLVED)]
    ]
    assert two_gone.closed == ()
    assert world.audit().closed == (topic.id,)


def test_a_finding_that_comes_back_opens_a_new_topic_that_says_so() -> None:
    """The old conversation is over; nobody looks there."""
    world = World()
    first = world.audit(breach("orders")).topics[0].id
    world.audit()
    back = world.audit(breach("orders"), after=3 * HOUR)
    assert (kinds(back), said(back.notices[0])) == ([NoticeKind.OPEN], [("orders", Happening.REGRESSED)])
    assert back.topics[0].id != first
    assert news(back.notices[0]).changes[0].reason == "came back, last seen 2026-03-02 12:00 UTC"


def test_a_later_finding_of_a_known_cause_replies_into_its_topic() -> None:
    """Whether the topic was opened for the cause or gathers what came together with it."""
    world = World()
    (topic,) = world.audit(*several(3, cause_key="k", cause="3 engines differ")).topics
    fourth = world.audit(*several(4, cause_key="k", cause="4 engines differ"))
    assert (fourth.topics, kinds(fourth)) == ((), [NoticeKind.REPLY])
    assert fourth.members == ((topic.id, "fp-n003"),)
    gathered = World()
    many = several(9)
    (one,) = gathered.audit(*many, replace(breach("x"), cause_key="k")).topics
    more = gathered.audit(*many, replace(breach("x"), cause_key="k"), replace(breach("y"), cause_key="k"))
    assert more.members == ((one.id, "fp-y"),)


@pytest.mark.parametrize(("count", "topics"), [(1, 1), (5, 5), (6, 1), (400, 1)])
def test_many_at_once_are_one_message(count: int, topics: int) -> None:
    """The first audit of a big pair is one message, not four hundred."""
    telling = World().audit(*several(count))
    assert (len(telling.topics), len(telling.notices), len(telling.members)) == (topics, topics, count)
    if topics == 1 and count > 1:
        assert telling.topics[0].title == f"{count} new findings in staging against prod"
        assert telling.topics[0].cause_key is None
        assert [change.finding.fingerprint for change in news(telling.notices[0]).changes] == sorted(
            found.fingerprint for found in several(count)
        )


def test_a_cause_counts_as_one_of_the_many() -> None:
    """Five topics may be a hundred findings."""
    causes = [
        replace(found, cause_key=f"k{index % 5}", cause=f"c{index % 5}") for index, found in enumerate(several(100))
    ]
    assert len(World().audit(*causes).topics) == 5


def test_what_becomes_of_gathered_findings_goes_into_the_gathering_topic() -> None:
    """One of forty is resolved: a reply there, and the topic stays open."""
    world = World()
    many = several(40)
    (topic,) = world.audit(*many).topics
    reply = world.audit(*many[1:])
    assert (reply.notices[0].topic, said(reply.notices[0]), reply.closed) == (
        topic.id,
        [("n000", Happening.RESOLVED)],
        (),
    )


def test_less_severe_findings_are_not_told() -> None:
    """Below the least severity nothing is told, neither its coming nor its going."""
    world = World()
    assert whys(world.audit(breach("a", severity=Severity.LOW))) == [("a", False, Why.BELOW)]
    assert whys(world.audit()) == [("a", False, Why.NEVER_TOLD)]


def test_a_finding_that_gets_worse_is_told_when_it_is_bad_enough() -> None:
    """It opens a topic when nobody heard of it, and replies where somebody did."""
    world = World()
    world.audit(breach("a", severity=Severity.LOW))
    worse = world.audit(breach("a", severity=Severity.HIGH))
    assert said(worse.notices[0]) == [("a", Happening.ESCALATED)]
    assert kinds(worse) == [NoticeKind.OPEN]
    assert kinds(world.audit(breach("a", severity=Severity.CRITICAL))) == [NoticeKind.REPLY]


def test_an_end_follows_to_where_it_was_told_however_little_it_matters_now() -> None:
    """A finding whose severity fell below the limit is still told to be gone."""
    world = World()
    world.audit(breach("a", severity=Severity.HIGH))
    assert world.audit(breach("a", severity=Severity.INFO)) == Telling()
    assert said(world.audit().notices[0]) == [("a", Happening.RESOLVED)]


@pytest.mark.parametrize(
    ("changes", "target"),
    [
        ({"severity": Severity.CRITICAL}, "slack:#oncall"),
        ({"category": Category.DATABASE, "severity": Severity.HIGH}, "slack:#data"),
        ({"category": Category.COMPUTE, "owner": "Shop"}, "slack:#shop"),
        ({"category": Category.COMPUTE, "owner": "other"}, "slack:#parity"),
        ({"category": Category.COMPUTE, "owner": None}, "slack:#parity"),
        ({"category": Category.COMPUTE, "left": Side("dev", "a", 1)}, "slack:#dev"),
    ],
)
def test_the_first_route_that_fits_decides(changes: dict[str, object], target: str) -> None:
    """Severity, category, owner and environment choose the channel, in the order of the configuration."""
    publish = PublishSettings.model_validate(
        {
            "slack": {
                "token": "xoxb-1",
                "channel": "#parity",
                "routes": [
                    {"channel": "#oncall", "severities": ["critical"]},
                    {"channel": "#data", "categories": ["database"]},
                    {"channel": "#shop", "owners": ["shop"]},
                    {"channel": "#dev", "environments": ["dev"]},
                ],
            }
        }
    )
    (audience,) = audiences(publish)
    assert audience.target(breach("a", **changes)) == target


def test_a_finding_that_gets_worse_is_told_at_its_new_route_as_well() -> None:
    """Those on call hear of it, and those who heard of it before see why it moved."""
    oncall = replace(SLACK, routes=(Route("#oncall", frozenset({Severity.CRITICAL})),))
    world = World(oncall)
    world.audit(breach("a", severity=Severity.MEDIUM))
    worse = world.audit(breach("a", severity=Severity.CRITICAL))
    assert {(notice.target, notice.kind) for notice in worse.notices} == {
        ("slack:#parity", NoticeKind.REPLY),
        ("slack:#oncall", NoticeKind.OPEN),
    }
    assert {notice.target for notice in world.audit().notices} == {"slack:#parity", "slack:#oncall"}


def test_what_people_do_is_told_where_the_finding_was_told() -> None:
    """With the person's name; what was never told there is not told now."""
    world = World()
    world.audit(breach("a"), breach("b", severity=Severity.LOW))
    acknowledged = world.act(Happening.ACKNOWLEDGED, "a")
    (change,) = news(acknowledged.notices[0]).changes
    assert (change.actor, change.happening, kinds(acknowledged)) == ("ana", Happening.ACKNOWLEDGED, [NoticeKind.REPLY])
    assert acknowledged.closed == ()
    assert whys(world.act(Happening.WAIVED, "b")) == [("b", False, Why.NEVER_TOLD)]


def test_the_same_act_told_again_has_the_same_id_and_another_person_another_one() -> None:
    """Two clicks at one time are two acts."""
    worlds = [World(), World(), World()]
    for world in worlds:
        world.audit(breach("a"))
    ids = [
        world.act(Happening.ACKNOWLEDGED, "a", actor).notices[0].id
        for world, actor in zip(worlds, ("ana", "ana", "bo"), strict=True)
    ]
    assert (ids[0] == ids[1], ids[0] == ids[2]) == (True, False)


def test_a_finding_reopened_that_nobody_heard_of_opens_a_topic() -> None:
    """It was waived before anybody was told; now it counts."""
    world = World()
    world.audit(breach("a"))
    world.topics.clear()
    assert kinds(world.act(Happening.REOPENED, "a")) == [NoticeKind.OPEN]


def test_a_finding_waived_from_the_start_is_told_to_nobody() -> None:
    """A reviewed file tolerates it: there is nothing to say."""
    world = World()
    world.waived = {"fp-b"}
    assert whys(world.audit(breach("b"))) == [("b", False, Why.WAIVED_AT_ONCE)]


def test_a_finding_whose_waiver_ended_is_told_again() -> None:
    """Waived it was told in its topic; there the end of the waiver is told, too."""
    world = World()
    topic = world.audit(breach("b")).topics[0].id
    world.waived = {"fp-b"}
    assert said(world.audit(breach("b")).notices[0]) == [("b", Happening.WAIVED)]
    world.waived = set()
    again = world.audit(breach("b"))
    assert (said(again.notices[0]), again.notices[0].topic) == ([("b", Happening.REOPENED)], topic)


def test_gaps_are_told_once_per_change_in_a_topic_of_their_own() -> None:
    """The first incomplete audit opens it, the same gaps say nothing, a new one replies, the end closes it."""
    world = World()
    opened = world.audit(gaps=[gap("aws:1")])
    (topic,) = opened.topics
    assert (topic.cause_key, kinds(opened), news(opened.notices[0]).new_gaps) == (
        "gaps",
        [NoticeKind.OPEN],
        (gap("aws:1"),),
    )
    assert world.audit(gaps=[replace(gap("aws:1"), detail="other words")]) == Telling()
    more = world.audit(gaps=[gap("aws:1"), gap("aws:2")])
    assert (kinds(more), news(more.notices[0]).new_gaps, more.closed) == ([NoticeKind.REPLY], (gap("aws:2"),), ())
    fewer = world.audit(gaps=[gap("aws:2")])
    assert (news(fewer.notices[0]).closed_gaps, fewer.closed) == ((gap("aws:1"),), ())
    done = world.audit()
    assert (news(done.notices[0]).closed_gaps, done.closed) == ((gap("aws:2"),), (topic.id,))
    assert world.audit() == Telling()


def test_gaps_go_where_the_pair_is_told_not_where_single_findings_are() -> None:
    """A route for an owner takes no gaps; one for an environment does."""
    routes = (Route("#shop", owners=frozenset({"shop"})), Route("#staging", environments=frozenset({"staging"})))
    telling = World(replace(SLACK, routes=routes)).audit(gaps=[gap()])
    assert telling.topics[0].target == "slack:#staging"


NIGHT = QuietHours(time(22), time(7), ZoneInfo("UTC"), Severity.CRITICAL)


def at_night() -> World:
    world = World(replace(SLACK, quiet=NIGHT))
    world.now = datetime(2026, 3, 2, 23, 0, tzinfo=UTC)
    return world


def test_quiet_hours_hold_back_what_is_not_urgent() -> None:
    """High waits for the morning, critical is told at once, and the end of something critical can wait too."""
    world = at_night()
    told = {
        said(notice)[0][0]: notice.not_before
        for notice in world.audit(breach("h"), breach("c", severity=Severity.CRITICAL)).notices
    }
    morning = datetime(2026, 3, 3, 7, 0, tzinfo=UTC)
    assert told == {"h": morning, "c": world.now}
    assert {notice.not_before for notice in world.audit(gaps=[gap()]).notices} == {morning}


def test_what_gets_urgent_at_night_does_not_wait_for_its_topic() -> None:
    """Its first message is held back, and a reply cannot come before it, so it is told on its own."""
    world = at_night()
    world.audit(breach("a"))
    urgent = world.audit(breach("a", severity=Severity.CRITICAL))
    assert [(notice.kind, notice.not_before) for notice in urgent.notices] == [(NoticeKind.OPEN, world.now)]
    told = at_night()
    told.audit(breach("a"))
    told.accept()
    assert kinds(told.audit(breach("a", severity=Severity.CRITICAL))) == [NoticeKind.REPLY]


def test_what_comes_and_goes_is_told_as_flapping_once_and_then_left_alone() -> None:
    """The third return within a day says so; after a day of calm its end is told and the topic closed."""
    world = World()
    world.audit(breach("a"))
    told, reasons = [], []
    for _ in range(6):
        gone, back = world.audit(after=HOUR), world.audit(breach("a"), after=HOUR)
        told.append((len(gone.notices), len(back.notices)))
        reasons += [change.reason for notice in back.notices for change in news(notice).changes]
    assert told == [(1, 1), (1, 1), (1, 1), (0, 0), (0, 0), (0, 0)]
    assert reasons[-1] == "came back for the third time within 24 hours; from now on only the digest tells of it"
    gone = world.audit(after=HOUR)
    assert whys(gone) == [("a", False, Why.FLAPS)]
    assert world.audit(after=HOUR).notices == ()
    calm = world.audit(after=DAY)
    assert (said(calm.notices[0]), len(calm.closed)) == ([("a", Happening.RESOLVED)], 1)
    assert world.audit(after=HOUR) == Telling()


def test_slow_flapping_is_told_as_such_once_too() -> None:
    """Three returns within a day, day after day, are not told day after day."""
    world = World()
    world.audit(breach("a"))
    flapping = 0
    for _ in range(8):
        world.audit(after=HOUR * 5)
        back = world.audit(breach("a"), after=HOUR * 5)
        flapping += sum("third time" in change.reason for notice in back.notices for change in news(notice).changes)
    assert flapping == 1


def test_machines_get_every_change_of_an_audit_as_one_event() -> None:
    """A webhook needs no calm and no topics: it keeps count itself."""
    world = World(HOOK)
    first = world.audit(breach("a"), breach("b", severity=Severity.INFO), gaps=[gap()])
    (event,) = first.notices
    assert (event.kind, event.topic, event.target) == (NoticeKind.EVENT, None, "webhook:hooks.example.com")
    assert said(event) == [("a", Happening.NEW), ("b", Happening.NEW)]
    assert (news(event).new_gaps, first.topics) == ((gap(),), ())
    for _ in range(5):
        assert [len(world.audit(*found).notices) for found in ([], [breach("a")])] == [1, 1]


def test_alertmanager_hears_of_no_gaps_and_of_nothing_minor() -> None:
    """An alert is a finding; gaps have a metric and an alerting rule of their own."""
    alerts = Audience("alertmanager", "am:9093", Severity.HIGH, gaps=False)
    world = World(alerts)
    assert world.audit(breach("b", severity=Severity.LOW), gaps=[gap()]).notices == ()
    assert said(world.audit(breach("a"), gaps=[gap("x")]).notices[0]) == [("a", Happening.NEW)]


def test_targets_do_not_disturb_each_other() -> None:
    """What one is told does not depend on the others."""
    both = World(SLACK, HOOK).audit(breach("a"))
    assert [notice.target for notice in both.notices] == ["slack:#parity", "webhook:hooks.example.com"]
    assert both.notices[0] == World(SLACK).audit(breach("a")).notices[0]


def test_a_target_says_nothing_secret() -> None:
    """The path and user of a hook's URL are often its password."""
    publish = PublishSettings.model_validate({"webhook": {"url": "https://me:pw@hooks.example.com:8443/T0/secret?x=1"}})
    assert [f"{one.publisher}:{one.address}" for one in audiences(publish)] == ["webhook:hooks.example.com:8443"]


def test_nobody_to_tell_is_no_teller() -> None:
    """Without `publish` nothing is kept for anybody."""
    assert teller_of(PublishSettings()) is None
