"""Policies: load, validate, list. Packs are searched in the user's folders and files first, then in what ships.

Everything wrong in any of the files is reported at once, with its place and a remedy.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from auditor.errors import ConfigError, Problem
from auditor.policy_rule import RuleModel, RuleReader
from auditor.rules import Policy, Rule
from auditor.validation import problems_from_pydantic
from auditor.yaml_source import Document, load, nearest, parse

_ENDINGS = (".yaml", ".yml")


class PackModel(BaseModel):
    """One policy file. What it `extends` is read before its rules, what it is `followed_by` after them: a pack that is long
    is so kept in several files, each of which extends the first and can be named alone."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    policy: str = Field(min_length=1)
    about: str = ""
    extends: list[str] = []
    followed_by: list[str] = []
    rules: list[RuleModel] = []


@dataclass(frozen=True, slots=True)
class Pack:
    """One policy file that was found, and what `audit policy list` says of it."""

    name: str
    about: str
    file: str
    extends: tuple[str, ...]
    rules: int
    shipped: bool


def load_policy(names: Sequence[str], places: Sequence[Path] = ()) -> Policy:
    """The packs called `names`, with all that they extend, as one policy.

    `places` are folders and files to search before what ships. Raises ConfigError with every problem found.
    """
    return _Loader(tuple(places)).load(tuple(names))


def available(places: Sequence[Path] = ()) -> tuple[Pack, ...]:
    """Every pack that can be named, the user's own first; one that is hidden by another of its name is left out.

    Raises ConfigError where a file cannot be read as a policy.
    """
    packs: dict[str, Pack] = {}
    problems: list[Problem] = []
    written = _written(tuple(places), problems)
    sources: list[Document | Traversable] = [*written, *_shipped()]
    for source in sources:
        shipped = not isinstance(source, Document)
        whole = None if isinstance(source, Document) else _whole(*_text_of(source))
        document = whole.document if whole else _document(source)
        model = whole.model if whole else _validated(document, problems)
        if model is not None and model.policy not in packs:
            packs[model.policy] = Pack(
                model.policy, model.about, document.file, tuple(model.extends), len(model.rules), shipped
            )
    if problems:
        raise ConfigError(problems)
    return tuple(packs.values())


class _Loader:
    def __init__(self, places: tuple[Path, ...]) -> None:
        self.problems: list[Problem] = []
        self.by_name: dict[str, Document | Traversable] = {}
        for document in _written(places, self.problems):
            self.by_name.setdefault(_name_of(document), document)
        for entry in _shipped():
            self.by_name.setdefault(entry.name.rpartition(".")[0], entry)
        self.rules: list[Rule] = []
        self.parts: list[_Whole | None] = []
        self.done: set[str] = set()
        self.ruled: set[str] = set()
        self.digest = hashlib.sha256()

    def load(self, names: tuple[str, ...]) -> Policy:
        for name in names:
            if name not in self.by_name:
                # A file that could not be parsed may be the very pack that is asked for: then that is the message.
                remedy = self._remedy(name)
                self.problems.append(Problem("policies", None, None, name, "there is no such policy", remedy))
                continue
            self._read(name, ())
        if self.problems:
            raise ConfigError(self.problems)
        digest = self.digest.hexdigest()[:16]
        shipped = tuple(part for part in self.parts if part is not None)
        if len(shipped) == len(self.parts):
            return _shipped_policy(names, shipped, digest)
        return Policy(names, tuple(self.rules), digest)

    def _read(self, name: str, trail: tuple[str, ...]) -> None:
        source = self.by_name[name]
        whole = None if isinstance(source, Document) else _whole(*_text_of(source))
        document = whole.document if whole else _document(source)
        if document.file in self.done:
            return
        self.done.add(document.file)
        model = whole.model if whole else _validated(document, self.problems)
        if model is None:
            self._check_rules(document)
            return
        trail = (*trail, model.policy)
        for index, base in enumerate(model.extends):
            place = ("extends", index)
            if base == name or (base in trail and base not in self.ruled):
                circle = " -> ".join((*trail, base))
                self.problems.append(
                    document.problem(place, f"extends itself: {circle}", "remove one of these", of_value=True)
                )
            else:
                self._read_other(document, place, base, trail)
        self.rules += whole.rules if whole else _rules(document, model, self.problems)
        self.parts.append(whole)
        self.ruled.add(model.policy)
        self.digest.update(whole.written if whole else _written_out(document))
        for index, follower in enumerate(model.followed_by):
            self._read_other(document, ("followed_by", index), follower, trail)

    def _read_other(self, document: Document, place: tuple[str, int], other: str, trail: tuple[str, ...]) -> None:
        """The pack that `document` names in `place`. One that is being read already takes its own turn."""
        if other in trail:
            return
        if other in self.by_name:
            self._read(other, trail)
            return
        message = f"there is no policy `{other}`"
        self.problems.append(document.problem(place, message, self._remedy(other), of_value=True))

    def _check_rules(self, document: Document) -> None:
        """What is wrong inside the rules whose shape is right, in a file that is wrong elsewhere."""
        rules = document.value.get("rules") if isinstance(document.value, Mapping) else None
        for index, rule in enumerate(rules if isinstance(rules, list) else ()):
            try:
                model = RuleModel.model_validate(rule)
            except ValidationError:
                continue  # already told
            RuleReader(document, "", index, model, self.problems).read()

    def _remedy(self, name: str) -> str:
        guess = nearest(name, self.by_name)
        known = f"known: {', '.join(sorted(self.by_name))}"
        return f"did you mean `{guess}`? ({known})" if guess else known


@dataclass(frozen=True, slots=True, eq=False)
class _Whole:
    """A pack with which nothing is wrong. `written` is what it says, for the policy's digest."""

    document: Document
    model: PackModel
    rules: tuple[Rule, ...]
    written: bytes


@lru_cache(maxsize=32)
def _whole(text: str, file: str) -> _Whole | None:
    """A pack that ships, read once for each text, because most policies begin with the same. None where it has a fault."""
    document, problems = parse(text, file), list[Problem]()
    model = _validated(document, problems)
    rules = _rules(document, model, problems) if model else []
    return _Whole(document, model, tuple(rules), _written_out(document)) if model and not problems else None


@lru_cache(maxsize=32)
def _shipped_policy(names: tuple[str, ...], parts: tuple[_Whole, ...], digest: str) -> Policy:
    """One object for the same packs, since it remembers which rules are about a place, and that takes a while to find."""
    return Policy(names, tuple(rule for part in parts for rule in part.rules), digest)


def _written_out(document: Document) -> bytes:
    return json.dumps(document.value, sort_keys=True).encode()


def _rules(document: Document, model: PackModel, problems: list[Problem]) -> list[Rule]:
    rules: list[Rule] = []
    first: dict[str, int] = {}
    for index, rule in enumerate(model.rules):
        if rule.id in first:
            line = (document.at(("rules", first[rule.id])) or (0, 0))[0]
            place = ("rules", index, "id")
            message = f"the id `{rule.id}` stands twice (first in line {line})"
            problems.append(document.problem(place, message, "give each rule an id of its own", of_value=True))
            continue
        first[rule.id] = index
        read = RuleReader(document, model.policy, index, rule, problems).read()
        if read is not None:
            rules.append(read)
    return rules


def _written(places: tuple[Path, ...], problems: list[Problem]) -> list[Document]:
    """The user's own policy files, in the order in which names are searched."""
    found: list[Document] = []
    for place in places:
        if not place.exists():
            message = "there is no such folder or file"
            problems.append(Problem(str(place), None, None, "policies", message, "create it, or mend `policies:`"))
        files = [place] if place.is_file() else sorted(path for path in place.glob("*") if path.suffix in _ENDINGS)
        for path in files:
            try:
                found.append(load(path))
            except ConfigError as error:
                problems.extend(error.problems)
    return found


def _shipped() -> list[Traversable]:
    """The packs that ship with the product; each is called like its file."""
    entries = (entry for entry in resources.files("policies").iterdir() if entry.name.endswith(_ENDINGS))
    return sorted(entries, key=lambda entry: entry.name)


def _document(source: Document | Traversable) -> Document:
    """A pack's text. Those that ship are read only when they are asked for."""
    if isinstance(source, Document):
        return source
    return parse(*_text_of(source))


def _text_of(source: Traversable) -> tuple[str, str]:
    """What a pack that ships says, and how its file is called in messages."""
    return source.read_text(encoding="utf-8"), f"policies/{source.name}"


def _name_of(document: Document) -> str:
    """The name under which a file answers: what it calls itself, else its file name."""
    name = document.value.get("policy") if isinstance(document.value, Mapping) else None
    return name if isinstance(name, str) else Path(document.file).stem


def _validated(document: Document, problems: list[Problem]) -> PackModel | None:
    if not isinstance(document.value, Mapping):
        problems.append(document.problem((), "a policy is a mapping", "start with `policy: <name>`"))
        return None
    try:
        return PackModel.model_validate(document.value)
    except ValidationError as error:
        problems.extend(problems_from_pydantic(error, document, PackModel))
        return None
