"""The packs that ship: every rule has a reason and examples that hold, and the product's word is kept."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from auditor.model import Category, Kind, Severity
from auditor.names import environment_names
from auditor.policy import available, load_policy
from auditor.policy_examples import Outcome, run_examples
from auditor.rules import Policy, Rule
from tests.factories import ENV_FILE, RDS, judged

PARTS = ("aws-services", "databases", "delivery", "kubernetes")
PACKS = tuple(sorted(("data-safety", "default", "production-readiness", "secrets", "strict", "versions", *PARTS)))
DEPLOYMENT = Kind("kubernetes.deployment", Category.DEPLOYMENT, "A deployment")


def own_rules() -> list[tuple[str, Rule]]:
    """Every rule with the pack that it is written in."""
    return [(name, rule) for name in PACKS for rule in load_policy([name]).rules if rule.policy == name]


@cache
def outcomes(name: str) -> tuple[Outcome, ...]:
    """What came of the examples that are written in one pack, judged by all that it extends as well."""
    policy = load_policy([name])
    return tuple(run_examples(policy, [rule for rule in policy.rules if rule.policy == name]))


def test_the_packs_that_ship_are_found() -> None:
    """As package data, without any folder being configured."""
    assert tuple(pack.name for pack in available() if pack.shipped) == PACKS


@pytest.mark.parametrize("name", PACKS)
def test_every_example_of_a_pack_holds(name: str) -> None:
    """The verdict written beside the rule is what the whole pack says."""
    assert [str(outcome) for outcome in outcomes(name) if not outcome.passed] == []


@pytest.mark.parametrize("name", PACKS)
def test_no_rule_of_a_pack_is_dead(name: str) -> None:
    """A rule decides one of its examples or, where it tolerates, one of them would be a finding without it."""
    policy = load_policy([name])
    deciding = {outcome.rule.id for outcome in outcomes(name) if outcome.decided_by == outcome.rule.name}
    for rule in (rule for rule in policy.rules if rule.policy == name and rule.id not in deciding):
        without = Policy((name,), tuple(other for other in policy.rules if other is not rule))
        rules = (replace(rule, kinds=("no.kind",)), *without.rules)
        again = run_examples(replace(without, rules=rules), [other for other in rules if other.id == rule.id])
        assert any(not outcome.passed for outcome in again), rule.name


@pytest.mark.parametrize(("pack", "rule"), own_rules(), ids=lambda item: getattr(item, "name", item))
def test_every_rule_gives_a_reason_and_a_way_out(pack: str, rule: Rule) -> None:
    """A sentence of why; and what to do, unless it only notes or ignores."""
    assert len(rule.about) > 20
    assert not rule.about.endswith(".")
    assert rule.examples
    if rule.severity is not Severity.INFO and rule.expect.name != "ignore":
        assert rule.remediation


def verdicts(kind: Kind, left: dict[str, Any], right: dict[str, Any]) -> list[tuple[str, str]]:
    """Path and severity of everything that the default pack finds."""
    found = judged(left, right, kind=kind).breaches
    return sorted((".".join(breach.path), breach.severity.value) for breach in found)


def test_what_production_has_more_of_is_only_noted() -> None:
    """Larger, redundant, protected, longer kept."""
    left = {"multi_az": False, "allocated_storage": 20, "backup_retention_period": 1, "deletion_protection": False}
    right = {"multi_az": True, "allocated_storage": 500, "backup_retention_period": 30, "deletion_protection": True}
    assert {severity for _, severity in verdicts(RDS, left, right)} == {"info"}
    assert len(verdicts(RDS, left, right)) == 4


@pytest.mark.parametrize(
    ("name", "rules"),
    [("uat", ["reference-to-staging"]), ("staging", ["reference-to-acceptance"]), ("qa", ["reference-to-acceptance"])],
)
def test_production_that_refers_to_what_rehearses_it_is_told_once_whatever_that_is_called(
    name: str, rules: list[str]
) -> None:
    """An acceptance environment is staging where it is the one that production is compared with."""
    value = {"QUEUE": "https://queue.uat.acme.example/q"}
    names = environment_names(name, (), {"prod": ()}), environment_names("prod", (), {name: ()})
    found = judged({"QUEUE": "https://queue.live.acme.example/q"}, value, kind=ENV_FILE, names=names).breaches
    assert [breach.rule.id for breach in found if breach.rule.id.startswith("reference-to")] == rules


def test_the_inverse_is_a_finding() -> None:
    """Staging that is better off than production."""
    left = {"multi_az": True, "allocated_storage": 500, "backup_retention_period": 30, "storage_encrypted": True}
    right = {"multi_az": False, "allocated_storage": 20, "backup_retention_period": 1, "storage_encrypted": False}
    assert verdicts(RDS, left, right) == [
        ("allocated_storage", "medium"),
        ("backup_retention_period", "high"),
        ("multi_az", "high"),
        ("storage_encrypted", "high"),
    ]


@pytest.mark.parametrize(
    ("left", "right", "severity"),
    [
        ("db.r6g.large", "db.r6g.xlarge", "low"),
        ("db.r6g.xlarge", "db.r6g.large", "medium"),
        ("db.t3.large", "db.r6i.large", "medium"),
        ("db.r6i.large", "db.r6g.large", "medium"),
    ],
)
def test_instance_types_are_judged_by_family_before_size(left: str, right: str, severity: str) -> None:
    """A smaller size of one family is low; another family or architecture, or a larger staging, medium."""
    assert verdicts(RDS, {"db_instance_class": left}, {"db_instance_class": right}) == [("db_instance_class", severity)]


def test_an_engine_behind_is_high_and_ahead_medium() -> None:
    """Direction matters."""
    assert verdicts(RDS, {"engine_version": "14.9"}, {"engine_version": "16.3"}) == [("engine_version", "high")]
    assert verdicts(RDS, {"engine_version": "16.3"}, {"engine_version": "14.9"}) == [("engine_version", "medium")]


def test_a_pod_is_judged_by_what_it_runs() -> None:
    """An image that differs matters, more replicas in production are expected, a moving tag counts once."""

    def pod(tag: str, replicas: int) -> dict[str, Any]:
        return {"spec": {"replicas": replicas, "containers": {"api": {"image": f"ghcr.io/acme/api:{tag}"}}}}

    image = "spec.containers.api.image"
    assert verdicts(DEPLOYMENT, pod("1.4.0", 1), pod("1.3.0", 4)) == [(image, "medium")]
    assert verdicts(DEPLOYMENT, pod("1.4.0", 4), pod("1.4.0", 1)) == [("spec.replicas", "medium")]
    assert verdicts(DEPLOYMENT, pod("latest", 2), pod("latest", 2)) == [(image, "low")]
    assert verdicts(DEPLOYMENT, pod("1.4.0", 2), pod("stable", 2)) == [(image, "medium")]


def test_an_environment_file_is_judged_by_its_words() -> None:
    """Switches, debugging aids, levels, ids, endpoints, placeholders, references: each in its direction."""
    left = {
        "FF_NEW_CHECKOUT": "true", "DEBUG": "true", "LOG_LEVEL": "debug", "TEMPLATE_ID": "a1", "API_KEY_NAME": "changeme",
        "RAILS_ENV": "production", "DATABASE_URL": "postgres://app@db.prod.acme.example/app", "STRIPE_MODE": "test",
    }  # fmt: skip
    right = {
        "FF_NEW_CHECKOUT": "false", "DEBUG": "false", "LOG_LEVEL": "info", "TEMPLATE_ID": "b2", "API_KEY_NAME": "orders",
        "RAILS_ENV": "production", "DATABASE_URL": "postgres://app@db.prod.acme.example/app", "STRIPE_MODE": "live",
    }  # fmt: skip
    assert verdicts(ENV_FILE, left, right) == [
        ("API_KEY_NAME", "high"),
        ("DATABASE_URL", "critical"),
        ("DEBUG", "info"),
        ("FF_NEW_CHECKOUT", "medium"),
        ("LOG_LEVEL", "info"),
        ("STRIPE_MODE", "info"),
        ("TEMPLATE_ID", "info"),
    ]
    assert ("DEBUG", "critical") in verdicts(ENV_FILE, right, left)
    assert ("LOG_LEVEL", "medium") in verdicts(ENV_FILE, right, left)


def test_a_user_overrides_a_shipped_rule_by_a_later_one(tmp_path: Any) -> None:
    """`extends: [default]`, and the last match wins; checks of one concern, too."""
    (tmp_path / "acme.yaml").write_text(
        "policy: acme\nextends: [default]\nrules:\n"
        "  - {id: ours, about: We test that elsewhere, path: 'PERF_*', expect: no_placeholder, severity: info}\n"
        "  - {id: sizes, about: We do not mind, path: '**', values: number, expect: ignore}\n",
        "utf-8",
    )
    policy = load_policy(["acme"], [tmp_path])
    found = judged({"PERF_URL": "changeme", "MAX_SIZE": 9}, {"PERF_URL": "changeme", "MAX_SIZE": 3}, policy).breaches
    assert [(breach.rule.id, breach.severity.value) for breach in found] == [("ours", "info")]
    assert "default/placeholder" in found[0].rule.overrode
