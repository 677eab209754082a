"""What is made of CloudTrail's records: who, how, and which of several it was."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from auditor.model import ABSENT
from collectors.aws._trail_events import Record, likeliest, record_of, telling
from tests.standins import trail_records as made

AT = datetime(2026, 11, 17, 9, 5, tzinfo=UTC)


def read(record: dict[str, Any]) -> Record:
    found = record_of({"CloudTrailEvent": json.dumps(record)})
    assert found is not None
    return found


def test_who_did_it_and_how_is_read_from_every_kind_of_identity() -> None:
    """Names as people know them; never a key; console, API or the service in between."""
    root = {"type": "Root", "arn": "arn:aws:iam::111122223333:root", "accountId": "111122223333"}
    federated = {"type": "FederatedUser", "arn": "arn:aws:sts::111122223333:federated-user/bo"}
    service = {"type": "AWSService", "invokedBy": "rds.amazonaws.com"}
    other = {"type": "AWSAccount", "accountId": "444455556666", "principalId": "AIDAEXAMPLE"}
    console = {"userAgent": "console.amazonaws.com"}
    cases: list[tuple[dict[str, Any], tuple[str, str | None, str]]] = [
        (made.engine_upgraded(AT, "orders", "15.8"), ("deploy/ada", "console", "rds:ModifyDBInstance")),
        (
            made.instances_run(AT, "i-0abc0abc0abc0abc0"),
            ("grace as pipeline/GitHubActions", "api", "ec2:RunInstances"),
        ),
        (
            made.scaled(AT, "i-0abc0abc0abc0abc0"),
            ("AWSServiceRoleForAutoScaling/AutoScaling", "autoscaling", "ec2:RunInstances"),
        ),
        (made.parameter_put(AT, "/shop/mode"), ("linus", "api", "ssm:PutParameter")),
        (
            made.service_updated(AT, "shop", "api"),
            ("PlatformAdmin/ada@example.com", "cloudformation", "ecs:UpdateService"),
        ),
        (made.record("rds", "ModifyDBInstance", AT, root, **console), ("root", "console", "rds:ModifyDBInstance")),
        (made.record("rds", "StopDBInstance", AT, federated), ("bo", "api", "rds:StopDBInstance")),
        (made.record("rds", "ModifyDBInstance", AT, service), ("rds.amazonaws.com", None, "rds:ModifyDBInstance")),
        (
            made.record("lambda", "UpdateFunctionConfiguration20150331v2", AT, other),
            ("account 444455556666", "api", "lambda:UpdateFunctionConfiguration"),
        ),
        (
            made.record("s3", "PutBucketTagging", AT, {"type": "Unknown"}, sourceIPAddress="AWS Internal"),
            ("Unknown", "api", "s3:PutBucketTagging"),
        ),
        (
            made.record("rds", "StopDBInstance", AT, {}),
            ("somebody whom the record does not name", "api", "rds:StopDBInstance"),
        ),
    ]
    for record, expected in cases:
        author = read(record).author
        assert (author.principal, author.through, author.event) == expected
        assert (author.at, author.event_id) == (AT, record["eventID"])
        assert "EXAMPLE" not in repr(author)


def test_names_cannot_write_to_a_terminal() -> None:
    """Whoever assumes a role chooses the name of the session."""
    author = read(made.record("rds", "X", AT, made.assumed("deploy", "ada\x1b[2J" + "a" * 500))).author
    assert author.principal is not None
    assert author.principal.startswith("deploy/ada[2Jaaa")
    assert len(author.principal) == 200


def test_reads_and_refused_calls_change_nothing() -> None:
    """They are no record of a change; what is no record at all is told apart."""
    for changes in ({"readOnly": True}, {"readOnly": "true"}, {"errorCode": "AccessDenied"}):
        record = made.engine_upgraded(AT, "orders", "15.8") | changes
        assert record_of({"CloudTrailEvent": json.dumps(record)}) is None
    for text in ("", "[]", "{}", '{"userIdentity": 1}', '{"eventSource": "a", "eventName": "b", "eventTime": "soon"}'):
        with pytest.raises((ValueError, TypeError, KeyError)):
            record_of({"CloudTrailEvent": text})


def test_what_names_the_new_value_made_it() -> None:
    """Even before the window, where it was asked for the next maintenance; nothing else from before counts."""
    early = read(made.engine_upgraded(AT - timedelta(days=3), "orders", "15.8"))
    other = read(made.record("rds", "ModifyDBInstance", AT, made.user("bo"), requestParameters={"port": 5433}))
    before = read(made.record("rds", "ModifyDBInstance", AT - timedelta(days=1), made.user("cy")))
    reboot = read(made.record("rds", "RebootDBInstance", AT + timedelta(minutes=1), made.user("di")))
    late = read(made.engine_upgraded(AT + timedelta(hours=2), "orders", "15.8"))
    window = AT - timedelta(minutes=5), AT + timedelta(minutes=10)

    def chosen(*records: Record, old: Any = "15.4", new: Any = "15.8") -> str | None:
        found = likeliest(records, old, new, *window)
        return found.author.principal if found else None

    assert chosen(early, other, before, reboot, late) == "deploy/ada"
    assert chosen(other, before, reboot, late) == "bo"
    assert chosen(before, reboot, late) is None
    assert chosen(early, reboot, old=False, new=True) is None
    again = read(made.engine_upgraded(AT + timedelta(minutes=2), "orders", "15.8"))
    assert likeliest([early, again, other], "15.4", "15.8", *window) is again


def test_what_came_was_made_and_what_went_was_deleted() -> None:
    """Of several writes in the window the one whose verb fits."""
    start, window = AT - timedelta(minutes=5), AT + timedelta(minutes=10)
    create = read(made.record("rds", "CreateDBInstance", AT, made.user("ada")))
    delete = read(made.record("rds", "DeleteDBInstance", AT, made.user("bo")))
    modify = read(made.record("rds", "ModifyDBInstance", AT + timedelta(minutes=1), made.user("cy")))
    assert likeliest([create, modify], ABSENT, True, start, window) is create
    assert likeliest([delete, modify], True, ABSENT, start, window) is delete
    assert likeliest([create, modify, delete], 1, 2, start, window) is modify


def test_only_words_that_nothing_says_by_chance_tell() -> None:
    """What was there before, what is short, and yes and no are in many a request."""
    assert telling("15.4", "15.8") == {"15.8"}
    assert telling({"size": 20, "kind": "gp3"}, {"size": 500, "kind": "gp3", "on": True}) == {"500"}
    assert telling(ABSENT, ["sg-1", "sg-2", "a"]) == {"sg-1", "sg-2"}
    assert telling(False, True) == telling("a", ABSENT) == telling(3, 4) == set()
