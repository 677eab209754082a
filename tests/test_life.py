from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.codec import canonical, encode
from auditor.life import Event, LifeResult, StoredFinding, live
from auditor.model import Breach, Escalation, Moved, Severity, Side, Status
from auditor.waivers import Waiver, finder, values_digest
from tests.store.samples import at, breach

DAY = 24 * 60
MOVED = Moved("left", "staging", at(0), at(15), "16.3", "16.4", "s-1")


@dataclass
class History:
    """The findings of one pair, audit after audit."""

    known: dict[str, StoredFinding]
    events: list[Event]

    def audit(
        self, minutes: float, *breaches: Breach, observed: bool = True, waivers: Sequence[Waiver] = ()
    ) -> LifeResult:
        found = finder(waivers, "staging", "prod", at(minutes))
        result = live(self.known, breaches, lambda _: observed, at(minutes), f"audit-{minutes}", found, found.lapse)
        self.known |= {stored.fingerprint: stored for stored in result.updated}
        self.events += result.events
        return result

    def changes(self) -> list[tuple[Status | None, Status]]:
        return [(event.from_status, event.to_status) for event in self.events]


@pytest.fixture
def history() -> History:
    return History({}, [])


def test_a_breach_seen_for_the_first_time_is_open(history):
    """Without a tolerance, what is wrong is said at once."""
    result = history.audit(0, breach())
    (finding,) = result.findings
    assert (finding.status, finding.first_seen, finding.last_seen) == (Status.OPEN, at(0), at(0))
    assert result.events == (Event("fp-orders", at(0), "audit-0", "auditor", None, Status.OPEN, "found"),)
    assert history.known["fp-orders"].opened_at == at(0)


def test_a_finding_seen_again_keeps_its_first_time_and_makes_no_event(history):
    """An hour later nothing changed but when it was last seen."""
    history.audit(0, breach())
    (finding,) = history.audit(60, breach()).findings
    assert (finding.first_seen, finding.last_seen) == (at(0), at(60))
    assert len(history.events) == 1


def test_a_tolerated_breach_is_pending_until_its_time_is_over(history):
    """`for: 24h` counts from the first sighting; the last minute still belongs to the tolerance."""
    lag = breach(tolerated_for=timedelta(hours=24))
    statuses = [history.audit(minutes, lag).findings[0].status for minutes in (0, DAY - 1, DAY, DAY + 1)]
    assert statuses == [Status.PENDING, Status.PENDING, Status.OPEN, Status.OPEN]
    assert history.changes() == [(None, Status.PENDING), (Status.PENDING, Status.OPEN)]
    assert history.known["fp-orders"].opened_at == at(DAY)


def test_an_audit_that_could_not_look_does_not_start_the_tolerance_again(history):
    """Time passes while nobody can see, too."""
    lag = breach(tolerated_for=timedelta(hours=24))
    history.audit(0, lag)
    history.audit(60, observed=False)
    assert history.audit(DAY, lag).findings[0].status is Status.OPEN


def test_a_pending_finding_that_goes_away_was_never_a_finding(history):
    """It is resolved, and when it returns it is new, with its full tolerance and another first time."""
    lag = breach(tolerated_for=timedelta(hours=24))
    history.audit(0, lag)
    history.audit(60)
    (again,) = history.audit(2 * DAY, lag).findings
    assert (again.status, again.first_seen) == (Status.PENDING, at(2 * DAY))
    assert history.changes() == [
        (None, Status.PENDING),
        (Status.PENDING, Status.RESOLVED),
        (Status.RESOLVED, Status.PENDING),
    ]


def test_a_finding_is_resolved_when_both_sides_were_observed_without_it(history):
    """Gone is an observation; the record keeps when it was last seen."""
    history.audit(0, breach())
    result = history.audit(60)
    assert result.findings == ()
    assert result.events == (
        Event(
            "fp-orders", at(60), "audit-60", "auditor", Status.OPEN, Status.RESOLVED, "gone: both sides were observed"
        ),
    )
    assert history.known["fp-orders"].last_seen == at(0)


def test_a_finding_behind_a_gap_stays_as_it_is(history):
    """Not seen and not observed is unknown: neither written nor told, but handed back as unseen."""
    history.audit(0, breach())
    before = dict(history.known)
    result = history.audit(60, observed=False)
    assert (result.findings, result.updated, result.events) == ((), (), ())
    assert result.unseen == (before["fp-orders"],)
    assert history.known == before


def test_a_resolved_finding_is_not_resolved_again(history):
    """One change, one event, however many audits follow."""
    history.audit(0, breach())
    history.audit(1)
    assert history.audit(2) == LifeResult((), (), (), ())


def test_a_resolved_finding_that_comes_back_is_regressed_and_stays_so(history):
    """It keeps its first time, and a new `opened_at`."""
    history.audit(0, breach())
    history.audit(1)
    (finding,) = history.audit(2, breach()).findings
    assert (finding.status, finding.first_seen) == (Status.REGRESSED, at(0))
    assert history.known["fp-orders"].opened_at == at(2)
    assert history.audit(3, breach()).findings[0].status is Status.REGRESSED
    assert history.changes()[-2:] == [(Status.OPEN, Status.RESOLVED), (Status.RESOLVED, Status.REGRESSED)]


def test_a_finding_that_comes_back_is_tolerated_again_before_it_is_regressed(history):
    """A release's lag of a day is allowed after every release, not only after the first."""
    lag = breach(tolerated_for=timedelta(hours=24))
    history.audit(0, lag)
    history.audit(DAY, lag)
    history.audit(DAY + 1)
    statuses = [history.audit(minutes, lag).findings[0].status for minutes in (10 * DAY, 11 * DAY - 1, 11 * DAY)]
    assert statuses == [Status.PENDING, Status.PENDING, Status.REGRESSED]


def test_an_acknowledged_finding_stays_silent_until_it_is_gone(history):
    """Seen again or hidden by a gap it stays as a person left it; seen to be gone it is resolved."""
    history.audit(0, breach())
    history.known["fp-orders"] = replace(history.known["fp-orders"], status=Status.ACKNOWLEDGED)
    assert history.audit(1, breach()).findings[0].status is Status.ACKNOWLEDGED
    history.audit(2, observed=False)
    assert history.known["fp-orders"].status is Status.ACKNOWLEDGED
    history.audit(3)
    assert history.changes() == [(None, Status.OPEN), (Status.ACKNOWLEDGED, Status.RESOLVED)]


def test_a_severity_that_rises_is_an_event_and_one_that_falls_is_not(history):
    """Worse has to be said; the record follows either way."""
    history.audit(0, breach(severity=Severity.LOW))
    rose = history.audit(1, breach(severity=Severity.HIGH))
    fell = history.audit(2, breach(severity=Severity.INFO))
    assert [(event.from_status, event.to_status, event.reason) for event in rose.events] == [
        (Status.OPEN, Status.OPEN, "severity rose from low to high")
    ]
    assert fell.events == ()
    assert history.known["fp-orders"].breach.severity is Severity.INFO


def test_what_was_acknowledged_and_gets_worse_is_open_again(history):
    """Somebody took notice of something smaller; one event says both, and the new time is kept."""
    history.audit(0, breach(severity=Severity.LOW))
    history.known["fp-orders"] = replace(history.known["fp-orders"], status=Status.ACKNOWLEDGED)
    assert history.audit(1, breach(severity=Severity.INFO)).findings[0].status is Status.ACKNOWLEDGED
    rose = history.audit(2, breach(severity=Severity.LOW))
    assert [(event.from_status, event.to_status, event.reason) for event in rose.events] == [
        (Status.ACKNOWLEDGED, Status.OPEN, "severity rose from info to low")
    ]
    assert history.known["fp-orders"].opened_at == at(2)


def waiver(until: float = 2 * DAY, **fields: object) -> Waiver:
    made = Waiver("w1", "ana", "upgrade on Tuesday", at(0), at(until), "waivers.yaml:3", rule="engine-version")
    return replace(made, **fields)


def test_a_covered_finding_is_waived_in_the_name_of_the_waivers_owner(history):
    """Whether it is new, tolerated or open: the event says until when, why, and where that is written."""
    history.audit(0, breach("open"), breach("late", tolerated_for=timedelta(days=1)))
    new, late, found = history.audit(
        1, breach("new"), breach("late", tolerated_for=timedelta(days=1)), breach("open"), waivers=[waiver()]
    ).events
    why = "waived until 2026-03-03 12:00 UTC: upgrade on Tuesday (waivers.yaml:3)"
    assert new == Event("fp-new", at(1), "audit-1", "ana", None, Status.WAIVED, why)
    assert (late.from_status, late.to_status, late.actor) == (Status.PENDING, Status.WAIVED, "ana")
    assert (found.from_status, found.to_status, found.actor) == (Status.OPEN, Status.WAIVED, "ana")
    assert history.audit(2, breach("open"), observed=False, waivers=[waiver(3 * DAY)]).events == ()


def test_a_waived_finding_opens_when_its_waiver_expires(history):
    """At the first audit after it, from then on; the rule's tolerance is long over."""
    history.audit(0, breach(), waivers=[waiver(60)])
    assert history.known["fp-orders"].opened_at is None
    assert history.audit(59, breach(), waivers=[waiver(60)]).findings[0].status is Status.WAIVED
    (event,) = history.audit(60, breach(), waivers=[waiver(60)]).events
    assert (event.from_status, event.to_status, event.actor) == (Status.WAIVED, Status.OPEN, "auditor")
    assert event.reason == "the waiver of ana expired"
    assert history.known["fp-orders"].opened_at == at(60)
    assert history.known["fp-orders"].first_seen == at(0)


@pytest.mark.parametrize(
    ("later", "reason"),
    [
        ([], "its waiver was removed"),
        ([waiver(revoked_at=at(30))], "the waiver of ana was revoked"),
        ([waiver(values="0" * 64)], "the values changed since the waiver of ana"),
        ([waiver(30, id="w0", owner="bo"), waiver(40)], "the waiver of ana expired"),
    ],
)
def test_the_history_says_why_a_waiver_covers_no_more(history, later, reason):
    """Removed from the file, revoked, expired, or bound to other values."""
    history.audit(0, breach(), waivers=[waiver()])
    (event,) = history.audit(60, breach(), waivers=later).events
    assert (event.to_status, event.reason) == (Status.OPEN, reason)


def test_a_waiver_that_ends_within_the_tolerance_leaves_a_pending_finding(history):
    """The rule's time counts from the first sighting, waived or not."""
    lag = breach(tolerated_for=timedelta(days=1))
    history.audit(0, lag, waivers=[waiver(60)])
    statuses = [history.audit(minutes, lag).findings[0].status for minutes in (60, DAY - 1, DAY)]
    assert statuses == [Status.PENDING, Status.PENDING, Status.OPEN]


def test_new_values_end_a_waiver_that_is_bound_to_the_old_ones(history):
    """What was accepted is 16.3 against nothing, not whatever comes."""
    bound = waiver(values=values_digest(breach()))
    assert history.audit(0, breach(), waivers=[bound]).findings[0].status is Status.WAIVED
    other = breach(left=Side("staging", "orders-staging", "17.0"))
    assert history.audit(1, other, waivers=[bound]).findings[0].status is Status.OPEN


def test_a_waived_finding_that_is_gone_is_resolved_and_waived_again_when_it_returns(history):
    """The waiver tolerates it for its whole time, not once; a gap changes nothing."""
    for minutes, seen in ((0, True), (2, False), (3, True)):
        history.audit(minutes, *([breach()] if seen else []), waivers=[waiver()])
        history.audit(minutes + 0.5, observed=False, waivers=[waiver()])
    assert history.changes() == [
        (None, Status.WAIVED),
        (Status.WAIVED, Status.RESOLVED),
        (Status.RESOLVED, Status.WAIVED),
    ]


def test_a_waived_finding_behind_a_gap_stays_waived_after_the_waiver(history):
    """Nothing is known of it, so nothing opens; the next audit that sees it opens it."""
    history.audit(0, breach(), waivers=[waiver(60)])
    assert history.audit(90, observed=False).events == ()
    assert history.audit(91, breach()).findings[0].status is Status.OPEN


def test_a_waived_finding_that_gets_worse_stays_waived_and_says_so(history):
    """The history knows; silence was asked for until a time, not up to a severity."""
    history.audit(0, breach(severity=Severity.LOW), waivers=[waiver()])
    (event,) = history.audit(1, breach(), waivers=[waiver()]).events
    assert (event.from_status, event.to_status) == (Status.WAIVED, Status.WAIVED)
    assert event.reason == "severity rose from low to high"


def test_new_values_are_kept_without_an_event_and_forget_which_side_moved(history):
    """What was said of the old values is not true of the new ones."""
    history.audit(0, breach())
    history.known["fp-orders"] = replace(history.known["fp-orders"], moved=MOVED)
    assert history.audit(1, breach(message="other words")).findings[0].moved == MOVED
    result = history.audit(2, breach(left=Side("staging", "orders-staging", "16.4")))
    assert (result.findings[0].moved, result.events) == (None, ())
    assert history.known["fp-orders"].breach.left.value == "16.4"


def test_who_moved_is_asked_of_what_is_new_has_come_back_or_has_new_values(history):
    """What was told of an earlier occurrence is not true of this one; what is merely seen again is known."""
    other = breach(left=Side("staging", "orders-staging", "16.4"))
    told = [history.audit(minute, *found).news for minute, found in enumerate(([breach()], [breach()], [other]))]
    assert told == [("fp-orders",), (), ("fp-orders",)]
    moved = history.audit(3, other).telling_moves({"fp-orders": MOVED})
    assert [finding.moved for finding in (*moved.findings, *moved.updated)] == [MOVED, MOVED]
    history.known["fp-orders"] = moved.updated[0]
    assert history.audit(4).news == ()
    back = history.audit(5, other)
    assert (back.news, back.findings[0].moved) == (("fp-orders",), None)


def test_two_breaches_of_one_fingerprint_are_one_finding_of_the_worse(history):
    """One place under one rule is told once, whichever comes first."""
    low, high = breach(severity=Severity.LOW), breach(severity=Severity.HIGH)
    assert live({}, (low, high), lambda _: True, at(0), "a") == live({}, (high, low), lambda _: True, at(0), "a")
    assert [finding.breach for finding in history.audit(0, low, high).findings] == [high]


def test_findings_come_in_the_order_of_the_breaches(history):
    """The judge decided the order; history does not stir it."""
    names = ("web", "orders", "cache")
    assert [item.breach.identity for item in history.audit(0, *map(breach, names)).findings] == [
        "web-{env}",
        "orders-{env}",
        "cache-{env}",
    ]


def test_a_clock_that_was_set_back_takes_no_time_away(history):
    """The last sighting stays the latest one, and a tolerance does not end early."""
    lag = breach(tolerated_for=timedelta(hours=1))
    history.audit(100, lag)
    (finding,) = history.audit(50, lag).findings
    assert (finding.status, finding.last_seen) == (Status.PENDING, at(100))


NAMES = ("a", "b", "c")


@dataclass(frozen=True)
class Step:
    """One audit: what it sees, with which severity and tolerance, what it observed, what a person acknowledged before,
    and what is waived meanwhile."""

    seen: Mapping[str, tuple[Severity, timedelta]]
    observed: frozenset[str]
    minutes: int
    acknowledged: frozenset[str]
    waived: frozenset[str]

    def breaches(self) -> Sequence[Breach]:
        return [
            breach(name, severity=severity, tolerated_for=tolerated)
            for name, (severity, tolerated) in sorted(self.seen.items())
        ]


NAME = st.sampled_from(NAMES)
STEPS = st.lists(
    st.builds(
        Step,
        seen=st.dictionaries(
            NAME, st.tuples(st.sampled_from(Severity), st.sampled_from([timedelta(0), timedelta(minutes=30)]))
        ),
        observed=st.frozensets(NAME),
        minutes=st.integers(0, 40),
        acknowledged=st.frozensets(NAME),
        waived=st.frozensets(NAME),
    ),
    max_size=12,
)


def silence(known: Mapping[str, StoredFinding], step: Step) -> dict[str, StoredFinding]:
    """What a person acknowledged between two audits; only what is open can be."""
    loud = (Status.OPEN, Status.REGRESSED)
    return {
        key: replace(stored, status=Status.ACKNOWLEDGED)
        if key[3:] in step.acknowledged and stored.status in loud
        else stored
        for key, stored in known.items()
    }


def audit(known: Mapping[str, StoredFinding], step: Step, now: datetime, *, waived: bool = True) -> LifeResult:
    waivers = [waiver(10_000, id=name, rule=None, identity=f"{name}-{{env}}") for name in step.waived if waived]
    found = finder(waivers, "staging", "prod", now)
    observed = step.observed
    return live(known, step.breaches(), lambda one: one.fingerprint[3:] in observed, now, "audit", found, found.lapse)


@given(STEPS)
def test_whatever_happens_only_an_observation_resolves_and_every_change_is_an_event(steps):
    """Over any run of audits: nothing resolved unobserved, nothing unseen touched, no change of state without its event."""
    known: dict[str, StoredFinding] = {}
    minutes = 0
    for step in steps:
        minutes += step.minutes
        known = silence(known, step)
        result = audit(known, step, at(minutes))
        after = known | {stored.fingerprint: stored for stored in result.updated}
        for key, stored in after.items():
            before = known.get(key)
            was = before.status if before else None
            told = [(event.from_status, event.to_status) for event in result.events if event.fingerprint == key]
            assert [change for change in told if change[0] is not change[1]] == (
                [(was, stored.status)] if was is not stored.status else []
            )
            if stored.status is Status.RESOLVED and was is not Status.RESOLVED:
                assert key[3:] in step.observed
                assert key[3:] not in step.seen
            if key[3:] not in step.seen | dict.fromkeys(step.observed):
                assert stored == before
            if key[3:] in step.seen:
                assert (stored.status is Status.WAIVED) == (key[3:] in step.waived)
                worse = before is not None and stored.breach.severity.rank > before.breach.severity.rank
                if was is Status.ACKNOWLEDGED and key[3:] not in step.waived:
                    assert stored.status is (Status.OPEN if worse else Status.ACKNOWLEDGED)
            if was is Status.WAIVED and stored.status is Status.OPEN:
                assert stored.opened_at == at(minutes)
            if stored.status is Status.REGRESSED and was is not Status.REGRESSED:
                assert stored.opened_at == at(minutes)
        assert [finding.breach.fingerprint[3:] for finding in result.findings] == sorted(step.seen)
        assert {stored.fingerprint for stored in result.unseen} == {
            key
            for key, stored in known.items()
            if stored.status is not Status.RESOLVED and key[3:] not in step.seen | dict.fromkeys(step.observed)
        }
        known = after


@given(STEPS)
def test_a_waiver_changes_the_status_of_findings_and_nothing_else_that_is_seen(steps):
    """With and without waivers the same findings are there, last seen at the same times, resolved alike."""
    plain: dict[str, StoredFinding] = {}
    waived: dict[str, StoredFinding] = {}
    for number, step in enumerate(steps):
        plain |= {one.fingerprint: one for one in audit(plain, step, at(number * 20), waived=False).updated}
        waived |= {one.fingerprint: one for one in audit(waived, step, at(number * 20)).updated}
        assert plain.keys() == waived.keys()
        for key, stored in plain.items():
            other = waived[key]
            assert (other.breach, other.last_seen) == (stored.breach, stored.last_seen)
            assert (other.status is Status.RESOLVED) == (stored.status is Status.RESOLVED)


@given(STEPS)
def test_the_same_run_of_audits_gives_the_same_bytes(steps):
    """Same in, same out, in whichever order the history was read from the store."""
    spellings = []
    for turn in (1, -1):
        known: dict[str, StoredFinding] = {}
        said = []
        for number, step in enumerate(steps):
            known = dict(list(silence(known, step).items())[::turn])
            result = audit(known, step, at(number * 20))
            said.append(canonical(encode(result)))
            known |= {stored.fingerprint: stored for stored in result.updated}
        spellings.append(said)
    assert spellings[0] == spellings[1]


RISING = breach(
    severity=Severity.MEDIUM,
    escalation=(Escalation(timedelta(days=7), Severity.HIGH), Escalation(timedelta(days=30), Severity.CRITICAL)),
)


def severities(history: History, *days: float) -> list[str]:
    return [history.audit(day * DAY, RISING).findings[0].breach.severity.value for day in days]


def test_a_finding_that_stays_open_gets_more_severe(history):
    """Each step is told once, with how long it took; what it would be without its age is kept."""
    assert severities(history, 0, 6.9, 7, 8, 30, 31) == ["medium", "medium", "high", "high", "critical", "critical"]
    assert [(event.from_status, event.to_status, event.reason) for event in history.events[1:]] == [
        (Status.OPEN, Status.OPEN, "open for 7 days: severity rose from medium to high"),
        (Status.OPEN, Status.OPEN, "open for 30 days: severity rose from high to critical"),
    ]
    assert history.known["fp-orders"].breach.escalated_from is Severity.MEDIUM
    assert history.known["fp-orders"].finding.opened_at == at(0)


def test_two_steps_that_are_due_at_once_are_told_as_one(history):
    """Nobody audited for two months."""
    assert severities(history, 0, 60) == ["medium", "critical"]
    assert history.events[-1].reason == "open for 30 days: severity rose from medium to critical"
    assert len(history.events) == 2


def test_age_counts_anew_when_a_finding_comes_back(history):
    """It was gone: that is when its time began."""
    assert severities(history, 0, 8) == ["medium", "high"]
    history.audit(9 * DAY)
    assert severities(history, 10, 16, 17) == ["medium", "medium", "high"]
    assert history.known["fp-orders"].status is Status.REGRESSED


def test_what_is_acknowledged_does_not_get_more_severe(history):
    """Somebody answers for it; it keeps the severity that it had, and its acknowledgement."""
    severities(history, 0, 8)
    history.known["fp-orders"] = replace(history.known["fp-orders"], status=Status.ACKNOWLEDGED)
    assert severities(history, 9, 40) == ["high", "high"]
    assert history.known["fp-orders"].status is Status.ACKNOWLEDGED
    fresh = History({}, [])
    severities(fresh, 0)
    fresh.known["fp-orders"] = replace(fresh.known["fp-orders"], status=Status.ACKNOWLEDGED)
    assert severities(fresh, 40) == ["medium"]


def test_age_counts_anew_after_a_waiver(history):
    """While it was tolerated no time ran; when the waiver ends, the time begins."""
    severities(history, 0)
    waiver = Waiver("w1", "ana", "known", at(0), at(20 * DAY), "waivers.yaml:3", rule="engine-version")
    for day in (5, 15):
        (finding,) = history.audit(day * DAY, RISING, waivers=[waiver]).findings
        assert (finding.status, finding.breach.severity) == (Status.WAIVED, Severity.MEDIUM)
    assert severities(history, 21, 27, 28) == ["medium", "medium", "high"]


def test_a_tolerated_finding_ages_from_when_it_opens(history):
    """`for: 24h` first, and only then the seven days."""
    lag = replace(RISING, tolerated_for=timedelta(days=1))
    found = [history.audit(day * DAY, lag).findings[0].breach.severity for day in (0, 1, 7.5, 8)]
    assert found == [Severity.MEDIUM, Severity.MEDIUM, Severity.MEDIUM, Severity.HIGH]
