"""Findings with one cause share one sentence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeAlias

from auditor.comparison import Unmatched
from auditor.judge import judge
from auditor.model import Breach, Category, Kind
from auditor.policy import load_policy
from auditor.rules import Policy
from tests.factories import NOW, PROD, RDS, STAGING, compared, comparison, normal, policy_of

RULES = (
    "rules:\n  - {id: any, about: They differ, path: '**', expect: equal}\n"
    "  - {id: alone, about: a, expect: equal}\n"
    "  - {id: q, about: Names lack the environment, path: 'secrets.*', expect: equal}\n"
)


def causes(tmp_path: Path, pairs: Mapping[str, tuple[Any, Any]], *alone: str) -> list[Breach]:
    """The breaches of several pairs of documents, and of resources that only production has."""
    matches = [
        compared(normal(left, identity=name, raw_identity=name), normal(right, identity=name, raw_identity=name))
        for name, (left, right) in pairs.items()
    ]
    lonely = tuple(Unmatched("right", normal({}, identity=name, raw_identity=name)) for name in alone)
    found = judge(comparison(*matches, unmatched=lonely), policy_of(tmp_path, RULES), STAGING, PROD, NOW)
    return list(found.breaches)


def test_one_change_of_value_in_three_resources_has_one_cause(tmp_path: Path) -> None:
    """An engine that was upgraded everywhere is one thing to mend."""
    pairs = {name: ({"engine": "14.9"}, {"engine": "16.3"}) for name in ("a", "b", "c")}
    assert {breach.cause for breach in causes(tmp_path, pairs)} == {
        "engine is 14.9 in staging and 16.3 in prod (3 resources)"
    }


def test_two_alike_may_be_chance(tmp_path: Path) -> None:
    """They stay by themselves."""
    pairs = {name: ({"engine": "14.9"}, {"engine": "16.3"}) for name in ("a", "b")}
    assert {breach.cause for breach in causes(tmp_path, pairs)} == {None}


def test_common_values_are_no_cause(tmp_path: Path) -> None:
    """Three different switches that happen to be off and on have nothing to do with one another."""
    left, right = dict.fromkeys("xyz", False), dict.fromkeys("xyz", True)
    assert {breach.cause for breach in causes(tmp_path, {"a": (left, right)})} == {None}


def test_keys_that_were_added_below_one_parent_have_one_cause(tmp_path: Path) -> None:
    """An egress list of many lines."""
    right = {"egress": {"rules": {f"host-{index}": index for index in range(6)}}}
    found = causes(tmp_path, {"a": ({"egress": {"rules": {}}}, right)})
    assert {breach.cause for breach in found} == {"6 keys of egress.rules in a exist in prod only"}


def test_keys_that_were_added_to_a_resource_itself_have_one_cause(tmp_path: Path) -> None:
    """A dotenv file that lacks six variables."""
    found = causes(tmp_path, {"a": ({f"KEY_{index}": index for index in range(6)}, {})})
    assert {breach.cause for breach in found} == {"6 keys in a exist in staging only"}


def test_one_rule_broken_below_one_parent_has_one_cause(tmp_path: Path) -> None:
    """Names that follow another scheme."""
    left = {"secrets": {name: f"rabbit-{name}" for name in ("host", "port", "user")}}
    right = {"secrets": {name: f"acme-rabbit-prod-{name}" for name in ("host", "port", "user")}}
    found = causes(tmp_path, {"a": (left, right)})
    assert {breach.cause for breach in found} == {"Names lack the environment: 3 times below secrets of a"}


def test_one_path_in_three_resources_has_one_cause(tmp_path: Path) -> None:
    """Every service deployed anew, each with a version of its own."""
    pairs = {name: ({"image": f"{name}:1.0.0"}, {"image": f"{name}:2"}) for name in ("a", "b", "c")}
    assert {breach.cause for breach in causes(tmp_path, pairs)} == {
        "They differ: image of 3 resources of kind aws.rds.instance"
    }


def test_a_kind_on_one_side_only_has_one_cause(tmp_path: Path) -> None:
    """Nobody created any of them in staging."""
    found = causes(tmp_path, {}, "a", "b", "c")
    assert {breach.cause for breach in found} == {
        "3 resources of kind aws.rds.instance exist in prod only, not in staging"
    }


def test_a_cause_keeps_its_key_when_members_come_and_go(tmp_path: Path) -> None:
    """The sentence counts them; the key is what they have in common."""
    pairs = {name: ({"engine": "14.9"}, {"engine": "16.3"}) for name in ("a", "b", "c", "d")}
    many = causes(tmp_path, pairs)
    pairs.pop("a")
    few = causes(tmp_path, pairs)
    assert {breach.cause for breach in many} != {breach.cause for breach in few}
    assert {breach.cause_key for breach in many} == {breach.cause_key for breach in few}


def test_causes_of_another_kind_or_value_have_other_keys(tmp_path: Path) -> None:
    """Two things to mend are two keys; what has no cause has no key."""
    pairs = {name: ({"engine": "14.9", "zone": "a"}, {"engine": "16.3", "zone": "b"}) for name in ("a", "b", "c")}
    found = causes(tmp_path, {**pairs, "d": ({"lone": "x"}, {"lone": "y"})}, "p", "q", "r")
    assert len({breach.cause_key for breach in found if breach.cause}) == 3
    assert [breach.cause_key for breach in found if not breach.cause] == [None]


FLEET = Kind("aws.ec2.fleet", Category.COMPUTE, "A fleet")
TASK = Kind("aws.ecs.task_definition", Category.COMPUTE, "A task definition")
TEMPLATE = Kind("aws.ec2.launch_template", Category.COMPUTE, "A launch template")
ENDPOINT = Kind("http.version", Category.DEPLOYMENT, "An endpoint that tells its version")
PIPELINE = Kind("github.deployment", Category.DEPLOYMENT, "What a pipeline deployed last")
GROUP = Kind("aws.rds.parameter_group", Category.DATABASE, "A parameter group")


Told: TypeAlias = tuple[Kind, str, Mapping[str, Any], Mapping[str, Any]]


def said(policy: Policy, *pairs: Told) -> dict[str, list[str]]:
    """The resources of each cause, of pairs given as kind, name and both documents."""
    matches = [
        compared(
            normal(left, identity=f"{name}-{{env}}", raw_identity=f"{name}-staging", kind=kind),
            normal(right, identity=f"{name}-{{env}}", raw_identity=f"{name}-prod", kind=kind),
        )
        for kind, name, left, right in pairs
    ]
    laid = comparison(*matches)
    ours = tuple(each.match.left.resource for each in matches)
    theirs = tuple(each.match.right.resource for each in matches)
    laid = replace(laid, left=replace(laid.left, resources=ours), right=replace(laid.right, resources=theirs))
    found: dict[str, list[str]] = {}
    for breach in judge(laid, policy, STAGING, PROD, NOW).breaches:
        found.setdefault(breach.cause or "", []).append(breach.identity.removesuffix("-{env}"))
    return found


def containers(image: str, **environment: Any) -> dict[str, Any]:
    return {"container_definitions": {"app": {"image": image, "environment": environment}}}


def test_an_ami_is_one_cause_wherever_it_runs() -> None:
    """Two fleets and the template that they start from: one image to build, whatever the attributes are called."""
    old, new = "acme-base-2026-01", "acme-base-2026-10"
    fleets = [(FLEET, name, {"ami_names": [old]}, {"ami_names": [new]}) for name in ("api", "worker")]
    assert said(load_policy(["default"]), *fleets) == {
        f"2 fleets run AMI {old} in staging and {new} in prod": ["api", "worker"]
    }
    template = (TEMPLATE, "api", {"ami_name": old}, {"ami_name": new})
    assert said(load_policy(["default"]), *fleets, template) == {
        f"3 resources run AMI {old} in staging and {new} in prod": ["api", "worker", "api"]
    }


def test_an_image_is_one_cause_whatever_registry_it_comes_from() -> None:
    """A sidecar of two services, pulled from each environment's own registry."""
    left, right = (
        "1111.dkr.ecr.eu-west-1.amazonaws.com/acme/proxy:2.1",
        "2222.dkr.ecr.eu-west-1.amazonaws.com/acme/proxy:2.0",
    )
    pairs = [(TASK, name, containers(left), containers(right)) for name in ("orders", "search")]
    other = (TASK, "web", containers("acme/web:7.1"), containers("acme/web:7.0"))
    assert said(load_policy(["default"]), *pairs, other) == {
        "2 task definitions run image acme/proxy:2.1 in staging and 2.0 in prod": ["orders", "search"],
        "": ["web"],
    }


def test_a_parameter_group_is_one_cause_for_its_settings_and_for_those_that_use_it() -> None:
    """Two settings of one group; and two databases that use another group each."""
    group = (GROUP, "pg16", *({"parameters": {"work_mem": a, "jit": b}} for a, b in (("4MB", "on"), ("16MB", "off"))))
    using = [
        (RDS, name, {"db_parameter_groups": ["pg16-tuned"]}, {"db_parameter_groups": ["pg16-wide"]})
        for name in ("orders", "search")
    ]
    assert said(load_policy(["default"]), group, *using) == {
        "Parameter group pg16-staging / pg16-prod differs in 2 settings": ["pg16", "pg16"],
        "2 instances use parameter group pg16-tuned in staging and pg16-wide in prod": ["orders", "search"],
    }


def test_a_variable_that_is_set_everywhere_is_one_cause() -> None:
    """Three services, each under its own container's path; a switch counts here, since it is the same one."""
    names = ("orders", "search", "web")
    tracing = [(TASK, name, containers(f"{name}:1.0.0", TRACING="true"), containers(f"{name}:1.0.0")) for name in names]
    assert said(load_policy(["default"]), *tracing) == {
        "Variable TRACING is set in staging only, in 3 task definitions": [*names]
    }
    pairs = [
        (TASK, name, containers(f"{name}:1.0.0", RETRY="on"), containers(f"{name}:1.0.0", RETRY="off"))
        for name in names
    ]
    assert said(load_policy(["default"]), *pairs) == {
        "Variable RETRY is on in staging and off in prod, in 3 task definitions": [*names]
    }
    assert list(said(load_policy(["default"]), *pairs[:2])) == [""]


def test_a_naming_scheme_is_one_cause_wherever_its_names_stand(tmp_path: Path) -> None:
    """Names of queues and buckets in three services; and resources that are probably one another's counterpart."""
    policy = policy_of(
        tmp_path, "rules:\n  - {id: names, about: Names say whose they are, path: '**', expect: qualified}\n"
    )
    keys = {"orders": "QUEUE_NAME", "search": "BUCKET", "web": "TOPIC"}
    matches = []
    for name, key in keys.items():
        left, right = (
            containers(f"{name}:1.0.0", **{key: value}) for value in (f"{name}-events", f"{name}-events-prod")
        )
        pair = compared(*(normal(one, identity=name, raw_identity=name, kind=TASK) for one in (left, right)))
        unqualified = tuple(difference for difference in pair.differences)
        matches.append(replace(pair, differences=(), unqualified=unqualified))
    found = judge(comparison(*matches), policy, STAGING, PROD, NOW).breaches
    assert {breach.cause for breach in found} == {
        "3 names in staging lack the environment that those in prod carry: another naming scheme"
    }
    lonely = []
    for name in ("orders", "search", "web"):
        ours = normal({}, identity=f"stage-{name}", raw_identity=f"stage-{name}")
        theirs = normal({}, identity=f"{name}-x-live", raw_identity=f"{name}-x-live")
        lonely += [Unmatched("left", ours, theirs, 0.8), Unmatched("right", theirs, ours, 0.8)]
    alone = judge(comparison(unmatched=tuple(lonely)), load_policy(["default"]), STAGING, PROD, NOW).breaches
    assert [breach.cause for breach in alone] == [
        "3 resources have a probable counterpart under another name: staging and prod follow different naming schemes"
    ] * 3


def test_reach_counts_what_depends_on_a_resource_and_what_shares_its_cause(tmp_path: Path) -> None:
    """By what an id stands for, inside an address, or by name under a key of its kind; a longer name is another thing."""
    policy = policy_of(tmp_path, "rules:\n  - {id: any, about: They differ, path: '**', expect: equal}\n")

    pairs = [
        compared(
            normal({"engine": "14.9"}, raw_identity="orders-staging"),
            normal({"engine": "16.3"}, raw_identity="orders-prod"),
        ),
        compared(
            normal({"family": "a"}, kind=GROUP, identity="pg", raw_identity="pg"),
            normal({"family": "b"}, kind=GROUP, identity="pg", raw_identity="pg"),
        ),
    ]
    users = {
        "api": {"db": "aws.rds.instance/orders-prod"},
        "web": {"url": "postgres://aws.rds.instance/orders-prod:5432/app"},
        "job": {"db": "aws.rds.instance/orders-prod-archive"},
        "other": {"db_parameter_groups": ["pg"], "owner": "pg"},
        "word": {"owner": "pg"},
    }
    for name, body in users.items():
        both = [normal(body, identity=name, raw_identity=name, kind=TASK) for _ in range(2)]
        pairs.append(compared(*both))
    found = judge(comparison(*pairs), policy, STAGING, PROD, NOW).breaches
    assert {breach.kind: breach.reach for breach in found} == {"aws.rds.instance": 2, "aws.rds.parameter_group": 1}
    fleets = [(FLEET, name, {"ami_names": ["a"]}, {"ami_names": ["b"]}) for name in ("api", "worker", "web")]
    shared = judge(
        comparison(*(compared(normal(a, identity=n, kind=k), normal(b, identity=n, kind=k)) for k, n, a, b in fleets)),
        policy, STAGING, PROD, NOW,
    )  # fmt: skip
    assert [breach.reach for breach in shared.breaches] == [2, 2, 2]


def test_a_release_is_one_cause_whatever_tells_of_it() -> None:
    """Versions however they are spelled, and commits that stand for them; two of one kind are told as an image is."""
    policy = load_policy(["default"])
    old, new = "4f3a9c1" + "0" * 33, "91bd2e7" + "0" * 33
    image: Told = (TASK, "orders", containers("acme/orders:1.4.1"), containers("acme/orders:1.4.2"))
    endpoint: Told = (ENDPOINT, "orders", {"version": "v1.4.1"}, {"version": "v1.4.2"})
    pipeline: Told = (PIPELINE, "orders", {"version": "v1.4.1", "commit": old}, {"version": "v1.4.2", "commit": new})
    release = "orders runs {} in staging and {} in prod, as {} sources tell".format
    assert said(policy, image, endpoint) == {release("1.4.1", "1.4.2", 2): ["orders"] * 2}
    assert said(policy, image, endpoint, pipeline) == {release("1.4.1", "1.4.2", 3): ["orders"] * 3}
    by_commit: Told = (TASK, "orders", containers(f"acme/orders:{old}"), containers(f"acme/orders:{new}"))
    assert said(policy, by_commit, pipeline) == {release("4f3a9c100000", "91bd2e700000", 2): ["orders"] * 2}
    # Another component, and another release of the same one, are not it.
    other: Told = (ENDPOINT, "search", {"version": "1.4.1"}, {"version": "1.4.2"})
    late: Told = (ENDPOINT, "orders", {"version": "1.4.0"}, {"version": "1.4.2"})
    assert said(policy, image, other) == {"": ["orders", "search"]}
    assert said(policy, image, late) == {"": ["orders", "orders"]}
    assert said(policy, image) == {"": ["orders"]}
