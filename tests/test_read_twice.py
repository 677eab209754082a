"""An account that two sources read is there once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import permutations

import pytest

from auditor.assemble import Read, snapshot
from auditor.collector import Task
from auditor.model import Gap, GapReason, Json, Resource
from tests.factories import NOW

ACCOUNT = "111122223333"
ARN = "arn:aws:sqs:eu-west-1:111122223333:orders"


def queue(source: str, *, location: str | None = ARN, account: str | None = ACCOUNT, **attributes: Json) -> Resource:
    """A queue as one source tells it."""
    return Resource(
        "aws.sqs.queue", "orders", attributes, source=source, region="eu-west-1", account=account, location=location
    )


def unknown(source: str, attribute: str, resource: str | None = None) -> Gap:
    """An attribute that one source does not know."""
    return Gap(
        "staging", source, "aws.sqs.queue", GapReason.UNSUPPORTED, "?", "eu-west-1", resource, attribute=attribute
    )


def read(*items: Resource | Gap) -> list[Read]:
    """A task for every item."""

    def nothing() -> Iterator[Resource | Gap]:
        return iter(())

    return [Read(Task(item.source, ("aws.sqs.queue",), nothing, "eu-west-1"), (item,), (), True) for item in items]


def told(*items: Resource | Gap) -> tuple[list[tuple[str, str]], list[tuple[str, str | None]]]:
    """Identity and source of every resource, source and attribute of every gap; the same in whatever order they came."""
    found = {snapshot("staging", NOW, list(order)).id: order for order in permutations(read(*items))}
    assert len(found) == 1
    (order,) = found.values()
    made = snapshot("staging", NOW, list(order))
    return [(each.identity, each.source) for each in made.resources], [(gap.source, gap.attribute) for gap in made.gaps]


def test_what_two_profiles_read_of_one_account_is_there_once() -> None:
    """Whether both said the same or a counter moved between them, and also where no ARN is told."""
    assert told(queue("aws:a", delay=5), queue("aws:b", delay=5)) == ([("orders", "aws:a")], [])
    assert told(queue("aws:a", delay=5), queue("aws:b", delay=6)) == ([("orders", "aws:a")], [])
    assert told(queue("aws:a", delay=5), queue("aws:a", delay=6)) == ([("orders", "aws:a")], [])
    assert told(queue("aws:a", location=None), queue("aws:b", location=None)) == ([("orders", "aws:a")], [])


def test_the_one_that_was_read_most_wholly_is_kept_and_what_the_other_lacked_is_known() -> None:
    """AWS Config beside the account itself; an attribute that neither could read stays unknown."""
    live, config = queue("aws:live", delay=5, policy="p"), queue("aws_config:all", delay=5, own=1, more=2)
    lacks = unknown("aws_config:all", "policy")
    assert told(config, live, lacks) == ([("orders", "aws:live")], [])
    fuller = queue("aws:live", delay=5, policy="p", own=1, more=2)
    assert told(config, fuller, lacks, unknown("aws:live", "tags", "orders")) == (
        [("orders", "aws:live")],
        [("aws:live", "tags")],
    )
    denied = [unknown("aws:live", name, "orders") for name in ("delay", "policy")]
    assert told(config, queue("aws:live"), lacks, *denied) == (
        [("orders", "aws_config:all")],
        [("aws_config:all", "policy")],
    )


@pytest.mark.parametrize(
    "other",
    [
        queue("aws:b", account="999999999999"),
        queue("aws:b", location=ARN.replace("orders", "elsewhere/orders")),
    ],
)
def test_two_things_of_one_name_stay_two(other: Resource) -> None:
    """In another account, or at another ARN; and so do their gaps."""
    lacks = unknown("aws:b", "policy")
    assert told(queue("aws:a"), other, lacks) == ([("orders", "aws:a"), ("orders", "aws:b")], [("aws:b", "policy")])


def test_a_gap_that_is_about_something_else_stays() -> None:
    """Another region, another thing, another kind: nobody read that better."""
    elsewhere = [
        replace(unknown("aws:b", "policy"), region="us-east-1"),
        unknown("aws:b", "policy", "invoices"),
        replace(unknown("aws:b", "policy"), kind="aws.sns.*"),
        replace(unknown("aws:b", "policy"), attribute=None),
    ]
    settled = [
        unknown("aws:b", "policy"),
        unknown("aws:b", "policy", "orders"),
        replace(unknown("aws:b", "p"), region=None),
    ]
    found = snapshot("staging", NOW, read(queue("aws:a", policy="p"), queue("aws:b"), *elsewhere, *settled))
    assert [each.source for each in found.resources] == ["aws:a"]
    assert set(found.gaps) == set(elsewhere)


def test_without_an_account_nothing_is_the_same() -> None:
    """Two folders may hold a thing of one name."""
    assert told(queue("files:a", account=None), queue("files:b", account=None)) == (
        [("orders", "files:a"), ("orders", "files:b")],
        [],
    )
