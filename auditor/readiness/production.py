"""Does production have what a promotion falls back on: monitoring, alerting, backup?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from auditor.model import Json
from auditor.readiness.facts import counted, of_findings, of_gaps, of_snapshot, resources, several
from auditor.readiness.model import Ask, Evidence, Item

if TYPE_CHECKING:
    from auditor.model import Kind, Resource, Snapshot
    from auditor.readiness.facts import Facts

_WATCHES = (
    "kubernetes.servicemonitor",
    "kubernetes.podmonitor",
    "kubernetes.probe",
    "kubernetes.grafanadashboard",
    "aws.cloudwatch.dashboard",
    "aws.synthetics.canary",
)
_ALERTS = (
    "kubernetes.prometheusrule",
    "kubernetes.alertmanagerconfig",
    "aws.cloudwatch.alarm",
    "aws.cloudwatch.composite_alarm",
    "aws.cloudwatch.metric_alarm",
)
_ALARMS = ("aws.cloudwatch.alarm", "aws.cloudwatch.composite_alarm")
# What watches besides: it is shown where it was seen, and its lack alone says nothing.
_WATCHES_TOO = (*_ALARMS, "aws.logs.metric_filter")
_PLANS = "aws.backup.plan"
# Actions of alarms that change something by themselves and tell nobody.
_NOBODY = ("arn:aws:autoscaling:", "arn:aws:automate:", "arn:aws:swf:", "arn:aws:ssm:")
# Attributes that say how a resource is watched, and from which value on it is.
_WATCHED_BY = (("aws.rds.instance", "monitoring_interval"), ("aws.rds.instance", "performance_insights_enabled"))
_DATABASES = ("aws.rds.instance", "aws.rds.cluster")
# Expectations of rules by which a finding says that alerting is switched off.
_ALERTING_RULES = ("alerting", "alarm")


def monitoring(facts: Facts) -> Item:
    """`yes` where something that watches production was seen."""
    ask = Ask(
        "production-monitoring",
        f"Is {facts.production} monitored?",
        "monitors, dashboards, alarms or enhanced monitoring of databases seen in production",
    )
    if (other := elsewhere(facts, ask)) is not None:
        return other
    found = resources(facts.sides[1], *_WATCHES, *_WATCHES_TOO)
    watched = [
        resource
        for kind, attribute in _WATCHED_BY
        for resource in resources(facts.sides[1], kind)
        if resource.attributes.get(attribute)
    ]
    watched = list({resource.identity: resource for resource in watched}.values())
    evidence = []
    if found:
        evidence.append(of_snapshot(facts.right, _counts(found), seen=found))
    if watched:
        text = f"{counted(len(watched), 'database')} with enhanced monitoring or performance insights"
        evidence.append(of_snapshot(facts.right, text, seen=watched))
    if evidence:
        return ask.yes(
            f"Seen: {'; '.join(one.text for one in evidence)}. Whether they cover every part is not told.", *evidence
        )
    return _none(facts, ask, _WATCHES, "monitors or dashboards", "Add what declares them to its sources")


def alerting(facts: Facts) -> Item:
    """`yes` where rules that alert were seen; `no` where alerting is switched off, or alarms were listed and none is there."""
    ask = Ask(
        "production-alerting",
        f"Does {facts.production} alert somebody?",
        "alarms that tell somebody, or alerting rules, seen in production",
    )
    if (other := elsewhere(facts, ask)) is not None:
        return other
    off = [
        finding
        for finding in facts.active()
        if any(word in finding.breach.rule.id for word in _ALERTING_RULES)
        and finding.breach.right.environment == facts.production
    ]
    known = resources(facts.sides[1], *_ALERTS)
    found = [resource for resource in known if _tells_somebody(resource)]
    seen = [of_snapshot(facts.right, _counts(found), seen=found)] if found else []
    if off:
        places = several(f"{finding.breach.identity} {'.'.join(finding.breach.path)}" for finding in off)
        return ask.no(
            f"Alerting is switched off: {places}.",
            of_findings(f"{counted(len(off), 'finding')}: {places}", off),
            *seen,
            remedy=f"Switch it on in {facts.production}",
        )
    if found:
        silent = len(known) - len(found)
        besides = f" {counted(silent, 'alarm')} besides without such actions." if silent else ""
        return ask.yes(f"Seen: {_counts(found)}.{besides} Whether they cover every part is not told.", *seen)
    if known:
        return ask.no(
            f"{counted(len(known), 'alarm')} of {facts.production}, and none tells anybody.",
            of_snapshot(facts.right, _counts(known), seen=known),
            remedy="Give them actions that reach a person, and switch the actions on",
        )
    return _none(facts, ask, _ALERTS, "alarms or alerting rules", "Add what declares them to its sources")


def backup(facts: Facts) -> Item:
    """`yes` where every database that was seen keeps backups and cannot be deleted by one wrong command."""
    ask = Ask(
        "production-backup",
        f"Is the data of {facts.production} backed up?",
        "at least one database of production with its backup settings (aws.rds.*), each kept and protected, or none and a "
        "backup plan (aws.backup.plan); no gap in these",
    )
    if (other := elsewhere(facts, ask)) is not None:
        return other
    databases = [found for found in resources(facts.sides[1], *_DATABASES) if not _is_member(found)]
    kept = {_name(resource): resource.attributes.get("backup_retention_period") for resource in databases}
    none = [name for name, days in kept.items() if _days(days) == 0]
    guarded = {_name(resource): resource.attributes.get("deletion_protection") for resource in databases}
    loose = [name for name, protected in guarded.items() if protected is False]
    unknown = [name for name, days in kept.items() if _days(days) is None or not isinstance(guarded[name], bool)]
    gaps = facts.gaps(_is_database, facts.right.environment)
    days = [number for number in map(_days, kept.values()) if number]
    seen = []
    if databases:
        least = f", for {min(days)} days at least" if days else ""
        text = f"{len(days)} of {counted(len(databases), 'database')} with backups{least}"
        seen = [of_snapshot(facts.right, text, seen=databases)]
    if none:
        return ask.no(
            f"No backup of {several(none)}.", *seen, remedy="Set a backup retention period, and restore one to prove it"
        )
    if loose:
        return ask.no(
            f"Backed up, but one wrong command deletes {several(loose)} together with its automated backups.",
            *seen,
            remedy="Switch deletion protection on",
        )
    if gaps or unknown:
        what = (
            f"It was not seen whether {several(unknown)} is backed up and protected from deletion."
            if unknown
            else f"{counted(len(gaps), 'gap')} may hide a database that is not backed up."
        )
        return ask.not_observed(what, *of_gaps(gaps), *seen, remedy="Let the auditor read the databases of production")
    plans = [plan for plan in resources(facts.sides[1], _PLANS) if _backs_up(plan)]
    if not databases and plans and _listed(facts.right, *_DATABASES):
        text = f"{counted(len(plans), 'backup plan')} with rules and a selection"
        return ask.yes(
            f"No database, and {text}. Whether they select everything, and whether a restore works, is not told.",
            of_snapshot(facts.right, text, seen=plans),
        )
    if not databases:
        return ask.not_observed(
            f"No database of {facts.production} was seen with its backup settings.",
            remedy="Add the source that runs them (`aws` with the service rds)",
        )
    return ask.yes(
        f"{counted(len(databases), 'database')} with backups kept {min(days)} days at least, protected from deletion. "
        "Whether a restore works is not told.",
        *seen,
    )


def elsewhere(facts: Facts, ask: Ask) -> Item | None:
    """The item where the right side is not production, so that nothing can be said of production here."""
    if facts.right.environment == facts.production:
        return None
    right = facts.right.environment
    return ask.not_applicable(
        f"{right} is not the end of the chain; ask for the environment that promotes to {facts.production}."
    )


def _none(facts: Facts, ask: Ask, kinds: tuple[str, ...], what: str, remedy: str) -> Item:
    """Nothing was seen: a `no` only where production was asked for such a kind by name and has none."""
    side = facts.right
    gaps = facts.gaps(lambda kind: kind.name in kinds, side.environment)
    listed = [kind for kind in kinds if any(listing.kind == kind for listing in side.listings)]
    if listed and not gaps:
        seen = Evidence(f"listed, and empty: {several(listed)}", side.environment, side.taken_at, side.id)
        return ask.no(f"{facts.production} has no {what}.", seen, remedy=f"Create some for {facts.production}")
    return ask.not_observed(f"No source of {facts.production} tells of {what}.", *of_gaps(gaps), remedy=remedy)


def _counts(found: list[Resource]) -> str:
    counts: dict[str, int] = {}
    for resource in found:
        counts[resource.kind] = counts.get(resource.kind, 0) + 1
    return ", ".join(f"{number} {kind}" for kind, number in counts.items())


def _is_database(kind: Kind) -> bool:
    return kind.name in _DATABASES


def _is_member(resource: Resource) -> bool:
    """An instance of a cluster is backed up and protected with it."""
    return resource.kind == "aws.rds.instance" and bool(resource.parent)


def _name(resource: Resource) -> str:
    return resource.identity


def _tells_somebody(resource: Resource) -> bool:
    """An alarm of CloudWatch whose actions are on, and reach more than a machine. Of other kinds nothing else is known."""
    if resource.kind not in _ALARMS:
        return True
    actions = resource.attributes.get("alarm_actions") or ()
    on = resource.attributes.get("actions_enabled") is not False
    return on and any(not str(action).startswith(_NOBODY) for action in actions)


def _backs_up(plan: Resource) -> bool:
    """Whether a plan of AWS Backup says when, and of what."""
    return bool((plan.attributes.get("plan") or {}).get("rules")) and bool(plan.attributes.get("selections"))


def _listed(side: Snapshot, *kinds: str) -> bool:
    return all(any(listing.kind == kind for listing in side.listings) for kind in kinds)


def _days(value: Json) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return int(value)
    except ValueError:
        return None
