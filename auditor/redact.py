"""Replace every value that is or may be secret by a keyed fingerprint, before anything stores, logs or prints it.

A marker reads `{secret:<32 hex digits of HMAC-SHA-256>}`, with `:placeholder` before the brace when the plain value
was one (`changeme`). Equal values have equal markers, so "must be equal" and "must differ" work without the values.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from urllib.parse import unquote

from auditor.embedded import embedded
from auditor.globs import path_glob
from auditor.opaque import looks_opaque
from auditor.placeholders import is_default_credential
from auditor.secretnames import names_about, names_password, names_secret, passes_on, words
from auditor.secretspans import DONE, Span, is_expression, secret_spans, value_spans

if TYPE_CHECKING:
    from auditor.globs import PathGlob
    from auditor.model import Gap, Json, Kind, Path, Resource

_MARKER = re.compile(rf"\{{secret:[0-9a-f]{{32}}(?::placeholder)?\}}|{DONE}")
_NAME = re.compile(r"[A-Za-z_.\-/]*")
_HARMLESS = re.compile(r"[\w.-]{0,19}")
_ENTRY = re.compile(r"([A-Za-z_][\w.-]*)=(.*)", re.DOTALL)
_SWITCH = re.compile(r"--?([A-Za-z][\w.-]*)(?:=(.*))?", re.DOTALL)
_NAME_OF_SECRET = re.compile(r"[a-z][a-z0-9]*(?:[-_.][a-z0-9]+)+")
# Pairs of keys by which a list of objects spells a map: `{name: DB_PASSWORD, value: ...}`.
_NAMED_VALUES = (
    ("name", "value"),
    ("Name", "Value"),
    ("key", "value"),
    ("Key", "Value"),
    ("parameter_name", "parameter_value"),
    ("ParameterName", "ParameterValue"),
    ("ParameterKey", "ParameterValue"),
    ("option_name", "value"),
)
# Programs whose -p is a port, a path, a project: everything but a password.
_OTHER_P = frozenset(
    "mkdir cp install docker podman ssh scp rsync tar nc ps patch touch pytest java kubectl nmap git".split()
)
_DATABASE_CLIENTS = frozenset("mysql mysqldump mysqladmin mariadb mariadb-dump mariadb-admin".split())
# Below something secret, what says how it is kept or whom it belongs to.
_STRUCTURE = frozenset(
    "environment external optional items engine dbname database db annotations metadata schema comment note "
    "resources verbs apigroups resourcenames".split()
)
_SMALL = 10_000


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a value stands: its path, the name it goes by, and whether that name or the place promises a secret."""

    path: Path
    key: str
    promised: bool = False
    declared: bool = False


class Redactor:
    """Fingerprints secrets with `key`. Holds no plain value."""

    def __init__(self, key: bytes) -> None:
        if len(key) < 16:
            raise ValueError("a fingerprint key has at least 16 bytes")
        self._key = key
        # No text in UTF-8 begins so: no marker shows a part of it.
        self._known_by = hmac.digest(key, b"\xffknown", "sha256")

    def marker(self, plain: str) -> str:
        """What stands for `plain`."""
        digest = hmac.new(self._key, plain.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()[:32]
        return f"{{secret:{digest}:placeholder}}" if _is_default(plain) else f"{{secret:{digest}}}"

    def fingerprint(self, value: str) -> str:
        """32 hex digits that stand for a value which is no secret, but must not be read. Never those of a secret's marker."""
        return hmac.digest(self._key, b"value\x00" + value.encode("utf-8", "surrogatepass"), "sha256").hex()[:32]

    def known_by(self, content: bytes) -> bytes:
        """16 bytes by which content that may hold secrets is known again. Without the key nobody can tell what it was."""
        return hashlib.blake2b(content, digest_size=16, key=self._known_by).digest()

    def text(self, text: str) -> str:
        """Free text (an error's detail, a log line, a traceback) without its secrets."""
        return self._scrub(_speakable(text), secret_spans)

    def gap(self, gap: Gap) -> Gap:
        return replace(
            gap,
            detail=self.text(gap.detail),
            resource=self._optional(gap.resource),
            location=self._optional(gap.location),
        )

    def resource(self, resource: Resource, kind: Kind) -> Resource:
        """The resource without its secrets. Changes nothing the second time."""
        # A parameter is named by its resource: what `/orders/DB_PASSWORD` holds is a password.
        name = re.split(r"[/.]", resource.identity)[-1]
        walk = _Walk(self, kind.secret, kind.references)
        attributes = walk.value(resource.attributes, _Place((), name))
        tags = _Walk(self).value(dict(resource.tags), _Place((), "tags"))
        return replace(
            resource,
            identity=self.text(resource.identity),
            attributes=attributes,
            source=self.text(resource.source),
            parent=self._optional(resource.parent),
            refs=tuple(self.text(ref) for ref in resource.refs),
            tags=tags,
            component=self._optional(resource.component),
            location=self._optional(resource.location),
        )

    def key(self, key: str) -> str:
        """A key of a map. Few can hold a secret: what has no digit and no sign in it is a name."""
        return key if _NAME.fullmatch(key) else self.text(key)

    def leaf(self, text: str, key: str, *, promised: bool) -> str:
        """The value of `key`, without its secrets."""
        if not promised and _HARMLESS.fullmatch(text):
            return text
        return self._scrub(_speakable(text), lambda masked: value_spans(key, masked, promised=promised))

    def _optional(self, text: str | None) -> str | None:
        return None if text is None else self.text(text)

    def _scrub(self, text: str, find: Callable[[str], list[Span]]) -> str:
        """Until nothing more is found: what stands beside a marker may only then show what it is."""
        while True:
            scrubbed = self._scrub_once(text, find)
            if scrubbed == text:
                return text
            text = scrubbed

    def _scrub_once(self, text: str, find: Callable[[str], list[Span]]) -> str:
        """Markers set earlier are hidden while secrets are looked for, so that nothing is replaced twice."""
        hidden = iter(_MARKER.findall(text))
        masked = _MARKER.sub(DONE, text)

        def shown(part: str) -> str:
            return re.sub(DONE, lambda _: next(hidden), part)

        parts: list[str] = []
        at = 0
        for start, end in find(masked):
            if set(masked[start:end]) == {DONE}:
                continue
            parts.append(shown(masked[at:start]))
            plain = shown(masked[start:end])
            # The password of a URL is percent-encoded, and the same one may stand plain in a variable.
            parts.append(self.marker(unquote(plain) if masked[end : end + 1] == "@" else plain))
            at = end
        return "".join((*parts, shown(masked[at:])))


class _Walk:
    """One walk through a resource's attributes."""

    def __init__(self, redactor: Redactor, secret: Sequence[str] = (), references: Sequence[str] = ()) -> None:
        self._redactor = redactor
        self._secret = tuple(path_glob(pattern) for pattern in secret)
        self._references = tuple(path_glob(pattern) for pattern in references)

    def value(self, value: Json, place: _Place) -> Json:
        if _matches(self._secret, place.path):
            place = replace(place, declared=True)
        elif _matches(self._references, place.path):
            place = replace(place, promised=False)
        if isinstance(value, Mapping):
            return self._map(value, place)
        if isinstance(value, list | tuple):
            return self._list(value, place)
        if isinstance(value, str):
            return self._string(value, place)
        if isinstance(value, bool) or value is None:
            return value
        large = names_password(place.key) or not abs(value) < _SMALL
        if place.declared or (place.promised and large):
            return self._redactor.marker(str(value))
        # JSON has no word for what is no number, or without end: as text it is not null, and equal to itself.
        return str(value) if isinstance(value, float) and not math.isfinite(value) else value

    def _map(self, value: Mapping[str, Json], place: _Place) -> Json:
        named = next((pair for pair in _NAMED_VALUES if pair[0] in value and pair[1] in value), None)
        cleaned = {}
        for key, child in value.items():
            name, declared = key, place.declared
            promised = _promises(key, child) or (place.promised and _inherits(place.key, key, value))
            if key == "value" and not place.path and not named:
                name = place.key
                promised = _promises(name, child)
            elif named and key == named[0]:
                promised = declared = False
            elif named and key == named[1]:
                name = str(value[named[0]])
                promised = _promises(name, child) or place.promised
            elif key in ("secretKey", "secret_key") and ("remoteRef" in value or "remote_ref" in value):
                promised = False
            elif key in ("data", "stringData") and value.get("kind") == "Secret":
                declared = True
            inner = _Place((*place.path, key), name, promised, declared)
            cleaned[self._redactor.key(key)] = self.value(child, inner)
        return cleaned

    def _list(self, items: Sequence[Json], place: _Place) -> Json:
        if words(place.key)[-1:] == ("secrets",) and all(_names_a_secret(item) for item in items):
            place = replace(place, promised=False)
        program = re.split(r"[/\\]", items[0])[-1] if items and isinstance(items[0], str) else ""
        cleaned: list[Json] = []
        flag = ""
        for index, item in enumerate(items):
            inner = replace(place, path=(*place.path, str(index)))
            plain = isinstance(item, str) and not (place.promised or place.declared)
            cleaned.append(self._argument(item, flag, program, inner) if plain else self.value(item, inner))
            flag = item if isinstance(item, str) and item.startswith("-") else ""
        return cleaned

    def _argument(self, item: str, flag: str, program: str, place: _Place) -> str:
        """An item that may be an argument of a command line, or an entry `NAME=value` of an environment."""
        entry = _ENTRY.fullmatch(item) or _SWITCH.fullmatch(item)
        if entry and entry[2]:
            head = item[: entry.start(2)]
            inner = replace(place, key=entry[1], promised=names_secret(entry[1]))
            return head + str(self._string(entry[2], inner))
        if program in _DATABASE_CLIENTS and item.startswith("-p") and len(item) > 2:
            return "-p" + self._redactor.leaf(item[2:], "password", promised=True)
        if flag and not item.startswith("-") and _wants_secret(flag, item, program):
            return self._redactor.leaf(item, "password", promised=True)
        if program == "curl" and flag in ("-u", "--user") and ":" in item:
            user, _, password = item.partition(":")
            return f"{user}:{self._redactor.leaf(password, 'password', promised=True)}"
        return str(self._string(item, place))

    def _string(self, text: str, place: _Place) -> str:
        if place.declared:
            return text if not text or _MARKER.fullmatch(text) or is_expression(text) else self._redactor.marker(text)
        document = None if place.promised and names_password(place.key) else embedded(text)
        if document is None:
            return self._redactor.leaf(text, place.key, promised=place.promised)
        cleaned = self.value(document, place)
        # A document may name one key twice, of which only the last is seen: look at the text, too.
        spelled = text if cleaned == document else json.dumps(cleaned, ensure_ascii=False)
        return self._redactor.text(spelled)


def _speakable(text: str) -> str:
    """The text with half characters spelled out: JSON may hold a lone surrogate, and no encoding can write one."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "backslashreplace").decode()
    return text


def _matches(globs: Sequence[PathGlob], path: Path) -> bool:
    """Whether a declared pattern means `path`; a list that will be keyed may be counted as a step or not."""
    if not globs:
        return False
    names = tuple(step for step in path if not step.isdigit())
    return any(glob.matches(path) or glob.matches(names) for glob in globs)


def _promises(key: str, value: Json) -> bool:
    return passes_on(key) if isinstance(value, Mapping) else names_secret(key)


def _inherits(parent: str, key: str, siblings: Mapping[str, Json]) -> bool:
    """Whether `key`, below something secret, is secret too: `credentials.user` is not."""
    if words(parent)[-1:] in (("passwords",), ("tokens",), ("passphrases",), ("keys",)):
        return True
    if names_about(key) or key.lower() in _STRUCTURE:
        return False
    return not (key == "key" and ("name" in siblings or "path" in siblings))


def _names_a_secret(item: Json) -> bool:
    """`secrets: [db_password]` lists names of secrets, as Compose and pipelines do."""
    return isinstance(item, str) and _NAME_OF_SECRET.fullmatch(item) is not None and not looks_opaque(item)


def _wants_secret(flag: str, value: str, program: str) -> bool:
    name = flag.lstrip("-")
    if name == "p":
        return program not in _OTHER_P and re.fullmatch(r"[\d:./-]+|/.*", value) is None
    return (name == "a" and program == "redis-cli") or ("=" not in name and names_secret(name))


def _is_default(plain: str) -> bool:
    """Whether a secret is a placeholder, plain or, as Kubernetes spells it, in base64."""
    if is_default_credential(plain):
        return True
    if len(plain) % 4 or len(plain) > 64:
        return False
    try:
        return is_default_credential(base64.b64decode(plain, validate=True).decode("ascii").strip())
    except (binascii.Error, ValueError):
        return False
