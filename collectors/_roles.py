"""Machines of one role as one: what all of them say, and every value where they do not agree."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from auditor.collector import Context
from auditor.model import Json
from collectors._facts import Facts, is_kernel_package
from collectors._stores import keyed_digest

NONE = "none"
"""Stands among the versions of what some machines of a role do not have."""

_UTC = frozenset(
    {"Etc/UTC", "UTC", "Etc/UCT", "UCT", "Etc/Universal", "Universal", "Etc/Zulu", "Zulu", "Etc/GMT", "GMT"}
)


@dataclass(frozen=True, slots=True)
class Role:
    """The attributes of one role, and which of them some machine could not read: those are not among them."""

    attributes: Mapping[str, Json]
    unread: tuple[str, ...]


def merged(machines: Sequence[Facts], context: Context) -> Role:
    """What the machines of one role have in common, and where they are not alike, all that there is."""
    sections: dict[str, list[Mapping[str, Json]] | None] = {
        "packages": _all([_packages(one) for one in machines]),
        "services": _all(
            [None if one.services is None else dict.fromkeys(one.services, "enabled") for one in machines]
        ),
        "sysctl": _all([one.sysctl for one in machines]),
        "files": _all([_files(one, context) for one in machines]),
        "runtimes": _all([one.runtimes for one in machines]),
    }
    attributes: dict[str, Json] = {
        "machines": len(machines),
        "os": {
            "id": _common([one.os.id for one in machines]),
            "version": _common([one.os.version for one in machines]),
        },
        "kernel": _common([one.kernel for one in machines]),
        "architecture": _common([one.architecture for one in machines]),
    }
    zones = [one.time_zone for one in machines if one.time_zone]
    if zones:
        attributes["time_zone"] = _common(["UTC" if zone in _UTC else zone for zone in zones])
    for name, said in sections.items():
        if said is not None:
            attributes[name] = _by_name(said)
    return Role(attributes, tuple(name for name, said in sections.items() if said is None))


def _all(sections: Iterable[Mapping[str, Json] | None]) -> list[Mapping[str, Json]] | None:
    """The section of every machine; None where one has not read it."""
    found = list(sections)
    known = [section for section in found if section is not None]
    return known if len(known) == len(found) else None


def _packages(facts: Facts) -> Mapping[str, Json] | None:
    if facts.packages is None:
        return None
    return {name: version for name, version in facts.packages.items() if not is_kernel_package(name)}


def _files(facts: Facts, context: Context) -> Mapping[str, Json] | None:
    """Digests under the installation's key: those of the fact file could be guessed, where a file holds little."""
    if facts.files is None or "unreadable" in facts.files.values():
        return None
    return {name: NONE if digest is None else keyed_digest(context, digest) for name, digest in facts.files.items()}


def _by_name(sections: Sequence[Mapping[str, Json]]) -> dict[str, Json]:
    names = sorted({name for section in sections for name in section})
    return {name: _common([section.get(name, NONE) for section in sections]) for name in names}


def _common(values: Iterable[Json]) -> Json:
    """The one value of all machines, or every one that there is, in order."""
    found = {one for value in values for one in (value if isinstance(value, list) else [value])}
    return next(iter(found)) if len(found) == 1 else sorted(found)
