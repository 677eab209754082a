"""The collector of what a repository keeps: a folder's configuration files, each read as what it is."""

from __future__ import annotations

import posixpath
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import partial
from typing import Annotated

from pydantic import Field, field_validator

from auditor.collector import Context, Inquiry, Options, Task
from auditor.model import Gap, Kind, Resource
from collectors._kubernetes_scaled import without_scaled_replicas
from collectors.files import kinds, walk
from collectors.files._git import GitLog
from collectors.files._repository import repository
from collectors.files.names import Stages
from collectors.files.reading import Reading
from collectors.files.scope import Scope

_LINE = re.compile(r":[0-9]+\Z")


class FilesOptions(Options):
    """Options of a `files` source."""

    path: Annotated[
        str, Field(min_length=1, description="Folder (or one file), from the folder of the configuration file")
    ]
    include: tuple[str, ...] = Field(
        (), description="Globs of files to read, from `path` (`*.yaml`, `apps/**`); all supported files by default"
    )
    exclude: tuple[str, ...] = Field((), description="Globs of files to leave out; a trailing slash means a folder")
    layers: tuple[tuple[str, ...], ...] = Field(
        (),
        description="Files that make up one document each, base first, where their names do not say so; "
        "`{env}` stands for a name of the environment",
    )
    max_file_size: Annotated[int, Field(gt=0, description="Bytes above which a file is not read")] = 5_000_000

    @field_validator("path")
    @classmethod
    def _spelled_once(cls, path: str) -> str:
        """One folder is one source, however it is written."""
        return posixpath.normpath(path)


class FilesCollector:
    """Reads every supported file below a folder. It opens files, and asks git about those in a work tree."""

    name = "files"
    about = (
        "Configuration kept in files: dotenv, YAML, JSON, TOML, INI, XML, HCL, Terraform, ECS, Kubernetes and Compose"
    )
    kinds: tuple[Kind, ...] = kinds.KINDS
    options: type[Options] = FilesOptions
    permissions: tuple[str, ...] = ()
    by_name = False

    def label(self, options: FilesOptions) -> str:
        return f"files:{options.path}"

    def witness(self, _options: FilesOptions, context: Context, inquiry: Inquiry) -> GitLog:
        """The history of the repository that the folder is in."""
        return GitLog(context, inquiry)

    def plan(self, options: FilesOptions, context: Context) -> Iterable[Task]:
        """One task: what a file holds is known only once all were read. Raises CollectError where nothing is there."""
        walk.root_of(context.folder, options.path)
        source = self.label(options)
        yield Task(
            source=source,
            kinds=kinds.LISTED,
            run=partial(self._read, options, context, source),
            label=source,
        )

    def _read(self, options: FilesOptions, context: Context, source: str) -> Iterator[Resource | Gap]:
        root = walk.root_of(context.folder, options.path)
        own = dict.fromkeys(word.lower() for word in (context.environment, *context.aliases))
        folder = root if root.is_dir() else root.parent
        scope = Scope(context.environment, source, options.path)
        reading = Reading(
            root=folder,
            scope=scope,
            stages=Stages(tuple(own), tuple(word.lower() for word in context.others if word.lower() not in own)),
            max_file_size=options.max_file_size,
            declared=options.layers,
            boundaries=(context.folder.resolve(), root.resolve()),
        )
        found: list[Resource] = []
        for item in reading.run(walk.files(root, options.include, options.exclude), context.cancelled):
            if isinstance(item, Gap):
                yield item
            else:
                found.append(item)
        yield from _told_apart(without_scaled_replicas(found), options.path)
        if (kept := repository(folder, reading.names, scope, context.timeout)) is not None:
            yield kept


def _told_apart(resources: Iterable[Resource], path: str) -> Iterator[Resource]:
    """Resources in a fixed order, each with an identity of its own; what two files say alike counts once.

    One name in several namespaces (or folders) is called with them, one name in several files with the files.
    """
    by_name: dict[tuple[str, str], dict[str, list[Resource]]] = defaultdict(lambda: defaultdict(list))
    for resource in resources:
        same = by_name[resource.kind, resource.identity][resource.parent or ""]
        if all(resource.attributes != other.attributes for other in same):
            same.append(resource)
    for _, by_parent in sorted(by_name.items(), key=lambda item: item[0]):
        for parent, same in sorted(by_parent.items(), key=lambda item: item[0]):
            scope = f"{parent}/" if parent and len(by_parent) > 1 else ""
            for resource, place in zip(same, _places(same, path), strict=True):
                yield replace(resource, identity=f"{scope}{resource.identity}{place}") if scope or place else resource


def _places(same: list[Resource], path: str) -> list[str]:
    """What tells resources of one name apart: the files that they are from, and a number within a file."""
    if len(same) == 1:
        return [""]
    seen: dict[str, int] = defaultdict(int)
    places: list[str] = []
    for resource in same:
        file = _LINE.sub("", resource.location or "").removeprefix(path.rstrip("/") + "/")
        seen[file] += 1
        places.append(f" ({file} #{seen[file]})" if seen[file] > 1 else f" ({file})")
    return places
