"""Several resources of one kind are read at a time, and told as if it had been one after the other."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from auditor.errors import CollectError
from auditor.model import GapReason
from collectors.aws._options import AwsOptions
from collectors.aws._side_by_side import side_by_side

_PATIENCE = 10


def test_answers_come_in_order_although_they_are_worked_on_together() -> None:
    """Each of four waits for the other three, so they can only end if all four are under way; the last ends first."""
    together = threading.Barrier(4, timeout=_PATIENCE)
    turns = [threading.Event() for _ in range(5)]
    turns[4].set()

    def work(number: int) -> int:
        together.wait()
        assert turns[number + 1].wait(_PATIENCE)
        turns[number].set()
        return number * 10

    assert list(side_by_side(work, range(4), 4)) == [0, 10, 20, 30]


def test_no_more_than_so_many_are_worked_on_at_once() -> None:
    """Thirty things, three at a time."""
    lock, running, most = threading.Lock(), 0, 0

    def work(number: int) -> int:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        with lock:
            running -= 1
        return number

    assert list(side_by_side(work, range(30), 3)) == list(range(30))
    assert most <= 3


def test_what_came_before_a_listing_broke_off_stays() -> None:
    """The error of the listing is raised after the answers for its first two items."""

    def listing() -> Iterator[int]:
        yield 1
        yield 2
        raise CollectError(GapReason.THROTTLED, "the second page")

    seen: list[int] = []
    with pytest.raises(CollectError, match="the second page"):
        seen.extend(side_by_side(lambda number: number, listing()))
    assert seen == [1, 2]


def test_an_error_of_one_is_raised_in_its_turn() -> None:
    """The first is told, the second raises, whatever the third does."""

    def work(number: int) -> int:
        if number == 2:
            raise CollectError(GapReason.MALFORMED, "the second")
        return number

    answers = side_by_side(work, [1, 2, 3])
    assert next(answers) == 1
    with pytest.raises(CollectError, match="the second"):
        next(answers)


def test_a_reader_that_is_left_behind_leaves_no_threads() -> None:
    """Whoever stops asking for answers half-way stops the threads, too."""
    before = set(threading.enumerate())
    answers = side_by_side(lambda number: number, range(100), 4)
    assert next(answers) == 0
    begun = set(threading.enumerate()) - before
    answers.close()  # type: ignore[attr-defined]
    for thread in begun:
        thread.join(_PATIENCE)
    assert not any(thread.is_alive() for thread in begun)


def test_services_with_many_things_and_higher_limits_are_asked_faster_unless_somebody_says_otherwise() -> None:
    """Three hundred buckets cost fourteen requests each: at twenty a second they would never be read in two minutes."""
    by_default, chosen = AwsOptions(), AwsOptions(requests_per_second=5)
    assert by_default.rate("s3") > 300 * 14 / by_default_seconds()
    assert (by_default.rate("lambda"), chosen.rate("s3"), chosen.rate("lambda")) == (20, 5, 5)


def by_default_seconds() -> float:
    """What one listing may take."""
    from auditor.collect import DEFAULT_TIMEOUT

    return DEFAULT_TIMEOUT.total_seconds()
