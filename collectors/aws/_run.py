"""Reads one kind: listing, detail calls, spelling, tags, identity. The same for every kind; what differs is declared."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from auditor.errors import CollectError
from auditor.model import Gap, GapReason, Json, Resource
from collectors.aws._codes import NotOfferedError, code_of
from collectors.aws._errors import BROKEN_ANSWER
from collectors.aws._reader import Reader
from collectors.aws.base import Detail, Document, look, pick, tags_of

_STACK, _LOGICAL = "aws:cloudformation:stack-name", "aws:cloudformation:logical-id"


class _Patience:
    """Which detail calls are worth making: one that was refused every retry twice in a row will be refused again, and
    asking on would use up the time that the rest of the listing needs. Several resources share one, side by side."""

    _HOPELESS = (GapReason.THROTTLED, GapReason.TIMEOUT, GapReason.UNREACHABLE)

    def __init__(self) -> None:
        self._failures: dict[str, list[CollectError]] = {}

    def check(self, detail: Detail) -> None:
        """Raises the last failure again, where there is no point in another try."""
        failures = self._failures.get(detail.attribute, [])
        if len(failures) >= 2:
            raise failures[-1]

    def answered(self, detail: Detail) -> None:
        self._failures.pop(detail.attribute, None)

    def failed(self, detail: Detail, error: CollectError) -> None:
        if error.reason in self._HOPELESS:
            self._failures.setdefault(detail.attribute, []).append(error)


def read_kind(reader: Reader) -> Iterator[Resource | Gap]:
    """Every resource of the reader's kind, and a gap for each thing of it that could not be read.

    Raises CollectError when the listing broke off; what was yielded before stays true.
    """
    patience = _Patience()
    broken: list[CollectError] = []

    def whole(item: Gap | tuple[Document, str]) -> list[Resource | Gap]:
        return [item] if isinstance(item, Gap) else list(_resource(reader, *item, patience))

    # Where an item costs no further calls there is nothing to wait for.
    for found in (reader.side_by_side if reader.kind.details else map)(whole, _identified(reader, broken)):
        yield from found
    if broken:
        raise broken[0]


def _identified(reader: Reader, broken: list[CollectError]) -> Iterator[Gap | tuple[Document, str]]:
    """Every document of the listing with its identity. Adds to `broken` why others have none."""
    names: dict[str, int] = {}
    for document in _documents(reader):
        if isinstance(document, Gap):
            yield document
            continue
        try:
            yield document, _identity(reader, document, names)
        except CollectError as error:
            broken.append(error)


def _documents(reader: Reader) -> Iterator[Document | Gap]:
    kind = reader.kind
    listing = (
        kind.read(reader) if kind.read is not None else reader.items(kind.operation, kind.result, **kind.arguments)
    )
    begun = False
    try:
        for document in listing:
            begun = True
            yield document
    except NotOfferedError:
        # Nothing of it can be here, so that is the whole listing; unless there was something.
        if begun:
            raise


def _identity(reader: Reader, document: Document, names: dict[str, int]) -> str:
    try:
        found = look(document, reader.kind.identity)
    except BROKEN_ANSWER as error:
        raise _malformed(reader, f"an item that is not understood ({type(error).__name__})") from error
    if not found or not isinstance(found, str):
        raise _malformed(reader, "an item without a name")
    # Identities are unique per listing. Of two that share a name the later gets its number.
    names[found] = names.get(found, 0) + 1
    return found if names[found] == 1 else f"{found}#{names[found]}"


def _malformed(reader: Reader, what: str, resource: str | None = None) -> CollectError:
    call = f"{reader.kind.service}:{reader.kind.operation} in {reader.region}"
    return CollectError(GapReason.MALFORMED, f"{call}: {what}", resource=resource)


def _resource(reader: Reader, document: Document, identity: str, patience: _Patience) -> Iterator[Resource | Gap]:
    kind = reader.kind
    details: dict[str, Json] = {}
    gaps: list[CollectError] = []
    for detail in kind.details:
        try:
            if detail.when is None or detail.when(document):
                patience.check(detail)
                details[detail.attribute] = _detail(reader, document, detail)
                patience.answered(detail)
        except CollectError as error:
            patience.failed(detail, error)
            gaps.append(CollectError(error.reason, error.detail, resource=identity, attribute=detail.attribute))
        except BROKEN_ANSWER as error:
            gaps.append(
                CollectError(
                    GapReason.MALFORMED,
                    f"{kind.service}:{detail.operation or detail.attribute} in {reader.region}: "
                    f"the answer could not be understood ({type(error).__name__})",
                    resource=identity,
                    attribute=detail.attribute,
                )
            )
    try:
        resource = _assembled(reader, document, identity, details)
    except BROKEN_ANSWER as error:
        yield reader.gap(_malformed(reader, f"{identity} is not understood ({type(error).__name__})", identity))
        return
    for gap in gaps:
        yield reader.gap(gap, resource=resource.identity)
    yield resource


def _detail(reader: Reader, document: Document, detail: Detail) -> Json:
    if detail.read is not None:
        return detail.read(reader, document)
    service = detail.service or reader.kind.service
    members = reader.model(detail.operation, service=service).input_shape.members
    arguments = dict(detail.constants)
    for parameter, path in detail.arguments.items():
        value = pick(document, path)
        takes_list = members[parameter].type_name == "list"
        arguments[parameter] = [value] if takes_list and not isinstance(value, list) else value
    try:
        answer = _answer(reader, detail, service, arguments)
    except CollectError as error:
        if error.__cause__ is not None and code_of(error.__cause__) in detail.none_on:
            return None
        raise
    spelled = reader.spelled(answer, detail.operation, detail.result, service=service)
    return detail.transform(spelled) if detail.transform is not None else spelled


def _answer(reader: Reader, detail: Detail, service: str, arguments: dict[str, Any]) -> Any:
    shape = reader.model(detail.operation, service=service).output_shape
    first = detail.result.split(".")[0].removesuffix("[]")
    if first and shape.members[first].type_name == "list":
        return list(reader.items(detail.operation, detail.result, service=service, **arguments))
    answer = reader.call(detail.operation, service=service, **arguments)
    if first and first not in answer:
        raise CollectError(
            GapReason.MALFORMED, f"{service}:{detail.operation} in {reader.region}: an answer without {first}"
        )
    return pick(answer, detail.result)


def _assembled(reader: Reader, document: Document, identity: str, details: dict[str, Json]) -> Resource:
    kind = reader.kind
    tags = tags_of(pick(document, kind.tags)) | tags_of(details.pop("tags", None))
    plain = {key: value for key, value in document.items() if key != kind.tags}
    attributes = reader.spelled(plain, kind.operation, kind.result) if kind.result else plain
    attributes |= details
    if kind.transform is not None:
        attributes = kind.transform(attributes)
    for path in kind.drop:
        _drop(attributes, path.split("."))
    location = look(document, kind.location)
    name = _without_generated_suffix(identity, tags)
    refs = [location, *(look(document, where) for where in kind.refs), identity]
    parent, component = look(document, kind.parent), look(document, kind.component)
    return Resource(
        kind=kind.name,
        identity=name,
        attributes=attributes,
        source=reader.source,
        region=None if kind.everywhere else reader.region,
        account=reader.account,
        parent=parent or None,
        refs=tuple(dict.fromkeys(ref for ref in _flat(refs) if ref and ref != name)),
        tags=tags,
        component=component or None,
        location=location or None,
    )


def _without_generated_suffix(identity: str, tags: Mapping[str, str]) -> str:
    """CloudFormation names what nobody named `stack-LogicalId-1ABCDEFGHIJKL`; the last part differs per stack."""
    if _STACK not in tags or _LOGICAL not in tags:
        return identity
    given = f"{tags[_STACK]}-{tags[_LOGICAL]}"
    within, slash, own = identity.rpartition("/")  # a service is named within its cluster
    return f"{within}{slash}{given}" if own.lower().startswith(f"{given}-".lower()) else identity


def _flat(values: list[Any]) -> Iterator[str]:
    for value in values:
        if isinstance(value, list):
            yield from _flat(value)
        elif value is not None:
            yield str(value)


def _drop(value: Any, steps: list[str]) -> None:
    if isinstance(value, list):
        for item in value:
            _drop(item, steps[1:] if steps[0] == "*" else steps)
        return
    if not isinstance(value, dict):
        return
    if len(steps) == 1:
        if steps[0] == "*":
            value.clear()
        value.pop(steps[0], None)
        return
    for key in [steps[0]] if steps[0] != "*" else list(value):
        if key in value:
            _drop(value[key], steps[1:])
