"""What is remembered between audits never changes what an audit says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from auditor.alike import Pair
from auditor.codec import canonical, encode
from auditor.compare import compare
from auditor.document import Document
from auditor.forms import known_forms
from auditor.judge import Judgement, judge
from auditor.kept import Keeping
from auditor.match import match
from auditor.model import Comparison, Gap, GapReason, Listing, Resource, Snapshot
from auditor.names import EnvironmentNames
from auditor.policy import load_policy
from auditor.rules import Policy
from auditor.snapshot import normalise
from auditor.store import Store
from tests.factories import policy_of
from tests.properties.documents import KINDS, NOW, PROD, STAGING, edited, spoken, templates

# Rules that ask for everything that a verdict may depend on: tags, the day, other resources, the names of things.
ASKING = """
extends: [default]
rules:
  - {id: small, about: Memory is small unless somebody owns it, path: memory, where: '!("owner" in left.tags)', expect: {at_most: 2Gi}, severity: low}
  - {id: known, about: A level that is known, path: "**.logLevel", expect: {cel: 'value in ["info", "debug"] || "scratch" in own.tags'}, in: staging, severity: medium}
  - {id: fresh, about: Versions are of this year, path: engine_version, expect: {cel: 'now.getFullYear() < 2027 || left.present'}, severity: low}
  - {id: quiet, about: Scratch databases may say what they like, path: "**.logLevel", where: '"scratch" in left.tags', expect: ignore, severity: info}
  - {id: away, about: Staging keeps away from production, path: "**", expect: {no_reference_to: prod}, severity: critical}
"""
SETTINGS = settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
TAGS = st.dictionaries(st.sampled_from(["owner", "scratch"]), st.sampled_from(["payments", "search"]), max_size=1)
HANDLES = st.sampled_from(["sg-0123abcd", "arn:aws:sqs:us-east-1:444455556666:jobs", "db.main.example.org", "none"])
COLUMNS = st.sampled_from(["target", "settings", "url"])


@dataclass(frozen=True)
class Look:
    """Both environments at one time, what could not be read, and what day it is."""

    left: tuple[Resource, ...]
    right: tuple[Resource, ...]
    gaps: tuple[Gap, ...]
    day: int
    policy: int


@pytest.fixture(scope="module")
def policies(tmp_path_factory: pytest.TempPathFactory) -> tuple[Policy, Policy]:
    """One that asks for everything, and the one that ships."""
    return policy_of(Path(tmp_path_factory.mktemp("policy")), ASKING), load_policy(["default"])


@st.composite
def dressed(draw: st.DrawFn, resources: tuple[Resource, ...], environment: str) -> tuple[Resource, ...]:
    """The resources as the environment spells them, with tags, handles to be known by, and values that point at handles."""
    found = []
    for resource in spoken(resources, environment):
        attributes = dict(resource.attributes)
        pointing = draw(HANDLES)
        if pointing != "none":
            attributes[draw(COLUMNS)] = pointing
        own = draw(HANDLES)
        refs = () if own == "none" else (own,)
        found.append(replace(resource, attributes=Document.of(attributes), tags=draw(TAGS), refs=refs))
    return tuple(found)


@st.composite
def histories(draw: st.DrawFn) -> tuple[Look, ...]:
    """Up to four looks, each after a few changes to either side."""
    common = draw(templates())
    sides = [common, draw(edited(common))]
    looks = []
    for day in range(draw(st.integers(2, 4))):
        which = draw(st.sampled_from([0, 1, 2]))
        if which < 2:
            sides[which] = draw(edited(sides[which])) or sides[which]
        hidden = draw(st.sampled_from(["", "", "url", "engine_version", "*"]))
        gap = Gap("staging", "one", "test.service", GapReason.ACCESS_DENIED, "denied", attribute=hidden if hidden != "*" else None)  # fmt: skip
        looks.append(
            Look(
                draw(dressed(sides[0], "staging")),
                draw(dressed(sides[1], "prod")),
                (gap,) if hidden else (),
                day * draw(st.sampled_from([1, 400])),
                draw(st.sampled_from([0, 0, 1])),
            )
        )
    return tuple(looks)


def said(look: Look, policy: Policy, keeping: Keeping | None) -> tuple[bytes, Judgement]:
    """All that an audit of the look says, as text and as it is."""
    sides = [
        Snapshot(names.name, names.name, NOW, resources, gaps, (Listing("one", "*"), Listing("two", "*")), tuple(names.accounts), names.regions)
        for names, resources, gaps in ((STAGING, look.left, look.gaps), (PROD, look.right, ()))
    ]  # fmt: skip
    ours, theirs = (_forms(side.resources, names, keeping) for side, names in zip(sides, (STAGING, PROD), strict=True))
    pair = Pair(STAGING, PROD)
    matches, unmatched = match(ours, theirs, pair)
    compared = compare(matches, pair, keeping)
    found = judge(
        Comparison(sides[0], sides[1], compared, unmatched),
        policy,
        STAGING,
        PROD,
        NOW + timedelta(days=look.day),
        keeping=keeping,
    )
    differences = [[encode(each) for each in (*one.differences, *one.unqualified)] for one in compared]
    told = [[encode(breach) for breach in found.breaches], differences, found.expected, found.unknown, found.score]
    told += [{key.value: value for key, value in found.scores.items()}, list(found.notes)]
    told += [{key.value: encode(value) for key, value in found.tallies.items()}]
    return canonical(told), found


def _forms(resources: Sequence[Resource], names: EnvironmentNames, keeping: Keeping | None):  # type: ignore[no-untyped-def]
    if keeping is None:
        return normalise(resources, KINDS.__getitem__, names)
    return known_forms(resources, KINDS.__getitem__, names, {}, keeping)


@SETTINGS
@given(histories())
def test_an_audit_says_the_same_with_and_without_what_earlier_ones_worked_out(policies, looks):
    """Findings, differences, counts, score and notes, over histories in which documents, tags, handles, gaps, days and
    policies change; audited twice each, so that everything is known the second time."""
    keeping = Keeping()
    for look in looks:
        plain, _ = said(look, policies[look.policy], None)
        for _ in range(2):
            assert said(look, policies[look.policy], keeping)[0] == plain


@settings(SETTINGS, max_examples=5)
@given(histories())
def test_what_a_store_kept_says_the_same_in_another_process(policies, tmp_path_factory, looks):
    """Maps are read back from the store for every look, as a command run by cron reads them."""
    folder = tmp_path_factory.mktemp("kept")
    with Store.open(f"sqlite:///{folder / 'store.db'}") as store:
        for look in looks:
            keeping = Keeping(store)
            assert said(look, policies[look.policy], keeping)[0] == said(look, policies[look.policy], None)[0]
            keeping.flush()


def test_a_pair_that_was_settled_is_not_read_again(policies):
    """The second audit looks at no value of a pair in which everything is right: its trees are made for no one."""
    attributes = {"engine_version": "15.4", "memory": "1Gi"}
    look = Look(
        (Resource("test.service", "orders-staging", Document.of(attributes), source="one"),),
        (Resource("test.service", "orders-prod", Document.of(attributes), source="one"),),
        (),
        0,
        1,
    )
    keeping = Keeping()
    said(look, policies[1], keeping)
    settled = keeping.map("settled-1:staging:prod")
    assert list(settled._known.values()) == [b""]
    changed = replace(look, left=(replace(look.left[0], tags={"owner": "search"}),))
    said(changed, policies[1], keeping)
    assert len(settled) == 2, "another owner is another content: conditions ask for tags"
