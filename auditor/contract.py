"""What every collector promises, as a check that anyone can run on theirs. See docs/add-a-collector.md.

def test_it_keeps_its_word(server):
    assert broken_promises(COLLECTOR, {"url": server.url}, secrets=["hunter2"]) == []
    assert hidden_failures(COLLECTOR, [{"url": server.denied}, {"url": "http://127.0.0.1:1"}]) == []
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from auditor.collect import Environment, Source, collect
from auditor.collector import Options
from auditor.document import Document
from auditor.model import Category, Snapshot
from auditor.redact import Redactor
from auditor.registry import Registry

if TYPE_CHECKING:
    from auditor.collector import Collector

_NAME = re.compile(r"[a-z][a-z0-9_]*\Z")
_KIND = re.compile(r"[a-z][a-z0-9_]*(?:\.(?:[a-z0-9_]+|\*))+\Z")
_NUMBERED = re.compile(r"#[0-9]+\Z")
_NOBODY_NAMES_IT_SO = "surely_no_option_is_called_so"
_NOW = datetime(2026, 1, 1, tzinfo=UTC)
_KEY = b"the key of a contract test"


def broken_promises(
    collector: Collector, options: Mapping[str, Any], *, secrets: Sequence[str] = (), folder: Path = Path()
) -> list[str]:
    """What `collector`, reading a source that answers well, does not do as every collector must: a sentence each.

    `options` are the keys of its entry under `sources:`, without `collector`; relative paths in them start at `folder`.
    `secrets` are values that its source answers with and that must never be kept. Empty where all promises are kept.
    """
    return list(_broken(collector, options, secrets, folder))


def hidden_failures(collector: Collector, sources: Sequence[Mapping[str, Any]], *, folder: Path = Path()) -> list[str]:
    """Which of `sources`, each the options of a source that cannot be read, `collector` passes off as read whole.

    Unread is not absent: each has to leave at least one gap. Empty where all do.
    """
    return [
        f"source {number}: nothing says that it could not be read"
        for number, options in enumerate(sources, start=1)
        if not _read(collector, collector.options(**options), folder).gaps
    ]


def _broken(collector: Any, given: Mapping[str, Any], secrets: Sequence[str], folder: Path) -> Iterator[str]:
    yield from _declared(collector)
    if not issubclass(collector.options, Options):
        return
    try:
        collector.options(**{**given, _NOBODY_NAMES_IT_SO: 1})
        yield "options: an unknown key is taken; derive them from auditor.collector.Options"
    except ValidationError:
        pass
    options = collector.options(**given)
    label = collector.label(options)
    if label.partition(":")[0] != collector.name:
        yield f"label: {label!r} does not begin with the collector's name and a colon"
    if any(secret in label for secret in secrets):
        yield "label: it holds a secret"
    first, second = _read(collector, options, folder), _read(collector, options, folder)
    yield from _observed(collector, first, secrets)
    if (first.resources, first.gaps, first.listings) != (second.resources, second.gaps, second.listings):
        yield "run: two readings of one unchanged source differ; leave out what changes by itself, or declare it volatile"


def _declared(collector: Any) -> Iterator[str]:
    # Nothing is taken for granted of what it is: that is what is asked.
    if not _NAME.match(collector.name):
        yield f"name: {collector.name!r} is not one lower-case word"
    if not collector.about.strip():
        yield "about: it says nothing"
    if not issubclass(collector.options, Options):
        yield "options: not derived from auditor.collector.Options"
    if isinstance(collector.permissions, str) or not all(isinstance(each, str) for each in collector.permissions):
        yield "permissions: not a tuple of texts"
    if not collector.kinds:
        yield "kinds: none is declared"
    for kind in collector.kinds:
        if not _KIND.match(kind.name):
            yield f"kinds: {kind.name!r} is not dotted lower case, as in teapot.pot"
        if not kind.about.strip():
            yield f"kinds: {kind.name} says nothing about itself"
        if not isinstance(kind.category, Category):
            yield f"kinds: {kind.name} has no category of auditor.model.Category"


def _read(collector: Collector, options: Options, folder: Path) -> Snapshot:
    """As an audit reads it: side by side, under a time limit, cleaned of secrets."""
    environment = Environment("staging", ("staging",), ("prod",), folder, (Source(collector, options),))
    return collect(environment, Registry([collector]), Redactor(_KEY), lambda: _NOW)


def _observed(collector: Any, snapshot: Snapshot, secrets: Sequence[str]) -> Iterator[str]:
    for gap in snapshot.gaps:
        yield f"run: a source that answers well leaves a gap: {gap.detail}"
    if not snapshot.resources:
        yield "run: nothing was read, so nothing is shown; give it a source that holds something"
    known = [kind.name for kind in collector.kinds]
    listed = [listing.kind for listing in snapshot.listings]
    for kind in sorted({resource.kind for resource in snapshot.resources}):
        if not any(fnmatchcase(kind, name) for name in known):
            yield f"kinds: {kind} is read, and not declared"
        if not any(fnmatchcase(kind, name) for name in listed):
            yield f"plan: {kind} is read by a task that does not list it among its kinds, so it can never be missing"
    # Of two that share a name, a snapshot numbers the second.
    plain = {(one.kind, one.identity, one.source, one.region) for one in snapshot.resources}
    names: Counter[tuple[str, str, str, str | None]] = Counter()
    for kind, identity, source, region in plain:
        first = (kind, _NUMBERED.sub("", identity), source, region)
        names[first if first in plain else (kind, identity, source, region)] += 1
    for (kind, identity, _, _), number in sorted(names.items(), key=str):
        if number > 1:
            yield f"run: {number} of {kind} are called {identity}; an identity is unique in its source and region"
        if not identity.strip():
            yield f"run: one of {kind} has no identity"
    for resource in snapshot.resources:
        try:
            attributes = Document.of(resource.attributes).plain()
            text = json.dumps([attributes, resource.tags, resource.refs, resource.identity, resource.location])
        except (TypeError, ValueError):
            yield f"run: attributes of {resource.identity} are not plain JSON"
            continue
        if any(secret in text for secret in secrets):
            yield f"run: {resource.identity} keeps a secret; name its attribute in the kind's `secret`"
