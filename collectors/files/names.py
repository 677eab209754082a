"""What file names say: which environment a file is for, and which files are layers of one document.

`values.yaml` and `values-staging.yaml` are two layers of one document, as are `settings.yml` and `settings/staging.yml`,
`common.tfvars` and `staging.tfvars`, `base-values.yaml` and `values.yaml`.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import PurePosixPath

# File names that hold what all environments share, when they stand beside a file that is named after one.
SHARED = ("common", "default", "defaults", "base", "global", "globals", "shared", "all")
_BASE_WORDS = r"(?:base|common|default|defaults|shared|global)"
_BASE = re.compile(rf"\A{_BASE_WORDS}[._-]|[._-]{_BASE_WORDS}(?=\.[a-z]+\Z|\Z)")
_PRODUCTION = frozenset({"prod", "production", "prd", "live"})
# Words for stages that come before production.
_STAGES = (
    "qa",
    "uat",
    "test",
    "testing",
    "aat",
    "oat",
    "sit",
    "acc",
    "acceptance",
    "rc",
    "ppe",
    "preview",
    "sandbox",
    "int",
    "integration",
)
_VALUES = re.compile(r"values\.ya?ml\Z")
_OVERLAY = re.compile(r"values[._-][\w.-]+\.ya?ml\Z")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def folder_of(name: str) -> str:
    """The folder of a path from the source's own; empty for the source's own folder."""
    return posixpath.dirname(name)


def joined(folder: str, name: str) -> str:
    """A path that a file in `folder` names, from the source's own; it may lead out of it with `..`."""
    return posixpath.normpath(posixpath.join(folder, name))


@dataclass(frozen=True)
class Stages:
    """The words that mean this environment (`own`) and others, in lower case.

    `innocent` holds, by file name, where such a word means something else: `stage` in `stage-manager.prod.json`.
    """

    own: tuple[str, ...]
    others: tuple[str, ...]
    innocent: Mapping[str, frozenset[int]] = field(default_factory=dict, hash=False)

    @cached_property
    def _pattern(self) -> re.Pattern[str] | None:
        words = sorted({*self.own, *self.others} - {""}, key=lambda word: (-len(word), word))
        if not words:
            return None
        return re.compile(
            rf"(?<![a-z0-9])(?P<not>(?:non|not)[-_]?)?(?P<word>{'|'.join(map(re.escape, words))})(?![a-z0-9])"
        )

    def find(self, text: str) -> list[tuple[int, int, bool]]:
        """Where `text` names a stage: start, end, and whether it is ours. `nonprod` does not name `prod`."""
        if self._pattern is None:
            return []
        # Camel case: a border between a small and a capital letter counts as a delimiter.
        spaced = _CAMEL.sub("\0", text).lower()
        found: list[tuple[int, int, bool]] = []
        for match in self._pattern.finditer(spaced):
            # `nonprod` does not name `prod`, but may be a name itself.
            whole = "word" if not match["not"] else 0
            word = match[whole]
            if word in self.own or word in self.others:
                start = match.start(whole) - spaced.count("\0", 0, match.start(whole))
                found.append((start, start + len(word), word in self.own))
        innocent = self.innocent.get(text)
        return [span for span in found if span[0] not in innocent] if innocent else found

    def names_own(self, text: str) -> bool:
        return any(ours for _, _, ours in self.find(text))

    def names_other(self, text: str) -> bool:
        """Whether `text` names another environment and not (also) ours."""
        found = self.find(text)
        return bool(found) and not any(ours for _, _, ours in found)

    def names_other_folder(self, folder: str) -> bool:
        """Whether a folder's name ends in, or is, the name of another environment (`prod`, `orders-prod`)."""
        text = folder.lstrip(".")
        found = self.find(text)
        return self.names_other(text) and found[-1][1] == len(text)

    def without(self, name: str) -> str:
        """A file name without the stages it names, and without what joined them: `values-stg.yaml` -> `values.yaml`."""
        parts: list[str] = []
        end = 0
        for start, stop, _ in self.find(name):
            parts.append(name[end:start])
            end = stop
        text = "".join(parts) + name[end:]
        text = re.sub(r"([._-])[._-]+", lambda run: run[0][-1] if "." in run[0] else run[1], text) if parts else text
        return text.lstrip("-_").rstrip("._-") if parts else text

    def renamed(self, name: str) -> str:
        """A file name of another environment as ours would be called: `values-prod.yaml` -> `values-staging.yaml`."""
        for start, stop, _ in reversed(self.find(name)):
            name = name[:start] + self.own[0] + name[stop:]
        return name


def adopting(names: Iterable[str], stages: Stages) -> Stages:
    """The stages, with what the files of a folder that is ours alone call us, where none of them uses a name we know.

    `appsettings.json` and `appsettings.QA.json`, and nothing else of a stage: then QA is the name that we go by here.
    """
    known = frozenset(names)
    if any(stages.names_own(posixpath.basename(name)) for name in known) or _PRODUCTION & set(stages.own):
        return stages
    strangers = Stages((), _STAGES)
    overlays = {
        name: strangers.find(posixpath.basename(name))
        for name in known
        if posixpath.join(folder_of(name), strangers.without(posixpath.basename(name))) in known - {name}
    }
    words = {posixpath.basename(name)[start:end].lower() for name, found in overlays.items() for start, end, _ in found}
    if len(words) != 1:
        return stages
    return Stages((*stages.own, *words), tuple(word for word in stages.others if word not in words))


def observing(names: Iterable[str], stages: Stages) -> Stages:
    """The stages, with what the files of a folder that several environments share tell about their names.

    What varies from file to file is the environment: in `k8s/prod/stage-manager.yaml` and `k8s/stg/stage-manager.yaml`
    that is the folder, and `stage` is innocent. A word that takes the place of one of our names names another
    environment, even if nobody told us of it (`live`).
    """
    known = frozenset(names)
    strangers = tuple(word for word in (*_STAGES, *sorted(_PRODUCTION)) if word not in (*stages.own, *stages.others))
    everybody = Stages(stages.own, (*stages.others, *strangers))
    found = {name: spans for name in sorted(known) if (spans := everybody.find(name))}
    places: dict[str, list[set[str]]] = {}
    for name, spans in found.items():
        words = [name[start:end].lower() for start, end, _ in spans]
        seen = places.setdefault(_blanked(name, spans), [set() for _ in words])
        for place, word in zip(seen, words, strict=True):
            place.add(word)
    certain = {*stages.own, *stages.others}
    others: list[str] = []
    ours_too: set[str] = set()
    innocent: dict[str, frozenset[int]] = {}
    varied = {word for row in places.values() for words in row if len(words) > 1 and words & certain for word in words}
    for name, spans in found.items():
        vary = [len(words) > 1 and bool(words & certain) for words in places[_blanked(name, spans)]]
        naming = [span for span, varies in zip(spans, vary, strict=True) if varies or _is_overlay(name, span, known)]
        for facing, varies in zip(places[_blanked(name, spans)], vary, strict=True):
            ours_too |= _adopted(facing, stages, strangers) if varies else set()
        if not naming:
            # Its counterpart is missing. A word by which other files are told apart is the likelier one, and so is the last.
            naming = [span for span in spans if name[span[0] : span[1]].lower() in varied][-1:]
        others += [name[start:end].lower() for start, end, ours in naming if not ours]
        file = name.rfind("/") + 1
        wrong = {span[0] - file for span in spans if naming and span not in naming and span[0] >= file}
        if wrong and _agree(innocent.get(name[file:]), wrong):
            innocent[name[file:]] = frozenset(wrong)
    own = (*stages.own, *sorted(ours_too))
    return Stages(own, tuple(word for word in dict.fromkeys((*stages.others, *others)) if word not in own), innocent)


def _adopted(words: set[str], stages: Stages, strangers: tuple[str, ...]) -> set[str]:
    """The one word among these that must be ours, since no name that we know of is: `live`, where the others are `stg`."""
    if words & set(stages.own):
        return set()
    production = bool(_PRODUCTION & set(stages.own))
    candidates = {word for word in words & set(strangers) if (word in _PRODUCTION) == production}
    return candidates if len(candidates) == 1 else set()


def _blanked(name: str, spans: Iterable[tuple[int, int, bool]]) -> str:
    parts, end = [], 0
    for start, stop, _ in spans:
        parts += [name[end:start], "\0"]
        end = stop
    return "".join(parts) + name[end:]


def _is_overlay(name: str, span: tuple[int, int, bool], known: frozenset[str]) -> bool:
    """Whether the file without this word is there, too: `values-prod.yaml` beside `values.yaml`."""
    start, end, _ = span
    before, after = name[:start], name[end:]
    return any(other != name and other in known for other in (before[:-1] + after, before + after[1:], before + after))


def _agree(before: frozenset[int] | None, now: set[int]) -> bool:
    return before is None or before == now


def others_files(names: Iterable[str], stages: Stages, *, shared: bool) -> frozenset[str]:
    """The files that belong to another environment.

    Where the source's folder is shared by several environments (`shared`), every file is that carries another's name,
    in its own or a folder's. Where the folder is ours alone, only one whose counterpart for us stands beside it.
    """
    known = frozenset(names)
    if shared:
        return frozenset(name for name in known if _is_theirs(name, stages))
    named = {name: posixpath.basename(name) for name in known}
    slots = {_slot(name, stages) for name, file in named.items() if not stages.names_other(file)}
    return frozenset(name for name, file in named.items() if stages.names_other(file) and _slot(name, stages) in slots)


def _slot(name: str, stages: Stages) -> tuple[str, str]:
    return folder_of(name), stages.without(posixpath.basename(name)).lower()


def _is_theirs(name: str, stages: Stages) -> bool:
    path = PurePosixPath(name)
    if stages.find(path.name):
        return stages.names_other(path.name)
    for folder in reversed(path.parts[:-1]):
        if stages.names_own(folder):
            return False
        if stages.names_other_folder(folder):
            return True
    return False


def values_folders(names: Iterable[str]) -> frozenset[str]:
    """Folders with a `values.yaml` that has overlays (`values-prod.yaml`) in the folder above: charts, whatever else is kept."""
    overlaid = {folder_of(name) for name in names if _OVERLAY.match(posixpath.basename(name))}
    folders = {folder_of(name) for name in names if _VALUES.match(posixpath.basename(name)) and folder_of(name)}
    return frozenset(folder for folder in folders if folder_of(folder) in overlaid)


def base_of(name: str) -> str | None:
    """The file that `name` is a base of: `base-values.yaml` -> `values.yaml`, `.env.defaults` -> `.env`; None for others."""
    folder, file = posixpath.split(name)
    stripped = _BASE.sub("", file, count=1)
    return posixpath.join(folder, stripped) if stripped != file and PurePosixPath(stripped).stem else None
