"""Another process that shares: `python -m tests.sharing_worker URL RUN ENVIRONMENT`.

Says `collecting`, and when it is told `go` on its standard input keeps a snapshot and says its id. One that finds the
work done by another run says `shared` and the id.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from auditor.leases import Timing
from auditor.model import Snapshot
from auditor.sharing import Asking, Sharing
from auditor.store import Store
from tests.store import samples

FAST = Timing(
    beat=timedelta(seconds=0.1), dead=timedelta(seconds=1), poll=timedelta(seconds=0.02), joinable=timedelta(minutes=1)
)
DIGEST = "d1"


def now() -> datetime:
    return datetime.now(UTC)


def main(url: str, run: str, environment: str) -> None:
    with Store.open(url) as store:

        def collect(names: Sequence[str]) -> Mapping[str, Snapshot]:
            taken = {name: samples.snapshot(f"{run}-{name}", name, now()) for name in names}
            print("collecting", flush=True)
            sys.stdin.readline()
            for snapshot in taken.values():
                store.save_snapshot(snapshot)
            return taken

        asking = Asking(store, now, now(), threading.Event())
        observed = Sharing.timed(FAST).observe({environment: DIGEST}, collect, asking)[environment]
        print(*(["shared"] if observed.shared else []), observed.snapshot.id, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
