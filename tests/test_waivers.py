"""What a waiver covers, and which of many holds."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.model import ABSENT, Breach, RuleRef, Side
from auditor.waivers import (
    Waiver,
    WaiverState,
    covers,
    digest_of,
    finder,
    in_force,
    matched,
    moment,
    next_expiry,
    state,
    states,
    told,
    unmatched,
    values_digest,
)
from tests.store.samples import at, breach

DAY = 24 * 60
FINGERPRINT = "0123456789abcdef0123456789abcdef"


def waiver(name: str = "w", **fields: object) -> Waiver:
    made = Waiver(name, "ana", "known", at(0), at(30 * DAY), "cli")
    return replace(made, **fields)  # type: ignore[arg-type]


def orders(**changes: object) -> Breach:
    return breach(fingerprint=FINGERPRINT, **changes)


@pytest.mark.parametrize(
    ("fields", "covered"),
    [
        ({}, True),
        ({"fingerprints": (FINGERPRINT,)}, True),
        ({"fingerprints": ("ffffffff", "01234567")}, True),
        ({"fingerprints": ("01234568",)}, False),
        ({"left": "staging", "right": "prod"}, True),
        ({"left": "prod"}, False),
        ({"right": "staging"}, False),
        ({"rule": "engine-version"}, True),
        ({"rule": "default/engine-version"}, True),
        ({"rule": "engine-*"}, True),
        ({"rule": "engine"}, False),
        ({"kind": "aws.*"}, True),
        ({"kind": "AWS.RDS.Instance"}, True),
        ({"kind": "aws.ec2.*"}, False),
        ({"identity": "orders-{env}"}, True),
        ({"identity": "orders-staging"}, True),
        ({"identity": "Orders-Prod"}, True),
        ({"identity": "{orders,web}-*"}, True),
        ({"identity": "*-{env}"}, True),
        ({"identity": "orders"}, False),
        ({"identity": "web-*"}, False),
        ({"path": "engine_version"}, True),
        ({"path": "*_version"}, True),
        ({"path": "engineVersion.**"}, False),
        ({"path": "**"}, True),
        ({"rule": "engine-version", "kind": "aws.*", "path": "other"}, False),
        ({"values": digest_of("16.3", ABSENT)}, True),
        ({"values": digest_of("16.3", None)}, False),
        ({"fingerprints": (FINGERPRINT,), "values": digest_of("16.4", ABSENT)}, False),
    ],
)
def test_everything_that_a_waiver_names_has_to_agree(fields: dict[str, object], covered: bool) -> None:
    """Fingerprints by their beginning, names as either side or the normal form spells them, the rest by globs."""
    assert covers(waiver(**fields), "staging", "prod", orders()) is covered


def test_a_name_is_the_same_in_capitals() -> None:
    """As in globs, with and without a star, by trying and by the index."""
    loud = orders(right=Side("prod", "ORDERS-Prod", "16.4"))
    for pattern in ("orders-prod", "Orders-PROD", "orders-P*"):
        assert covers(waiver(identity=pattern), "staging", "prod", loud)
        assert finder([waiver(identity=pattern)], "staging", "prod", at(0))(loud) is not None


def test_a_finding_without_a_path_is_covered_by_any_number_of_steps() -> None:
    """`**` is also none; a step is not."""
    alone = orders(path=())
    assert covers(waiver(path="**"), "staging", "prod", alone)
    assert not covers(waiver(path="*"), "staging", "prod", alone)


def test_equal_values_have_equal_digests_however_a_person_writes_them() -> None:
    """Numbers and switches as text; null, absent, the empty text and the sides stay apart."""
    assert values_digest(orders(left=Side("staging", None, 15.4), right=Side("prod", None, True))) == digest_of(
        "15.4", "true"
    )
    assert digest_of({"a": [1, None]}, "x") == digest_of({"a": ["1", None]}, "x")
    different = [digest_of(*sides) for sides in ((None, "a"), (ABSENT, "a"), ("", "a"), ("a", ABSENT), ("null", "a"))]
    assert len(set(different)) == len(different)


def test_a_waiver_is_in_force_until_its_last_instant_or_until_it_is_revoked() -> None:
    """It ends at its expiry, not after it, and is said to be expiring in its last quarter, of at most a week."""
    month = waiver()
    assert [in_force(month, at(minutes)) for minutes in (-1, 30 * DAY - 1, 30 * DAY)] == [True, True, False]
    assert not in_force(replace(month, revoked_at=at(5)), at(6))
    assert [state(month, at(days * DAY)) for days in (22, 23, 29, 30)] == [
        WaiverState.ACTIVE,
        WaiverState.EXPIRING,
        WaiverState.EXPIRING,
        WaiverState.EXPIRED,
    ]
    assert state(replace(month, revoked_at=at(5)), at(40 * DAY)) is WaiverState.REVOKED
    week = waiver(expires_at=at(7 * DAY))
    assert [state(week, at(days * DAY)) for days in (0, 5, 6)] == [
        WaiverState.ACTIVE,
        WaiverState.ACTIVE,
        WaiverState.EXPIRING,
    ]
    assert replace(month, revoked_at=at(5)).ended_at == at(5)
    assert replace(month, revoked_at=at(50 * DAY)).ended_at == at(30 * DAY)


def test_waivers_are_counted_by_state_and_the_next_expiry_is_one_to_come() -> None:
    """All four states are there, and each waiver is in one of them."""
    some = [waiver("a"), waiver("b", expires_at=at(DAY)), waiver("c", expires_at=at(-1)), waiver("d", revoked_at=at(0))]
    assert states(some, at(DAY - 60)) == {
        WaiverState.ACTIVE: 1,
        WaiverState.EXPIRING: 1,
        WaiverState.EXPIRED: 1,
        WaiverState.REVOKED: 1,
    }
    assert states([], at(0)) == dict.fromkeys(WaiverState, 0)
    assert next_expiry(some, at(0)) == at(DAY)
    assert next_expiry(some, at(30 * DAY)) is None


def test_of_several_waivers_the_one_that_lasts_longest_holds() -> None:
    """Then the first by id; one of another pair, expired or revoked never does."""
    some = [
        waiver("c", expires_at=at(9)),
        waiver("b", expires_at=at(9), fingerprints=(FINGERPRINT,)),
        waiver("a", expires_at=at(8)),
        waiver("d", left="dev"),
        waiver("e", revoked_at=at(0)),
    ]
    assert finder(some, "staging", "prod", at(1))(orders()) == some[1]
    assert finder(some[::-1], "staging", "prod", at(1))(orders()) == some[1]
    assert finder(some, "staging", "prod", at(9))(orders()) is None


def test_what_each_waiver_matches_is_counted_whether_it_is_in_force_or_not() -> None:
    """A waiver that matches nothing any more can be removed."""
    some = [
        waiver("all", rule="*", expires_at=at(-5)),
        waiver("one", fingerprints=("01234567",)),
        waiver("bound", identity="orders-{env}", values="0" * 64),
        waiver("other", left="dev"),
    ]
    seen = [orders(), breach("web")]
    assert matched(some, seen) == {"all": 2, "one": 1, "bound": 0, "other": 0}
    assert unmatched(some, seen) == (some[2], some[3])


def test_a_waiver_is_told_with_its_end_its_reason_and_where_it_was_written() -> None:
    """The owner is told beside it."""
    assert told(waiver()) == "waived until 2026-03-31 12:00 UTC: known (cli)"
    assert moment(at(0)) == "2026-03-01 12:00 UTC"


NAMES = st.sampled_from(["orders", "web"])
BREACHES = st.builds(
    lambda name, tail, rule, kind, path, value: breach(
        name,
        fingerprint=f"0123456{tail}" + "0" * 24,
        rule=RuleRef("default", rule, "f", 1),
        kind=kind,
        path=path,
        left=Side("staging", f"{name}-staging", value),
    ),
    NAMES,
    st.sampled_from("78"),
    st.sampled_from(["engine-version", "size"]),
    st.sampled_from(["aws.rds.instance", "env.file"]),
    st.sampled_from([(), ("engine_version",), ("a", "b")]),
    st.sampled_from(["1", "2"]),
)


def maybe(*values: object) -> st.SearchStrategy[object]:
    return st.sampled_from([None, None, *values])


WAIVERS = st.lists(
    st.builds(
        waiver,
        st.sampled_from("abcdef"),
        fingerprints=st.sampled_from([(), (), ("01234567",), ("01234568" + "0" * 24, "01234567"), ("0123",)]),
        left=maybe("staging", "dev"),
        right=maybe("prod"),
        rule=maybe("size", "default/*"),
        kind=maybe("aws.*", "env.file"),
        identity=maybe("orders-{env}", "WEB-staging", "{web,orders}-prod", "*"),
        path=maybe("**", "a.*", "engineVersion"),
        values=maybe(digest_of("1", ABSENT)),
        expires_at=st.sampled_from([at(-1), at(1), at(2)]),
        revoked_at=maybe(at(0)),
    ),
    max_size=8,
)


@given(WAIVERS, st.lists(BREACHES, max_size=6))
def test_the_finder_agrees_with_trying_every_waiver(waivers: Sequence[Waiver], breaches: Sequence[Breach]) -> None:
    """Whatever the waivers name, the index loses none and adds none; the count does neither."""
    found = finder(waivers, "staging", "prod", at(0))
    for one in breaches:
        covering = [w for w in waivers if in_force(w, at(0)) and covers(w, "staging", "prod", one)]
        best = min(covering, key=lambda w: (-w.expires_at.timestamp(), w.id), default=None)
        chosen = found(one)
        assert (chosen is None) == (best is None)
        if chosen and best:
            assert chosen in covering
            assert (chosen.expires_at, chosen.id) == (best.expires_at, best.id)
    numbered = [replace(w, id=str(number)) for number, w in enumerate(waivers)]
    assert matched(numbered, breaches) == {
        w.id: sum(covers(w, "staging", "prod", one) for one in breaches) for w in numbered
    }


def test_a_thousand_waivers_and_twenty_thousand_findings_are_quick() -> None:
    """Of every sort: by fingerprint, by name, and by globs over kind, rule and path."""
    breaches = [
        breach(
            f"app-{number}",
            fingerprint=f"{number:08x}{'0' * 24}",
            rule=RuleRef("default", f"rule-{number % 60}", "f", 1),
            kind=f"aws.kind.{number % 40}",
            path=("parameters", f"setting_{number % 500}"),
        )
        for number in range(20_000)
    ]
    waivers = [
        *(waiver(f"f{n}", fingerprints=(f"{n:08x}",)) for n in range(400)),
        *(waiver(f"i{n}", identity=f"app-{n}-{{env}}") for n in range(500, 800)),
        *(waiver(f"g{n}", kind=f"aws.kind.{n % 40}", path=f"parameters.setting_{n}") for n in range(150)),
        *(waiver(f"r{n}", rule=f"rule-{n % 60}", path=f"**.setting_1{n}*") for n in range(150)),
    ]
    started = time.process_time()
    found = finder(waivers, "staging", "prod", at(0))
    covered = sum(1 for one in breaches if found(one) is not None)
    took = time.process_time() - started
    assert covered > 700
    assert timedelta(seconds=took) < timedelta(seconds=4)
