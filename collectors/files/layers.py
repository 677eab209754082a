"""Which files are layers of one document, and the document that they make together.

A key that only one environment's overlay holds is not missing in the other: it is inherited. So what lies below an
overlay is worked in before anything is compared, and a base that is worked in is no resource of its own.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from auditor.model import Json
from collectors.files.names import SHARED, Stages, base_of, folder_of

_SUFFIXES = (
    ".tfvars.json",
    ".yaml",
    ".yml",
    ".json",
    ".toml",
    ".properties",
    ".ini",
    ".cfg",
    ".conf",
    ".tfvars",
    ".env",
)
_FAMILY = {".yaml": ".yml", ".tfvars.json": ".tfvars"}
# Words for stages that need not be configured to be known.
_STAGES = (
    "development",
    "dev",
    "local",
    "test",
    "testing",
    "ci",
    "qa",
    "uat",
    "staging",
    "preprod",
    "production",
    "prod",
)
_TERRAFORM = ("terraform.tfvars", "terraform.tfvars.json")


@dataclass(frozen=True, slots=True)
class Stack:
    """One document: its layers' paths from the base up, and the path that stands for it."""

    identity: str
    layers: tuple[str, ...]


def stacks(names: Iterable[str], theirs: Iterable[str], charts: Iterable[str], stages: Stages) -> list[Stack]:
    """The documents that plain files make up, in the order of their identities.

    `names` are our files, `theirs` those of other environments, `charts` the folders of Helm charts. Where others have an
    overlay over a base and we have none, the base alone is our document, called as our overlay would be.
    """
    ours = _Files(names, charts, stages)
    lower = {name: ours.below(name) for name in ours.names}
    folded = {below for below in lower.values() if below is not None}
    called: dict[str, str] = {}
    for name in sorted(theirs):
        below = ours.below(name)
        if below is not None and below not in folded:
            renamed = posixpath.join(folder_of(name), stages.renamed(posixpath.basename(name)))
            called.setdefault(below, renamed)
    found = [Stack(called.get(name, name), _chain(name, lower)) for name in ours.names if name not in folded]
    return sorted(found, key=lambda stack: stack.identity)


def declared(layers: Sequence[Sequence[str]], names: frozenset[str], stages: Stages) -> list[Stack]:
    """The documents that the configuration declares. `{env}` in a name is the first of our names that there is a file for."""
    return [
        Stack(resolved[-1], resolved)
        for resolved in (tuple(_resolved(name, names, stages) for name in stack) for stack in layers)
        if resolved
    ]


def _resolved(name: str, names: frozenset[str], stages: Stages) -> str:
    candidates = [posixpath.normpath(name.replace("{env}", word)) for word in stages.own or ("{env}",)]
    return next((candidate for candidate in candidates if candidate in names), candidates[0])


def merged(identity: str, documents: Sequence[Mapping[str, Json]]) -> Mapping[str, Json]:
    """Documents laid over each other, base first: maps are merged, everything else is replaced.

    Variables of a dotenv or Terraform file are replaced whole. In Helm's values null takes a key away.
    """
    file = posixpath.basename(identity)
    deep = _suffix(file) not in {".env", ".tfvars", ".tfvars.json", ".properties"} and ".env" not in file
    deletes = "values" in file.lower() and _suffix(file) in {".yaml", ".yml"} and len(documents) > 1
    result: Mapping[str, Json] = documents[0]
    for document in documents[1:]:
        result = _over(result, document) if deep else {**result, **document}
    return _without_nulls(result) if deletes else result


def section_of(document: Mapping[str, Json], stages: Stages) -> Mapping[str, Json]:
    """Our part of a document that has one section per environment at the top, as Rails' `database.yml` has; else all of it."""
    mine = [key for key in document if key.lower() in stages.own and isinstance(document[key], dict)]
    theirs = [key for key in document if key.lower() in stages.others]
    known = {*stages.own, *stages.others, *SHARED, *_STAGES}
    if len(mine) != 1 or not theirs or not all(key.lower() in known or key.startswith("x-") for key in document):
        return document
    shared = next((document[key] for key in document if key.lower() in SHARED), None)
    own: Mapping[str, Json] = document[mine[0]]
    return _over(shared, own) if isinstance(shared, dict) else own


def _over(base: Mapping[str, Json], top: Mapping[str, Json]) -> dict[str, Json]:
    result = dict(base)
    for key, value in top.items():
        below = result.get(key)
        result[key] = _over(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return result


def _without_nulls(value: Json) -> Json:
    if not isinstance(value, dict):
        return value
    return {key: _without_nulls(item) for key, item in value.items() if item is not None}


def _chain(name: str, lower: Mapping[str, str | None]) -> tuple[str, ...]:
    chain = [name]
    while (below := lower.get(chain[0])) is not None and below not in chain:
        chain.insert(0, below)
    return tuple(chain)


def _suffix(file: str) -> str:
    return next((suffix for suffix in _SUFFIXES if file.lower().endswith(suffix)), "")


def _spelled(name: str) -> str:
    """A path with letters in one case and one suffix per format."""
    suffix = _suffix(name)
    return (name[: len(name) - len(suffix)] + _FAMILY.get(suffix, suffix)).lower()


class _Files:
    """Our plain files by folder and name, and what each inherits from."""

    def __init__(self, names: Iterable[str], charts: Iterable[str], stages: Stages) -> None:
        self.names = sorted(names)
        self._stages = stages
        self._charts = sorted(charts)
        self._by_name = {_spelled(name): name for name in self.names if not stages.names_own(posixpath.basename(name))}
        self._by_base: dict[str, str] = {}
        for name in self.names:
            above = base_of(name)
            if above is not None:
                self._by_base[_spelled(above)] = name

    def below(self, name: str) -> str | None:
        """The file that `name` is laid over, if any."""
        found = self._below(name)
        return found if found != name else None

    def _below(self, name: str) -> str | None:
        folder, file = posixpath.split(name)
        if not self._stages.find(file):
            return self._by_base.get(_spelled(name)) or self._in_shared_folder(name)
        slot = self._stages.without(file)
        main = posixpath.join(folder, slot)
        found = self._by_name.get(_spelled(main)) or self._by_base.get(_spelled(main))
        if found is not None:
            return found
        if slot.lower() == _suffix(slot) or _suffix(file) == f".{slot.lower()}":
            return self._shared_beside(folder, _suffix(file))
        return self._chart_values(folder, slot)

    def _shared_beside(self, folder: str, suffix: str) -> str | None:
        """What a file that is named after its stage alone is laid over: `common.tfvars`, or `settings.yml` beside `settings/`."""
        candidates = [posixpath.join(folder, word + suffix) for word in SHARED]
        if suffix in {".tfvars", ".tfvars.json"}:
            candidates += [posixpath.join(folder, name) for name in _TERRAFORM]
        if folder:
            candidates.append(folder + suffix)
        return next((self._by_name[_spelled(name)] for name in candidates if _spelled(name) in self._by_name), None)

    def _chart_values(self, folder: str, slot: str) -> str | None:
        """The chart's own values, where overlays lie beside the chart's folder instead of in it."""
        inside = [chart for chart in self._charts if folder_of(chart) == folder and chart]
        if len(inside) != 1:
            return None
        return self._by_name.get(_spelled(posixpath.join(inside[0], slot)))

    def _in_shared_folder(self, name: str) -> str | None:
        """`config/staging/app.yml` is laid over `config/base/app.yml`."""
        parts = name.split("/")
        for index, part in enumerate(parts[:-1]):
            if self._stages.find(part) and not self._stages.without(part).strip("._-"):
                candidates = ["/".join([*parts[:index], word, *parts[index + 1 :]]) for word in SHARED]
                found = next(
                    (self._by_name[_spelled(item)] for item in candidates if _spelled(item) in self._by_name), None
                )
                if found is not None:
                    return found
        return None
