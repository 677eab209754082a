"""Remind Alertmanager of what is open: an alert that nobody repeats ends over there."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import structlog

from auditor.daemon.loop import Loop
from auditor.daemon.publishers import alertmanager_of
from auditor.errors import PublishError, StoreError
from auditor.model import Status

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from auditor.config import Config
    from auditor.publish.alertmanager import Alertmanager
    from auditor.store import Store

_FIRING = (Status.OPEN, Status.REGRESSED)

_log = structlog.get_logger(__name__)


class Alerts:
    """Posts what is open in the configured pairs again, `every` so often, while this copy leads."""

    def __init__(
        self,
        store: Store,
        *,
        leading: Callable[[], bool],
        clock: Callable[[], datetime],
        beat: Callable[[], None],
        every: timedelta,
    ) -> None:
        self._store = store
        self._leading = leading
        self._clock = clock
        self._wanted: Config | None = None
        self._config: Config | None = None
        self._alertmanager: Alertmanager | None = None
        self._failing = False
        self._loop = Loop("alerts", self.remind, interval=every.total_seconds(), beat=beat)

    def use(self, config: Config) -> None:
        """From the next time on, the Alertmanager and the pairs of `config`."""
        self._wanted = config

    def start(self) -> None:
        self._loop.start()

    def stop(self, seconds: float) -> bool:
        stopped = self._loop.stop(seconds)
        if stopped and self._alertmanager is not None:
            self._alertmanager.close()
        return stopped

    def remind(self) -> None:
        """Post them once, where there is an Alertmanager and this copy leads."""
        config, alertmanager = self._current()
        if config is None or alertmanager is None or not self._leading():
            return
        try:
            pairs = {(pair.left, pair.right) for pair in config.pairs}
            found = self._store.findings(status=_FIRING)
            mine = [one for one in found if (one.breach.left.environment, one.breach.right.environment) in pairs]
            alertmanager.refresh(mine, self._clock())
        except (PublishError, StoreError) as error:
            if not self._failing:
                _log.warning("Alertmanager could not be reminded of what is open.", error=str(error))
            self._failing = True
        else:
            self._failing = False

    def _current(self) -> tuple[Config | None, Alertmanager | None]:
        """Exchanged here, by the thread that uses them."""
        if self._wanted is not self._config:
            before, self._config = self._alertmanager, self._wanted
            self._alertmanager = alertmanager_of(self._config) if self._config is not None else None
            if before is not None:
                before.close()
        return self._config, self._alertmanager
