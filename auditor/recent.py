"""Trees of resources that were made lately, packed: whoever looks at one once mostly does so again within the same audit.

As objects the two trees of a resource take some twenty times the room of their text, and to read that again takes a tenth of the
time that it takes to make them. So a few are held as they are, and the others as text.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping

import orjson

from auditor.model import Json, Resource

_MOST = 10_000
_MOST_WHOLE = 16

Tree = Mapping[str, Json]
_Packed = bytes | Tree | None


class Recent:
    """By resource: its tree as it is spelled, and the one that is compared, where that was made. Nobody may change one."""

    def __init__(self) -> None:
        self._packed: OrderedDict[int, tuple[Resource, _Packed, _Packed]] = OrderedDict()
        self._whole: OrderedDict[int, tuple[Resource, Tree, Tree | None]] = OrderedDict()

    def get(self, resource: Resource) -> tuple[Tree, Tree | None] | None:
        """`raw` and, if somebody looked at it, `form`; None where they have to be made."""
        whole = self._whole.get(id(resource))
        if whole is not None and whole[0] is resource:
            self._whole.move_to_end(id(resource))
            return whole[1:]
        found = self._packed.get(id(resource))
        if found is None or found[0] is not resource:
            return None
        self._packed.move_to_end(id(resource))
        raw, form = _unpacked(found[1]), _unpacked(found[2])
        assert raw is not None
        self._hold(resource, raw, form)
        return raw, form

    def keep(self, resource: Resource, raw: Tree, form: Tree | None = None) -> None:
        """Remember them, and forget what nobody asked for the longest."""
        self._packed[id(resource)] = resource, _pack(raw), _pack(form)
        self._packed.move_to_end(id(resource))
        if len(self._packed) > _MOST:
            self._packed.popitem(last=False)
        self._hold(resource, raw, form)

    def _hold(self, resource: Resource, raw: Tree, form: Tree | None) -> None:
        self._whole[id(resource)] = resource, raw, form
        self._whole.move_to_end(id(resource))
        if len(self._whole) > _MOST_WHOLE:
            self._whole.popitem(last=False)


def _pack(tree: Tree | None) -> _Packed:
    """The text of a tree, or itself where a text would not say the same: numbers that are none, or of more than 64 bits."""
    if tree is None:
        return None
    try:
        packed = orjson.dumps(tree)
    except TypeError:
        return tree
    # What spelled it left room behind it: a copy has none.
    return bytes(memoryview(packed)) if orjson.loads(packed) == tree else tree


def _unpacked(packed: _Packed) -> Tree | None:
    if not isinstance(packed, bytes):
        return packed
    tree: Tree = orjson.loads(packed)
    return tree
