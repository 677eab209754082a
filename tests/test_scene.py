"""What one look saw is told from another one's scene by what differs, and is the same as if it had been read whole."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

from auditor.alike import Pair
from auditor.at_hand import Seen, seen_of
from auditor.comparison import Unmatched
from auditor.looks import Look
from auditor.model import Resource, spot
from auditor.names import environment_names
from auditor.scene import Library, Scene
from auditor.snapshot import normalise, references_of
from tests.factories import PROD, STAGING, compared, comparison, normal
from tests.pasts import KINDS, Pasts, empty_store, orders, realm, service


def some(chance: random.Random, number: int) -> Resource:
    """A resource that others may point to; now and then by what they point to another one."""
    handles = [f"arn:aws:ecs:{number}", f"arn:aws:ecs:{chance.choice([number, number + 1, 10_000])}"]
    kept = handles[: 1 + (chance.random() < 0.1)]
    return replace(service("prod", f"web-{number:03}", size=chance.randrange(3)), refs=tuple(kept))


def test_references_are_the_same_whether_told_from_another_look_or_read(tmp_path: Path) -> None:
    """Over looks in which things come, go, change and take over what others were referred to by."""
    chance = random.Random(11)
    with empty_store(tmp_path) as store:
        pasts = Pasts(store)
        seen: list[list[Resource]] = []
        for minute in range(6):
            before = seen[-1] if seen else [some(chance, number) for number in range(260)]
            kept = [one if chance.random() > 0.02 else some(chance, number) for number, one in enumerate(before)]
            if minute % 3 == 0:
                kept = [replace(service("prod", f"web-{n:03}"), refs=(f"arn:aws:ecs:{n}",)) for n in range(260)]
            seen.append([one for one in kept if chance.random() > 0.002])
            pasts.look(minute, "prod", *seen[-1])
        looks = store.past.looks("prod")[::-1]
        told, alone = 0, 0
        whole = [Scene(realm("prod"), look, Library(store.past))._references for look in looks]
        for here, start in enumerate(looks):
            near = Scene(realm("prod"), start, Library(store.past), seen=Seen(seen[here]))
            assert near._references == references_of(seen[here])
            for there, look in enumerate(looks):
                scene = Scene(realm("prod"), look, Library(store.past), near=near)
                assert scene._references == whole[there]
                if near.has_sole_handles:
                    told += scene._near_references(near) is not None
                    alone += sum(len(one.refs) for one in seen[there]) == len(whole[there])
        assert told > 3 < alone


def test_a_resource_that_has_no_name_here_is_the_first_whose_name_is_alike(tmp_path: Path) -> None:
    """By name, then by region."""
    with empty_store(tmp_path) as store:
        pasts = Pasts(store)
        there = [replace(orders(name), region=region) for name in ("prd", "prod") for region in ("us-east-1", None)]
        pasts.look(0, "prod", *there, service("prod", "web"))
        (look,) = store.past.looks("prod")
        scene = Scene(realm("prod"), Look(look.id, look.taken_at, look.facts, look.manifests), Library(store.past))
        found = scene.alike("aws.rds.instance", "orders-{env}")
        assert found is not None
        assert (found.identity, found.said["region"]) == ("orders-prd", None)
        assert scene.alike("aws.rds.instance", "orders") is None
        assert [entry.identity for entry in scene.called("aws.rds.instance", "orders-prod")] == ["orders-prod"] * 2
        assert {*scene.view.points_to("aws.ecs.service/web aws.sqs.queue/x")} == {"aws.ecs.service"}


def test_normal_forms_that_are_at_hand_are_those_that_would_be_made(tmp_path: Path) -> None:
    """One is taken only where it is of the very resource that the look saw, under the same names."""
    resources = [orders("prod"), orders("prod-2", size=3), service("prod", "web", arn="arn:aws:rds:orders-prod")]
    names = environment_names("prod", others={"staging": ()})
    forms = normalise(resources, KINDS.__getitem__, names)
    other = normalise([replace(one, attributes={"engine": "mysql"}) for one in resources], KINDS.__getitem__, names)
    moved = normalise([replace(one, location="elsewhere") for one in resources], KINDS.__getitem__, names)
    with empty_store(tmp_path) as store:
        Pasts(store).look(0, "prod", *resources)
        (look,) = store.past.looks("prod")
        plain = Scene(realm("prod"), look, Library(store.past))
        for made, known in ((forms, names), (other, names), (moved, names), (forms, replace(names, tokens=("x",)))):
            seen = Seen(resources, known, {spot(one.resource): one for one in made})
            scene = Scene(realm("prod"), look, Library(store.past), seen=seen)
            for entry in plain.all():
                found = scene.normal(entry)
                assert found == plain.normal(entry)
                assert any(found.form is one.form for one in made) is (made is forms and known is names)


def test_only_forms_of_a_snapshot_as_it_was_taken_are_at_hand() -> None:
    """Of what differs or is alone; none where something was set aside, or a state's copies were read along."""
    alike, apart = (compared(normal({"a": 1}, raw_identity=name), normal({"a": n})) for n, name in ((1, "o"), (2, "p")))
    lonely = Unmatched("right", normal({}, raw_identity="q"))
    whole = comparison(alike, apart, unmatched=(lonely,))
    pair = Pair(STAGING, PROD)
    left, right = seen_of(whole.left, whole.right, whole, pair)
    assert (left.names, right.names) == (STAGING, PROD)
    assert list(left.normals.values()) == [apart.match.left]
    assert list(right.normals.values()) == [apart.match.right, lonely.normal]
    more = replace(whole.left, resources=(*whole.left.resources, Resource("terraform.resource.aws_vpc", "v", {})))
    for before, after in ((more, whole.left), (more, more)):
        found, _ = seen_of(before, whole.right, replace(whole, left=after), pair)
        assert (found.resources, found.names, found.normals) == (more.resources, None, {})
