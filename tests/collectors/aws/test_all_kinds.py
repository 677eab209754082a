"""What holds of every kind at once: answers made from the service models are read whole, leak nothing, and what fails is
a gap of that kind."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import pytest
from botocore.parsers import ResponseParserError

from auditor.errors import CollectError
from auditor.model import GapReason
from collectors.aws.base import READS
from tests.collectors.aws.all_kinds import KINDS, TRAITS, Trait, generator, redacted, seen, source, text
from tests.collectors.aws.answering import Answered, read_by
from tests.collectors.aws.generated import STAGING, leaves
from tests.collectors.aws.recordings import Refusal


def _tokens(served: Answered, service: str, operation: str) -> list[tuple[str, Any]]:
    """Where an answer says that there is more, with a value that never changes; empty where it cannot."""
    pager = served.pager(service, operation)
    outputs = pager.get("output_token", [])
    found: list[tuple[str, Any]] = [
        (path.split(" || ")[0], "again") for path in ([outputs] if isinstance(outputs, str) else outputs)
    ]
    return [*found, (pager["more_results"], True)] if found and "more_results" in pager else found


every_kind = pytest.mark.parametrize("name", sorted(KINDS))
_OPTIONAL = [name for name in sorted(KINDS) if not TRAITS.get(name, Trait()).fixed]
_PAGED = [name for name in sorted(KINDS) if _tokens(source(), KINDS[name].service, KINDS[name].operation)]


@every_kind
def test_an_answer_with_every_member_is_read_whole(name: str) -> None:
    """No crash, no gap, and every resource has a name that is unique."""
    found, _ = seen(name, STAGING)
    assert (found.gaps, found.failed) == ((), None)
    assert found.resources
    identities = found.identities
    assert all(identities)
    assert len(set(identities)) == len(identities)
    assert all(json.dumps(resource.attributes) for resource in found.resources)


@every_kind
def test_an_answer_with_only_what_is_always_there_is_read(name: str) -> None:
    """Optional parts that are left out cost nothing, and what was listed is never silently gone."""
    found, _ = seen(name, STAGING, sparse=True)
    assert (found.gaps, found.failed) == ((), None)
    assert found.resources


@pytest.mark.parametrize("name", _OPTIONAL)
def test_an_account_that_has_none_gives_none(name: str) -> None:
    """An empty listing is complete: no resource, no gap."""
    found, _ = seen(name, STAGING, empty=True)
    assert (found.resources, found.gaps, found.failed) == ((), (), None)


@every_kind
def test_no_secret_of_an_answer_is_left(name: str) -> None:
    """What stands under a name that promises a secret, or is sensitive in the service model, is fingerprinted or dropped."""
    _, canaries = seen(name, STAGING)
    resources = redacted(name, STAGING)
    leaked = {path for resource in resources for path, value in leaves(resource.attributes) if str(value) in canaries}
    assert leaked == set()
    assert [canary for resource in resources for canary in canaries if canary in text(resource)] == []


def _read(name: str, answering: Any) -> CollectError | None:
    """Why reading the kind failed, when everything is answered so; it must not look like an empty account."""
    found = read_by(source(), KINDS[name], STAGING, answering)
    assert found.resources == ()
    if found.failed is None:
        assert found.gaps, "a listing that failed looks complete and empty"
        gap = found.gaps[0]
        assert (gap.kind, gap.resource) == (name, None)
        return CollectError(gap.reason, gap.detail)
    return found.failed


@every_kind
def test_a_listing_that_is_refused_is_a_gap_that_names_the_permission(name: str) -> None:
    """Denied is told with an action that the kind declares."""
    failed = _read(name, lambda *_: Refusal("AccessDeniedException", 403))
    assert failed is not None
    assert failed.reason is GapReason.ACCESS_DENIED
    asked = re.search(r"allow (\S+:\w+)", failed.detail)
    assert asked is not None
    assert asked[1] in KINDS[name].actions


@every_kind
def test_a_listing_that_is_throttled_or_not_understood_is_a_gap(name: str) -> None:
    """Never an empty listing."""
    throttled = _read(name, lambda *_: Refusal("ThrottlingException"))
    assert throttled is not None
    assert throttled.reason is GapReason.THROTTLED

    def broken(*_: Any) -> Mapping[str, Any]:
        raise ResponseParserError("not XML")

    garbled = _read(name, broken)
    assert garbled is not None
    assert garbled.reason is GapReason.MALFORMED


@every_kind
def test_a_good_answer_that_says_nothing_is_a_gap(name: str) -> None:
    """A page without the list is no empty page: something else answered."""
    nothing = _read(name, lambda *_: {})
    assert nothing is not None
    assert nothing.reason is GapReason.MALFORMED


@pytest.mark.parametrize("name", _PAGED)
def test_pages_without_an_end_come_to_an_end(name: str) -> None:
    """The same page token over and over breaks the listing off; it does not hang, and is not taken for complete."""
    kind = KINDS[name]
    made = generator(kind, STAGING)
    served = source()
    tokens = _tokens(served, kind.service, kind.operation)

    def answering(model: Any, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        answer = made.answer(model, parameters)
        if model.name == kind.operation:
            for path, value in tokens:
                *above, last = path.split(".")
                holder = answer
                for step in above:
                    holder = holder[step]
                holder[last] = value
        return answer

    found = read_by(served, kind, STAGING, answering)
    told = [found.failed.reason] if found.failed is not None else [gap.reason for gap in found.gaps]
    assert GapReason.TRUNCATED in told
    assert len(served.asked) < 60


@every_kind
def test_a_kind_says_what_it_is_and_only_reads(name: str) -> None:
    """`audit collectors`, the docs and the generated policy are made from it."""
    kind = KINDS[name]
    assert len(kind.about) > 10
    assert not kind.about.endswith(".")
    assert re.fullmatch(r"(AWS::\w+::\w+)?", kind.cloudformation)
    assert kind.cloudformation or name in _NO_TYPE
    assert [each for each in kind.actions if not each.partition(":")[2].startswith((*READS, "Decrypt"))] == []


# What CloudFormation cannot make.
_NO_TYPE = {
    "aws.ec2.account_defaults",
    "aws.ec2.instance_type",
    "aws.ecr.image",
    "aws.iam.account",
    "aws.s3.account",
    "aws.servicequotas.quota",
}
