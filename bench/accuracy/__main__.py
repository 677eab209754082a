"""Audit with the product as it ships and lay the findings against what should be found.

    python -m bench.accuracy [--pairs FOLDER] [--report docs/accuracy.md] [--show PAIR]
    python -m bench.accuracy --companies 200 --first-seed 1000 [--jobs 2] [--report docs/accuracy.md]
    python -m bench.accuracy --show SEED

FOLDER holds one folder per real pair with `staging/` and `prod/` in it. Pairs without expectations are listed by counts
only. Exits 1 when recall is below 90 % or more than one finding in ten is a false alarm. With `--companies`, as many
generated ones are measured instead; exits 1 when recall is below 99 %, precision below 97 %, pairing below 99 %, or
identical environments give a finding. With a number, `--show` tells what one seed's audit got wrong.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import yaml

from auditor.config import load_config
from auditor.model import Audit, Finding, Severity
from auditor.pipeline import Tools, audit_now
from auditor.redact import Redactor
from auditor.registry import Registry
from auditor.store import Store
from bench.accuracy.companies.run import explain, run, section

HERE = Path(__file__).parent
LEAST_RECALL = 0.9
MOST_FALSE = 0.1


@dataclass(frozen=True)
class Result:
    """One pair. `flagged` holds every expectation with the findings that meet it."""

    pair: str
    audit: Audit
    flagged: tuple[tuple[dict[str, Any], tuple[Finding, ...]], ...]
    fair: tuple[Finding, ...]
    false: tuple[Finding, ...]

    @property
    def hits(self) -> int:
        return sum(1 for _, findings in self.flagged if findings)

    @property
    def misses(self) -> list[dict[str, Any]]:
        return [expectation for expectation, findings in self.flagged if not findings]

    @property
    def counted(self) -> int:
        return sum(1 for finding in self.audit.findings if finding.breach.severity is not Severity.INFO)


def place(finding: Finding) -> str:
    """`kind identity path`, as the expectations spell it."""
    breach = finding.breach
    return f"{breach.kind} {breach.identity} {'.'.join(breach.path)}".rstrip()


def audit_pair(folder: Path) -> Audit:
    """The audit of one pair under the default policy, with a fresh store."""
    with tempfile.TemporaryDirectory() as scratch:
        config_file = Path(scratch) / "auditor.yaml"
        sources = {
            side: {"sources": [{"collector": "files", "path": str(folder / side)}]} for side in ("staging", "prod")
        }
        config_file.write_text(
            yaml.safe_dump({"environments": sources, "pairs": [{"left": "staging", "right": "prod"}]})
        )
        registry = Registry.load()
        config = load_config(config_file, registry=registry, environ={})
        with Store.open(f"sqlite:///{scratch}/auditor.db") as store:
            tools = Tools(registry, store, Redactor(b"accuracy of real pairs"), lambda: datetime.now(UTC))
            return audit_now(config, "staging", "prod", tools)


def judge_pair(name: str, audit: Audit, expected: dict[str, Any]) -> Result:
    """Which expectations are met, and which findings nobody asked for."""
    rest = list(audit.findings)
    flagged = []
    for expectation in expected.get("flag", []):
        met = tuple(f for f in audit.findings if _meets(f, expectation["find"]))
        flagged.append((expectation, met))
        rest = [finding for finding in rest if finding not in met]
    above = [finding for finding in rest if finding.breach.severity is not Severity.INFO]
    fair = [finding for finding in above if _meets(finding, expected.get("fair", []))]
    legit = [finding for finding in fair if _meets(finding, expected.get("legit", []))]
    fair = [finding for finding in fair if finding not in legit]
    return Result(name, audit, tuple(flagged), tuple(fair), tuple(f for f in above if f not in fair))


def _meets(finding: Finding, patterns: list[str]) -> bool:
    return any(fnmatchcase(place(finding), pattern) for pattern in patterns)


def report(results: list[Result], others: list[tuple[str, Audit]]) -> str:
    """The page docs/accuracy.md."""
    hits, asked = sum(r.hits for r in results), sum(len(r.flagged) for r in results)
    false, counted = sum(len(r.false) for r in results), sum(r.counted for r in results)
    lines = [
        "# Accuracy",
        "",
        "## On real pairs",
        "",
        "Made by `make accuracy`: every pair is audited by the product as it ships (default policy, no aliases, no waivers)",
        "and laid against what a careful engineer flags there and calls legitimate. A *false alarm* is a finding above",
        "`info` that nobody asked for and that is not right to say either; what counts as what is in",
        "`bench/accuracy/expectations.yaml`.",
        "",
        (
            f"**Found {hits} of {asked} ({hits / max(asked, 1):.0%}); {false} false alarms in {counted} findings above info "
            f"({false / max(counted, 1):.0%}).**"
        ),
        "",
        "| pair | expected | found | missed | findings above info | not asked for, but fair | false alarms | info |",
        "|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for r in results:
        info = sum(1 for f in r.audit.findings if f.breach.severity is Severity.INFO)
        lines.append(
            f"| {r.pair} | {len(r.flagged)} | {r.hits} | {len(r.misses)} | {r.counted} | {len(r.fair)} | {len(r.false)} | {info} |"
        )
    lines += ["", "### Still missed", ""]
    missed = [f"- {r.pair}: {m['what']} ({m['severity']})" for r in results for m in r.misses]
    lines += missed or ["Nothing."]
    lines += ["", "### False alarms", ""]
    alarms = [
        f"- {r.pair}: `{place(f)}` ({f.breach.severity.value}, {f.breach.rule.id})" for r in results for f in r.false
    ]
    lines += alarms or ["None."]
    lines += ["", "### Another severity than expected", ""]
    off = [
        f"- {r.pair}: {e['what']}: expected {e['severity']}, said {worst.value}"
        for r in results
        for e, findings in r.flagged
        if findings
        and abs(
            (worst := max((f.breach.severity for f in findings), key=lambda s: s.rank)).rank
            - Severity(e["severity"]).rank
        )
        > 1
    ]
    lines += off or ["None by more than one step."]
    if others:
        lines += [
            "",
            "### Pairs without expectations",
            "",
            "| pair | resources matched | findings above info | info |",
            "|---|---:|---:|---:|",
        ]
        for name, audit in others:
            above = sum(1 for f in audit.findings if f.breach.severity is not Severity.INFO)
            lines.append(f"| {name} | {audit.coverage.matched} | {above} | {len(audit.findings) - above} |")
    return "\n".join(lines) + "\n\n" + (HERE / "unseen.md").read_text() + "\n" + section()


def show(audit: Audit) -> str:
    """Every finding on a line, for reading one by one."""
    return "\n".join(
        f"{f.breach.severity.value:8} {f.breach.rule.id:36} {place(f)}\n"
        f"         {str(f.breach.left.value)[:110]!r} | {str(f.breach.right.value)[:110]!r}"
        + (f"\n         cause: {f.breach.cause}" if f.breach.cause else "")
        for f in audit.findings
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--pairs", type=Path, default=HERE.parents[1] / ".." / "shared" / "realpairs")
    parser.add_argument("--report", type=Path)
    parser.add_argument("--show", action="append", default=[])
    parser.add_argument("--companies", type=int, default=0, help="how many generated companies to measure")
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes to measure companies in")
    arguments = parser.parse_args()
    if arguments.companies > 0:
        seeds = range(arguments.first_seed, arguments.first_seed + arguments.companies)
        return run(seeds, arguments.report, arguments.jobs)
    if arguments.show and all(name.isdigit() for name in arguments.show):
        for name in arguments.show:
            explain(int(name))
        return 0
    if not arguments.pairs.is_dir():
        print(f"no real pairs in {arguments.pairs}: give their folder with --pairs", file=sys.stderr)
        return 2
    expectations = yaml.safe_load((HERE / "expectations.yaml").read_text())
    results: list[Result] = []
    others: list[tuple[str, Audit]] = []
    for folder in sorted(path for path in arguments.pairs.resolve().iterdir() if (path / "staging").is_dir()):
        audit = audit_pair(folder)
        if folder.name in arguments.show:
            print(f"== {folder.name}: score {audit.score} coverage {audit.coverage.ratio}\n{show(audit)}")
            for gap in audit.gaps:
                print("  GAP", gap)
        if folder.name in expectations:
            results.append(judge_pair(folder.name, audit, expectations[folder.name]))
        else:
            others.append((folder.name, audit))
    page = report(results, others)
    if arguments.report:
        arguments.report.write_text(page)
    print(page)
    hits, asked = sum(r.hits for r in results), sum(len(r.flagged) for r in results)
    false, counted = sum(len(r.false) for r in results), sum(r.counted for r in results)
    return 0 if hits >= LEAST_RECALL * asked and false <= MOST_FALSE * counted else 1


if __name__ == "__main__":
    sys.exit(main())
