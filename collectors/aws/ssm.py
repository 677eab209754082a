"""Systems Manager: parameters. Plain values are read; SecureString values only with `read_secure_values`, and then only
their fingerprints leave this process. Without it their values are absent by choice, which is no gap. Labels are read with
`read_parameter_labels`: what is asked for as `name:label` may be an older version than the newest.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from auditor.errors import CollectError
from auditor.model import Category, Gap, GapReason, Json
from collectors.aws.base import AwsKind, Document

if TYPE_CHECKING:
    from collectors.aws._reader import Reader

_BATCH = 10  # as many names as GetParameters takes


def _parameters(reader: Reader) -> Iterator[Document | Gap]:
    """Every parameter, with its labels where these are wanted."""
    for found in _valued(reader):
        if isinstance(found, Gap) or not reader.options.read_parameter_labels:
            yield found
            continue
        try:
            yield {**found, "Labels": _labels(reader, str(found["Name"]))}
        except CollectError as error:
            yield reader.gap(error, resource=found["Name"], attribute="labels")
            yield found


def _labels(reader: Reader, name: str) -> list[str]:
    """Each label with whether the newest version carries it or an older one. Numbers of versions are no drift."""
    versions = list(reader.items("GetParameterHistory", "Parameters", Name=name, MaxResults=50))
    newest = max((each["Version"] for each in versions), default=0)
    return sorted(
        f"{label}: {'newest' if each['Version'] == newest else 'older'}"
        for each in versions
        for label in each.get("Labels", ())
    )


def _valued(reader: Reader) -> Iterator[Document | Gap]:
    """Every parameter; the values of a batch are asked for as soon as it is full."""
    batches: dict[bool, list[Document]] = {False: [], True: []}
    values = _Values(reader)
    for parameter in reader.items("DescribeParameters", "Parameters", MaxResults=50):
        secure = parameter.get("Type") == "SecureString"
        if secure and not reader.options.read_secure_values:
            yield parameter
            continue
        batches[secure].append(parameter)
        if len(batches[secure]) == _BATCH:
            yield from values.of(batches[secure], secure=secure)
            batches[secure] = []
    for secure, rest in batches.items():
        yield from values.of(rest, secure=secure)


class _Values:
    """Asks for values ten at a time. A batch that is refused is asked for one by one, because the right to read may end
    at a path; once a whole batch was refused that way, it is not asked again singly."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._singly = {False: True, True: True}

    def of(self, parameters: Sequence[Document], *, secure: bool) -> Iterator[Document | Gap]:
        if not parameters:
            return
        try:
            yield from self._ask(parameters, secure=secure)
        except CollectError as error:
            if error.reason is not GapReason.ACCESS_DENIED or not self._singly[secure] or len(parameters) == 1:
                yield from self._unknown(parameters, error)
                return
            yield from self._one_by_one(parameters, secure=secure)

    def _one_by_one(self, parameters: Sequence[Document], *, secure: bool) -> Iterator[Document | Gap]:
        refused = 0
        for parameter in parameters:
            try:
                yield from self._ask([parameter], secure=secure)
            except CollectError as error:
                refused += 1
                yield from self._unknown([parameter], error)
        self._singly[secure] = refused < len(parameters)

    def _ask(self, parameters: Sequence[Document], *, secure: bool) -> list[Document | Gap]:
        names = [parameter["Name"] for parameter in parameters]
        answered = self._reader.items("GetParameters", "Parameters", Names=names, WithDecryption=secure)
        values = {each["Name"]: each["Value"] for each in answered}
        found: list[Document | Gap] = []
        for parameter in parameters:
            if parameter["Name"] not in values:
                found += self._unknown([parameter], _vanished(parameter["Name"]))
                continue
            found.append({**parameter, _attribute(parameter): values[parameter["Name"]]})
        return found

    def _unknown(self, parameters: Sequence[Document], error: CollectError) -> list[Document | Gap]:
        attribute = {"Value": "value", "SecureValue": "secure_value"}
        gaps = [
            self._reader.gap(error, resource=each["Name"], attribute=attribute[_attribute(each)]) for each in parameters
        ]
        return [*gaps, *parameters]


def _attribute(parameter: Document) -> str:
    """Where the value goes: `secure_value` is declared secret; what stands in `value` is judged by its name."""
    return "SecureValue" if parameter.get("Type") == "SecureString" else "Value"


def _vanished(name: str) -> CollectError:
    return CollectError(GapReason.MALFORMED, f"ssm:GetParameters: {name} is listed, but its value was not answered")


def _parameter(attributes: dict[str, Json]) -> dict[str, Json]:
    """A StringList as the list that it is; what some answers leave out filled in."""
    value: Any = attributes.get("value")
    if attributes.get("type") == "StringList" and isinstance(value, str):
        attributes["value"] = value.split(",")
    attributes.setdefault("tier", "Standard")
    attributes.setdefault("data_type", "text")
    attributes.setdefault("policies", [])
    return attributes


KINDS = (
    AwsKind(
        name="aws.ssm.parameter",
        category=Category.CONFIG,
        about="Parameters of Systems Manager's parameter store",
        cloudformation="AWS::SSM::Parameter",
        service="ssm",
        operation="DescribeParameters",
        result="Parameters",
        read=_parameters,
        permissions=("ssm:GetParameters",),
        only_with={"read_secure_values": ("kms:Decrypt",), "read_parameter_labels": ("ssm:GetParameterHistory",)},
        identity="Name",
        location="ARN",
        keyed={"policies": "policy_type"},
        ordered=("value",),
        secret=("secure_value",),
        drop=("name", "arn", "last_modified_date", "last_modified_user", "version", "policies.*.policy_status"),
        transform=_parameter,
    ),
)
