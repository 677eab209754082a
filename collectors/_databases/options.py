"""The options that the collectors of relational databases have in common."""

from __future__ import annotations

import re

from pydantic import BaseModel, ConfigDict, Field

from auditor.collector import Options
from collectors.data.options import Choice

__all__ = ["GRANTS", "Bounds", "Choice", "RelationalOptions"]

GRANTS = re.compile(r"GRANT [^;]+? TO [^;\n]+")
"""The statements in the detail of a gap."""


class Bounds(BaseModel):
    """How much is asked of the database at most."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    objects: int = Field(
        default=5000, ge=1, le=100_000, description="Tables, views, routines and roles, each; more of them are a gap"
    )
    rows: int = Field(
        default=200_000, ge=100, le=5_000_000, description="Rows that one query of the catalogue may answer"
    )
    timeout: float = Field(default=30.0, gt=0, le=300, description="Seconds that one statement may take")


class RelationalOptions(Options):
    """Which part of a database is read, and how much of it."""

    model_config = ConfigDict(hide_input_in_errors=True)

    name: str | None = Field(
        default=None,
        min_length=1,
        max_length=100,
        pattern=r"^[^\s.]+$",
        description="What to call the database, where the environments call theirs differently; its own name by default",
    )
    objects: bool = Field(default=True, description="Read tables, views, routines, roles and migrations, too")
    schemas: Choice = Field(default=Choice(), description="Schemas to read; all but the server's own by default")
    tables: Choice = Field(default=Choice(), description="Tables and views to read, as `table` or `schema.table`")
    limits: Bounds = Field(
        default=Bounds(), description="Number of objects, rows of the catalogue, seconds per statement"
    )
    connect_timeout: int = Field(default=10, ge=2, le=120, description="Seconds that connecting may take")
