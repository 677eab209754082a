"""What gaps hide, looked up, is what asking every gap about every resource says."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase

from hypothesis import given, settings
from hypothesis import strategies as st

from auditor.comparison import Change, Compared, Comparison, Difference, Match, Normal, Unmatched
from auditor.model import (
    Breach,
    Gap,
    GapReason,
    Kind,
    Listing,
    MatchMethod,
    Resource,
    RuleRef,
    Severity,
    Side,
    Snapshot,
)
from auditor.names import EnvironmentNames
from auditor.observed import Observed, SideView, Value, points_into_gap
from auditor.values import words
from tests.factories import ENV_FILE, NOW, PROD, RDS, STAGING

_KINDS = {kind.name: kind for kind in (RDS, ENV_FILE)}
_NAMES = ("orders-stg", "orders-{env}", "orders", "users", "users-prod", "deploy/", "deploy/.env", "stg/", "")
_REGIONS = (None, "eu-west-1", "us-east-1")


def _bare(identity: str) -> tuple[str, ...]:
    return tuple(word for word in words(identity.replace("{env}", " ")) if word)


class _Plain:
    """One snapshot, whose gaps are all asked each time."""

    def __init__(self, snapshot: Snapshot, names: EnvironmentNames | None) -> None:
        self.snapshot, self.names = snapshot, names

    def lists(self, kind: str) -> bool:
        return any(fnmatchcase(kind, listing.kind) for listing in self.snapshot.listings)

    def hides(self, kind: str, identities: Iterable[str], *, located: bool) -> bool:
        for gap in self.snapshot.gaps:
            if gap.covers(kind, located=located) and (gap.resource is None or self._may_hold(gap, kind)):
                return True
            if gap.resource is None or gap.attribute is not None or not fnmatchcase(kind, gap.kind):
                continue
            if any(self._same(gap.resource, one) or self._below(gap.resource, one) for one in identities):
                return True
        return False

    def _may_hold(self, gap: Gap, kind: str) -> bool:
        read = [listing.kind for listing in self.snapshot.listings if listing.source == gap.source]
        return not read or any(fnmatchcase(kind, listed) for listed in read)

    def is_blind_to(self, kind: str, region: str | None) -> bool:
        return any(g.attribute is None and fnmatchcase(kind, g.kind) and _near(g, region) for g in self.snapshot.gaps)

    def lacks_listings(self, region: str | None) -> bool:
        return any(g.attribute is None and g.resource is None and _near(g, region) for g in self.snapshot.gaps)

    def unknown_attributes(self, kind: str, *identities: str) -> frozenset[str]:
        return frozenset(
            gap.attribute
            for gap in self.snapshot.gaps
            if gap.attribute is not None
            and fnmatchcase(kind, gap.kind)
            and (gap.resource is None or any(self._same(gap.resource, one) for one in identities))
        )

    def _below(self, folder: str, there: str) -> bool:
        if not folder.endswith("/"):
            return False
        if self.names is None:
            return True
        above = _bare(self.names.neutral(folder))
        return _bare(self.names.neutral(there))[: len(above)] == above

    def _same(self, here: str, there: str) -> bool:
        if here == there:
            return True
        if self.names is None:
            return set(_bare(there)) <= set(_bare(here))
        return _bare(self.names.neutral(here)) == _bare(self.names.neutral(there)) != ()


def _near(gap: Gap, region: str | None) -> bool:
    return gap.region is None or region is None or gap.region == region


def _observed(comparison: Comparison, breach: Breach) -> bool:
    """Whether a finding may be called gone, asking every match and every gap."""
    kind, identity, path = breach.kind, breach.identity, breach.path
    views = _Plain(comparison.left, None), _Plain(comparison.right, None)
    asked = SideView(comparison.left), SideView(comparison.right)
    kinds = [one.match.left.kind for one in comparison.matches] + [one.normal.kind for one in comparison.unmatched]
    located = any(found.located for found in kinds if found.name == kind)
    seen = {one.side for one in comparison.unmatched if (one.normal.kind.name, one.normal.identity) == (kind, identity)}
    for one in comparison.matches:
        if one.match.left.kind.name != kind or identity not in (one.match.left.identity, one.match.right.identity):
            continue
        seen = {"left", "right"}
        for found in one.differences:
            left = Value(found.left, one.match.left.resource.region, asked[0])
            right = Value(found.right, one.match.right.resource.region, asked[1])
            if found.path == path and points_into_gap(path, left, right):
                return False
    sides = ["left", "right"]
    if path and None in (breach.left.identity, breach.right.identity):
        sides = ["left"] if breach.right.identity is None else ["right"]
    for side, view in zip(("left", "right"), views, strict=True):
        if side not in sides:
            continue
        if path and path[0] in view.unknown_attributes(kind, identity):
            return False
        if side not in seen and (not view.lists(kind) or view.hides(kind, (identity,), located=located)):
            return False
    return True


_gaps = st.builds(
    Gap,
    st.just("staging"),
    st.sampled_from(("one", "two")),
    st.sampled_from((*_KINDS, "aws.*", "*")),
    st.just(GapReason.ACCESS_DENIED),
    st.just(""),
    region=st.sampled_from(_REGIONS),
    resource=st.sampled_from((None, *_NAMES)),
    attribute=st.sampled_from((None, None, "engine", "size")),
)
_listings = st.builds(Listing, st.sampled_from(("one", "two")), st.sampled_from((*_KINDS, "aws.*", "*")))
_snapshots = st.builds(
    lambda gaps, listings: Snapshot("1", "staging", NOW, (), tuple(gaps), tuple(listings)),
    st.lists(_gaps, max_size=3),
    st.lists(_listings, max_size=2),
)
_kinds = st.sampled_from(tuple(_KINDS.values()))
_normals = st.builds(
    lambda kind, name, own, region: Normal(Resource(kind.name, own, {}, region=region), kind, name, {}, {}, ""),
    _kinds, st.sampled_from(_NAMES), st.sampled_from(_NAMES), st.sampled_from(_REGIONS),
)  # fmt: skip


@settings(max_examples=60)
@given(_snapshots, st.sampled_from((None, STAGING)), _normals, st.sampled_from(_NAMES), st.booleans())
def test_a_look_up_says_what_all_gaps_say(
    snapshot: Snapshot, names: EnvironmentNames | None, one: Normal, other: str, located: bool
) -> None:
    """Each question, of one resource and of a kind, twice: the second answer comes from what the first left."""
    view, plain, kind = SideView(snapshot, names), _Plain(snapshot, names), one.kind.name
    for _ in range(2):
        assert view.lists(kind) == plain.lists(kind)
        wanted = (one.identity, other)
        assert view.hides(kind, wanted, located=located) == plain.hides(kind, wanted, located=located)
        for region in _REGIONS:
            assert view.is_blind_to(kind, region) == plain.is_blind_to(kind, region)
            assert view.lacks_listings(region) == plain.lacks_listings(region)
        unknown = plain.unknown_attributes(kind, one.resource.identity, one.identity)
        assert view.unknown_attributes(one) == unknown
        for attribute in ("engine", "size"):
            hidden = attribute in plain.unknown_attributes(kind, other)
            assert view.hides_attribute(kind, other, attribute) == hidden


@st.composite
def _comparisons(draw: st.DrawFn) -> Comparison:
    pairs = []
    for _ in range(draw(st.integers(0, 3))):
        kind, pair = draw(_kinds), (draw(_normals), draw(_normals))
        left, right = (Normal(one.resource, kind, one.identity, {}, {}, "") for one in pair)
        value = draw(st.sampled_from(("sg-0ab1ffee", "a", "arn:aws:x")))
        differences = (Difference(("engine",), value, "b", Change.VALUE),) if draw(st.booleans()) else ()
        pairs.append(Compared(Match(left, right, MatchMethod.IDENTITY, 1.0), differences))
    alone = draw(st.lists(st.builds(Unmatched, st.sampled_from(("left", "right")), _normals), max_size=2))
    return Comparison(draw(_snapshots), draw(_snapshots), tuple(pairs), tuple(alone))


def _breach(kind: Kind, identity: str, path: tuple[str, ...], left: str | None, right: str | None) -> Breach:
    sides = Side("staging", left, "a"), Side("prod", right, "b")
    rule = RuleRef("default", "x", "", 1)
    return Breach("f", rule, Severity.LOW, kind.category, kind.name, identity, path, *sides, "", "", "", None, 1.0)


_breaches = st.builds(
    _breach,
    _kinds,
    st.sampled_from(_NAMES),
    st.sampled_from(((), ("engine",), ("size", "x"))),
    st.sampled_from((None, "x")),
    st.sampled_from((None, "x")),
)


@settings(max_examples=60)
@given(_comparisons(), st.lists(_breaches, min_size=1, max_size=4))
def test_what_is_gone_is_what_asking_everything_says(comparison: Comparison, breaches: list[Breach]) -> None:
    """One look-up for many findings says of each what asking all matches and all gaps says."""
    observed = Observed(comparison)
    assert [observed(one) for one in breaches] == [_observed(comparison, one) for one in breaches]


def test_names_are_looked_up_under_the_side_that_they_are_of() -> None:
    """A gap in staging names staging's resource, production's is another."""
    gap = Gap("staging", "one", RDS.name, GapReason.ACCESS_DENIED, "", resource="orders-stg")
    snapshot = Snapshot("1", "staging", NOW, (), (gap,), ())
    assert SideView(snapshot, STAGING).hides(RDS.name, ("orders-staging",), located=False)
    assert not SideView(snapshot, PROD).hides(RDS.name, ("orders-staging",), located=False)


def test_a_thing_unread_hides_only_what_its_source_reads() -> None:
    """A queue that could not be read, of a source that lists queues alone, hides no database."""
    gap = Gap("staging", "one", "aws.*", GapReason.ACCESS_DENIED, "", resource="jobs")
    queues = Snapshot("1", "staging", NOW, (), (gap,), (Listing("one", "aws.sqs.queue"),))
    assert not SideView(queues, STAGING).hides(RDS.name, ("orders",), located=False)
    unknown = Snapshot("1", "staging", NOW, (), (gap,), (Listing("two", "aws.sqs.queue"),))
    assert SideView(unknown, STAGING).hides(RDS.name, ("orders",), located=False)
    assert not SideView(unknown, STAGING).hides(RDS.name, ("orders",), located=True)
