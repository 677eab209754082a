"""Another process on the same store: `python -m tests.store.worker MODE URL NAME COUNT`. Prints a line per commit.

MODE is `record`, `snapshot`, or `tell STATEMENT`: audits that tell something, of which the last stands still for good just
before it executes a statement that begins so.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Sequence

from sqlalchemy import event

from auditor.life import live
from auditor.model import Breach
from auditor.notices import Telling
from auditor.store import Store
from tests.store import samples, tellings


def breaches(number: int) -> Sequence[Breach]:
    """What audit `number` sees: of eight findings another half each time, and one always, with a value of its own."""
    some = [samples.breach(f"some-{index}") for index in range(8) if (number + index) % 2]
    return [*some, samples.breach("always", message=f"seen in {number}")]


def churning(name: str, number: int) -> Sequence[samples.Resource]:
    """Resources of snapshot `number`: half are like those of the one before, half are like those of every other one."""
    return [samples.resource(f"db-{index}", generation=(number + index) // 2 % 3) for index in range(20)]


def telling(key: str) -> Telling:
    """A topic with its finding, and many notices."""
    opened = tellings.topic(f"{key}-t")
    replies = (tellings.reply(f"{key}-n{index:02}", opened.id) for index in range(1, 20))
    return Telling(
        topics=(opened,),
        members=((opened.id, "fp-always"),),
        notices=(tellings.opening(f"{key}-n00", opened.id), *replies),
    )


def stand_still_before(store: Store, statement: str) -> None:
    def look(_connection: object, _cursor: object, executed: str, *_rest: object) -> None:
        if executed.startswith(statement):
            stand_still()

    engine = store._database._engine
    if statement == "COMMIT":
        event.listen(engine, "commit", lambda _connection: stand_still())
    else:
        event.listen(engine, "before_cursor_execute", look)


def stand_still() -> None:
    print("standing still", flush=True)
    threading.Event().wait()


def tell(store: Store, statement: str, name: str, count: int) -> None:
    for number in range(count):
        key = f"{name}-{number:05}"
        for environment in ("staging", "prod"):
            store.save_snapshot(samples.snapshot(f"{environment}-{key}", environment, samples.at(number)))
        if number == count - 1:
            stand_still_before(store, statement)
        life = live(store.previous("staging", "prod"), breaches(number), lambda _: True, samples.at(number), key)
        made = samples.audit(key, life, samples.at(number))
        store.record_audit(made, (f"staging-{key}", f"prod-{key}"), life, telling(key))
        print(key, flush=True)


def main(mode: str, url: str, name: str, count: int) -> None:
    with Store.open(url) as store:
        if mode.startswith("tell "):
            tell(store, mode.removeprefix("tell "), name, count)
            return
        for number in range(count):
            key = f"{name}-{number:05}"
            if mode == "record":
                samples.run(store, key, breaches(number), samples.at(number))
            elif mode == "snapshot":
                store.save_snapshot(samples.snapshot(key, name, samples.at(number), churning(name, number)))
            print(key, flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]))
