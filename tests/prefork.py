"""Processes that have the product imported already.

What a service imports takes two seconds of a processor, a hundred times in a run of the tests. Here one process imports
it, once per worker of the run, and becomes, by `fork`, what tests start from then on: each is a process of its own all
the same, with its own folder, environment, streams, signals and exit, and a child of the one that started it.

Not for tests of what is imported, of a terminal, or of the start itself: those start Python. Where there is no Linux,
all do.
"""

from __future__ import annotations

import ctypes
import gc
import inspect
import json
import os
import runpy
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
_IMPORTED = (
    *("auditor.daemon.serve", "auditor.config", "auditor.registry", "auditor.log", "auditor.cli.root"),
    # What only functions import, at their first call.
    *("auditor.cli.serve_command", "auditor.cli.setup", "auditor.daemon.systemd", "collectors.files.collector"),
    *("auditor.key", "auditor.redact", "auditor.descent", "auditor.store.migrations", "policies", "pydantic.v1"),
    *("uvicorn.loops.asyncio", "uvicorn.lifespan.off", "uvicorn.protocols.http.h11_impl", "encodings.idna"),
    *("deepdiff", "psycopg", "sqlalchemy.dialects.sqlite.pysqlite", "sqlalchemy.dialects.postgresql.psycopg"),
)
_PR_SET_CHILD_SUBREAPER = 36
_MOST_BYTES = 1_000_000


def begin(
    module: str, *arguments: str, cwd: Path = ROOT, env: Mapping[str, str] | None = None, **streams: Any
) -> subprocess.Popen[Any]:
    """`python -m MODULE ARGUMENTS...`, started from a process that has the product imported. `streams` as Popen takes
    them."""
    command = [sys.executable, "-m", module, *arguments]
    environ = {**(os.environ if env is None else env)}
    kind = _Forked if sys.platform == "linux" else subprocess.Popen
    return kind(command, cwd=cwd, env=environ, **streams)


class _Forked(subprocess.Popen[Any]):
    """A process that `_Source` made, in place of one that Python starts in."""

    def _execute_child(self, *given: Any) -> None:
        taken = inspect.signature(subprocess.Popen._execute_child).bind(self, *given).arguments  # type: ignore[attr-defined]
        pipes = [taken[name] for name in ("p2cread", "p2cwrite", "c2pread", "c2pwrite", "errread", "errwrite")]
        streams = [own if pipe == -1 else pipe for own, pipe in enumerate((pipes[0], pipes[3], pipes[5]))]
        try:
            self.pid = _source().fork(list(taken["args"])[2:], str(taken["cwd"]), dict(taken["env"]), streams)
            self._child_created = True
        finally:
            self._close_pipe_fds(*pipes)  # type: ignore[attr-defined]


class _Source:
    """The process that has everything imported, and how to ask it for another."""

    def __init__(self) -> None:
        here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with there:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.prefork", str(there.fileno())], cwd=ROOT, pass_fds=[there.fileno()]
            )
        self._socket = here
        self._asking = threading.Lock()

    def fork(self, command: Sequence[str], cwd: str, environ: Mapping[str, str], streams: Sequence[int]) -> int:
        """The number of a process that does `command`: a module and its arguments."""
        asked = json.dumps([*command, cwd, environ]).encode()
        with self._asking:
            _adopting(True)
            try:
                socket.send_fds(self._socket, [asked], streams)
                told = self._socket.recv(_MOST_BYTES)
            finally:
                _adopting(False)
        if not told:
            raise RuntimeError(f"the process with everything imported has ended ({self._process.wait()})")
        return int(told)


_sources: list[_Source] = []


def _source() -> _Source:
    if not _sources:
        _sources.append(_Source())
    return _sources[0]


def _adopting(adopts: bool) -> None:
    """Whether processes that lose their parent become children of this one: see prctl(2)."""
    if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, int(adopts), 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")


def _serve(number: int) -> list[str]:
    """Fork as often as asked. Returns in each new process, which is by then what was asked for; ends when nobody can
    ask any more."""
    with socket.socket(fileno=number) as asking:
        while True:
            asked, streams, _, _ = socket.recv_fds(asking, _MOST_BYTES, 3)
            if not asked:
                os._exit(0)
            told, telling = os.pipe()
            between = os.fork()
            if not between:
                # The one in between ends at once, so that whoever asked becomes the parent.
                if forked := os.fork():
                    os.write(telling, str(forked).encode())
                    os._exit(0)
                break
            os.close(telling)
            os.waitpid(between, 0)
            asking.send(os.read(told, 100))
            for descriptor in (told, *streams):
                os.close(descriptor)
    os.close(told)
    os.close(telling)
    return _become(asked, streams)


def _become(asked: bytes, streams: Sequence[int]) -> list[str]:
    *command, cwd, environ = json.loads(asked)
    for own, stream in enumerate(streams):
        os.dup2(stream, own)
        os.close(stream)
    os.chdir(cwd)
    sys.path[0] = cwd
    os.environ.clear()
    os.environ.update(environ)
    time.tzset()
    return [str(word) for word in command]


if __name__ == "__main__":
    for name in _IMPORTED:
        __import__(name)
    # A pack is parsed once for each text of it, so what a new process parses is what it would parse itself.
    load_policy = sys.modules["auditor.policy"].load_policy
    load_policy(("default",))
    # Routes are made once in a process, and keep nothing.
    sys.modules["auditor.web.routes"].routers()
    # What is imported stays; nobody need look at it again, least of all each process at its end.
    gc.freeze()
    words = _serve(int(sys.argv[1]))
    sys.argv = words
    runpy.run_module(words[0], run_name="__main__", alter_sys=True)
