"""Reading a database part by part: what one part is refused costs that part only, and the gap says which."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from auditor.collector import Context
from auditor.errors import CollectError
from auditor.model import Gap, GapReason, Kind, Resource
from collectors._databases import migrations
from collectors._databases.options import RelationalOptions

SPARE = 0.85
"""The part of a task's time after which no further part is begun."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What one pass knows of where it is: what the database is called, its source's label, its host and address."""

    name: str
    source: str
    host: str
    location: str
    options: RelationalOptions
    context: Context

    def takes(self, schema: str, table: str) -> bool:
        return self.options.schemas.takes(schema) and self.options.tables.takes(table, f"{schema}.{table}")

    def resource(self, kind: Kind, identity: str, attributes: dict[str, Any]) -> Resource:
        return Resource(kind.name, identity, attributes, parent=self.name, location=self.location)

    def gap(
        self,
        kind: Kind,
        error: CollectError,
        resource: str | None = None,
        attribute: str | None = None,
    ) -> Gap:
        return Gap(
            self.context.environment,
            self.source,
            kind.name,
            error.reason,
            error.detail,
            resource=resource,
            attribute=attribute,
        )


Part = Callable[[], Iterable[Resource | Gap]]


def run(
    scope: Scope,
    parts: Sequence[tuple[Kind, Part]],
    is_lost: Callable[[], bool],
    *,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[Resource | Gap]:
    """Every part's resources and gaps. A part that fails is a gap for its kind; with the connection all the rest fails.

    No part yields before it was read whole, so a listing that broke off never looks like a short one."""
    deadline = clock() + scope.context.timeout * SPARE
    for kind, part in parts:
        if scope.context.cancelled.is_set():
            raise CollectError(GapReason.TIMEOUT, "the run was stopped before the whole database was read")
        if clock() >= deadline:
            yield scope.gap(kind, CollectError(GapReason.TIMEOUT, "the time of the task was used up by other parts"))
            continue
        try:
            items = list(part())
        except CollectError as error:
            if is_lost():
                raise
            yield scope.gap(kind, error)
            continue
        yield from items


def bounded(items: Sequence[Any], most: int, what: str) -> CollectError | None:
    """The error that says that there are more than are read."""
    if len(items) <= most:
        return None
    return CollectError(
        GapReason.TRUNCATED, f"there are more than {most} {what}: raise `limits.objects`, or exclude some schemas"
    )


def migrations_of(
    scope: Scope,
    kind: Kind,
    found: Sequence[migrations.Found],
    reader: migrations.Reader,
    identity: Callable[[migrations.Found], str],
    grant: Callable[[migrations.Found], str],
    guard: Callable[[], Any],
) -> Iterator[Resource | Gap]:
    """How far each tool came. A table that may not be read is a gap of its own, with the grant that it lacks.

    `guard` gives a context in which one table may fail without the others."""
    for table, tool in migrations.recorded(found):
        called = identity(table)
        try:
            if not table.readable:
                raise CollectError(GapReason.ACCESS_DENIED, f"the login may not read it: {grant(table)}")
            with guard():
                attributes = migrations.read(table, tool, reader)
        except CollectError as error:
            if error.reason is GapReason.UNREACHABLE:
                raise
            yield scope.gap(kind, error, resource=called)
            continue
        yield scope.resource(kind, called, attributes)
