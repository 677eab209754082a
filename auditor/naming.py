"""The texts by which one resource may name another: a name under a key that says what it is the name of, or a reference.

Of a document that is a handful of texts. They are kept beside its form, so that how far a finding reaches is told without
reading what it reaches.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from functools import lru_cache

from auditor.comparison import Naming
from auditor.kept import key_of
from auditor.model import Json
from auditor.values import words

NAMING_VERSION = 1
"""Part of every key: raise it when the same form would be told to name otherwise."""
_MOST_REMEMBERED = 65_536
_SILENT = frozenset({bool, int, float, type(None)})


class Nouns:
    """What the resources of one snapshot, of these `kinds`, may be named as."""

    def __init__(self, kinds: Collection[str]) -> None:
        spelled = sorted(set(kinds))
        nouns = sorted(set(map(noun_of, spelled)) - {""})
        self._noun = re.compile("|".join(map(re.escape, nouns))) if nouns else None
        self._kind = re.compile("|".join(re.escape(f"{kind}/") for kind in spelled)) if spelled else None
        # By the last key but one, then by the last: both run together where that names one of the kinds, else nothing.
        self._naming: defaultdict[str, dict[str, str]] = defaultdict(dict)
        self._remembered = 0
        self.digest = key_of(json.dumps([NAMING_VERSION, spelled]))

    def told(self, raw: Mapping[str, Json]) -> Naming:
        """Those of `spoken` that may name a resource of one of the kinds, of a document in normal form."""
        if self._remembered > _MOST_REMEMBERED:
            self._naming.clear()
            self._remembered = 0
        found: list[tuple[str, str]] = []
        self._tell(raw if isinstance(raw, dict) else dict(raw), "", found)
        return tuple(found)

    def _tell(self, value: dict[str, Json], last: str, found: list[tuple[str, str]]) -> None:
        naming = self._naming[last]
        for key, below in reversed(value.items()):
            if type(below) in _SILENT:
                continue
            if isinstance(below, dict):
                self._tell(below, key, found)
                continue
            joined = naming.get(key)
            if joined is None:
                joined = naming[key] = self._joined(last, key)
                self._remembered += 1
            for text in reversed(below) if isinstance(below, list) else (below,):
                if isinstance(text, str) and (joined or ("/" in text and self._refers(text))):
                    found.append((joined or _joined((last, key)), text))  # noqa: PERF401 - most are no list

    def _joined(self, last: str, key: str) -> str:
        """Both keys run together, where that names one of the kinds; else nothing."""
        joined = _joined((last, key))
        return joined if self._noun is not None and self._noun.search(joined) is not None else ""

    def _refers(self, text: str) -> bool:
        return self._kind is not None and self._kind.search(text) is not None


def spoken(raw: Json) -> Iterator[tuple[str, str]]:
    """Every text of a document in normal form, with the words of the last two keys on the way to it, run together."""
    stack: list[tuple[tuple[str, str], Json]] = [(("", ""), raw)]
    while stack:
        keys, value = stack.pop()
        if isinstance(value, str):
            yield _joined(keys), value
        elif isinstance(value, Mapping):
            stack += [((keys[1], str(key)), below) for key, below in value.items()]
        elif isinstance(value, list):
            stack += [(keys, item) for item in value]


def noun_of(kind: str) -> str:
    """`securitygroup` of `aws.ec2.security_group`."""
    return kind.rpartition(".")[2].replace("_", "")


def packed(naming: Naming) -> bytes:
    return json.dumps(naming, separators=(",", ":")).encode() if naming else b""


def unpacked(record: bytes) -> Naming:
    return tuple((key, text) for key, text in json.loads(record)) if record else ()


@lru_cache(maxsize=65536)
def _joined(keys: tuple[str, str]) -> str:
    return "".join(word for step in keys for word in words(step))
