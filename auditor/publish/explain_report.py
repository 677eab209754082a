"""What `audit explain` prints beside the finding itself: the rule's text, the chain of rules at the place, the pairing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from auditor.chain import Link, Part
from auditor.explain import Explanation, State, Told
from auditor.model import ABSENT
from auditor.publish.gap_groups import gap_groups
from auditor.publish.grid import DEFAULT_WIDTH, Page
from auditor.publish.json_report import gap_object, shown_object
from auditor.publish.spelling import brief, clean, iso, method_text, middle, path_text, percent, plain, sentence, spell
from auditor.waivers import moment

if TYPE_CHECKING:
    from collections.abc import Sequence

    from auditor.model import Finding, Snapshot
    from auditor.publish.view import Event
    from auditor.waivers import Waiver

_LONG = 2_000
_WORDS = {
    Part.DECIDES: "DECIDES",
    Part.FAILS: "FAILS",
    Part.PASSES: "passes",
    Part.OVERRIDDEN: "overridden",
    Part.CONDITION: "not here",
    Part.TYPE: "not here",
    Part.ENVIRONMENT: "not here",
    Part.SILENT: "not here",
    Part.IGNORED: "ignored",
    Part.DIFFERS: "as above",
}
_LOUD = frozenset({Part.DECIDES, Part.FAILS})
_FOLDED = {
    Part.PASSES: "their expectations are met",
    Part.TYPE: "they are about values of other types",
    Part.DIFFERS: "the two differ, so these are asked about the difference",
}
_REASON = 240


def appendix(
    explained: Sequence[Explanation],
    environments: tuple[str, str],
    rule_text: str | None,
    waiver: Waiver | None,
    *,
    notes: Sequence[str],
    width: int | None,
    color: bool,
) -> str:
    """What follows the explanation of a finding."""
    page = Page(width or DEFAULT_WIDTH, color)
    if waiver is not None:
        until = f"until {moment(waiver.expires_at)} by {brief(waiver.owner)} ({brief(waiver.origin)})"
        page.fact("Waived", sentence(f"{until}: {waiver.reason}"))
    for note in notes:
        page.fact("Note", sentence(note))
    if rule_text:
        page.blank()
        page.rule("THE RULE", style="bold")
        for line in rule_text.splitlines():
            page.place("", clean(line))
    for one in explained:
        page.blank()
        page.rule("THE RULES OF THIS PLACE, THE LATEST FIRST, AS THEY ARE NOW", style="bold")
        _sides(page, one, environments)
        _chains(page, one)
    return page.text()


def place_text(
    explained: Sequence[Explanation],
    finding: Finding | None,
    snapshots: tuple[Snapshot, Snapshot],
    *,
    width: int | None,
    color: bool,
) -> str:
    """Why a place is reported, or is not (`audit explain LEFT RIGHT --at …`)."""
    page = Page(width or DEFAULT_WIDTH, color)
    environments = tuple(brief(snapshot.environment) for snapshot in snapshots)
    for number, one in enumerate(explained):
        if number:
            page.blank()
        page.line(f"{brief(one.identity)}  {brief(one.kind)}".rstrip(), style="bold")
        page.line(path_text(one.path) or "the resource itself")
        page.blank()
        page.fact("Verdict", verdict(one, finding if len(explained) == 1 else None))
        page.fact("Because", sentence(one.about[:1].upper() + one.about[1:]))
        _sides(page, one, environments)
        for group in gap_groups(one.gaps) if one.gaps else ():
            page.fact("Not seen", sentence(" ".join((f"{group.environment}:", group.reason.value, *group.details))))
        if one.guesses:
            page.fact("Perhaps", ", ".join(brief(guess) for guess in one.guesses))
        if one.comparing or one.checking:
            page.blank()
            page.rule("THE RULES OF THIS PLACE, THE LATEST FIRST", style="bold")
        _chains(page, one)
    page.blank()
    seen = " and ".join(f"{brief(s.environment)} as of {moment(s.taken_at)}" for s in snapshots)
    page.line(f"Seen: {seen}.", style="dim")
    return page.text()


def verdict(one: Explanation, finding: Finding | None = None) -> str:
    """A sentence: whether it is a finding, and by which rule."""
    by = next((link for link in (*one.checking, *one.comparing) if link.part in _LOUD and link.met is False), None)
    decided = next((link for link in one.comparing if link.part is Part.DECIDES), None)
    if by is not None:
        text = f"a finding of {by.rule.severity.value} severity, by {by.rule.name}"
        if finding is not None:
            text += f": {finding.status.value}, {finding.breach.fingerprint[:8]}"
        elif by.rule.tolerated_for:
            text += ", once it has lasted for as long as the rule tolerates"
        return text
    if decided is not None:
        return f"no finding: {decided.rule.name} covers the difference, and {decided.why}"
    if one.state in (State.UNKNOWN, State.NOWHERE):
        return "no finding: nothing is known of it"
    asked = sum(1 for link in one.checking if link.part is Part.PASSES)
    return "no finding: nothing differs" + (f", and {asked} checks of its values pass" if asked > 1 else "")


def explained_object(
    finding: Finding,
    events: Sequence[Event],
    waiver: Waiver | None,
    unmoved: str,
    rule_text: str | None,
    explained: Sequence[Explanation],
    notes: Sequence[str],
) -> dict[str, Any]:
    """Why there is a finding, for machines: what is known of it, the text of its rule, and its place as judged now."""
    return {
        **shown_object(finding, events, waiver, unmoved),
        "rule_text": rule_text,
        "explained": [explanation_object(one) for one in explained],
        "notes": list(notes),
    }


def explanation_object(one: Explanation) -> dict[str, Any]:
    """One explanation for machines."""
    pairing = one.pairing
    return {
        "kind": one.kind,
        "resource": one.identity,
        "path": list(one.path),
        "state": one.state.value,
        "finding": one.finding,
        "verdict": verdict(one),
        "about": one.about,
        "paired": pairing
        and {
            "left": pairing.left,
            "right": pairing.right,
            "by": pairing.method.value,
            "confidence": pairing.confidence,
            "compared": list(pairing.compared),
        },
        "left": _told_object(one.left),
        "right": _told_object(one.right),
        "comparing": [_link_object(link) for link in one.comparing],
        "checking": [_link_object(link) for link in one.checking],
        "gaps": [gap_object(gap) for gap in one.gaps],
        "perhaps": list(one.guesses),
    }


def seen_object(snapshots: tuple[Snapshot, Snapshot]) -> list[dict[str, str]]:
    return [{"environment": one.environment, "snapshot": one.id, "taken_at": iso(one.taken_at)} for one in snapshots]


def _sides(page: Page, one: Explanation, environments: Sequence[str]) -> None:
    pairing = one.pairing
    if pairing is not None:
        how = method_text(pairing.method, pairing.confidence) or "equal once names are set aside"
        ours, theirs = (brief(name) for name in pairing.compared)
        compared = ours if ours == theirs else f"{ours} and {theirs}"
        page.fact("Paired", f"{brief(pairing.left)} and {brief(pairing.right)}: {how}; compared as {compared}")
        if pairing.confidence < 1:
            page.fact("", f"confidence {percent(pairing.confidence)}")
    if one.left is None or one.right is None or not one.path:
        return
    for name, told in zip(environments, (one.left, one.right), strict=True):
        page.fact(middle(brief(name), 10), _told(told))


def _told(told: Told) -> str:
    text = middle(spell(told.raw), _LONG)
    shown = told.neutral if told.neutral != told.form else told.form
    if told.raw is ABSENT or str(shown) == str(told.raw):
        return text
    return f"{text}, compared as {middle(spell(shown), _LONG)}"


def _chains(page: Page, one: Explanation) -> None:
    """Rule by rule, but for those of which there is no more to say than their names."""
    for title, links in (("of the difference", one.comparing), ("of each value", one.checking)):
        if links:
            page.line(title, style="dim")
        for link in links:
            if link.part not in _FOLDED:
                _link(page, link)
        for part, words in _FOLDED.items():
            names = [brief(link.rule.name) for link in links if link.part is part]
            if names:
                page.line(f"{words}: {', '.join(names)}", lead=f"{_WORDS[part]:<11}", style="dim")


def _link(page: Page, link: Link) -> None:
    loud = link.part in _LOUD
    severity = f" ({link.rule.severity.value})" if loud and link.met is False else ""
    text = f"{brief(link.rule.name)}{severity}: {brief(link.why, _REASON)}"
    page.line(text, lead=f"{_WORDS[link.part]:<11}", style="bold" if loud else "")
    if loud and link.rule.line:
        page.place("", f"{clean(link.rule.file)}:{link.rule.line}")


def _told_object(told: Told | None) -> dict[str, Any] | None:
    if told is None:
        return None
    found: dict[str, Any] = {"identity": told.identity}
    if told.raw is not ABSENT:
        found |= {"value": plain(told.raw), "normal_form": plain(told.form), "names_set_aside": plain(told.neutral)}
    return found


def _link_object(link: Link) -> dict[str, Any]:
    return {
        "rule": link.rule.name,
        "file": link.rule.file,
        "line": link.rule.line,
        "severity": link.rule.severity.value,
        "part": link.part.value,
        "met": link.met,
        "why": link.why,
    }
