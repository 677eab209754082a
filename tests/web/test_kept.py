"""What pages find out in the background or one at a time: nobody takes all of it for himself."""

from __future__ import annotations

import threading

import pytest

from auditor.web.queries.kept import FoundOut
from auditor.web.queries.staging import Busy, Remembered
from tests.web.site import NOW

_SOON = 10.0


def test_what_nobody_can_be_told_any_more_is_not_begun() -> None:
    """Whoever asks for one thing after another without waiting keeps others waiting for a few of them only."""
    found: FoundOut[int, int] = FoundOut(2)
    begun, go = threading.Event(), threading.Event()
    made: list[int] = []

    def make(number: int) -> int:
        begun.set()
        assert go.wait(_SOON)
        made.append(number)
        return number

    assert found.ask(0, lambda: make(0), 0) is None
    assert begun.wait(_SOON)
    for number in range(1, 20):
        assert found.ask(number, lambda number=number: make(number), 0) is None  # type: ignore[misc]
    go.set()
    assert found.ask(19, lambda: make(-1), _SOON) == 19
    assert made == [0, 18, 19]
    assert found.known(18) == 18
    assert found.ask(5, lambda: make(5), _SOON) == 5


def test_who_waits_for_what_was_given_up_is_told_to_ask_again() -> None:
    """As where it takes longer than he waits."""
    found: FoundOut[int, int] = FoundOut(1)
    begun, go = threading.Event(), threading.Event()
    answers: list[int | None] = []

    def make() -> int:
        begun.set()
        assert go.wait(_SOON)
        return 1

    assert found.ask(0, make, 0) is None
    assert begun.wait(_SOON)
    waiting = threading.Thread(target=lambda: answers.append(found.ask(1, lambda: 1, _SOON)))
    waiting.start()
    asked = found._asked
    # Until the other thread has asked; what is asked for next takes its place.
    while asked.get(1) is None:
        assert waiting.is_alive()
    assert found.ask(2, lambda: 2, 0) is None
    waiting.join(_SOON)
    assert answers == [None]
    go.set()


def test_only_a_few_wait_for_what_is_made_one_at_a_time() -> None:
    """All requests share some forty threads: whoever comes when eight wait is told so at once."""
    kept: Remembered[int, int] = Remembered(10)
    begun, go = threading.Event(), threading.Event()

    def make() -> int:
        begun.set()
        assert go.wait(_SOON)
        return 1

    crowd = [threading.Thread(target=kept.get, args=(number, NOW, make)) for number in range(8)]
    for thread in crowd:
        thread.start()
    assert begun.wait(_SOON)
    while kept._places._value:
        assert all(thread.is_alive() for thread in crowd)
    with pytest.raises(Busy, match="try again in a minute"):
        kept.get(9, NOW, make)
    go.set()
    for thread in crowd:
        thread.join(_SOON)
    assert kept.get(9, NOW, make) == 1
