"""How many requests reading one kind takes, from what the collectors declare, and how fast AWS lets them be made.

A listing is one request for each page, an empty one a request too; each declared detail is one more for each resource. What
collectors ask in functions of their own cannot be read off a declaration and stands in `_ASKED`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from collectors.aws._registry import services

# Sixty kinds, by the services that most accounts have.
_SERVICES = (
    "vpc", "ec2", "autoscaling", "ecs", "ecr", "eks", "lambda", "elbv2", "rds", "elasticache", "dynamodb", "s3", "efs", "ssm",
    "secretsmanager", "kms", "acm", "iam", "sqs", "sns", "events", "stepfunctions", "cloudwatch", "logs", "apigateway",
    "apigatewayv2", "route53", "cloudtrail",
)  # fmt: skip
_PAGE = 100
_PAGES = {"aws.ssm.parameter": 10, "aws.ecs.service": 10, "aws.iam.role": 1000, "aws.s3.bucket": 1000}
# Requests for each resource that a collector's own function makes: DescribeTable, DescribeKey, a role's policies.
_ASKED = {
    "aws.dynamodb.table": 1.0,
    "aws.ecs.task_definition": 1.0,
    "aws.eks.cluster": 1.0,
    "aws.iam.group": 2.0,
    "aws.iam.policy": 1.0,
    "aws.iam.role": 3.0,
    "aws.kms.key": 1.0,
    "aws.rds.parameter_group": 1.0,
    "aws.route53.record_set": 1.0,
    "aws.secretsmanager.secret": 1.0,
}
_SOMETIMES = 0.3
"""Of the resources that a detail with a condition is asked for."""
PROVEN = frozenset({"aws.ecs.task_definition", "aws.lambda.function"})
"""Kinds whose listing proves that nothing changed, so that their details are not asked again."""

# Requests a second of one account in one region (global services: of one account), from AWS's own pages; where AWS tells
# none, the product's own default. EC2: "Request throttling for the Amazon EC2 API" (refill of Describe*). Lambda: "Lambda
# quotas" (control plane). Secrets Manager: "AWS Secrets Manager quotas" (GetResourcePolicy). Route 53: "Quotas".
OWN = 20.0
TOLD = {"ec2": 20.0, "lambda": 15.0, "secretsmanager": 50.0, "route53": 5.0}
_OURS = {"s3": 100.0, "sqs": 100.0, "kms": 100.0, "secretsmanager": 40.0}


@dataclass(frozen=True, slots=True)
class Asked:
    """How one kind is read. `each` is how many requests a resource takes besides its listing."""

    kind: str
    service: str
    page: int
    each: float
    everywhere: bool

    def calls(self, resources: int, *, unchanged: bool) -> float:
        """Requests for a listing of so many. `unchanged`: details are left out where the listing proves that they may be."""
        each = 0.0 if unchanged and self.kind in PROVEN else self.each
        return max(1, math.ceil(resources / self.page)) + each * resources

    @property
    def rate(self) -> float:
        """Requests a second that both AWS and the product allow."""
        return min(TOLD.get(self.service, math.inf), _OURS.get(self.service, OWN))


@cache
def kinds(most: int) -> tuple[Asked, ...]:
    """The first `most` kinds of the services that most accounts have. Raises ValueError where fewer are declared."""
    found = tuple(_declared())[:most]
    if len(found) < most:
        raise ValueError(f"only {len(found)} kinds are known here: ask for fewer")
    return found


def _declared() -> Iterator[Asked]:
    declared = services()
    for name in _SERVICES:
        for kind in declared[name]:
            always = sum(1 for detail in kind.details if detail.when is None)
            each = always + _SOMETIMES * (len(kind.details) - always) + _ASKED.get(kind.name, 0.0)
            yield Asked(kind.name, kind.service, _PAGES.get(kind.name, _PAGE), each, kind.everywhere)
