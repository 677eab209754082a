"""Which question a finding belongs to: each finding to one, so that none is counted twice and none is lost."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import TYPE_CHECKING

from auditor.model import Category
from auditor.value_types import is_secret

if TYPE_CHECKING:
    from auditor.model import Finding, Kind
    from auditor.readiness.facts import Facts

# What is built to order for each environment, as opposed to what it is told.
INFRASTRUCTURE = frozenset(
    {
        Category.COMPUTE,
        Category.DATABASE,
        Category.NETWORK,
        Category.SECURITY,
        Category.MESSAGING,
        Category.STORAGE,
        Category.OPERATIONS,
    }
)
# Expectations of rules that ask both sides to have something of their own, or something real.
_OWN = frozenset({"differ", "own_secrets"})
_VERSION_STEPS = frozenset(
    "image image_uri image_tag tag new_tag newtag digest version code_sha256 commit target_revision targetrevision".split()
)


# Variables are settings, whatever they are given to.
_ENVIRONMENT = frozenset({"environment", "env"})
# Kinds that tell nothing but versions.
_VERSION_KINDS = frozenset({"http.version", "deployment.component"})


class Topic(Enum):
    INFRASTRUCTURE = "infrastructure"
    CONFIGURATION = "configuration"
    SECRETS = "secrets"
    DATA = "data"
    VERSIONS = "versions"


def is_data(kind: Kind) -> bool:
    return kind.name.startswith("data.")


def is_infrastructure(kind: Kind) -> bool:
    return kind.category in INFRASTRUCTURE and not is_data(kind)


def is_configuration(kind: Kind) -> bool:
    """Settings, and what runs with them: a task definition is mostly the environment that its containers are given."""
    told = kind.category in (Category.CONFIG, Category.DEPLOYMENT) or kind.name == "aws.lambda.function"
    return told and kind.name not in _VERSION_KINDS and not is_data(kind)


def topic_of(finding: Finding, facts: Facts) -> Topic:
    """The one question that a finding answers."""
    breach = finding.breach
    kind = facts.kind(breach.kind)
    expect = facts.rules.get(f"{breach.rule.policy}/{breach.rule.id}", "")
    if is_data(kind):
        return Topic.DATA
    if _is_about_secrets(finding, expect):
        return Topic.SECRETS
    if expect == "immutable_tag" or _is_version(finding, kind):
        # Where nothing is promoted from one to the other, nobody asks about versions: they are a setting like others.
        return Topic.VERSIONS if facts.promotes else Topic.CONFIGURATION
    if _ENVIRONMENT & {step.lower() for step in breach.path}:
        return Topic.CONFIGURATION
    if is_configuration(kind) and breach.category is not Category.COMPUTE:
        return Topic.CONFIGURATION
    return Topic.INFRASTRUCTURE


def about(topic: Topic, facts: Facts) -> Callable[[Finding], bool]:
    """Whether a finding belongs to `topic`."""
    return lambda finding: topic_of(finding, facts) is topic


def _is_about_secrets(finding: Finding, expect: str) -> bool:
    """A secret, key or client that both sides have, or that nobody filled in. One that a side lacks is configuration."""
    breach = finding.breach
    marked = is_secret(breach.left.value) or is_secret(breach.right.value)
    if expect in _OWN:
        return marked or breach.category is Category.SECURITY
    if expect == "no_placeholder":
        return marked
    return marked and breach.left.value == breach.right.value


def _is_version(finding: Finding, kind: Kind) -> bool:
    """What is deployed differs while a release is rehearsed; whether that is in order is asked of the history."""
    breach = finding.breach
    if kind.name in _VERSION_KINDS:
        return True
    if kind.category is not Category.DEPLOYMENT and breach.category is not Category.DEPLOYMENT:
        return False
    return bool(breach.path) and breach.path[-1].lower() in _VERSION_STEPS
