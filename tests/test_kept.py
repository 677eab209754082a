"""What was worked out earlier is there for whoever comes next, and what is not whole is worked out again."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from auditor.kept import KEY, Kept
from auditor.store import Store

RECORDS = st.dictionaries(st.binary(min_size=KEY, max_size=KEY), st.binary(max_size=40), max_size=30)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """A store of SQLite."""
    return Store.open(f"sqlite:///{tmp_path_factory.mktemp('kept')}/auditor.db")


@settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(st.lists(RECORDS, max_size=4), st.integers(0, 10**9))
def test_what_one_process_keeps_the_next_one_knows(store: Store, written: list[dict[bytes, bytes]], name: int) -> None:
    """Whatever the records, empty ones too, and in however many pieces they were written; the last word counts."""
    first = Kept(f"map-{name}", store)
    known: dict[bytes, bytes] = {}
    for records in written:
        for key, value in records.items():
            first[key] = known[key] = value
        first.flush()
    second = Kept(f"map-{name}", store)
    assert {key: second.get(key) for key in known} == known
    assert len(second) >= len(known)


@pytest.mark.parametrize("cut", [0, 1, 7, 12, 30, 60, -1])
def test_a_segment_that_is_not_whole_says_nothing(store: Store, cut: int) -> None:
    """Nor one that was written in another way: what it held is worked out and kept again."""
    whole = Kept(f"whole-{cut}", store)
    whole[b"k" * KEY], whole[b"l" * KEY] = b"one", b"more than one"
    whole.flush()
    (body,) = store.segments(f"whole-{cut}").values()
    store.put_segments(f"cut-{cut}", [body[:cut], b"k" * KEY + b"\x03\0\0\0one", body + b"!"])
    cut_off = Kept(f"cut-{cut}", store)
    assert (len(cut_off), cut_off.get(b"k" * KEY)) == (0, None)
    cut_off[b"k" * KEY] = b"one"
    cut_off.flush()
    assert Kept(f"cut-{cut}", store).get(b"k" * KEY) == b"one"
