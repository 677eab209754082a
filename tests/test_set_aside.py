"""What is worked out of normal forms in one walk is what the plain definitions say, step by step."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from auditor.footing import Ground
from auditor.mentions import mentioned, mentions_any, number, unpack
from auditor.names import environment_names
from auditor.naming import Nouns, noun_of, spoken
from auditor.paths import PathSet
from auditor.set_aside import Neutral, digest_of, neutral, spelled

STAGING = environment_names("staging", ("stg",), {"prod": ()}).at(["111111111111"], ["eu-west-1"])
_KEYS = ("version", "cpu", "account", "Memory", "stg_url", "STAGING", "security_group", "args", "0", "é")
_texts = st.one_of(
    st.sampled_from(
        (
            "1.10", "0100", "250m", "1.5Gi", "true", "orders-staging", "arn:aws:s3:::stg-111111111111", "eu-west-1a",
            "aws.ec2.subnet/web.v2/x", "https://stg.example.com:443/", "\ud800", "null", ":1.5e3", " v1.2 ", "",
            '{"host": "db.stg.example.com", "deep": "[\\"orders-stg\\"]"}',
        )
    ),
    st.text(max_size=6),
)  # fmt: skip
_leaves = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.sampled_from((1e16, 1e-7, 2.0, 2**70)), _texts
)
_raw = st.dictionaries(
    st.sampled_from(_KEYS),
    st.recursive(
        _leaves | st.lists(_leaves, max_size=3),
        lambda below: st.dictionaries(st.sampled_from(_KEYS) | _texts, below, max_size=4),
        max_leaves=12,
    ),
    max_size=4,
)


@settings(max_examples=60)
@given(st.lists(_raw, max_size=3))
def test_the_digest_of_a_form_is_that_of_its_canonical_json(documents: list[dict[str, Any]]) -> None:
    """Whatever was remembered of earlier documents, and whichever library spells it."""
    names = Neutral(STAGING)
    for raw in (*documents, *documents):
        assert names.digest(raw) == digest_of(neutral(spelled(raw), STAGING))


def test_two_keys_that_are_one_name_hide_nothing_of_each_other() -> None:
    """`STG_URL` and `STAGING_URL` both become `{env}_URL`: either value shows in the digest, in whatever order they come."""
    told = {"STAGING_URL": "https://a.example.com/x", "STG_URL": "https://same.example.com"}
    other = {"STAGING_URL": "https://b.example.com/y", "STG_URL": "https://same.example.com"}
    for wrap in (lambda value: value, lambda value: {"env": value}, lambda value: {"env": {**value, "n": 2**70}}):
        first, second, again = (wrap(each) for each in (told, other, dict(reversed(told.items()))))
        names = Neutral(STAGING)
        assert names.digest(first) == digest_of(neutral(spelled(first), STAGING)) == names.digest(again)
        assert names.digest(first) != names.digest(second)
    assert neutral(told, STAGING) == {
        "{env}_URL": "https://a.example.com/x",
        "{env}_URL~2": "https://same.example.com",
    }


@settings(max_examples=30)
@given(st.lists(_raw, max_size=3))
def test_what_is_told_to_name_a_resource_is_all_that_may(documents: list[dict[str, Any]]) -> None:
    """A text under a key that holds a noun, or one that holds a kind: in the order in which they are spoken."""
    kinds = ("aws.ec2.subnet", "aws.ec2.security_group")
    nouns = Nouns(kinds)
    for raw in (*documents, *documents):
        wanted = [
            (key, text)
            for key, text in spoken(raw)
            if any(noun_of(kind) in key for kind in kinds) or any(f"{kind}/" in text for kind in kinds)
        ]
        assert list(nouns.told(raw)) == wanted


def test_documents_inside_texts_and_beginnings_of_references_are_mentioned() -> None:
    """However deep a document lies inside a text, and however long the text is."""
    document = {"settings": '{"host": "db.example.com", "deep": "[\\"orders\\"]"}'}
    for padding in ("", " " * 300):
        packed = mentioned({"a": [document], "text": f"see aws.ec2.subnet/web.v2/x{padding}"})
        told = ("db.example.com", "orders", "aws.ec2.subnet/web.v2/x", "aws.ec2.subnet/web.v2", "aws.ec2.subnet/web")
        assert all(mentions_any(packed, {number(text)}) for text in told)
        assert not mentions_any(packed, {number("aws.ec2.subnet/we")})
        assert list(unpack(packed)) == sorted(set(unpack(packed)))


def test_a_footing_says_what_the_globs_say_of_its_path() -> None:
    """Before and after more ways were taken than are remembered."""
    volatile, ordered, keyed = ("created_at", "items.*.seen"), ("**.steps",), (("rules", "protocol+port"),)
    plain = PathSet(dict.fromkeys(volatile, True)), PathSet(dict.fromkeys(ordered, True)), PathSet(dict(keyed))
    ground = Ground(volatile, ordered, keyed, most=10)
    paths = [("created_at",), ("items", "a", "seen"), ("items", "seen"), ("x", "steps"), ("rules",), ("x", "command")]
    for path in (*paths, *paths, *((str(place), "steps") for place in range(12)), *paths):
        here = ground.top()
        for step in path:
            here = here.known.get(step) or here.below(step)
        in_order = plain[1].matches(path) or path[-1] == "command"
        assert here.volatile == plain[0].matches(path)
        assert here.listed() == (in_order, plain[2].get(path))
        assert here.step == path[-1]
