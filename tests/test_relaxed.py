"""Garbage is looked for less often while an audit is worked out, and as before afterwards."""

from __future__ import annotations

import gc
import threading

from auditor.relaxed import relaxed


def test_what_was_set_before_is_set_again_when_the_last_block_ends():
    """Blocks of two threads overlap, and end in the order in which they began."""
    before = gc.get_threshold()
    inside, may_end = threading.Event(), threading.Event()

    def other() -> None:
        with relaxed():
            inside.set()
            may_end.wait(10)

    thread = threading.Thread(target=other)
    with relaxed():
        assert gc.get_threshold()[0] > before[0]
        thread.start()
        assert inside.wait(10)
    assert gc.get_threshold()[0] > before[0], "the other thread is still at work"
    may_end.set()
    thread.join(10)
    assert gc.get_threshold() == before


def test_an_error_inside_restores_it_too():
    """Whatever ends the block."""
    before = gc.get_threshold()
    try:
        with relaxed():
            raise ValueError
    except ValueError:
        pass
    assert gc.get_threshold() == before
