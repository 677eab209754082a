"""A redactor that has looked through many texts says of each what one says that never saw any."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from auditor import harmless
from auditor.model import Category, Kind, Resource
from auditor.redact import Redactor

_KIND = Kind("test.thing", Category.CONFIG, "a thing", secret=("hidden",), references=("origin",))
# Random enough to be a key wherever its name does not say that it is something else.
_RANDOM = "x7Qp2LmZ9vKr4TsW8bNd"
_TEXTS = (
    _RANDOM,
    "plain",
    "postgres://app:hunter2@db/orders",
    f"user={_RANDOM}",
    '{"password": "hunter2"}',
    "eu-west-1",
)


def _documents() -> list[dict[str, Any]]:
    keys = ("digest", "note", "password", "hidden", "origin", "image_id", "value", "data")
    singly = [{key: text} for text in _TEXTS for key in keys]
    listed = [
        {"env": [{"name": key, "value": text}], "args": [f"--{key}={text}", text]} for text in _TEXTS for key in keys
    ]
    return [*singly, *listed]


def _redacted(redactor: Redactor, document: Mapping[str, Any]) -> Resource:
    return redactor.resource(Resource(_KIND.name, _RANDOM, document, refs=_TEXTS, tags={"note": _RANDOM}), _KIND)


@pytest.mark.parametrize("most", [3, 65_536])
def test_what_was_seen_before_changes_nothing(most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """One key's harmless digest is another key's secret, in whatever order they come and however few are remembered."""
    monkeypatch.setattr(harmless, "_MOST_REMEMBERED", most)
    documents = _documents()
    wanted = [_redacted(Redactor(b"k" * 16), document) for document in documents]
    for order in (documents, documents[::-1]):
        seen = Redactor(b"k" * 16)
        told = [_redacted(seen, document) for document in (*order, *order)]
        assert told == ([*wanted, *wanted] if order is documents else [*wanted[::-1], *wanted[::-1]])
    assert wanted[0].attributes == {"digest": _RANDOM}
    assert wanted[1].attributes != {"note": _RANDOM}


def test_what_is_known_again_differs_in_no_byte() -> None:
    """However long it is: of what is hashed in pieces none is left out."""
    redactor = Redactor(b"k" * 16)
    for length in (1, 2047, 2048, 16 * 2047, 16 * 2047 + 1, 100_000):
        content = b"a" * length
        others = [content[:at] + b"b" + content[at + 1 :] for at in (0, length // 2, length - 1)]
        told = {redactor.known_by(each) for each in (content, *others, content + b"a", content[:-1])}
        assert len(told) == len({content, *others}) + 2
        assert redactor.known_by(bytes(content)) == redactor.known_by(content)
        assert redactor.known_by(content) != Redactor(b"K" * 16).known_by(content)
