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
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import unquote

from auditor.descent import Place, beginning
from auditor.embedded import embedded
from auditor.harmless import Harmless
from auditor.opaque import looks_opaque
from auditor.placeholders import is_default_credential
from auditor.secretnames import names_about, names_password, names_secret, passes_on, words
from auditor.secretspans import DONE, Span, is_expression, says_what_is_random, secret_spans, value_spans

if TYPE_CHECKING:
    from auditor.model import Gap, Json, Kind, Resource

_MARKER = re.compile(rf"\{{secret:[0-9a-f]{{32}}(?::placeholder)?\}}|{DONE}")
_NAME = re.compile(r"[A-Za-z_.\-/]*")
_HARMLESS = re.compile(r"[\w.-]{0,19}")
_ENTRY = re.compile(r"([A-Za-z_][\w.-]*)=(.*)", re.DOTALL)
_SWITCH = re.compile(r"--?([A-Za-z][\w.-]*)(?:=(.*))?", re.DOTALL)
_OBJECT_NAME = re.compile(r"[a-z](?:[a-z0-9.-]*[a-z0-9])?")
_NAME_OF_SECRET = re.compile(r"[a-z][a-z0-9]*(?:[-_.][a-z0-9]+)+|[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+")
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
# Keys that mean something of their own.
_SPECIAL = frozenset({"value", "data", "stringData", "secretKey", "secret_key"})
_SMALL = 10_000
# Python's hashes let other threads go on from 2048 bytes.
_PIECE = 2047
_FEW_PIECES = 16 * _PIECE
_SCALARS = (str, int, float, list)
_PLAIN_KINDS = frozenset({str, int, float, bool, list, type(None)})
_LAST = re.compile(r"[/.]")
_FOLDERS = re.compile(r"[/\\]")


class Redactor:
    """Fingerprints secrets with `key`. Holds no secret in plain text."""

    def __init__(self, key: bytes) -> None:
        if len(key) < 16:
            raise ValueError("a fingerprint key has at least 16 bytes")
        self._key = key
        # No text in UTF-8 begins so: no marker shows a part of it.
        self._known_by = hashlib.blake2b(digest_size=16, key=hmac.digest(key, b"\xffknown", "sha256"))
        # Texts that were looked through and hold no secret: as free text, and as values under keys of both sorts.
        self._plain, self._values = Harmless(), (Harmless(), Harmless())

    def marker(self, plain: str) -> str:
        """What stands for `plain`."""
        digest = hmac.new(self._key, plain.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()[:32]
        return f"{{secret:{digest}:placeholder}}" if _is_default(plain) else f"{{secret:{digest}}}"

    def fingerprint(self, value: str) -> str:
        """32 hex digits that stand for a value which is no secret, but must not be read. Never those of a secret's marker."""
        return hmac.digest(self._key, b"value\x00" + value.encode("utf-8", "surrogatepass"), "sha256").hex()[:32]

    def known_by(self, content: bytes) -> bytes:
        """16 bytes by which content that may hold secrets is known again. Without the key nobody can tell what it was."""
        found = self._known_by.copy()
        # In pieces for which no other thread gets its turn: to change threads takes longer than all of this.
        for start in range(0, min(len(content), _FEW_PIECES), _PIECE):
            found.update(content[start : start + _PIECE])
        if len(content) > _FEW_PIECES:
            found.update(content[_FEW_PIECES:])
        return found.digest()

    def text(self, text: str) -> str:
        """Free text (an error's detail, a log line, a traceback) without its secrets."""
        if text in self._plain.texts:
            return text
        scrubbed = self._scrub(_speakable(text), secret_spans)
        if scrubbed == text:
            self._plain.add(text)
        return scrubbed

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
        name = _LAST.split(resource.identity)[-1]
        walk = _Walk(self)
        declared = beginning(tuple(kind.secret), tuple(kind.references))
        attributes = walk.value(resource.attributes, declared, name, top=True)
        tags = walk.value(dict(resource.tags), beginning((), ()), "tags", top=True)
        # An ARN stands in several fields of one resource.
        told = (
            resource.identity,
            resource.source,
            resource.parent,
            resource.component,
            resource.location,
            *resource.refs,
        )
        clean: dict[str | None, str] = {text: self.text(text) for text in dict.fromkeys(told) if text is not None}
        return replace(
            resource,
            identity=clean[resource.identity],
            attributes=attributes,
            source=clean[resource.source],
            parent=clean.get(resource.parent),
            refs=tuple(clean[ref] for ref in resource.refs),
            tags=tags,
            component=clean.get(resource.component),
            location=clean.get(resource.location),
        )

    def key(self, key: str) -> str:
        """A key of a map."""
        return key if _is_name(key) else self.text(key)

    def leaf(self, text: str, key: str, *, promised: bool) -> str:
        """The value of `key`, without its secrets."""
        if promised:
            return self._scrub(_speakable(text), lambda masked: value_spans(key, masked, promised=True))
        if self.is_plain(text, key):
            return text
        scrubbed = self._scrub(_speakable(text), lambda masked: value_spans(key, masked, promised=False))
        if scrubbed == text:
            self._values[says_what_is_random(key)].add(text)
        return scrubbed

    def is_plain(self, text: str, key: str) -> bool:
        """Whether the value of `key`, of which no secret is promised, is known to hold none, and no document."""
        return text in self._values[says_what_is_random(key)].texts or _HARMLESS.fullmatch(text) is not None

    def _optional(self, text: str | None) -> str | None:
        return None if text is None else self.text(text)

    def _scrub(self, text: str, find: Callable[[str], list[Span]]) -> str:
        """Until nothing more is found: what stands beside a marker may only then show what it is."""
        if DONE not in text and "{secret:" not in text and not find(text):
            return text
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
    """Walks through documents. Of each value it is told where it stands among the declared globs, the name it goes by, and
    whether that name or the place promises a secret. Apart from each other, as most of a document is walked through in no
    time else; `top` is true of the whole document."""

    __slots__ = ("_redactor",)

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor

    def value(
        self, value: Json, among: Place, key: str, promised: bool = False, declared: bool = False, top: bool = False
    ) -> Json:
        if among.secret:
            declared = True
        elif among.reference:
            promised = False
        if isinstance(value, str):
            return self._string(value, among, key, promised, declared)
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, list | tuple):
            return self._list(value, among, key, promised, declared)
        if _is_map(value):
            return self._map(value, among, key, promised, declared, top)
        large = names_password(key) or not abs(value) < _SMALL
        if declared or (promised and large):
            return self._redactor.marker(str(value))
        # JSON has no word for what is no number, or without end: as text it is not null, and equal to itself.
        return str(value) if isinstance(value, float) and not math.isfinite(value) else value

    def _map(
        self, value: Mapping[str, Json], among: Place, parent: str, promised: bool, declared: bool, top: bool
    ) -> Json:
        named = _named(value)
        cleaned: dict[str, Json] = {}
        for key, child in value.items():
            kind = type(child)
            plainly, promises, passes = _said_by(key)
            name, secret = key, declared
            below_it = kind is dict or (kind not in _PLAIN_KINDS and _is_map(child))
            told = (passes if below_it else promises) or (promised and _inherits(parent, key, value))
            if named and key in named:
                if key == named[0]:
                    told = secret = False
                else:
                    name = str(value[named[0]])
                    told = _promises(name, child) or promised
            elif key in _SPECIAL:
                if key == "value":
                    if top and not named:
                        name, told = parent, _promises(parent, child)
                elif key in ("data", "stringData"):
                    secret = secret or value.get("kind") == "Secret"
                elif "remoteRef" in value or "remote_ref" in value:
                    told = False
            elif key == "secret" and words(parent)[-1:] == ("from",) and _is_called(child):
                # `envFrom: [{secret: payments-db}]` of a custom resource: which secret, not the secret.
                told = False
            below = among.known.get(key) or among.below(key)
            # Most of a document promises nothing, and is known to hold nothing: it needs no way through all questions.
            suspect = told or secret or below.secret
            if kind is bool or child is None or (not suspect and self._is_plain(child, kind, name)):
                found = child
            else:
                found = self.value(child, below, name, told, secret)
            cleaned[key if plainly else self._redactor.key(key)] = found
        return cleaned

    def _is_plain(self, value: Json, kind: type[object], key: str) -> bool:
        """Whether a value of which no secret is promised is known to hold none."""
        return kind is int or (kind is str and self._redactor.is_plain(value, key))

    def _list(self, items: Sequence[Json], among: Place, key: str, promised: bool, declared: bool) -> Json:
        if words(key)[-1:] in (("secrets",), ("secret",)) and all(_names_a_secret(item) for item in items):
            promised = False
        program = items[0] if items and isinstance(items[0], str) else ""
        if "/" in program or "\\" in program:
            program = _FOLDERS.split(program)[-1]
        hides = promised or declared
        cleaned: list[Json] = []
        flag = ""
        for index, item in enumerate(items):
            below = among.below(str(index))
            if hides or not isinstance(item, str):
                cleaned.append(self.value(item, below, key, promised, declared))
            else:
                cleaned.append(self._argument(item, flag, program, below, key))
            flag = item if isinstance(item, str) and item.startswith("-") else ""
        return cleaned

    def _argument(self, item: str, flag: str, program: str, among: Place, key: str) -> str:
        """An item that may be an argument of a command line, or an entry `NAME=value` of an environment."""
        entry = (_ENTRY.fullmatch(item) or _SWITCH.fullmatch(item)) if "=" in item else None
        if entry and entry[2]:
            head = item[: entry.start(2)]
            return head + str(self._string(entry[2], among, entry[1], names_secret(entry[1]), False))
        if program in _DATABASE_CLIENTS and item.startswith("-p") and len(item) > 2:
            return "-p" + self._redactor.leaf(item[2:], "password", promised=True)
        if flag and not item.startswith("-") and _wants_secret(flag, item, program):
            return self._redactor.leaf(item, "password", promised=True)
        if program == "curl" and flag in ("-u", "--user") and ":" in item:
            user, _, password = item.partition(":")
            return f"{user}:{self._redactor.leaf(password, 'password', promised=True)}"
        return str(self._string(item, among, key, False, False))

    def _string(self, text: str, among: Place, key: str, promised: bool, declared: bool) -> str:
        if declared:
            return text if not text or _MARKER.fullmatch(text) or is_expression(text) else self._redactor.marker(text)
        if not promised and self._redactor.is_plain(text, key):
            return text
        document = None if promised and names_password(key) else embedded(text)
        if document is None:
            return self._redactor.leaf(text, key, promised=promised)
        cleaned = self.value(document, among, key, promised, declared)
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


@lru_cache(maxsize=65536)
def _is_name(key: str) -> bool:
    """Whether a key of a map is no more than a name. Few can hold a secret: what has no digit and no sign in it cannot."""
    return _NAME.fullmatch(key) is not None


@lru_cache(maxsize=65536)
def _said_by(key: str) -> tuple[bool, bool, bool]:
    """Of a key: whether it is no more than a name, whether its value, and whether what stands below it, is secret."""
    return _NAME.fullmatch(key) is not None, names_secret(key), passes_on(key)


def _is_map(value: Json) -> bool:
    # Asking an abstract class takes longer than all else that is asked of a value.
    return isinstance(value, dict) or (type(value) not in _SCALARS and isinstance(value, Mapping))


def _named(value: Mapping[str, Json]) -> tuple[str, str] | None:
    # Asked of every map, most of which have none of these.
    if not ("value" in value or "Value" in value or "parameter_value" in value or "ParameterValue" in value):
        return None
    for pair in _NAMED_VALUES:
        if pair[0] in value and pair[1] in value:
            return pair
    return None


def _promises(key: str, value: Json) -> bool:
    return passes_on(key) if _is_map(value) else names_secret(key)


def _inherits(parent: str, key: str, siblings: Mapping[str, Json]) -> bool:
    """Whether `key`, below something secret, is secret too: `credentials.user` is not."""
    if words(parent)[-1:] in (("passwords",), ("tokens",), ("passphrases",), ("keys",)):
        return True
    if names_about(key) or key.lower() in _STRUCTURE:
        return False
    return not (key == "key" and ("name" in siblings or "path" in siblings))


def _is_called(value: Json) -> bool:
    """Whether it may be the name of an object of Kubernetes."""
    return isinstance(value, str) and _OBJECT_NAME.fullmatch(value) is not None and not looks_opaque(value)


def _names_a_secret(item: Json) -> bool:
    """`secrets: [db_password]` and `secret: [DB_PASSWORD]` list names of secrets, as Compose, pipelines and Kamal do."""
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
