"""Take over changed files while the service runs, when they are whole; keep what there was when they are not.

Files are told by their content. Editors put a new file in the place of the old one, Kubernetes exchanges a link
somewhere above it, and times and sizes may stay the same: none of that matters here.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from auditor.daemon.loaded import Loaded, changes, files, pinned
from auditor.daemon.loop import Loop
from auditor.errors import ConfigError, Problem

if TYPE_CHECKING:
    from datetime import datetime

    from auditor.meters import Meters

_log = structlog.get_logger(__name__)

INTERVAL_SECONDS = 2.0
# A file is read when it has stood still for so long: whoever writes it may not be done.
_SETTLED_SECONDS = 0.2
# What a failed configuration lacks may come to be in a place that nobody watches.
_RETRY_ROUNDS = 15


class Reloader:
    """Holds what is valid now. `taken` is told of the old and the new, in the thread that loaded it.

    `load` reads the files (raises ConfigError); `busy` brackets the reading: True before it, False when it is over.
    """

    def __init__(
        self,
        loaded: Loaded,
        *,
        load: Callable[[], Loaded],
        taken: Callable[[Loaded, Loaded], None],
        meters: Meters,
        clock: Callable[[], datetime],
        beat: Callable[[], None],
        busy: Callable[[bool], None],
        interval: float = INTERVAL_SECONDS,
    ) -> None:
        self._loaded = loaded
        self._load = load
        self._taken = taken
        self._meters = meters
        self._clock = clock
        self._busy = busy
        self._seen = content(files(loaded.config))
        self._error: str | None = None
        self._rounds = 0
        self._reading = threading.Lock()
        self._loop = Loop("reload", self.look, interval=interval, beat=beat)
        meters.config_reloaded(True, clock())

    @property
    def loaded(self) -> Loaded:
        return self._loaded

    def start(self) -> None:
        self._loop.start()

    def stop(self) -> None:
        self._loop.stop()

    def reload(self) -> None:
        """Read the files now, changed or not, and say what came of it."""
        with self._reading:
            self._reload(asked=True)

    def look(self) -> None:
        """Read the files when they changed and are no longer being written."""
        with self._reading:
            self._rounds += 1
            found = content(files(self._loaded.config))
            again = self._error is not None and self._rounds % _RETRY_ROUNDS == 0
            if found == self._seen and not again:
                return
            if self._loop.stopping.wait(_SETTLED_SECONDS) or content(files(self._loaded.config)) != found:
                return
            self._reload(asked=False)

    def _reload(self, *, asked: bool) -> None:
        # Noted before they are read: what changes meanwhile, or comes into view by them, is seen the next time.
        self._seen = content(files(self._loaded.config))
        self._busy(True)
        try:
            new = self._load()
        except ConfigError as error:
            self._refused(error, asked=asked)
        else:
            self._take(new, asked=asked)
        finally:
            self._busy(False)

    def _take(self, new: Loaded, *, asked: bool) -> None:
        config, waiting = pinned(self._loaded.config, new.config)
        new = replace(new, config=config)
        before, changed = self._loaded, changes(self._loaded, new)
        failed_before, self._error = self._error, None
        self._loaded = new
        self._taken(before, new)
        self._meters.config_reloaded(True, self._clock())
        if waiting:
            _log.warning("What changed takes effect only when the service is started anew.", keys=list(waiting))
        if changed or asked or failed_before:
            _log.info("The configuration was read again and is in force.", changed=list(changed))

    def _refused(self, error: ConfigError, *, asked: bool) -> None:
        self._meters.config_reloaded(False, self._clock())
        if asked or str(error) != self._error:
            problems = [_said(problem) for problem in error.problems]
            _log.error("The new configuration is wrong; the one before it stays in force.", problems=problems)
        self._error = str(error)


def _said(problem: Problem) -> str:
    """On one line, and without a colon after the key: `token: expected` would be scrubbed as a token of that value."""
    place = f"{problem.place} {problem.key}".rstrip()
    return " - ".join(part for part in (place, problem.message, problem.remedy) if part)


def content(paths: Iterable[Path]) -> str:
    """Digest of what is in the files, and of which there are. One that cannot be read is as one that is not there."""
    found = hashlib.sha256()
    for path in paths:
        found.update(str(path).encode() + b"\0")
        try:
            found.update(hashlib.sha256(path.read_bytes()).digest())
        except OSError as error:
            found.update(type(error).__name__.encode())
    return found.hexdigest()
