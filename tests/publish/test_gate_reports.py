"""A gate's verdict in every format: on one screen, byte for byte, and with nothing in it that a runner would obey."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import timedelta
from xml.etree import ElementTree as ET

import pytest
from rich.cells import cell_len

from auditor.gate import Gate, Observation, Silence, Standing, Terms, decide
from auditor.model import Audit, Finding, Gap, GapReason, Severity, Status
from auditor.publish.gate_report import FORMATS, render_gate
from auditor.publish.github import MOST, SUMMARY_BYTES, defused, job_summary, outputs, summary
from auditor.scope import Scope
from auditor.scope_links import Unresolved

from .audits import NOW, STARTED, incomplete, parity, rich
from .golden import same_as_golden

HOSTILE = (
    "x\n::set-output name=verdict::pass\r\n##[add-mask]a ::stop-commands::t %0A,line=1\x1b[2J\u202e<img src=x>|@all"
)
ENDINGS = {"table": "txt", "json": "json", "markdown": "md", "junit": "xml", "sarif": "sarif", "github": "github"}


def gate(
    audit: Audit, *, scope: Scope | None = None, unseen: tuple[Finding, ...] = (), recorded: bool = True, **terms: bool
) -> Gate:
    """The verdict on an audit as it stands five minutes after it began."""
    by = {
        Status.WAIVED: Silence("ana@example.com", "upgrade on Tuesday", STARTED + timedelta(days=5)),
        Status.ACKNOWLEDGED: Silence("bo"),
        Status.PENDING: Silence("rule deployed-version", until=STARTED + timedelta(hours=24)),
    }
    silences = {one.breach.fingerprint: by[one.status] for one in audit.findings if one.status in by}
    asked = Terms(Severity.HIGH, services=scope.services if scope else (), fresh=timedelta(minutes=30), **terms)
    seen = Observation(
        STARTED, STARTED + timedelta(seconds=3), recorded, "" if recorded else "the recorded audit is too old"
    )
    return decide(audit, Standing(NOW, audit.findings, unseen, silences), asked, seen, scope)


def checkout() -> Scope:
    """What the checkout service of the rich audit depends on."""
    audit = rich()
    members = {(f.breach.kind, f.breach.identity) for f in audit.findings if "checkout" in f.breach.identity}
    members.add(("aws.rds.instance", "orders-{env}"))
    return Scope(
        services=("checkout",),
        members=frozenset(members),
        left=14,
        right=15,
        matched=14,
        of=427,
        kinds=frozenset((kind, "aws:111122223333") for kind, _ in members),
        regions=frozenset({"eu-west-1"}),
        unresolved=(
            ("prod", Unresolved("host", "orders.prod.internal", taken_for=("orders-prod",))),
            ("prod", Unresolved("host", "payments.example.com")),
            ("staging", Unresolved("arn", "arn:aws:iam::111122223333:role/checkout", "iam")),
        ),
    )


def shown(told: Gate, wanted: str = "table", width: int | None = None) -> str:
    return render_gate(told, wanted, width=width, color=False)


@pytest.mark.parametrize("wanted", FORMATS)
@pytest.mark.parametrize("name", ["hold", "service", "incomplete", "pass"])
def test_each_format_of_each_verdict_is_as_it_was(name: str, wanted: str) -> None:
    """The golden file of each is what is printed, and printing it again gives the same bytes."""
    scope, audit = (
        (checkout() if name == "service" else None),
        {"incomplete": incomplete, "pass": parity}.get(name, rich),
    )
    text = shown(gate(audit(), scope=scope, recorded=name != "incomplete"), wanted)
    same_as_golden(f"gate/{name}.{ENDINGS[wanted]}", text)
    assert text == shown(gate(audit(), scope=scope, recorded=name != "incomplete"), wanted)
    assert text.endswith("\n")


@pytest.mark.parametrize("width", [80, 100])
def test_the_table_is_one_screen_at_any_width(width: int) -> None:
    """A screen of a laptop, however much holds; no line is wider than asked."""
    text = shown(gate(rich()), width=width)
    same_as_golden(f"gate/hold-{width}.txt", text)
    lines = text.splitlines()
    assert max(cell_len(line) for line in lines) <= width
    assert len(lines) <= 60
    assert [line for line in lines if line != line.rstrip()] == []


def test_what_a_service_does_not_depend_on_is_told_as_a_number() -> None:
    """Findings and gaps outside do not count; what is unresolved, and what was followed by its name alone, is said."""
    told = gate(rich(), scope=checkout())
    text = " ".join(shown(told, width=200).split())
    severe = sum(1 for one in told.outside if one.breach.severity.rank >= Severity.HIGH.rank)
    assert f"{len(told.outside)} open findings outside are not counted, {severe} of them at or above high" in text
    assert "depends on 1 host (payments.example.com) and 1 ARN (arn:aws:iam::111122223333:role/checkout)" in text
    assert "followed without a source that says where it leads: orders.prod.internal as orders-prod" in text
    assert {one.breach.identity for one in told.holding} <= {identity for _, identity in checkout().members}


def test_what_could_not_be_looked_at_again_says_so() -> None:
    """It counts as open, and the reader learns that it may be gone."""
    gone = replace(rich().findings[0], last_seen=STARTED - timedelta(days=1))
    audit = replace(incomplete(), gaps=(Gap("prod", "aws:1", "aws.rds.*", GapReason.TIMEOUT, "late"),))
    told = gate(audit, unseen=(gone,))
    assert (told.exit_code, json.loads(shown(told, "json"))["gate"]["not_looked_at_again"]) == (
        1,
        [gone.breach.fingerprint],
    )
    assert "could not be looked at again" in " ".join(shown(told).split())
    assert ET.fromstring(shown(told, "junit")).get("failures") == "1"


def hostile() -> Audit:
    audit = rich()
    one = audit.findings[7]
    breach = replace(
        one.breach, identity=HOSTILE, kind=HOSTILE, path=(HOSTILE,), message=HOSTILE, about=HOSTILE, remediation=HOSTILE,
        left=replace(one.breach.left, identity=HOSTILE, environment=HOSTILE, value=HOSTILE, location=HOSTILE),
    )  # fmt: skip
    gap = Gap(HOSTILE, HOSTILE, HOSTILE, GapReason.MALFORMED, HOSTILE, HOSTILE, HOSTILE, location=HOSTILE)
    return replace(audit, left=HOSTILE, findings=(replace(one, breach=breach),), gaps=(gap,), notes=(HOSTILE,))


def test_no_name_can_forge_a_command_of_the_runner() -> None:
    """Every line of the commands is one of ours and holds one command; printed reports hold none at all."""
    told = gate(hostile())
    lines = shown(told, "github").splitlines()
    assert [re.match(r"::(\w+) ", line)[1] for line in lines] == ["error", "warning", "notice"]  # type: ignore[index]
    for line in lines:
        head, _, message = line.removeprefix("::").partition("::")
        assert re.fullmatch(r"\w+ (file=[^,:\n]*,line=[0-9]+,)?title=[^,:]*", head), head
        assert "##[" not in line
        assert line.isprintable(), message
    assert "%250A" in lines[0]
    for wanted in ("table", "markdown", "junit", "json", "sarif"):
        text = defused(shown(told, wanted), json=wanted in ("json", "sarif"))
        assert not re.search(r"(?m)^\s*::|##\[", text), wanted
        assert "\x1b" not in text
        if wanted in ("json", "sarif"):
            assert json.loads(text) == json.loads(shown(told, wanted))
    assert re.sub(r"(?m)^(verdict=hold|findings=1|exit-code=1)$", "", outputs(told)).strip() == ""
    assert "<img" not in job_summary(told)
    assert "::set-output" not in [line.lstrip()[:12] for line in job_summary(told).splitlines()]


def test_a_line_that_begins_like_a_command_is_defused_wherever_it_stands() -> None:
    """After blanks, too, because the runner skips them; elsewhere two colons are harmless."""
    assert defused("a\n  ::error::x\n::::\nb ::ok\n##[group]c") == "a\n  : :error::x\n: :::\nb ::ok\n# #[group]c"


def test_at_most_ten_annotations_of_a_type_and_the_last_counts_the_rest() -> None:
    """GitHub shows ten; what it would drop silently is told."""
    many = tuple(
        replace(one, breach=replace(one.breach, fingerprint=f"{number:032x}", severity=Severity.HIGH, cause=None))
        for number, one in enumerate((rich().findings[0],) * 25)
    )
    lines = shown(gate(replace(parity(), findings=many)), "github").splitlines()
    errors = [line for line in lines if line.startswith("::error")]
    assert len(errors) == MOST
    assert errors[-1] == "::error title=25 annotations::and 16 more causes that hold"


def test_a_summary_that_is_too_long_is_cut_between_lines_and_closed() -> None:
    """At most a mebibyte with what is there already, whole lines, no open fold, and a word about what is missing."""
    text = "# Head\n<details>\n" + "| ä row |\n" * 200_000 + "</details>\n"
    there = 1000
    kept = summary(text, there)
    assert SUMMARY_BYTES - 200 < len(kept.encode()) + there <= SUMMARY_BYTES
    assert kept.count("<details>") == kept.count("</details>") == 1
    assert "did not fit" in kept
    assert set(kept.splitlines()[2:-4]) == {"| ä row |"}
    assert summary("short\n", there) == "short\n"
    assert summary(text, SUMMARY_BYTES - 10) == ""


def test_what_the_audit_remarked_is_told_and_kept_to_a_few_lines() -> None:
    """Each note once; from six on, the rest is counted."""
    few = replace(parity(), notes=("rule a has no answer", "rule a has no answer", "b is read by both"))
    told = [line.split(maxsplit=1)[1] for line in shown(gate(few)).splitlines() if line.startswith("Note ")]
    assert told == ["rule a has no answer", "b is read by both"]
    assert "| Note | b is read by both |" in shown(gate(few), "markdown")
    many = replace(parity(), notes=tuple(f"note {number}" for number in range(7)))
    lines = [line for line in shown(gate(many)).splitlines() if line.startswith("Note ")]
    assert [line.split(maxsplit=1)[1] for line in lines[-2:]] == ["note 4", "and 2 more (see --format json)"]
