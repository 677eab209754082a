"""A copy in a process of its own. Arguments: the store's URL, the name of the lead. While it may act, it says when.

Each line is a moment, in seconds of a clock that all processes of a machine share.
"""

from __future__ import annotations

import sys
import threading

from auditor import log
from auditor.daemon.leader import Leader, elapsed
from auditor.scrub import Scrubber
from auditor.store.database import describe, parse
from auditor.store.leadership import leadership


def main(url: str, name: str) -> None:
    log.configure(Scrubber({}), stream=sys.stderr)
    parsed = parse(url)
    leader = Leader(leadership(parsed, describe(parsed), name), changed=lambda _: None, beat=lambda: None)
    stop = threading.Event()

    def act() -> None:
        while not stop.wait(0.01):
            if leader.is_leading():
                print(f"{elapsed():.3f}", flush=True)

    leader.start()
    acting = threading.Thread(target=act)
    acting.start()
    sys.stdin.read()
    stop.set()
    acting.join()
    leader.stop()


if __name__ == "__main__":
    main(*sys.argv[1:])
