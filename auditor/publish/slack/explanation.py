"""Why there are these findings: what a click on Explain shows, to whoever clicked only. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from auditor.life import StoredFinding
from auditor.model import Breach, Json
from auditor.publish.entries import counterpart, is_one_sided, shown_identity
from auditor.publish.slack import blocks
from auditor.publish.slack.blocks import Message
from auditor.publish.slack.entries import Look, finding_line, worst_first
from auditor.publish.spelling import brief, method_text, sentence, span

_MOST_RULES = 3
_MOST_OVERRODE = 5
_VALUE_ROOM = 160


def explain(findings: Sequence[StoredFinding], look: Look) -> Message:
    """The worst finding of each rule with the rule, its place, what it overrode, and how the two were paired."""
    by_rule: dict[tuple[str, str], StoredFinding] = {}
    for stored in worst_first(findings):
        by_rule.setdefault((stored.breach.rule.policy, stored.breach.rule.id), stored)
    rules = tuple(by_rule.values())
    return blocks.fitted(lambda most: _message(rules, len(findings), look, most), _MOST_RULES)


def _message(rules: Sequence[StoredFinding], number: int, look: Look, most: int) -> Message:
    body: list[Json] = []
    for stored in rules[:most]:
        body += [blocks.bullets([finding_line(stored, look, _VALUE_ROOM)]), blocks.line(*_why(stored.breach))]
    if len(rules) > most:
        body.append(blocks.line(blocks.text(f"and {len(rules) - most} more rules")))
    if number > len(rules[:most]):
        body.append(blocks.line(blocks.text(f"Of each rule the worst is shown; there are {number:,} findings.")))
    names = ", ".join(f"{brief(stored.breach.rule.policy, 60)}/{brief(stored.breach.rule.id, 60)}" for stored in rules)
    return Message(blocks.fallback(f"Found by {names or 'no rule'}"), (blocks.rich(body),))


def _why(breach: Breach) -> Iterator[Json]:
    rule = breach.rule
    yield blocks.text(f"{sentence(breach.message)}\n")
    yield blocks.bold("Rule  ")
    yield blocks.text(f"{brief(rule.policy, 80)}/{brief(rule.id, 80)}, in ")
    yield blocks.code(f"{brief(rule.file, 200)}:{rule.line}", 220)
    yield from _fact("Why", sentence(breach.about))
    yield from _fact("Overrode", _overrode(rule.overrode))
    yield from _fact("Paired", _pairing(breach))
    if breach.tolerated_for.total_seconds() > 0:
        yield from _fact("Tolerated", f"for {span(breach.tolerated_for)} from when it is first seen")
    yield from _fact("Finding", breach.fingerprint)


def _fact(name: str, said: str) -> Iterator[Json]:
    yield blocks.text("\n")
    yield blocks.bold(f"{name}  ")
    yield blocks.text(said)


def _overrode(rules: Sequence[str]) -> str:
    if not rules:
        return "no other rule matches here"
    more = f" and {len(rules) - _MOST_OVERRODE} more" if len(rules) > _MOST_OVERRODE else ""
    return ", ".join(brief(rule, 80) for rule in rules[:_MOST_OVERRODE]) + more


def _pairing(breach: Breach) -> str:
    if is_one_sided(breach):
        probably = counterpart(breach)
        return f"with nothing. {probably}, which proves nothing" if probably else "with nothing"
    left, right = (brief(side.identity or shown_identity(breach), 100) for side in (breach.left, breach.right))
    how = method_text(breach.matched_by, breach.confidence) or "the same identity, once names are set aside"
    return f"{left} and {right}: {how}"
