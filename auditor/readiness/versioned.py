"""Is the configuration under version control? As the collector of files saw it in the work trees that it read from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from auditor.readiness.facts import counted, of_gaps, of_snapshot, resources, several
from auditor.readiness.model import Ask, Evidence, Item
from auditor.readiness.topics import is_configuration

if TYPE_CHECKING:
    from auditor.model import Json, Resource, Snapshot
    from auditor.readiness.facts import Facts

REPOSITORY = "files.repository"
# How the labels of sources of files begin.
_FILES = "files:"


def version_control(facts: Facts) -> Item:
    """`no` where a file that was read is not tracked or not as it was committed; `yes` where all of both sides' are."""
    ask = Ask(
        "version-control",
        "Is the environments' configuration under version control?",
        "files of both sides read from a git work tree, each of them tracked and as it was committed; no gap in them",
    )
    evidence: list[Evidence] = []
    loose: list[str] = []
    unknown: list[str] = []
    outside: list[str] = []
    for side in (facts.left, facts.right):
        known = {resource.source: resource for resource in resources(side, REPOSITORY)}
        sources = _sources(side)
        if not sources:
            unknown.append(f"no files of {side.environment} are read")
        for source in sorted(sources):
            if source not in known:
                outside.append(source.removeprefix(_FILES))
                continue
            told, wrong, open_question = _told(known[source])
            evidence.append(of_snapshot(side, told, seen=[known[source]]))
            loose += wrong
            unknown += open_question
    if loose:
        return ask.no(
            f"{'; '.join(loose)}.",
            *evidence,
            remedy="Commit what was changed; commit or remove what is not tracked (secrets belong into a secret store)",
        )
    if outside:
        unknown.append(f"not read from a git work tree: {several(outside)}")
    if unknown:
        return ask.not_observed(
            f"{_upper('; '.join(unknown[:2]))}.",
            *evidence,
            remedy="Read the files from a checkout of the repository, with git at hand, on both sides",
        )
    gaps = [gap for gap in facts.gaps(is_configuration) if gap.source.startswith(_FILES)]
    if gaps:
        return ask.not_observed(
            f"What was read is committed, but {counted(len(gaps), 'gap')} may hide something that is not.",
            *of_gaps(gaps),
            *evidence,
            remedy="Let the auditor read every file",
        )
    return ask.yes(f"Every file that was read is committed{_beyond(facts)}.", *evidence)


def _sources(side: Snapshot) -> set[str]:
    read = {listing.source for listing in side.listings} | {gap.source for gap in side.gaps}
    return {source for source in read if source.startswith(_FILES)}


def _told(resource: Resource) -> tuple[str, list[str], list[str]]:
    """What one work tree tells: in a sentence, what is wrong there, and what could not be asked."""
    place = resource.source.removeprefix(_FILES)
    why = resource.attributes.get("unknown")
    if why:
        return f"{place}: git does not tell ({why})", [], [f"git does not tell of {place}: {why}"]
    untracked, modified = (_names(resource.attributes.get(key)) for key in ("untracked", "modified"))
    commit, files = str(resource.attributes.get("commit", ""))[:12], int(resource.attributes.get("files", 0))
    state = "as committed" if not (untracked or modified) else "not as committed"
    wrong = []
    if untracked:
        wrong.append(f"not tracked: {several(f'{place}/{name}' for name in untracked)}")
    if modified:
        wrong.append(f"changed since the commit: {several(f'{place}/{name}' for name in modified)}")
    if not files and not wrong:
        return f"{place}: no file was read", [], [f"no file was read in {place}"]
    return f"{place}: {counted(files, 'file')} at commit {commit}, {state}", wrong, []


def _names(value: Json) -> list[str]:
    return [str(name) for name in value] if isinstance(value, list | tuple) else []


def _beyond(facts: Facts) -> str:
    """Settings that live elsewhere: no source tells from which repository they came."""
    number = sum(
        1
        for side in facts.sides
        for resource in side.resources
        if is_configuration(facts.kind(resource.kind)) and not resource.source.startswith(_FILES)
    )
    return (
        f"; of {counted(number, 'further resource')} that live in an account or a cluster no source tells"
        if number
        else ""
    )


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]
