"""Several resources of one kind are read at a time, and told as if it had been one after the other."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from auditor.errors import CollectError
from auditor.model import GapReason
from collectors.aws._options import AwsOptions
from collectors.aws._side_by_side import Helpers, side_by_side

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


def test_all_who_share_the_helpers_are_helped_and_no_more_threads_are_at_work_than_those_and_the_callers() -> None:
    """Six callers with twenty things each and two helpers: at most eight things at once. No caller goes on before a helper
    did something of its own, and yet all come to their end, as helpers turn from one to the next."""
    lock, at_work, most = threading.Lock(), 0, 0
    helped, helping = [threading.Event() for _ in range(6)], set[int]()
    shared = Helpers(2)
    everybody = threading.Barrier(6, timeout=_PATIENCE)

    def work(thing: tuple[int, int]) -> int:
        nonlocal at_work, most
        with lock:
            at_work += 1
            most = max(most, at_work)
        if threading.current_thread().name == "collect-part":
            helped[thing[0]].set()
            helping.add(threading.get_ident())
        assert helped[thing[0]].wait(_PATIENCE)
        with lock:
            at_work -= 1
        return thing[1]

    def call(number: int) -> list[int]:
        everybody.wait()
        return list(side_by_side(work, [(number, each) for each in range(20)], 4, by=shared))

    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(call, range(6))) == [list(range(20))] * 6
    assert most <= 8
    assert len(helping) <= 2


def test_a_thing_that_is_worked_on_side_by_side_itself_does_not_wait_for_its_own_helper() -> None:
    """With one helper between them, which is busy with what waits for more help."""
    shared = Helpers(1)

    def work(number: int) -> int:
        return sum(side_by_side(lambda each: each * number, range(5), by=shared))

    assert list(side_by_side(work, range(6), by=shared)) == [0, 10, 20, 30, 40, 50]


def test_helpers_that_hang_hold_up_nobody_else() -> None:
    """Both helpers hang in what one caller wants; another is served, by its own thread."""
    shared, hang = Helpers(2), threading.Event()
    stuck = threading.Semaphore(0)

    def hangs(_: int) -> None:
        stuck.release()
        hang.wait(_PATIENCE)

    hanging = threading.Thread(target=lambda: list(side_by_side(hangs, range(3), 3, by=shared)), daemon=True)
    hanging.start()
    try:
        for _ in range(3):
            assert stuck.acquire(timeout=_PATIENCE)
        assert list(side_by_side(lambda number: number, range(10), by=shared)) == list(range(10))
    finally:
        hang.set()
        hanging.join(_PATIENCE)
