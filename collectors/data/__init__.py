"""What a database holds, by sampling its rows read-only: whether personal data of production is where it must not be.

Reads a bounded sample of every table, and looks in every column of text for e-mail addresses, phone numbers, card
numbers, IBANs, names and tokens. What leaves are counts, shares and keyed fingerprints, never a value. PostgreSQL, MySQL
and MariaDB. A login with `SELECT` on the tables is enough.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator

from auditor.collector import Context, Task
from auditor.model import Gap, Resource
from collectors.data.kinds import KINDS
from collectors.data.options import DataOptions
from collectors.data.place import POSTGRES


class DataCollector:
    name = "data"
    about = "What databases hold: personal data by sampled columns, PostgreSQL, MySQL and MariaDB"
    kinds = KINDS
    options = DataOptions
    permissions = ("SELECT on the tables to sample (MySQL and MariaDB: on the whole database)",)

    def label(self, options: DataOptions) -> str:
        place = options.place
        return f"data:{place.host}/{place.database}"

    def plan(self, options: DataOptions, context: Context) -> Iterable[Task]:
        source = self.label(options)
        yield Task(
            source=source,
            kinds=tuple(kind.name for kind in KINDS),
            run=lambda: _read(options, context, source),
            label=options.place.database or options.place.host,
        )


COLLECTOR = DataCollector()


def _read(options: DataOptions, context: Context, source: str) -> Iterator[Resource | Gap]:
    from collectors.data.reading import SPARE, Reading

    deadline = time.monotonic() + context.timeout * SPARE
    seconds = min(options.limits.timeout, context.timeout)
    place = options.read_place
    if place.engine == POSTGRES:
        from collectors.data.postgres import opened as connected_postgres

        with connected_postgres(
            place, context.meter, connect_timeout=options.connect_timeout, statement_seconds=seconds
        ) as postgres:
            yield from Reading(postgres, options, context, source, deadline).items()
        return
    from collectors.data.mysql import opened as connected_mysql

    with connected_mysql(
        place, context.meter, connect_timeout=options.connect_timeout, statement_seconds=seconds
    ) as mysql:
        yield from Reading(mysql, options, context, source, deadline).items()
