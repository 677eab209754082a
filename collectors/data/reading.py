"""One pass over a database: every table sampled, every column of text profiled. What cannot be read is a gap."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from auditor.collector import Context
from auditor.errors import CollectError
from auditor.model import Gap, GapReason, Resource
from collectors.data import meanings
from collectors.data.database import Column, Database, Sort, Table
from collectors.data.kinds import COLUMN, DATABASE, TABLE
from collectors.data.options import DataOptions
from collectors.data.patterns import Patterns
from collectors.data.profile import Profile
from collectors.data.sampling import Sample, sampled

ALL_KINDS = "data.*"
_PROFILED = (Sort.TEXT, Sort.DOCUMENT, Sort.ADDRESS)
SPARE = 0.85
"""The part of a task's time after which no further table is begun."""


@dataclass(frozen=True)
class Reading:
    """What one pass has at hand. `source` is its label, `deadline` on the monotonic clock."""

    database: Database
    options: DataOptions
    context: Context
    source: str
    deadline: float

    @property
    def name(self) -> str:
        return self.options.name or self.options.place.database or self.database.name

    def items(self) -> Iterator[Resource | Gap]:
        found = self.database.tables(views=self.options.views)
        taken = [table for table in found if self._is_taken(table)]
        tables = taken[: self.options.limits.tables]
        tally: Counter[str] = Counter(excluded=len(found) - len(taken))
        skipped: Counter[str] = Counter()
        for index, table in enumerate(tables):
            if self.context.cancelled.is_set():
                return
            if time.monotonic() >= self.deadline:
                yield self._gap(GapReason.TIMEOUT, _late(index, len(tables)))
                tally["unread"] += len(tables) - index
                break
            for item in self._table(table):
                tally["unread" if isinstance(item, Gap) and item.kind == ALL_KINDS else item.kind] += 1
                skipped.update(item.attributes.get("skipped", {}) if isinstance(item, Resource) else {})
                yield item
        if len(taken) > len(tables):
            detail = f"{len(taken) - len(tables)} of {len(taken)} tables lie beyond `limits.tables`: raise it, or exclude some"
            yield self._gap(GapReason.TRUNCATED, detail)
        unseen = self.database.unseen()
        if unseen is not None:
            yield self._gap(unseen.reason, unseen.detail)
        yield self._resource(DATABASE.name, self.name, self._told(tally, skipped))

    def _told(self, tally: Counter[str], skipped: Counter[str]) -> dict[str, Any]:
        told: dict[str, Any] = {
            "engine": self.database.engine,
            "read_from": "replica" if self.database.is_replica else "primary",
            "tables": {"sampled": tally[TABLE.name], "unread": tally["unread"], "excluded": tally["excluded"]},
            "columns": tally[COLUMN.name],
        }
        return told | ({"skipped": dict(sorted(skipped.items()))} if skipped else {})

    def _is_taken(self, table: Table) -> bool:
        schemas, tables = self.options.schemas, self.options.tables
        return schemas.takes(table.schema) and tables.takes(table.name, f"{table.schema}.{table.name}")

    def _table(self, table: Table) -> Iterator[Resource | Gap]:
        identity = self._identity(table)
        if table.denied is not None:
            yield self._gap(GapReason.ACCESS_DENIED, table.denied, identity)
            return
        try:
            with self.database.part():
                items = list(self._sampled(table, identity))
        except CollectError as error:
            if error.reason is GapReason.UNREACHABLE:
                raise
            yield self._gap(error.reason, error.detail, identity)
            return
        except (ValueError, TypeError, LookupError, ArithmeticError, RecursionError) as error:
            # Its words may quote the value that it stumbled over, so only its name is told.
            detail = f"a value could not be looked at ({type(error).__name__})"
            yield self._gap(GapReason.MALFORMED, detail, identity)
            return
        yield from items

    def _sampled(self, table: Table, identity: str) -> Iterator[Resource | Gap]:
        columns = [column for column in table.columns if column.readable and _is_profiled(column, table)]
        marks = _Marks.of(self.database, table)
        expressions = [*(self.database.as_text(column) for column in columns), *marks.expressions]
        sample = sampled(self.database, table, expressions, self.options.limits.rows)
        yield from self._columns(table, identity, columns, sample)
        unknown = Counter(column.type for column in table.columns if column.sort is Sort.UNKNOWN)
        told: dict[str, Any] = {
            "rows": len(sample.rows) if sample.is_whole else table.rows,
            "sampled": len(sample.rows),
            "how": str(sample.how),
            "unseen_share": sample.unseen_share,
            "empty": not sample.rows,
        }
        told |= {"skipped": dict(sorted(unknown.items()))} if unknown else {}
        oldest, gap = self._oldest(table, identity, sample)
        yield self._resource(TABLE.name, identity, told | oldest)
        if gap is not None:
            yield gap
        for column in table.columns:
            if not column.readable and _is_profiled(column, table):
                detail = "the login may not read this column: grant it SELECT"
                whole = f"{identity}.{column.name}"
                yield self._gap(GapReason.ACCESS_DENIED, detail, whole, kind=COLUMN.name)

    def _columns(self, table: Table, identity: str, columns: list[Column], sample: Sample) -> Iterator[Resource]:
        patterns = Patterns(self.options.allowed_domains, self.options.phone_region)
        promised = [meanings.promised(column.name, table.name) for column in columns]
        of_people = meanings.concerns_people(table.name, [column.name for column in table.columns])
        given = next((index for index, hints in enumerate(promised) if meanings.GIVEN in hints), None)
        for index, column in enumerate(columns):
            is_ip = column.sort is Sort.ADDRESS
            profile = Profile(table.name, column.name, patterns, is_ip=is_ip, of_people=of_people)
            live = 0
            for row in sample.rows:
                profile.add(row[index], row[given] if given is not None else None)
                live += row[index] not in (None, "") and not any(row[len(columns) :])
            told = profile.attributes(self.context.fingerprint)
            if meanings.SESSION in promised[index] and profile.sampled:
                told["live"] = {"values": live, "share": round(live / profile.sampled, 3)}
            yield self._resource(COLUMN.name, f"{identity}.{column.name}", told, parent=identity)

    def _oldest(self, table: Table, identity: str, sample: Sample) -> tuple[dict[str, str], Gap | None]:
        """The day of the oldest row of a table of events: of all rows where that is cheap, else of the lowest key."""
        if not any(fnmatchcase(table.name.lower(), glob.lower()) for glob in self.options.history) or not sample.rows:
            return {}, None
        times = [column.name for column in table.columns if column.sort is Sort.TIME and column.readable]
        column = meanings.when(times)
        if column is None:
            return {}, None
        quoted, source = self.database.quoted(column), self.database.quoted(table.schema, table.name)
        if sample.is_whole or column in table.indexed:
            day, by = self.database.as_day(f"min({quoted})"), "every row"
            statement = f"select {day} from {source} where {quoted} > '1900-01-01'"
        elif table.key is not None:
            day, by = self.database.as_day(quoted), "the lowest key"
            key = self.database.quoted(table.key)
            statement = f"select {day} from {source} where {quoted} > '1900-01-01' order by {key} limit 1"
        else:
            detail = f"finding the oldest row would read the whole table: give it an index that begins with {column}"
            return {}, self._gap(GapReason.UNSUPPORTED, detail, identity, kind=TABLE.name, attribute="oldest")
        found = self.database.rows(statement)
        oldest = found[0][0] if found else None
        return ({"oldest": str(oldest), "oldest_by": by} if oldest is not None else {}), None

    def _identity(self, table: Table) -> str:
        whole = self.database.engine == "postgresql" or not self.options.place.database
        parts = (self.name, table.schema, table.name) if whole else (self.name, table.name)
        return ".".join(part for part in parts if part)

    def _resource(self, kind: str, identity: str, told: dict[str, Any], parent: str | None = None) -> Resource:
        place = self.options.read_place
        location = f"{place.engine}://{place.host}/{place.database}"
        return Resource(kind, identity, told, parent=parent, location=location)

    def _gap(
        self,
        reason: GapReason,
        detail: str,
        resource: str | None = None,
        *,
        kind: str = ALL_KINDS,
        attribute: str | None = None,
    ) -> Gap:
        return Gap(self.context.environment, self.source, kind, reason, detail, resource=resource, attribute=attribute)


@dataclass(frozen=True, slots=True)
class _Marks:
    """Conditions that are true where a row says that it is not valid any more: expired, revoked."""

    expressions: list[str]

    @classmethod
    def of(cls, database: Database, table: Table) -> _Marks:
        expressions = []
        for column in table.columns:
            quoted = database.quoted(column.name)
            if not column.readable:
                continue
            if column.sort is Sort.TIME and meanings.ends(column.name):
                expressions.append(f"({quoted} is not null and {quoted} <= current_timestamp)")
            elif column.sort is Sort.TIME and meanings.revokes(column.name):
                expressions.append(f"({quoted} is not null)")
            elif column.sort is Sort.SWITCH and (meanings.revokes(column.name) or meanings.ends(column.name)):
                expressions.append(f"(coalesce({quoted}, false))")
        return cls(expressions)


def _is_profiled(column: Column, table: Table) -> bool:
    """Texts always; numbers and days only under a name that promises what they are."""
    if column.sort in _PROFILED:
        return True
    hints = meanings.promised(column.name, table.name)
    if column.sort is Sort.NUMBER:
        return bool(hints & {meanings.PHONE, meanings.CARD, meanings.NATIONAL_ID})
    return column.sort is Sort.TIME and meanings.BIRTH_DATE in hints


def _late(done: int, total: int) -> str:
    return (
        f"time ran out after {done} of {total} tables: raise the collect timeout, lower `limits.rows`, or exclude some"
    )
