"""States beside live sources: one finding per change, told with its address; what only one of the two knows is told."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from auditor.collector import Options, Task
from auditor.config import Config, load_config
from auditor.declared import PREFIX, TYPES, set_aside
from auditor.errors import CollectError
from auditor.model import Audit, Finding, Gap, GapReason, Kind, Listing, Resource, Snapshot, Status
from auditor.names import environment_names
from auditor.pipeline import Tools, audit_snapshots, lay, take_snapshots
from auditor.policy import load_policy
from auditor.publish.entries import remarks
from auditor.publish.json_report import finding_object
from auditor.publish.lookups import explain_text, finding_text
from auditor.redact import Redactor
from auditor.registry import Registry
from auditor.snapshot import normalise
from auditor.store import Store
from collectors.terraform import COLLECTOR
from tests.collectors.states import arn, company, instance, state

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
SHIPPED = Registry.load()
POLICY = load_policy(["default"])
LIVE = ("aws.rds.instance", "aws.ec2.security_group", "aws.elasticache.replication_group")
CONFIG = """
environments:
  staging: {sources: [{collector: cloud}, {collector: terraform, path: staging}]}
  prod: {sources: [{collector: cloud}, {collector: terraform, path: prod}]}
pairs: [{left: staging, right: prod}]
"""
ENVIRONMENTS = ("staging", "prod")


def live(environment: str) -> list[Resource]:
    """What the cloud holds of the company: the database and its group, as a live source reads them."""
    account = company(environment)
    database, group = account[0]["instances"][0]["attributes"], account[2]["instances"][0]["attributes"]
    return [
        Resource(
            "aws.rds.instance",
            f"orders-{environment}",
            {"engine_version": "16.3", "multi_az": True, "vpc_security_groups": [group["id"]]},
            refs=(database["arn"],),
            location=database["arn"],
        ),
        Resource("aws.ec2.security_group", f"db-{environment}", {"description": "Databases"}, refs=(group["id"],)),
    ]


@dataclass
class Cloud:
    """A collector of what the test says is there: the real protocol, without a far side."""

    there: dict[str, list[Resource]] = field(default_factory=lambda: {name: live(name) for name in ENVIRONMENTS})
    lists: dict[str, tuple[str, ...]] = field(default_factory=lambda: dict.fromkeys(ENVIRONMENTS, LIVE))
    denied: tuple[str, ...] = ()
    name: str = "cloud"
    about: str = "What the test says"
    kinds: tuple[Kind, ...] = tuple(SHIPPED.kind(name) for name in LIVE)
    options: type[Options] = Options
    permissions: tuple[str, ...] = ()

    def label(self, options: Any) -> str:
        return "cloud"

    def plan(self, options: Any, context: Any) -> Iterable[Task]:
        def run(kind: str) -> Iterator[Resource | Gap]:
            if kind in self.denied:
                raise CollectError(GapReason.ACCESS_DENIED, "not allowed")
            yield from (each for each in self.there[context.environment] if each.kind == kind)

        for kind in self.lists[context.environment]:
            yield Task("cloud", (kind,), lambda kind=kind: run(kind), region="eu-west-1")  # type: ignore[misc]


@dataclass
class World:
    """Two environments, their states, and one store for all audits of a test."""

    folder: Path
    store: Store
    cloud: Cloud = field(default_factory=Cloud)
    states: dict[str, list[dict[str, Any]]] = field(
        default_factory=lambda: {name: company(name) for name in ENVIRONMENTS}
    )
    now: datetime = NOW

    def audit(self, config: str = CONFIG) -> Audit:
        self.now += timedelta(hours=1)
        for name, resources in self.states.items():
            (self.folder / name).mkdir(exist_ok=True)
            (self.folder / name / "terraform.tfstate").write_bytes(state(resources, serial=len(name)))
        registry, loaded = self.configured(config)
        tools = Tools(registry, self.store, Redactor(b"k" * 32), lambda: self.now)
        taken = take_snapshots(loaded, ENVIRONMENTS, tools)
        self.laid = lay(loaded, taken["staging"], taken["prod"], tools).comparison
        return audit_snapshots(loaded, POLICY, taken["staging"], taken["prod"], self.now, tools)

    def kept(self) -> set[tuple[str, str, Status]]:
        """How every finding stands that was ever made."""
        found = self.store.previous(*ENVIRONMENTS).values()
        return {(each.breach.kind, ".".join(each.breach.path), each.status) for each in found}

    def configured(self, config: str) -> tuple[Registry, Config]:
        (self.folder / "auditor.yaml").write_text(config)
        registry = Registry([self.cloud, COLLECTOR])
        return registry, load_config(self.folder / "auditor.yaml", registry=registry, environ={})

    def attributes(self, environment: str, kind: str) -> dict[str, Any]:
        """Of the first instance of a type in an environment's state, to be changed."""
        found = next(item for item in self.states[environment] if item["type"] == kind)
        attributes: dict[str, Any] = found["instances"][0]["attributes"]
        return attributes

    def change(self, environment: str, kind: str, **attributes: Any) -> None:
        """Of the live resource of a kind."""
        self.cloud.there[environment] = [
            replace(each, attributes={**each.attributes, **attributes}) if each.kind == kind else each
            for each in self.cloud.there[environment]
        ]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with Store.open(f"sqlite:///{tmp_path / 'auditor.db'}") as store:
        yield World(tmp_path, store)


def active(audit: Audit) -> list[Finding]:
    return [finding for finding in audit.findings if finding.status is Status.OPEN]


def told(audit: Audit) -> list[tuple[str, str, str, str]]:
    return [
        (each.breach.kind, ".".join(each.breach.path), each.breach.rule.id, each.breach.severity.value)
        for each in active(audit)
    ]


def test_renamed_twins_are_in_parity_and_no_copy_of_a_live_resource_is_compared(world: World) -> None:
    """Names, ids, ARNs, addresses, order and times differ in the states; what both sides read live is set aside."""
    audit = world.audit()
    assert told(audit) == []
    assert audit.gaps == ()
    assert audit.complete
    compared = {each.match.left.kind.name for each in world.laid.matches}
    assert "terraform.resource.aws_db_instance" not in compared
    assert {"aws.rds.instance", "terraform.resource.aws_sqs_queue", "terraform.state"} <= compared
    assert world.laid.unmatched == ()


def test_a_change_that_reality_and_state_both_show_is_one_finding_that_says_where_it_is_declared(world: World) -> None:
    """In its JSON, its remarks, and in what `audit show` and `audit explain` print."""
    world.attributes("staging", "aws_db_instance")["engine_version"] = "14.9"
    world.change("staging", "aws.rds.instance", engine_version="14.9")
    audit = world.audit()
    assert [each[:2] for each in told(audit)] == [("aws.rds.instance", "engine_version")]
    (finding,) = active(audit)
    address = "module.orders.aws_db_instance.main"
    assert [finding_object(finding)[side]["declared"] for side in ("left", "right")] == [address, address]
    assert f"declared in {address}" in remarks(finding, audit.started_at, audit.finished_at)
    for text in (
        finding_text(finding, (), width=120, color=False, now=world.now),
        explain_text(finding, width=120, color=False),
    ):
        assert f"in {address}" in text


def test_what_no_live_source_reads_is_compared_as_its_state_has_it(world: World) -> None:
    """One mutation, one finding, at the address; the same where a live source reads the kind on one side only."""
    world.attributes("staging", "aws_sqs_queue")["visibility_timeout_seconds"] = 300
    assert [each[:2] for each in told(world.audit())] == [
        ("terraform.resource.aws_sqs_queue", "visibility_timeout_seconds")
    ]
    world.attributes("staging", "aws_sqs_queue")["visibility_timeout_seconds"] = 30
    world.attributes("staging", "aws_db_instance")["multi_az"] = False
    world.cloud.lists["staging"] = LIVE[1:]
    found = world.audit()
    assert [each[:2] for each in told(found)] == [("terraform.resource.aws_db_instance", "multi_az")]
    assert [(gap.environment, gap.kind) for gap in found.gaps] == [("staging", "aws.rds.instance")]


@pytest.mark.parametrize(
    ("change", "place"),
    [
        (lambda it: it.attributes("prod", "aws_vpc").update(enable_dns_support=False), "aws_vpc.enable_dns_support"),
        (lambda it: it.attributes("prod", "aws_iam_role").update(max_session_duration=43200),
         "aws_iam_role.max_session_duration"),
        (lambda it: it.attributes("prod", "random_password").update(length=8), "random_password.length"),
        (lambda it: it.attributes("prod", "aws_service_discovery_service")["dns_config"][0].update(routing_policy="WEIGHTED"),
         "aws_service_discovery_service.dns_config.routing_policy"),
    ],
)  # fmt: skip
def test_each_changed_setting_in_a_state_is_one_finding(
    world: World, change: Callable[[World], None], place: str
) -> None:
    """At the type and path that was changed."""
    change(world)
    assert [f"{kind.removeprefix('terraform.resource.')}.{path}" for kind, path, _, _ in told(world.audit())] == [place]


def test_what_stands_in_no_state_is_told_once_and_grouped_and_is_gone_once_it_is_imported(world: World) -> None:
    """On both sides it is one finding; what a service made for itself is none; several have one cause."""
    for name in ENVIRONMENTS:
        world.cloud.there[name] += [
            Resource("aws.rds.instance", f"handmade-{name}", {"engine_version": "16.3"}),
            Resource("aws.ec2.security_group", f"open-{name}", {"description": "x"}),
            Resource("aws.ec2.security_group", "default", {"description": "default VPC security group"}),
            Resource("aws.ec2.security_group", f"stack-{name}", {}, tags={"aws:cloudformation:stack-name": "s"}),
            Resource("aws.elasticache.replication_group", f"sessions-{name}", {"engine": "redis"}),  # declared by none
        ]
    first = world.audit()
    assert told(first) == [
        ("aws.ec2.security_group", "in_state", "undeclared", "low"),
        ("aws.rds.instance", "in_state", "undeclared", "low"),
    ]
    causes = {each.breach.cause for each in active(first)}
    assert causes == {"2 resources in staging and prod stand in no state that is read there"}
    assert active(first)[1].breach.message == (
        "aws.rds.instance handmade-staging / handmade-prod exists in staging and prod and stands in no state that is"
        " read there"
    )
    imported = [
        instance("aws_security_group", "open", {"id": "sg-1", "name": "x"}),
        instance("aws_db_instance", "hand", {"id": "db-X", "identifier": "handmade-staging"}),
    ]
    world.states["staging"] += imported[1:]
    second = world.audit()
    assert [each.breach.left.identity for each in active(second) if each.breach.kind == "aws.rds.instance"] == [None]
    (world.folder / "prod" / "terraform.tfstate").write_text("")
    world.states["prod"] = []
    unread = copy.copy(world)
    unread.states = {"staging": world.states["staging"]}
    third = unread.audit()
    assert [gap.reason for gap in third.gaps] == [GapReason.MALFORMED, GapReason.MALFORMED]
    # The state that would tell could not be read, so nothing of prod is said to be gone.
    assert world.kept() == {
        ("aws.ec2.security_group", "in_state", Status.OPEN),
        ("aws.rds.instance", "in_state", Status.OPEN),
    }


def test_what_is_declared_and_not_there_is_told_unless_nobody_could_see_it(world: World) -> None:
    """A listing that was denied, another account or another region say nothing."""
    lost = {"id": "gone", "arn": arn("prod", "elasticache", "replicationgroup:gone"), "replication_group_id": "gone"}
    other = {"id": "far", "arn": lost["arn"].replace("eu-west-1", "us-east-1"), "replication_group_id": "far"}
    world.states["prod"] += [
        instance("aws_elasticache_replication_group", "gone", lost),
        instance("aws_elasticache_replication_group", "far", other),
    ]
    audit = world.audit()
    assert told(audit) == [
        ("terraform.resource.aws_elasticache_replication_group", "exists", "declared-but-missing", "medium")
    ]
    (finding,) = active(audit)
    assert finding.breach.message == (
        "aws_elasticache_replication_group.gone is declared in prod and does not exist in prod"
    )
    assert finding.breach.left.identity is None
    world.cloud.denied = ("aws.elasticache.replication_group",)
    world.audit()
    place = "terraform.resource.aws_elasticache_replication_group", "exists"
    assert world.kept() == {(*place, Status.OPEN)}
    world.cloud.denied = ()
    world.cloud.there["prod"].append(Resource("aws.elasticache.replication_group", "gone", {}))
    world.cloud.there["staging"].append(Resource("aws.elasticache.replication_group", "gone", {}))
    after = world.audit()
    assert told(after) == []
    assert world.kept() == {(*place, Status.RESOLVED)}


def test_without_a_state_nothing_changes_and_with_one_on_one_side_the_live_resources_refer_to_no_copy(
    world: World,
) -> None:
    """The one gap says that the other side's state is not read; ids read as they did before there was a state."""
    bare = CONFIG.replace(", {collector: terraform, path: staging}", "").replace(
        ", {collector: terraform, path: prod}", ""
    )
    without = world.audit(bare)
    assert (told(without), without.gaps, world.laid.declarations[0].addresses) == ([], (), {})
    for name in ENVIRONMENTS:
        world.cloud.there[name] += [
            replace(
                each, attributes={**each.attributes, "vpc_id": company(name)[1]["instances"][0]["attributes"]["id"]}
            )
            for each in live(name)[1:]
        ]
        world.cloud.there[name].pop(1)
    one_sided = world.audit(CONFIG.replace(", {collector: terraform, path: prod}", ""))
    assert told(one_sided) == []
    assert {gap.environment for gap in one_sided.gaps} == {"prod"}
    assert all(gap.kind.startswith("terraform.") for gap in one_sided.gaps)


def test_every_type_of_the_table_names_a_kind_that_some_collector_reads() -> None:
    """A mapping to a kind that nobody yields would call every resource of it missing."""
    known = {kind.name for kind in SHIPPED.kinds()}
    assert sorted({entry.kind for entry in TYPES.values()} - known) == []


def test_a_folder_that_could_hold_manifests_reads_nothing_live() -> None:
    """A state's deployment stays compared beside a files source, and is set aside beside a cluster."""
    copies = (Resource("terraform.resource.kubernetes_deployment", "kubernetes_deployment.api", {}),)
    for source, kept in (("files:deploy", copies), ("kubernetes:prod", ())):
        found = (Listing(source, "kubernetes.*"), Listing("terraform:x", "terraform.resource.*"))
        sides = [Snapshot(name, name, NOW, copies, (), found) for name in ENVIRONMENTS]
        assert set_aside(*sides)[0].resources == kept


def test_what_is_live_refers_to_no_copy_and_a_copy_refers_to_what_is_live() -> None:
    """An id reads the same whether or not a state that knows it is read beside it."""
    vpc, group = "vpc-0aa11bb22cc33dd44", "sg-0aa11bb22cc33dd44"
    found = normalise(
        [
            Resource("aws.ec2.security_group", "db", {"vpc": vpc}, refs=(group,)),
            Resource(f"{PREFIX}aws_vpc", "aws_vpc.main", {}, refs=(vpc,)),
            Resource(f"{PREFIX}aws_efs_mount_target", "aws_efs_mount_target.x", {"vpc": vpc, "group": group}),
            Resource(f"{PREFIX}aws_security_group", "aws_security_group.db", {}, refs=(group,)),
        ],
        SHIPPED.kind,
        environment_names("prod", (), {}),
    )
    assert found[0].form == {"vpc": vpc}
    assert found[2].form == {"vpc": f"{PREFIX}aws_vpc/aws_vpc.main", "group": "aws.ec2.security_group/db"}
