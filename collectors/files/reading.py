"""One reading of a source: every file parsed, told apart, laid over what it inherits, and handed on as resources."""

from __future__ import annotations

import posixpath
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from auditor.errors import CollectError
from auditor.model import Gap, GapReason, Json, Resource
from collectors import _ecs
from collectors.files import compose, detect, kinds, kubernetes, layers, walk
from collectors.files.layers import Stack
from collectors.files.names import Stages, adopting, folder_of, observing, others_files, values_folders
from collectors.files.projects import Parsed, Projects
from collectors.files.scope import Scope
from collectors.files.text import Malformed, Unsupported, read

# Formats whose content may turn out to be a Kubernetes object, an ECS task definition or a Compose file.
_GENERAL = frozenset({kinds.YAML, kinds.JSON})


@dataclass
class Reading:
    """Reads a source once. `boundaries` are the folders outside of which no file is opened that another file names."""

    root: Path
    scope: Scope
    stages: Stages
    max_file_size: int
    declared: Sequence[Sequence[str]]
    boundaries: Sequence[Path]
    _parsed: dict[str, Parsed] = field(default_factory=dict)
    _failed: dict[str, Gap] = field(default_factory=dict)
    _charts: set[str] = field(default_factory=set)
    _theirs: frozenset[str] = frozenset()

    def run(self, found: Iterable[walk.File | walk.Unreadable], cancelled: threading.Event) -> Iterator[Resource | Gap]:
        """Every resource of the source, and a gap for each file that could not be read."""
        files: dict[str, walk.File] = {}
        for item in found:
            if isinstance(item, walk.File):
                files[item.name] = item
            elif item.folder or detect.format_of(item.name):
                yield self._denied(item.name, folder=item.folder)
        self._charts = {folder_of(name) for name in files if posixpath.basename(name) == "Chart.yaml"}
        self._charts |= values_folders(files)
        supported = [name for name in files if detect.format_of(name) and not self._is_template(name)]
        shared = not self.stages.names_own(self.scope.shown)
        self.stages = observing(supported, self.stages) if shared else adopting(supported, self.stages)
        unread = {name: told for name in files if name not in supported and (told := detect.unread(name, files))}
        self._theirs = others_files([*supported, *unread], self.stages, shared=shared)
        templated = {folder_of(chart_file) for chart_file in files if self._is_template(chart_file)}
        yield from self._unrendered(templated)
        for name, (glob, detail) in unread.items():
            if name not in self._theirs and not self._is_template(name):
                yield self.scope.gap(glob, GapReason.UNSUPPORTED, detail, name, name)
        for name in supported:
            if cancelled.is_set():
                return
            if name not in self._theirs:
                self._parse(files[name])
        yield from self._resources()

    @property
    def names(self) -> frozenset[str]:
        """The files that were read, or could not be, as the environment's own."""
        return frozenset(self._parsed) | frozenset(self._failed)

    def _denied(self, name: str, *, folder: bool) -> Gap:
        if folder:
            return self.scope.gap("*", GapReason.ACCESS_DENIED, "no permission to read the folder", None, name)
        kind = detect.may_be(detect.format_of(name) or "*")
        return self.scope.gap(kind, GapReason.ACCESS_DENIED, "no permission to read the file", name, name)

    def _is_template(self, name: str) -> bool:
        return any(name.startswith(posixpath.join(chart, "templates") + "/") for chart in self._charts)

    def _unrendered(self, folders: Iterable[str]) -> Iterator[Gap]:
        """A chart's templates say nothing before they are rendered: one gap per chart."""
        charts = {folder.split("/templates")[0] if "/" in folder else "" for folder in folders}
        for chart in sorted(charts):
            detail = "a Helm chart's templates: give the manifests that `helm template` renders, or exclude the folder"
            name = posixpath.join(chart, "templates")
            yield self.scope.gap(kinds.KUBERNETES, GapReason.UNSUPPORTED, detail, name, name)

    def _parse(self, file: walk.File) -> None:
        kind = detect.format_of(file.name) or ""
        glob = detect.may_be(kind)
        if file.size > self.max_file_size:
            detail = f"{file.size} bytes, more than max_file_size ({self.max_file_size})"
            self._failed[file.name] = self.scope.gap(glob, GapReason.TRUNCATED, detail, file.name, file.name)
            return
        try:
            parts = detect.parts(file.name, kind, read(file.path))
        except Malformed as error:
            self._failed[file.name] = self.scope.malformed(glob, file.name, file.name, error)
        except Unsupported as error:
            self._failed[file.name] = self.scope.gap(glob, GapReason.UNSUPPORTED, str(error), file.name, file.name)
        except PermissionError:
            self._failed[file.name] = self._denied(file.name, folder=False)
        except OSError as error:
            detail = f"the file could not be read: {error.strerror or type(error).__name__}"
            self._failed[file.name] = self.scope.gap(glob, GapReason.UNREACHABLE, detail, file.name, file.name)
        else:
            self._parsed[file.name] = Parsed(file.name, kind, parts)

    def _resources(self) -> Iterator[Resource | Gap]:
        plain: dict[str, Parsed] = {}
        composed: dict[str, Mapping[str, Json]] = {}
        for parsed in self._parsed.values():
            rest: list[detect.Part] = []
            for part in parsed.parts:
                if parsed.kind not in _GENERAL:
                    rest.append(part)
                elif manifest := kubernetes.as_manifest(parsed.name, part.value):
                    line = part.line if len(parsed.parts) > 1 else None
                    location = self.scope.location(parsed.name, line)
                    yield from kubernetes.resources(manifest, parsed.name, location, self.scope.source)
                elif detect.is_task_definition(part.value):
                    yield self._task_definition(parsed.name, part)
                elif compose.is_compose(parsed.name, part.value):
                    composed[parsed.name] = part.value
                else:
                    rest.append(part)
            if rest or not parsed.parts:
                plain[parsed.name] = Parsed(parsed.name, parsed.kind, rest)
        projects = Projects(self.root, self.scope, self.stages, self.boundaries, composed, plain, self._failed)
        yield from projects.run()
        documents = {name: parsed for name, parsed in plain.items() if name not in projects.worked_in}
        yield from self._documents(documents)

    def _task_definition(self, name: str, part: detect.Part) -> Resource | Gap:
        try:
            return Resource(
                kind=_ecs.TASK_DEFINITION.name,
                identity=_ecs.family(part.value) or name,
                attributes=_ecs.task_definition(part.value),
                source=self.scope.source,
                tags=_ecs.tags(part.value),
                component=_ecs.family(part.value),
                location=self.scope.location(name),
            )
        except CollectError as error:
            return self.scope.gap(_ecs.TASK_DEFINITION.name, error.reason, error.detail, name, name)

    def _documents(self, plain: Mapping[str, Parsed]) -> Iterator[Resource | Gap]:
        """Plain documents, laid over what they inherit. A layer that could not be read makes the whole unknown."""
        layered = {name for name, parsed in plain.items() if parsed.is_layer} | self._failed.keys()
        explicit = layers.declared(self.declared, frozenset(layered), self.stages)
        taken = {name for stack in explicit for name in stack.layers}
        for stack in [*explicit, *layers.stacks(layered - taken, self._theirs, self._charts, self.stages)]:
            yield from self._stack(stack, plain)
        for name in sorted(plain.keys() - layered - taken):
            parsed = plain[name]
            for number, part in enumerate(parsed.parts, start=1):
                identity = name if len(parsed.parts) == 1 else f"{name}#{number}"
                yield self._file(parsed.kind, identity, _as_map(part.value), self.scope.location(name, part.line))

    def _stack(self, stack: Stack, plain: Mapping[str, Parsed]) -> Iterator[Resource | Gap]:
        kind = detect.format_of(stack.layers[-1]) or kinds.YAML
        gaps = [replace(self._failed[name], resource=stack.identity) for name in stack.layers if name in self._failed]
        for name in stack.layers:
            if name not in plain and name not in self._failed:
                detail = f"a layer that the configuration declares is not there: {name}"
                gaps.append(self.scope.gap(kind, GapReason.UNREACHABLE, detail, stack.identity, name))
        if gaps:
            yield from gaps
            return
        values = [plain[name].parts[0].value if plain[name].parts else {} for name in stack.layers]
        if len(values) == 1 and not plain[stack.layers[0]].parts:  # nothing but comments
            return
        location = self.scope.location(stack.layers[-1])
        document = layers.section_of(layers.merged(stack.identity, values), self.stages)
        yield self._file(kind, stack.identity, document, location)

    def _file(self, kind: str, identity: str, attributes: Mapping[str, Json], location: str) -> Resource:
        return Resource(kind, identity, attributes, source=self.scope.source, location=location)


def _as_map(value: Json) -> Mapping[str, Json]:
    """A document that is no map as one. CloudFormation's list of parameters has names for its items."""
    if isinstance(value, dict):
        return value
    if not isinstance(value, list):
        return {"value": value}
    if value and all(isinstance(item, dict) and isinstance(item.get("ParameterKey"), str) for item in value):
        return {item["ParameterKey"]: item.get("ParameterValue") for item in value}
    return {"items": value}
