from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.codec import canonical, decode, digest, encode
from auditor.life import Event, StoredFinding
from auditor.model import (
    ABSENT,
    Audit,
    Author,
    Breach,
    Finding,
    Gap,
    GapReason,
    Moved,
    Resource,
    Side,
    Snapshot,
    Status,
)
from tests.store import samples

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
VALUES = JSON | st.just(ABSENT)
MOVED = Moved(
    "left", "staging", samples.at(0), samples.at(5), ABSENT, {"a": [None]}, "s-1", author=Author(unknown="no")
)
TIMES = st.datetimes(timezones=st.just(UTC))
# Up to 200 years: what a number of seconds carries to the microsecond.
DURATIONS = st.timedeltas(timedelta(0), timedelta(days=73_000))


def through_text(cls: type, value: object) -> object:
    return decode(cls, json.loads(canonical(encode(value))))


@given(VALUES, VALUES, st.text(), st.tuples(st.text()), DURATIONS, TIMES, st.sampled_from(Status))
def test_a_finding_comes_back_equal_whatever_its_values_are(left, right, text, path, tolerated, time, status):
    """Values, ABSENT and null, odd text, durations and times all survive the way to JSON text and back."""
    breach = samples.breach(
        left=Side("staging", text, left), right=Side("prod", None, right), path=path, tolerated_for=tolerated
    )
    finding = Finding(breach, status, time, time, None)
    assert through_text(Finding, finding) == finding


def test_absent_is_a_key_left_out_and_null_is_null():
    """Who reads the JSON tells the two apart without a word of ours."""
    absent = {"environment": "prod", "identity": "orders", "location": None, "declared": None}
    assert encode(Side("prod", "orders", ABSENT)) == absent
    assert encode(Side("prod", "orders", None))["value"] is None


def test_a_value_that_looks_like_a_mark_for_absent_stays_a_value():
    """No value is reserved: a map that says "absent" is a map."""
    side = Side("prod", "orders", {"absent": True})
    assert through_text(Side, side) == side


@given(st.dictionaries(st.text(), JSON))
def test_a_resource_keeps_its_attributes_to_the_last_leaf(attributes):
    """Attributes pass as they are: 1, 1.0 and true stay three things."""
    made = samples.resource("orders", values=[1, 1.0, True])
    resource = Resource(**{**{name: getattr(made, name) for name in Resource.__slots__}, "attributes": attributes})
    again = through_text(Resource, resource)
    assert again == resource
    assert canonical(encode(again)) == canonical(encode(resource))


def test_snapshots_audits_and_histories_come_back_equal():
    """Every nesting that the model has: maps by enum, tuples of dataclasses, optional enums."""
    finding = Finding(samples.breach(matched_by=None), Status.WAIVED, samples.START, samples.at(5), MOVED)
    life = samples.LifeResult((finding,), (), (), ())
    for cls, value in (
        (Snapshot, samples.snapshot()),
        (Audit, samples.audit("a1", life)),
        (StoredFinding, StoredFinding(samples.breach(), Status.OPEN, *[samples.START] * 3, samples.at(1), None, 4)),
        (Event, Event("fp", samples.START, None, "ana", None, Status.ACKNOWLEDGED, "known")),
        (Gap, Gap("prod", "files:x", "*", GapReason.MALFORMED, "tab in line 3", location="x.yaml:3")),
    ):
        assert through_text(cls, value) == value


def test_a_time_of_another_zone_is_written_in_utc():
    """Two spellings of one instant would be two contents."""
    noon = datetime(2026, 7, 1, 14, tzinfo=timezone(timedelta(hours=2)))
    event = Event("fp", noon, None, "ana", None, Status.OPEN, "")
    assert encode(event)["at"] == "2026-07-01T12:00:00+00:00"


def test_a_time_without_a_zone_is_refused():
    """Guessing a zone would shift a finding's life by hours."""
    with pytest.raises(ValueError, match="without a zone: 2026-07-01T14:00:00"):
        encode(Event("fp", datetime(2026, 7, 1, 14), None, "ana", None, Status.OPEN, ""))


def test_json_of_something_else_is_refused_with_its_type():
    """A damaged record is told, not half read."""
    with pytest.raises(ValueError, match="not the JSON of a Breach"):
        decode(Breach, {"fingerprint": "fp"})
    with pytest.raises(ValueError, match="not the JSON of a Event"):
        decode(Event, ["fp"])


def test_keys_of_another_version_are_passed_over_and_new_ones_get_their_default():
    """What an older or newer program wrote stays readable."""
    data = encode(samples.resource("orders"))
    del data["component"]
    assert decode(Resource, {**data, "colour": "red"}).component is None


def test_the_canonical_spelling_does_not_depend_on_the_order_of_keys():
    """Equal content has one digest."""
    assert (
        canonical({"b": [1, "é"], "a": None})
        == canonical({"a": None, "b": [1, "é"]})
        == b'{"a":null,"b":[1,"\\u00e9"]}'
    )
    assert digest(b"abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_what_json_cannot_say_is_a_value_error():
    """A collector that yields a time or a set is found out before anything is stored."""
    with pytest.raises(ValueError, match="set is not JSON serializable"):
        canonical({"a": {1, 2}})
