"""Which audit a gate judges: the one of the pair that was recorded last, where it still speaks for now, else a new one.

A recorded audit speaks for now when it is fresh enough, when the same configuration, policies and waivers would be used
again, when the files that it read are still what they were, and when it can tell. How its findings stand is always
decided anew: a waiver made, revoked or expired since counts at once.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from auditor.errors import AuditorError
from auditor.gate import Gate, Observation, Silence, Standing, Terms, Verdict, decide
from auditor.life import live
from auditor.model import Status
from auditor.pipeline import audit_now, lay, read_again, run_digest
from auditor.policy import load_policy
from auditor.scope import Scope, UnknownService, scope_of
from auditor.sharing import remembered_audit
from auditor.store.errors import NotFoundError
from auditor.waivers import finder

if TYPE_CHECKING:
    from auditor.config import Config, Pair
    from auditor.model import Audit, Breach, Finding, Snapshot
    from auditor.pipeline import Tools
    from auditor.rules import Policy


@dataclass(frozen=True, slots=True)
class Judged:
    """An audit with the snapshots that it is of."""

    audit: Audit
    left: Snapshot
    right: Snapshot


def gate_now(config: Config, left: str, right: str, tools: Tools, terms: Terms) -> Gate:
    """The verdict on promoting `left` to `right`.

    Raises what `audit_now` raises, and UnknownService where neither side knows one of the services."""
    pair = config.pair(left, right)
    policy = load_policy(pair.policies, config.policies)
    recorded, why = recorded_audit(config, pair, policy, tools, terms.fresh)
    if recorded is not None:
        try:
            gate = _decided(config, recorded, tools, terms, recorded=True)
        except UnknownService:
            why = "the recorded audit knows no such service"
        else:
            if gate.verdict is not Verdict.INCOMPLETE:
                return gate
            why = "the recorded audit is incomplete"
    audit = audit_now(config, pair.left, pair.right, tools, policy=policy)
    try:
        return _decided(config, judged_of(audit, tools), tools, terms, recorded=False, why=why)
    except UnknownService as error:
        if not audit.gaps:
            raise
        remedy = f"it may be behind what could not be observed, see `audit now {left} {right}`; {error.remedy}"
        raise UnknownService(error.name, remedy) from error


class NotRecorded(AuditorError):
    """No recorded audit of the pair speaks for now. The text says why, and what to do."""


def gate_recorded(config: Config, left: str, right: str, tools: Tools, terms: Terms, policy: Policy) -> Gate:
    """The verdict of the audit that was recorded last; nothing is looked at again. An incomplete one cannot tell.

    Raises NotRecorded where there is none that is fresh enough and of the same configuration, UnknownService where neither
    side knows one of the services."""
    pair = config.pair(left, right)
    recorded, why = speaking_audit(config, pair, policy, tools, terms.fresh)
    if recorded is None:
        raise NotRecorded(f"{why or 'no recorded audit was asked for'}: have {pair.left}/{pair.right} audited first")
    return _decided(config, recorded, tools, terms, recorded=True)


def recorded_audit(
    config: Config, pair: Pair, policy: Policy, tools: Tools, fresh: timedelta
) -> tuple[Judged | None, str]:
    """The same as `speaking_audit`, for whoever may read the sources that are files of this machine again."""
    judged, why = speaking_audit(config, pair, policy, tools, fresh)
    for snapshot in (judged.left, judged.right) if judged is not None else ():
        if not _files_are_the_same(config, snapshot, tools):
            return None, f"files of {snapshot.environment} changed since the recorded audit"
    return judged, why


def speaking_audit(
    config: Config, pair: Pair, policy: Policy, tools: Tools, fresh: timedelta
) -> tuple[Judged | None, str]:
    """The audit of the pair that was recorded last, or why it does not speak for now (nothing where none was asked for)."""
    if fresh <= timedelta(0):
        return None, ""
    names = pair.left, pair.right
    remembered = remembered_audit(tools.store, names)
    last = tools.store.last_audit(*names)
    if last is None:
        return None, "no audit of the pair is recorded"
    if remembered is None or remembered != (run_digest(config, pair, policy, tools), last.id):
        return None, "the recorded audit was made under another configuration"
    try:
        judged = judged_of(last, tools)
    except NotFoundError:  # pruned in between
        return None, "no audit of the pair is recorded"
    now = tools.clock()
    taken = min(judged.left.taken_at, judged.right.taken_at), max(judged.left.taken_at, judged.right.taken_at)
    if now - taken[0] > fresh or taken[1] > now:
        return None, "the recorded audit is too old"
    return judged, ""


def judged_of(audit: Audit, tools: Tools) -> Judged:
    """The audit with its snapshots. Raises NotFoundError where it was pruned."""
    # It is one of the last, but for a pair that is audited very often.
    listed = (one for few in (20, None) for one in tools.store.audits(audit.left, audit.right, limit=few))
    info = next((one for one in listed if one.id == audit.id), None)
    if info is None:
        raise NotFoundError(f"store: there is no audit {audit.id}")
    store = tools.store
    return Judged(audit, store.load_snapshot(info.left_snapshot), store.load_snapshot(info.right_snapshot))


def _files_are_the_same(config: Config, snapshot: Snapshot, tools: Tools) -> bool:
    """Whether sources that are files of this machine still say what they said: reading them again costs next to nothing,
    and it is they that a pipeline has just changed."""
    again = read_again(config, snapshot.environment, tools, lambda source: "path" in type(source.options).model_fields)
    if again is None:
        return True
    fresh, labels = again
    before = sorted((one for one in snapshot.resources if one.source in labels), key=repr)
    gaps = sorted((one for one in snapshot.gaps if one.source in labels), key=repr)
    return before == sorted(fresh.resources, key=repr) and gaps == sorted(fresh.gaps, key=repr)


def _decided(config: Config, judged: Judged, tools: Tools, terms: Terms, *, recorded: bool, why: str = "") -> Gate:
    observation = Observation(judged.left.taken_at, judged.right.taken_at, recorded, why)
    scope = _scope(config, judged, tools, terms) if terms.services else None
    return decide(judged.audit, standing_of(judged.audit, tools), terms, observation, scope)


def _scope(config: Config, judged: Judged, tools: Tools, terms: Terms) -> Scope:
    laid = lay(config, judged.left, judged.right, tools)
    return scope_of(laid.comparison, (laid.pair.left, laid.pair.right), terms.services)


def standing_of(audit: Audit, tools: Tools) -> Standing:
    """How the findings stand now, decided as an audit would that saw the same again; nothing of it is kept."""
    now, store = tools.clock(), tools.store
    previous = store.previous(audit.left, audit.right)
    waiver_of = finder([*tools.waivers, *store.waivers()], audit.left, audit.right, now)
    breaches = [_unaged(finding.breach) for finding in audit.findings]
    life = live(previous, breaches, lambda _stored: False, now, audit.id, waiver_of, waiver_of.lapse)
    stands = {finding.breach.fingerprint: finding for finding in life.findings}
    findings = tuple(_stood(one, stands[one.breach.fingerprint]) for one in audit.findings)
    silences: dict[str, Silence] = {}
    for stored in (*life.updated, *life.unseen):
        if stored.status is Status.WAIVED and (waiver := waiver_of(stored.breach)) is not None:
            silences[stored.fingerprint] = Silence(waiver.owner, waiver.reason, waiver.expires_at)
        elif stored.status is Status.PENDING:
            until = stored.since + stored.breach.tolerated_for
            silences[stored.fingerprint] = Silence(f"rule {stored.breach.rule.id}", until=until)
        elif stored.status is Status.ACKNOWLEDGED:
            events = store.events(stored.fingerprint)
            last = next((one for one in reversed(events) if one.to_status is Status.ACKNOWLEDGED), None)
            silences[stored.fingerprint] = Silence(last.actor, last.reason) if last else Silence("somebody")
    return Standing(now, findings, tuple(stored.finding for stored in life.unseen), silences)


def _unaged(breach: Breach) -> Breach:
    """The breach as severe as its rule says: how long it has been open is counted anew."""
    if breach.escalated_from is None:
        return breach
    return replace(breach, severity=breach.escalated_from, escalated_from=None)


def _stood(finding: Finding, now: Finding) -> Finding:
    return replace(now, moved=now.moved or finding.moved, last_seen=finding.last_seen)
