"""The sentences of a finding: what is wrong, with both sides as their sources spell them, and what to do about it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from auditor.expect import Verdict
from auditor.model import ABSENT, Absent, Path, Side
from auditor.paths import dotted
from auditor.value_types import is_whole_secret

if TYPE_CHECKING:
    from auditor.model import Json

_SIDES = ("left", "right", "behind", "ahead")
TEMPLATE_FIELDS = frozenset(
    {f"{side}.{part}" for side in _SIDES for part in ("identity", "environment", "value")} | {"path", "key", "kind"}
)
_FIELD = re.compile(r"\{([a-z.]+)\}")
_LONGEST = 80
_MOST_ITEMS = 3


@dataclass(frozen=True, slots=True)
class Scene:
    """What a sentence is about. `order` is -1, 0 or 1 as left is less than, as much as or more than right, if known."""

    kind: str
    path: Path
    left: Side
    right: Side
    order: int | None = None

    @property
    def subject(self) -> str:
        """`engine_version of orders-staging`, both names where they differ beyond the environment's."""
        names = [side.identity for side in (self.left, self.right) if side.identity is not None]
        thing = " / ".join(dict.fromkeys(names))
        return f"{dotted(self.path)} of {thing}" if self.path else f"{self.kind} {thing}"


def quote(value: Json | Absent) -> str:
    """A value in a sentence: short, on one line, a secret by the word."""
    if value is ABSENT:
        return "absent"
    if is_whole_secret(value):
        return "a secret"
    if isinstance(value, str):
        text = f'"{value}"' if value == "" or value != value.strip() or " " in value else value
    elif isinstance(value, Mapping):
        return f"{len(value)} {'key' if len(value) == 1 else 'keys'}"
    elif isinstance(value, list) and all(isinstance(item, str) for item in value):
        text = f"[{', '.join(quote(item) for item in value)}]"
    else:
        text = json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def difference(scene: Scene, *, versions: bool = False) -> str:
    """One plain sentence about a place that differs."""
    left, right = scene.left, scene.right
    if left.value is ABSENT or right.value is ABSENT:
        there, other = (right, left) if left.value is ABSENT else (left, right)
        return f"{scene.subject} exists in {there.environment} only, not in {other.environment}: {quote(there.value)}"
    if isinstance(left.value, list) and isinstance(right.value, list):
        return _lists(scene, left.value, right.value)
    if versions and scene.order in (-1, 1):
        behind, ahead = (left, right) if scene.order == -1 else (right, left)
        return (
            f"{behind.environment} is behind: {scene.subject} is {quote(behind.value)}"
            f" against {quote(ahead.value)} in {ahead.environment}"
        )
    where = f"is {quote(left.value)} in {left.environment} and {quote(right.value)} in {right.environment}"
    return f"{scene.subject} {where}"


def _lists(scene: Scene, left: list[Json], right: list[Json]) -> str:
    parts = []
    for side, own, other in ((scene.left, left, right), (scene.right, right, left)):
        extra = [item for item in own if item not in other]
        if extra:
            shown = ", ".join(quote(item) for item in extra[:_MOST_ITEMS])
            more = f" and {len(extra) - _MOST_ITEMS} more" if len(extra) > _MOST_ITEMS else ""
            parts.append(f"only {side.environment} has {shown}{more}")
    return f"{scene.subject} differs: {'; '.join(parts) or 'in order'}"


def check(scene: Scene, failing: tuple[Side, ...], verdict: Verdict) -> str:
    """One plain sentence about a value that is wrong in itself, differing or not."""
    environments = " and ".join(side.environment for side in failing)
    value = quote(failing[0].value)
    if len(failing) == 2 and failing[0].value != failing[1].value:
        value = f"{value} and {quote(failing[1].value)}"
    # What a rule's own expression asks is for `audit explain`; its reason says it better.
    return f"{scene.subject} is {value} in {environments}" + (f": {verdict.reason}" if verdict.reason else "")


def presence(scene: Scene) -> str:
    """One plain sentence about a resource without counterpart."""
    there, other = (scene.left, scene.right) if scene.left.identity is not None else (scene.right, scene.left)
    return f"{scene.kind} {there.identity} exists in {there.environment} only; {other.environment} has none"


def suggestion(scene: Scene) -> str:
    """One plain sentence about two resources that stayed alone and are probably one another's counterpart."""
    left, right = scene.left, scene.right
    return (
        f"{scene.kind} {left.identity} in {left.environment} is probably the counterpart of"
        f" {right.identity} in {right.environment}, but nothing proves it"
    )


def fill(template: str, scene: Scene) -> str:
    """A remediation with its fields filled in. Without an order, left counts as behind: it is what follows the right."""
    behind, ahead = (scene.right, scene.left) if scene.order == 1 else (scene.left, scene.right)
    sides = {"left": scene.left, "right": scene.right, "behind": behind, "ahead": ahead}

    def value(found: re.Match[str]) -> str:
        name, _, part = found[1].partition(".")
        if name in sides:
            side = sides[name]
            return {"identity": side.identity or "it", "environment": side.environment}.get(part, quote(side.value))
        return {"path": dotted(scene.path), "key": scene.path[-1] if scene.path else "", "kind": scene.kind}[name]

    return _FIELD.sub(value, template)
