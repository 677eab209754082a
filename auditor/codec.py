"""Model dataclasses to JSON and back, exactly: `decode(T, encode(x)) == x` for every dataclass of `auditor.model`.

Type hints drive both directions. ABSENT is a key left out, which null is not; times are ISO 8601 in UTC, durations
seconds, enums their values, tuples lists. `Json` fields pass as they are: they hold what JSON can say, with text keys.
"""

from __future__ import annotations

import dataclasses
import json
import types
import typing
from collections.abc import Callable, Hashable, Mapping
from datetime import UTC, datetime, timedelta
from enum import Enum
from functools import cache
from hashlib import sha256
from math import isfinite
from typing import Any, TypeVar

import orjson

from auditor.model import ABSENT, Absent, Json

T = TypeVar("T")
_DIGITS = bytes(ord("0") if chr(code) in "0123456789" else ord(" ") for code in range(256))
_TWENTY_DIGITS = b"0" * 20
# Times and dataclasses are our affair: a collector that yields one is found out, as by `canonical`.
_COMPACT = orjson.OPT_SORT_KEYS | orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_PASSTHROUGH_DATACLASS


@dataclasses.dataclass(frozen=True, slots=True)
class _Codec:
    """Both directions of one type. `optional` marks a field whose ABSENT is said by leaving its key out."""

    encode: Callable[[Any], Json]
    decode: Callable[[Json], Any]
    optional: bool = False


def encode(value: Any) -> Json:
    """The JSON of a dataclass instance. Raises ValueError for a time without a zone."""
    cls: Any = type(value)
    return _codec(cls).encode(value)


def decode(cls: type[T], data: Json) -> T:
    """The `cls` that `data` is the JSON of. Unknown keys are passed over, so that older programs' data stays readable.

    Raises ValueError where a key without a default is missing or a value is not of its type."""
    hint: Any = cls
    try:
        decoded: T = _codec(hint).decode(data)
    except (AttributeError, TypeError, KeyError) as error:
        raise ValueError(f"not the JSON of a {cls.__name__}: {error}") from error
    return decoded


def canonical(data: Json) -> bytes:
    """The one spelling of `data`, as ASCII: keys sorted, no spaces. Raises ValueError for what JSON cannot say."""
    try:
        return json.dumps(data, sort_keys=True, separators=(",", ":"), default=_mapped).encode("ascii")
    except TypeError as error:
        raise ValueError(str(error)) from error


def compact(data: Json) -> bytes:
    """Another one spelling of `data`, made and read five times as fast: keys sorted, no spaces, UTF-8.

    What that cannot say - whole numbers of more than 64 bits, half characters, numbers that are none - is said as `canonical`
    does, after a space that tells `parse` so. Raises ValueError for what JSON cannot say."""
    found = compact_texts(data)
    # orjson calls infinity and what is not a number null, which is another value. What reads back as it was has neither.
    if found[:1] != b" " and b"null" in found and orjson.loads(found) != data and _is_unsayable(data):
        return b" " + canonical(data)
    return found


def compact_texts(data: Json) -> bytes:
    """`compact` of what holds no fractions, without looking for those that are no numbers."""
    try:
        return orjson.dumps(data, default=_mapped, option=_COMPACT)
    except TypeError:
        return b" " + canonical(data)


def parse(content: bytes) -> Json:
    """What `compact` or `canonical` spelled. Raises ValueError for what is no JSON."""
    # orjson makes a whole number of more than 64 bits one with a point, without a word.
    if content[:1] == b" " or _TWENTY_DIGITS in content.translate(_DIGITS):
        return json.loads(content)
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError:
        return json.loads(content)


def _mapped(value: object) -> dict[Any, Json]:
    """Of a mapping that is no dictionary, as the attributes of a resource may be."""
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")


def _is_unsayable(data: Json) -> bool:
    """Whether some number in it is infinite, or none."""
    if isinstance(data, float):
        return not isfinite(data)
    if isinstance(data, Mapping):
        return any(map(_is_unsayable, data.values()))
    return isinstance(data, (list, tuple)) and any(map(_is_unsayable, data))


def digest(content: bytes) -> str:
    """SHA-256 of `content`, 64 hexadecimal characters."""
    return sha256(content).hexdigest()


def _same(value: Any) -> Any:
    return value


_PLAIN = _Codec(_same, _same)


@cache
def _codec(hint: Hashable) -> _Codec:
    if hint in (Any, str, int, float, bool):
        return _PLAIN
    if hint is datetime:
        return _Codec(_from_time, _to_time)
    if hint is timedelta:
        return _Codec(_from_duration, lambda seconds: timedelta(seconds=seconds))
    if isinstance(hint, type) and issubclass(hint, Enum):
        return _Codec(lambda member: member.value, hint)
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        return _dataclass_codec(hint)
    return _generic_codec(hint)


def _generic_codec(hint: Any) -> _Codec:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return _union_codec(hint, arguments)
    if origin is tuple and len(arguments) == 2 and arguments[1] is ...:
        item = _codec(arguments[0])
        return _Codec(lambda values: list(map(item.encode, values)), lambda data: tuple(map(item.decode, data)))
    if origin is Mapping:
        return _mapping_codec(_codec(arguments[0]), _codec(arguments[1]))
    raise TypeError(f"no JSON form is known for {hint}")


def _union_codec(hint: Any, arguments: tuple[Any, ...]) -> _Codec:
    if Absent in arguments:
        return _Codec(_same, _same, optional=True)
    if len(arguments) != 2 or type(None) not in arguments:
        raise TypeError(f"no JSON form is known for {hint}")
    inner = _codec(next(argument for argument in arguments if argument is not type(None)))
    return _Codec(
        lambda value: None if value is None else inner.encode(value),
        lambda data: None if data is None else inner.decode(data),
    )


def _mapping_codec(key: _Codec, value: _Codec) -> _Codec:
    if key is _PLAIN and value is _PLAIN:
        return _PLAIN
    return _Codec(
        lambda mapping: {key.encode(name): value.encode(item) for name, item in mapping.items()},
        lambda data: {key.decode(name): value.decode(item) for name, item in data.items()},
    )


def _dataclass_codec(cls: type[Any]) -> _Codec:
    hints = typing.get_type_hints(cls)
    fields = tuple((field.name, _codec(hints[field.name])) for field in dataclasses.fields(cls))

    def encode_fields(value: Any) -> Json:
        found = ((name, codec, getattr(value, name)) for name, codec in fields)
        return {name: codec.encode(item) for name, codec, item in found if item is not ABSENT}

    def decode_fields(data: Json) -> Any:
        known = {name: codec.decode(data[name]) for name, codec in fields if name in data}
        absent = {name: ABSENT for name, codec in fields if codec.optional and name not in data}
        return cls(**known, **absent)

    return _Codec(encode_fields, decode_fields)


def _from_time(value: datetime) -> str:
    if value.tzinfo is None:
        raise ValueError(f"a time without a zone: {value.isoformat()}")
    return value.astimezone(UTC).isoformat()


def _to_time(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def _from_duration(value: timedelta) -> int | float:
    seconds = value.total_seconds()
    return int(seconds) if seconds.is_integer() else seconds
