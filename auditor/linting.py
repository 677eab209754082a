"""Gathers what `audit policy lint` looks at: policies, waivers, and what the store holds, as far as there is one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from auditor.errors import AuditorError, ConfigError
from auditor.explaining import staged
from auditor.model import Status
from auditor.policy import available, load_policy
from auditor.policy_hits import Hits, count
from auditor.policy_lint import Known, Level, Remark, lint, lint_hits
from auditor.promotion import COMPONENT
from auditor.realms import names_of
from auditor.rules import NON_PRODUCTION
from auditor.sides import is_meant
from auditor.waiver_file import waivers_of
from auditor.waiver_lint import lint_waivers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import datetime

    from auditor.config import Config
    from auditor.explain import Scenery
    from auditor.pipeline import Tools
    from auditor.registry import Registry
    from auditor.rules import Policy
    from auditor.waivers import Waiver

_ORDER = list(Level)
_FOLLOWING = frozenset({"kind-never-seen", "kind-not-observed", "path-never-seen", "never-decides", "waiver-unmatched"})


@dataclass(frozen=True, slots=True)
class Observed:
    """The hits of one list of policies over the pairs that it judges. `rules` says which are of the linted packs."""

    policies: tuple[str, ...]
    pairs: tuple[str, ...]
    hits: Mapping[str, Hits]
    rules: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Linted:
    """What was noticed, the gravest first; what was observed; and what could not be looked at, and why."""

    packs: tuple[str, ...]
    remarks: tuple[Remark, ...]
    observed: tuple[Observed, ...]
    limits: tuple[str, ...]

    @property
    def failed(self) -> bool:
        return any(remark.level is Level.ERROR for remark in self.remarks)


def known_kinds(registry: Registry) -> tuple[str, ...]:
    """The names of all kinds that there can be."""
    return (*(kind.name for kind in registry.kinds()), COMPONENT.name)


def meanings(policy: Policy, config: Config) -> dict[str, bool]:
    """Of each environment that a rule names, whether the configuration has one that is meant."""
    wanted = {rule.environment for rule in policy.rules if rule.environment and rule.environment != NON_PRODUCTION}
    wanted |= {str(rule.expect.argument) for rule in policy.rules if rule.expect.name == "no_reference_to"}
    names = [names_of(config, environment) for environment in config.environments]
    return {name: any(is_meant(name, each) for each in names) for name in wanted}


class Linter:
    """One run. `config` is None where there is no configuration: then only packs that ship can be looked at."""

    def __init__(self, config: Config | None, registry: Registry, now: datetime) -> None:
        self._config, self._registry, self._now = config, registry, now
        self._places = config.policies if config else ()
        self._remarks: dict[Remark, None] = {}
        self._limits: dict[str, None] = {}
        self._observed: list[Observed] = []
        self._loaded: dict[tuple[str, ...], Policy | None] = {}
        self._kinds = known_kinds(registry)

    def run(self, names: Sequence[str], tools: Tools | None, why_not: str = "") -> Linted:
        """Lint the packs called `names`, by default the ones that do not ship. `tools` are None without a store: `why_not`."""
        mine = tuple(names) or self._own()
        for name in mine:
            policy = self._load((name,))
            if policy is not None:
                self._add(
                    lint(policy, Known(self._kinds, meanings(policy, self._config) if self._config else {}), (name,))
                )
        if self._config is None:
            self._limit("no configuration: only what follows from the rules themselves is told")
        else:
            self._observe(self._config, mine, bool(names), tools, why_not)
            self._waivers(self._config, tools)
        certain = {(one.file, one.line) for one in self._remarks if one.level is Level.ERROR}
        # What can never happen need not be told to have not happened.
        told = [one for one in self._remarks if one.code not in _FOLLOWING or (one.file, one.line) not in certain]
        remarks = sorted(told, key=lambda one: (_ORDER.index(one.level), one.file, one.line, one.code))
        return Linted(mine, tuple(remarks), tuple(self._observed), tuple(self._limits))

    def _own(self) -> tuple[str, ...]:
        try:
            packs = available(self._places)
        except ConfigError as error:
            self._problems(error)
            return ()
        own = tuple(pack.name for pack in packs if not pack.shipped)
        if not own:
            self._limit("there are no policies of your own; name one that ships to look at it")
        return own

    def _load(self, names: tuple[str, ...]) -> Policy | None:
        if names not in self._loaded:
            try:
                self._loaded[names] = load_policy(names, self._places)
            except ConfigError as error:
                self._problems(error)
                self._loaded[names] = None
        return self._loaded[names]

    def _observe(self, config: Config, mine: tuple[str, ...], named: bool, tools: Tools | None, why_not: str) -> None:
        if not config.pairs:
            self._limit("the configuration names no pairs: nothing was observed to count hits in")
        elif tools is None:
            self._limit(why_not)
        else:
            groups: dict[tuple[str, ...], list[int]] = {}
            for index, pair in enumerate(config.pairs):
                groups.setdefault(mine if named else pair.policies, []).append(index)
            for names, pairs in groups.items():
                policy = self._load(names)
                if policy is not None:
                    self._count(config, policy, pairs, mine, tools)

    def _count(self, config: Config, policy: Policy, pairs: Sequence[int], mine: tuple[str, ...], tools: Tools) -> None:
        sceneries: list[Scenery] = []
        seen: list[str] = []
        hidden: set[str] = set()
        for pair in (config.pairs[index] for index in pairs):
            try:
                found = staged(config, pair, tools, self._now, policy)
            except AuditorError as error:
                self._limit(f"{pair.left}/{pair.right}: {error}")
                continue
            sceneries.append(found.scenery)
            seen.append(f"{pair.left}/{pair.right}")
            gaps = found.left.gaps + found.right.gaps
            hidden.update(gap.kind for gap in gaps)
            if gaps:
                self._limit(f"{pair.left}/{pair.right} was not observed completely: its counts are too low")
        if not sceneries:
            return
        hits, sights = count(policy, sceneries)
        self._add(lint_hits(policy, hits, sights, mine, hidden))
        own = tuple(rule.name for rule in policy.rules if rule.policy in mine)
        self._observed.append(Observed(policy.names, tuple(seen), hits, own))

    def _waivers(self, config: Config, tools: Tools | None) -> None:
        try:
            written = waivers_of(config, self._now).waivers
        except ConfigError as error:
            self._problems(error)
            written = ()
        policies = [self._load(pair.policies) for pair in config.pairs]
        rules = None
        if policies and all(policies):
            rules = {rule.name for policy in policies if policy for rule in policy.rules} | {"built-in/unclassified"}
        made: tuple[Waiver, ...] = ()
        breaches = None
        if tools is not None:
            made = tools.store.waivers()
            unresolved = [status for status in Status if status is not Status.RESOLVED]
            breaches = [stored.breach for stored in tools.store.findings(status=unresolved)]
        elif written:
            self._limit("whether waivers cover anything is not known without a store")
        self._add(lint_waivers(written, made, breaches, rules, self._kinds, self._now))

    def _problems(self, error: ConfigError) -> None:
        for problem in error.problems:
            message = f"{problem.key}: {problem.message}" if problem.key else problem.message
            self._add([Remark(Level.ERROR, "invalid", problem.file, problem.line or 0, "", message, problem.remedy)])

    def _add(self, remarks: Iterable[Remark]) -> None:
        self._remarks.update(dict.fromkeys(remarks))

    def _limit(self, text: str) -> None:
        self._limits[text] = None


def missing_store(url: str, exists: Callable[[Path], bool] = Path.exists) -> str:
    """Why there is nothing in a store that was never opened, empty where there may be: a lint makes no database."""
    scheme, _, rest = url.partition(":///")
    file = rest.partition("?")[0]
    if scheme.startswith("sqlite") and file and not file.startswith((":memory:", "file:")) and not exists(Path(file)):
        return "there is no store yet: hits are counted once `audit now` has run"
    return ""
