"""`max_lag`: how far one side may be behind the other, in releases and in time."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from auditor.durations import spell
from auditor.expect import MET, Question, Verdict, both_present
from auditor.value_types import timestamp
from auditor.versions import parse_image, releases_between, version_order

if TYPE_CHECKING:
    from collections.abc import Callable

    from auditor.model import Json


def max_lag(releases: int | None, time: timedelta | None, side: str = "left") -> Callable[[Question], Verdict | None]:
    """Whether `side` is at most so far behind the other. Of the right one it says nothing where that is not behind:
    that production is ahead is another matter."""

    def between(question: Question) -> Verdict | None:
        asked = question if side == "left" else _turned(question)
        if not both_present(asked):
            return None
        at, other = timestamp(asked.left.raw), timestamp(asked.right.raw)
        if time is not None and at is not None and other is not None:
            return Verdict(other - at <= time, f"it is {spell(other - at)} behind")
        order = _order(asked)
        if order is None:
            return None
        if order >= 0:
            return MET if side == "left" else None
        return _behind(asked, releases, time)

    return between


def _turned(question: Question) -> Question:
    return replace(question, left=question.right, right=question.left, lag=question.lead, lead=question.lag)


def _order(question: Question) -> int | None:
    """Whether the left is behind (-1), level or ahead: as the versions say, else as what was deployed after what does."""
    found = version_order(_version(question.left.raw), _version(question.right.raw))
    if found is not None:
        return found
    if question.lag is not None and question.lag.releases is not None:
        return -1
    return 1 if question.lead is not None and question.lead.releases is not None else None


def _behind(question: Question, releases: int | None, time: timedelta | None) -> Verdict:
    lag = question.lag
    count = releases_between(_version(question.left.raw), _version(question.right.raw))
    if count is None and lag is not None:
        count = lag.releases
    if releases is not None and count is not None and count > releases:
        return Verdict(False, f"it is {count} release{'s' if count != 1 else ''} behind")
    since = lag.time if lag is not None else None
    if time is not None and (since is None or since > time):
        return Verdict(False, f"it has been behind for {spell(since) if since is not None else 'an unknown time'}")
    return MET


def _version(raw: Json) -> str:
    """What of a value has an order: of an image its tag."""
    text = str(raw)
    image = parse_image(text)
    return image.tag or text if image is not None else text
