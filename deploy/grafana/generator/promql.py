"""The queries' building blocks.

Several copies of the auditor may run, and each exports what the store knows: a store gauge is taken once, by `max`.
Counters and histograms are of one process each, and are added up. Both drop `instance`, so a panel shows no copy twice.
"""

from __future__ import annotations

from dataclasses import dataclass

PAIR = "left, right"
ENVIRONMENT = 'environment=~"$environment"'
# A regressed finding is an open one that had been gone.
OPEN = 'status=~"open|regressed"'
SERIOUS = 'severity=~"critical|high"'


@dataclass(frozen=True, slots=True)
class Pairs:
    """Which pairs a dashboard looks at: a label selector, and the queries that need it."""

    selector: str

    def gauge(self, metric: str, *more: str, by: str = PAIR) -> str:
        """A store gauge, once for each value of `by`."""
        return gauge(metric, self.selector, *more, by=by)

    def findings(self, *more: str, by: str = PAIR) -> str:
        """How many findings that are not resolved, added up by `by`."""
        each = gauge("parity_findings", self.selector, *more, by="left, right, category, severity, status")
        return f"sum by ({by}) ({each})"

    def counted(self, counts: str) -> str:
        """`counts` by pair, and 0 for an audited pair that has none: no number at all is for what nobody has audited."""
        return f"{counts} or 0 * {self.coverage()}"

    def score(self, category: str = "all") -> str:
        return self.gauge("parity_score_ratio", f'category="{category}"')

    def coverage(self) -> str:
        return self.gauge("parity_coverage_ratio")

    def complete(self) -> str:
        """The pairs whose last audit observed everything: the coverage is rounded down, so 1 is all of it."""
        return f"{self.coverage()} >= 1"

    def incomplete(self) -> str:
        return f"{self.coverage()} < 1"


CHOSEN_PAIRS = Pairs('left=~"$left", right=~"$right"')
ONE_PAIR = Pairs('left="$left", right="$right"')


def gauge(metric: str, *selectors: str, by: str) -> str:
    """What the store knows, once, however many copies export it."""
    return f"max by ({by}) ({metric}{_braces(selectors)})"


def counter(metric: str, *selectors: str, by: str, over: str = "$__rate_interval", function: str = "increase") -> str:
    """What all copies counted, together."""
    counted = f"{function}({metric}{_braces(selectors)}[{over}])"
    return f"sum by ({by}) ({counted})" if by else f"sum({counted})"


def quantile(share: float, metric: str, *selectors: str, by: str = "", over: str = "$__rate_interval") -> str:
    """The value under which `share` of a histogram's observations lie."""
    labels = f"le, {by}" if by else "le"
    return f"histogram_quantile({share}, {counter(f'{metric}_bucket', *selectors, by=labels, over=over)})"


def down(share: str) -> str:
    """Rounded down to a tenth of a percent, so that 100 % means all of it."""
    return f"floor(({share}) * 1000) / 1000"


def age(timestamp: str) -> str:
    return f"time() - {timestamp}"


def how_many(series: str) -> str:
    """The number of series, and 0 where there is none."""
    return f"count({series}) or vector(0)"


def ours(metric: str) -> str:
    """A metric that every Python process exports, of the auditor's own processes only."""
    return f"{metric} and on (instance, job) parity_build_info"


def _braces(selectors: tuple[str, ...]) -> str:
    return "{" + ", ".join(selectors) + "}" if selectors else ""
