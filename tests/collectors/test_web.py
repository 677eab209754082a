"""How a far side is asked over HTTP: every way in which it can fail is one reason, in bounded time and memory."""

from __future__ import annotations

import gzip
import json
import tracemalloc
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

import certifi
import pytest

from auditor.collector import Context
from auditor.errors import CollectError
from auditor.model import GapReason
from collectors._web import Site, trust
from tests.standins.hostile import CANARY, FAULTS, Answer, Hostile, hostile

if TYPE_CHECKING:
    from collections.abc import Iterator


_OTHERWISE = "the answer is compressed in another way than was asked for (gzip)"


@pytest.fixture
def server() -> Iterator[Hostile]:
    with hostile({"/items": {"items": [1]}, "/items?page=2": {"items": [2]}, "/none": Answer(b"", 404)}) as running:
        yield running


def site(server: Hostile, **settings: object) -> Site:
    return Site(**{"api": "shop", "base": server.url, "timeout": 1.0, "max_bytes": 1_000_000, **settings})  # type: ignore[arg-type]


CONTEXT = Context("staging", Path())


@pytest.mark.parametrize("fault", FAULTS)
def test_a_failure_is_its_reason_and_never_an_answer(server: Hostile, fault: str) -> None:
    """With nothing of what was answered in the message, and no more read than is allowed."""
    server.fault = fault
    with pytest.raises(CollectError) as raised:
        site(server).json(CONTEXT, "/items")
    assert raised.value.reason == FAULTS[fault]
    assert CANARY not in str(raised.value)
    assert server.sent < 20_000_000


def test_a_good_answer_is_read_with_its_query_and_headers(server: Hostile) -> None:
    """Parameters are added to the query, and the far side is told who asks."""
    answer = site(server, headers={"authorization": "Bearer t"}).json(CONTEXT, "/items", page=2)
    assert answer == {"items": [2]}
    path, headers = server.asked[0]
    assert (path, headers["authorization"], headers["user-agent"]) == ("/items?page=2", "Bearer t", "parity-auditor")


def test_none_is_an_answer_only_where_it_is_said_to_be_one(server: Hostile) -> None:
    """A 404 of a listing hides it; a 404 of a detail that may be missing means that there is none."""
    assert site(server).json(CONTEXT, "/none", absent=(404,)) is None
    with pytest.raises(CollectError) as raised:
        site(server).json(CONTEXT, "/none")
    assert raised.value.reason is GapReason.UNSUPPORTED


def test_a_busy_far_side_is_asked_again(server: Hostile) -> None:
    """As often as is allowed, and each request is counted by how it ended."""
    outcomes: list[str] = []
    context = Context("staging", Path(), meter=lambda _api, outcome: outcomes.append(outcome))
    server.fault = "429"
    with pytest.raises(CollectError):
        site(server, attempts=2).json(context, "/items")
    assert outcomes == ["throttled", "throttled"]
    server.fault = "403"
    with pytest.raises(CollectError):
        site(server, attempts=2).json(context, "/items")
    assert outcomes[2:] == ["denied"]


def test_authorities_are_loaded_once_in_a_run_and_anew_for_the_next(tmp_path: Path) -> None:
    """Sixty milliseconds each: for those that are trusted anyway, and for each file; one that cannot be read is never kept."""
    context = Context("staging", tmp_path)
    assert trust(None, context) is trust(None, context)
    assert trust(None, context) is not trust(None, Context("staging", tmp_path))
    with pytest.raises(CollectError, match=r"own\.pem"):
        trust(Path("own.pem"), context)
    (tmp_path / "own.pem").write_bytes(Path(certifi.where()).read_bytes())
    assert trust(Path("own.pem"), context) is trust(Path("own.pem"), context)
    assert trust(Path("own.pem"), context) is not trust(None, context)


def packed(body: bytes, encoding: str = "gzip") -> Answer:
    return Answer(body, headers={"content-type": "application/json", "content-encoding": encoding})


def test_what_unpacks_to_more_than_is_read_is_cut_off_before_it_is_unpacked() -> None:
    """A gigabyte of blanks is a megabyte of gzip. Of that only what is counted is held."""
    maker = zlib.compressobj(9, zlib.DEFLATED, 31)
    bomb = b"".join([*(maker.compress(b" " * 2**20) for _ in range(1024)), maker.flush()])
    with hostile({"/items": packed(bomb)}) as server:
        tracemalloc.start()
        try:
            with pytest.raises(CollectError) as raised:
                site(server, timeout=30.0).json(CONTEXT, "/items")
            _, most = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert (raised.value.reason, raised.value.detail) == (
        GapReason.TRUNCATED,
        "the answer is larger than 1000000 bytes",
    )
    assert most < 16_000_000


@pytest.mark.parametrize("size", [0, 1, 65_535, 65_536, 65_537, 900_000])
def test_a_compressed_answer_is_read_whole(size: int) -> None:
    """Whatever its size, and where it is several streams after each other."""
    body = json.dumps(["x" * size, 1]).encode()
    halves = gzip.compress(body[: size // 2]) + gzip.compress(body[size // 2 :])
    with hostile({"/one": packed(gzip.compress(body)), "/two": packed(halves, "x-gzip")}) as server:
        assert site(server).json(CONTEXT, "/one") == site(server).json(CONTEXT, "/two") == ["x" * size, 1]
        assert server.asked[0][1]["accept-encoding"] == "gzip"


@pytest.mark.parametrize(
    ("answer", "detail"),
    [
        (packed(gzip.compress(b"[1, 2]")[:-9]), "the answer breaks off: its gzip has no end"),
        (packed(b"[1, 2]"), "the answer is damaged: it is not what gzip makes"),
        (packed(gzip.compress(b"[1, 2]") + b"more"), "the answer is damaged: it is not what gzip makes"),
        (packed(gzip.compress(gzip.compress(b"[1]")), "gzip, gzip"), _OTHERWISE),
        (packed(b"[1, 2]", "br"), _OTHERWISE),
    ],
)
def test_what_is_not_the_gzip_that_was_asked_for_is_malformed(answer: Answer, detail: str) -> None:
    """Half of an answer is none."""
    with hostile({"/items": answer}) as server, pytest.raises(CollectError) as raised:
        site(server).json(CONTEXT, "/items")
    assert (raised.value.reason, raised.value.detail) == (GapReason.MALFORMED, detail)
