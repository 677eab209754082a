"""What ListX names and DescribeX tells, one call each: as many services of AWS list little more than names."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from auditor.errors import CollectError
from auditor.model import Gap, GapReason
from collectors.aws._codes import code_of
from collectors.aws.base import Document

if TYPE_CHECKING:
    from collectors.aws._reader import Reader

# Deleted between the listing and the look at it.
GONE = frozenset({"ResourceNotFoundException", "NotFoundException", "ResourceNotFound", "FileSystemNotFound"})


def described(
    reader: Reader,
    names: Iterable[str],
    operation: str,
    result: str,
    parameter: str,
    /,
    *,
    called: Callable[[str], str] = str,
    **arguments: Any,
) -> Iterator[Document | Gap]:
    """What `operation` answers at `result` (empty: all of it) for each of `names`, given as `parameter`.

    One that cannot be read is a gap about `called(name)`, its identity; one that is gone by now is left out.
    """

    def told(name: str) -> list[Document | Gap]:
        try:
            return list(one(reader, operation, result, **{**arguments, parameter: name}))
        except CollectError as error:
            return [reader.gap(error, resource=called(name))]

    for found in reader.side_by_side(told, names):
        yield from found


def one(reader: Reader, operation: str, result: str, /, **arguments: Any) -> Iterator[Document]:
    """The one document that `operation` answers at `result`; nothing where it is gone. Raises CollectError."""
    try:
        answer = reader.call(operation, **arguments)
    except CollectError as error:
        if error.__cause__ is not None and code_of(error.__cause__) in GONE:
            return
        raise
    found: Any = answer.get(result) if result else answer
    if not isinstance(found, Mapping):
        raise CollectError(
            GapReason.MALFORMED, f"{reader.kind.service}:{operation} in {reader.region}: an answer without {result}"
        )
    yield found


def last(arn: str) -> str:
    """The last part of an ARN: what it names."""
    return arn.rpartition("/")[2].rpartition(":")[2]
