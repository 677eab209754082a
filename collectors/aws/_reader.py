"""Asks AWS for one task: every request through the token bucket and the deadline, every page of every listing, every
error as ours."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from botocore import xform_name
from botocore.model import OperationModel

from auditor.collector import Context
from auditor.errors import CollectError
from auditor.model import Gap, GapReason, Json
from collectors._meter import ERROR
from collectors.aws._codes import NotOfferedError
from collectors.aws._errors import BROKEN_ANSWER, EXPECTED, translate
from collectors.aws._limits import Bucket, Deadline, bucket
from collectors.aws._offered import is_absent
from collectors.aws._once import once
from collectors.aws._session import Source
from collectors.aws._shapes import shape_at, snake
from collectors.aws._side_by_side import helpers, side_by_side
from collectors.aws.base import READS, AwsKind, action, pick

# The token of an answer -> the parameter that asks for the next page, in the spellings that AWS uses.
_TOKENS = (
    ("NextToken", "NextToken"),
    ("nextToken", "nextToken"),
    ("NextMarker", "Marker"),
    ("Marker", "Marker"),
    ("PaginationToken", "PaginationToken"),
    ("NextPageToken", "NextPageToken"),
    ("nextPageToken", "nextPageToken"),
    ("position", "position"),
)

_T = TypeVar("_T")
_R = TypeVar("_R")


class Reader:
    """One kind of one source in one region. `source`, `account` and `region` say which."""

    def __init__(self, kind: AwsKind, source: Source, label: str, account: str, region: str, context: Context) -> None:
        self.kind = kind
        self.source = label
        self.account = account
        self.region = region
        self.context = context
        self.options = source.options
        self._source = source
        self._deadline = Deadline(context)
        self._allowed = frozenset(kind.actions)

    def call(self, operation: str, /, *, service: str = "", **arguments: Any) -> dict[str, Any]:
        """One request; the answer in the API's spelling. Raises CollectError."""
        service = service or self.kind.service
        client = self._client(service, operation)
        shared = self._wait(service, operation)
        try:
            with self._source.asking(shared):
                answer: dict[str, Any] = getattr(client, xform_name(operation))(**arguments)
        except EXPECTED as error:
            raise self._failed(error, service, operation) from error
        return answer

    def items(self, operation: str, result: str, /, *, service: str = "", **arguments: Any) -> Iterator[Any]:
        """Every item at `result` of every page, as the pages come. Raises CollectError when a page cannot be had."""
        service = service or self.kind.service
        seen: set[str] = set()
        for page in self._pages(service, operation, arguments):
            yield from self._found(page, result, service, operation)
            for token in _tokens(page):
                if token in seen:
                    raise CollectError(
                        GapReason.TRUNCATED,
                        f"{service}:{operation} in {self.region}: the same page token came twice, so the listing has no end",
                    )
            seen.update(_tokens(page))

    def batches(
        self,
        operation: str,
        result: str,
        parameter: str,
        values: Sequence[str],
        /,
        *,
        size: int = 100,
        service: str = "",
        **arguments: Any,
    ) -> Iterator[Any]:
        """`items`, asked for `size` of `values` at a time: what ListX named, DescribeX tells."""
        for start in range(0, len(values), size):
            part = {**arguments, parameter: list(values[start : start + size])}
            yield from self.items(operation, result, service=service, **part)

    def of(self, kind: AwsKind, *, region: str = "") -> Reader:
        """A reader of another kind, in `region` or in this one, for the same task: what it reads decides about this one.

        `kind`'s own actions must be among the permissions of the kind that is read by this task."""
        undeclared = frozenset(kind.actions) - self._allowed
        if undeclared:
            raise AssertionError(f"{self.kind.name} does not declare {', '.join(sorted(undeclared))}")
        other = Reader(kind, self._source, self.source, self.account, region or self.region, self.context)
        other._deadline = self._deadline
        return other

    def once(self, what: str, read: Callable[[], Iterator[_T]], /) -> Iterator[_T]:
        """What `read` yields, read by the first task of this source and region that asks for `what`. Raises CollectError."""
        try:
            yield from once(self.context.shared, self._source, self.region, what).items(read, self._deadline.left())
        except TimeoutError as error:
            raise CollectError(
                GapReason.TIMEOUT, f"{what} in {self.region}: another task is still reading it"
            ) from error

    def side_by_side(self, work: Callable[[_T], _R], things: Iterable[_T], /) -> Iterator[_R]:
        """`work` of each of `things`, several at a time, in their order; by the threads that all tasks of the run share."""
        return side_by_side(work, things, by=helpers(self.context.shared))

    def known(self, what: str) -> dict[str, Any]:
        """What tasks of this source and region found out about `what` in this run; they may add to it."""
        everything: dict[Any, dict[str, Any]] = self.context.shared.setdefault("aws.known", {})
        return everything.setdefault((self._source, self.region, what), {})

    def before(self, what: str, proof: tuple[str | None, ...], read: Callable[[], tuple[Json, bool]], /) -> Json:
        """What `read` answers, or answered earlier for the same `proof`: what a listing says of a thing and what by AWS's
        word changes whenever the answer does. An incomplete proof proves nothing. `read` gives the answer, and whether that
        was of what the proof is about; only then is it kept. Raises what `read` raises, and keeps nothing of it."""
        if not all(proof):
            return read()[0]
        kept, key = self._source.proven, (self.account, self.region, what, *proof)
        if key not in kept:
            answer, same = read()
            if not same:
                return answer
            kept[key] = answer
        return kept[key]

    def spelled(self, value: Any, operation: str, path: str, /, *, service: str = "") -> Json:
        """`value`, an item (or all) of what lies at `path` of the answer to `operation`, in our spelling."""
        shape = shape_at(self.model(operation, service=service).output_shape, path)
        if not isinstance(value, list) and shape is not None and shape.type_name == "list":
            shape = shape.member
        return snake(value, shape)

    def model(self, operation: str, /, *, service: str = "") -> OperationModel:
        """botocore's model of an operation."""
        client = self._source.client(service or self.kind.service, self.region)
        return client.meta.service_model.operation_model(operation)

    def gap(self, error: CollectError, *, resource: str | None = None, attribute: str | None = None) -> Gap:
        """`error` as a gap of this task, about one resource or one attribute of it."""
        return Gap(
            environment=self.context.environment,
            source=self.source,
            kind=self.kind.name,
            reason=error.reason,
            detail=error.detail,
            region=None if self.kind.everywhere else self.region,
            resource=resource or error.resource,
            attribute=attribute or error.attribute,
        )

    def _client(self, service: str, operation: str) -> Any:
        if not operation.startswith(READS) or action(service, operation) not in self._allowed:
            # A mistake of ours, not of the far side: what is not declared is not in the generated IAM policy either.
            raise AssertionError(f"{self.kind.name} does not declare {action(service, operation)}")
        return self._source.client(service, self.region)

    def _failed(self, error: BaseException, service: str, operation: str) -> CollectError:
        if isinstance(error, BROKEN_ANSWER):  # the client gave up on it before anybody could count it
            self.context.meter(service, ERROR)
        failed = translate(error, service, operation, self.region, known=True)
        # What another service has not is no answer to what there is of this kind.
        if service == self.kind.service and is_absent(error, offered=self._source.offers(service, self.region)):
            return NotOfferedError(failed.reason, failed.detail)
        return failed

    def _wait(self, service: str, operation: str) -> Bucket:
        rate = self._source.options.rate(service)
        found = bucket(self.context.shared, self.account, self.region, service, rate)
        self._deadline.wait(found.reserve(), f"{service}:{operation} in {self.region}")
        return found

    def _pages(self, service: str, operation: str, arguments: dict[str, Any]) -> Iterator[Mapping[str, Any]]:
        client = self._client(service, operation)
        if not client.can_paginate(xform_name(operation)):
            yield from self._pages_by_token(service, operation, arguments)
            return
        pages = iter(client.get_paginator(xform_name(operation)).paginate(**arguments))
        while True:
            shared = self._wait(service, operation)
            try:
                with self._source.asking(shared):
                    page = next(pages, None)
            except EXPECTED as error:
                raise self._failed(error, service, operation) from error
            if page is None:
                return
            yield page

    def _pages_by_token(self, service: str, operation: str, arguments: dict[str, Any]) -> Iterator[Mapping[str, Any]]:
        model = self.model(operation, service=service)
        inputs = model.input_shape.members if model.input_shape is not None else {}
        while True:
            page = self.call(operation, service=service, **arguments)
            yield page
            token = next(((to, page[of]) for of, to in _TOKENS if page.get(of) and to in inputs), None)
            if token is None:
                return
            arguments = {**arguments, token[0]: token[1]}

    def _found(self, page: Mapping[str, Any], result: str, service: str, operation: str) -> list[Any]:
        """The items of one page. A page without the list is no empty page: something else answered."""
        first = result.split(".")[0].removesuffix("[]")
        found = pick(page, result)
        if first not in page or not isinstance(found, list):
            raise CollectError(
                GapReason.MALFORMED, f"{service}:{operation} in {self.region}: an answer without {first}"
            )
        return found


def _tokens(page: Mapping[str, Any]) -> list[str]:
    return [str(page[of]) for of, _ in _TOKENS if page.get(of)]
