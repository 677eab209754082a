"""Policy documents of IAM in one normal form."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest

from collectors.aws._policies import statements

READ = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::orders/*"}
WRITE = {"Effect": "Allow", "Action": ["sqs:SendMessage"], "Resource": ["*"]}


def _policy(*written: Any) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(written)}


@pytest.mark.parametrize(
    "other",
    [
        _policy(WRITE, READ),
        {
            "Statement": [
                {**READ, "Action": ["S3:getobject"], "Sid": "VisualEditor0"},
                {**WRITE, "Sid": "Stmt1593512345"},
            ]
        },
        json.dumps(_policy(READ, {**WRITE, "Resource": ["*", "*"]})),
        quote(json.dumps(_policy(READ, WRITE))),
    ],
)
def test_what_is_written_otherwise_and_allows_the_same_is_the_same(other: Any) -> None:
    """Order, case of actions, lone strings, made-up Sids, text and URL-encoded text make no difference."""
    assert statements(other) == statements(_policy(READ, WRITE))
    assert list(statements(_policy(READ, WRITE))) == ["allow s3", "allow sqs"]


def test_a_changed_action_is_a_change_of_its_statement() -> None:
    """The statement keeps its name, so that one thing differs and not a statement gone and another come."""
    before, after = statements(_policy(READ, WRITE)), statements(_policy({**READ, "Action": "s3:*"}, WRITE))
    assert list(before) == list(after)
    assert [after["allow s3"]["actions"], before["allow s3"]["actions"]] == [["s3:*"], ["s3:getobject"]]


def test_names_that_people_gave_are_kept_and_never_collide() -> None:
    """Of two that are called alike the second has its number; a lone statement needs no list."""
    assert list(statements(_policy({**READ, "Sid": "Reads"}, {**READ, "Resource": "*"}))) == ["allow s3", "Reads"]
    assert list(statements(_policy(READ, {**READ, "Resource": "*"}))) == ["allow s3", "allow s3 2"]
    assert list(statements({"Statement": READ})) == ["allow s3"]


def test_principals_and_conditions_take_one_spelling() -> None:
    """Everybody, an account and its root, and the keys and switches of conditions."""
    trust = {
        "Effect": "Deny",
        "Principal": {"AWS": "111122223333", "Service": "ecs.amazonaws.com"},
        "NotAction": "iam:*",
        "Condition": {"Bool": {"aws:SecureTransport": False}},
    }
    assert statements(_policy(trust)) == {
        "deny everything but iam": {
            "effect": "deny",
            "not_actions": ["iam:*"],
            "principals": {"aws": ["arn:aws:iam::111122223333:root"], "service": ["ecs.amazonaws.com"]},
            "conditions": {"Bool": {"aws:securetransport": ["false"]}},
        }
    }
    everybody = statements(_policy({**READ, "Principal": "*"}))["allow s3"]["principals"]
    assert everybody == statements(_policy({**READ, "Principal": {"AWS": ["*"]}}))["allow s3"]["principals"]


@pytest.mark.parametrize("broken", ["not json", "[1]", '{"Statement": [{"Action": "x"}]}'])
def test_what_is_no_policy_is_refused(broken: str) -> None:
    """So that it becomes a gap, and not a policy that allows nothing."""
    with pytest.raises((ValueError, TypeError, KeyError)):
        statements(broken)
