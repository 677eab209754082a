"""What was worked out earlier is there for whoever comes next, and what is not whole is worked out again."""

from __future__ import annotations

from hashlib import blake2b

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from auditor.kept import KEY, Kept
from auditor.segments import Columns, packed
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


@pytest.mark.parametrize("longest", [40, 2000])
def test_a_map_of_many_records_says_what_a_dictionary_would(store: Store, longest: int) -> None:
    """Also of keys that begin alike, of what is not there, and of what came in a second piece; and so does the next process."""
    known = {
        blake2b(b"%d" % each, digest_size=KEY).digest(): b"%d " % each * (each % longest // 4) for each in range(3000)
    }
    alike = [next(iter(known))[: KEY - 1] + bytes([last]) for last in range(4)]
    # The last one is found once more where the one before it ends.
    alike += [b"aaA" + b"a" * (KEY - 3), b"a" * KEY]
    known.update({key: bytes([at]) for at, key in enumerate(alike)})
    first = Kept(f"many-{longest}", store)
    for key, value in known.items():
        first[key] = value
    first.flush()
    late = {alike[0]: b"another word", b"\xff" * KEY: b"late"}
    for key, value in late.items():
        first[key] = value
    first.flush()
    known |= late
    second = Kept(f"many-{longest}", store)
    for one in (first, second, first, second):
        assert {key: one.get(key) for key in known} == known
        one.rest()
        assert [one.get(bytes([other]) * KEY) for other in range(5)] == [None] * 5
        assert set(known.values()) <= set(one.values())


def test_what_nobody_asks_for_is_left_out_when_much_of_it_is_written_anew(store: Store) -> None:
    """What was asked for stays, whether it was read or worked out by this process; until then nothing is lost."""
    keys = [blake2b(b"%d" % each, digest_size=KEY).digest() for each in range(5000)]
    first = Kept("stale", store)
    for key in keys:
        first[key] = key * 2
    first.flush()
    second = Kept("stale", store)
    asked = keys[:1500]
    assert [second.get(key) for key in asked] == [key * 2 for key in asked]
    second.rest()
    second[b"n" * KEY] = b"new"
    for _ in range(63):
        second.flush()
    assert len(Kept("stale", store)) == 5001
    second.flush()
    third = Kept("stale", store)
    assert (len(second), len(third)) == (1501, 1501)
    for one in (second, third):
        assert [one.get(key) for key in asked] == [key * 2 for key in asked]
        assert (one.get(b"n" * KEY), one.get(keys[-1])) == (b"new", None)


@pytest.mark.parametrize("cut", [0, 1, 12, 30, 3000, 40_000, -1])
def test_columns_of_a_segment_that_is_not_whole_are_empty(cut: int) -> None:
    """Whether it ends early, or something follows it."""
    (body,) = packed({blake2b(b"%d" % each, digest_size=KEY).digest(): b"value" for each in range(2000)})
    assert len(Columns(body)) == 2000
    for broken in (body[:cut], body + b"!", b"x" + body):
        assert (len(Columns(broken)), Columns(broken).get(b"k" * KEY), list(Columns(broken).items())) == (0, None, [])


def test_to_gather_a_few_records_says_what_asking_for_each_would_and_holds_nothing(store: Store) -> None:
    """Of a map that was not read, in several pieces; what this process worked out itself is among them."""
    keys = [blake2b(b"%d" % each, digest_size=KEY).digest() for each in range(4000)]
    first = Kept("gathered", store)
    for begin in (0, 2000, 3900):
        for key in keys[begin : begin + 2000]:
            first[key] = key * 40
        first.flush()
    second = Kept("gathered", store)
    second[b"n" * KEY] = b"new"
    wanted = [*keys[::500], keys[3950], b"n" * KEY, b"\xff" * KEY]
    expected = {key: key * 40 for key in wanted[:-2]} | {b"n" * KEY: b"new"}
    assert second.gather(wanted) == expected
    assert second.size == KEY + 3
    assert first.gather(wanted[:-2]) == {key: key * 40 for key in wanted[:-2]}
    assert {key: second.get(key) for key in expected} == expected
    assert second.gather(wanted) == expected


def test_what_was_gathered_or_written_unread_stays_when_the_map_is_written_anew(store: Store) -> None:
    """To write what is new does not read what is old; and neither counts as what nobody asks for."""
    keys = [blake2b(b"%d" % each, digest_size=KEY).digest() for each in range(5700)]
    first = Kept("gathered-stale", store)
    for key in keys[:4500]:
        first[key] = key
    first.flush()
    second = Kept("gathered-stale", store)
    for key in keys[4500:]:
        second[key] = key
    second.flush()
    assert second.size == 0
    assert second.gather(keys[:10]) == {key: key for key in keys[:10]}
    for _ in range(63):
        second.flush()
    kept = Kept("gathered-stale", store)
    stays = {*keys[:10], *keys[4500:]}
    assert {key for key in keys if kept.get(key) is not None} == stays
