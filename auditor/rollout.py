"""Which version of what runs where, since when and by whom: one table over environments. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from auditor.deployed import TELLING, deployed, folded

if TYPE_CHECKING:
    from auditor.gauges import Deployed
    from auditor.model import Gap, Snapshot
    from auditor.promotion import Deployment


@dataclass(frozen=True, slots=True)
class Cell:
    """A version that runs. `since` is None where nobody knows; `told` whether a source says it, else a snapshot saw it."""

    version: str
    digest: str | None
    commit: str | None
    since: datetime | None
    told: bool
    by: str | None


@dataclass(frozen=True, slots=True)
class Column:
    """An environment as its last snapshot shows it; `snapshot` is None where there is none.

    `hidden` counts gaps among what says versions: something may be deployed there that is not in the table."""

    environment: str
    snapshot: str | None
    taken_at: datetime | None
    hidden: int
    cells: Mapping[str, tuple[Cell, ...]]


@dataclass(frozen=True, slots=True)
class Table:
    columns: tuple[Column, ...]

    @property
    def components(self) -> tuple[str, ...]:
        return tuple(sorted({component for column in self.columns for component in column.cells}))

    def apart(self, component: str) -> bool:
        """Whether environments that run the component do not all run the same versions of it."""
        seen = {
            tuple(sorted(folded(cell.version) for cell in column.cells[component]))
            for column in self.columns
            if component in column.cells
        }
        return len(seen) > 1


def column(
    environment: str, snapshot: Snapshot | None, names: Iterable[str], history: Sequence[Deployment] = ()
) -> Column:
    """One environment. `names` are the words that mean it; `history` is what the store knows of its deployments."""
    if snapshot is None:
        return Column(environment, None, None, 0, {})
    rows = deployed(snapshot.resources, names)
    return column_of(environment, snapshot.id, snapshot.taken_at, snapshot.gaps, rows, history)


def column_of(
    environment: str,
    snapshot: str,
    taken_at: datetime,
    gaps: Iterable[Gap],
    rows: Iterable[Deployed],
    history: Sequence[Deployment] = (),
) -> Column:
    """The same from what the snapshot called `snapshot` says is deployed."""
    began = {(one.component, one.version): one.began for one in history if one.running}
    cells: dict[str, list[Cell]] = defaultdict(list)
    for row in rows:
        cells[row.component].append(_cell(row, began.get((row.component, row.version))))
    hidden = sum(1 for gap in gaps if gap.attribute is None and any(fnmatchcase(kind, gap.kind) for kind in TELLING))
    told = {component: tuple(several) for component, several in cells.items()}
    return Column(environment, snapshot, taken_at, hidden, told)


def _cell(row: Deployed, seen: datetime | None) -> Cell:
    since = row.deployed_at if row.deployed_at is not None else seen
    return Cell(row.version, row.digest, row.commit, since, row.deployed_at is not None, row.by)
