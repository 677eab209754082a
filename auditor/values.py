"""One spelling for values that mean the same: `1500Mi` and `1572864000`, `"true"` and true, `https://x:443/` and `https://x`.

Pure functions, no knowledge of environments. `canonical` never merges two values that a reader would tell apart: versions
keep their text (`1.10` is not `1.1`), and so do numbers with leading zeros, signs or a phone number's length.
"""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from functools import lru_cache

from auditor.model import Json

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_INTEGER = re.compile(r"-?(0|[1-9][0-9]{0,14})\Z")
_DECIMAL = re.compile(r"-?(0|[1-9][0-9]{0,14})\.[0-9]{1,9}\Z")
_BYTES = re.compile(r"([0-9]+(?:\.[0-9]+)?) ?(Ki|Mi|Gi|Ti|Pi|KiB|MiB|GiB|TiB|kB|KB|MB|GB|TB|K|M|G|T|k|kb|mb|gb|tb)\Z")
# Docker's and Java's spelling of memory; elsewhere `m` is a minute, or a thousandth.
_MEMORY = re.compile(r"([0-9]+(?:\.[0-9]+)?)([mgt])\Z")
_DURATION = re.compile(r"([0-9]+(?:\.[0-9]+)?) ?(ms|s|sec|secs|seconds?|min|mins|minutes?|m|h|hours?|d|days?)\Z")
_COMPOUND_DURATION = re.compile(r"(?:([0-9]+)d)?(?:([0-9]+)h)?(?:([0-9]+)m)?(?:([0-9]+)s)?\Z")
_ISO_DURATION = re.compile(r"P(?:([0-9]+)D)?(?:T(?:([0-9]+)H)?(?:([0-9]+)M)?(?:([0-9]+)S)?)?\Z")
_MILLI = re.compile(r"([0-9]+)m\Z")
_URL = re.compile(r"([a-z][a-z0-9+.-]*)://([^/?#\s]*)([^\s]*)\Z", re.IGNORECASE)
_VERSION = re.compile(r"[vV]?([0-9]+(?:\.[0-9]+)+(?:[-+._][0-9A-Za-z.+-]+)?|[0-9]+)\Z")

_BYTE_UNITS = {
    "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40, "Pi": 2**50,
    "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40,
    "k": 10**3, "K": 10**3, "kB": 10**3, "KB": 10**3, "M": 10**6, "MB": 10**6,
    "G": 10**9, "GB": 10**9, "T": 10**12, "TB": 10**12,
    "kb": 10**3, "m": 10**6, "mb": 10**6, "g": 10**9, "gb": 10**9, "t": 10**12, "tb": 10**12,
}  # fmt: skip
_DURATION_UNITS = {"ms": Decimal("0.001"), "s": Decimal(1), "m": Decimal(60), "h": Decimal(3600), "d": Decimal(86400)}
_DEFAULT_PORTS = {
    "http": "80", "https": "443", "ws": "80", "wss": "443", "postgres": "5432", "postgresql": "5432",
    "mysql": "3306", "redis": "6379", "rediss": "6379", "amqp": "5672", "amqps": "5671", "mongodb": "27017",
    "ldap": "389", "ldaps": "636", "ftp": "21", "ssh": "22",
}  # fmt: skip
# Under these words a value that looks like a number is a name: `1.10` is another release than `1.1`.
_VERSION_WORDS = frozenset({"version", "versions", "tag", "release", "revision", "image", "engine", "ref", "tags"})
# How many images are kept, how long a release may take: nothing is named by that.
_MEASURES = frozenset(
    "count counts days hours minutes seconds ms limit limits timeout size max min number ttl percent".split()
)
_OPAQUE_WORDS = frozenset({"phone", "account", "sha", "commit", "digest", "checksum", "zip", "postcode", "fax", "pin"})

_CPU_WORDS = frozenset({"cpu", "cpus"})
_MEMORY_WORDS = frozenset({"memory", "mem", "memswap", "ram", "heap", "shm", "disk", "storage"})
_TELLING = (_VERSION_WORDS, _OPAQUE_WORDS, _CPU_WORDS, _MEMORY_WORDS)


@lru_cache(maxsize=65536)
def words(text: str) -> tuple[str, ...]:
    """The lower-case words of a name, split at delimiters, digits and camel-case borders: `maxSize_MB` -> max, size, mb."""
    return tuple(word.lower() for word in _WORD.findall(text))


def canonical(value: Json, key: str = "") -> Json:
    """`value` in its one spelling. `key` is the name of the attribute it stands under; it tells a size from a version.

    Scalars only; containers are returned as they are.
    """
    if isinstance(value, str):
        return _canonical_text(value, key)
    if value is None or isinstance(value, bool) or not isinstance(value, int | float):
        return value
    if _tells_a_version(key):
        return str(value)
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) < 1e15 else value


def way_of_spelling(key: str) -> int:
    """A number that is equal for keys under which every text has the same spelling."""
    found = frozenset(words(key)) - (frozenset() if _tells_a_version(key) else _VERSION_WORDS)
    return sum(1 << place for place, among in enumerate(_TELLING) if found & among)


@lru_cache(maxsize=65536)
def _tells_a_version(key: str) -> bool:
    found = words(key)
    return not (_VERSION_WORDS.isdisjoint(found) or found[-1] in _MEASURES)


@lru_cache(maxsize=131072)
def _canonical_text(text: str, key: str) -> Json:
    stripped = text.replace("\r\n", "\n").strip()
    if len(stripped) > 256 or not stripped:
        return stripped
    lowered = stripped.lower()
    if lowered in ("true", "false"):
        return lowered == "true"
    if _tells_a_version(key):
        return _canonical_version(stripped)
    if stripped[0].isdigit() or stripped[0] in "-P":
        number = _number(stripped, frozenset(words(key)))
        if number is not None:
            return number
    if "://" in stripped:
        return _canonical_url(stripped)
    return stripped


def _canonical_version(text: str) -> str:
    match = _VERSION.match(text)
    return match.group(1) if match and not text.isdigit() else text


def _number(text: str, key_words: frozenset[str]) -> Json:
    if key_words & _OPAQUE_WORDS:
        return None
    if _INTEGER.match(text):
        return int(text)
    if _DECIMAL.match(text):
        return _plain(Decimal(text))
    if key_words & _CPU_WORDS:
        milli = _MILLI.match(text)
        if milli:
            return _plain(Decimal(milli.group(1)) / 1000)
    if key_words & _MEMORY_WORDS and (memory := _MEMORY.match(text)):
        return _plain(Decimal(memory.group(1)) * _BYTE_UNITS[memory.group(2)])
    return quantity(text)


def quantity(text: str) -> int | float | None:
    """Bytes of a size or seconds of a duration (`1.5Gi`, `512MB`, `30s`, `PT30M`, `1h30m`), None for any other text."""
    size = _BYTES.match(text)
    if size:
        return _plain(Decimal(size.group(1)) * _BYTE_UNITS[size.group(2)])
    duration = _DURATION.match(text)
    if duration:
        unit = duration.group(2)
        factor = _DURATION_UNITS["ms" if unit == "ms" else unit[0]]
        return _plain(Decimal(duration.group(1)) * factor)
    for pattern in (_ISO_DURATION, _COMPOUND_DURATION):
        match = pattern.match(text)
        if match and any(match.groups()):
            days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
            return ((days * 24 + hours) * 60 + minutes) * 60 + seconds
    return None


def _plain(number: Decimal) -> int | float:
    try:
        return int(number) if number == number.to_integral_value() else float(number)
    except InvalidOperation:  # more digits than the context holds: keep it a float
        return float(number)


def _canonical_url(text: str) -> str:
    match = _URL.match(text)
    if not match:
        return text
    scheme, authority, rest = match.group(1).lower(), match.group(2), match.group(3)
    userinfo, at, host = authority.rpartition("@")
    host = host.lower()
    port = _DEFAULT_PORTS.get(scheme)
    if port and host.endswith(":" + port):
        host = host[: -len(port) - 1]
    return f"{scheme}://{userinfo}{at}{host}{'' if rest == '/' else rest.removesuffix('.git')}"


def same_version(left: str, right: str) -> bool:
    """Whether one version is the other, only said less precisely: `16` and `16.3`, `v1.2` and `1.2.0`."""
    a, b = _canonical_version(left).split("."), _canonical_version(right).split(".")
    if not (a[0].isdigit() and b[0].isdigit()):
        return False
    shorter, longer = sorted((a, b), key=len)
    return longer[: len(shorter)] == shorter
