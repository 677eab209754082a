"""The answer to a scrape: what this process counted, and what the store knows now."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import structlog

from auditor.daemon.publishers import published_names
from auditor.errors import StoreError
from auditor.publish.prometheus import render

if TYPE_CHECKING:
    from datetime import datetime

    from auditor.config import Config
    from auditor.daemon.loaded import Loaded
    from auditor.gauges import Gauges
    from auditor.publish.prometheus import PrometheusMeters
    from auditor.store import Store
    from auditor.waivers import Waiver

# Scrapes that wait for a store that hangs must not pile up; one Prometheus asks once at a time.
_AT_ONCE = 4

_log = structlog.get_logger(__name__)


class Scrape:
    """Answers scrapes. `usable` says whether the store answered lately: else it is not asked, and not waited for."""

    def __init__(
        self,
        store: Store,
        meters: PrometheusMeters,
        *,
        loaded: Callable[[], Loaded],
        usable: Callable[[], bool],
        clock: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._meters = meters
        self._loaded = loaded
        self._usable = usable
        self._clock = clock
        self._places = threading.BoundedSemaphore(_AT_ONCE)

    def __call__(self, accept: str | None) -> tuple[str, bytes]:
        """Content type and body. Without what the store knows where that cannot be had."""
        now = self._clock()
        gauges, waivers = self._known(now)
        return render(self._meters, gauges, waivers, accept, now)

    def _known(self, now: datetime) -> tuple[Gauges | None, Iterable[Waiver] | None]:
        if not self._usable() or not self._places.acquire(blocking=False):
            return None, None
        try:
            loaded = self._loaded()
            config = loaded.config
            pairs = [(pair.left, pair.right) for pair in config.pairs]
            gauges = self._store.gauges(pairs, collectors_of(config), now)
            return gauges, (*loaded.waivers.waivers, *self._store.waivers())
        except StoreError as error:
            _log.warning("A scrape was answered without what the store knows.", error=str(error))
            return None, None
        finally:
            self._places.release()


def collectors_of(config: Config) -> dict[str, tuple[str, ...]]:
    """The names of each environment's collectors."""
    return {
        name: tuple(dict.fromkeys(source.collector.name for source in environment.sources))
        for name, environment in config.environments.items()
    }


def count_by(meters: PrometheusMeters, config: Config) -> None:
    """Tell the meters what is configured from now on."""
    pairs = [(pair.left, pair.right) for pair in config.pairs]
    meters.configure(pairs, collectors_of(config), published_names(config))
