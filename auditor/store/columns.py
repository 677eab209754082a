"""What all tables share: types of columns, defaults, partial indexes, and the names of constraints."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import DateTime, Dialect, Double, Index, MetaData, String, Text, TypeDecorator, text
from sqlalchemy.orm import DeclarativeBase

DIGEST = String(64)
NAME = String(255)


class Utc(TypeDecorator[datetime]):
    """An aware UTC time, exact to the microsecond. SQLite keeps no zone, so it is taken off and put back."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"a time without a zone: {value.isoformat()}")
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, _dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def partial(name: str, *columns: str, where: str) -> Index:
    """An index of the rows that fit `where` only. A query uses it where it says `where` in the very same words."""
    return Index(name, *columns, sqlite_where=text(where), postgresql_where=text(where))


# SQLite adds a column that is never null only where a default stands in for it. Every row gets a value of its own.
NO_NUMBER = text("0")
NO_TEXT = text("''")
NO = text("false")


class Base(DeclarativeBase):
    metadata = MetaData(
        naming_convention={
            "pk": "pk_%(table_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        }
    )
    type_annotation_map = {datetime: Utc(), str: Text(), float: Double()}
