"""The functions that conditions may call, over values as a policy's author thinks of them: sizes, versions, images."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from auditor.makes import same_make, says_nothing
from auditor.sizes import parse_size, same_architecture, same_family, size_order
from auditor.value_types import is_type, number
from auditor.versions import parse_image, same_release, version_order

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_PLACE = re.compile(r"\{([a-z]+)\}")
_LAST_WORD = re.compile(r"[A-Za-z]+\Z")
_BEFORE_PATH = re.compile(
    r"^(?:jdbc:oracle:[a-z0-9]+:[^@]*@(?://)?[^/:?#]*(?::[0-9]+)?|(?:jdbc:)?[a-z][a-z0-9+.-]*://[^/?#;]*)",
    re.IGNORECASE,
)


def magnitude_order(left: Any, right: Any) -> int | None:
    """-1, 0 or 1 over numbers, booleans (false is less), sizes and versions; None where they cannot be compared.

    Lists of sizes are as large as the largest of them.
    """
    if isinstance(left, bool) and isinstance(right, bool):
        return int(left) - int(right)
    a, b = number(left), number(right)
    if a is not None and b is not None:
        return (a > b) - (a < b)
    left, right = _largest(left), _largest(right)
    if isinstance(left, str) and isinstance(right, str):
        by_size = size_order(left, right)
        return by_size if by_size is not None else version_order(left, right)
    return None


def _largest(value: Any) -> Any:
    if not isinstance(value, list):
        return value
    sizes = [(size.rank, item) for item in value if isinstance(item, str) and (size := parse_size(item))]
    return max(sizes)[1] if sizes and len(sizes) == len(value) else None


def _of_all(test: Callable[[str, str], bool | None]) -> Callable[[Any, Any], bool | None]:
    """A test of two texts as one of two lists: true when each item has one on the other side that passes."""

    def of(left: Any, right: Any) -> bool | None:
        ours, theirs = (value if isinstance(value, list) else [value] for value in (left, right))
        if not ours or not theirs:
            return None
        rows = [[test(str(a), str(b)) for b in theirs] for a in ours]
        if any(found is None for row in rows for found in row):
            return None
        return all(any(row) for row in rows) and all(any(row[i] for row in rows) for i in range(len(theirs)))

    return of


def _url_path(text: Any) -> str:
    """What follows the host: the part of a URL that environments have in common."""
    return _BEFORE_PATH.sub("", str(text)).rstrip("/")


def _image_part(part: str) -> Callable[[Any], str | None]:
    def read(text: Any) -> str | None:
        # Compared values have places where environments, accounts and regions were named: `{account}.dkr.ecr...`.
        image = parse_image(_PLACE.sub(r"\1", str(text)))
        return None if image is None else str(getattr(image, part) or "")

    return read


# Null for what cannot be compared: CEL has no order for null, so `order(…) < 0` is then false.
FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "order": magnitude_order,
    "version_order": lambda left, right: version_order(str(left), str(right)),
    "same_major": lambda left, right: same_release(str(left), str(right), parts=1),
    "same_minor": lambda left, right: same_release(str(left), str(right), parts=2),
    "same_family": _of_all(same_family),
    "same_architecture": _of_all(same_architecture),
    "is_type": lambda name, value: is_type(str(name), value, value),
    "url_path": _url_path,
    "same_make": same_make,
    "says_nothing": says_nothing,
    "before_last_word": lambda text: _LAST_WORD.sub("", str(text)),
    "lower": lambda text: str(text).lower(),
    "image_repository": _image_part("repository"),
    "image_tag": _image_part("tag"),
    "mutable_image": lambda text: (image := parse_image(str(text))) is not None and image.mutable,
}
