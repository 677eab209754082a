"""Every `expect`, by what it says of two values under one rule."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from auditor.conditions import compile_condition
from auditor.expect import BARE, Leaf, Question
from auditor.expect_spec import ExpectError, parse_duration
from auditor.judge import Judgement
from auditor.placeholders import is_placeholder
from auditor.sizes import parse_size, same_architecture, same_family, size_order
from auditor.versions import is_mutable_tag, parse_image, parse_version, releases_between, version_order
from tests.factories import PROD, STAGING, judged, policy_of

IMAGE = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/api"


def said(
    folder: Path, expect: str, left: Any, right: Any, *, key: str = "value", more: str = "", extra: Any = None
) -> Judgement:
    """The judgement of `{key: left}` against `{key: right}` under one rule; ... leaves a side without the key."""
    rule = f"rules:\n  - id: r\n    about: a\n    path: '**.{key}'\n    expect: {expect}\n    severity: high\n{more}"
    ours, theirs = ({key: value, **(extra or {})} if value is not ... else {} for value in (left, right))
    return judged(ours, theirs, policy_of(folder, rule))


MET = [
    ("same_major", "16.3", "16.1"),
    ("same_minor", "7.0.4", "7.0.7"),
    ("same_minor", "8.0.mysql_aurora.3.04.0", "8.0.mysql_aurora.3.05.2"),
    ("not_ahead", 3, 4),
    ("not_ahead", "v1.9.0", "v1.10.0"),
    ("not_ahead", "db.r6g.large", "db.r6g.xlarge"),
    ("not_behind", 4, 3),
    ("at_least", 4, 3),
    ("{at_least: 7}", 7, 30),
    ("{at_least: db.r6g.large}", "db.r6g.large", "db.r6g.xlarge"),
    ("{ratio: {min: 0.25, max: 1}}", 2, 8),
    ("{max_lag: {releases: 2}}", "2.3.0", "2.5.0"),
    ("{max_lag: {releases: 0}}", "2.6.0", "2.5.0"),
    ("{max_lag: {time: 24h}}", "2026-11-21T12:00:00Z", "2026-11-22T11:00:00Z"),
    ("same_family", "m5.large", "m5.xlarge"),
    ("same_architecture", "m5.large", "c6i.large"),
    ("same_architecture", "arm64", "c7g.large"),
    ("{one_of: [info, warning]}", "INFO", "warning"),
    ("{matches: '^arn:'}", "arn:a", "arn:b"),
    ("subset", ["a"], ["a", "b"]),
    ("superset", ["a", "b"], ["a"]),
    ("both_or_neither", 1, 2),
    ("{cel: left.value < right.value}", 1, 2),
    ("differ", "a", "b"),
    ("ignore", "a", "b"),
]
ONE, OTHER = "{secret:0123456789abcdef}", "{secret:fedcba9876543210}"
BROKEN = [
    ("equal", "a", "b"),
    ("same_major", "15.3", "16.1"),
    ("same_minor", "7.0.4", "7.1.0"),
    ("not_ahead", 5, 4),
    ("not_ahead", "v1.10.0", "v1.9.0"),
    ("not_ahead", "db.r6g.2xlarge", "db.r6g.xlarge"),
    ("not_behind", 2, 3),
    ("at_least", 2, 3),
    ("{at_least: 7}", 7, 3),
    ("{ratio: {min: 0.25, max: 1}}", 1, 8),
    ("{ratio: {min: 0.25, max: 1}}", 9, 8),
    ("{max_lag: {releases: 1}}", "2.3.0", "2.5.0"),
    ("{max_lag: {time: 1h}}", "2026-11-21T12:00:00Z", "2026-11-22T11:00:00Z"),
    ("same_family", "m5.large", "t3.large"),
    ("same_architecture", "m6g.large", "m6i.large"),
    ("{one_of: [info, warning]}", "info", "debug"),
    ("{matches: '^arn:'}", "arn:a", "b"),
    ("subset", ["a", "c"], ["a", "b"]),
    ("superset", ["a"], ["a", "b"]),
    ("both_or_neither", ..., 2),
    ("own_secrets", f"postgres://a:{ONE}@x/a", f"postgres://a:{ONE}@y/a"),
    ("{cel: left.value > right.value}", 1, 2),
]
BROKEN_THOUGH_EQUAL = [
    ("own_secrets", f"amqp://a:{ONE}@x"),
    ("differ", "a"),
    ("{equal: true}", False),
    ("{differ: debug}", "debug"),
    ("{one_of: [info]}", "debug"),
    ("{matches: '^a'}", "b"),
    ("{at_least: 2}", 1),
    ("no_placeholder", "changeme"),
    ("no_placeholder", ["fine", "REPLACE_ME"]),
    ("no_placeholder", "{secret:0123456789abcdef0123456789abcdef:placeholder}"),
    ("immutable_tag", f"{IMAGE}:latest"),
    ("immutable_tag", IMAGE),
    ("{no_reference_to: prod}", "postgres://app@orders.prod.acme.example/app"),
    ("{cel: left.value == 2}", 1),
]


@pytest.mark.parametrize(("expect", "left", "right"), MET)
def test_a_difference_that_meets_its_expectation_is_expected(
    tmp_path: Path, expect: str, left: object, right: object
) -> None:
    """It is counted, and no finding."""
    judgement = said(tmp_path, expect, left, right)
    assert (judgement.breaches, judgement.expected) == ((), 1)


@pytest.mark.parametrize(("expect", "left", "right"), BROKEN)
def test_a_difference_that_breaks_its_expectation_is_a_finding(
    tmp_path: Path, expect: str, left: object, right: object
) -> None:
    """Of the rule, at the place, once."""
    (breach,) = said(tmp_path, expect, left, right).breaches
    assert (breach.rule.id, breach.path, breach.severity) == ("r", ("value",), "high")


@pytest.mark.parametrize(("expect", "value"), BROKEN_THOUGH_EQUAL)
def test_a_check_finds_what_is_wrong_on_both_sides(tmp_path: Path, expect: str, value: object) -> None:
    """Equal values are no excuse."""
    (breach,) = said(tmp_path, expect, value, value).breaches
    assert (breach.rule.id, breach.severity) == ("r", "high")


@pytest.mark.parametrize(
    ("expect", "value"),
    [
        ("no_placeholder", "password"),
        ("no_placeholder", ""),
        ("immutable_tag", f"{IMAGE}@sha256:{'a' * 64}"),
        ("immutable_tag", "not an image"),
        ("{no_reference_to: prod}", "production"),
        ("{no_reference_to: prod}", "product-catalogue.acme.example"),
        ("{no_reference_to: prod}", "orders.preprod.acme.example"),
        ("differ", ""),
        ("differ", None),
    ],
)
def test_a_check_is_quiet_about_what_is_right(tmp_path: Path, expect: str, value: object) -> None:
    """Near misses of every check."""
    assert said(tmp_path, expect, value, value).breaches == ()


@pytest.mark.parametrize("expect", ["same_minor", "not_ahead", "same_family", "{ratio: {min: 1}}", "differ"])
def test_what_cannot_be_compared_falls_to_the_catch_all(tmp_path: Path, expect: str) -> None:
    """A rule that has nothing to say of a missing value does not hide it."""
    (breach,) = said(tmp_path, expect, ..., "16.3").breaches
    assert (breach.rule.id, breach.severity) == ("unclassified", "low")


def test_values_of_another_make_are_not_excused_by_having_to_differ(tmp_path: Path) -> None:
    """That each side has a key of its own says nothing of one that is spoken to in the clear: another rule decides."""
    judgement = said(tmp_path, "differ", "https://a.acme.example/1", "http://a.acme.example/2")
    assert [breach.rule.id for breach in judgement.breaches] == ["unclassified"]
    assert judgement.expected == 0


@pytest.mark.parametrize(
    ("path", "value", "moves"),
    [
        (("image", "tag"), "latest", True),
        (("image", "tag"), "1.4.2", False),
        (("worker_image_tag",), "main", True),
        (("containers", "api", "image"), "acme/api", True),
        (("containers", "api", "image"), "${IMAGE}", False),
        (("name",), "latest", False),
    ],
)
def test_tags_and_images_are_known_by_their_keys(path: tuple[str, ...], value: str, moves: bool) -> None:
    """A bare tag, and an image that names none, are only told from other words by where they stand."""
    leaf = Leaf(value, value)
    verdict = BARE["immutable_tag"].judge_one(leaf, Question(path, leaf, leaf, datetime(2026, 11, 22, tzinfo=UTC)))
    assert (verdict is not None and not verdict.met) is moves


def test_a_lag_is_tolerated_while_the_new_version_is_young(tmp_path: Path) -> None:
    """`time` counts from when the side that is ahead was deployed; without that date the lag is a finding."""
    young, old = {"deployed_at": "2026-11-22T10:00:00Z"}, {"deployed_at": "2026-11-01T10:00:00Z"}
    for extra, findings in ((young, 0), (old, 1), (None, 1)):
        judgement = said(tmp_path, "{max_lag: {time: 1d}}", "2.3.0", "2.4.0", extra=extra)
        assert len(judgement.breaches) == findings


def test_a_rule_in_an_environment_looks_at_its_value_only(tmp_path: Path) -> None:
    """`in: prod` finds production's value by name, alias or class, on whichever side it stands, differing or not."""
    policy = policy_of(
        tmp_path,
        "rules:\n"
        "  - {id: any, about: a, path: '**', expect: ignore}\n"
        "  - {id: r, about: a, in: prod, path: multi_az, expect: {equal: true}, severity: high}\n",
    )
    for left, right, findings in ((True, False, 1), (False, True, 0), (False, False, 1)):
        assert len(judged({"multi_az": left}, {"multi_az": right}, policy).breaches) == findings
    (breach,) = judged({"multi_az": False}, {"multi_az": True}, policy, names=(PROD, STAGING)).breaches
    assert breach.message == "multi_az of orders-staging / orders-prod is false in prod: true is expected"


def test_a_comparison_in_an_environment_makes_it_the_subject(tmp_path: Path) -> None:
    """`in: prod` with `not_behind` means the same whichever side production stands on."""
    policy = policy_of(
        tmp_path, "rules:\n  - {id: r, about: a, in: prod, path: '**', expect: not_behind, severity: high}\n"
    )
    assert judged({"size": 2}, {"size": 4}, policy).breaches == ()
    assert [breach.rule.id for breach in judged({"size": 4}, {"size": 2}, policy).breaches] == ["r"]
    assert judged({"size": 4}, {"size": 2}, policy, names=(PROD, STAGING)).breaches == ()


def test_a_condition_that_asks_for_what_is_missing_is_false(tmp_path: Path) -> None:
    """The rule then does not apply, and an earlier one decides."""
    more = "    where: left.tags.tier != 'scratch'\n"
    (breach,) = said(tmp_path, "equal", 1, 2, more=more).breaches
    assert breach.rule.id == "unclassified"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a" * 5000, "longer than"),
        ("(" * 30 + "1" + ")" * 30, "nested more than"),
        ("[1].all(a, [1].all(b, [1].all(c, a == b)))", "loops more than"),
        ("left.value ==", "not valid CEL"),
        ("elsewhere == 1", "no variable"),
    ],
)
def test_a_condition_that_could_do_harm_is_refused(text: str, message: str) -> None:
    """Length, nesting and loops are capped before anything is compiled."""
    with pytest.raises(ValueError, match=message):
        compile_condition(text)


@pytest.mark.parametrize(
    ("left", "right", "order"),
    [
        ("14.9", "16.3", -1),
        ("1.9", "1.10", -1),
        ("16", "16.3", 0),
        ("v2.0.1", "2.0.1", 0),
        ("2.0", "2.0.1", -1),
        ("1.0.0-rc.1", "1.0.0", -1),
        ("python3.9", "python3.12", -1),
        ("nodejs18.x", "nodejs20.x", -1),
        ("python3.9", "nodejs20.x", None),
        ("git::https://example.org/x?ref=v2.4.0", "git::https://example.org/x?ref=v1.0.0", 1),
        ("682c882", "23edf01", None),
        ("eu-west-1", "eu-west-2", None),
    ],
)
def test_versions_are_ordered_by_their_numbers(left: str, right: str, order: int | None) -> None:
    """As people order them; hashes and names have no order."""
    assert version_order(left, right) == order


def test_releases_are_counted_in_the_first_number_that_differs() -> None:
    """Two minor releases, one major release; nothing for what is no version."""
    assert releases_between("2.3.1", "2.5.0") == 2
    assert releases_between("1.9.0", "2.0.0") == 1
    assert releases_between("latest", "2.0.0") is None
    assert parse_version("release-1.2") is not None


@pytest.mark.parametrize(
    ("text", "family", "architecture", "rank"),
    [
        ("db.r6g.xlarge", "db.r6g", "arm64", 2.0),
        ("cache.t3.micro", "cache.t3", "x86_64", 0.125),
        ("m5.2xlarge", "m5", "x86_64", 4.0),
        ("c7gn.16xlarge", "c7gn", "arm64", 32.0),
        ("g4dn.xlarge", "g4dn", "x86_64", 2.0),
        ("g5g.xlarge", "g5g", "arm64", 2.0),
        ("GP_Standard_D2ds_v5", "gp_d_ds_5", "x86_64", 2.0),
        ("Standard_D4ps_v5", "d_ps_5", "arm64", 4.0),
        ("n2-standard-4", "n2-standard", "x86_64", 4.0),
        ("t2a-standard-1", "t2a-standard", "arm64", 1.0),
        ("shared-cpu-2x", "shared", "x86_64", 2.0),
        ("performance-4x", "performance", "x86_64", 4.0),
    ],
)
def test_sizes_are_read_in_the_naming_of_each_cloud(text: str, family: str, architecture: str, rank: float) -> None:
    """Family with generation, architecture, and a rank that grows with the machine."""
    size = parse_size(text)
    assert size is not None
    assert (size.family, size.architecture, size.rank) == (family, architecture, rank)


def test_sizes_of_different_clouds_are_not_ordered() -> None:
    """And what is no size has neither family nor architecture."""
    assert size_order("m5.large", "n2-standard-4") is None
    assert same_family("m5.large", "large") is None
    assert same_architecture("m5.large", "sparc") is None
    assert parse_size("db.serverless") is None


def test_image_references_are_told_from_addresses() -> None:
    """A host with a port is no image; a digest or a release pins one, a branch or a major version does not."""
    assert parse_image("orders-db.internal:5432") is None
    assert parse_image("https://example.org/a:b") is None
    image = parse_image("ghcr.io/acme/api:1.4.2")
    assert image is not None
    assert (image.repository, image.tag, image.mutable) == ("ghcr.io/acme/api", "1.4.2", False)
    left_open = "ACCOUNT_ID.dkr.ecr.REGION.amazonaws.com"
    for registry in ("${ECR_REGISTRY}", "${AWS_ACCOUNT_ID}.dkr.ecr.${AWS_REGION}.amazonaws.com", left_open, "REGISTRY"):
        image = parse_image(f"{registry}/shop/api:1.4.2")
        assert image is not None
        assert (image.repository, image.tag) == (f"{registry}/shop/api", "1.4.2")
    assert parse_image("${DATA_FOLDER}/shop:ro") is None
    assert parse_image("DATA_FOLDER/shop:ro") is None
    moving = ("latest", "main", "7", "v2", "latest-staging", "api-latest")
    assert [is_mutable_tag(tag) for tag in (*moving, "7.2.4", "eceec14", "platest-1")] == [True] * 6 + [False] * 3


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("24h", timedelta(days=1)),
        ("30m", timedelta(minutes=30)),
        ("2w", timedelta(weeks=2)),
        ("PT5M", timedelta(minutes=5)),
        (90, timedelta(seconds=90)),
    ],
)
def test_durations_are_read_as_people_write_them(text: object, span: timedelta) -> None:
    """In units, in ISO 8601, or as seconds."""
    assert parse_duration(text) == span


def test_a_duration_that_is_none_is_refused() -> None:
    """With what was expected."""
    with pytest.raises(ExpectError, match="expected a duration"):
        parse_duration("tomorrow")


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("jdbc:oracle:thin:@ora-1.acme.example:1521:orders", ":orders"),
        ("jdbc:oracle:thin:@//ora-1.acme.example:1521/orders", "/orders"),
        ("jdbc:sqlserver://sql-1.acme.example:1433;databaseName=orders", ";databaseName=orders"),
        ("jdbc:postgresql://db-1.acme.example/orders", "/orders"),
    ],
)
def test_a_jdbc_address_is_a_url(url: str, path: str) -> None:
    """Its host belongs to the environment; what follows is the same database everywhere."""
    condition = compile_condition(f'is_type("url", left) && url_path(left) == "{path}"')
    assert condition.holds({"left": url})


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("email_verification_subject", "Your verification code", False),
        ("welcome.text", "Enter your new address", False),
        ("title", "Your title", True),
        ("email_subject", "your-subject", True),
        ("email_subject", "Your subject here", True),
        ("api_key", "Your api key", True),
    ],
)
def test_what_is_written_to_people_is_no_placeholder(key: str, value: str, expected: bool) -> None:
    """A mail that begins with `Your` is meant so; what repeats its key, or stands where no prose does, is not."""
    assert is_placeholder(value, key) is expected
