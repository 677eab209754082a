"""The kinds that a relational database yields. What they hold is spelled alike for every product.

Columns, indexes and the like leave as lists of objects with a name, never as maps: a column called `tokens` is a name,
and a map with such a key would read as a secret.
"""

from __future__ import annotations

from dataclasses import dataclass

from auditor.model import Category, Kind

_KEYED = {
    "columns": "name",
    "indexes": "on",
    "foreign_keys": "columns",
    "checks": "columns",
    "triggers": "name",
    "row_security.policies": "name",
    "grants": "on",
    "owns": "what",
}


@dataclass(frozen=True, slots=True)
class Kinds:
    """The kinds of one product, each under its own name."""

    table: Kind
    view: Kind
    routine: Kind
    sequence: Kind
    type: Kind
    role: Kind
    database: Kind
    migrations: Kind

    @property
    def schema(self) -> tuple[Kind, ...]:
        """Those that a schema is made of."""
        return (self.table, self.view, self.routine, self.sequence, self.type)


def kinds_of(engine: str, product: str) -> Kinds:
    """`engine` begins the names of the kinds (`postgres`), `product` is how people call it."""

    def kind(name: str, about: str, category: Category = Category.DATABASE, ordered: tuple[str, ...] = ()) -> Kind:
        return Kind(
            name=f"{engine}.{name}",
            category=category,
            about=about,
            keyed=_KEYED,
            ordered=ordered,
            verbatim=("settings",),
        )

    return Kinds(
        table=kind(
            "table",
            f"A table of {product}: columns, indexes, constraints, partitioning, triggers and row security; "
            "tables that differ in a date only are one",
            ordered=("partitioned_by",),
        ),
        view=kind("view", f"A view of {product}, materialised or not: its columns and its definition in normal form"),
        routine=kind(
            "routine",
            f"A function or procedure of {product}: signature, properties and a fingerprint of its body",
            ordered=("arguments",),
        ),
        sequence=kind(
            "sequence", f"A sequence of {product} by its shape: type, step and bounds, never where it stands"
        ),
        type=kind("type", f"An enumerated type or a domain of {product}", ordered=("labels",)),
        role=kind(
            "role",
            f"A user or role of {product} by what it may do: attributes, memberships and grants; never a password",
            Category.SECURITY,
        ),
        database=kind(
            "database", f"A database of {product}: the collation, with its character set, that new tables get"
        ),
        migrations=kind(
            "migrations",
            f"How far a migration tool has brought a database of {product}: tool, last migration, how many, any failed",
            ordered=("head",),
        ),
    )
