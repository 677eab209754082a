"""LaunchDarkly: the flags of one project as one of its environments has them.

Sends `GET /api/v2/flags/PROJECT?env=ENVIRONMENT`, page by page, with an access token of the role Reader. Whom a rule or a
target names is not kept, only that it names somebody. What belongs to a segment is not read.
"""

from __future__ import annotations

import email.utils
import json
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from pydantic import Field, SecretStr

from auditor.collector import Context, Task
from auditor.errors import CollectError
from auditor.model import Category, Gap, GapReason, Json, Kind, Resource
from collectors._answers import as_type, maybe, text
from collectors._flags import KILL_SWITCH, is_kill_switch, numbered, values_of
from collectors._stores import StoreOptions

if TYPE_CHECKING:
    from collectors._web import Reply

_PAGE = 100
_API_VERSION = "20240415"
# Weights are in thousandths of a per cent.
_PER_CENT = 1000
_LONGEST_PAUSE = 15.0

KIND = Kind(
    name="launchdarkly.flag",
    category=Category.CONFIG,
    about="A feature flag of LaunchDarkly in one environment: whether it is on, and who gets what",
    verbatim=("variations", "rules", "prerequisites", "fallthrough"),
)


class LaunchDarklyOptions(StoreOptions):
    """The options of `collector: launchdarkly`."""

    url: SecretStr = Field(
        default=SecretStr("https://app.launchdarkly.com"), description="http:// or https:// address of LaunchDarkly"
    )
    token: SecretStr = Field(description="Access token of the role Reader, usually `${VARIABLE}`")
    project: str = Field(min_length=1, description="Key of the project")
    environment: str = Field(min_length=1, description="Key of the environment within the project")
    tag: str | None = Field(default=None, description="Only flags with this tag")

    def expected_listings(self) -> int:
        return 1


class LaunchDarklyCollector:
    name = "launchdarkly"
    about = "LaunchDarkly: the feature flags of a project in one environment"
    kinds = (KIND,)
    options = LaunchDarklyOptions
    permissions = ("an access token of the role Reader",)

    def label(self, options: LaunchDarklyOptions) -> str:
        return f"launchdarkly:{options.project}/{options.environment}"

    def plan(self, options: LaunchDarklyOptions, context: Context) -> Iterable[Task]:
        source = self.label(options)
        yield Task(source=source, kinds=(KIND.name,), run=partial(_read, options, context), label="flags")


COLLECTOR = LaunchDarklyCollector()


def _read(options: LaunchDarklyOptions, context: Context) -> Iterator[Resource | Gap]:
    for flag in _flags(options, context):
        key = as_type(flag.get("key"), str, "a flag's key")
        settings = as_type(flag.get("environments"), dict, "environments").get(options.environment)
        if settings is None:
            raise CollectError(
                GapReason.UNSUPPORTED,
                f"project {options.project} answers nothing of an environment {options.environment}: check its key",
            )
        place = f"{options.place}/{quote(options.project)}/{quote(options.environment)}/features/{quote(key)}"
        yield Resource(KIND.name, key, _shape(flag, as_type(settings, dict, options.environment)), location=place)


def _flags(options: LaunchDarklyOptions, context: Context) -> list[dict[str, Any]]:
    """Every flag. Raises CollectError where the pages do not add up to what the first one promised."""
    headers = {"authorization": options.token.get_secret_value(), "ld-api-version": _API_VERSION}
    site = options.site("launchdarkly", context, headers)
    chosen: dict[str, Any] = {"env": options.environment, "summary": "0", "limit": _PAGE, "sort": "creationDate"}
    if options.tag is not None:
        chosen["tag"] = options.tag
    found: dict[str, dict[str, Any]] = {}
    while True:
        reply = site.get(context, f"/api/v2/flags/{quote(options.project, safe='')}", offset=len(found), **chosen)
        answer = as_type(reply.json(), dict, "items")
        items = as_type(answer.get("items"), list, "items")
        before = len(found)
        found.update((as_type(as_type(item, dict, "a flag").get("key"), str, "a flag's key"), item) for item in items)
        total = answer.get("totalCount")
        complete = len(found) >= total if isinstance(total, int) else len(items) < _PAGE
        if complete:
            return list(found.values())
        if len(found) == before or context.cancelled.is_set():
            raise CollectError(GapReason.TRUNCATED, f"{len(found)} of {total} flags were answered: read it again")
        _rest(reply, context)


def _rest(reply: Reply, context: Context) -> None:
    """Wait until requests are allowed again, where the answer says that none is left. Both times are the server's."""
    left = [reply.headers.get(f"x-ratelimit-{scope}-remaining") for scope in ("global", "route")]
    reset, said = reply.headers.get("x-ratelimit-reset", ""), reply.headers.get("date", "")
    if "0" not in left or not reset.isdigit() or not said:
        return
    try:
        now = email.utils.parsedate_to_datetime(said).timestamp()
    except ValueError:
        return
    context.cancelled.wait(max(0.0, min(int(reset) / 1000 - now, _LONGEST_PAUSE)))


def _shape(flag: Mapping[str, Any], settings: Mapping[str, Any]) -> dict[str, Json]:
    """The flag as the environment has it, with variations by name instead of by number."""
    names = _variations(flag)
    off = _name(names, settings.get("offVariation"))
    tags = [str(tag) for tag in maybe(flag, "tags", list, "a flag") or ()]
    return {
        "enabled": as_type(settings.get("on"), bool, "on"),
        "type": KILL_SWITCH if is_kill_switch(str(flag["key"]), *tags) else "release",
        "temporary": bool(flag.get("temporary")),
        "archived": bool(flag.get("archived")) or bool(settings.get("archived")),
        "variations": {name: one.get("value") for name, one in zip(names, _listed(flag, "variations"), strict=True)},
        "off_variation": off,
        "fallthrough": _served(maybe(settings, "fallthrough", dict, "a flag") or {}, names, off),
        "rules": numbered(_rule(rule, names, off) for rule in _listed(settings, "rules")),
        "targets": sorted(set(_targets(settings, names))),
        "prerequisites": _prerequisites(settings),
        "client_side": flag.get("clientSideAvailability") or {},
    }


def _listed(document: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    return [as_type(item, dict, name) for item in as_type(document.get(name) or [], list, name)]


def _variations(flag: Mapping[str, Any]) -> list[str]:
    """What the variations are called: by their value where that is short, else by their name."""
    names: list[str] = []
    for index, variation in enumerate(_listed(flag, "variations")):
        value = variation.get("value")
        spelled = json.dumps(value) if not isinstance(value, str) else value
        name = spelled if isinstance(value, bool) else str(variation.get("name") or "")
        name = name or (spelled if len(spelled) <= 40 else f"variation {index}")
        names.append(name if name not in names else f"{name} ({index})")
    return names


def _name(names: list[str], index: Any) -> str | None:
    if not isinstance(index, int):
        return None
    return names[index] if 0 <= index < len(names) else f"variation {index}"


def _served(said: Mapping[str, Any], names: list[str], off: str | None) -> Json:
    """The share of each variation in per cent. What is left goes to the one that serves when the flag is off, which has no
    entry: to give one more is to give it less."""
    rollout = said.get("rollout")
    if isinstance(rollout, dict):
        parts = _listed(rollout, "variations")
    else:
        parts = [{"variation": said.get("variation"), "weight": 100 * _PER_CENT}]
        rollout = {}
    shares = {name: 0.0 for name in names if name != off}
    for part in parts:
        name, weight = _name(names, part.get("variation")), part.get("weight")
        if name is not None and name != off and isinstance(weight, int | float):
            shares[name] = shares.get(name, 0.0) + weight / _PER_CENT
    by = str(rollout.get("bucketBy") or "key"), str(rollout.get("contextKind") or "user")
    return {"shares": shares, "by": " of ".join(by)}


def _rule(rule: Mapping[str, Any], names: list[str], off: str | None) -> tuple[str, dict[str, Json]]:
    """A rule by what it asks. Its description and id say nothing about who gets what."""
    clauses = [(_asked(clause), clause) for clause in _listed(rule, "clauses")]
    told = {
        asked: values_of("" if clause.get("op") == "segmentMatch" else str(clause.get("attribute") or ""), _of(clause))
        for asked, clause in clauses
    }
    return " and ".join(sorted(asked for asked, _ in clauses)), {"clauses": told, "serve": _served(rule, names, off)}


def _of(clause: Mapping[str, Any]) -> list[Any]:
    return as_type(clause.get("values") or [], list, "values")


def _asked(clause: Mapping[str, Any]) -> str:
    kind = str(clause.get("contextKind") or "user")
    subject = f"{kind}." if kind != "user" else ""
    attribute = str(clause.get("attribute") or "")
    negation = "not " if clause.get("negate") else ""
    return f"{negation}{subject}{attribute} {text(clause, 'op', 'a clause')}".strip()


def _targets(settings: Mapping[str, Any], names: list[str]) -> Iterator[str]:
    """Which variations are given to single contexts of which kind; not to whom."""
    for target in (*_listed(settings, "targets"), *_listed(settings, "contextTargets")):
        if target.get("values"):
            yield f"{target.get('contextKind') or 'user'}: {_name(names, target.get('variation'))}"


def _prerequisites(settings: Mapping[str, Any]) -> dict[str, Json]:
    """The flags that must serve a variation first; which one is told by its number, for they are other flags' variations."""
    return {text(one, "key", "a prerequisite"): one.get("variation") for one in _listed(settings, "prerequisites")}
