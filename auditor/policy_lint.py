"""What is wrong with a policy that can be read: rules that never match or never decide, and keys without effect. Pure.

What follows from the rules alone is certain. What is told from observation says so: "never seen" in so many places.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from auditor.expect import Family
from auditor.glob_sets import kind_covers, kinds_meet, path_covers

if TYPE_CHECKING:
    from auditor.policy_hits import Hits, Sights
    from auditor.rules import Policy, Rule

_SPEAKS_ALWAYS = frozenset({"equal", "ignore", "both_or_neither"})


class Level(StrEnum):
    """ERROR fails the command; WARNING is most likely a mistake; INFO is worth knowing."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True, slots=True)
class Remark:
    """One thing that was noticed. `code` is stable; `rule` is `policy/id`, empty where it is about no rule."""

    level: Level
    code: str
    file: str
    line: int
    rule: str
    message: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Known:
    """What rules can be held against. `kinds` are names or globs; `environments` says which names mean any of them."""

    kinds: Collection[str]
    means_some: Mapping[str, bool]


def lint(policy: Policy, known: Known, mine: Collection[str]) -> Iterator[Remark]:
    """What the rules of the packs `mine` say wrong by themselves; other packs are looked at for what decides."""
    for index, rule in enumerate(policy.rules):
        if rule.policy not in mine:
            continue
        yield from _unknown(rule, known)
        yield from _without_effect(rule)
        yield from _shadowed(rule, policy.rules[index + 1 :])
        yield from _same_id(rule, policy.rules[index + 1 :])


def lint_hits(
    policy: Policy, hits: Mapping[str, Hits], sights: Sights, mine: Collection[str], hidden: Collection[str] = ()
) -> Iterator[Remark]:
    """What the latest snapshots say of the rules of the packs `mine`. `hidden` are globs of the kinds of which gaps hide
    some: what such a rule is about may be there, so it is not called never seen."""
    for rule in policy.rules:
        if rule.policy not in mine:
            continue
        found = hits[rule.name]
        unseen = not sights.has_kind(rule) or (bool(rule.paths) and not found.seen)
        if unseen and any(kinds_meet(glob, kind) for glob in rule.kinds or ("*",) for kind in hidden):
            message = "cannot tell: the last audit could not observe all resources of such a kind"
            yield _remark(Level.INFO, "kind-not-observed", rule, message, "see what `audit doctor` says to grant")
        elif not sights.has_kind(rule):
            message = "never seen: the last snapshots hold no resource of such a kind"
            yield _remark(Level.INFO, "kind-never-seen", rule, message, "nothing to do where it is yet to come")
        elif rule.paths and not found.seen:
            message = f"never seen: of {sights.count(rule)} places of these kinds, none has this path"
            yield _remark(Level.WARNING, "path-never-seen", rule, message, _near(rule, sights))
        elif found.matched and found.overridden == found.matched and rule.family is not Family.CHECK:
            places = "the one place" if found.matched == 1 else f"all {found.matched} places"
            by = ", ".join(sorted(found.overridden_by)[:3])
            message = f"never decides: of {places} that it speaks of, later rules decide ({by})"
            yield _remark(Level.WARNING, "never-decides", rule, message, "remove it, or move it down")


def always_speaks(rule: Rule) -> bool:
    """Whether the rule decides every difference that it matches, whatever the values and the environments."""
    return (
        rule.where is None
        and rule.environment is None
        and rule.family in (Family.COMPARE, Family.IGNORE)
        and rule.expect.name in _SPEAKS_ALWAYS
        and rule.expect.argument is None
    )


def covers(wide: Rule, narrow: Rule) -> bool:
    """Whether it is certain that `wide` matches every place that `narrow` does."""
    if bool(wide.paths) is not bool(narrow.paths):
        return False
    if wide.values and not (narrow.values and set(narrow.values) <= set(wide.values)):
        return False
    kinds = narrow.kinds or ("*",)
    if wide.kinds and not all(any(kind_covers(one, each) for one in wide.kinds) for each in kinds):
        return False
    return all(any(path_covers(one, each) for one in wide.paths) for each in narrow.paths)


def _unknown(rule: Rule, known: Known) -> Iterator[Remark]:
    for glob in rule.kinds:
        if not any(kinds_meet(glob, kind) for kind in known.kinds):
            level = Level.ERROR if len(rule.kinds) == 1 else Level.WARNING
            yield _remark(level, "unknown-kind", rule, f"no collector yields a kind `{glob}`", "see `audit collectors`")
    wanted = {"in": rule.environment} if rule.environment else {}
    if rule.expect.name == "no_reference_to":
        wanted["no_reference_to"] = str(rule.expect.argument)
    for key, name in wanted.items():
        if not known.means_some.get(name, True):
            remedy = "name an environment of the configuration, or a class of them"
            yield _remark(Level.WARNING, "unknown-environment", rule, f"`{key}: {name}` means no environment", remedy)


def _without_effect(rule: Rule) -> Iterator[Remark]:
    if rule.family is Family.IGNORE:
        keys = [key for key, set_ in (("for", bool(rule.tolerated_for)), ("escalate", bool(rule.escalation)), ("remediation", bool(rule.remediation))) if set_]  # fmt: skip
        if keys:
            message = f"{' and '.join(f'`{key}`' for key in keys)} {'has' if len(keys) == 1 else 'have'} no effect: `ignore` makes no finding"
            yield _remark(Level.WARNING, "no-effect", rule, message, "remove it")
    elif rule.family is Family.CHECK and rule.tolerated_for:
        message = "`for` tolerates what is wrong in itself, each time that it comes back"
        yield _remark(Level.INFO, "tolerant-check", rule, message, "leave `for` out where it matters at once")


def _shadowed(rule: Rule, later: Sequence[Rule]) -> Iterator[Remark]:
    """Rules that a later one decides for certain. Written in another pack, that is what overriding is for."""
    if rule.family in (Family.CHECK, Family.BOTH):
        shadows = [one for one in later if one.family is Family.IGNORE and always_speaks(one)]
    elif rule.family is Family.IGNORE:
        # What it ignores, no check before it looks at; a comparison that comes later does not change that.
        shadows = [one for one in later if one.family is Family.IGNORE and always_speaks(one)]
    else:
        shadows = [one for one in later if always_speaks(one)]
    by = next((one for one in shadows if covers(one, rule)), None)
    if by is None:
        return
    where = f"{by.name} ({by.file}:{by.line})"
    if by.policy == rule.policy:
        message = f"never decides: {where} comes later and decides every place that it matches"
        yield _remark(Level.ERROR, "shadowed", rule, message, "remove it, or move it below that rule")
    else:
        yield _remark(Level.INFO, "overridden", rule, f"is overridden as a whole by {where}", "")


def _same_id(rule: Rule, later: Sequence[Rule]) -> Iterator[Remark]:
    for one in later:
        if one.id == rule.id:
            message = f"shares its id with {one.name} ({one.file}:{one.line}): at one place, their findings are one"
            yield _remark(
                Level.INFO, "same-id", rule, message, "nothing to do where one is meant to override the other"
            )


def _near(rule: Rule, sights: Sights) -> str:
    close = sights.near(rule)
    return f"did you mean `{close}`?" if close else "see `audit explain LEFT RIGHT --at RESOURCE` for the places of one"


def _remark(level: Level, code: str, rule: Rule, message: str, remedy: str) -> Remark:
    return Remark(level, code, rule.file, rule.line, rule.name, message, remedy)
