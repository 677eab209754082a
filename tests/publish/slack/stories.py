"""What is told in Slack, one story per golden file: who would get to see what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from auditor.digest import Digest, PairDigest
from auditor.life import StoredFinding
from auditor.model import ABSENT, Absent, Category, Gap, GapReason, Json, Severity, Status
from auditor.notices import GAPS, Change, Conversation, Happening, News, Topic
from auditor.publish.slack.blocks import Message
from auditor.publish.slack.digest import digest
from auditor.publish.slack.entries import Look
from auditor.publish.slack.explanation import explain
from auditor.publish.slack.parent import parent
from auditor.publish.slack.reply import event, reply
from auditor.waivers import Waiver
from tests.publish.audits import finding

AT = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
LOOK = Look("https://parity.example.com", buttons=True)
RDS = "aws.rds.instance"
HOSTILE = "<!channel> <@U012AB3CD> @here :tada: *b* `c` ~d~ & &amp;\n> q\u202egnp\u200b|<https://evil.example|x>"


def found(
    rule: str = "database-engine-version",
    severity: Severity = Severity.HIGH,
    identity: str = "orders-{env}",
    path: tuple[str, ...] = ("engine_version",),
    left: Json | Absent = "14.7",
    right: Json | Absent = "15.4",
    *,
    status: Status = Status.OPEN,
    category: Category = Category.DATABASE,
    kind: str = RDS,
    message: str = "",
    remediation: str = "Upgrade orders-staging to 15.4",
    owner: str | None = "team-orders",
    cause: str | None = None,
) -> StoredFinding:
    """A stored finding, opened at AT."""
    made = finding(
        rule, severity, category, kind, identity, path, left, right,
        status=status, message=message, remediation=remediation, cause=cause, first_seen=AT,
    )  # fmt: skip
    return StoredFinding(replace(made.breach, owner=owner), status, AT, AT, AT, opened_at=AT)


def one_sided() -> StoredFinding:
    """A queue that only production has, and what is probably its counterpart."""
    stored = found(
        "missing-resource", Severity.MEDIUM, "refunds-dlq-{env}", (), ABSENT, True,
        category=Category.MESSAGING, kind="aws.sqs.queue", remediation="", owner=None,
        message="aws.sqs.queue refunds-dlq-prod exists in prod only; staging has none",
    )  # fmt: skip
    breach = replace(
        stored.breach,
        left=replace(stored.breach.left, identity=None, location=None),
        matched_by=None,
        suggestion="refund-dead-letters-staging",
        confidence=0.82,
    )
    return replace(stored, breach=breach)


def group() -> tuple[StoredFinding, ...]:
    """Findings of one cause, one of them acknowledged and one that came back."""
    made = [
        found("qualified-reference", Severity.MEDIUM, "worker-{env}", ("environment", f"{name}_QUEUE"),
              name.lower(), f"{name.lower()}-prod", category=Category.CONFIG, kind="aws.ecs.task_definition",
              remediation="Qualify the name with the environment", owner="team-jobs")
        for name in ("ORDERS", "REFUNDS", "MAILS", "EXPORTS")
    ]  # fmt: skip
    made[1] = replace(made[1], status=Status.ACKNOWLEDGED)
    made[3] = replace(made[3], status=Status.REGRESSED)
    return tuple(made)


def thousand() -> tuple[StoredFinding, ...]:
    """More than anybody reads: twelve of them critical."""
    return tuple(
        found(severity=Severity.CRITICAL if number < 12 else Severity.LOW, identity=f"db-{number:04d}-{{env}}",
              remediation=f"Upgrade db-{number:04d}-staging", owner=f"team-{number % 7}")
        for number in range(1000)
    )  # fmt: skip


def hostile() -> StoredFinding:
    """Names and values that would ping, format, link or reorder wherever somebody trusted them."""
    return found(
        identity=HOSTILE, path=("tags", HOSTILE), left=HOSTILE, right="``` ```", message=f"{HOSTILE} differs", owner=HOSTILE,
        remediation=f"Ask {HOSTILE}",
    )  # fmt: skip


def empty() -> tuple[StoredFinding, ...]:
    """Values that are easily overlooked."""
    values = (("", None), (ABSENT, ""), (" ", "  "), ([], {}), (False, "false"), (0, None))
    return tuple(
        found("configuration-value", Severity.MEDIUM, "web/.env", (f"KEY_{number}",), left, right,
              category=Category.CONFIG, kind="env.file", remediation="", owner=None)
        for number, (left, right) in enumerate(values)
    )  # fmt: skip


def huge() -> tuple[StoredFinding, ...]:
    """Values that are far longer than a message."""
    text = "\n".join(f"line {number}: {'x' * 80}" for number in range(400))
    return (
        found(left=text, right=text.replace("line 200", "line two hundred")),
        found(identity="y" * 5_000, left="a" * 50_000, right=["b" * 300] * 500, remediation="do " * 2_000),
    )


GAP_LIST = (
    *(
        Gap("prod", "aws:444455556666", kind, GapReason.ACCESS_DENIED, "AccessDenied", "eu-west-1")
        for kind in ("aws.lambda.function", "aws.secretsmanager.secret")
    ),
    Gap("staging", "files:deploy", "*", GapReason.MALFORMED, "line 14", resource="values.yaml"),
)


def topic(title: str, cause_key: str | None = None) -> Topic:
    return Topic("0" * 31 + "1", "slack:#parity", "staging", "prod", cause_key, title, AT)


def conversation(
    title: str, findings: Sequence[StoredFinding], cause_key: str | None = None, gaps: tuple[Gap, ...] = ()
) -> Conversation:
    return Conversation(topic(title, cause_key), tuple(findings), gaps)


def news(
    happening: Happening = Happening.NEW,
    findings: Sequence[StoredFinding] = (),
    *,
    reason: str = "found",
    actor: str = "auditor",
    complete: bool = True,
    new_gaps: tuple[Gap, ...] = (),
    closed_gaps: tuple[Gap, ...] = (),
) -> News:
    return News(
        left="staging", right="prod", at=AT, audit_id="01JDCQ7Z3V", score=0.8619, coverage=1.0 if complete else 0.94,
        complete=complete, changes=tuple(Change(happening, stored, AT, reason, actor) for stored in findings),
        new_gaps=new_gaps, closed_gaps=closed_gaps,
    )  # fmt: skip


def resolved(findings: Sequence[StoredFinding]) -> tuple[StoredFinding, ...]:
    return tuple(replace(stored, status=Status.RESOLVED) for stored in findings)


def whole_digest() -> Digest:
    """Three pairs: one in trouble, one blind, one calm; one that was never audited."""
    pairs = (
        PairDigest("test", "staging", AT, True, 1.0, 1.0, 1.0, {}),
        PairDigest("staging", "prod", AT, True, 0.8619, 0.91, 1.0, {Severity.CRITICAL: 1, Severity.HIGH: 3}, 2, 3, 1, 4,
                   (found(severity=Severity.CRITICAL), *group()[:1]), found(), (group()[3],)),
        PairDigest("staging-eu", "prod-eu", AT, False, 1.0, None, 0.94, {}, gaps=GAP_LIST),
        PairDigest("dev", "test"),
    )  # fmt: skip
    waiver = Waiver(
        "abc", "slack:@ana (U0ANA00001)", "snoozed in Slack for 7 days", AT, AT + timedelta(days=3), "slack"
    )
    return Digest(AT - timedelta(days=7), AT, pairs, (waiver,))


def messages() -> dict[str, Message]:
    """Every golden message by its name."""
    single, many, thousands = (found(),), group(), thousand()
    title = "engine_version of orders-staging is behind prod"
    cause = "Nine references below environment of worker-staging lack the environment's name"
    worst = replace(single[0], breach=replace(single[0].breach, severity=Severity.CRITICAL))
    back = (replace(worst, status=Status.REGRESSED),)
    acknowledged = (replace(single[0], status=Status.ACKNOWLEDGED),)
    waived = (replace(single[0], status=Status.WAIVED),)
    odd = (hostile(),)
    ana = "slack:@ana (U0ANA00001)"
    return {
        "new_single": parent(conversation(title, single), news(findings=single), LOOK),
        "new_one_sided": parent(conversation("refunds-dlq", [one_sided()]), news(findings=[one_sided()]), LOOK),
        "new_group": parent(conversation(cause, many), news(findings=many), LOOK),
        "new_group_plain": parent(conversation(cause, many), news(findings=many), Look()),
        "thousand": parent(conversation("1,000 databases", thousands), news(findings=thousands), LOOK),
        "thousand_reply": reply(news(findings=thousands), LOOK),
        "incomplete": parent(conversation(title, single), news(findings=single, complete=False), LOOK),
        "regressed_reply": reply(news(Happening.REGRESSED, back, reason="came back, last seen 2026-11-20 08:15 UTC"), LOOK),
        "regressed": parent(
            conversation(title, back),
            news(Happening.REGRESSED, back, reason="came back for the third time within 24 hours"), LOOK,
        ),
        "escalated_reply": reply(
            news(Happening.ESCALATED, [worst], reason="severity rose from high to critical", complete=False), LOOK
        ),
        "reopened_reply": reply(
            news(Happening.REOPENED, single, reason="the waiver of ana expired"), LOOK
        ),
        "resolved": parent(
            conversation(cause, resolved(many)), news(Happening.RESOLVED, resolved(many), reason="gone"), LOOK
        ),
        "resolved_reply": reply(news(Happening.RESOLVED, resolved(many), reason="gone"), LOOK),
        "partly_resolved": parent(
            conversation(cause, (*many[:2], *resolved(many[2:]))), news(Happening.RESOLVED, resolved(many[2:])), LOOK
        ),
        "acknowledged": parent(
            conversation(title, acknowledged), news(Happening.ACKNOWLEDGED, acknowledged, actor=ana), LOOK
        ),
        "acknowledged_reply": reply(
            news(Happening.ACKNOWLEDGED, acknowledged, reason="acknowledged", actor=ana), LOOK
        ),
        "waived": parent(conversation(title, waived), news(Happening.WAIVED, waived, actor=ana), LOOK),
        "waived_reply": reply(
            news(Happening.WAIVED, waived, reason="waived until 2026-11-29 09:30 UTC: snoozed in Slack for 7 days (slack)",
                 actor=ana), LOOK,
        ),
        "gaps": parent(
            conversation("Not everything of prod can be observed", (), GAPS, GAP_LIST),
            news(complete=False, new_gaps=GAP_LIST), LOOK,
        ),
        "gaps_reply": reply(news(complete=False, new_gaps=GAP_LIST[:1], closed_gaps=GAP_LIST[2:]), LOOK),
        "gaps_closed": parent(
            conversation("Not everything of prod can be observed", (), GAPS), news(closed_gaps=GAP_LIST), LOOK
        ),
        "event": event(news(findings=(*single, one_sided())), LOOK),
        "hostile": parent(conversation(HOSTILE, odd), news(findings=odd), LOOK),
        "hostile_reply": reply(news(Happening.WAIVED, odd, reason=HOSTILE, actor=HOSTILE), LOOK),
        "empty_values": parent(conversation("6 settings", empty()), news(findings=empty()), LOOK),
        "huge_values": parent(conversation("z" * 9_000, huge()), news(findings=huge()), LOOK),
        "huge_values_reply": reply(news(findings=huge()), LOOK),
        "explain": explain([*single, one_sided()], LOOK),
        "digest": digest(whole_digest(), LOOK),
    }  # fmt: skip
