"""Another process on the same store: `python -m tests.store.worker MODE URL NAME COUNT`. Prints a line per commit."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from auditor.model import Breach
from auditor.store import Store
from tests.store import samples


def breaches(number: int) -> Sequence[Breach]:
    """What audit `number` sees: of eight findings another half each time, and one always, with a value of its own."""
    some = [samples.breach(f"some-{index}") for index in range(8) if (number + index) % 2]
    return [*some, samples.breach("always", message=f"seen in {number}")]


def churning(name: str, number: int) -> Sequence[samples.Resource]:
    """Resources of snapshot `number`: half are like those of the one before, half are like those of every other one."""
    return [samples.resource(f"db-{index}", generation=(number + index) // 2 % 3) for index in range(20)]


def main(mode: str, url: str, name: str, count: int) -> None:
    with Store.open(url) as store:
        for number in range(count):
            key = f"{name}-{number:05}"
            if mode == "record":
                samples.run(store, key, breaches(number), samples.at(number))
            elif mode == "snapshot":
                store.save_snapshot(samples.snapshot(key, name, samples.at(number), churning(name, number)))
            print(key, flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]))
