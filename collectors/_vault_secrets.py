"""The paths of Vault's key/value stores, version 1 and 2, folder by folder."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from auditor.errors import CollectError
from auditor.model import Gap, GapReason, Json, Resource
from collectors._answers import as_type
from collectors._vault import Asking, explained

_METADATA = ("current_version", "max_versions", "cas_required", "delete_version_after", "custom_metadata")


@dataclass(frozen=True, slots=True)
class _Store:
    """One mounted key/value store. `mount` ends with a slash; `versioned` is version 2."""

    mount: str
    versioned: bool

    def listing(self, folder: str) -> str:
        return f"{self.mount}metadata/{folder}" if self.versioned else f"{self.mount}{folder}"

    def reading(self, name: str, what: str) -> str:
        return f"{self.mount}{what}/{name}" if self.versioned else f"{self.mount}{name}"


def secrets(asking: Asking) -> Iterator[Resource | Gap]:
    """Every path below the folders that are wanted. Raises CollectError where the stores themselves cannot be told, or
    there are more paths than are to be read."""
    seen: set[str] = set()
    for start in _wanted(asking):
        if isinstance(start, Gap):
            yield start
            continue
        store, folder = start
        for name in _Walk(asking, store).below(folder):
            if isinstance(name, Gap):
                yield name
            elif f"{store.mount}{name}" not in seen:
                if len(seen) == asking.most:
                    raise CollectError(
                        GapReason.TRUNCATED,
                        f"there are more than {asking.most} secrets: name paths, or raise max_secrets",
                    )
                seen.add(f"{store.mount}{name}")
                yield from _secret(asking, store, name)


def _wanted(asking: Asking) -> Iterator[tuple[_Store, str] | Gap]:
    """The stores and the folders in them to start from; a gap for a folder whose store is not told."""
    if not asking.paths:
        yield from ((store, "") for store in _all_stores(asking))
        return
    for path in asking.paths:
        about_it = f"sys/internal/ui/mounts/{path.rstrip('/')}"
        try:
            # Every token that may read below a path may ask this of it.
            about = asking.data(about_it)
            mount = as_type(about.get("path"), str, "path")
            store = _store(mount, about)
            if store is None:
                raise CollectError(GapReason.UNSUPPORTED, f"{path} is no key/value store, but {about.get('type')}")
        except CollectError as error:
            yield asking.gap(error, path, f'some right below "{path}"')
            continue
        yield store, path[len(mount) :]


def _all_stores(asking: Asking) -> list[_Store]:
    try:
        mounted = asking.data("sys/mounts")
    except CollectError as error:
        if error.reason is GapReason.ACCESS_DENIED:
            error = explained(error, "sys/mounts", "read")
            raise CollectError(error.reason, f"{error.detail}, or name in paths what it may read") from error
        raise
    found = [_store(path, as_type(about, dict, path)) for path, about in sorted(mounted.items())]
    return [store for store in found if store is not None]


def _store(mount: str, about: dict[str, Any]) -> _Store | None:
    if about.get("type") not in ("kv", "generic"):
        return None
    options = about.get("options")
    return _Store(mount, isinstance(options, dict) and str(options.get("version")) == "2")


@dataclass(frozen=True, slots=True)
class _Walk:
    asking: Asking
    store: _Store

    def below(self, folder: str) -> Iterator[str | Gap]:
        """The names of all secrets below a folder; a gap for each folder that could not be listed."""
        waiting = [folder]
        while waiting:
            if self.asking.context.cancelled.is_set():
                raise CollectError(GapReason.TIMEOUT, "the listing was stopped before its end")
            at = waiting.pop()
            path = self.store.listing(at)
            try:
                keys = self.asking.keys(path)
            except CollectError as error:
                needed = f'path "{path}*" {{ capabilities = ["list"] }}'
                # With a slash at its end a name stands for all that lies below it.
                yield self.asking.gap(error, f"{self.store.mount}{at}", needed)
                continue
            waiting += [f"{at}{key}" for key in reversed(keys) if key.endswith("/")]
            yield from (f"{at}{key}" for key in keys if not key.endswith("/"))


def _secret(asking: Asking, store: _Store, name: str) -> Iterator[Resource | Gap]:
    """One secret with as much as is to be read of it; what is refused of it is a gap in it."""
    identity = f"{store.mount}{name}"
    attributes: dict[str, Json] = {}
    for attribute, path, read in _details(asking, store, name):
        try:
            attributes[attribute] = read(asking.data(path))
        except CollectError as error:
            yield asking.gap(error, identity, f'path "{path}" {{ capabilities = ["read"] }}', attribute)
        if attribute == "metadata" and (attributes.get(attribute) or {}).get("deleted"):
            break  # There is nothing left to read of it.
    yield asking.resource(identity, attributes, store.reading(name, "metadata"))


def _details(asking: Asking, store: _Store, name: str) -> Iterator[tuple[str, str, Any]]:
    if store.versioned and asking.read != "paths":
        yield "metadata", store.reading(name, "metadata"), _metadata
    if asking.read == "values":
        yield "values", store.reading(name, "data"), _versioned_values if store.versioned else _values
    elif asking.read == "keys":
        yield "keys", store.reading(name, "subkeys"), _subkeys if store.versioned else sorted


def _metadata(data: dict[str, Any]) -> Json:
    """What is set of a secret, and whether its last version is gone. Times are left out."""
    found: dict[str, Json] = {key: data[key] for key in _METADATA if data.get(key) is not None}
    versions = as_type(data.get("versions") or {}, dict, "versions")
    last = as_type(versions.get(str(data.get("current_version"))) or {}, dict, "versions")
    return {**found, "deleted": bool(last.get("destroyed") or last.get("deletion_time"))}


def _subkeys(data: dict[str, Any]) -> Json:
    return sorted(as_type(data.get("subkeys"), dict, "subkeys"))


def _versioned_values(data: dict[str, Any]) -> Json:
    return _values(as_type(data.get("data"), dict, "data"))


def _values(data: dict[str, Any]) -> Json:
    """Each value as text, which is fingerprinted before anything keeps it: a number or a switch may be one, too."""
    return {key: value if isinstance(value, str | dict | list) else str(value) for key, value in data.items()}
