"""Unleash: the feature flags that one environment's programs are given.

Sends `GET /api/client/features` with a backend (client) token of the environment: what the programs themselves read, and
all that such a token may do. Segments come worked into the constraints. Whom a strategy or a constraint names is not
kept, only that it names somebody.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import Any
from urllib.parse import quote

from pydantic import Field, SecretStr

from auditor.collector import Context, Task
from auditor.model import Category, Gap, Json, Kind, Resource
from collectors._answers import as_type, maybe, text
from collectors._flags import INDIVIDUALS, KILL_SWITCH, is_kill_switch, names_individuals, numbered, values_of
from collectors._stores import StoreOptions

KIND = Kind(
    name="unleash.flag",
    category=Category.CONFIG,
    about="A feature flag of Unleash in one environment: whether it is enabled, and by which strategies",
    verbatim=("strategies", "variants"),
)


class UnleashOptions(StoreOptions):
    """The options of `collector: unleash`."""

    token: SecretStr = Field(description="Backend (client) token of the environment, usually `${VARIABLE}`")
    project: str | None = Field(
        default=None, description="Only flags of this project; by default all that the token sees"
    )
    name_prefix: str | None = Field(default=None, description="Only flags whose name begins so")

    def expected_listings(self) -> int:
        return 1


class UnleashCollector:
    name = "unleash"
    about = "Unleash: the feature flags of one environment with their strategies"
    kinds = (KIND,)
    options = UnleashOptions
    permissions = ("a backend (client) token of the environment",)

    def label(self, options: UnleashOptions) -> str:
        return f"unleash:{options.place}" + (f"/{options.project}" if options.project else "")

    def plan(self, options: UnleashOptions, context: Context) -> Iterable[Task]:
        source = self.label(options)
        yield Task(source=source, kinds=(KIND.name,), run=partial(_read, options, context), label="flags")


COLLECTOR = UnleashCollector()


def _read(options: UnleashOptions, context: Context) -> Iterator[Resource | Gap]:
    base = options.url.get_secret_value().rstrip("/").removesuffix("/api")
    site = options.site("unleash", context, {"authorization": options.token.get_secret_value()}, base)
    chosen = {"project": options.project, "namePrefix": options.name_prefix}
    asked: dict[str, Any] = {name: value for name, value in chosen.items() if value}
    answer = as_type(site.json(context, "/api/client/features", **asked), dict, "features")
    for feature in as_type(answer.get("features"), list, "features"):
        flag = as_type(feature, dict, "a feature")
        name = as_type(flag.get("name"), str, "a feature's name")
        project = str(flag.get("project") or options.project or "default")
        place = f"{options.place.removesuffix('/api')}/projects/{quote(project)}/features/{quote(name)}"
        yield Resource(KIND.name, name, _shape(flag), parent=project, location=place)


def _shape(flag: Mapping[str, Any]) -> dict[str, Json]:
    kind = str(flag.get("type") or "release")
    strategies = sorted((_strategy(one, str(flag["name"])) for one in _listed(flag, "strategies")), key=_order)
    return {
        "enabled": as_type(flag.get("enabled"), bool, "enabled"),
        "type": KILL_SWITCH if is_kill_switch(kind, str(flag["name"])) else kind,
        "stale": bool(flag.get("stale")),
        "strategies": numbered(strategies),
        "variants": _variants(flag),
        "prerequisites": {
            text(one, "feature", "a dependency"): {
                "enabled": one.get("enabled", True),
                "variants": sorted(maybe(one, "variants", list, "a dependency") or (), key=repr),
            }
            for one in _listed(flag, "dependencies")
        },
    }


def _listed(document: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    return [as_type(item, dict, name) for item in as_type(document.get(name) or [], list, name)]


def _order(strategy: tuple[str, Mapping[str, Json]]) -> str:
    """Any of several strategies is enough, so their order says nothing."""
    return json.dumps(strategy, sort_keys=True, default=str)


def _strategy(strategy: Mapping[str, Any], flag: str) -> tuple[str, dict[str, Json]]:
    """A strategy by its name. The group that its share is drawn in is only told where it is not the flag's own."""
    parameters = as_type(strategy.get("parameters") or {}, dict, "parameters")
    told = {
        name: INDIVIDUALS if names_individuals(name.removesuffix("s")) and value else value
        for name, value in parameters.items()
        if not (name == "groupId" and value in (flag, "", None))
    }
    constraints = [(_asked(one), one) for one in _listed(strategy, "constraints")]
    found: dict[str, Json] = {
        "parameters": told,
        "constraints": {asked: values_of(str(one.get("contextName") or ""), _of(one)) for asked, one in constraints},
    }
    variants = _variants(strategy)
    return str(strategy.get("name") or "default"), {**found, "variants": variants} if variants else found


def _asked(constraint: Mapping[str, Any]) -> str:
    negation = "not " if constraint.get("inverted") else ""
    case = " in any case" if constraint.get("caseInsensitive") else ""
    return f"{negation}{constraint.get('contextName')} {constraint.get('operator')}{case}"


def _of(constraint: Mapping[str, Any]) -> list[Any]:
    several = as_type(constraint.get("values") or [], list, "values")
    return several or [constraint.get("value")]


def _variants(document: Mapping[str, Any]) -> dict[str, Json]:
    """Variants by name, with their share in per mille and what they give."""
    found: dict[str, Json] = {}
    for variant in _listed(document, "variants"):
        payload = variant.get("payload")
        found[text(variant, "name", "a variant")] = {
            "weight": variant.get("weight"),
            "weight_type": variant.get("weightType") or "variable",
            "stickiness": variant.get("stickiness") or "default",
            "payload": payload.get("value") if isinstance(payload, dict) else None,
            "overrides": bool(variant.get("overrides")),
        }
    return found
