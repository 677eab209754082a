"""What changed in one environment over time, told from its stored snapshots."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from auditor.drift import Changed, Course, Drifted, Step
from auditor.drift_walk import drifted
from auditor.model import ABSENT, Resource
from tests.pasts import Pasts, at, empty_store, gap, orders, realm, service


@pytest.fixture
def pasts(tmp_path: Path) -> Iterator[Pasts]:
    with empty_store(tmp_path) as store:
        yield Pasts(store)


def drift(pasts: Pasts, since: float = 0, **more: int) -> Drifted:
    found = drifted(realm("prod"), pasts.store.past, at(since), **more)
    assert found is not None
    return found


def changes(found: Drifted) -> list[tuple[str, str, object, object]]:
    """Identity, path and both values of every change."""
    return [(one.identity, ".".join(one.path), one.old, one.new) for one in found.changes]


def test_a_change_is_told_with_both_values_and_its_time(pasts: Pasts) -> None:
    """What changes with every look counts for nothing; nor does another spelling, or another name of the environment."""
    states = {0: ("15.4", "orders_prod", "8 GiB"), 15: ("15.4", "orders_production", "8192 MiB"),
              30: ("15.8", "orders_prod", "8 GiB"), 45: ("15.8", "orders_prod", "8 GiB")}  # fmt: skip
    for minutes, (version, name, memory) in states.items():
        said = {"engine_version": version, "db": name, "memory": memory, "latest_restorable_time": str(minutes)}
        pasts.look(minutes, "prod", orders("prod", **said))
    found = drift(pasts)
    step = Step("15.4", "15.8", at(15), at(30))
    assert found.changes == (Changed("aws.rds.instance", "orders-prod", ("engine_version",), "15.4", "15.8", (step,)),)
    assert (found.changes[0].course, found.base, found.last, found.looks) == (Course.CHANGED, at(0), at(45), 4)


def test_another_secret_or_id_is_a_change_of_an_environment(pasts: Pasts) -> None:
    """Between two environments they never match; in one of them somebody has changed them."""
    pasts.look(0, "prod", service("prod", "api", key="{secret:aa}", subnet="subnet-0ab12cd3"))
    pasts.look(15, "prod", service("prod", "api", key="{secret:bb}", subnet="subnet-0ff12cd3"))
    assert [path for _, path, _, _ in changes(drift(pasts))] == ["key", "subnet"]


def test_it_begins_with_the_last_look_before_the_time_that_is_asked_for(pasts: Pasts) -> None:
    """So a change between that look and the first one within is told; an earlier one is not."""
    for minutes, version in {0: "14", 15: "15.4", 45: "15.8"}.items():
        pasts.look(minutes, "prod", orders("prod", engine_version=version))
    assert changes(drift(pasts, 30)) == [("orders-prod", "engine_version", "15.4", "15.8")]
    assert (drift(pasts, 30).base, drift(pasts, 60).base, drift(pasts, 60).looks) == (at(15), at(45), 1)
    assert drift(pasts, -60).base == at(0)
    assert drifted(realm("staging"), pasts.store.past, at(0)) is None


def test_what_came_back_and_what_went_to_and_fro_are_told_as_such(pasts: Pasts) -> None:
    """A change that was undone is no change at the end; one that goes to and fro is neither."""
    flags = ["off", "on", "off", "on", "off", "on"]
    versions = ["15.4", "15.8", "15.4", "15.4", "15.4", "15.4"]
    sizes = [1, 2, 3, 3, 3, 3]
    for number, (flag, version, size) in enumerate(zip(flags, versions, sizes, strict=True)):
        pasts.look(number * 15, "prod", orders("prod", engine_version=version, flag=flag, size=size))
    found = {one.path[0]: one for one in drift(pasts).changes}
    assert {name: one.course.value for name, one in found.items()} == {
        "engine_version": "undone", "flag": "flapped", "size": "changed"
    }  # fmt: skip
    assert found["engine_version"].steps == (Step("15.4", "15.8", at(0), at(15)), Step("15.8", "15.4", at(15), at(30)))
    assert (found["size"].old, found["size"].new, found["size"].after, found["size"].by) == (1, 3, at(15), at(30))
    assert len(found["flag"].steps) == 5


def test_resources_that_came_went_and_were_replaced(pasts: Pasts) -> None:
    """Of what came or went only that is told; one that went and came back has its changes, too."""
    pasts.look(0, "prod", orders("prod"), service("prod", "old"), service("prod", "twice", image="1"))
    pasts.look(15, "prod", orders("prod"), service("prod", "new", image="1"), service("prod", "brief"))
    pasts.look(30, "prod", service("prod", "new", image="2"), service("prod", "twice", image="2"))
    told = [(one.identity, one.path, one.course.value, one.old, one.new, one.by) for one in drift(pasts).changes]
    assert told == [
        ("brief-prod", (), "undone", ABSENT, ABSENT, at(30)),
        ("new-prod", (), "changed", ABSENT, True, at(15)),
        ("old-prod", (), "changed", True, ABSENT, at(15)),
        ("twice-prod", (), "undone", True, True, at(30)),
        ("twice-prod", ("image",), "changed", "1", "2", at(30)),
        ("orders-prod", (), "changed", True, ABSENT, at(30)),
    ]


def test_what_a_look_could_not_see_did_not_change(pasts: Pasts) -> None:
    """A denied listing, a resource and an attribute that failed: compared once they are seen again, and said."""
    pasts.look(0, "prod", orders("prod", size=1), service("prod", "api", image="1"))
    pasts.look(15, "prod", service("prod", "api", image="1"), blind=["aws.rds.instance"])
    api = Resource("aws.ecs.service", "api-prod", {}, "aws:1")
    hidden = gap("prod", "aws.ecs.service", resource="api-prod", attribute="image")
    pasts.look(30, "prod", orders("prod", engine_version="15.8", size=1), api, gaps=[hidden])
    pasts.look(45, "prod", orders("prod", engine_version="15.8", size=1), service("prod", "api", image="2"))
    found = drift(pasts)
    image, version = found.changes
    assert (image.path, image.old, image.new, image.after, image.by) == (("image",), "1", "2", at(15), at(45))
    assert (version.old, version.new, version.after, version.by) == ("15.4", "15.8", at(0), at(30))
    denied, attribute = found.unseen
    assert (denied.gap.kind, denied.looks, denied.first, denied.last, denied.still) == (
        "aws.rds.instance", 1, at(15), at(15), False
    )  # fmt: skip
    assert (attribute.gap, attribute.looks, attribute.still) == (hidden, 1, False)


def test_what_is_seen_for_the_first_time_did_not_come(pasts: Pasts) -> None:
    """The kind could not be listed before; an attribute could not be read. From then on both are followed."""
    pasts.look(0, "prod", Resource("aws.ecs.service", "api-prod", {"size": 1}, "aws:1"), blind=["aws.rds.instance"],
               gaps=[gap("prod", "aws.ecs.service", resource="api-prod", attribute="image")])  # fmt: skip
    pasts.look(15, "prod", orders("prod"), service("prod", "api", size=1, image="1"))
    found = drift(pasts)
    assert (found.changes, found.newly_seen) == ((), 1)
    pasts.look(30, "prod", orders("prod", engine_version="15.8"), service("prod", "api", size=1, image="2"))
    assert changes(drift(pasts)) == [("api-prod", "image", "1", "2"), ("orders-prod", "engine_version", "15.4", "15.8")]


def test_a_reference_whose_target_was_not_seen_did_not_change(pasts: Pasts) -> None:
    """Where groups could not be listed, their ids stay ids; an id is compared again once it is known what it means."""
    group = Resource("aws.ec2.security_group", "web-prod", {}, "aws:1", refs=("sg-0ab12cd34ef56ab78",))
    mine = {"groups": ["sg-0ab12cd34ef56ab78"]}
    pasts.look(0, "prod", orders("prod", **mine), group)
    pasts.look(15, "prod", orders("prod", **mine, size=1), blind=["aws.ec2.security_group"])
    pasts.look(30, "prod", orders("prod", **mine, size=1), group)
    assert changes(drift(pasts)) == [("orders-prod", "size", ABSENT, 1)]


def test_items_without_a_name_are_told_by_what_changed_in_them(pasts: Pasts) -> None:
    """One item changed, two were added: the items themselves are told, under one path."""
    first = [{"from": "a", "ports": [80]}, {"from": "b", "ports": [80], "to": "c"}]
    then = [{"from": "a", "ports": [80]}, {"from": "b", "ports": [443], "to": "c"}, {"x": 1}, {"x": 2}]
    pasts.look(0, "prod", service("prod", "api", rules=first))
    pasts.look(15, "prod", service("prod", "api", rules=then))
    found = {path: (old, new) for _, path, old, new in changes(drift(pasts))}
    assert found["rules.*"] == (ABSENT, [{"x": 1}, {"x": 2}])
    assert found["rules.*.ports"] == ([80], [443])


def test_only_the_last_looks_are_gone_through_where_there_are_too_many(pasts: Pasts) -> None:
    """And it says so: an earlier change is not known."""
    for number in range(6):
        pasts.look(number, "prod", orders("prod", size=number))
    found = drift(pasts, most=3)
    assert (found.cut_short, found.looks, found.base, changes(found)) == (
        True, 3, at(3), [("orders-prod", "size", 3, 5)]
    )  # fmt: skip
    assert not drift(pasts, most=6).cut_short
