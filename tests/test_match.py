"""What belongs together in several regions, and what a parameter's value is called."""

from __future__ import annotations

from collections.abc import Mapping

from auditor.alike import Pair
from auditor.compare import compare_match
from auditor.comparison import Match, Normal
from auditor.judge import judge
from auditor.match import match
from auditor.model import (
    Category,
    Json,
    Kind,
    MatchMethod,
    Severity,
)
from auditor.policy import load_policy
from tests.factories import NOW, PROD, STAGING, compared, comparison, normal

PAIR = Pair(STAGING, PROD)
PARAMETER = Kind("aws.ssm.parameter", Category.CONFIG, "A parameter")


def _digested(attributes: Mapping[str, Json], kind: Kind, digest: str) -> Normal:
    one = normal(attributes, kind=kind)
    return Normal(one.resource, kind, one.identity, one.form, one.raw, digest)


def test_regions_that_both_sides_have_are_not_mixed_up() -> None:
    """The database of `eu` that production lacks is missing; that of `us` is not taken for it."""
    ours = [normal({}, raw_identity="orders-stg", region=region) for region in ("eu-west-1", "us-east-1")]
    others = [normal({}, identity="users-{env}", raw_identity="users-prod", region="eu-west-1")]
    theirs = [normal({}, raw_identity="orders-production", region="us-east-1"), *others]
    matches, unmatched = match(ours, theirs, PAIR)
    assert [(m.left.resource.region, m.right.resource.region) for m in matches] == [("us-east-1", "us-east-1")]
    assert {(item.side, item.normal.resource.region) for item in unmatched} == {
        ("left", "eu-west-1"),
        ("right", "eu-west-1"),
    }


def test_one_region_each_is_the_counterpart_of_the_other() -> None:
    """Where the regions differ, the only one here belongs to the only one there."""
    ours = [normal({}, raw_identity="orders-stg", region="eu-west-1")]
    theirs = [normal({}, raw_identity="orders-production", region="eu-central-1")]
    matches, unmatched = match(ours, theirs, PAIR)
    assert (len(matches), len(unmatched)) == (1, 0)


def _parameter(name: str, left: str, right: str) -> list[tuple[str, Severity]]:
    identity = f"/shop/{{env}}/{name}"
    sides = [
        normal({"value": value}, identity=identity, raw_identity=f"/shop/{own}/{name}", kind=PARAMETER)
        for own, value in (("stg", left), ("production", right))
    ]
    found = judge(comparison(compared(*sides)), load_policy(("default",), ()), STAGING, PROD, NOW).breaches
    return [(breach.rule.id, breach.severity) for breach in found]


def test_a_parameters_value_is_judged_by_the_parameters_name() -> None:
    """What holds for `LOG_LEVEL` and `OAUTH_CLIENT_ID` anywhere holds for `/shop/stg/log-level`, too."""
    assert _parameter("log-level", "info", "debug") == [("log-level-in-production", Severity.MEDIUM)]
    assert _parameter("http-timeout", "5", "30") == [("duration-differs", Severity.LOW)]
    assert _parameter("oauth-client-id", "acme-portal", "acme-portal") == [("client-shared", Severity.MEDIUM)]
    assert _parameter("cache-strategy", "memory", "shared") == [("value-differs", Severity.LOW)]


def test_an_opaque_parameter_that_is_an_id_is_each_sides_own() -> None:
    """Named `tracking-id`, `value` holds an id."""
    sides = [
        normal({"value": value}, raw_identity=f"/shop/{own}/tracking-id", kind=PARAMETER)
        for own, value in (("stg", "G-724521D24F"), ("production", "G-7E3149F61A"))
    ]
    assert compare_match(Match(*sides, MatchMethod.IDENTITY, 1.0), PAIR).differences == ()


def test_a_difference_beside_a_word_of_the_things_own_is_what_it_is() -> None:
    """`production-planning` is called so on both sides; that the images differ is not that one lacks a name."""
    kind = Kind("kubernetes.deployment", Category.DEPLOYMENT, "")
    path = "registry.acme.example/production-planning"
    sides = [_digested({"image": f"{path}:{tag}"}, kind, tag) for tag in ("682c882", "23edf01")]
    found = judge(
        comparison(compare_match(Match(*sides, MatchMethod.IDENTITY, 1.0), PAIR)),
        load_policy(("default",), ()),
        STAGING,
        PROD,
        NOW,
    ).breaches
    assert [(breach.rule.id, breach.severity) for breach in found] == [("image-differs", Severity.MEDIUM)]


def test_an_image_in_each_sides_registry_is_qualified_by_what_both_say() -> None:
    """Only account and region differ: neither side lacks a name."""
    kind = Kind("aws.ecs.task_definition", Category.DEPLOYMENT, "")
    sides = [
        _digested({"image": f"{account}.dkr.ecr.eu-west-1.amazonaws.com/production-planning:1.4.2"}, kind, account)
        for account in ("111122223333", "444455556666")
    ]
    found = judge(
        comparison(compare_match(Match(*sides, MatchMethod.IDENTITY, 1.0), PAIR)),
        load_policy(("default",), ()),
        STAGING,
        PROD,
        NOW,
    ).breaches
    assert found == ()


def test_a_word_that_both_values_have_beside_their_own_names_refers_to_nobody() -> None:
    """No resource is called `staging-area` here, but each side's host is; equal values give no such excuse."""
    kind = Kind("env.file", Category.CONFIG, "", located=True)

    def found(left: str, right: str) -> list[str]:
        sides = [_digested({"UPSTREAM_URL": url}, kind, url) for url in (left, right)]
        pair = compare_match(Match(*sides, MatchMethod.IDENTITY, 1.0), PAIR)
        return [b.rule.id for b in judge(comparison(pair), load_policy(("default",), ()), STAGING, PROD, NOW).breaches]

    own = "http://staging-area.stg.acme.internal:8080", "http://staging-area.prod.acme.internal:8080"
    assert found(*own) == []
    assert found("http://api.prod.acme.internal:8080", "http://api.prod.acme.internal:8080") == [
        "reference-to-production"
    ]
    assert found("http://api.stg.acme.internal:8080", "http://api.stg.acme.internal:8080") == ["reference-to-staging"]
