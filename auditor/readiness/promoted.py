"""Is what was tested what is promoted, and can it be taken back? As the two environments' histories tell."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from auditor.model import Category
from auditor.promotion import Deployment, Past, promotions
from auditor.readiness.facts import SHOWN, counted, of_findings, of_gaps, several
from auditor.readiness.model import Ask, Evidence, Item
from auditor.readiness.production import elsewhere
from auditor.readiness.topics import Topic, about
from auditor.versions import is_mutable_tag, parse_image, version_order

if TYPE_CHECKING:
    from collections.abc import Iterator

    from auditor.model import Finding, Kind
    from auditor.readiness.facts import Facts
    from auditor.versions import Image


def order(facts: Facts) -> Item:
    """`yes` where each version that the right side runs was seen in the left one first; `no` where one was not."""
    left, right = facts.pasts
    ask = Ask(
        "promotion-order",
        f"Is what runs in {right.environment} what was tested in {left.environment}, in that order?",
        f"a deployed version of each component of {right.environment}, seen in {left.environment} before it; "
        "no gap among deployments",
    )
    if not facts.promotes:
        return ask.not_applicable(f"Nothing is promoted from {left.environment} to {right.environment}.")
    moving = [finding for finding in facts.active() if _is_moving_tag(finding, facts)]
    unrehearsed = [found.message for found in promotions(left, right) if found.rehearsed is False]
    components = [component for component in sorted(right.components) if right.running(component)]
    steps = [step for component in components for step in _steps(component, left, right)]
    wrong = [step for step in steps if step.in_order is False]
    if unrehearsed or wrong:
        skipped = [*unrehearsed, *(_first_here(step, left, right) for step in wrong)]
        return ask.no(
            f"{counted(len(skipped), 'version')} went to {right.environment} without {left.environment} having run it first.",
            *(Evidence(text, right.environment) for text in skipped[:SHOWN]),
            remedy=f"Deploy to {left.environment} first, and promote what was tested there",
        )
    if moving:
        places = several(dict.fromkeys(finding.breach.identity for finding in moving))
        return ask.no(
            f"Deployed by a tag that moves, so nobody can say what was tested: {places}.",
            of_findings(f"{counted(len(moving), 'finding')}: {places}", moving),
            remedy="Deploy by digest, or by a tag that is never moved",
        )
    if apart := [finding for finding in facts.active() if _is_apart(finding, facts)]:
        places = several(dict.fromkeys(finding.breach.identity for finding in apart))
        return ask.no(
            f"{right.environment} runs what {left.environment} does not rehearse: {places}.",
            of_findings(f"{counted(len(apart), 'finding')}: {places}", apart),
            remedy=f"Deploy to {left.environment} what {right.environment} runs, or promote what was tested",
        )
    seen = [_step_evidence(step, left, right) for step in steps if step.in_order][:SHOWN]
    if not components:
        return ask.not_observed(
            f"No source tells which versions {right.environment} runs.",
            remedy="Add a source that tells versions: version endpoints, task definitions, manifests",
        )
    known = {step.component for step in steps if step.in_order}
    unknown = [component for component in components if component not in known]
    if unknown:
        return ask.not_observed(
            f"For {counted(len(unknown), 'component')} of {len(components)} the order is not known: {several(unknown)}.",
            *seen,
            *(_unknown_evidence(component, left, right) for component in unknown[:SHOWN]),
            remedy=f"Keep auditing: the next promotion shows whether {left.environment} ran it first",
        )
    gaps = facts.gaps(_is_deployment)
    if gaps:
        return ask.not_observed(
            f"In order as far as was seen, but {counted(len(gaps), 'gap')} may hide a deployment.",
            *of_gaps(gaps),
            *seen,
            remedy="Let the auditor read what it could not",
        )
    by_digest = sum(1 for step in steps if step.theirs.digest and step.ours and step.ours.digest)
    aside = facts.below(about(Topic.VERSIONS, facts))
    return ask.yes(
        f"{left.environment} ran each of {counted(len(components), 'component')} first "
        f"({by_digest} by the same digest, {len(steps) - by_digest} by the same version{f'; {aside}' if aside else ''}).",
        *seen,
    )


def way_back(facts: Facts) -> Item:
    """`yes` where a version before the present one is known of every component, by a name that still means the same."""
    past = facts.pasts[1]
    ask = Ask(
        "way-back",
        f"Can {facts.production} go back to the version before?",
        "an earlier version of each component seen in production, by digest or by a tag that does not move",
    )
    if (other := elsewhere(facts, ask)) is not None:
        return other
    components = [component for component in sorted(past.components) if past.running(component)]
    moving = [one for component in components for one in past.running(component) if _moves(one)]
    if moving:
        names = several(f"{one.component} ({one.version})" for one in moving)
        return ask.no(
            f"Deployed by a tag that moves, so there is no version to go back to: {names}.",
            *(_ran(one) for one in moving[:SHOWN]),
            remedy="Deploy by digest, or by a tag that is never moved",
        )
    before = {component: _before(past, component) for component in components}
    seen = [
        Evidence(
            f"{component}: before {several(one.version for one in past.running(component))} ran {previous.version}"
            f"{f' ({previous.digest})' if previous.digest else ''}, until {_at(previous.last_seen)}",
            past.environment,
            previous.last_seen,
        )
        for component, previous in before.items()
        if previous is not None
    ][:SHOWN]
    unknown = [component for component, previous in before.items() if previous is None]
    if not components or unknown:
        what = f"Of {several(unknown)} one version only was ever seen" if unknown else "No source tells versions"
        return ask.not_observed(
            f"{what}, so it is not known what there is to go back to.",
            *seen,
            remedy="Look up the previous version before the promotion; once one is promoted, the history knows it",
        )
    gaps = facts.gaps(_is_deployment, past.environment)
    if gaps:
        return ask.not_observed(
            f"Known as far as was seen, but {counted(len(gaps), 'gap')} may hide a component.",
            *of_gaps(gaps),
            *seen,
            remedy="Let the auditor read what it could not",
        )
    return ask.yes(
        f"The version before is known of {counted(len(components), 'component')}. "
        "Whether the registry still holds it, and the data still fits it, is not told.",
        *seen,
    )


@dataclass(frozen=True, slots=True)
class _Step:
    """A version that the right side runs and what the left side ran of it. `in_order` is None where that is not known."""

    component: str
    ours: Deployment | None
    theirs: Deployment
    in_order: bool | None


def _steps(component: str, left: Past, right: Past) -> Iterator[_Step]:
    for running in right.running(component):
        if _moves(running):
            yield _Step(component, None, running, None)
            continue
        theirs = min((one for one in right.of(component) if _same(one, right, running, right)), key=_start)
        same = [one for one in left.of(component) if _same(one, left, running, right)]
        if not same:
            yield _Step(component, None, theirs, None)
            continue
        ours = min(same, key=_start)
        yield _Step(component, ours, theirs, _in_order(ours, theirs))


def _in_order(ours: Deployment, theirs: Deployment) -> bool | None:
    """Whether the left side ran it first: certain only where one side was seen with it while the other still was without."""
    first, second = _bounds(ours), _bounds(theirs)
    if second[0] is not None and first[1] <= second[0]:
        return True
    if first[0] is not None and second[1] <= first[0]:
        return False
    return None


def _bounds(one: Deployment) -> tuple[datetime | None, datetime]:
    """Between which two moments it began to run. A source's own time counts where the snapshots agree with it."""
    at = one.deployed_at
    if at is not None and one.after is not None and one.after < at <= one.first_seen:
        return at, at
    return one.after, one.first_seen


def _same(one: Deployment, side: Past, other: Deployment, other_side: Past) -> bool:
    if one.digest is not None and other.digest is not None:
        return one.digest == other.digest
    return side.version(one.version) == other_side.version(other.version)


def _before(past: Past, component: str) -> Deployment | None:
    """What ran last before what runs now, by a name that still means it."""
    running = past.running(component)
    others = [
        one
        for one in past.of(component)
        if not one.running and not _moves(one) and not any(_same(one, past, now, past) for now in running)
    ]
    return max(others, key=lambda one: (one.last_seen, one.version), default=None)


def _moves(one: Deployment) -> bool:
    return one.digest is None and is_mutable_tag(one.version)


def _start(one: Deployment) -> tuple[datetime, str]:
    return one.first_seen, one.version


def _is_deployment(kind: Kind) -> bool:
    return kind.category is Category.DEPLOYMENT or kind.name == "aws.lambda.function"


def _is_moving_tag(finding: Finding, facts: Facts) -> bool:
    name = f"{finding.breach.rule.policy}/{finding.breach.rule.id}"
    return about(Topic.VERSIONS, facts)(finding) and facts.rules.get(name) == "immutable_tag"


def _is_apart(finding: Finding, facts: Facts) -> bool:
    """Whether versions differ by more than the left side being ahead, which is how it rehearses."""
    breach = finding.breach
    expect = facts.rules.get(f"{breach.rule.policy}/{breach.rule.id}")
    if not about(Topic.VERSIONS, facts)(finding) or expect in ("max_lag", "immutable_tag"):
        return False
    ours, theirs = (str(side.value) for side in (breach.left, breach.right))
    images = parse_image(ours), parse_image(theirs)
    if images[0] is not None and images[1] is not None:
        ours, theirs = images[0].tag or "", images[1].tag or ""
        left, right = (_path(image, past) for image, past in zip(images, facts.pasts, strict=True) if image)
        if left != right:
            return True
    ahead = version_order(ours, theirs)
    return ahead is None or ahead <= 0


def _path(image: Image, side: Past) -> str:
    """A repository without its registry, of which each account may have its own, and without the environment's name."""
    registry, slash, rest = image.repository.partition("/")
    return side.version(rest if slash and "." in registry else image.repository)


def _first_here(step: _Step, left: Past, right: Past) -> str:
    assert step.ours is not None
    return (
        f"{step.component} {step.theirs.version}: in {right.environment} by {_at(step.theirs.first_seen)}, "
        f"in {left.environment} not before {_at(step.ours.after or step.ours.first_seen)}"
    )


def _step_evidence(step: _Step, left: Past, right: Past) -> Evidence:
    began = f"in {left.environment} by {_at(step.ours.first_seen)}, " if step.ours else ""
    text = f"{step.component} {step.theirs.version}: {began}in {right.environment} by {_at(step.theirs.first_seen)}"
    return Evidence(text, right.environment, step.theirs.first_seen)


def _unknown_evidence(component: str, left: Past, right: Past) -> Evidence:
    theirs = right.running(component)
    versions = several(dict.fromkeys(one.version for one in theirs))
    if not left.of(component):
        text = f"{component} {versions} runs in {right.environment}, and no snapshot of {left.environment} shows it"
    elif any(_same(one, left, now, right) for one in left.of(component) for now in theirs):
        text = f"{component} {versions}: which of the two ran it first, the snapshots do not tell"
    else:
        ours = several(dict.fromkeys(one.version for one in left.running(component)))
        text = f"{component}: {right.environment} runs {versions}, and {left.environment} runs {ours or 'none'}"
    return Evidence(text, right.environment, max((one.last_seen for one in theirs), default=None))


def _ran(one: Deployment) -> Evidence:
    return Evidence(f"{one.component} {one.version} since {_at(one.first_seen)}", one.environment, one.first_seen)


def _at(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
