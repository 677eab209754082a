"""Which side moved, looked up when somebody asks about a finding of which no audit could tell it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from auditor.errors import AuditorError
from auditor.model import Status
from auditor.moves import Histories
from auditor.parting import Mover
from auditor.publish.spelling import instant
from auditor.realms import realm_of

if TYPE_CHECKING:
    from datetime import datetime

    from auditor.config import Config
    from auditor.life import StoredFinding
    from auditor.model import Moved
    from auditor.parting import Apart
    from auditor.registry import Registry
    from auditor.store import Store


def with_moved(
    config: Config, registry: Registry, store: Store, stored: StoredFinding, now: datetime
) -> tuple[StoredFinding, str]:
    """The finding with which side moved, as kept or as the histories tell now; where they do not, why not."""
    moved, why = _moved(config, registry, store, stored, now)
    return replace(stored, moved=moved), why


def _moved(
    config: Config, registry: Registry, store: Store, stored: StoredFinding, now: datetime
) -> tuple[Moved | None, str]:
    breach = stored.breach
    pair = breach.left.environment, breach.right.environment
    if (
        stored.moved is not None
        or stored.status is Status.RESOLVED
        or not all(name in config.environments for name in pair)
    ):
        return stored.moved, ""
    last = [store.snapshots(name, limit=1) for name in pair]
    if not all(last):
        return None, "not known: there is no snapshot of both sides any more"
    left, right = (realm_of(config, name, registry.kind) for name in pair)
    try:
        asked = Histories((left, right), store.past, (last[0][0].id, last[1][0].id), now)
        answer = asked.ask([breach])[breach.fingerprint]
    except AuditorError as error:
        return None, f"not known: {error}"
    return (answer.moved, "") if isinstance(answer, Mover) else (None, _why(answer))


def _why(apart: Apart) -> str:
    if apart.since is None:
        return "not known: the last snapshots do not hold what the finding says"
    if apart.cut_short:
        return (
            f"not known: it has been like this since {instant(apart.since)} at least, which is as far back as is looked"
        )
    return f"not known: it has been like this since the first snapshots that are kept, of {instant(apart.since)}"
