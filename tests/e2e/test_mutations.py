"""Nothing that differs is missed: every attribute of every AWS kind in turn is changed on one side and has to be found,
once, at the right resource and path, and judged."""

from __future__ import annotations

import copy
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from auditor.alike import Pair
from auditor.cli import setup
from auditor.collect import collect_all
from auditor.compare import compare
from auditor.comparison import Compared, Comparison
from auditor.evaluate import Evaluator
from auditor.forms import known_forms
from auditor.judge import judge
from auditor.kept import Keeping
from auditor.match import match
from auditor.model import Kind, Resource, Snapshot
from auditor.paths import PathSet
from auditor.places import differing
from auditor.policy import load_policy
from auditor.realms import names_of
from auditor.redact import Redactor
from auditor.registry import Registry
from auditor.rules import Policy
from tests.collectors.aws import test_recorded_twins as recorded_twins
from tests.collectors.aws.reading import CREDENTIALS, declared
from tests.e2e import twins
from tests.e2e.conftest import Run

NOW = datetime(2026, 3, 1, tzinfo=UTC)
# A value that only says which one of its kind a thing is: ids that no resource of the snapshot has, times, fingerprints.
NAMELESS = re.compile(
    r"(?:subnet|vpc|sg|eni|vol|i|ami|lt|rtb)-[0-9a-f]{8,17}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
    r"|\d{4}-\d\d-\d\d[T ][\d:.+Z-]*|\{secret:.*\}"
)

ALL_KINDS = {
    "aws.autoscaling.group",
    "aws.ec2.fleet",
    "aws.ec2.instance_type",
    "aws.ec2.launch_template",
    "aws.ec2.security_group",
    "aws.ecs.cluster",
    "aws.ecs.service",
    "aws.ecs.task_definition",
    "aws.elasticache.cache_cluster",
    "aws.elasticache.replication_group",
    "aws.elasticloadbalancing.load_balancer",
    "aws.elasticloadbalancingv2.load_balancer",
    "aws.elasticloadbalancingv2.target_group",
    "aws.lambda.function",
    "aws.rds.cluster",
    "aws.rds.cluster_parameter_group",
    "aws.rds.instance",
    "aws.rds.parameter_group",
    "aws.secretsmanager.secret",
    "aws.ssm.parameter",
}


@dataclass(frozen=True)
class World:
    """Both snapshots, with what it takes to lay them side by side."""

    left: Snapshot
    right: Snapshot
    names: Pair
    registry: Registry
    policy: Policy


@dataclass(frozen=True)
class Mutation:
    """One value of one resource, and what it is changed to. `path` leads through the document, `*` into a list."""

    resource: Resource
    path: tuple[str | int, ...]
    value: Any

    @property
    def steps(self) -> tuple[str, ...]:
        """The keys that lead there in normal form, where `{name: X, value: v}` in a list is read as `X: v`."""
        named = len(self.path) > 2 and isinstance(self.path[-2], int) and self.path[-1] in ("value", "Value")
        return tuple(step for step in (self.path[:-1] if named else self.path) if isinstance(step, str))

    def __str__(self) -> str:
        return f"{self.resource.kind} {'.'.join('*' if isinstance(step, int) else step for step in self.path)}"

    def applied(self) -> Resource:
        document = copy.deepcopy(dict(self.resource.attributes))
        holder: Any = document
        for step in self.path[:-1]:
            holder = holder[step]
        holder[self.path[-1]] = self.value
        return replace(self.resource, attributes=document)


@pytest.fixture(scope="module")
def world(company: str, tmp_path_factory: pytest.TempPathFactory) -> World:
    """The twins, collected once."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in CREDENTIALS.items():
            patch.setenv(name, value)
        config, registry = setup.configured(twins.config(tmp_path_factory.mktemp("world"), (company, company)))
        found = collect_all(
            [config.environment(twin.environment) for twin in twins.TWINS],
            registry,
            Redactor(b"k" * 32),
            lambda: NOW,
            workers=config.workers,
        )
    left, right = found["staging"], found["prod"]
    assert (left.gaps, right.gaps) == ((), ())
    names = Pair(*(names_of(config, each.environment).at(each.accounts, each.regions) for each in (left, right)))
    return World(left, right, names, registry, load_policy(("default",), ()))


def changed(value: Any) -> Iterator[Any]:
    """A really different value of the same type; none where another one would say nothing."""
    if isinstance(value, bool):
        yield not value
    elif isinstance(value, int | float):
        yield value + 1000
    elif value is None:
        yield "something"
    elif isinstance(value, str) and not NAMELESS.fullmatch(value):
        yield _other_text(value)


def _other_text(text: str) -> str:
    number = re.match(r"\d+", text)
    if number and ".dkr." not in text:
        return f"{int(number[0]) + 3}{text[number.end() :]}"
    if text.lower() in ("true", "false"):
        return "false" if text.lower() == "true" else "true"
    return f"{text}-x7" if text else "x7"


def mutations(resource: Resource, kind: Kind) -> Iterator[Mutation]:
    """Every leaf of the document in turn, but for what the kind declares volatile or makes an item's name."""
    volatile = PathSet(dict.fromkeys(kind.volatile, True))
    keyed = PathSet(dict(kind.keyed))

    def walk(value: Any, path: tuple[str | int, ...], pattern: tuple[str, ...]) -> Iterator[Mutation]:
        if volatile.matches(pattern):
            return
        if isinstance(value, Mapping) and value:
            for key, below in value.items():
                yield from walk(below, (*path, key), (*pattern, key))
        elif isinstance(value, list) and value and all(isinstance(item, Mapping) for item in value):
            yield Mutation(resource, path, value[1:])
            names = (keyed.get(pattern) or "").split("+")
            for index, item in enumerate(value):
                for key, below in item.items():
                    if key not in names and names != [""]:
                        yield from walk(below, (*path, index, key), (*pattern, "*", key))
        elif isinstance(value, list):
            yield Mutation(resource, path, [*value, "something-else"])
            if value:
                yield Mutation(resource, path, value[1:])
        elif value == {}:
            yield Mutation(resource, path, {"something": "else"})
        else:
            for other in changed(value):
                yield Mutation(resource, path, other)

    for key, value in resource.attributes.items():
        yield from walk(value, (key,), (key,))


def laid(
    sides: tuple[Sequence[Resource], Sequence[Resource]], kind_of: Callable[[str], Kind], names: Pair, keeping: Keeping
) -> tuple[tuple[Compared, ...], int]:
    """The two sides compared, and how many resources stay alone."""
    ours = known_forms(sides[0], kind_of, names.left, {}, keeping)
    theirs = known_forms(sides[1], kind_of, names.right, {}, keeping)
    matches, alone = match(ours, theirs, names)
    return compare(matches, names), len(alone)


def told_by(compared: Sequence[Compared]) -> Counter[tuple[str, str, tuple[str, ...], str, str]]:
    """Every difference: kind and identity on the left, path, both values."""
    return Counter(
        (
            each.match.left.resource.kind,
            each.match.left.resource.identity,
            difference.path,
            repr(difference.left),
            repr(difference.right),
        )
        for each in compared
        for difference in each.differences
    )


def within(steps: tuple[str, ...], path: tuple[str, ...]) -> bool:
    """Whether a path in normal form is that of the document: the same keys in order, names of list items in between."""
    rest = iter(path)
    return path[0] == steps[0] and all(step in rest for step in steps)


@dataclass
class Trial:
    """Mutations of one side's resources, each compared with the untouched other side."""

    sides: tuple[Sequence[Resource], Sequence[Resource]]
    kind_of: Callable[[str], Kind]
    names: Pair
    seen: set[str] = field(default_factory=set)
    failures: list[str] = field(default_factory=list)

    def run(self) -> Iterator[tuple[Mutation, Compared, tuple[str, ...]]]:
        """Every mutation that was found once, at its place. What was not is among the failures."""
        keeping = Keeping()
        compared, alone = laid(self.sides, self.kind_of, self.names, keeping)
        assert alone == 0
        before = told_by(compared)
        for position, resource in enumerate(self.sides[0]):
            for mutation in mutations(resource, self.kind_of(resource.kind)):
                if str(mutation) in self.seen:
                    continue
                left = [*self.sides[0][:position], mutation.applied(), *self.sides[0][position + 1 :]]
                compared, alone = laid((left, self.sides[1]), self.kind_of, self.names, keeping)
                own = [each for each in compared if each.match.left.resource is left[position]]
                new = list((told_by(compared) - before).elements())
                if alone or len(new) != 1 or new[0][:2] != (resource.kind, resource.identity):
                    self.failures.append(
                        f"{mutation} = {mutation.value!r} of {resource.identity}: {new}, {alone} alone"
                    )
                elif not within(mutation.steps, new[0][2]):
                    self.failures.append(f"{mutation} was found at {new[0][2]}")
                else:
                    yield mutation, own[0], new[0][2]
            self.seen |= {str(mutation) for mutation in mutations(resource, self.kind_of(resource.kind))}


# Differences that the default policy calls normal, and the rule that says so: that each environment names another entry
# of the secret store is what it asks for. What a type of machine can do is AWS's to say. Every other difference is a finding.
EXPECTED = {
    f"aws.ecs.task_definition container_definitions.{container}.secrets.DB_PASSWORD": "secret-reference-shared"
    for container in ("api", "web", "worker")
}


def test_every_attribute_of_every_kind_is_found_once_at_its_place_and_judged(world: World) -> None:
    """One value at a time, on the staging side; everything else of both accounts stays as it was."""
    trial = Trial((world.left.resources, world.right.resources), world.registry.kind, world.names)
    expected: dict[str, str] = {}
    for mutation, compared, path in trial.run():
        rule = judged(world, compared, path)
        if isinstance(rule, list):
            trial.failures.append(f"{mutation} was judged {rule}")
        elif rule:
            expected[str(mutation)] = rule
    assert trial.failures == []
    catalogued = {name for name, rule in expected.items() if rule == "types-described"}
    assert {name.split(" ")[0] for name in catalogued} == {"aws.ec2.instance_type"}
    assert {name: rule for name, rule in expected.items() if name not in catalogued} == EXPECTED
    assert len(trial.seen) > 300
    kinds = {mutation.split(" ")[0] for mutation in trial.seen}
    assert kinds == {resource.kind for resource in world.left.resources} >= ALL_KINDS


def judged(world: World, compared: Compared, path: tuple[str, ...]) -> str | list[str]:
    """Empty where the difference is exactly one finding, the rule's name where it is expected, else what was found."""
    comparison = Comparison(world.left, world.right, (compared,), ())
    judgement = judge(comparison, world.policy, world.names.left, world.names.right, NOW)
    breaches = [breach for breach in judgement.breaches if breach.path == path]
    if len(judgement.breaches) > 1 or len(breaches) != len(judgement.breaches):
        return [f"{breach.rule.id} at {'.'.join(breach.path)}" for breach in judgement.breaches]
    if breaches:
        return ""
    (place,) = [each for each in differing(compared) if each.path == path]
    names = {"left": world.names.left, "right": world.names.right}
    ruling = Evaluator(world.policy, comparison, names, NOW).decide(place)
    return ruling.rule.id if ruling.verdict.met else [f"{ruling.rule.id}, but it is no finding"]


@pytest.mark.skipif(not recorded_twins.RECORDED, reason="the recordings of AWS answers are not beside the repository")
def test_every_attribute_of_a_recorded_answer_is_found_once_at_its_place() -> None:
    """Real answers hold what a stand-in does not; each attribute of each kind is changed where it first comes."""
    names = Pair(recorded_twins.STAGING, recorded_twins.PROD)
    failures: list[str] = []
    seen: set[str] = set()
    found = 0
    for kind, recorded in recorded_twins.RECORDED:
        sides = tuple(recorded_twins.resources(kind, recorded, environment) for environment in ("staging", "prod"))
        trial = Trial((sides[0], sides[1]), lambda name: declared(name).declared, names, seen)
        found += sum(1 for _ in trial.run())
        failures += [f"{recorded}: {failure}" for failure in trial.failures]
    assert failures == []
    assert found > 150


def test_changes_made_over_the_api_are_found_by_the_whole_command(company: str, tmp_path: Path, run: Run) -> None:
    """Modify, delete and create calls on staging, then one audit: each is a finding, and nothing else is."""
    client = twins.session(twins.STAGING, company)
    client("rds").modify_db_instance(DBInstanceIdentifier="orders-stg", EngineVersion="15.7", ApplyImmediately=True)
    client("ssm").put_parameter(Name="/shop/stg/page-size", Value="20", Type="String", Overwrite=True)
    client("ssm").delete_parameter(Name="/shop/stg/methods")
    client("lambda").update_function_configuration(FunctionName="ResizeStaging", Timeout=7)
    client("autoscaling").update_auto_scaling_group(AutoScalingGroupName="render-stg", HealthCheckGracePeriod=999)
    balancing = client("elbv2")
    target = balancing.describe_target_groups(Names=["api-stg"])["TargetGroups"][0]["TargetGroupArn"]
    balancing.modify_target_group(TargetGroupArn=target, HealthCheckPath="/down")
    ec2 = client("ec2")
    groups = ec2.describe_security_groups(Filters=[{"Name": "group-name", "Values": ["data-stg"]}])["SecurityGroups"]
    rule = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    ec2.authorize_security_group_ingress(GroupId=groups[0]["GroupId"], IpPermissions=[rule])
    client("ecs").create_cluster(clusterName="scratch-stg")

    outcome = run("now", "staging", "prod", "--format", "json", "--config", twins.config(tmp_path, (company, company)))
    assert sorted((f["kind"], f["resource"], tuple(f["path"])) for f in outcome.report["findings"]) == [
        ("aws.autoscaling.group", "render-{env}", ("health_check_grace_period",)),
        ("aws.ec2.security_group", "data-{env}", ("rules", "ingress/tcp/22/0.0.0.0/0")),
        ("aws.ecs.cluster", "scratch-{env}", ()),
        ("aws.elasticloadbalancingv2.target_group", "api-{env}", ("health_check_path",)),
        ("aws.lambda.function", "Resize{env}", ("timeout",)),
        ("aws.rds.instance", "orders-{env}", ("engine_version",)),
        ("aws.ssm.parameter", "/shop/{env}/methods", ()),
        ("aws.ssm.parameter", "/shop/{env}/page-size", ("value",)),
    ]
    assert outcome.code == 1
