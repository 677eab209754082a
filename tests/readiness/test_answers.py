"""Each question of the checklist: what makes it yes, what makes it no, and what leaves it open."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from auditor.model import Category, GapReason, Resource, Severity, Status
from auditor.readiness.checklist import answered
from auditor.readiness.facts import Due
from auditor.readiness.model import Answer
from tests.factories import NOW
from tests.readiness.company import LISTED, Company, finding, gap, resources

MARK = "{secret:0123456789abcdef0123456789abcdef}"


def test_a_company_in_good_order_is_ready_but_for_what_nobody_tells() -> None:
    """Every answer is yes, except whether a test run succeeded, which no source knows; so the exit code is 3, or 0."""
    checklist = answered(Company().facts())
    assert {item.id: item.answer.value for item in checklist.items if item.answer is not Answer.YES} == {
        "promotion-tested": "not observed"
    }
    assert [checklist.exit_code(), checklist.exit_code(allow_incomplete=True)] == [3, 0]
    assert checklist.sentence == "Nothing speaks against staging, but not everything was seen: 13 yes, 1 not observed."
    assert all(item.evidence for item in checklist.items if item.answer is Answer.YES)
    assert all(item.needs and item.question.endswith("?") for item in checklist.items)
    assert [bool(item.remedy) for item in checklist.items] == [
        item.answer is not Answer.YES for item in checklist.items
    ]


@pytest.mark.parametrize(
    ("kind", "path", "more", "item"),
    [
        ("aws.rds.instance", ("engine_version",), {}, "infrastructure"),
        ("aws.elasticloadbalancingv2.load_balancer", (), {}, "infrastructure"),
        ("kubernetes.horizontalpodautoscaler", ("spec", "max"), {}, "infrastructure"),
        ("env.file", ("TIMEOUT",), {}, "configuration"),
        ("aws.lambda.function", ("environment", "AUDIENCE"), {}, "configuration"),
        ("aws.ecs.task_definition", ("container_definitions", "api", "command"), {}, "configuration"),
        ("aws.ecs.task_definition", ("cpu",), {"category": Category.COMPUTE}, "infrastructure"),
        ("env.file", ("STRIPE_KEY",), {"left": MARK, "right": None}, "configuration"),
        ("env.file", ("STRIPE_KEY",), {"left": MARK, "right": MARK, "rule": "secret-shared"}, "secrets-differ"),
        ("data.column", ("personal", "email", "share"), {}, "data-anonymised"),
        ("kubernetes.deployment", ("spec", "image"), {"rule": "image-tag-moves"}, "promotion-order"),
    ],
)
def test_a_finding_turns_the_answer_that_it_belongs_to_and_no_other(
    kind: str, path: tuple[str, ...], more: dict[str, Any], item: str
) -> None:
    """One finding, one no, and the finding is in its evidence."""
    one = finding(kind, path, **more)
    items = replace(Company(), findings=(one,)).items()
    assert [name for name, found in items.items() if found.answer is Answer.NO] == [item]
    assert one.breach.fingerprint in [print_ for seen in items[item].evidence for print_ in seen.findings]


def test_a_version_that_differs_is_not_held_against_the_environment() -> None:
    """Staging runs ahead while it rehearses: that is what it is for, and the history says whether it is in order."""
    ahead = finding("http.version", ("version",), left="2.4.0", right="2.3.1")
    images = [
        finding("kubernetes.deployment", ("spec", "template", name), left=f"{left}:2", right=f"{right}:1")
        for name, left, right in (
            ("image", "a", "a"),
            ("image_uri", "1.dkr.example.com/staging/a", "2.dkr.example.com/prod/a"),
        )
    ]
    assert replace(Company(), findings=(ahead, *images)).answers() == Company().answers()


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("postgres:15.4", "postgres:15.8"),
        ("acme/api:latest", "acme/api:2.0"),
        ("acme/api:2@sha256:" + "a" * 64, "acme/api:2@sha256:" + "b" * 64),
        ("fork/api:3", "acme/api:2"),
    ],
)
def test_what_production_runs_and_staging_does_not_rehearse_is_a_no(left: str, right: str) -> None:
    """Production newer, or what has no order: whatever the history says, this finding is not lost."""
    apart = finding("kubernetes.deployment", ("spec", "image"), left=left, right=right)
    company = replace(Company(), findings=(apart,))
    item = company.items()["promotion-order"]
    assert (item.answer, item.evidence[0].findings) == (Answer.NO, (apart.breach.fingerprint,))
    assert item.sentence == "prod runs what staging does not rehearse: orders-{env}."
    unpromoted = company.having(promotes=False).answers()
    assert (unpromoted["promotion-order"], unpromoted["configuration"]) == ("not applicable", "no")


@pytest.mark.parametrize("status", [Status.WAIVED, Status.ACKNOWLEDGED, Status.PENDING])
def test_what_is_set_aside_turns_no_answer_but_is_told(status: Status) -> None:
    """A waived difference leaves the yes, with the number of what was waived."""
    one = finding("env.file", ("TIMEOUT",), status=status)
    item = replace(Company(), findings=(one,)).items()["configuration"]
    assert (item.answer, item.sentence) == (Answer.YES, f"Nothing at medium or above differs (1 {status.value}).")


def test_the_threshold_says_which_findings_count() -> None:
    """A low difference counts only for those who ask."""
    company = replace(Company(), findings=(finding("env.file", ("TIMEOUT",), severity=Severity.LOW),))
    assert company.items()["configuration"].sentence == "Nothing at medium or above differs (1 below medium)."
    assert company.having(threshold=Severity.LOW).answers()["configuration"] == "no"


def test_a_finding_that_could_not_be_looked_at_again_still_counts() -> None:
    """A gap hides it now; nothing says that it is gone."""
    one = finding("env.file", ("TIMEOUT",))
    company = replace(Company(), findings=(one,), gaps=(gap("env.file", source="files:deploy/staging"),))
    item = company.having(unseen=frozenset({one.breach.fingerprint})).items()["configuration"]
    assert (item.answer, item.sentence) == (
        Answer.NO,
        "1 difference at medium or above, 1 of them could not be looked at again.",
    )


def test_infrastructure_is_open_where_a_foundation_was_not_read() -> None:
    """Load balancers and machines alone do not make a rehearsal: whether the databases are alike, nobody looked."""
    company = replace(Company(), listed=tuple(kind for kind in LISTED if not kind.startswith("aws.rds")))
    company = company.without(lambda one: one.kind != "aws.rds.instance")
    item = company.items()["infrastructure"]
    assert (item.answer, item.sentence) == (
        Answer.NOT_OBSERVED,
        "Nothing differs in what was compared, but no database was read on both sides.",
    )


def test_infrastructure_needs_no_database_where_both_sides_were_asked_and_have_none() -> None:
    """A company without databases can be ready: an empty, complete listing was seen, not guessed."""
    company = Company().without(lambda one: one.kind != "aws.rds.instance")
    assert company.answers()["infrastructure"] == "yes"
    unlisted = (("prod", "aws.rds.instance"), ("prod", "aws.rds.cluster"))
    assert replace(company, unlisted=unlisted).answers()["infrastructure"] == "not observed"


@pytest.mark.parametrize(
    ("kind", "attributes", "where"),
    [
        ("env.file", {"DB_PASSWORD": MARK}, "DB_PASSWORD"),
        ("env.file", {"DATABASE_URL": f"postgres://app:{MARK}@db/app"}, "DATABASE_URL"),
        ("aws.ecs.task_definition", {"container_definitions": {"api": {"environment": {"KEY": MARK}}}}, "KEY"),
        ("aws.ssm.parameter", {"type": "String", "value": MARK}, "value"),
        ("kubernetes.secret", {"data": {"password": MARK}}, "password"),
    ],
)
def test_a_secret_in_plain_configuration_is_a_no(kind: str, attributes: dict[str, Any], where: str) -> None:
    """Wherever people write one down; the place is named, the value is not."""
    written = Resource(kind, "orders", attributes, source="files:deploy/prod", location="deploy/prod/x")
    item = replace(Company(), right=[*resources("prod"), written]).items()["secrets-stored"]
    assert item.answer is Answer.NO
    assert item.evidence[0].text == f"1 in plain text: {where} in deploy/prod/x"
    assert "secret:" not in repr(item)


@pytest.mark.parametrize(
    ("kind", "attributes"),
    [
        ("aws.ecs.task_definition", {"container_definitions": {"api": {"secrets": {"KEY": "/prod/db"}}}}),
        ("aws.ssm.parameter", {"type": "SecureString", "secure_value": MARK}),
        ("kubernetes.externalsecret", {"spec": {"data": {"DB": {"remoteRef": {"key": "prod/db"}}}}}),
        ("kubernetes.deployment", {"env": {"DB": {"valueFrom": {"secretKeyRef": {"name": "db"}}}}}),
        ("env.file", {"DB": "arn:aws:secretsmanager:eu-west-1:1:secret:db"}),
        ("yaml.file", {"db": MARK, "sops": {"version": "3"}}),
    ],
)
def test_a_reference_into_a_store_is_seen_as_one(kind: str, attributes: dict[str, Any]) -> None:
    """Neither a secret in plain text, nor nothing."""
    bare = replace(Company(), listed=(*LISTED, kind)).without(lambda one: one.kind != "aws.secretsmanager.secret")
    assert bare.answers()["secrets-stored"] == "not observed"
    both = [[*side, Resource(kind, "orders", attributes, source="aws:x")] for side in (bare.left, bare.right)]
    assert replace(bare, left=both[0], right=both[1]).answers()["secrets-stored"] == "yes"


def test_a_placeholder_is_no_secret_in_plain_text() -> None:
    """What was never filled in is a finding of its own; it gives nothing away."""
    written = Resource("env.file", "x.env", {"KEY": MARK.replace("}", ":placeholder}")}, source="files:deploy/prod")
    assert replace(Company(), right=[*resources("prod"), written]).answers()["secrets-stored"] == "yes"


def test_secrets_that_nobody_asks_to_differ_are_not_said_to_differ() -> None:
    """Without such a rule there can be no finding, so none proves nothing."""
    item = Company().having(rules={"house/x": "equal"}).items()["secrets-differ"]
    assert (item.answer, item.sentence) == (
        Answer.NOT_OBSERVED,
        "The pair's policies have no rule that asks secrets to differ.",
    )


def test_entries_of_a_store_that_were_not_read_are_counted() -> None:
    """Whoever reads the answer sees how many secrets it is about, and how many it is not about."""
    extra = [Resource("aws.secretsmanager.secret", f"{name}/x", {"rotation_enabled": True}) for name in ("a", "b")]
    item = replace(Company(), right=[*resources("prod"), *extra]).items()["secrets-differ"]
    assert item.sentence == "None of 2 secrets is shared (2 entries of a store seen by name only)."


def test_data_that_no_rule_judges_is_not_said_to_be_anonymised() -> None:
    """Samples alone say nothing; neither does the absence of samples."""
    company = Company()
    assert company.having(data_rules=()).answers()["data-anonymised"] == "not observed"
    nothing = company.without(lambda one: one.kind != "data.column").items()["data-anonymised"]
    assert (nothing.answer, nothing.sentence) == (Answer.NOT_OBSERVED, "No source samples the data of staging.")
    one_sided = replace(company, right=[one for one in company.right if one.kind != "data.column"])
    assert one_sided.answers()["data-anonymised"] == "not observed"


@pytest.mark.parametrize(
    ("attributes", "answer", "sentence"),
    [
        ({"modified": ["a.env"]}, Answer.NO, "changed since the commit: deploy/prod/a.env."),
        ({"untracked": [".env"]}, Answer.NO, "not tracked: deploy/prod/.env."),
        (
            {"unknown": "git is not installed"},
            Answer.NOT_OBSERVED,
            "Git does not tell of deploy/prod: git is not installed.",
        ),
        ({"files": 0}, Answer.NOT_OBSERVED, "No file was read in deploy/prod."),
    ],
)
def test_version_control_is_what_git_says_of_the_files_that_were_read(
    attributes: dict[str, Any], answer: Answer, sentence: str
) -> None:
    """Committed or not, and open where git did not say."""
    item = Company().changed("files.repository", **attributes).items()["version-control"]
    assert (item.answer, item.sentence) == (answer, sentence)


def test_a_folder_outside_of_a_work_tree_may_be_under_version_control_elsewhere() -> None:
    """A copy in an image proves neither: the answer is open."""
    item = Company().without(lambda one: one.kind != "files.repository").items()["version-control"]
    assert (item.answer, item.sentence) == (
        Answer.NOT_OBSERVED,
        "Not read from a git work tree: deploy/staging, deploy/prod.",
    )


@pytest.mark.parametrize(
    ("attributes", "answer", "start"),
    [
        ({"backup_retention_period": 0}, Answer.NO, "No backup of orders-prod."),
        ({"deletion_protection": False}, Answer.NO, "Backed up, but one wrong command deletes orders-prod"),
        ({"backup_retention_period": None}, Answer.NOT_OBSERVED, "It was not seen whether orders-prod is backed up"),
        (
            {"deletion_protection": None},
            Answer.NOT_OBSERVED,
            "It was not seen whether orders-prod is backed up and pro",
        ),
    ],
)
def test_backup_is_asked_of_every_database(attributes: dict[str, Any], answer: Answer, start: str) -> None:
    """One without is one too many."""
    item = Company().changed("aws.rds.instance", **attributes).items()["production-backup"]
    assert item.answer is answer
    assert item.sentence.startswith(start)


def test_an_instance_of_a_cluster_is_backed_up_with_its_cluster() -> None:
    """Aurora's instances have no backups and no protection of their own."""
    member = Resource(
        "aws.rds.instance", "catalogue-1", {"deletion_protection": False}, source="aws:prod", parent="catalogue"
    )
    assert replace(Company(), right=[*resources("prod"), member]).answers()["production-backup"] == "yes"


def test_alarms_that_were_listed_and_are_not_there_are_a_no() -> None:
    """An empty, complete listing is an observation; a missing source is none."""
    company = Company().without(lambda one: one.kind != "kubernetes.prometheusrule")
    assert company.answers()["production-alerting"] == "not observed"
    listed = replace(company, listed=(*LISTED, "aws.cloudwatch.alarm"))
    assert listed.answers()["production-alerting"] == "no"
    denied = replace(listed, gaps=(gap("aws.cloudwatch.alarm", "prod"),))
    assert denied.answers()["production-alerting"] == "not observed"


def test_alerting_that_is_switched_off_is_a_no_whatever_rules_there_are() -> None:
    """Rules that reach nobody alert nobody."""
    off = finding("terraform.variables", ("enable_alerting",), rule="alerting-off-in-production")
    assert replace(Company(), findings=(off,)).answers()["production-alerting"] == "no"


def test_questions_about_production_do_not_apply_before_it() -> None:
    """For dev against test nobody asks whether test has backups."""
    answers = Company().having(production="live", promotes=False).answers()
    assert [name for name, answer in answers.items() if answer == "not applicable"] == [
        "promotion-order",
        "promotion-tested",
        "production-monitoring",
        "production-alerting",
        "production-backup",
        "way-back",
    ]


def test_an_endpoint_that_gave_no_answer_is_a_no_and_one_that_was_refused_is_open() -> None:
    """Unreachable is what was asked; a 403 says that somebody is there, and no more."""
    silent = replace(gap("http.version", source="http:api", resource="shop"), reason=GapReason.UNREACHABLE)
    item = replace(Company(), gaps=(silent,)).items()["reachable"]
    assert (item.answer, item.sentence) == (Answer.NO, "No answer from shop.")
    refused = gap("http.version", source="http:api", resource="shop")
    assert replace(Company(), gaps=(refused,)).answers()["reachable"] == "not observed"
    others = replace(silent, environment="prod")
    assert replace(Company(), gaps=(others,)).answers()["reachable"] == "yes"


@pytest.mark.parametrize(
    ("due", "answer"),
    [
        (Due(NOW - timedelta(minutes=29), "other"), "yes"),
        (Due(NOW - timedelta(minutes=31), "other"), "no"),
        (Due(NOW - timedelta(hours=5), "other", "@daily", 0), "yes"),
        (Due(NOW - timedelta(hours=26), "other", "@daily", 1), "yes"),
        (Due(NOW - timedelta(hours=50), "other", "@daily", 2), "no"),
        (Due(), "not observed"),
        (Due(NOW - timedelta(hours=2), "20261122T120000-abcdef0123"), "yes"),
    ],
)
def test_freshness_is_within_what_was_asked_or_within_the_schedule(due: Due, answer: str) -> None:
    """One run may be missed, two are too late; the audit that the checklist is made from is fresh."""
    assert Company().having(due=due).answers()["fresh"] == answer


def test_only_noes_and_open_answers_move_the_exit_code() -> None:
    """0 only where every answer is yes or does not apply; nothing seen at all is never 0."""
    good = answered(Company().facts())
    done = replace(good, items=tuple(item for item in good.items if item.answer is Answer.YES))
    assert (done.exit_code(), done.sentence) == (0, "staging is ready: 13 yes.")
    bad = answered(replace(Company(), findings=(finding("env.file", ("A",)),)).facts())
    assert [bad.exit_code(), bad.exit_code(allow_incomplete=True)] == [1, 1]
    blind = replace(good, items=tuple(item for item in good.items if item.answer is Answer.NOT_OBSERVED))
    assert [blind.exit_code(), blind.exit_code(allow_incomplete=True)] == [3, 3]
