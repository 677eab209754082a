"""Why a request failed, in the words that requests are counted in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from auditor.errors import CollectError
from auditor.model import GapReason

OK, THROTTLED, DENIED, ERROR = "ok", "throttled", "denied", "error"


def outcome(reason: GapReason) -> str:
    """How a request ended that left a gap for this reason."""
    return {GapReason.THROTTLED: THROTTLED, GapReason.ACCESS_DENIED: DENIED}.get(reason, ERROR)


@contextmanager
def counted(meter: Callable[[str, str], None], api: str) -> Iterator[None]:
    """Count the block as one request to `api`, by the CollectError that it raises, if any."""
    try:
        yield
    except CollectError as error:
        meter(api, outcome(error.reason))
        raise
    meter(api, OK)
