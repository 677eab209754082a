"""What the product is measured against: the least that must be done, and what one would write without it.

Each function is one measurement in a process of its own. The peers are given the same estate with the environments' names
already set aside (`Estate.alike`), because they could not do that; the product's own rows set them aside themselves.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import orjson

from bench.speed.child import Stopwatch
from bench.speed.estate import KINDS, PROD, REGIONS, STAGING, Estate, Side

_WORD = re.compile(r"[A-Za-z0-9][\w.-]{5,}[A-Za-z0-9]")
_SORTED = orjson.OPT_SORT_KEYS


def parse_and_hash(stopwatch: Stopwatch, editions: Path) -> None:
    """The floor for all who read everything: each answer of both sides parsed and hashed."""
    count = 0
    with stopwatch.running():
        for file in sorted(editions.glob("*/*")):
            with file.open("rb") as lines:
                for line in lines:
                    sha256(line).digest()
                    orjson.loads(line)
                    count += 1
    stopwatch.facts["resources"] = count


def walk(stopwatch: Stopwatch, estate: Estate, *, regexes: bool) -> None:
    """Normalise the documents of both sides in plain Python: walk, sort, look at each text (`regexes`), dump, hash."""
    documents = [list(_documents(estate, side).values()) for side in (STAGING, PROD)]
    with stopwatch.running():
        for side in documents:
            for document in side:
                body = json.dumps(_walked(orjson.loads(document), regexes), sort_keys=True)
                sha256(body.encode()).hexdigest()


def deepdiff_whole(stopwatch: Stopwatch, estate: Estate) -> None:
    """`DeepDiff(left, right)` of everything at once: what the library is for, and what one writes first."""
    from deepdiff import DeepDiff

    left, right = (_parsed(estate, side) for side in (STAGING, PROD))
    with stopwatch.running():
        found = DeepDiff(left, right)
    stopwatch.facts["changes"] = sum(len(changes) for changes in found.values())


def deepdiff_by_pair(stopwatch: Stopwatch, estate: Estate) -> None:
    """One DeepDiff for each pair, equal or not."""
    from deepdiff import DeepDiff

    left, right = (_parsed(estate, side) for side in (STAGING, PROD))
    with stopwatch.running():
        found = [identity for identity in left if DeepDiff(left[identity], right[identity])]
    stopwatch.facts["changes"] = len(found)


def join_fresh(stopwatch: Stopwatch, estate: Estate, *, library: bool) -> None:
    """Parse and hash all, join on the hashes, compare only unequal pairs: with DeepDiff (`library`), or leaf by leaf."""
    from deepdiff import DeepDiff

    left, right = (_documents(estate, side) for side in (STAGING, PROD))
    with stopwatch.running():
        ours, theirs = _hashed(left), _hashed(right)
        unequal = [identity for identity, (digest, _) in ours.items() if digest != theirs[identity][0]]
        for identity in unequal:
            one, other = ours[identity][1], theirs[identity][1]
            list(_leaves(one, other)) if not library else DeepDiff(one, other)
    stopwatch.facts["changes"] = len(unequal)


def join_stored(stopwatch: Stopwatch, estate: Estate) -> None:
    """Join on hashes that are known, parse and compare unequal pairs leaf by leaf: no names, no rules, no history."""
    left, right = (_documents(estate, side) for side in (STAGING, PROD))
    ours, theirs = ({name: sha256(body).digest() for name, body in side.items()} for side in (left, right))
    with stopwatch.running():
        unequal = [identity for identity, digest in ours.items() if digest != theirs[identity]]
        for identity in unequal:
            list(_leaves(orjson.loads(left[identity]), orjson.loads(right[identity])))
    stopwatch.facts["changes"] = len(unequal)


def ignore_order(stopwatch: Stopwatch, rules: int, *, keyed: bool) -> None:
    """DeepDiff of one list of `rules` objects of which 60 % changed: with ignore_order, or keyed first as the product does."""
    from deepdiff import DeepDiff

    left = [_rule(at, 0) for at in range(rules)]
    right = [_rule(at, 1 if at % 5 < 3 else 0) for at in reversed(range(rules))]
    with stopwatch.running():
        if keyed:
            found = DeepDiff(*({rule["id"]: rule for rule in side} for side in (left, right)))
        else:
            found = DeepDiff(left, right, ignore_order=True)
    stopwatch.facts["changes"] = sum(len(changes) for changes in found.values())


def _rule(at: int, change: int) -> dict[str, Any]:
    return {
        "id": f"rule-{at:03}",
        "protocol": "tcp",
        "from_port": 1000 + at + change,
        "to_port": 1000 + at + change,
        "source": f"10.{at % 250}.{change}.0/24",
        "description": f"What number {at} may reach",
    }


def _documents(estate: Estate, side: Side) -> dict[str, bytes]:
    """One side by kind, region and identity: each document as compact JSON."""
    found = {}
    for kind in KINDS:
        for region in REGIONS:
            for answer in estate.answers(side, kind, region):
                parsed = orjson.loads(answer)
                found[f"{kind}/{region}/{parsed['identity']}"] = orjson.dumps(parsed["attributes"], option=_SORTED)
    return found


def _parsed(estate: Estate, side: Side) -> dict[str, Any]:
    return {identity: orjson.loads(body) for identity, body in _documents(estate, side).items()}


def _hashed(side: dict[str, bytes]) -> dict[str, tuple[bytes, Any]]:
    return {identity: (sha256(body).digest(), orjson.loads(body)) for identity, body in side.items()}


def _walked(value: Any, regexes: bool) -> Any:
    if isinstance(value, dict):
        return {str(key): _walked(below, regexes) for key, below in value.items()}
    if isinstance(value, list):
        return sorted((_walked(item, regexes) for item in value), key=repr)
    if isinstance(value, str):
        return _WORD.sub(lambda found: found.group(), value) if regexes else value.strip()
    return value


def _leaves(left: Any, right: Any) -> Iterator[tuple[Any, Any]]:
    if isinstance(left, dict) and isinstance(right, dict):
        for key in left.keys() | right.keys():
            yield from _leaves(left.get(key), right.get(key))
    elif isinstance(left, list) and isinstance(right, list) and len(left) == len(right):
        for one, other in zip(left, right, strict=True):
            yield from _leaves(one, other)
    elif left != right:
        yield left, right
