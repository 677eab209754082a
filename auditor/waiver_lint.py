"""What is wrong with waivers that can be read: without effect, over, soon over, or about rules and kinds that are none. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from auditor.glob_sets import kinds_meet
from auditor.globs import kind_pattern
from auditor.policy_lint import Level, Remark
from auditor.waivers import Waiver, WaiverState, matched, moment, state

if TYPE_CHECKING:
    from auditor.model import Breach

_UNMATCHED = "remove it where it was mended; see `audit waivers`"


def lint_waivers(
    written: Sequence[Waiver],
    made: Iterable[Waiver],
    breaches: Sequence[Breach] | None,
    rules: Collection[str] | None,
    kinds: Collection[str],
    now: datetime,
) -> Iterator[Remark]:
    """Waivers of the file, and those that people made.

    `breaches` are of the unresolved findings, None where these are not known; `rules` the names (`policy/id`) of every
    rule that judges a pair, None where they could not be read.
    """
    in_force = (WaiverState.ACTIVE, WaiverState.EXPIRING)
    given = [(waiver, True) for waiver in written]
    given += [(waiver, False) for waiver in made if state(waiver, now) in in_force]
    found = matched([waiver for waiver, _ in given], breaches) if breaches is not None else {}
    for waiver, in_file in given:
        yield from _names(waiver, rules, kinds, in_file=in_file)
        level = Level.WARNING if in_file else Level.INFO
        match state(waiver, now):
            case WaiverState.EXPIRED:
                message = f"expired on {moment(waiver.expires_at)}: it has no effect"
                yield _remark(Level.WARNING, "waiver-expired", waiver, message, "remove it, or decide anew")
                continue
            case WaiverState.EXPIRING:
                message = f"expires on {moment(waiver.expires_at)}: what it covers is then open again"
                yield _remark(level, "waiver-expiring", waiver, message, f"ask {waiver.owner}")
        if breaches is not None and not found[waiver.id]:
            yield _remark(level, "waiver-unmatched", waiver, "covers no finding now", _UNMATCHED)


def _names(waiver: Waiver, rules: Collection[str] | None, kinds: Collection[str], *, in_file: bool) -> Iterator[Remark]:
    """A waiver about a rule or a kind that does not exist will never cover anything."""
    level = Level.ERROR if in_file else Level.WARNING
    if waiver.rule is not None and rules is not None:
        pattern = kind_pattern(waiver.rule)
        if not any(pattern.match(name) or pattern.match(name.partition("/")[2]) for name in rules):
            message = f"no rule of any pair is called `{waiver.rule}`: it can cover nothing"
            yield _remark(level, "waiver-unknown-rule", waiver, message, "copy the name from `audit show`")
    if waiver.kind is not None and not any(kinds_meet(waiver.kind, kind) for kind in kinds):
        message = f"no collector yields a kind `{waiver.kind}`: it can cover nothing"
        yield _remark(level, "waiver-unknown-kind", waiver, message, "see `audit collectors`")


def _remark(level: Level, code: str, waiver: Waiver, message: str, remedy: str) -> Remark:
    file, _, line = waiver.origin.rpartition(":")
    at = (file, int(line)) if file and line.isdecimal() else (waiver.origin, 0)
    return Remark(level, code, *at, "", f"the waiver of {waiver.owner} ({waiver.id}) {message}", remedy)
