"""What CloudWatch and AWS Backup tell of production counts on its checklist, for what it is worth."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from auditor.model import Resource
from tests.readiness.company import LISTED, Company, resources

PAGER = "arn:aws:sns:eu-west-1:222222222222:pager"
SCALING = "arn:aws:autoscaling:eu-west-1:222222222222:scalingPolicy:1"


def _only(*seen: Resource) -> Company:
    """The company without what its files say of monitoring, with these resources in production."""
    own = Company().without(lambda one: one.kind not in ("kubernetes.servicemonitor", "kubernetes.prometheusrule"))
    return replace(own, right=[*own.right, *seen], listed=tuple(kind for kind in LISTED if kind != "kubernetes.*"))


def _alarm(name: str = "5xx", **attributes: Any) -> Resource:
    given = {"actions_enabled": True, "alarm_actions": [PAGER], **attributes}
    return Resource("aws.cloudwatch.alarm", name, given, source="aws:prod")


@pytest.mark.parametrize(
    ("attributes", "answer", "start"),
    [
        ({}, "yes", "Seen: 1 aws.cloudwatch.alarm."),
        ({"alarm_actions": [SCALING, PAGER]}, "yes", "Seen: 1 aws.cloudwatch.alarm."),
        ({"actions_enabled": False}, "no", "1 alarm of prod, and none tells anybody."),
        ({"alarm_actions": []}, "no", "1 alarm of prod, and none tells anybody."),
        ({"alarm_actions": [SCALING]}, "no", "1 alarm of prod, and none tells anybody."),
    ],
)
def test_an_alarm_alerts_somebody_when_its_actions_are_on_and_reach_more_than_a_machine(
    attributes: dict[str, Any], answer: str, start: str
) -> None:
    """An alarm that only scales, or is switched off, watches and wakes nobody."""
    items = _only(_alarm(**attributes)).items()
    alerting = items["production-alerting"]
    assert (alerting.answer.value, alerting.sentence[: len(start)]) == (answer, start)
    assert items["production-monitoring"].answer.value == "yes"


def test_silent_alarms_beside_others_are_counted() -> None:
    """One that tells nobody does not turn the answer, and is not kept back."""
    item = _only(_alarm(), _alarm("disk", actions_enabled=False)).items()["production-alerting"]
    assert (item.answer.value, "1 alarm besides without such actions." in item.sentence) == ("yes", True)


def test_a_backup_plan_speaks_where_there_is_no_database_to_ask() -> None:
    """It does so only where databases were looked for, and says when and of what it takes copies."""
    whole = {"plan": {"rules": [{"rule_name": "daily"}]}, "selections": [{"selection_name": "all"}]}

    def answer(attributes: dict[str, Any], listed: tuple[str, ...] = LISTED) -> str:
        plan = Resource("aws.backup.plan", "daily", attributes, source="aws:prod")
        rest = [one for one in resources("prod") if one.kind != "aws.rds.instance"]
        return replace(Company(), right=[*rest, plan], listed=listed).answers()["production-backup"]

    assert answer(whole) == "yes"
    assert answer({**whole, "selections": []}) == "not observed"
    assert answer(whole, tuple(kind for kind in LISTED if not kind.startswith("aws.rds."))) == "not observed"
