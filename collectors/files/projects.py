"""Which Compose files make up a project, and the files that they name: env files, variables, services to extend."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from auditor.model import Gap, GapReason, Json, Resource
from collectors.files import compose, detect, dotenv, kinds, yaml
from collectors.files.names import Stages, folder_of
from collectors.files.scope import Scope
from collectors.files.text import Malformed, read

_OVERRIDE = re.compile(r"[._-]override(?=\.ya?ml\Z)")
# Variants of a base that are for a developer or a pipeline, and that no environment runs.
_NOT_RUN = re.compile(r"[._-](?:dev|development|local|test|tests|testing|ci|e2e|debug)(?=\.ya?ml\Z)")


@dataclass(frozen=True, slots=True)
class Parsed:
    """A file of ours that could be read: `kind` is what its name speaks of, `parts` its documents."""

    name: str
    kind: str
    parts: Sequence[detect.Part]

    @property
    def is_layer(self) -> bool:
        """Whether it may be laid over another file, or be laid over: one map, or nothing at all."""
        return all(isinstance(part.value, dict) for part in self.parts) and len(self.parts) < 2


@dataclass
class Projects:
    """The Compose projects of a source. `worked_in` holds the env files that became part of a service."""

    root: Path
    scope: Scope
    stages: Stages
    boundaries: Sequence[Path]
    composed: Mapping[str, Mapping[str, Json]]
    plain: Mapping[str, Parsed]
    failed: Mapping[str, Gap]
    worked_in: set[str] = field(default_factory=set)

    def run(self) -> Iterator[Resource | Gap]:
        """Every resource of every project, and a gap for a project whose variables are unknown."""
        for names in self._projects():
            folder = folder_of(names[0])
            broken = next((name for name in self._variable_files(folder) if name in self.failed), None)
            if broken is not None:
                detail = "the variables of the Compose file are unknown: the .env file beside it could not be read"
                yield self.scope.gap(kinds.COMPOSE, self.failed[broken].reason, detail, names[0], broken)
                continue
            files = [(name, self.composed[name]) for name in names]
            project = compose.Project(files, self._variables(folder), self._load, self._load_env)
            yield from compose.resources(project, self.scope)

    def _projects(self) -> list[list[str]]:
        """The files of each project, base first. An override file counts where no file is named after our environment."""
        bases = {name for name in self.composed if self._base(name) == name}
        own: dict[str, list[str]] = {}
        overrides: dict[str, list[str]] = {}
        for name in sorted(self.composed.keys() - bases):
            base = self._base(name)
            if base not in bases:
                bases.add(name)
            elif self.stages.names_own(posixpath.basename(name)):
                own.setdefault(base, []).append(name)
            elif _OVERRIDE.search(name):
                overrides.setdefault(base, []).append(name)
        return [[base, *(own.get(base) or overrides.get(base) or [])] for base in sorted(bases)]

    def _base(self, name: str) -> str:
        folder, file = posixpath.split(name)
        file = self.stages.without(file)
        return posixpath.join(folder, _NOT_RUN.sub("", _OVERRIDE.sub("", file)))

    def _variable_files(self, folder: str) -> list[str]:
        """`.env` beside the Compose files, then those that are named after our environment."""
        beside = posixpath.join(folder, ".env")
        known = [name for name in {**self.plain, **self.failed} if folder_of(name) == folder and name != beside]
        own = [name for name in known if self._is_own_variables(posixpath.basename(name))]
        return [beside, *sorted(own)]

    def _is_own_variables(self, file: str) -> bool:
        return self.stages.names_own(file) and self.stages.without(file) == ".env"

    def _variables(self, folder: str) -> dict[str, str]:
        found: dict[str, str] = {}
        for name in self._variable_files(folder):
            parsed = self.plain.get(name)
            if parsed is not None and parsed.kind == kinds.ENV and parsed.parts:
                found.update({key: value for key, value in parsed.parts[0].value.items() if isinstance(value, str)})
        return found

    def _load(self, name: str) -> Mapping[str, Json]:
        if name in self.composed:
            return self.composed[name]
        found = yaml.documents(self._text(name))
        if len(found) != 1 or not isinstance(found[0].value, dict):
            raise Malformed("the file of a service to extend is not one map")
        value: Mapping[str, Json] = found[0].value
        return value

    def _load_env(self, name: str) -> Mapping[str, str | None]:
        parsed = self.plain.get(name)
        if parsed is not None and parsed.kind == kinds.ENV and parsed.parts:
            self.worked_in.add(name)
            value: Mapping[str, str | None] = parsed.parts[0].value
            return value
        found = dotenv.parse(self._text(name))
        if parsed is not None:
            self.worked_in.add(name)
        return found

    def _text(self, name: str) -> str:
        """A file that another one names. Raises compose.Missing."""
        path = (self.root / name).resolve()
        if not any(path.is_relative_to(boundary) for boundary in self.boundaries):
            raise compose.Missing(f"{name} lies outside of the configuration's folder")
        try:
            return read(path)
        except OSError as error:
            raise compose.Missing(f"{name}: {error.strerror or GapReason.UNREACHABLE.value}") from error
