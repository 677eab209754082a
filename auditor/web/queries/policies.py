"""Policies: which packs judge which pairs, what their rules say, how much each finds, and what they make of a place."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from auditor.errors import ConfigError, Problem
from auditor.expect import Family
from auditor.model import Severity
from auditor.policy import Pack, available, load_policy
from auditor.policy_examples import Outcome, run_examples
from auditor.policy_lint import always_speaks, covers
from auditor.policy_text import rule_lines
from auditor.store.query import FindingQuery
from auditor.yaml_source import nearest

if TYPE_CHECKING:
    from auditor.config import Config
    from auditor.life import StoredFinding
    from auditor.rules import Policy, Rule
    from auditor.web.backend import Backend, Loaded

_MOST_FINDINGS = 20
_YAML = (".yaml", ".yml")

PairName = tuple[str, str]
Stamp = tuple[tuple[str, int, int], ...]


@dataclass(frozen=True, slots=True)
class PackLine:
    """A pack as a list shows it. `pairs` are judged by it, whether named or by way of another; `findings` are not
    resolved; `silent` counts its rules that make none."""

    pack: Pack
    rules: int
    pairs: tuple[PairName, ...]
    findings: int
    silent: int


@dataclass(frozen=True, slots=True)
class PackList:
    """All packs, one's own first. `problems` say what is wrong with files: what was read of them before is in force."""

    used: tuple[PackLine, ...]
    others: tuple[PackLine, ...]
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RuleLine:
    """A rule with what it makes. `overridden` names a rule that decides every place of it, None where none does."""

    rule: Rule
    findings: int
    overridden: Rule | None

    @property
    def expects(self) -> str:
        return expectation(self.rule)


@dataclass(frozen=True, slots=True)
class PackPage:
    """One pack: `rules` are those that were asked for, of `all_rules`."""

    line: PackLine
    rules: tuple[RuleLine, ...]
    kinds: tuple[str, ...]
    policy: Policy


@dataclass(frozen=True, slots=True)
class RulePage:
    """One rule. `lines` are its text, None where its file cannot be read; `findings` the first of those that it makes.

    `later` are rules that may decide in its place, each with the pairs where that is so; `whole` whether for certain."""

    rule: Rule
    lines: tuple[tuple[int, str], ...] | None
    outcomes: tuple[Outcome, ...]
    findings: tuple[StoredFinding, ...]
    total: int
    later: tuple[Later, ...]
    pairs: tuple[PairName, ...]

    @property
    def expects(self) -> str:
        return expectation(self.rule)


@dataclass(frozen=True, slots=True)
class Later:
    """A rule that comes later in the policy of `pairs`, and covers all of a rule's places (`whole`) or lies within them."""

    rule: Rule
    whole: bool
    pairs: tuple[PairName, ...]


@dataclass(frozen=True, slots=True)
class RuleFilter:
    """Which rules of a pack: with all these words, about this kind, of these severities; `silent`: that find nothing."""

    text: str = ""
    kind: str = ""
    severities: frozenset[Severity] = frozenset()
    silent: bool = False

    def fits(self, line: RuleLine) -> bool:
        rule = line.rule
        # What ignores finds nothing, so it has neither severity nor findings.
        ignores = rule.family is Family.IGNORE
        if self.severities and (ignores or rule.severity not in self.severities):
            return False
        if self.kind and not rule.is_about_kind(self.kind):
            return False
        if self.silent and (ignores or line.findings):
            return False
        said = " ".join(
            (rule.id, rule.about, rule.remediation, *rule.kinds, *(glob.text for glob in rule.paths))
        ).lower()
        return all(word in said for word in self.text.lower().split())


def packs(ground: Backend, loaded: Loaded) -> PackList:
    """Every pack that can be named, those in use first."""
    shelf, problems = _shelf(loaded.config)
    used = _pairs_by_pack(loaded)
    known = {pack.name: pack for pack in shelf}
    rules = {name: _rules(loaded, name, used) for name in {*known, *used}}
    counts = ground.store.rule_counts([rule.name for found in rules.values() for rule in found])
    lines = [
        _line(known.get(name) or _pack_in_force(name, rules[name]), rules[name], used.get(name, ()), counts)
        for name in (*known, *(name for name in used if name not in known))
    ]
    named = {name for pair in loaded.config.pairs for name in pair.policies}
    ordered = sorted(lines, key=lambda line: (line.pack.shipped, line.pack.name not in named))
    return PackList(
        tuple(line for line in ordered if line.pairs), tuple(line for line in ordered if not line.pairs), problems
    )


def pack(ground: Backend, loaded: Loaded, name: str, wanted: RuleFilter) -> PackPage:
    """Raises ConfigError where there is no pack called so."""
    shelf, _ = _shelf(loaded.config)
    used = _pairs_by_pack(loaded)
    rules = _rules(loaded, name, used)
    found = next((one for one in shelf if one.name == name), None)
    if found is None and not rules:
        raise _unknown(name, loaded.config)
    counts = ground.store.rule_counts([rule.name for rule in rules])
    policy = _policy(loaded, name, used)
    shadows = _shadows(_Digested(policy))
    lines = tuple(RuleLine(rule, counts[rule.name], shadows.get(rule.name)) for rule in rules)
    return PackPage(
        line=_line(found or _pack_in_force(name, rules), rules, used.get(name, ()), counts),
        rules=tuple(line for line in lines if wanted.fits(line)),
        kinds=tuple(sorted({kind for rule in rules for kind in rule.kinds})),
        policy=policy,
    )


def rule(ground: Backend, loaded: Loaded, name: str, rule_id: str) -> RulePage:
    """Raises ConfigError where there is no such rule."""
    used = _pairs_by_pack(loaded)
    rules = _rules(loaded, name, used)
    found = next((one for one in rules if one.id == rule_id), None)
    if found is None:
        ids = [one.id for one in rules]
        guess = nearest(rule_id, ids)
        remedy = f"did you mean `{guess}`?" if guess else "the page of the policy lists its rules"
        raise ConfigError(
            [Problem("policies", None, None, rule_id, f"the policy {name} has no rule {rule_id}", remedy)]
        )
    page = ground.store.search(FindingQuery(rule=found.name), limit=_MOST_FINDINGS)
    return RulePage(
        rule=found,
        lines=rule_lines(found.file, found.line),
        outcomes=tuple(run_examples(_alone(loaded, name, used), [found])),
        findings=page.items,
        total=page.total or 0,
        later=tuple(_later(loaded, found, used.get(name, ()))),
        pairs=used.get(name, ()),
    )


def expectation(found: Rule) -> str:
    """What a rule expects, as its file says it: `same_minor`, `ratio: {"max": 1}`."""
    said = found.expect
    if said.argument is None:
        return said.name
    argument = said.argument if isinstance(said.argument, str) else json.dumps(said.argument, ensure_ascii=False)
    return f"{said.name}: {argument}"


def _line(pack: Pack, rules: tuple[Rule, ...], pairs: tuple[PairName, ...], counts: Mapping[str, int]) -> PackLine:
    # Rules that ignore can make none, so that they make none says nothing.
    speaking = [rule for rule in rules if rule.family is not Family.IGNORE]
    silent = sum(not counts[rule.name] for rule in speaking)
    return PackLine(pack, len(rules), pairs, sum(counts[rule.name] for rule in rules), silent)


def _pairs_by_pack(loaded: Loaded) -> dict[str, tuple[PairName, ...]]:
    """The pairs that each pack's rules judge, however they come to be in the pair's policy."""
    found: dict[str, dict[PairName, None]] = {}
    for pair in loaded.config.pairs:
        for name in dict.fromkeys((*pair.policies, *(rule.policy for rule in loaded.policy(pair).rules))):
            found.setdefault(name, {})[(pair.left, pair.right)] = None
    return {name: tuple(pairs) for name, pairs in found.items()}


def _policy(loaded: Loaded, name: str, used: Mapping[str, tuple[PairName, ...]]) -> Policy:
    """A policy that holds the pack: the one in force of a pair, else the pack by itself."""
    for left, right in used.get(name, ()):
        return loaded.policy(loaded.config.pair(left, right))
    return _read((name,), loaded.config.policies, _stamp(loaded.config))


def _alone(loaded: Loaded, name: str, used: Mapping[str, tuple[PairName, ...]]) -> Policy:
    """The pack by itself, as its examples are meant; what is in force where its file cannot be read any more."""
    try:
        return _read((name,), loaded.config.policies, _stamp(loaded.config))
    except ConfigError:
        return _policy(loaded, name, used)


def _rules(loaded: Loaded, name: str, used: Mapping[str, tuple[PairName, ...]]) -> tuple[Rule, ...]:
    try:
        policy = _policy(loaded, name, used)
    except ConfigError:
        return ()
    return tuple(rule for rule in policy.rules if rule.policy == name)


@dataclass(frozen=True, slots=True, eq=False)
class _Digested:
    """A policy that is equal to every other one that says the same."""

    policy: Policy

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Digested) and other.policy.digest == self.policy.digest

    def __hash__(self) -> int:
        return hash(self.policy.digest)


@lru_cache(maxsize=16)
def _shadows(digested: _Digested) -> Mapping[str, Rule]:
    """By the name of each rule the first later one that decides every place of it, where there is one."""
    rules = digested.policy.rules
    speaking = [(place, one) for place, one in enumerate(rules) if always_speaks(one)]
    found: dict[str, Rule] = {}
    for place, rule in enumerate(rules):
        later = (one for number, one in speaking if number > place)
        shadow = next((one for one in later if _overrides(one, rule) and covers(one, rule)), None)
        if shadow is not None:
            found[rule.name] = shadow
    return found


def _overrides(one: Rule, found: Rule) -> bool:
    """Whether `one`, which comes later, speaks instead of `found` wherever it matches."""
    return always_speaks(one) and (one.family is Family.IGNORE or found.family is Family.COMPARE)


def _later(loaded: Loaded, found: Rule, pairs: tuple[PairName, ...]) -> Iterator[Later]:
    seen: dict[str, tuple[Rule, bool, list[PairName]]] = {}
    for left, right in pairs:
        policy = loaded.policy(loaded.config.pair(left, right))
        names = [one.name for one in policy.rules]
        for one in policy.rules[names.index(found.name) + 1 :]:
            if one.name in seen:
                seen[one.name][2].append((left, right))
            elif _related(one, found) and (covers(one, found) or covers(found, one)):
                seen[one.name] = (one, _overrides(one, found) and covers(one, found), [(left, right)])
    for one, whole, where in seen.values():
        yield Later(one, whole, tuple(where))


def _related(one: Rule, found: Rule) -> bool:
    """Whether the two can be asked the same question: checks of different concerns stand side by side."""
    if one.family is Family.IGNORE:
        return True
    if Family.CHECK in (one.family, found.family):
        return one.family is found.family and one.concern == found.concern
    return True


def _pack_in_force(name: str, rules: tuple[Rule, ...]) -> Pack:
    """A pack that is in force while its file cannot be read, as far as its rules tell."""
    file = rules[0].file if rules else ""
    return Pack(name, "", file, (), len(rules), file.startswith("policies/"))


def _unknown(name: str, config: Config) -> ConfigError:
    shelf, _ = _shelf(config)
    known = [one.name for one in shelf]
    guess = nearest(name, known)
    remedy = f"did you mean `{guess}`?" if guess else f"known: {', '.join(known)}"
    return ConfigError([Problem("policies", None, None, name, f"there is no policy {name}", remedy)])


def _shelf(config: Config) -> tuple[tuple[Pack, ...], tuple[str, ...]]:
    """What can be named, and what is wrong with the files."""
    try:
        return _available(config.policies, _stamp(config)), ()
    except ConfigError as error:
        shipped = _available((), ())
        return shipped, tuple(f"{problem.file}: {problem.message}" for problem in error.problems)


def _stamp(config: Config) -> Stamp:
    """Another one whenever a policy file was written, came or went."""
    found: list[tuple[str, int, int]] = []
    for place in config.policies:
        files = [place] if place.is_file() else sorted(path for path in place.glob("*") if path.suffix in _YAML)
        for file in files:
            status = file.stat()
            found.append((str(file), status.st_mtime_ns, status.st_size))
    return tuple(found)


@lru_cache(maxsize=4)
def _available(places: tuple[Path, ...], stamp: Stamp) -> tuple[Pack, ...]:
    del stamp  # what is remembered holds while the files stay as they are
    return available(places)


@lru_cache(maxsize=32)
def _read(names: tuple[str, ...], places: tuple[Path, ...], stamp: Stamp) -> Policy:
    del stamp
    return load_policy(names, places)
