"""Small comparisons for tests: say what differs, get what `judge` takes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path as File
from typing import Any

from auditor.comparison import Change, Compared, Comparison, Difference, Match, Normal, Trees, Unmatched
from auditor.judge import Judgement, judge
from auditor.model import (
    ABSENT,
    Category,
    Gap,
    Json,
    Kind,
    Listing,
    MatchMethod,
    Path,
    Resource,
    Snapshot,
)
from auditor.names import EnvironmentNames, environment_names
from auditor.policy import load_policy
from auditor.rules import Policy
from auditor.values import canonical

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
RDS = Kind("aws.rds.instance", Category.DATABASE, "A database")
ENV_FILE = Kind("env.file", Category.CONFIG, "A dotenv file", located=True)
STAGING = environment_names("staging", ["stg"], {"prod": ["production"]})
PROD = environment_names("prod", ["production"], {"staging": ["stg"]})


def typed(value: Json, key: str = "") -> Json:
    """A document as normalising would type it: only the spelling of scalars."""
    if isinstance(value, Mapping):
        return {name: typed(item, name) for name, item in value.items()}
    return [typed(item, key) for item in value] if isinstance(value, list) else canonical(value, key)


def normal(
    attributes: Mapping[str, Json],
    *,
    identity: str = "orders-{env}",
    raw_identity: str | None = None,
    kind: Kind = RDS,
    form: Mapping[str, Json] | None = None,
    **resource: Any,
) -> Normal:
    """A resource in normal form; `form` only where it differs from the typed attributes."""
    name = raw_identity if raw_identity is not None else identity
    document = form if form is not None else typed(attributes)
    return Normal(Resource(kind.name, name, attributes, **resource), kind, identity, document, attributes, "")


@dataclass(frozen=True)
class _Looking:
    """Reads forms as `look` makes them, and knows of none how it names others."""

    look: Callable[[Normal], Trees]

    def trees(self, one: Normal) -> Trees:
        return self.look(one)

    def raw(self, one: Normal) -> Mapping[str, Json]:
        return self.look(one)[1]

    def namings(self, normals: Sequence[Normal]) -> Iterator[None]:
        return (None for _ in normals)


def light(
    resource: Resource,
    kind: Kind,
    identity: str,
    look: Callable[[Normal], Trees],
    digest: str = "",
    key: bytes = bytes(16),
    mentions: bytes = b"",
) -> Normal:
    """A resource in normal form whose trees `look` makes. `digest` is any text: equal ones are equal digests."""
    return Normal.light(resource, kind, identity, sha256(digest.encode()).digest() + key + mentions, _Looking(look))


def compared(left: Normal, right: Normal) -> Compared:
    """A matched pair with the leaves that differ in form."""
    found = tuple(_differences((), left.form, right.form, left.raw, right.raw))
    return Compared(Match(left, right, MatchMethod.IDENTITY, 1.0), found)


def _differences(path: Path, left: Any, right: Any, raw_left: Any, raw_right: Any) -> list[Difference]:
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        found: list[Difference] = []
        for key in sorted({*left, *right}):
            found += _differences(
                (*path, key), left.get(key, ABSENT), right.get(key, ABSENT), raw_left.get(key, ABSENT),
                raw_right.get(key, ABSENT),
            )  # fmt: skip
        return found
    if left is right or (left is not ABSENT and right is not ABSENT and type(left) is type(right) and left == right):
        return []
    change = Change.ADDED if left is ABSENT else Change.REMOVED if right is ABSENT else Change.VALUE
    return [Difference(path, raw_left, raw_right, change)]


def snapshot(
    environment: str,
    *,
    gaps: tuple[Gap, ...] = (),
    listings: tuple[str, ...] = ("*",),
    resources: tuple[Resource, ...] = (),
    accounts: tuple[str, ...] = (),
) -> Snapshot:
    """A snapshot with complete listings of the kinds named."""
    found = tuple(Listing(f"test:{environment}", kind) for kind in listings)
    return Snapshot(f"{environment}-1", environment, NOW, resources, gaps, found, accounts)


def comparison(
    *pairs: Compared, unmatched: tuple[Unmatched, ...] = (), left: Snapshot | None = None, right: Snapshot | None = None
) -> Comparison:
    """A comparison of staging with prod."""
    return Comparison(left or snapshot("staging"), right or snapshot("prod"), pairs, unmatched)


def judged(
    left: Mapping[str, Json],
    right: Mapping[str, Json],
    policy: Policy | None = None,
    *,
    kind: Kind = RDS,
    names: tuple[EnvironmentNames, EnvironmentNames] = (STAGING, PROD),
) -> Judgement:
    """The judgement of one matched pair of documents."""
    pair = compared(
        normal(left, kind=kind, raw_identity="orders-staging"), normal(right, kind=kind, raw_identity="orders-prod")
    )
    found = comparison(pair, left=snapshot(names[0].name), right=snapshot(names[1].name))
    return judge(found, policy or load_policy(["default"]), *names, NOW)


def policy_of(folder: File, text: str, name: str = "test") -> Policy:
    """The policy that `text` spells; `policy: test` unless it says otherwise."""
    content = text if text.lstrip().startswith("policy:") else f"policy: {name}\n{text}"
    file = folder / f"{name}.yaml"
    file.write_text(content, encoding="utf-8")
    return load_policy([name], [folder])
