"""Service quotas that somebody had raised: a load that one environment may carry, the other refuses.

Two listings per service that the source reads, and no more; quotas at their default are not kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from auditor.errors import CollectError
from auditor.model import Category, Gap, Json
from collectors.aws._codes import code_of
from collectors.aws.base import AwsKind, Document

if TYPE_CHECKING:
    from collectors.aws._reader import Reader

# Service as written under `services:` -> its codes in Service Quotas.
_CODES = {
    "acm": ("acm",),
    "apigateway": ("apigateway",),
    "autoscaling": ("autoscaling",),
    "backup": ("backup",),
    "dynamodb": ("dynamodb",),
    "ec2": ("ec2", "ebs"),
    "ecs": ("ecs", "fargate"),
    "eks": ("eks",),
    "elasticache": ("elasticache",),
    "elbv2": ("elasticloadbalancing",),
    "events": ("events",),
    "kinesis": ("kinesis",),
    "kms": ("kms",),
    "lambda": ("lambda",),
    "opensearch": ("es",),
    "rds": ("rds",),
    "s3": ("s3",),
    "secretsmanager": ("secretsmanager",),
    "sns": ("sns",),
    "sqs": ("sqs",),
    "ssm": ("ssm",),
    "stepfunctions": ("states",),
    "vpc": ("vpc",),
}


def _raised(reader: Reader) -> Iterator[Document | Gap]:
    wanted = reader.options.services
    for service, codes in _CODES.items():
        if wanted and service not in wanted:
            continue
        for code in codes:
            try:
                yield from _applied(reader, code)
            except CollectError as error:
                # Not every service has quotas in every region.
                if error.__cause__ is None or code_of(error.__cause__) != "NoSuchResourceException":
                    raise


def _applied(reader: Reader, code: str) -> Iterator[Document]:
    applied = [each for each in reader.items("ListServiceQuotas", "Quotas", ServiceCode=code) if "Value" in each]
    defaults = {
        each["QuotaCode"]: each.get("Value")
        for each in reader.items("ListAWSDefaultServiceQuotas", "Quotas", ServiceCode=code)
    }
    for each in applied:
        if each["Value"] != defaults.get(each["QuotaCode"], each["Value"]):
            yield {**each, "name": f"{code}/{each['QuotaName']}", "default": defaults[each["QuotaCode"]]}


def _quota(quota: dict[str, Json]) -> dict[str, Json]:
    return {"quota": quota["Value"], "default": quota["default"], "unit": quota.get("Unit")}


KINDS = (
    AwsKind(
        name="aws.servicequotas.quota",
        category=Category.OPERATIONS,
        about="Service quotas that differ from AWS's default, of the services that the source reads",
        service="service-quotas",
        operation="ListServiceQuotas",
        read=_raised,
        permissions=("servicequotas:ListAWSDefaultServiceQuotas",),
        identity="name",
        location="QuotaArn",
        transform=_quota,
    ),
)
