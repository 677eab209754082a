"""What an audit says: each drift once, at its place, worst rule first; and what it cannot say."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor.breaches import fingerprint
from auditor.comparison import Change, Difference, Unmatched
from auditor.judge import judge, was_observed
from auditor.model import (
    ABSENT,
    Category,
    Gap,
    GapReason,
    MatchMethod,
    Severity,
)
from auditor.policy import load_policy
from tests.factories import ENV_FILE, NOW, PROD, RDS, STAGING, compared, comparison, judged, normal, policy_of, snapshot

PLAIN = "rules:\n  - {id: any, about: a, path: '**', expect: equal, severity: medium}\n"
ALONE = PLAIN + "  - {id: alone, about: a, expect: equal, severity: high}\n"


def gap(environment: str = "prod", **where: Any) -> Gap:
    """A denied listing of databases, or a part of one."""
    return Gap(environment, "aws:1", where.pop("kind", "aws.rds.instance"), GapReason.ACCESS_DENIED, "no", **where)


def alone(side: str, identity: str, **more: Any) -> Unmatched:
    """A database without counterpart."""
    return Unmatched(side, normal({}, identity=identity, raw_identity=identity), **more)


def test_a_place_is_reported_once_by_its_worst_rule(tmp_path: Path) -> None:
    """A placeholder that also differs is one finding, which names both rules; that they differ is seen from the values."""
    text = PLAIN + "  - {id: filled, about: a, path: '**', expect: no_placeholder, severity: high}\n"
    (breach,) = judged({"key": "changeme"}, {"key": "3e2589c4"}, policy_of(tmp_path, text)).breaches
    assert (breach.rule.id, breach.severity, breach.rule.overrode) == ("filled", Severity.HIGH, ("test/any",))
    assert breach.message == (
        "key of orders-staging / orders-prod is changeme in staging: a placeholder was left in place"
    )
    assert (breach.left.value, breach.right.value) == ("changeme", "3e2589c4")


def test_a_subtree_of_one_side_is_one_finding(tmp_path: Path) -> None:
    """Not one for each of its leaves; a check inside it still speaks for itself."""
    text = PLAIN + "  - {id: filled, about: a, path: '**', expect: no_placeholder, severity: high}\n"
    right = {"survey": {"id": "change_me", "url": "https://x.test", "size": 3}}
    found = judged({}, right, policy_of(tmp_path, text)).breaches
    assert [(breach.rule.id, breach.path) for breach in found] == [("filled", ("survey", "id")), ("any", ("survey",))]


def test_a_subtree_is_ignored_when_all_of_it_is(tmp_path: Path) -> None:
    """A rule over leaves also speaks for the branch that holds nothing else."""
    text = PLAIN + "  - {id: quiet, about: a, path: 'labels.*', expect: ignore}\n"
    judgement = judged({}, {"labels": {"team": "a", "owner": "b"}}, policy_of(tmp_path, text))
    assert (judgement.breaches, judgement.expected) == ((), 1)


def test_versions_say_which_side_is_behind(tmp_path: Path) -> None:
    """In the message and in the remediation, whichever side it is."""
    text = (
        "rules:\n  - id: v\n    about: a\n    path: engine_version\n    values: version\n    expect: same_minor\n"
        "    remediation: Upgrade {behind.identity} in {behind.environment} to {ahead.value}\n"
    )
    policy = policy_of(tmp_path, text)
    (left,) = judged({"engine_version": "14.9"}, {"engine_version": "16.3"}, policy).breaches
    assert left.message == (
        "staging is behind: engine_version of orders-staging / orders-prod is 14.9 against 16.3 in prod"
    )
    assert left.remediation == "Upgrade orders-staging in staging to 16.3"
    (right,) = judged({"engine_version": "16.3"}, {"engine_version": "14.9"}, policy).breaches
    assert right.remediation == "Upgrade orders-prod in prod to 16.3"


def test_a_secret_never_gets_into_a_sentence(tmp_path: Path) -> None:
    """Not even its fingerprint, which says nothing to a reader."""
    secrets = [f"{{secret:{digit * 32}}}" for digit in "ab"]
    (breach,) = judged({"token": secrets[0]}, {"token": secrets[1]}, policy_of(tmp_path, PLAIN)).breaches
    assert breach.message == ("token of orders-staging / orders-prod is a secret in staging and a secret in prod")


def test_what_no_rule_covers_is_unclassified_at_low(tmp_path: Path) -> None:
    """Nothing passes unseen."""
    (breach,) = judged({"a": 1}, {"a": 2}, policy_of(tmp_path, "rules: []\n")).breaches
    assert (breach.rule.id, breach.rule.policy, breach.severity) == ("unclassified", "built-in", Severity.LOW)


def test_null_and_absent_are_not_the_same(tmp_path: Path) -> None:
    """A key without a value is not a key that is not there."""
    (breach,) = judged({"a": None}, {}, policy_of(tmp_path, PLAIN)).breaches
    assert (breach.left.value, breach.right.value) == (None, ABSENT)


def test_a_resource_is_missing_when_a_complete_listing_did_not_hold_it(tmp_path: Path) -> None:
    """One finding, without path, naming the side that has it."""
    found = judge(comparison(unmatched=(alone("left", "orders"),)), policy_of(tmp_path, ALONE), STAGING, PROD, NOW)
    (breach,) = found.breaches
    assert (breach.rule.id, breach.path, breach.identity, breach.right.identity) == ("alone", (), "orders", None)
    assert breach.message == "aws.rds.instance orders exists in staging only; prod has none"
    assert (found.score, found.unknown) == (None, 0), "one missing resource is no comparison to give a score to"


@pytest.mark.parametrize(
    ("listings", "gaps"),
    [
        ((), ()),
        (("aws.ec2.*",), ()),
        (("*",), (gap(),)),
        (("*",), (gap(kind="aws.*"),)),
        (("*",), (gap(resource="orders-prod"),)),
        (("*",), (gap(kind="*", resource="deploy/broken.yaml"),)),
    ],
)
def test_what_was_not_read_is_unknown_and_no_finding(
    tmp_path: Path, listings: tuple[str, ...], gaps: tuple[Gap, ...]
) -> None:
    """No listing, a gap over the kind, a gap over the very resource under its other name, a file that may hold it."""
    lone = Unmatched("left", normal({}, identity="orders-{env}", raw_identity="orders-staging"))
    found = judge(
        comparison(unmatched=(lone,), right=snapshot("prod", listings=listings, gaps=gaps)),
        policy_of(tmp_path, ALONE), STAGING, PROD, NOW,
    )  # fmt: skip
    assert (found.breaches, found.unknown, found.score) == ((), 1, None)


def test_a_gap_over_another_resource_hides_nothing(tmp_path: Path) -> None:
    """Only what it names, and files by their own path."""
    lone = Unmatched("left", normal({}, identity="app.env", raw_identity="app.env", kind=ENV_FILE))
    gaps = (gap(kind="*", resource="broken.yaml"), gap(resource="billing-prod"))
    found = judge(
        comparison(unmatched=(lone, alone("left", "orders")), right=snapshot("prod", gaps=gaps[1:])),
        policy_of(tmp_path, ALONE), STAGING, PROD, NOW,
    )  # fmt: skip
    assert len(found.breaches) == 2
    located = judge(
        comparison(unmatched=(lone,), right=snapshot("prod", gaps=gaps[:1])),
        policy_of(tmp_path, ALONE), STAGING, PROD, NOW,
    )  # fmt: skip
    assert (len(located.breaches), located.unknown) == (1, 0)


def test_an_attribute_that_could_not_be_read_is_unknown(tmp_path: Path) -> None:
    """It is counted; the other attributes are judged."""
    pair = compared(
        normal({"tags": {}, "size": 1}, raw_identity="orders-staging"),
        normal({"tags": {"a": "b"}, "size": 2}, raw_identity="orders-prod"),
    )
    right = snapshot("prod", gaps=(gap(resource="orders-prod", attribute="tags"),))
    found = judge(comparison(pair, right=right), policy_of(tmp_path, PLAIN), STAGING, PROD, NOW)
    assert [breach.path for breach in found.breaches] == [("size",)]
    assert found.unknown == 1


def test_what_both_sides_show_of_an_attribute_is_known_although_not_all_of_it_was_read(tmp_path: Path) -> None:
    """A variable that both services give themselves, whatever their `env_file` says; not one that it may hold, or fill in."""
    ours = {"environment": {"LEVEL": "a", "OURS": "1", "FILLED": None, "RIGHT": "x"}}
    theirs = {"environment": {"LEVEL": "b", "FILLED": "2", "RIGHT": "x"}}
    pair = compared(normal(ours, raw_identity="orders-staging"), normal(theirs, raw_identity="orders-prod"))
    left = snapshot("staging", gaps=(gap("staging", resource="orders-staging", attribute="environment"),))
    right = snapshot("prod", gaps=(gap(resource="orders-prod", attribute="environment"),))
    both = comparison(pair, left=left, right=right)
    found = judge(both, policy_of(tmp_path, PLAIN), STAGING, PROD, NOW)
    assert [breach.path for breach in found.breaches] == [("environment", "LEVEL")]
    assert found.unknown == 2
    (breach,) = found.breaches
    gone = {name: replace(breach, path=("environment", name)) for name in ("RIGHT", "OURS", "FILLED")}
    assert {name: was_observed(both, one) for name, one in gone.items()} == {
        "RIGHT": True,
        "OURS": False,
        "FILLED": False,
    }


def test_what_one_side_lacks_is_lacking_although_it_names_what_was_not_seen(tmp_path: Path) -> None:
    """A statement about an ARN, of which only production has one, is told; a key that is an id may be another's."""
    pair = compared(
        normal({}, raw_identity="orders-staging"),
        normal({"public": {"resources": ["arn:aws:s3:::orders/*"]}, "sg-0a1b2c3d": 1}, raw_identity="orders-prod"),
    )
    right = snapshot("prod", gaps=(gap(kind="aws.s3.account"),))
    found = judge(comparison(pair, right=right), policy_of(tmp_path, PLAIN), STAGING, PROD, NOW)
    assert [breach.path for breach in found.breaches] == [("public",)]
    assert found.unknown == 1


def test_two_that_are_probably_counterparts_are_one_finding(tmp_path: Path) -> None:
    """Not a missing on one side and an extra on the other; whichever of them carries the suggestion."""
    left, right = alone("left", "worker-{env}"), alone("right", "jobs-{env}")
    policy = policy_of(tmp_path, ALONE)
    for pair in (
        (replace(left, suggestion=right.normal, confidence=0.8), right),
        (left, replace(right, suggestion=left.normal, confidence=0.8)),
    ):
        (breach,) = judge(comparison(unmatched=pair), policy, STAGING, PROD, NOW).breaches
        assert breach.message == (
            "aws.rds.instance worker-{env} in staging is probably the counterpart of jobs-{env} in prod,"
            " but nothing proves it"
        )
        assert (breach.left.identity, breach.right.identity) == ("worker-{env}", "jobs-{env}")
        assert breach.matched_by is None


def test_one_side_that_is_unknown_leaves_the_other_alone_with_its_suggestion(tmp_path: Path) -> None:
    """What cannot be called missing is no half of a pair, but is still named."""
    left, right = alone("left", "worker-{env}"), alone("right", "jobs-{env}")
    found = judge(
        comparison(
            unmatched=(replace(left, suggestion=right.normal), right), left=snapshot("staging", listings=())
        ),
        policy_of(tmp_path, ALONE), STAGING, PROD, NOW,
    )  # fmt: skip
    (breach,) = found.breaches
    assert (breach.left.identity, breach.right.identity, breach.suggestion) == ("worker-{env}", None, "jobs-{env}")
    assert found.unknown == 1


def test_resources_of_one_name_in_two_regions_are_two_findings(tmp_path: Path) -> None:
    """With fingerprints of their own."""
    pair = tuple(
        Unmatched("left", normal({}, identity="web", raw_identity="web", region=region)) for region in ("a", "b")
    )
    found = judge(comparison(unmatched=pair), policy_of(tmp_path, ALONE), STAGING, PROD, NOW).breaches
    assert len({breach.fingerprint for breach in found}) == 2


def test_the_score_counts_each_resource_by_its_worst_finding(tmp_path: Path) -> None:
    """One high of two resources: 1 - 0.7 / 2; ten more findings on the same resource change nothing."""
    text = PLAIN + "  - {id: v, about: a, path: version, expect: equal, severity: high}\n"
    drifted = compared(normal({"version": "1", "a": 1, "b": 2}), normal({"version": "2", "a": 2, "b": 3}))
    same = compared(normal({"a": 1}, identity="b", kind=ENV_FILE), normal({"a": 1}, identity="b", kind=ENV_FILE))
    found = judge(comparison(drifted, same), policy_of(tmp_path, text), STAGING, PROD, NOW)
    assert found.score == 0.65
    assert found.scores == {Category.DATABASE: 0.3, Category.CONFIG: 1.0}


def test_nothing_compared_is_no_score(tmp_path: Path) -> None:
    """Not a hundred percent."""
    assert judge(comparison(), policy_of(tmp_path, PLAIN), STAGING, PROD, NOW).score is None


def test_a_name_without_environment_is_judged_by_its_own_rule(tmp_path: Path) -> None:
    """`qualified` is asked of leaves that agree but for the name, and only by rules that expect it."""
    text = PLAIN + "  - {id: q, about: a, path: '**', expect: qualified, severity: low}\n"
    pair = compared(normal({"log": "logs"}), normal({"log": "logs-prod"}, form={"log": "logs"}))
    leaf = Difference(("log",), "logs", "logs-prod", Change.VALUE)
    found = judge(
        comparison(replace(pair, unqualified=(leaf,))), policy_of(tmp_path, text), STAGING, PROD, NOW
    ).breaches
    assert [(breach.rule.id, breach.path) for breach in found] == [("q", ("log",))]


def test_shared_names_are_compared_as_spelled(tmp_path: Path) -> None:
    """`db-{env}` is one form but two names: `differ` is met."""
    text = "rules:\n  - {id: d, about: a, path: '**', expect: differ, severity: high}\n"
    pair = compared(
        normal({"key": "db-staging", "group": "admins"}, form={"key": "db-{env}", "group": "admins"}),
        normal({"key": "db-prod", "group": "admins"}, form={"key": "db-{env}", "group": "admins"}),
    )
    found = judge(comparison(pair), policy_of(tmp_path, text), STAGING, PROD, NOW).breaches
    assert [breach.path for breach in found] == [("group",)]


def test_a_handle_of_a_production_resource_is_a_reference_to_it(tmp_path: Path) -> None:
    """By endpoint or id, without production's name in it; what both environments have is nobody's."""
    text = "rules:\n  - {id: ref, about: a, path: '**', expect: {no_reference_to: prod}, severity: critical}\n"
    endpoint, common = "orders.cluster-x1.eu-west-1.rds.amazonaws.com", "shared.cluster-x2.eu-west-1.rds.amazonaws.com"
    theirs = normal({}, refs=(endpoint, common)).resource
    ours = normal({}, refs=(common,)).resource
    pair = compared(normal({"a": endpoint, "b": f"postgres://{endpoint}/x", "c": common}), normal({"c": common}))
    found = judge(
        comparison(pair, left=snapshot("staging", resources=(ours,)), right=snapshot("prod", resources=(theirs,))),
        policy_of(tmp_path, text), STAGING, PROD, NOW,
    ).breaches  # fmt: skip
    assert [breach.path for breach in found if breach.rule.id == "ref"] == [("a",), ("b",)]


def test_a_finding_counts_as_gone_only_where_its_place_was_seen(tmp_path: Path) -> None:
    """A listing that is complete, or the resource itself, on both sides, and no gap over it."""
    pair = compared(normal({"a": 1}), normal({"a": 2}))
    policy = policy_of(tmp_path, PLAIN)
    (breach,) = judge(comparison(pair), policy, STAGING, PROD, NOW).breaches
    assert was_observed(comparison(pair), breach)
    assert was_observed(comparison(), breach)
    assert not was_observed(comparison(right=snapshot("prod", listings=())), breach)
    assert not was_observed(comparison(right=snapshot("prod", gaps=(gap(),))), breach)
    assert not was_observed(comparison(right=snapshot("prod", gaps=(gap(resource="orders-prod"),))), breach)
    assert was_observed(comparison(right=snapshot("prod", gaps=(gap(resource="billing-prod"),))), breach)
    hidden = snapshot("prod", gaps=(gap(resource="orders-prod", attribute="a"),))
    assert not was_observed(comparison(pair, right=hidden), breach)


values = st.one_of(st.integers(0, 5), st.booleans(), st.sampled_from(["a", "changeme", "16.3"]))
documents = st.dictionaries(st.sampled_from(["a", "b", "c", "d"]), st.one_of(values, st.lists(values)), max_size=4)


@settings(max_examples=10, deadline=None)
@given(left=documents, right=documents, seed=st.integers())
def test_the_same_input_in_any_order_gives_the_same_breaches(left: Any, right: Any, seed: int) -> None:
    """Byte for byte: order of keys, of resources and of differences does not count."""
    policy = load_policy(["default"])
    pairs = [
        compared(normal(left, identity=name, raw_identity=name), normal(right, identity=name, raw_identity=name))
        for name in ("one", "two", "three")
    ]
    first = judge(comparison(*pairs), policy, STAGING, PROD, NOW)
    shuffled = [replace(pair, differences=pair.differences[::-1]) for pair in pairs]
    random.Random(seed).shuffle(shuffled)
    assert judge(comparison(*shuffled), policy, STAGING, PROD, NOW) == first


@given(before=values, after=values)
def test_the_fingerprint_does_not_depend_on_values(
    tmp_path_factory: pytest.TempPathFactory, before: Any, after: Any
) -> None:
    """The same place under the same rule is the same finding."""
    policy = policy_of(tmp_path_factory.mktemp("policy"), PLAIN)
    found = {
        breach.fingerprint
        for value in (before, after)
        for breach in judged({"deep": {"x": value}}, {"deep": {"x": "other"}}, policy).breaches
    }
    assert found == {fingerprint(("staging", "prod"), RDS.name, "orders-{env}", "any", ("deep", "x"))}


def test_a_breach_says_how_its_resources_were_paired(tmp_path: Path) -> None:
    """With the method and the confidence of the match."""
    (breach,) = judged({"a": 1}, {"a": 2}, policy_of(tmp_path, PLAIN)).breaches
    assert (breach.matched_by, breach.confidence) == (MatchMethod.IDENTITY, 1.0)


def test_a_later_check_of_the_same_name_may_ask_for_less(tmp_path: Path) -> None:
    """The last rule decides, met or failed; where its own condition does not hold, the earlier one still does."""
    rule = "rules:\n  - {id: kept, about: a, path: days, in: prod, %s expect: {at_least: %d}, severity: high}\n"
    (tmp_path / "shipped.yaml").write_text("policy: shipped\n" + rule % ("", 7))
    for where, days, found in [("", 5, []), ("", 2, ["own/kept"]), ("where: left.value == 1,", 5, ["shipped/kept"])]:
        (tmp_path / "own.yaml").write_text("policy: own\nextends: [shipped]\n" + rule % (where, 3))
        breaches = judged({"days": days}, {"days": days}, load_policy(["own"], [tmp_path])).breaches
        assert [f"{breach.rule.policy}/{breach.rule.id}" for breach in breaches] == found, (where, days)


def test_a_finding_belongs_to_whom_the_tag_names() -> None:
    """The right resource's owner before the left one's, however the tag is capitalised; none where neither says so."""

    def owner(left: dict[str, str], right: dict[str, str], tag: str = "owner") -> str | None:
        pair = compared(normal({"size": 1}, tags=left), normal({"size": 2}, tags=right))
        (breach,) = judge(comparison(pair), load_policy(["default"]), STAGING, PROD, NOW, tag).breaches
        return breach.owner

    assert owner({"owner": "shop"}, {"Owner": "payments"}) == "payments"
    assert owner({"owner": "shop"}, {"owner": " "}) == "shop"
    assert owner({"owner": "shop"}, {"team": "payments"}, "team") == "payments"
    assert owner({}, {"team": "payments"}) is None


def test_a_lone_resource_has_its_own_owner() -> None:
    """What only one side has belongs to whom it names there."""
    lone = Unmatched("left", normal({}, tags={"owner": "shop"}))
    (breach,) = judge(comparison(unmatched=(lone,)), load_policy(["default"]), STAGING, PROD, NOW).breaches
    assert breach.owner == "shop"


def test_an_expression_about_one_text_is_asked_of_each_item_of_a_list(tmp_path: Path) -> None:
    """A test system among the hosts of production is found, a list without one is silent, and nothing is left unanswered."""
    text = PLAIN + (
        "  - id: tests\n    about: a\n    in: prod\n    path: '**'\n    values: [url, host]\n    severity: high\n"
        "    where: '!value.matches(\"^meant\")'\n    expect: {cel: '!value.matches(\"test\")'}\n"
    )
    hosts = {
        "one": ["api.acme.example", "api.test.acme.example"],
        "none": ["api.acme.example", "cdn.acme.example"],
        "meant": ["meant.test.acme.example", "api.acme.example"],
        "both": ["meant.test.acme.example", "api.test.acme.example"],
        "alone": "api.test.acme.example",
        "nothing": [],
    }
    found = judged(hosts, hosts, policy_of(tmp_path, text))
    assert [(breach.rule.id, breach.path) for breach in found.breaches] == [
        ("tests", ("alone",)),
        ("tests", ("both",)),
        ("tests", ("one",)),
    ]
    assert found.notes == ()
    # Only the side that the rule is about is asked.
    assert judged(hosts, {"one": ["api.acme.example"]}, policy_of(tmp_path, text)).notes == ()
