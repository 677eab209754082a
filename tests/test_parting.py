"""Which side moved: whose change made two environments part, and between which two looks."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

import pytest

from auditor.history import Bounds
from auditor.looks import Manifest, Past
from auditor.model import ABSENT, Moved, Resource
from auditor.parting import Apart, Mover, movers
from tests.pasts import Pasts, alone, at, breach, empty_store, gap, orders, realm, service

ENGINE = ("engine_version",)


@pytest.fixture
def pasts(tmp_path: Path) -> Iterator[Pasts]:
    with empty_store(tmp_path) as store:
        yield Pasts(store)


def moved(found: Mover | Apart) -> Moved:
    assert isinstance(found, Mover), found
    return found.moved


def test_the_side_that_changed_is_told_between_its_two_looks(pasts: Pasts) -> None:
    """Production was upgraded between 09:15 and 09:30; what changes with every look counts for nothing."""
    for minutes in (0, 15, 30, 45):
        pasts.look(minutes, "staging", orders("staging", latest_restorable_time=f"{minutes}"))
    for minutes in (0.05, 15.05, 30.05, 45.05):
        version = "15.8" if minutes > 20 else "15.4"
        pasts.look(minutes, "prod", orders("prod", engine_version=version, latest_restorable_time=f"{minutes}"))
    found = pasts.mover(breach("15.4", "15.8", *ENGINE))
    assert moved(found) == Moved("right", "prod", at(15.05), at(30.05), "15.4", "15.8", "prod-30.05")
    assert isinstance(found, Mover)
    assert found.resource.attributes["latest_restorable_time"] == "45.05"


def test_the_last_change_is_told_where_one_side_moved_on_while_they_were_apart(pasts: Pasts) -> None:
    """They had parted before; the values that are found now came with the second upgrade."""
    pasts.looks("staging", {0: [orders("staging")], 60: [orders("staging")]})
    versions = {0: "15.4", 15: "15.8", 30: "16.1", 60: "16.1"}
    pasts.looks("prod", {when: [orders("prod", engine_version=version)] for when, version in versions.items()})
    told = moved(pasts.mover(breach("15.4", "16.1", *ENGINE)))
    assert (told.after, told.by, told.old, told.new, told.agreed) == (at(15), at(30), "15.8", "16.1", False)


def test_what_differed_ever_since_the_first_looks_has_no_mover(pasts: Pasts) -> None:
    """Then it is said since when it has been like this at least: since both were seen."""
    pasts.looks("staging", {0: [orders("staging")], 30: [orders("staging")]})
    pasts.looks("prod", {10: [orders("prod", engine_version="16")], 30: [orders("prod", engine_version="16")]})
    assert pasts.mover(breach("15.4", "16", *ENGINE)) == Apart(at(10))


def test_a_side_that_changed_before_the_other_was_ever_seen_did_not_make_them_part(pasts: Pasts) -> None:
    """Nobody knows what the other one was at that time."""
    pasts.looks("staging", {0: [orders("staging")], 15: [orders("staging", engine_version="15.8")]})
    pasts.looks("prod", {60: [orders("prod")]})
    assert pasts.mover(breach("15.8", "15.4", *ENGINE)) == Apart(at(60))


def test_both_moved_where_both_changed_between_the_same_two_looks(pasts: Pasts) -> None:
    """Two looks are never taken in the same instant, and two changes in a row are not one."""
    pasts.looks("staging", {0: [orders("staging")], 15: [orders("staging", engine_version="15.5")]})
    pasts.looks("prod", {0.1: [orders("prod")], 15.1: [orders("prod", engine_version="15.8")]})
    told = moved(pasts.mover(breach("15.5", "15.8", *ENGINE)))
    assert (told.side, told.environment, told.old, told.new, told.agreed) == ("both", "prod", "15.4", "15.8", True)
    pasts.look(30, "staging", orders("staging", engine_version="15.6"))
    pasts.look(30.1, "prod", orders("prod", engine_version="15.8"))
    told = moved(pasts.mover(breach("15.6", "15.8", *ENGINE)))
    assert (told.side, told.after, told.by, told.agreed) == ("left", at(15), at(30), False)


def test_looks_that_could_not_see_the_place_widen_the_time(pasts: Pasts) -> None:
    """Denied listings, an attribute that could not be read, and a resource whose reading failed say nothing."""
    pasts.look(0, "prod", orders("prod"))
    pasts.look(15, "prod", blind=["aws.rds.instance"])
    pasts.look(30, "prod", Resource("aws.rds.instance", "orders-prod", {"port": 1}, "aws:1", location="arn:orders-prod"),
               gaps=[gap("prod", "aws.rds.instance", resource="orders-prod", attribute="engine_version")])  # fmt: skip
    pasts.look(45, "prod", gaps=[gap("prod", "aws.rds.instance", resource="orders-prod")])
    pasts.look(60, "prod", orders("prod", engine_version="15.8"))
    pasts.looks("staging", {0: [orders("staging")], 60: [orders("staging")]})
    told = moved(pasts.mover(breach("15.4", "15.8", *ENGINE)))
    assert (told.side, told.after, told.by, told.old) == ("right", at(0), at(60), "15.4")


def test_a_resource_that_came_or_went_has_a_mover(pasts: Pasts) -> None:
    """Vanished from staging while production kept it; appeared in production only."""
    refunds = service("prod", "refunds")
    pasts.looks("staging", {0: [orders("staging")], 15: [orders("staging")], 30: []})
    pasts.looks("prod", {0: [orders("prod")], 15: [orders("prod"), refunds], 30: [orders("prod"), refunds]})
    gone, come = pasts.movers(alone("right"), alone("right", "refunds", "aws.ecs.service"))
    assert moved(gone) == Moved("left", "staging", at(15), at(30), True, ABSENT, "staging-30")
    assert moved(come) == Moved("right", "prod", at(0), at(15), ABSENT, True, "prod-15")
    assert isinstance(gone, Mover)
    assert (gone.resource.identity, gone.resource.location) == ("orders-staging", "arn:orders-staging")


def test_a_resource_that_was_not_listed_before_did_not_come(pasts: Pasts) -> None:
    """Its source was new, or refused until then: that it was not seen does not mean that it was not there."""
    pasts.look(0, "prod", blind=["aws.rds.instance"])
    pasts.look(15, "prod", orders("prod"))
    pasts.looks("staging", {0: [], 15: []})
    assert pasts.mover(alone("right")) == Apart(at(15))


def test_names_and_references_are_no_change(pasts: Pasts) -> None:
    """Another name of the environment, and a group that was spelled by its id while groups could not be listed."""
    group = Resource("aws.ec2.security_group", "web-prod", {}, "aws:1", refs=("sg-0ab12cd34ef56ab78",))
    mine = {"engine_version": "15.8", "db": "orders_production", "groups": ["sg-0ab12cd34ef56ab78"]}
    pasts.look(0, "prod", orders("prod", **mine), group)
    pasts.look(15, "prod", orders("prod", **{**mine, "db": "orders_prod", "size": 1}), blind=["aws.ec2.security_group"])
    pasts.look(30, "prod", orders("prod", **{**mine, "db": "orders_prod"}), group)
    theirs = {"engine_version": "15.8", "db": "shop", "groups": ["other"]}
    pasts.looks("staging", {0: [orders("staging", **theirs)], 30: [orders("staging", **theirs)]})
    found = pasts.movers(breach("shop", "orders_prod", "db"), breach(["other"], ["x"], "groups"))
    assert found == [Apart(at(0)), Apart(at(0))]


def test_a_value_that_is_wrong_by_itself_moved_when_it_came(pasts: Pasts) -> None:
    """Only the side that is wrong is asked; of a secret that both hold, the one that took it over."""
    secrets = ["{secret:aa}", "{secret:bb}"]
    pasts.looks("staging", {0: [service("staging", "api", key=secrets[0], debug=False)],
                            15: [service("staging", "api", key=secrets[1], debug=False)],
                            30: [service("staging", "api", key=secrets[1], debug=True)]})  # fmt: skip
    api = service("prod", "api", key=secrets[1], debug=True)
    pasts.looks("prod", {0: [service("prod", "api", key=secrets[1], debug=False)], 5: [api], 30: [api]})
    kind = {"kind": "aws.ecs.service", "name": "api"}
    shared, debug = pasts.movers(
        breach(secrets[1], secrets[1], "key", **kind), breach(True, True, "debug", sides=("right",), **kind)
    )
    told = moved(shared)
    assert (told.side, told.after, told.by, told.old, told.new) == ("left", at(0), at(15), *secrets)
    told = moved(debug)
    assert (told.side, told.environment, told.after, told.by, told.agreed) == ("right", "prod", at(0), at(5), False)


def test_keys_that_carry_names_and_items_that_have_none_are_followed(pasts: Pasts) -> None:
    """`PROD_URL` faces `STAGING_URL`; of a list of rules, which nothing names, the rule that was added is told."""
    rules = [{"from": "a"}, {"from": "b"}]
    wide = [*rules, {"from": "everywhere"}]
    pasts.looks("staging", {0: [service("staging", "api", env={"STAGING_URL": "v1", "ordersstagingurl": "v1"}, rules=rules)],
                            30: [service("staging", "api", env={"STAGING_URL": "v1", "ordersstagingurl": "v1"}, rules=rules)]})  # fmt: skip
    pasts.looks("prod", {0: [service("prod", "api", env={"PROD_URL": "v1", "ordersprodurl": "v1"}, rules=rules)],
                         15: [service("prod", "api", env={"PROD_URL": "v2", "ordersprodurl": "v2"}, rules=wide)],
                         30: [service("prod", "api", env={"PROD_URL": "v2", "ordersprodurl": "v2"}, rules=wide)]})  # fmt: skip
    kind = {"kind": "aws.ecs.service", "name": "api"}
    url, glued, rule = pasts.movers(
        breach("v1", "v2", "env", "{env}_URL", **kind),
        breach("v1", "v2", "env", "ordersstagingurl", **kind),
        breach(rules, {"from": "everywhere"}, "rules", "*", **kind),
    )
    assert (moved(glued).by, moved(glued).old, moved(glued).new) == (at(15), "v1", "v2")
    assert (moved(url).by, moved(url).old, moved(url).new, moved(url).agreed) == (at(15), "v1", "v2", True)
    assert (moved(rule).by, moved(rule).old, moved(rule).new) == (at(15), ABSENT, {"from": "everywhere"})


def test_a_walk_ends_at_its_bounds_and_says_that_there_is_more(pasts: Pasts) -> None:
    """So many looks, so many different contents, so far back: the change before that is not found."""
    changes = {0: "15.4", 15: "15.8"}
    for minutes in range(0, 600, 15):
        version = changes.get(minutes, "15.8")
        pasts.look(minutes, "prod", orders("prod", engine_version=version), service("prod", "api", version=minutes))
        pasts.look(minutes, "staging", orders("staging"))
    wrong = breach("15.4", "15.8", *ENGINE)
    assert moved(pasts.mover(wrong)).by == at(15)
    assert pasts.mover(wrong, bounds=Bounds(looks=10)) == Apart(at(585 - 9 * 15), cut_short=True)
    assert pasts.mover(wrong, bounds=Bounds(since=at(30))) == Apart(at(30), cut_short=True)
    few = pasts.mover(wrong, bounds=Bounds(manifests=20))
    assert isinstance(few, Apart)
    assert few.cut_short


def test_a_clock_that_was_set_back_turns_no_time_around(pasts: Pasts) -> None:
    """The looks are in the order in which they were recorded; `after` still is before `by`."""
    pasts.look(0, "staging", orders("staging"))
    pasts.look(0, "prod", orders("prod"))
    pasts.look(-30, "prod", orders("prod", engine_version="15.8"))
    pasts.look(-29, "staging", orders("staging"))
    told = moved(pasts.mover(breach("15.4", "15.8", *ENGINE)))
    assert (told.side, told.after, told.by) == ("right", at(-30), at(0))


def test_what_the_snapshot_does_not_hold_as_the_finding_says_has_no_mover(pasts: Pasts) -> None:
    """Nothing is made up for a place that cannot be followed."""
    pasts.looks("staging", {0: [orders("staging")]})
    pasts.looks("prod", {0: [orders("prod")]})
    assert pasts.mover(breach("x", "y", "no", "such", "path")) == Apart(None)
    pasts.last["prod"] = "prod-1"
    assert pasts.mover(breach("15.4", "15.8", *ENGINE)) == Apart(None)


def test_all_findings_share_one_walk(pasts: Pasts) -> None:
    """Fifty findings of one audit read each manifest once, and nothing of what was before they parted."""
    names = [f"s{number}" for number in range(50)]
    for minutes in range(0, 600, 15):
        version = "2" if minutes >= 570 else "1"
        for environment in ("staging", "prod"):
            image = version if environment == "prod" else "1"
            services = [service(environment, name, image=image) for name in names]
            pasts.look(minutes, environment, *services, service(environment, "noise", at=minutes))
    counted = _Counted(pasts.store.past)
    wrong = [breach("1", "2", "image", kind="aws.ecs.service", name=name) for name in names]
    asked = (pasts.last["staging"], pasts.last["prod"])
    found = movers(wrong, (realm("staging"), realm("prod")), counted, asked, Bounds()).values()
    assert {(told.by, told.side) for told in map(moved, found)} == {(at(570), "right")}
    assert len(counted.read) == len(set(counted.read)) <= 40


class _Counted:
    """A past that remembers which manifests were asked for."""

    def __init__(self, past: Past) -> None:
        self.past, self.read = past, list[str]()
        self.looks, self.facts, self.documents = past.looks, past.facts, past.documents

    def manifests(self, digests: Collection[str]) -> Mapping[str, Manifest]:
        self.read += digests
        return self.past.manifests(digests)
