"""The figures of a measurement, as Markdown: how much was found, how much was right, and every miss."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

from auditor.model import Breach
from bench.accuracy.companies.measure import Outcome

LEAST_RECALL, LEAST_PRECISION, LEAST_PAIRING = 0.99, 0.97, 0.99


@dataclass(frozen=True)
class Figures:
    """What some outcomes add up to. Shares are 0 to 1, and 1 where there was nothing to get wrong."""

    companies: int
    resources: int
    planted: int
    missed: int
    right: int
    false: int
    pairable: int
    wrong: int

    @classmethod
    def of(cls, outcomes: Sequence[Outcome]) -> Figures:
        return cls(
            len(outcomes),
            sum(outcome.resources for outcome in outcomes),
            sum(len(outcome.labels) for outcome in outcomes),
            sum(len(outcome.missed) for outcome in outcomes),
            sum(outcome.right for outcome in outcomes),
            sum(len(outcome.false) for outcome in outcomes),
            sum(outcome.pairable for outcome in outcomes),
            sum(len(outcome.wrong) for outcome in outcomes),
        )

    @property
    def recall(self) -> float:
        return 1 - self.missed / self.planted if self.planted else 1.0

    @property
    def precision(self) -> float:
        return self.right / (self.right + self.false) if self.right + self.false else 1.0

    @property
    def pairing(self) -> float:
        return 1 - self.wrong / self.pairable if self.pairable else 1.0


def reached(drifted: Sequence[Outcome], identical: Sequence[Outcome]) -> bool:
    """Whether the measurement is as good as the product promises to be."""
    found = Figures.of(drifted)
    good = found.recall >= LEAST_RECALL and found.precision >= LEAST_PRECISION and found.pairing >= LEAST_PAIRING
    return good and not any(outcome.breaches for outcome in identical)


def headline(drifted: Sequence[Outcome], identical: Sequence[Outcome]) -> str:
    """The figures on one line."""
    found = Figures.of(drifted)
    noisy = sum(1 for outcome in identical if outcome.breaches)
    times = [outcome.seconds for outcome in drifted]
    return (
        f"**Recall {_share(found.recall)} ({found.planted - found.missed} of {found.planted} planted drifts), precision"
        f" {_share(found.precision)} ({found.false} false alarms beside {found.right} right findings), pairing"
        f" {_share(found.pairing)} ({found.wrong} wrong of {found.pairable}); {noisy} of {len(identical)} companies with"
        f" identical environments gave a finding. {found.companies} companies, {found.resources} resources; median"
        f" {median(times):.2f} s, longest {max(times):.2f} s from snapshots to findings.**"
    )


def tables(drifted: Sequence[Outcome], identical: Sequence[Outcome]) -> str:
    """Headline, both tables, and what went wrong, one by one."""
    lines = [headline(drifted, identical), "", *_by_drift(drifted), "", *_by_scheme(drifted, identical)]
    lines += ["", "### What was missed", "", *(_listed(_missed(drifted)) or ["Nothing."])]
    lines += ["", "### False alarms", "", *(_listed(_false(drifted)) or ["None."])]
    lines += ["", "### Wrong pairs", "", *(_listed(_wrong(drifted)) or ["None."])]
    lines += ["", "### Findings on identical environments", "", *(_listed(_on_identical(identical)) or ["None."])]
    return "\n".join(lines)


def show(outcome: Outcome, identical: Outcome) -> str:
    """What one seed's audit got wrong, for a person who mends it."""
    lines = [f"seed {outcome.seed}: {outcome.scheme}, {outcome.resources} resources, {len(outcome.labels)} drifts"]
    for title, found in (
        ("missed", _missed([outcome])),
        ("false alarms", _false([outcome])),
        ("wrong pairs", _wrong([outcome])),
        ("findings on identical environments", _on_identical([identical])),
    ):
        lines += [f"{title}:", *(f"  {line}" for line in found)] if found else [f"{title}: none"]
    return "\n".join(lines)


def _share(value: float) -> str:
    """Never rounded up to what was not reached."""
    return f"{int(value * 1000) / 10:.1f} %"


def _by_drift(outcomes: Sequence[Outcome]) -> list[str]:
    planted = Counter(label.drift for outcome in outcomes for label in outcome.labels)
    missed = Counter(label.drift for outcome in outcomes for label in outcome.missed)
    rows = [
        f"| {drift} | {count} | {count - missed[drift]} | {_share(1 - missed[drift] / count)} |"
        for drift, count in sorted(planted.items())
    ]
    return ["| drift | planted | found | recall |", "|---|---:|---:|---:|", *rows]


def _by_scheme(drifted: Sequence[Outcome], identical: Sequence[Outcome]) -> list[str]:
    schemes: dict[str, list[Outcome]] = defaultdict(list)
    for outcome in drifted:
        schemes[outcome.scheme].append(outcome)
    quiet = Counter(outcome.scheme for outcome in identical if not outcome.breaches)
    all_ = Counter(outcome.scheme for outcome in identical)
    rows = []
    for scheme, outcomes in sorted(schemes.items()):
        found = Figures.of(outcomes)
        rows.append(
            f"| {scheme} | {found.companies} | {_share(found.recall)} | {_share(found.precision)} |"
            f" {_share(found.pairing)} | {quiet[scheme]} of {all_[scheme]} |"
        )
    head = "| naming scheme | companies | recall | precision | pairing | quiet on identical environments |"
    return [head, "|---|---:|---:|---:|---:|---:|", *rows]


def _missed(outcomes: Sequence[Outcome]) -> list[str]:
    found = []
    for outcome in outcomes:
        for label in outcome.missed:
            said = sorted({breach.severity.value for breach in outcome.breaches if label.explains(breach)})
            why = f"said {', '.join(said)} where {label.least.value} is the least" if said else "not found"
            place = f"{label.kind} {label.left or label.right} {label.path}".rstrip()
            found.append(f"seed {outcome.seed} ({outcome.scheme}): {label.drift}, `{place}`: {label.about}; {why}")
    return found


def _false(outcomes: Sequence[Outcome]) -> list[str]:
    return [_breach(outcome, breach) for outcome in outcomes for breach in outcome.false]


def _on_identical(outcomes: Sequence[Outcome]) -> list[str]:
    return [_breach(outcome, breach) for outcome in outcomes for breach in outcome.breaches]


def _breach(outcome: Outcome, breach: Breach) -> str:
    place = f"{breach.kind} {breach.left.identity or breach.right.identity} {'.'.join(breach.path)}".rstrip()
    return f"seed {outcome.seed} ({outcome.scheme}): `{place}` ({breach.severity.value}, {breach.rule.id})"


def _wrong(outcomes: Sequence[Outcome]) -> list[str]:
    return [
        f"seed {outcome.seed} ({outcome.scheme}): `{kind}`: {what}"
        for outcome in outcomes
        for kind, what in outcome.wrong
    ]


def _listed(lines: Sequence[str], most: int = 60, wrap: Callable[[str], str] = "- {}".format) -> list[str]:
    rest = [f"- and {len(lines) - most} more"] if len(lines) > most else []
    return [*map(wrap, lines[:most]), *rest]
