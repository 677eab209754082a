"""What must hold across the keys of `auditor.yaml`: pairs name environments, promotion ends, a word means one environment.

These look at what is written, however wrong the rest of the file may be, so that one run tells every mistake.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING

from auditor.errors import ConfigError, Problem
from auditor.loopback import is_loopback
from auditor.yaml_source import nearest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from auditor.model import Json
    from auditor.yaml_source import Document, Place


@dataclass(frozen=True, slots=True)
class _Text:
    """A text that stands in the file, and where."""

    place: Place
    text: str


def cross_problems(document: Document, folder: Path) -> list[Problem]:
    """Every contradiction between keys, and every path (from `folder`) that leads nowhere."""
    return [
        *_pair_problems(document),
        *_promotion_problems(document),
        *_alias_problems(document),
        *_path_problems(document, folder),
        *_policy_problems(document, folder),
        *_access_problems(document),
        *_worker_problems(document),
    ]


def unknown(what: str, name: str, known: Iterable[str]) -> tuple[str, str]:
    """Message and remedy for a name that means nothing."""
    names = sorted(known)
    guess = nearest(name, names)
    listed = f"known: {', '.join(names)}" if names else "none is known"
    return f"unknown {what} {name!r}", f"did you mean `{guess}`?" if guess else listed


def entries(value: Json, key: str) -> list[tuple[str, Json]]:
    """The entries of the mapping under `key`, where there is one."""
    inner = value.get(key) if isinstance(value, dict) else None
    return list(inner.items()) if isinstance(inner, dict) else []


def items(value: Json, key: str) -> list[tuple[int, Json]]:
    """The numbered items of the list under `key`, where there is one."""
    inner = value.get(key) if isinstance(value, dict) else None
    return list(enumerate(inner)) if isinstance(inner, list) else []


def _texts(value: Json, key: str, place: Place) -> Iterator[_Text]:
    for index, text in items(value, key):
        if isinstance(text, str):
            yield _Text((*place, key, index), text)


def _pair_problems(document: Document) -> Iterator[Problem]:
    known = [name for name, _ in entries(document.value, "environments")]
    seen: dict[tuple[str, str], int] = {}
    for index, pair in items(document.value, "pairs"):
        sides = [(side, pair.get(side)) for side in ("left", "right")] if isinstance(pair, dict) else []
        named = [(side, name) for side, name in sides if isinstance(name, str)]
        for side, name in named:
            if name not in known:
                yield document.problem(("pairs", index, side), *unknown("environment", name, known), of_value=True)
        if len(named) < len(("left", "right")):
            continue
        left, right = named[0][1], named[1][1]
        if left == right:
            message = f"{left} cannot be compared with itself"
            yield document.problem(("pairs", index, "right"), message, "name another environment", of_value=True)
        first = seen.setdefault((left, right), index)
        if first != index:
            message = f"the pair {left} against {right} stands twice (first as pairs[{first}])"
            yield document.problem(("pairs", index), message, "keep one of the two")


def _promotion_problems(document: Document) -> Iterator[Problem]:
    following = {
        name: environment.get("promotes_to") if isinstance(environment, dict) else None
        for name, environment in entries(document.value, "environments")
    }
    told: set[str] = set()
    for name, target in following.items():
        place = ("environments", name, "promotes_to")
        if not isinstance(target, str):
            continue
        if target not in following:
            yield document.problem(place, *unknown("environment", target, following), of_value=True)
            continue
        chain = [name]
        step: Json = target
        while isinstance(step, str) and step not in chain:
            chain.append(step)
            step = following.get(step)
        if step == name and not told & set(chain):
            told |= set(chain)
            message = f"the promotion chain runs in a circle: {' -> '.join([*chain, name])}"
            yield document.problem(place, message, "the last environment promotes to nothing", of_value=True)


def _alias_problems(document: Document) -> Iterator[Problem]:
    """A word that means two environments means none: names would be compared as if they were equal."""
    environments = entries(document.value, "environments")
    owner = {name.lower(): name for name, _ in environments}
    for name, environment in environments:
        place: Place = ("environments", name)
        words = list(_texts(environment, "aliases", place))
        for index, source in items(environment, "sources"):
            words += _texts(source, "aliases", (*place, "sources", index))
        for word in words:
            first = owner.setdefault(word.text.lower(), name)
            if first != name:
                message = f"{word.text!r} already means the environment {first}"
                remedy = "a word may mean one environment only: remove it from one of them"
                yield document.problem(word.place, message, remedy, of_value=True)


def _path_problems(document: Document, folder: Path) -> Iterator[Problem]:
    for entry in _texts(document.value, "policies", ()):
        if not (folder / entry.text).exists():
            message = f"there is no file or folder {entry.text} beside this file"
            yield document.problem(entry.place, message, "correct the path", of_value=True)
    waivers = document.value.get("waivers")
    if isinstance(waivers, str) and not (folder / waivers).is_file():
        message = f"there is no file {waivers} beside this file"
        remedy = "correct the path, or remove the key until there are waivers"
        yield document.problem(("waivers",), message, remedy, of_value=True)


def _policy_problems(document: Document, folder: Path) -> list[Problem]:
    """Packs that pairs name and nobody wrote. Files of the user's are read only where what ships does not suffice."""
    shipped = {
        entry.name.rpartition(".")[0] for entry in resources.files("policies").iterdir() if entry.name.endswith(".yaml")
    }
    named = [
        text for index, pair in items(document.value, "pairs") for text in _texts(pair, "policies", ("pairs", index))
    ]
    if all(text.text in shipped for text in named):
        return []
    from auditor.policy import available

    places = [folder / entry.text for entry in _texts(document.value, "policies", ())]
    try:
        known = {pack.name for pack in available([place for place in places if place.exists()])}
    except ConfigError as error:
        return list(error.problems)
    return [
        document.problem(text.place, *unknown("policy", text.text, known), of_value=True)
        for text in named
        if text.text not in known
    ]


def _access_problems(document: Document) -> Iterator[Problem]:
    """Whoever reaches the service must be asked who he is, and somebody has to be let in then."""
    serve = dict(entries(document.value, "serve"))
    auth = dict(entries(serve, "auth"))
    asks = [name for name in ("oidc", "proxy") if isinstance(auth.get(name), dict)]
    host = serve.get("host")
    if isinstance(host, str) and host and not is_loopback(host) and not asks and auth.get("tokens") is not True:
        message = f"others than this machine would reach {host}, and nobody would be asked who he is"
        remedy = (
            "add `auth: {tokens: true}` to serve (then `audit token create NAME`), or serve.auth.oidc or "
            "serve.auth.proxy: see docs/access.md; or listen on 127.0.0.1"
        )
        yield document.problem(("serve", "host"), message, remedy, of_value=True)
    for name in asks:
        if not any(items(auth[name], scope) for scope in ("read", "act", "admin")):
            message = "nobody would be let in: no group may do anything"
            remedy = 'name groups, such as `read: ["*"]` for everybody who signs in and `admin: [platform]`'
            yield document.problem(("serve", "auth", name), message, remedy)
    if "oidc" in asks and not serve.get("url"):
        message = "the provider has to send people back, and nobody knows where to"
        yield document.problem(("serve", "auth", "oidc"), message, "set serve.url to the address that people use")


def _worker_problems(document: Document) -> Iterator[Problem]:
    """Workers find their work in the store, so they all have to reach it."""
    if dict(entries(document.value, "collect")).get("engine") != "workers":
        return
    store = document.value.get("store") if isinstance(document.value, dict) else None
    if not isinstance(store, str) or not store.startswith("postgresql"):
        message = "workers find their work in the store, and an SQLite file is on one machine only"
        remedy = "let `store` name a PostgreSQL database, or remove `engine`: threads read as well"
        yield document.problem(("collect", "engine"), message, remedy, of_value=True)
