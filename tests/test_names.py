"""The names of environments in text."""

from __future__ import annotations

import pytest

from auditor.alike import Pair
from auditor.names import environment_names, stage_of, zone
from auditor.set_aside import Neutral

PROD = environment_names("prod", (), {"staging": ()})
STAGING = environment_names("staging", (), {"prod": ()})


@pytest.mark.parametrize(
    ("text", "neutral"),
    [
        ("orders-prod-db", "orders-{env}-db"),
        ("ORDERS_PRODUCTION_URL", "ORDERS_{env}_URL"),
        ("ordersProdQueue", "orders{env}Queue"),
        ("product", "product"),
        ("PRODUCTS", "PRODUCTS"),
        ("reproduction", "reproduction"),
        ("pre-prod", "pre-prod"),
        ("x-PreProd-y", "x-PreProd-y"),
        ("non_prod alerts", "non_prod alerts"),
        ("prod1", "{env}1"),
    ],
)
def test_production_is_found_at_borders_and_never_inside_words(text: str, neutral: str) -> None:
    """Delimiters, camel case and digits are borders; names of other environments shield what they contain."""
    assert PROD.neutral(text) == neutral


def test_an_environment_goes_by_the_usual_words_that_nobody_else_claims() -> None:
    """Staging is also pre-prod, until an environment of that name exists."""
    assert STAGING.neutral("a-preprod-b") == "a-{env}-b"
    both = environment_names("staging", (), {"prod": (), "preprod": ()})
    assert both.neutral("a-preprod-b") == "a-preprod-b"
    assert environment_names("preprod", (), {"staging": (), "prod": ()}).neutral("a-pre-prod-b") == "a-{env}-b"


def test_aliases_from_the_configuration_count() -> None:
    """An alias is a name like any other."""
    assert environment_names("blue", ("azure",)).neutral("x-AZURE-y") == "x-{env}-y"


def test_accounts_and_regions_are_places() -> None:
    """The environment's own account and region fall out, others stay."""
    names = STAGING.at(["123456789012"], ["eu-west-1"])
    assert names.neutral("arn:aws:sqs:eu-west-1:123456789012:q") == "arn:aws:sqs:{region}:{account}:q"
    assert names.neutral("eu-west-1a 210987654321") == "{region}a 210987654321"


def test_mentions_name_the_word_as_it_is_spelled() -> None:
    """The evidence of a reference is quoted as it stands."""
    assert PROD.mentioned_in("jdbc://orders-PROD.db") == "PROD"
    assert PROD.mentioned_in("orders-preprod.db") is None


@pytest.mark.parametrize(
    ("name", "stage"),
    [
        ("prod-eu", "prod"),
        ("production", "prod"),
        ("preprod", "staging"),
        ("pre-prod", "staging"),
        ("stg2", "stg2"),
        ("dev", "dev"),
    ],
)
def test_the_stage_of_an_environment_follows_from_its_name(name: str, stage: str) -> None:
    """`prod-eu` is a production; `pre-prod` is none."""
    assert stage_of(name) == stage


def test_zones_are_taken_apart() -> None:
    """A zone is a region and a letter."""
    assert zone("eu-west-1b") == ("eu-west-1", "b")
    assert zone("eu-west-1") == ("eu-west-1", "")
    assert zone("orders") is None


@pytest.mark.parametrize("written", ["orders-{env}", "orders-{stage}", "orders-${STAGE}", "orders-{account}"])
def test_a_place_that_a_text_leaves_open_is_no_name(written: str) -> None:
    """`orders-{env}` in a file is a template that nobody filled in, whatever what is set aside is written like."""
    pair = Pair(STAGING, PROD)
    for left, right in (("orders-staging", written), (written, "orders-prod")):
        assert not pair.alike(left, right)
        assert not pair.alike_lists([left], [right])
        assert Neutral(STAGING).digest({"a": left}) != Neutral(PROD).digest({"a": right})
        assert Neutral(STAGING).digest({"a": [left]}) != Neutral(PROD).digest({"a": [right]})


@pytest.mark.parametrize(
    ("left", "right"),
    [("orders-{env}", "orders-{env}"), ("a-staging-{id}", "a-prod-{id}"), ("${STAGING_URL}", "${PROD_URL}")],
)
def test_one_template_on_both_sides_is_one_value(left: str, right: str) -> None:
    """A program fills it in; names beside it, and in the names of variables, are names all the same."""
    assert Pair(STAGING, PROD).alike(left, right)
    assert Neutral(STAGING).digest({"a": left}) == Neutral(PROD).digest({"a": right})
