"""Environments as companies write them, drawn by chance: what two sides have in common, and what each calls things."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from hypothesis import strategies as st

from auditor.alike import Pair
from auditor.compare import compare
from auditor.comparison import Comparison, Normal
from auditor.match import match
from auditor.model import (
    Category,
    Kind,
    Listing,
    Resource,
    Snapshot,
)
from auditor.names import EnvironmentNames, environment_names
from auditor.snapshot import normalise

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
ENV_FILE = Kind("env.file", Category.CONFIG, "A dotenv file", located=True)
SERVICE = Kind(
    "test.service",
    Category.COMPUTE,
    "A service with the sorts of attributes that services have",
    keyed={"containers": "name", "rules": "port+protocol"},
    ordered=("command",),
    volatile=("status.**", "**.updated_at"),
    secret=("password",),
)
KINDS: Mapping[str, Kind] = {kind.name: kind for kind in (ENV_FILE, SERVICE)}
STAGING = environment_names("staging", ["stg"], {"prod": ["production"]}).at(["111122223333"], ["eu-west-1"])
PROD = environment_names("prod", ["production"], {"staging": ["stg"]}).at(["444455556666"], ["us-east-1"])
# What a template's slots become on each side: the name as a word, shouted, capitalised; account and region.
SPOKEN = {
    "staging": {"<e>": "staging", "<E>": "STAGING", "<s>": "stg", "<a>": "111122223333", "<r>": "eu-west-1"},
    "prod": {"<e>": "prod", "<E>": "PROD", "<s>": "production", "<a>": "444455556666", "<r>": "us-east-1"},
}

WORDS = st.sampled_from(["orders", "billing", "search", "mail", "api", "worker", "cache", "web"])
NAMED = st.builds(
    lambda shape, word: shape.replace("#", word),
    st.sampled_from(["#-<e>", "<e>-#", "#_<s>", "acme-#-<e>-db", "/acme/<e>/#/url", "#.<e>.acme.example", "<E>_#"]),
    WORDS,
)
URLS = st.builds(
    lambda word, path: f"https://{word}.<e>.acme.example{path}", WORDS, st.sampled_from(["", "/", "/v1", ":443/v1"])
)
ARNS = st.builds(lambda word: f"arn:aws:sns:<r>:<a>:{word}-<e>", WORDS)
VERSIONS = st.sampled_from(["15.4", "v1.2.3", "1.2.4", "8.0.35", "16", "2026.1", "1.10", "1.1"])
QUANTITIES = st.sampled_from(["512Mi", "0.5Gi", "1500m", "30s", "1h", "PT30M", "100m", "0.1", "10GB", "1.5Gi", "7d"])
SWITCHES = st.sampled_from([True, False, "true", "False", "on", None, ""])
NUMBERS = st.one_of(st.integers(-5, 5000), st.sampled_from(["8", "08", "1.50", 0.25, "3e5"]))
SECRETS = st.sampled_from(["{secret:0123456789abcdef}", "{secret:fedcba9876543210}", "{secret:00ff00ff00ff00ff:placeholder}"])  # fmt: skip
TEXTS = st.sampled_from(
    ["info", "debug", "a, b", "changeme", "postgres", "us", "http://", "a.b", "Über", " x ", "line\nline"]
)
SCALARS = st.one_of(NAMED, URLS, ARNS, VERSIONS, QUANTITIES, SWITCHES, NUMBERS, SECRETS, TEXTS)
KEYS = st.sampled_from(
    ["engine_version", "memory", "cpu", "logLevel", "timeout", "replicas", "<E>_URL", "db_url", "image", "enabled", "name",
     "password", "tags", "a.b", "host", "min-size"]
)  # fmt: skip
LISTS = st.lists(st.one_of(NAMED, WORDS, VERSIONS, NUMBERS), max_size=4)
TREES = st.recursive(st.one_of(SCALARS, LISTS), lambda inner: st.dictionaries(KEYS, inner, max_size=4), max_leaves=12)
CONTAINERS = st.lists(
    st.fixed_dictionaries({"name": WORDS}, optional={"image": NAMED, "memory": QUANTITIES, "env": st.dictionaries(KEYS, SCALARS, max_size=3)}),
    max_size=3, unique_by=lambda item: item["name"],
)  # fmt: skip
RULES = st.lists(
    st.fixed_dictionaries({"port": st.integers(1, 5), "protocol": st.sampled_from(["tcp", "udp"])}, optional={"to": NAMED}),
    max_size=3, unique_by=lambda item: (item["port"], item["protocol"]),
)  # fmt: skip
BLOCKS = st.lists(st.dictionaries(KEYS, SCALARS, min_size=1, max_size=3), max_size=3)
SERVICES = st.fixed_dictionaries(
    {},
    optional={
        "engine_version": VERSIONS, "memory": QUANTITIES, "containers": CONTAINERS, "rules": RULES, "blocks": BLOCKS,
        "command": st.lists(WORDS, max_size=3), "zones": LISTS, "settings": TREES, "multi_az": SWITCHES, "url": URLS,
        "status": TREES, "password": SECRETS, "queue_arn": ARNS,
    },
)  # fmt: skip
FILES = st.dictionaries(KEYS, SCALARS, max_size=6)


@st.composite
def templates(draw: st.DrawFn) -> tuple[Resource, ...]:
    """Resources of one environment with slots where its names belong; no two of a kind share an identity."""
    names = draw(st.lists(WORDS, min_size=1, max_size=3, unique=True))
    shape = draw(st.sampled_from(["#-<e>", "<s>-#", "#"]))
    found = []
    for word in names:
        kind = draw(st.sampled_from(list(KINDS)))
        attributes = draw(FILES if kind == "env.file" else SERVICES)
        found.append(Resource(kind, shape.replace("#", word), attributes, source=draw(st.sampled_from(["one", "two"]))))
    return tuple(found)


@st.composite
def edited(draw: st.DrawFn, resources: tuple[Resource, ...]) -> tuple[Resource, ...]:
    """The same environment with a few things changed, added or gone: drift."""
    found = []
    for resource in resources:
        fate = draw(st.sampled_from(["same", "same", "changed", "other", "gone"]))
        if fate == "changed":
            attributes = dict(resource.attributes)
            for key in draw(st.lists(st.sampled_from(sorted(attributes) or [""]), max_size=2)):
                attributes.pop(key, None)
            attributes |= draw(st.dictionaries(KEYS, SCALARS, max_size=2))
            found.append(replace(resource, attributes=attributes))
        elif fate == "other":
            found.append(replace(resource, attributes=draw(FILES if resource.kind == "env.file" else SERVICES)))
        elif fate == "same":
            found.append(resource)
    return tuple(found)


def spoken(resources: Sequence[Resource], environment: str) -> tuple[Resource, ...]:
    """The resources as the environment spells them."""

    def value(item: Any) -> Any:
        if isinstance(item, dict):
            return {value(key): value(below) for key, below in item.items()}
        if isinstance(item, list):
            return [value(below) for below in item]
        if not isinstance(item, str):
            return item
        for slot, word in SPOKEN[environment].items():
            item = item.replace(slot, word)
        return item

    return tuple(
        replace(one, identity=value(one.identity), attributes=value(dict(one.attributes))) for one in resources
    )


@dataclass(frozen=True)
class Side:
    """One environment: its names and its resources as spelled there."""

    names: EnvironmentNames
    resources: tuple[Resource, ...]

    @property
    def normals(self) -> tuple[Normal, ...]:
        return normalise(self.resources, KINDS.__getitem__, self.names)

    @property
    def snapshot(self) -> Snapshot:
        listings = (Listing("one", "*"), Listing("two", "*"))
        return Snapshot(
            self.names.name,
            self.names.name,
            NOW,
            self.resources,
            (),
            listings,
            tuple(self.names.accounts),
            self.names.regions,
        )


def laid(left: Side, right: Side) -> Comparison:
    """Two environments side by side, as the pipeline does it."""
    pair = Pair(left.names, right.names)
    matches, unmatched = match(left.normals, right.normals, pair)
    return Comparison(left.snapshot, right.snapshot, compare(matches, pair), unmatched)


def staging(resources: Sequence[Resource]) -> Side:
    return Side(STAGING, spoken(resources, "staging"))


def prod(resources: Sequence[Resource]) -> Side:
    return Side(PROD, spoken(resources, "prod"))


def shuffled(value: Any, shuffle: Callable[[list[Any]], list[Any]], ordered: frozenset[str], key: str = "") -> Any:
    """The same document with its keys, and the items of lists without order, in another order."""
    if isinstance(value, dict):
        return {name: shuffled(value[name], shuffle, ordered, name) for name in shuffle(list(value))}
    if isinstance(value, list):
        items = [shuffled(item, shuffle, ordered, key) for item in value]
        return items if key in ordered else shuffle(items)
    return value
