"""Run the service against a world that changes and fails, then check that nothing was lost, doubled or leaked.

    python -m bench.longrun [--seed 1] [--minutes 5] [--copies 2] [--calm] [--steady-clock] [--keep FOLDER]

Two copies on one PostgreSQL audit every other second, and tell a stand-in of Slack. Meanwhile AWS, Slack and the
database fail, copies are killed and paused, and the wall clock is set. Afterwards all is quiet for a while, the copies
are asked to stop, and everything is checked. Exits 1 when something does not hold. `--calm` leaves the failures out and
checks that memory and threads stay flat.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from auditor.store import Store, schema
from bench.longrun import database, trouble, verify, world
from bench.longrun.daemons import Daemon
from tests.standins import slack
from tests.standins.slack_workspace import BOT_TOKEN, Pace

# As long as an attempt of unknown end is left alone, and some more.
_QUIET_SECONDS = 150.0
_CHANGE_SECONDS = 1.2
ACCOUNT = {
    "AWS_ACCESS_KEY_ID": "AKIALONGRUN0000000000",
    "AWS_SECRET_ACCESS_KEY": "of-the-stand-in-only",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "NO_PROXY": "127.0.0.1",
    "no_proxy": "127.0.0.1",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run, check, report. 0 where everything holds."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.longrun", description=__doc__.splitlines()[0] if __doc__ else ""
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--copies", type=int, default=2)
    parser.add_argument("--calm", action="store_true", help="no failures: memory and threads are measured")
    parser.add_argument("--steady-clock", action="store_true", help="leave the clock alone (no libfaketime needed)")
    parser.add_argument("--keep", type=Path, help="write the logs of the copies here")
    options = parser.parse_args(arguments)
    os.environ.update(ACCOUNT)
    # Whoever ends it early leaves no server behind.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="parity-longrun-")))
        return _Run(options, folder, stack).run()


class _Run:
    def __init__(self, options: argparse.Namespace, folder: Path, stack: ExitStack) -> None:
        self.options = options
        self.chance = random.Random(options.seed)
        self.world = stack.enter_context(world.running(folder))
        self.slack = stack.enter_context(slack.running(pace=Pace(per_second=5, burst=20)))
        self.database = stack.enter_context(database.running())
        self.world.settle()
        tell = (
            f'{{slack: {{token: {BOT_TOKEN}, channel: "#parity", min_severity: low, api_url: "{self.slack.api_url}"}}}}'
        )
        config = folder / "auditor.yaml"
        config.write_text(world.configuration(self.world, publish=tell, serve="{port: 0, drain: 10s}"))
        (folder / "longrun.yaml").write_text(world.POLICY)
        schema.upgrade(self.database.url)
        clocked = not (options.steady_clock or options.calm)
        self.clock = trouble.Clock(folder / "clock")
        variables = {"AUDITOR_STORE": self.database.url, "AUDITOR_KEY": "k" * 40}
        self.daemons = [
            Daemon(f"copy {number}", config, variables, self.clock.file if clocked else None)
            for number in range(1, options.copies + 1)
        ]
        self.troubles = (
            []
            if options.calm
            else [
                *trouble.of_the_world(self.world, self.chance),
                *trouble.of_slack(self.slack, self.chance),
                *trouble.of_the_database(self.database),
                *trouble.of_daemons(self.daemons, self.chance),
                *(trouble.of_the_clock(self.clock, self.chance) if clocked else ()),
            ]
        )

    def run(self) -> int:
        began = time.monotonic()
        for daemon in self.daemons:
            daemon.start()
        stopped = threading.Event()
        watchers = [threading.Thread(target=work, args=(stopped,), daemon=True) for work in (self._change, self._watch)]
        for watcher in watchers:
            watcher.start()
        try:
            made = self._trouble(began + self.options.minutes * 60, stopped)
        finally:
            stopped.set()
            for watcher in watchers:
                watcher.join()
        self.world.proxy.faults.clear()
        for daemon in self.daemons:
            daemon.look()
        quiet = verify.settle(self.database.url, self.world, _QUIET_SECONDS)
        codes = [daemon.stop() for daemon in self.daemons]
        with Store.open(self.database.url) as store:
            wrong = [
                *verify.findings_are_what_drifts(store, self.world),
                *verify.lives_are_whole(store),
                *verify.changes_have_a_cause(store),
                *verify.everything_was_told_once(store, self.slack.workspace),
                *verify.daemons_are_healthy(self.daemons, codes),
                *(problem for daemon in self.daemons for problem in verify.memory_is_flat(daemon) if self.options.calm),
            ]
            self._report(store, made, quiet, time.monotonic() - began)
        if self.options.keep:
            for daemon in self.daemons:
                daemon.write_log(self.options.keep)
        print("\nEverything holds." if not wrong else f"\n{len(wrong)} things do not hold:")
        print("".join(f"  {sentence}\n" for sentence in wrong[:40]), end="")
        return 1 if wrong else 0

    def _trouble(self, until: float, stopped: threading.Event) -> Counter[str]:
        if not self.troubles:
            stopped.wait(max(0.0, until - time.monotonic()))
            return Counter()
        return trouble.make(self.troubles, self.chance, until, 1.0, stopped)

    def _change(self, stopped: threading.Event) -> None:
        chance = random.Random(self.options.seed + 1)
        while not stopped.wait(chance.uniform(0, 2 * _CHANGE_SECONDS)):
            self.world.step(chance)

    def _watch(self, stopped: threading.Event) -> None:
        while not stopped.wait(1.0):
            for daemon in self.daemons:
                daemon.look()

    def _report(self, store: Store, made: Counter[str], quiet: float, took: float) -> None:
        audits = store.audits()
        incomplete = sum(not audit.complete for audit in audits)
        print(
            f"seed {self.options.seed}, {took:.0f} s, {len(self.daemons)} copies, {self.world.changes} changes in the world"
        )
        print(f"audits      {len(audits)}, {incomplete} of them incomplete")
        print(f"findings    {len(store.findings())}; {verify.by_happening(store)}")
        print(
            f"notices     {len(store.notices())} in {len(self.slack.workspace.messages())} messages; quiet {quiet:.0f} s after the last trouble"
        )
        print(
            f"trouble     {sum(made.values())}: " + ", ".join(f"{count} x {name}" for name, count in made.most_common())
        )
        for daemon in self.daemons:
            life = max(daemon.lives, key=lambda one: len(one.memory))
            sizes = [size for _, size in life.memory] or [0]
            threads = [count for _, count in life.threads] or [0]
            print(
                f"{daemon.name}      started {daemon.starts} times, {daemon.gave_up} of them after its store was away; its longest life: {len(sizes)} s, "
                f"{sizes[len(sizes) // 3] / 2**20:.0f} -> {sizes[-1] / 2**20:.0f} MiB, {min(threads)}-{max(threads)} threads; "
                f"log lines {dict(daemon.levels)}"
            )


if __name__ == "__main__":
    sys.exit(main())
