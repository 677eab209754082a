"""Which rows are looked at: bounded, the same ones on both sides, and said how."""

from __future__ import annotations

import random
from bisect import bisect_left
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.data.sampling import How, Sample, range_starts
from tests.collectors.data.conftest import Server
from tests.collectors.data.reading import sampled, told

_MANY = 24_000


@given(st.integers(-(10**12), 10**12), st.integers(0, 10**12))
def test_ranges_cover_all_keys_and_are_few(first: int, length: int) -> None:
    """As many as were wanted or half of that, the first one not after the first key."""
    starts = range_starts(first, first + length, 20)
    assert starts[0] <= first
    assert starts[-1] <= first + length
    assert len(starts) <= 21
    assert len(starts) >= min(10, length)


@given(st.integers(0, 10**9), st.integers(10, 10**9), st.integers(1, 8))
def test_ranges_of_a_part_are_a_finer_division_of_the_wholes(first: int, length: int, times: int) -> None:
    """So each range of the whole that begins within the part begins there in the part, too."""
    part, whole = range_starts(first, first + length, 200), range_starts(0, first + length * times, 200)
    assert {start for start in whole if part[0] <= start <= part[-1]} <= set(part)


def test_what_a_sample_may_have_missed_follows_from_its_size() -> None:
    """The rule of three; nothing is missed where every row was read, and everything where none was."""
    assert Sample([(1,)] * 1000, How.RANGES).unseen_share == 0.003
    assert Sample([(1,)] * 5, How.ALL).unseen_share == 0.0
    assert Sample([], How.FIRST).unseen_share == 1.0


def numbers(server: Server, name: str, expression: str, columns: str, count: int, key: str = "primary key") -> None:
    """A table of `count` rows, each with an address of its own."""
    source = (
        f"generate_series(1, {count}) as s(seq)"
        if server.engine == "postgresql"
        else f"(select seq from seq_1_to_{count}) as s"
    )
    server.run(name, f"create table people (id {columns} {key}, email varchar(100))")
    server.run(name, f"insert into people select {expression}, concat('person', seq, '@gmail.com') from {source}")
    server.run(name, "analyze people" if server.engine == "postgresql" else "analyze table people")


@pytest.fixture
def databases(server: Server) -> list[str]:
    return [server.database() for _ in range(3)]


def people(server: Server, database: str, **options: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """What is told of the table of people, and of its addresses."""
    found = told(sampled(server.url_of(database), limits={"rows": 500}, **options))
    where = "public.people" if server.engine == "postgresql" else "people"
    return found[where], found[f"{where}.email"]


def shared(left: dict[str, Any], right: dict[str, Any]) -> int:
    return len(set(left["fingerprints"]) & set(right["fingerprints"]))


def test_a_copy_and_a_part_of_a_large_table_meet_it_in_the_same_rows(server: Server, databases: list[str]) -> None:
    """A thousand rows at most of each; a whole copy is met in nearly all, the newest quarter in some."""
    whole, copy, part = databases
    numbers(server, whole, "seq", "integer", _MANY)
    numbers(server, copy, "seq", "integer", _MANY * 9 // 10)
    numbers(server, part, "seq", "integer", _MANY)
    server.run(part, f"delete from people where id < {_MANY * 3 // 4}")
    server.run(part, "analyze people" if server.engine == "postgresql" else "analyze table people")
    (table, emails), (_, copied), (_, latest) = (people(server, name) for name in databases)
    assert (table["how"], table["unseen_share"]) == ("key ranges", round(3 / table["sampled"], 4))
    assert 400 <= table["sampled"] <= 500
    assert abs(table["rows"] - _MANY) < _MANY * 0.1
    assert shared(emails, copied) > 200
    assert shared(emails, latest) >= 20
    assert people(server, whole)[1] == emails


def test_uuids_and_tables_without_a_key_are_sampled_too(server: Server, databases: list[str]) -> None:
    """Ranges of uuids lie where they lie; without a key PostgreSQL reads pages at random, MariaDB what comes first."""
    with_uuids, without, _ = databases
    spread = (
        "md5(seq::text)::uuid"
        if server.engine == "postgresql"
        else "cast(insert(insert(md5(seq), 13, 1, '4'), 17, 1, '8') as uuid)"
    )
    numbers(server, with_uuids, spread, "uuid", _MANY // 3)
    numbers(server, without, "seq", "integer", _MANY // 3, key="")
    table, emails = people(server, with_uuids)
    assert (table["how"], emails["personal"]["email"]["share"]) == ("key ranges", 1.0)
    assert 400 <= table["sampled"] <= 500
    table, emails = people(server, without)
    assert table["how"] == ("random pages" if server.engine == "postgresql" else "first rows")
    assert (table["sampled"], emails["personal"]["email"]["share"]) == (500, 1.0)


def test_texts_as_keys_are_read_from_both_ends(server: Server, databases: list[str]) -> None:
    """There is no telling where ranges of them would lie."""
    numbers(server, databases[0], "concat('k', seq)", "varchar(40)", _MANY // 3)
    table, emails = people(server, databases[0])
    assert (table["how"], table["sampled"], emails["fingerprinted"]) == ("first and last keys", 500, 500)


def read_of(ids: Sequence[int]) -> set[int]:
    """The ids that are read of a table with a key of these, as its ranges are asked for."""
    starts = range_starts(ids[0], ids[-1], 200)
    most = max(1, 1000 // len(starts))
    begins = [bisect_left(ids, start) for start in starts]
    ends = [*begins[1:], len(ids)]
    return {ids[at] for begin, end in zip(begins, ends, strict=True) for at in range(begin, min(end, begin + most))}


def test_how_much_of_a_million_rows_is_met_again_is_what_the_page_says() -> None:
    """The table of docs/data-safety.md: the worst of several draws."""
    whole = range(1, 1_000_001)
    production = read_of(whole)
    drawn = random.Random(7)
    parts: dict[str, list[Sequence[int]]] = {
        "whole": [whole],
        "older 90 %": [whole[:900_000]],
        "newest 10 %": [whole[-100_000:]],
        "newest 1 %": [whole[-10_000:]],
        "oldest 1 %": [whole[:10_000]],
        "random 10 %": [sorted(drawn.sample(whole, 100_000)) for _ in range(3)],
        "random 1 %": [sorted(drawn.sample(whole, 10_000)) for _ in range(10)],
    }
    met = {name: min(len(read_of(part) & production) for part in each) for name, each in parts.items()}
    assert met.pop("random 1 %") >= 3
    assert met.pop("random 10 %") >= 80
    assert met == {"whole": 984, "older 90 %": 880, "newest 10 %": 65, "newest 1 %": 12, "oldest 1 %": 12}
