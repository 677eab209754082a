"""One environment now and earlier: what counts as unchanged."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from auditor.alike import Pair
from auditor.values import canonical

if TYPE_CHECKING:
    from collections.abc import Sequence

    from auditor.model import Json
    from auditor.names import EnvironmentNames


class Unchanged(Pair):
    """The yardstick for one environment against its own past: equal in normal form, its names set aside.

    Two environments have ids, endpoints and secrets of their own; in one of them another one is a change."""

    def __init__(self, names: EnvironmentNames) -> None:
        super().__init__(names, names)

    def alike(self, left: Json, right: Json, key: str = "") -> bool:
        return self._spelled(left, key) == self._spelled(right, key)

    def alike_lists(self, left: Sequence[Json], right: Sequence[Json], key: str = "") -> bool:
        return [self._spelled(item, key) for item in left] == [self._spelled(item, key) for item in right]

    def same_name(self, left: str, right: str) -> bool:
        return self.left.neutral(left) == self.right.neutral(right)

    def unqualified(self, left: Json, right: Json) -> bool:  # noqa: ARG002 - both carry the same name
        return False

    def _spelled(self, value: Json, key: str) -> str:
        """JSON, which tells `true` from `1` as `==` does not."""
        found = canonical(value, key)
        return json.dumps(self.left.neutral(found) if isinstance(found, str) else found, sort_keys=True)
