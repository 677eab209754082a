"""A MySQL or MariaDB connection as the readers of its catalogue use it: bounded answers, and what the login may see.

`information_schema` leaves out, without a word, what a login has no right to. So what it was granted is read first, and
what it cannot see is said to be unread.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from auditor.errors import CollectError
from auditor.model import GapReason
from collectors.data.mysql import MySql

SYSTEM = ("information_schema", "performance_schema", "mysql", "sys")
_GRANT = re.compile(r"GRANT (.+?) ON (?:(?:TABLE )?(?:`((?:[^`]|``)*)`|(\*))\.\*) TO ", re.IGNORECASE)
# Newer servers leave out how wide an integer is shown; it means nothing but for the one bit of a boolean.
_WIDTH = re.compile(r"\b((?:small|medium|big)?int|tinyint)\((?!1\))\d+\)")
_COLUMNS = re.compile(r"\([^)]*\)")


@dataclass(frozen=True)
class Catalogue:
    """One read-only transaction. `most` is how many rows a query may answer; `granted` what the login may do where."""

    server: MySql
    most: int
    login: str = ""
    granted: tuple[tuple[str, frozenset[str]], ...] = field(default=())

    @classmethod
    def of(cls, server: MySql, most: int) -> Catalogue:
        login = str(server.rows("select current_user()")[0][0])
        granted: list[tuple[str, frozenset[str]]] = []
        for (line,) in server.rows("show grants"):
            found = _GRANT.match(str(line))
            if found:
                # A right to some columns only is no right to the table.
                rights = {part.strip().upper() for part in found[1].split(",") if not _COLUMNS.search(part)}
                granted.append(("*" if found[3] else _as_glob(found[2].replace("``", "`")), frozenset(rights)))
        return cls(server, most, login, tuple(granted))

    @property
    def is_maria(self) -> bool:
        return self.server.engine == "mariadb"

    def rows(self, statement: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """The whole answer. Raises CollectError, also where there is more than may be read."""
        bounded = statement if re.search(r"\blimit\s+\d+\s*\Z", statement) else f"{statement} limit {self.most + 1}"
        found = self.server.rows(bounded, parameters)
        if len(found) > self.most and bounded is not statement:
            raise CollectError(
                GapReason.TRUNCATED, f"the catalogue has more than {self.most} rows of it: raise `limits.rows`"
            )
        return found

    def quoted(self, *names: str) -> str:
        return self.server.quoted(*names)

    def may(self, right: str, database: str) -> bool:
        """Whether the login has a right on all of a database. Of roles only what is active counts."""
        return any(
            (glob == "*" or fnmatchcase(database, glob)) and (right in rights or "ALL PRIVILEGES" in rights)
            for glob, rights in self.granted
        )

    def needs(self, right: str, database: str, what: str) -> None:
        """Raise CollectError with the grant that is missing, unless the login has the right."""
        if not self.may(right, database or "*"):
            raise CollectError(GapReason.ACCESS_DENIED, f"the login may not see {what}: {self.grant(right, database)}")

    def grant(self, right: str, database: str, table: str = "*") -> str:
        user, _, host = self.login.rpartition("@")
        place = f"{_spelled(database) if database else '*'}.{table if table == '*' else _spelled(table)}"
        return f"GRANT {right} ON {place} TO {_text(user)}@{_text(host)}"

    @contextmanager
    def part(self) -> Iterator[None]:
        """A statement that fails leaves a transaction of this server usable."""
        yield


def plain_type(sort: Any) -> str:
    """A type as servers of every version spell it."""
    return _WIDTH.sub(r"\1", str(sort))


def _spelled(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


def _text(name: str) -> str:
    return "'" + name.replace("'", "''") + "'"


def _as_glob(pattern: str) -> str:
    """A grant's pattern (`shop\\_%`) as a glob."""
    parts = re.findall(r"\\.|.", pattern, re.DOTALL)
    return "".join({"%": "*", "_": "?"}.get(part, f"[{part[-1]}]" if part[-1] in "*?[" else part[-1]) for part in parts)
