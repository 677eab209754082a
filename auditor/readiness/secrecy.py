"""Secrets: each environment has its own, and they come from a secret store."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from auditor.globs import path_glob
from auditor.readiness.facts import SHOWN, counted, leaves, named, of_findings, of_gaps, of_snapshot, resources, several
from auditor.readiness.model import Ask, Evidence, Item
from auditor.readiness.topics import Topic, about, is_configuration
from auditor.value_types import is_secret, secrets_in

if TYPE_CHECKING:
    from auditor.model import Finding, Json, Path, Resource, Snapshot
    from auditor.readiness.facts import Facts

# Entries of a store, and resources that are nothing but a reference to one.
_ENTRIES = (
    "aws.secretsmanager.secret",
    "kubernetes.externalsecret",
    "kubernetes.secretproviderclass",
    "kubernetes.sealedsecret",
)
# Where people write a secret down for everybody who may read the file or describe the resource.
_WRITTEN = (
    "env.file",
    "yaml.file",
    "json.file",
    "toml.file",
    "xml.file",
    "hcl.file",
    "properties.file",
    "ini.file",
    "terraform.*",
    "compose.*",
    "kubernetes.*",
    "aws.ecs.task_definition",
    "aws.lambda.function",
    "aws.ssm.parameter",
)
_STORE_ADDRESS = re.compile(
    r"\barn:aws[\w-]*:(?:secretsmanager|ssm):|\{\{resolve:(?:secretsmanager|ssm-secure):|\bvault[:/]|\bop://"
    r"|@Microsoft\.KeyVault\(|\bprojects/[\w-]+/secrets/|\b(?:secretsmanager|ssm|awssecret|gcpsecret|azurekeyvault)://",
    re.IGNORECASE,
)
_ENCRYPTED = "sops"
_PLACEHOLDER = ":placeholder}"


def differ(facts: Facts) -> Item:
    """`yes` where fingerprints of both sides were compared and no rule found one that they share."""
    left, right = facts.left.environment, facts.right.environment
    ask = Ask(
        "secrets-differ",
        f"Does {left} have secrets of its own, none of them {right}'s?",
        "at least one secret's fingerprint seen on both sides; rules that ask secrets to differ; no gap in configuration",
    )
    belongs = about(Topic.SECRETS, facts)
    found = [finding for finding in facts.active() if belongs(finding)]
    names, equal = _compared(facts)
    different = sum(names.values())
    gaps = facts.gaps(is_configuration)
    seen = [
        Evidence(
            f"{counted(different, 'secret')} seen on both sides differ",
            at=facts.audit.finished_at,
            source=facts.audit.id,
            resources=tuple(names)[:SHOWN],
        )
    ]
    if found:
        places = several(dict.fromkeys(_place(finding) for finding in found))
        evidence = of_findings(f"{counted(len(found), 'finding')}: {places}", found)
        return ask.no(
            "Secrets, keys or clients are shared, or were never filled in.",
            evidence,
            *(seen if different else ()),
            *of_gaps(gaps),
            remedy=f"Give {left} its own, and rotate those of {right} that it shared",
        )
    if not {"differ", "own_secrets"} & set(facts.rules.values()):
        return ask.not_observed(
            "The pair's policies have no rule that asks secrets to differ.",
            remedy="Add the pack `secrets` (or `default`) to the policies of the pair",
        )
    if not different:
        return ask.not_observed(
            "No secret was seen on both sides, so none was compared.",
            *of_gaps(gaps),
            remedy="Let the sources read secrets (`read_secret_values` of `aws`): only keyed fingerprints are kept",
        )
    if gaps:
        return ask.not_observed(
            f"No shared secret in what was seen, but {counted(len(gaps), 'gap')} may hide one.",
            *of_gaps(gaps),
            *seen,
            remedy="Let the auditor read what it could not",
        )
    notes = [facts.below(belongs), f"{equal} equal where the policies allow it" if equal else "", _unread(facts)]
    also = "; ".join(note for note in notes if note)
    return ask.yes(f"None of {counted(different, 'secret')} is shared{f' ({also})' if also else ''}.", *seen)


def stored(facts: Facts) -> Item:
    """`no` where one was written down; `yes` where both sides refer to a store and nothing else was seen."""
    ask = Ask(
        "secrets-stored",
        "Do the secrets come from a secret store?",
        "an entry of a secret store, or a reference to one, seen on both sides; no gap in configuration",
    )
    written = {side.environment: list(_written(side)) for side in facts.sides}
    kept = {side.environment: list(_kept(side, facts)) for side in facts.sides}
    gaps = facts.gaps(is_configuration)
    evidence = [*_written_evidence(facts, written), *_kept_evidence(facts, kept)]
    total = sum(map(len, written.values()))
    if total:
        return ask.no(
            f"{counted(total, 'secret')} in plain configuration.",
            *evidence,
            remedy="Move each into a secret store, refer to it there, rotate it",
        )
    without = [name for name, found in kept.items() if not found]
    if without:
        return ask.not_observed(
            f"No secret was seen in plain text, and in {' and '.join(without)} no reference to a secret store either.",
            *evidence,
            *of_gaps(gaps),
            remedy="Add the source that tells where secrets come from (task definitions, external secrets, the store)",
        )
    if gaps:
        return ask.not_observed(
            f"Secrets are kept in a store as far as was seen, but {counted(len(gaps), 'gap')} may hide one that is not.",
            *of_gaps(gaps),
            *evidence,
            remedy="Let the auditor read what it could not",
        )
    return ask.yes("Both sides refer to a secret store; no secret was seen in plain text.", *evidence)


def _compared(facts: Facts) -> tuple[Counter[str], int]:
    """How many values that are secret on both sides differ, by resource, and how many are equal."""
    different: Counter[str] = Counter()
    equal = 0
    for found in facts.comparison.matches:
        theirs = _marks(found.match.right.raw)
        for path, marks in _marks(found.match.left.raw).items():
            other = theirs.get(path)
            if other is None:
                continue
            if marks & other:
                equal += 1
            else:
                different[f"{found.match.left.kind.name} {found.match.left.identity}"] += 1
    return different, equal


def _marks(document: Json) -> dict[Path, set[str]]:
    found: dict[Path, set[str]] = {}
    for path, value in leaves(document):
        if is_secret(value):
            found.setdefault(path, set()).update(secrets_in(value))
    return found


def _unread(facts: Facts) -> str:
    """Entries of a store whose values nobody was allowed to read."""
    number = sum(
        1
        for side in facts.sides
        for entry in resources(side, "aws.secretsmanager.secret")
        if not _marks(entry.attributes)
    )
    return f"{counted(number, 'entry', 'entries')} of a store seen by name only" if number else ""


def _place(finding: Finding) -> str:
    return f"{finding.breach.identity} {finding.breach.path[-1] if finding.breach.path else ''}".rstrip()


def _written(side: Snapshot) -> Iterator[tuple[Resource, Path]]:
    """Where a secret stands in plain configuration. What was never filled in is no secret yet."""
    for resource in resources(side, *_WRITTEN):
        if resource.kind in _ENTRIES or _ENCRYPTED in resource.attributes:
            continue
        for path, value in leaves(resource.attributes):
            if is_secret(value) and _PLACEHOLDER not in value and _is_plain(resource, path):
                yield resource, path


def _is_plain(resource: Resource, path: Path) -> bool:
    if resource.kind == "aws.ssm.parameter":
        return path[0] == "value"  # `secure_value` is encrypted
    if resource.kind.startswith("aws."):
        return "environment" in path
    return True


def _kept(side: Snapshot, facts: Facts) -> Iterator[Resource]:
    """Resources that are an entry of a secret store, or refer to one."""
    for resource in resources(side, "*"):
        if (
            resource.kind in _ENTRIES
            or _ENCRYPTED in resource.attributes
            or _is_secure(resource)
            or _refers(resource, facts)
        ):
            yield resource


def _is_secure(resource: Resource) -> bool:
    return resource.kind == "aws.ssm.parameter" and resource.attributes.get("type") == "SecureString"


def _refers(resource: Resource, facts: Facts) -> bool:
    declared = [path_glob(text) for text in facts.kind(resource.kind).references]
    for path, value in leaves(resource.attributes):
        if value in (None, "") or is_secret(value):
            continue
        if any(glob.matches(path[:length]) for glob in declared for length in range(1, len(path) + 1)):
            return True
        if "secretKeyRef" in path or (isinstance(value, str) and _STORE_ADDRESS.search(value)):
            return True
    return False


def _written_evidence(facts: Facts, written: dict[str, list[tuple[Resource, Path]]]) -> list[Evidence]:
    evidence = []
    for side in facts.sides:
        places = written[side.environment]
        if not places:
            continue
        shown = several(
            [f"{path[-1] if path else ''} in {resource.location or named(resource)}" for resource, path in places]
        )
        evidence.append(of_snapshot(side, f"{len(places)} in plain text: {shown}", seen=_once(places)))
    return evidence


def _once(places: list[tuple[Resource, Path]]) -> list[Resource]:
    return list({named(resource): resource for resource, _ in places}.values())


def _kept_evidence(facts: Facts, kept: dict[str, list[Resource]]) -> list[Evidence]:
    evidence = []
    for side in facts.sides:
        found = kept[side.environment]
        if found:
            counts = Counter(resource.kind for resource in found)
            text = "in a store or by reference: " + ", ".join(
                f"{number} {kind}" for kind, number in sorted(counts.items())
            )
            evidence.append(of_snapshot(side, text, seen=found))
    return evidence
