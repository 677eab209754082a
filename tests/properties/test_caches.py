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
from auditor.comparison import Comparison
from auditor.document import Document
from auditor.forms import known_forms
from auditor.judge import Judgement, judge
from auditor.kept import Keeping
from auditor.match import match
from auditor.model import (
    Gap,
    GapReason,
    Listing,
    Resource,
    Snapshot,
)
from auditor.names import EnvironmentNames
from auditor.policy import load_policy
from auditor.rules import Policy
from auditor.settled import RECORD_VERSION
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
  - {id: fresh, about: Versions are of this year, path: engine_version, expect: {cel: 'now < timestamp("2027-06-01T00:00:00Z")'}, severity: low}
  - {id: quiet, about: Scratch databases may say what they like, path: "**.logLevel", where: '"scratch" in left.tags', expect: ignore, severity: info}
  - {id: away, about: Staging keeps away from production, path: "**", expect: {no_reference_to: prod}, severity: critical}
"""
SETTINGS = settings(max_examples=80, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
TAGS = st.dictionaries(st.sampled_from(["owner", "scratch"]), st.sampled_from(["payments", "search"]), max_size=1)
HANDLES = st.sampled_from(["sg-0123abcd", "queue:jobs", "db.main.example.org"])
POINTERS = st.one_of(HANDLES, st.sampled_from(["orders-staging", "orders-prod", "billing-staging", "billing"]))
COLUMNS = st.sampled_from(["target", "settings", "url", "service", "service_name"])


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
    found = spoken(resources, environment)
    for change in (_tagged, _pointing, _known_by):
        found = tuple(change(draw, one) for one in found)
    return found


def _tagged(draw: st.DrawFn, resource: Resource) -> Resource:
    return replace(resource, tags=draw(TAGS))


def _known_by(draw: st.DrawFn, resource: Resource) -> Resource:
    return replace(resource, refs=tuple(draw(st.lists(HANDLES, max_size=1))))


def _pointing(draw: st.DrawFn, resource: Resource) -> Resource:
    pointing = {draw(COLUMNS): handle for handle in draw(st.lists(POINTERS, max_size=1))}
    return replace(resource, attributes=Document.of({**resource.attributes, **pointing}))


@st.composite
def histories(draw: st.DrawFn) -> tuple[Look, ...]:
    """Up to five looks. From one to the next a single thing changes, so that all else is known already."""
    common = draw(templates())
    sides = [draw(dressed(common, "staging")), draw(dressed(draw(edited(common)), "prod"))]
    day, policy, gaps = 0, draw(st.sampled_from([0, 0, 1])), ()
    looks = [Look(sides[0], sides[1], gaps, day, policy)]
    for _ in range(draw(st.integers(1, 4))):
        side = draw(st.sampled_from([0, 1]))
        what = draw(st.sampled_from(["tags", "handle", "handle", "pointer", "edit", "day", "policy", "gap"]))
        if what == "day":
            day += 400
        elif what == "policy":
            policy = 1 - policy
        elif what == "gap":
            hidden = draw(st.sampled_from([None, "url", "engine_version"]))
            gap = Gap("staging", "one", "test.service", GapReason.ACCESS_DENIED, "denied", attribute=hidden)
            gaps = () if gaps else (gap,)
        elif what == "edit":
            sides[side] = draw(edited(sides[side]))
        elif sides[side]:
            change = {"tags": _tagged, "handle": _known_by, "pointer": _pointing}[what]
            which = draw(st.integers(0, len(sides[side]) - 1))
            sides[side] = tuple(change(draw, one) if at == which else one for at, one in enumerate(sides[side]))
        looks.append(Look(sides[0], sides[1], gaps, day, policy))
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
    policies change, one at a time, so that the rest is known."""
    keeping = Keeping()
    for look in looks:
        plain, _ = said(look, policies[look.policy], None)
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
    settled = keeping.map(f"settled-{RECORD_VERSION}:staging:prod")
    assert list(settled._known.values()) == [b""]
    changed = replace(look, left=(replace(look.left[0], tags={"owner": "search"}),))
    said(changed, policies[1], keeping)
    assert len(settled) == 2, "another owner is another content: conditions ask for tags"


def _service(identity: str, **more: object) -> Resource:
    attributes = Document.of(more.pop("attributes", {"memory": "1Gi"}))  # type: ignore[arg-type]
    return Resource("test.service", identity, attributes, source="one", **more)  # type: ignore[arg-type]


def test_a_value_becomes_a_reference_when_the_thing_it_names_appears(policies):
    """Neither form changes, since so short a name is no reference inside an environment; production's new queue makes
    staging's value a reference to production all the same."""
    pointing = {"target": "q:jobs"}
    look = Look(
        (_service("orders-staging", attributes=pointing),), (_service("orders-prod", attributes=pointing),), (), 0, 0
    )
    keeping = Keeping()
    assert said(look, policies[0], keeping)[1].breaches == ()
    there = replace(look, right=(*look.right, _service("jobs-prod", refs=("q:jobs",))))
    found = said(there, policies[0], keeping)
    assert "away" in [breach.rule.id for breach in found[1].breaches]
    assert found[0] == said(there, policies[0], None)[0]


def test_what_one_policy_settled_is_open_to_another(policies):
    """A level that the policy that ships tolerates is no level that the other one knows."""
    chatty = {"logLevel": "warn"}
    look = Look(
        (_service("orders-staging", attributes=chatty),), (_service("orders-prod", attributes=chatty),), (), 0, 1
    )
    keeping = Keeping()
    assert said(look, policies[1], keeping)[1].breaches == ()
    assert [breach.rule.id for breach in said(look, policies[0], keeping)[1].breaches] == ["known"]
    assert said(look, policies[1], keeping)[1].breaches == ()


def test_what_a_condition_excuses_for_one_resource_is_not_excused_for_all(tmp_path):
    """Of two resources with one value only the owned one, which is looked at first, may be larger."""
    base = "rules:\n  - {id: small, about: Memory is small, path: memory, expect: {at_most: 2Gi}, severity: high}\n"
    policy_of(tmp_path, base, "base")
    rule = """{id: small, about: What is owned may be larger, path: memory, where: '"owner" in left.tags', expect: {at_most: 8Gi}, severity: low}"""
    policy = policy_of(tmp_path, f"policy: house\nextends: [base]\nrules:\n  - {rule}\n", "house")
    large = {"memory": "4Gi"}
    sides = [
        tuple(_service(f"{name}-{side}", attributes=large, tags={"owner": "x"} if name == "api" else {}) for name in ("api", "web"))
        for side in ("staging", "prod")
    ]  # fmt: skip
    look = Look(sides[0], sides[1], (), 0, 0)
    keeping = Keeping()
    for kept in (None, keeping, keeping):
        found = said(look, policy, kept)[1].breaches
        assert [(breach.identity, breach.rule.policy) for breach in found] == [("web-{env}", "base")]
