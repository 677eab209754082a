"""A thing's own name may hold a word that means an environment; both sides together tell."""

from __future__ import annotations

from dataclasses import replace

import pytest

from auditor.aligned import Aligner
from auditor.alike import Pair
from auditor.comparison import Match, Normal
from auditor.model import Category, Kind, MatchMethod, Resource
from auditor.names import environment_names
from auditor.references import target, vocabulary

STAGING = environment_names("staging", ["acc", "rc"], {"prod": ["live"]})
PROD = environment_names("prod", ["live"], {"staging": ["acc", "rc"]})
ALIGNER = Aligner(STAGING, PROD)
PAIR = Pair(STAGING, PROD)

SAME = [
    ("a thing called after a stage", "stage-manager-stg", "stage-manager-prd"),
    ("a thing called after production", "production-planning.acc.acme", "production-planning.live.acme"),
    ("production's own short name first", "PRD-EDITOR-TASK-ACC", "PRD-EDITOR-TASK-PRD"),
    ("twice in one name", "euc1-staging-staging-area", "euc1-prod-staging-area"),
    ("two things in one name", "CoreAcc/StageManagerAcc", "CoreLive/StageManagerLive"),
    ("left out in production", "qa-answers-staging", "qa-answers"),
    ("glued to short words", "stgcrm", "prodcrm"),
    ("two letters glued to a short word", "kycrc", "kyclive"),
    ("glued to a short word, one name being weak", "stagingweb", "mainweb"),
    ("glued inside one of many words", "s3://ordersstg/daily", "s3://ordersprod/daily"),
    ("a weak name with a number", "index_pre_prod01", "index_live01"),
]
OTHER = [
    ("another thing", "stage-manager-stg", "stage-director-prd"),
    ("another order", "orders-items-stg", "items-orders-prd"),
    ("delimiters alone", "a b", "a-b"),
    ("a name and nothing else", "staging", "orders"),
    ("an ending that is no name", "storage", "store"),
]


@pytest.mark.parametrize(("left", "right"), [case[1:] for case in SAME], ids=[case[0] for case in SAME])
def test_a_name_is_one_however_each_side_spells_its_environment(left: str, right: str) -> None:
    """Words of the thing's own name stay, names of the environments face one another."""
    assert ALIGNER.same(left, right)
    assert PAIR.alike(left, right)


@pytest.mark.parametrize(("left", "right"), [case[1:] for case in OTHER], ids=[case[0] for case in OTHER])
def test_other_words_make_another_name(left: str, right: str) -> None:
    """Only names of the environments may differ, and at least one has to."""
    assert not ALIGNER.same(left, right)


def test_an_environment_of_another_stage_may_go_by_its_first_letter() -> None:
    """`uat` has no short names of its own; `u` opposite `p` is one."""
    pair = Pair(environment_names("uat", (), {"prod": ()}), environment_names("prod", (), {"uat": ()}))
    assert pair.same_name("acme-u-orders", "acme-p-orders")
    assert not pair.same_name("acme-x-orders", "acme-p-orders")


def test_a_name_that_was_cut_off_is_still_the_same() -> None:
    """Target groups take 32 characters: the end of the longer name is missing, and with it the environment's."""
    left, right = "devonshire-acc-developer-portal-", "devonshire-prod-developer-portal"
    cut = "tideline-developer-portal-pre-pr"
    assert len(cut) == 32
    assert PAIR.same_name(cut, "tideline-developer-portal-prod")
    assert PAIR.same_name(left[:31], right)
    assert PAIR.same_name("prestwick-orders-of-goods-abc-st", "prestwick-orders-of-goods-abc-pr")
    assert not PAIR.same_name("tideline-developer-portal-pre", "tideline-developer-poster-prod")


def test_the_region_of_each_side_is_no_part_of_a_name() -> None:
    """`use1` stands in the one's names, `apse2` in the other's."""
    pair = Pair(STAGING.at((), ["us-east-1"]), PROD.at((), ["ap-southeast-2"]))
    assert pair.same_name("use1-staging-calendar", "apse2-prod-calendar")
    assert pair.alike("s3://use1-staging-exports/daily", "s3://apse2-prod-exports/daily")
    assert not pair.same_name("use1-staging-calendar", "euw1-prod-calendar")


def test_the_account_of_a_queue_or_a_bucket_is_each_sides_own() -> None:
    """Where accounts are not known: twelve digits are one, a date and a time are not."""
    queue = "https://sqs.eu-west-1.amazonaws.com/{}/orders-jobs-{}"
    assert PAIR.alike(queue.format("111122223333", "stg"), queue.format("444455556666", "prod"))
    assert PAIR.alike("s3://acme-exports-220103655267/daily", "s3://acme-exports-962388077003/daily")
    assert not PAIR.alike("release-202611221200-orders", "release-202611231200-orders")


def test_an_address_is_the_resource_that_only_one_snapshot_holds() -> None:
    """The cache of one side is missing, which is one finding, not one for everybody who talks to it."""
    resolved = "rediss://aws.elasticache.replication_group/tokens-stg:6379/0"
    address = "rediss://master.tokens-prod.sxue65.euw1.cache.amazonaws.com:6379/0"
    assert PAIR.alike(resolved, address)
    assert not PAIR.alike(resolved, address.replace("tokens", "carts"))


def test_the_same_host_without_encryption_is_not_the_same() -> None:
    """`redis` is another way to talk than `rediss`."""
    assert not PAIR.alike("rediss://cache.stg.acme.internal:6380", "redis://cache.prod.acme.internal:6380")


def _match(left: str, right: str, component: str | None = None) -> Match:
    kind = Kind("aws.ecs.service", Category.DEPLOYMENT, "")
    ours, theirs = (
        Normal(Resource(kind.name, name, {}, component=component), kind, name, {}, {}, "") for name in (left, right)
    )
    return Match(ours, theirs, MatchMethod.ALIAS, 0.95)


def test_a_word_of_a_things_own_name_refers_to_nobody() -> None:
    """`production-planning` is a service of both sides; the second `prod` of a host still gives it away."""
    known = vocabulary([_match("production-planning-stg", "production-planning-prd")], STAGING, PROD)
    assert ("production", "planning") in known
    forbidden = target(PROD, (), (), known)
    assert forbidden.referred_by("https://production-planning.stg.acme.example", ("url",)) is None
    assert forbidden.referred_by("https://production-planning.prod.acme.example", ("url",)) is not None
    assert replace(forbidden, vocabulary=frozenset()).referred_by(
        "http://production-planning.stg.acme.example", ("url",)
    )


def test_a_component_tells_the_words_of_a_name_that_is_glued() -> None:
    """`stgproductionplanning` has no words, but its label has."""
    known = vocabulary([_match("stgqaanswers", "prodqaanswers", component="qa-answers")], STAGING, PROD)
    assert ("qa", "answers") in known


@pytest.mark.parametrize(
    "value", ["s3://acme-prod-exports/orders", "http://orders-prod:8080/api", "redis://cache-live:6379"]
)
def test_a_store_or_host_without_a_domain_is_a_reference(value: str) -> None:
    """Nothing but the scheme says that the name is one."""
    assert target(PROD, (), ()).referred_by(value, ("export_path",)) is not None


def test_generated_letters_of_an_address_name_nobody() -> None:
    """`c94kcnlft0qa` ends in `qa` by chance."""
    host = "prodmain.c94kcnlft0qa.eu-central-1.rds.amazonaws.com"
    assert target(environment_names("qa"), (), ()).referred_by(host, ("host",)) is None


def test_a_name_that_each_side_spells_is_qualified_on_both() -> None:
    """Production's `prd-editor` is not qualified by its first word, nor does staging's lack it."""
    assert not PAIR.unqualified("acme-s-prd-editor", "acme-p-prd-editor")
    assert not PAIR.unqualified("acme-prd-editor-534650578695", "acme-prd-editor-973266732219")
    assert PAIR.unqualified("orders-events", "orders-events-prod")
