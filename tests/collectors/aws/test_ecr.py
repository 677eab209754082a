"""ECR: repositories."""

from __future__ import annotations

import json
from typing import Any

from auditor.model import GapReason
from tests.collectors.aws.canned import canned, told
from tests.collectors.aws.recordings import DENIED, Refusal

KIND = "aws.ecr.repository"
RULE = {"rulePriority": 1, "selection": {"tagStatus": "any", "countNumber": 50}, "action": {"type": "expire"}}
PULL = {"Sid": "Pull", "Effect": "Allow", "Principal": {"AWS": "222222222222"}, "Action": ["ecr:BatchGetImage"]}
ANSWERS: dict[str, Any] = {
    "DescribeRepositories": {
        "repositories": [
            {
                "repositoryName": "acme/api",
                "repositoryArn": "arn:aws:ecr:eu-west-1:111111111111:repository/acme/api",
                "repositoryUri": "111111111111.dkr.ecr.eu-west-1.amazonaws.com/acme/api",
                "registryId": "111111111111",
                "imageTagMutability": "IMMUTABLE",
                "imageScanningConfiguration": {"scanOnPush": True},
            }
        ]
    },
    "GetLifecyclePolicy": {"lifecyclePolicyText": json.dumps({"rules": [RULE]})},
    "GetRepositoryPolicy": {"policyText": json.dumps({"Statement": [PULL]})},
    "ListTagsForResource": {"tags": [{"Key": "team", "Value": "web"}]},
}


def test_a_repository_tells_who_may_pull_and_what_it_forgets() -> None:
    """Rules by their priority, statements by what names them."""
    assert told(KIND, ANSWERS) == {
        "image_tag_mutability": "IMMUTABLE",
        "image_scanning_configuration": {"scan_on_push": True},
        "encryption_configuration": {"encryption_type": "AES256"},
        "life_cycle": {"1": {key: value for key, value in RULE.items() if key != "rulePriority"}},
        "policy": {
            "Pull": {
                "effect": "allow",
                "actions": ["ecr:batchgetimage"],
                "principals": {"aws": ["arn:aws:iam::222222222222:root"]},
            }
        },
    }


def test_no_policies_are_an_answer_and_denied_is_none() -> None:
    """A repository that nobody gave any; and one whose policies may not be read."""
    none = {
        "GetLifecyclePolicy": Refusal("LifecyclePolicyNotFoundException"),
        "GetRepositoryPolicy": Refusal("RepositoryPolicyNotFoundException"),
    }
    found = told(KIND, {**ANSWERS, **none})
    assert (found["life_cycle"], found["policy"]) == ({}, None)
    seen = canned(KIND, {**ANSWERS, "GetLifecyclePolicy": DENIED})
    assert [(gap.attribute, gap.reason) for gap in seen.gaps] == [("life_cycle", GapReason.ACCESS_DENIED)]
