"""Two environments made from the service models, of every kind at once: what only names, accounts, regions, ids, ARNs,
endpoints, times and order tell apart is parity, and each setting that is changed on one side is found, once."""

from __future__ import annotations

import copy
import os
import random
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from auditor.compare import compare_match
from auditor.comparison import Comparison, Match
from auditor.judge import judge
from auditor.model import Json, Listing, Resource, Snapshot
from auditor.paths import matches
from auditor.policy import load_policy
from auditor.snapshot import normal_form
from auditor.values import words
from tests.collectors.aws.all_kinds import KINDS, NAMES, PAIR, environment, laid, references
from tests.collectors.aws.generated import PROD, STAGING, Place, leaves
from tests.factories import NOW

# How many settings of each kind are changed, one after the other, and how many resources of it are judged.
# `ALL_MUTATIONS=1` changes every setting and judges all.
_SAMPLE = 10_000 if os.environ.get("ALL_MUTATIONS") else 6
_JUDGED = 10_000 if os.environ.get("ALL_MUTATIONS") else 1


_ID_WORDS = frozenset({"id", "ids", "uuid", "identifier"})


def _snapshot(place: Place) -> Snapshot:
    found = tuple(Listing(f"aws:{place.name}", name, place.region) for name in KINDS)
    resources = environment(place)
    return Snapshot(f"{place.name}-1", place.name, NOW, resources, (), found, (place.account,), (place.region,))


@pytest.mark.parametrize("name", sorted(KINDS))
def test_a_renamed_twin_is_quiet(name: str) -> None:
    """Every resource finds its counterpart, and no leaf of the two differs."""
    compared, alone = laid(name)
    assert [each.normal.resource.identity for each in alone] == []
    assert compared
    found = {(".".join(each.path), str(each.left), str(each.right)) for one in compared for each in one.differences}
    assert found == set()


def test_two_renamed_environments_of_every_kind_have_no_finding() -> None:
    """Judged by the default policy, with every kind's resources in one snapshot."""
    # One of each kind is judged: the second differs in numbers only.
    compared = tuple(each for name in KINDS for each in laid(name)[0][:_JUDGED])
    alone = tuple(each for name in KINDS for each in laid(name)[1])
    comparison = Comparison(_snapshot(STAGING), _snapshot(PROD), compared, alone)
    found = judge(comparison, load_policy(["default"]), NAMES["staging"], NAMES["prod"], NOW)
    assert [(each.rule.id, each.message) for each in found.breaches] == []


@pytest.mark.parametrize("name", sorted(KINDS))
def test_each_setting_that_is_changed_on_one_side_is_found_once(name: str) -> None:
    """Whatever the declaration keeps tells, when it differs, and tells it in one place."""
    twins = laid(name)[0][0]
    pair, quiet = twins.match, {each.path for each in twins.differences}
    known = references(PROD)
    lost, doubled = [], []
    for path, changed in _mutations(pair.right.resource):
        other = normal_form(replace(pair.right.resource, attributes=changed), pair.right.kind, NAMES["prod"], known)
        found = compare_match(Match(pair.left, other, pair.method, pair.confidence), PAIR).differences
        found = tuple(each for each in found if each.path not in quiet)
        if not found:
            lost.append(path)
        elif not _one_place([each.path for each in found]):
            doubled.append((path, [each.path for each in found]))
    assert (lost, doubled) == ([], [])


def _mutations(right: Resource) -> Iterator[tuple[tuple[str | int, ...], dict[str, Json]]]:
    """The right resource's attributes with one leaf changed each; a sample that is the same in every run."""
    candidates = [
        (path, value)
        for path, value in leaves(right.attributes)
        if _changed(value) is not None and not _says_nothing(path) and not _volatile(right.kind, path)
    ]
    chosen = random.Random(right.kind).sample(candidates, min(_SAMPLE, len(candidates)))
    for path, value in sorted(chosen, key=str):
        changed: Any = copy.deepcopy(dict(right.attributes))
        holder = changed
        for step in path[:-1]:
            holder = holder[step]
        holder[path[-1]] = _changed(value)
        yield path, changed


def _says_nothing(path: tuple[str | int, ...]) -> bool:
    """An id that points to nothing that was seen is no setting."""
    return words(next(step for step in reversed(path) if isinstance(step, str)))[-1] in _ID_WORDS


def _volatile(kind: str, path: tuple[str | int, ...]) -> bool:
    steps = tuple(step if isinstance(step, str) else "*" for step in path)
    return any(matches(pattern, steps[:end]) for pattern in KINDS[kind].volatile for end in range(1, len(steps) + 1))


def _changed(value: Json) -> Json:
    """A value that means something else."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return value + 3
    return f"changed-{value}" if isinstance(value, str) and value else None


def _one_place(paths: list[tuple[str, ...]]) -> bool:
    """One difference; or one item of a list instead of another, where its name was changed."""
    return len(paths) == 1 or (len(paths) == 2 and paths[0][:-1] == paths[1][:-1])
