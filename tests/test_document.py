"""A document is a mapping that nobody parses before somebody looks."""

from __future__ import annotations

import copy
import json
import math
import pickle
import tracemalloc

import pytest

from auditor.codec import compact
from auditor.document import Document
from auditor.errors import StoreError

SAID = {"b": [1, {"c": None}], "a": "é", "n": 2**70}


def missing(digest: str) -> bytes:
    raise StoreError(f"store: {digest} is missing")


def test_a_document_is_the_mapping_it_was_made_of() -> None:
    """Equal in both directions, in sorted order, and not the same as another one."""
    found = Document.of(SAID)
    assert found == SAID
    assert dict(SAID) == found
    assert found == Document.of({"n": 2**70, "a": "é", "b": (1, {"c": None})})
    assert found != {**SAID, "a": "e"}
    assert found != Document.of({**SAID, "b": [1, {}]})
    assert (list(found), found["b"], found.get("x"), "a" in found) == (["a", "b", "n"], [1, {"c": None}], None, True)
    assert {**found} == SAID
    assert json.loads(compact({"d": found})) == {"d": SAID}


def test_its_length_is_known_without_reading_it() -> None:
    """So is whether it is empty, and which one it is."""
    far = Document("f" * 64, load=missing, length=3)
    assert (len(far), bool(far), far.held) == (3, True, False)
    assert far == Document("f" * 64, b"{}")
    assert not Document.of({})
    assert len(Document.of(SAID).let_go(missing)) == 3
    with pytest.raises(StoreError, match="is missing"):
        Document("0" * 64, load=missing, length=1)["a"]
    with pytest.raises(ValueError, match="needs its body"):
        Document("0" * 64)


def test_one_that_was_let_go_is_found_where_it_is() -> None:
    """By its digest; copies and pickles take their content with them."""
    kept = Document.of(SAID)
    shelf = {kept.digest: kept.body()}
    far = kept.let_go(shelf.__getitem__)
    assert (far.held, far.plain(), len(Document(far.digest, load=shelf.__getitem__))) == (False, SAID, 3)
    for same in (pickle.loads(pickle.dumps(far)), copy.deepcopy(far)):
        assert (same.held, same.digest, same.body()) == (True, kept.digest, kept.body())


def test_it_takes_no_more_room_than_its_content() -> None:
    """A snapshot holds a hundred thousand of them."""
    said = {f"key {number}": "value" for number in range(100)}
    tracemalloc.start()
    try:
        held = [Document.of(said) for _ in range(50)]
        each = tracemalloc.get_traced_memory()[0] / len(held)
    finally:
        tracemalloc.stop()
    assert each < len(held[0].body()) + 400


def test_nobody_can_change_it_by_what_it_gives_away() -> None:
    """A plain dictionary is a new one each time."""
    found = Document.of(SAID)
    found.plain()["b"].append(2)
    assert found.plain() == SAID
    with pytest.raises(TypeError):
        hash(found)


def test_what_json_cannot_say_is_refused() -> None:
    """Sets, times, bytes; a number that is none is not null."""
    for unsayable in ({"a": {1}}, {"a": b"x"}):
        with pytest.raises(ValueError, match="JSON"):
            Document.of(unsayable)
    assert Document.of({"a": math.inf}) != Document.of({"a": None})
