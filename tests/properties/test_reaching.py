"""Who depends on what, found among the few documents that may say so, is what reading all of them finds."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from auditor.comparison import Comparison, Normal, Trees, Unmatched
from auditor.mentions import mentioned
from auditor.model import (
    Breach,
    Json,
    Kind,
    Resource,
    RuleRef,
    Severity,
    Side,
)
from auditor.reach import with_reach
from auditor.values import words
from tests.factories import NOW, RDS, compared, light, snapshot

_REFERENCE = re.compile(r"[a-z0-9_]+(?:\.[a-z0-9_]+)+/[A-Za-z0-9][\w./-]*")
_SERVER = Kind("aws.ec2.security_group", RDS.category, "")
_KINDS = (RDS, _SERVER)
_NAMES = ("orders", "orders.v2", "web/1", "a")
_PADDING = "x " * 10_001


def _texts(keys: tuple[str, str], value: Json) -> Iterator[tuple[tuple[str, str], str]]:
    if isinstance(value, str):
        yield keys, value
    elif isinstance(value, Mapping):
        for key, below in value.items():
            yield from _texts((keys[1], str(key)), below)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(keys, item)


def _named(document: Json, kind: str, name: str, whole: list[str], names: list[str]) -> bool:
    """Whether a document refers to one resource, where `whole` and `names` are how those looked for are called."""
    reference = f"{kind}/{name}"
    for keys, text in _texts(("", ""), document):
        if text in whole:
            if text == reference:
                return True
        elif text in names:
            noun = kind.rpartition(".")[2].replace("_", "")
            if text == name and noun in "".join(word for step in keys for word in words(step)):
                return True
        else:
            for found in _REFERENCE.findall(text):
                end = len(found)
                while end > 0 and found[:end] not in whole:
                    end = max(found.rfind(".", 0, end), found.rfind("/", 0, end))
                if end > 0 and found[:end] == reference:
                    return True
    return False


def _breach(kind: Kind, name: str) -> Breach:
    sides = Side("staging", name, "a"), Side("prod", name, "b")
    rule = RuleRef("default", "x", "", 1)
    return Breach(name, rule, Severity.LOW, kind.category, kind.name, name, (), *sides, "", "", "", None, 1.0)


_references = st.builds(
    "{}{}{}".format,
    st.sampled_from(("", "postgres://", "x-", "see ")),
    st.builds("{}/{}".format, st.sampled_from([kind.name for kind in _KINDS]), st.sampled_from(_NAMES)),
    st.sampled_from(("", ":5432/app", ".internal", "-2", "/x", _PADDING)),
)
_values = st.one_of(_references, st.sampled_from(_NAMES), st.lists(st.one_of(_references, st.sampled_from(_NAMES))))
_documents = st.dictionaries(st.sampled_from(("instance", "DBInstance", "security_group_ids", "name")), _values)


@settings(max_examples=80)
@given(
    st.dictionaries(
        st.tuples(st.sampled_from(_KINDS).map(lambda kind: kind.name), st.sampled_from(_NAMES)), _documents
    ),
    st.sets(st.tuples(st.sampled_from(_KINDS).map(lambda kind: kind.name), st.sampled_from(_NAMES))),
)
def test_reading_few_documents_finds_what_reading_all_finds(
    world: dict[tuple[str, str], dict[str, Json]], wanted: set[tuple[str, str]]
) -> None:
    """For findings of any of them, one side; and no document is read in which nothing wanted can be named."""
    kinds = {kind.name: kind for kind in _KINDS}
    read: list[tuple[str, str]] = []

    def look(one: Normal) -> Trees:
        read.append((one.kind.name, one.identity))
        document = world[one.kind.name, one.identity]
        return document, document

    alone = tuple(
        Unmatched("left", light(Resource(kind, name, {}), kinds[kind], name, look, mentions=mentioned(document)))
        for (kind, name), document in world.items()
    )
    breaches = [_breach(kinds[kind], name) for kind, name in sorted(wanted)]
    found = with_reach(breaches, Comparison(snapshot("staging"), snapshot("prod"), (), alone))
    there = [place for place in wanted if place in world]
    whole, names = [f"{kind}/{name}" for kind, name in there], [name for _, name in there]
    assert [one.reach for one in found] == [
        sum(
            other != (one.kind, one.identity) and _named(document, one.kind, one.identity, whole, names)
            for other, document in world.items()
        )
        if (one.kind, one.identity) in world
        else 0
        for one in found
    ]
    told = {place for place in read if any(name in repr(world[place]) for name in names)}
    assert set(read) == told
    assert len(read) == len(told)


def test_a_document_that_nobody_has_looked_through_is_read() -> None:
    """Where its numbers are not known, it may mention anything; a pair counts once, by either side."""
    named = {"vpc_security_group_ids": ["aws.ec2.security_group/web"]}
    sides = [Normal(Resource(RDS.name, "orders", named), RDS, "orders", named, named, "") for _ in range(2)]
    group = Normal(Resource(_SERVER.name, "web", {}), _SERVER, "web", {}, {}, "")
    pair = compared(sides[0], sides[1])
    comparison = Comparison(
        snapshot("staging"), replace(snapshot("prod"), taken_at=NOW), (pair,), (Unmatched("left", group),)
    )
    assert [one.reach for one in with_reach([_breach(_SERVER, "web")], comparison)] == [1]
