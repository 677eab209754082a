"""Instance sizes of the clouds as family, generation, architecture and rank: `db.r6g.xlarge`, `GP_Standard_D2ds_v5`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

_AWS = re.compile(
    r"\A(?:(?P<service>db|cache|ml|search|dax|mq|kafka)\.)?(?P<family>[a-z]{1,4}-?[0-9]{1,2}[a-z]{0,5}(?:-[a-z]+)?)"
    r"\.(?P<size>nano|micro|small|medium|large|xlarge|[0-9]{1,3}xlarge|metal(?:-[0-9]+xl)?)(?:\.(?:search|elasticsearch))?\Z",
    re.IGNORECASE,
)
_AWS_FAMILY = re.compile(r"(?P<series>[a-z]{1,4}?)-?(?P<generation>[0-9]{1,2})(?P<extra>[a-z]*)", re.IGNORECASE)
_AZURE = re.compile(
    r"\A(?:(?P<tier>GP|MO|B|OP|BC)_)?(?:Standard|Basic)_(?P<series>[A-Z]{1,2})(?P<cpus>[0-9]{1,3})(?:-[0-9]{1,3})?"
    r"(?P<extra>[a-z]*)(?:_v(?P<generation>[0-9]))?\Z",
    re.IGNORECASE,
)
_GCP = re.compile(
    r"\A(?:db-)?(?P<series>[a-z][0-9][a-z]?)-(?P<class>standard|highmem|highcpu|ultramem|megamem|micro|small|medium)"
    r"(?:-(?P<cpus>[0-9]{1,3}))?\Z"
)
_FLY = re.compile(r"\A(?P<class>shared|performance)-(?:cpu-)?(?P<cpus>[0-9]{1,2})x\Z")
_GCP_CUSTOM = re.compile(r"\Adb-custom-(?P<cpus>[0-9]{1,3})-(?P<memory>[0-9]{3,7})\Z")
_STEPS = {"nano": 0.0625, "micro": 0.125, "small": 0.25, "medium": 0.5, "large": 1.0, "xlarge": 2.0}
# Bare metal is the whole machine: above every size that is counted.
_METAL = 1000.0


@dataclass(frozen=True, slots=True)
class Size:
    """One instance size. `rank` grows with the machine and compares within one maker's naming only.

    `family` includes the generation and the variant (`r6g`), since each has hardware of its own.
    """

    maker: str
    family: str
    generation: int
    architecture: str
    rank: float


@lru_cache(maxsize=8192)
def parse_size(text: str) -> Size | None:
    """The size that `text` names, None where it names none."""
    if len(text) > 64:
        return None
    if match := _AWS.match(text):
        return _aws(match["service"] or "", match["family"].lower(), match["size"].lower())
    if match := _AZURE.match(text):
        extra = match["extra"].lower()
        # The `p` of Azure's features is an ARM processor.
        architecture = "arm64" if "p" in extra else "x86_64"
        family = "_".join(part for part in ((match["tier"] or ""), match["series"], extra, match["generation"]) if part)
        return Size("azure", family.lower(), int(match["generation"] or 1), architecture, float(match["cpus"]))
    if match := _GCP.match(text):
        series = match["series"]
        architecture = "arm64" if series in ("t2a", "c4a", "n4a") else "x86_64"
        rank = float(match["cpus"] or _STEPS.get(match["class"], 1.0))
        return Size("gcp", f"{series}-{match['class'] if match['cpus'] else ''}", int(series[1]), architecture, rank)
    if match := _FLY.match(text):
        return Size("fly", match["class"], 0, "x86_64", float(match["cpus"]))
    if match := _GCP_CUSTOM.match(text):
        return Size("gcp", "db-custom", 0, "x86_64", float(match["cpus"]) + float(match["memory"]) / 1e9)
    return None


def _aws(service: str, family: str, size: str) -> Size | None:
    parts = _AWS_FAMILY.match(family)
    if parts is None:
        return None
    extra = parts["extra"].lower()
    arm = "g" in extra or family == "a1"
    if size.startswith("metal"):
        rank = _METAL
    elif size in _STEPS:
        rank = _STEPS[size]
    else:
        rank = 2.0 * int(size.removesuffix("xlarge"))
    prefix = f"{service}." if service else ""
    return Size("aws", prefix + family, int(parts["generation"]), "arm64" if arm else "x86_64", rank)


def same_family(left: str, right: str) -> bool | None:
    """Whether both are sizes of one family; None where one of them is no size."""
    a, b = parse_size(left), parse_size(right)
    return None if a is None or b is None else (a.maker, a.family) == (b.maker, b.family)


def same_architecture(left: str, right: str) -> bool | None:
    """Whether both run the same machine code (also for plain `arm64` / `x86_64`); None where one cannot be told."""
    a, b = _architecture(left), _architecture(right)
    return None if a is None or b is None else a == b


def size_order(left: str, right: str) -> int | None:
    """-1, 0 or 1 as left is the smaller, equal or larger machine; None where they cannot be compared."""
    a, b = parse_size(left), parse_size(right)
    if a is None or b is None or a.maker != b.maker:
        return None
    return (a.rank > b.rank) - (a.rank < b.rank)


def _architecture(text: str) -> str | None:
    size = parse_size(text)
    if size is not None:
        return size.architecture
    name = text.lower().rsplit("/", 1)[-1]
    names = {"arm64": "arm64", "aarch64": "arm64", "x86_64": "x86_64", "amd64": "x86_64", "x86-64": "x86_64"}
    return names.get(name)
