"""A PostgreSQL connection as the readers of its catalogue use it: bounded answers, each part in a savepoint."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from auditor.errors import CollectError
from auditor.model import GapReason
from collectors._meter import counted
from collectors._postgres import API, classified

if TYPE_CHECKING:
    import psycopg

# Neither the server's own, nor a session's temporary ones, nor of an extension: those follow from its version.
OWN_SCHEMA = "n.nspname !~ '^pg_' and n.nspname <> 'information_schema'"


def not_of_an_extension(catalogue: str, oid: str) -> str:
    """The condition that what stands in `catalogue` under `oid` was not made by an extension."""
    return (
        f"not exists (select 1 from pg_depend d where d.classid = '{catalogue}'::regclass"
        f" and d.objid = {oid} and d.deptype = 'e')"
    )


@dataclass(frozen=True)
class Catalogue:
    """One read-only transaction. `most` is how many rows a query may answer."""

    connection: psycopg.Connection[Any]
    meter: Callable[[str, str], None]
    most: int

    def rows(self, statement: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """The whole answer. Raises CollectError, also where there is more than may be read."""
        with counted(self.meter, API), classified(), self.connection.cursor() as cursor:
            cursor.execute(statement.encode(), list(parameters))
            found = cursor.fetchmany(self.most + 1)
        if len(found) > self.most:
            raise CollectError(
                GapReason.TRUNCATED, f"the catalogue has more than {self.most} rows of it: raise `limits.rows`"
            )
        return found

    def quoted(self, *names: str) -> str:
        # A statement with parameters reads % as the beginning of one.
        return self.spelled(*names).replace("%", "%%")

    @staticmethod
    def spelled(*names: str) -> str:
        """A name as the server itself would quote it, for people and for comparing."""
        return ".".join('"' + name.replace('"', '""') + '"' for name in names)

    @contextmanager
    def part(self) -> Iterator[None]:
        """What fails in here leaves the transaction usable."""
        with classified(), self.connection.transaction():
            yield
