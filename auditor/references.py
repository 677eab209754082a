"""Whether a value of one environment refers to a thing of another: a host, bucket, database, queue, account, parameter.

The environment's name alone is no reference (`RAILS_ENV=production`), nor is a file (`config/production.yml`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from itertools import chain, pairwise
from typing import TYPE_CHECKING, Protocol

from auditor.aligned import Aligner
from auditor.alike import hosts, slotted
from auditor.idiom import PLAIN, Idiom
from auditor.values import words
from auditor.versions import parse_image

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from auditor.comparison import Match
    from auditor.model import Absent, Json, Path, Resource
    from auditor.names import EnvironmentNames

_ARN = re.compile(r"\barn:[a-z-]+:[a-z0-9-]*:[a-z0-9-]*:([0-9]{12})?:(\S+)")
_NUMBER = re.compile(r"(?<![0-9A-Za-z])[0-9]{12}(?![0-9A-Za-z])")
_NAME = re.compile(r"\A/?[A-Za-z0-9][A-Za-z0-9._/:@{}-]*\Z")
_THINGS = frozenset(
    "bucket buckets queue queues topic topics database databases db dbname host hosts hostname endpoint endpoints"
    " cluster table tables server servers account accounts vault keyvault role stream index domain address addr broker"
    " brokers actiongroup storage url uri dsn secret secrets parameter ssm sqs sns s3 dynamodb rds redis arn".split()
)
# What starts with a slash is a parameter's name only where parameters are named; else it is a folder.
_PARAMETERS = frozenset({"secret", "secrets", "parameter", "parameters", "ssm", "from"})
# Under these words a name says what something is or where it came from, not what it talks to.
_NO_REFERENCES = frozenset(
    "image images log logs logger file filename files label labels branch stage profile profiles class level repository"
    " tag tags description comment title".split()
)
_ADDRESSES = frozenset("url uri host hostname endpoint queue topic database db dsn server address".split())
_FROM_ONE_PLACE = frozenset("image images repository tag tags branch".split())
_LOGS = frozenset("log logs logger".split())
# Hosts that a provider calls so for all its customers: the production in them is the provider's own.
_OF_PROVIDERS = re.compile(
    r"(?:logs|prometheus|tempo|profiles|otlp-gateway|graphite|influx|alertmanager|mimir|loki|faro-collector)-prod[a-z0-9-]*\.grafana\.net"
    r"|prod-[0-9]+\.[a-z0-9]+\.logic\.azure\.com|prod-[a-z0-9-]+-starport-layer-bucket(?:\.s3[a-z0-9.-]*)?"
    r"|[a-z0-9.-]+\.prod\.outlook\.com|(?:[a-z0-9-]+\.)*live\.com",
    re.IGNORECASE,
)
_SHORTEST_HANDLE = 6
# All that `slotted` writes into a text.
_SLOTS = (
    "{region}.amazonaws.com/{account} {generated}.amazonaws.com {id} {secret} {account}.dkr.ecr.{region}.amazonaws.com"
)
_MOST_TEXTS = 100_000
_NEXT_WORD = re.compile(r"[-_.]?([A-Z]?[a-z0-9]+|[A-Z0-9]+)")
_STORE = re.compile(r"\A[a-z][a-z0-9+-]*://(?:[^/@\s]*@)?([^/:@\s.]+)(?=[:/]|\Z)")


class Words(Protocol):
    """Pairs of words, to be asked for one and to be joined with more."""

    def __contains__(self, pair: object, /) -> bool: ...

    def __or__(self, others: frozenset[tuple[str, str]], /) -> Words: ...


@dataclass(frozen=True, slots=True)
class Target:
    """The environment that must not be referred to.

    `handles` are ids, ARNs and endpoints that belong to it alone, `accounts` its accounts alone. `vocabulary` holds pairs
    of words that are part of the names of things, whatever they would mean alone: (`production`, `planning`). `idiom` is how
    the environment is spelled besides.
    """

    names: EnvironmentNames
    handles: frozenset[str] = frozenset()
    accounts: frozenset[str] = frozenset()
    vocabulary: Words = frozenset()
    idiom: Idiom = PLAIN
    _strange: dict[str, bool] = field(default_factory=dict, compare=False, repr=False)

    def is_strange_to(self, value: Json | Absent) -> bool:
        """Whether nothing in `value`, wherever it is found, can refer to this environment: a glance, which may miss that."""
        if not isinstance(value, str):
            return True
        found = self._strange.get(value)
        if found is None:
            found = not self._may_be_in(value)
            if len(self._strange) < _MOST_TEXTS:
                self._strange[value] = found
        return found

    def _may_be_in(self, value: str) -> bool:
        if not 4 <= len(value) <= 20_000 or value.startswith("{secret:"):
            return False
        lower = value.lower()
        if not value.isascii() or value in self.handles or self.names.may_be_in(lower):
            return True
        if any(name in lower for name, _, _ in self.idiom.glued):
            return True
        # Names stand in what ids and regions are replaced by, too, if they are as short as that.
        if self.names.may_be_in(_SLOTS) or any(name in _SLOTS for name, _, _ in self.idiom.glued):
            return True
        if any(account in value for account in self.accounts):
            return True
        return not self.handles.isdisjoint(_pointers(value))

    def referred_by(self, value: Json, path: Path) -> str | None:
        """The part of `value`, found at `path`, that refers to this environment; None where nothing does."""
        if not isinstance(value, str) or not 4 <= len(value) <= 20_000 or value.startswith("{secret:"):
            return None
        if value in self.handles:
            return value
        if _about_itself(path):
            return None
        for host in hosts(value):
            if _OF_PROVIDERS.fullmatch(host):
                value = value.replace(host, "{provider}")
        return (
            self._host(value, path)
            or self._store(value, path)
            or self._arn(value, path)
            or self._account(value, path)
            or self._named_thing(value, path)
        )

    def _mention(self, text: str, path: Path) -> str | None:
        """The first word of `text` that names the environment, and is not just part of a thing's own name."""
        # What AWS made up (`c94kcnlft0qa`) names nobody.
        text = slotted(text)
        for start, end in self.names.spans(text):
            following = _NEXT_WORD.match(text, end)
            pair = (text[start:end].lower(), following[1].lower() if following else "")
            if pair not in self.vocabulary and not (following and _is_step(f"{pair[0]}{pair[1]}", path)):
                return text[start:end]
        return self.idiom.inside(text)

    def _host(self, value: str, path: Path) -> str | None:
        if "." not in value or parse_image(value) is not None:
            return None
        for host in hosts(value):
            if host in self.handles or (self._mention(host, path) and not _is_word_of_code(host, value)):
                return host
        return None

    def _store(self, value: str, path: Path) -> str | None:
        """A bucket or a host without a domain: `s3://acme-prod-exports/daily`, `http://orders-prod:8080`."""
        found = _STORE.match(value)
        return found[0] if found and self._mention(found[1], path) else None

    def _arn(self, value: str, path: Path) -> str | None:
        if "arn:" not in value:
            return None
        for found in _ARN.finditer(value):
            account, name = found.groups()
            if found[0] in self.handles or account in self.accounts or self._mention(name, path):
                return found[0]
        return None

    def _account(self, value: str, path: Path) -> str | None:
        """An account's number, or a name or an address that it stands in: `https://sqs.…/444455556666/orders`.

        Not where an image is pulled from: registries are shared on purpose."""
        if not path or not any(account in value for account in self.accounts) or parse_image(value) is not None:
            return None
        return value if self.accounts & set(_NUMBER.findall(value)) else None

    def _named_thing(self, value: str, path: Path) -> str | None:
        """A name of several words under a key that holds names of things: `DB_NAME=orders_production`."""
        if not _NAME.match(value) or "arn:" in value:
            return None
        if not re.search(r"[-_./]", value) and not self.idiom.inside(value):
            return None
        if not _key_words(path) & (_PARAMETERS if value.startswith("/") else _THINGS) or _is_file(value):
            return None
        word = self._mention(value, path)
        return None if word is None or word.strip("-_./") == value.strip("-_./") else value


class Vocabulary:
    """Pairs of words that stand side by side in names that both environments use, each otherwise spelled its own way.

    Asked for a pair, it lays side by side the names that both hold the first word: most environments have none of them."""

    def __init__(self, matches: Iterable[Match], left: EnvironmentNames, right: EnvironmentNames) -> None:
        self._matches, self._aligner = matches, Aligner(left, right)
        self._following: dict[str, frozenset[str]] = {}

    def __contains__(self, pair: object) -> bool:
        if not isinstance(pair, tuple) or len(pair) != 2:
            return False
        first, second = pair
        if not first or not second:
            return False
        found = self._following.get(first)
        if found is None:
            found = self._following[first] = frozenset(self._after(first))
        return second in found

    def __or__(self, others: frozenset[tuple[str, str]]) -> Words:
        """With some more pairs."""
        return _Both(self, others) if others else self

    def _after(self, word: str) -> Iterator[str]:
        # Letters beyond ASCII change with what stands around them when they are made small.
        plain = word.isascii()
        for (ours, theirs), (here, there) in self._names:
            if not plain or (word in here and word in there):
                yield from (second for first, second in self._neighbours(ours, theirs) if first == word)

    def _neighbours(self, ours: str, theirs: str) -> frozenset[tuple[str, str]]:
        common = self._aligner.common(ours, theirs)
        if common is None:
            common = tuple(_NEXT_WORD.findall(ours)) if ours == theirs else ()
        return neighbours(common)

    @cached_property
    def _names(self) -> list[tuple[tuple[str, str], tuple[str, str]]]:
        """Identities and components that face each other, as they are spelled and in small letters."""
        resources = [(match.left.resource, match.right.resource) for match in self._matches]
        told = {(ours.identity, theirs.identity) for ours, theirs in resources}
        told |= {(ours.component or "", theirs.component or "") for ours, theirs in resources}
        return [(pair, (pair[0].lower(), pair[1].lower())) for pair in told]


class _Both:
    """A vocabulary and some more pairs."""

    def __init__(self, known: Words, others: frozenset[tuple[str, str]]) -> None:
        self._known, self._others = known, others

    def __contains__(self, pair: object) -> bool:
        return pair in self._others or pair in self._known

    def __or__(self, others: frozenset[tuple[str, str]]) -> Words:
        return _Both(self._known, self._others | others)


def vocabulary(matches: Iterable[Match], left: EnvironmentNames, right: EnvironmentNames) -> Vocabulary:
    """The words that matched resources are called by. Nothing is looked at before somebody asks."""
    return Vocabulary(matches, left, right)


def neighbours(common: tuple[str, ...]) -> frozenset[tuple[str, str]]:
    """The pairs of words that stand side by side, in small letters."""
    return frozenset((a.lower(), b.lower()) for a, b in pairwise(common) if a and b)


def target(
    names: EnvironmentNames,
    theirs: Iterable[Resource],
    ours: Iterable[Resource],
    vocabulary: Words = frozenset(),
    idiom: Idiom = PLAIN,
) -> Target:
    """What belongs to `theirs` and not to `ours`, under `names` as they are spelled in `idiom`."""
    own = list(ours)
    accounts = frozenset(resource.account for resource in own if resource.account)
    return aimed(names, handles_of(theirs, own), accounts, vocabulary, idiom)


def aimed(
    names: EnvironmentNames,
    handles: frozenset[str],
    accounts: frozenset[str],
    vocabulary: Words = frozenset(),
    idiom: Idiom = PLAIN,
) -> Target:
    """The same from `handles` that are known, and the `accounts` that are the looking side's own."""
    return Target(idiom.strengthened(names), handles, frozenset(names.accounts - accounts), vocabulary, idiom)


def handles_of(theirs: Iterable[Resource], ours: Iterable[Resource]) -> frozenset[str]:
    """Ids, ARNs and endpoints that belong to `theirs` and not to `ours`."""
    return _handles(_refs(theirs) - _refs(ours))


def handles_apart(left: Iterable[Resource], right: Iterable[Resource]) -> tuple[frozenset[str], frozenset[str]]:
    """`handles_of` the left and of the right, each gone through once."""
    ours, theirs = _refs(left), _refs(right)
    return _handles(ours - theirs), _handles(theirs - ours)


def _refs(resources: Iterable[Resource]) -> set[str]:
    return set(chain.from_iterable(resource.refs for resource in resources))


def _handles(found: Iterable[str]) -> frozenset[str]:
    """Those with a delimiter: a plain word may be anything."""
    return frozenset(
        ref for ref in found if len(ref) >= _SHORTEST_HANDLE and ("-" in ref or ":" in ref or "." in ref or "/" in ref)
    )


@lru_cache(maxsize=65536)
def _pointers(value: str) -> frozenset[str]:
    """The hosts and ARNs in a text, of which one may be a handle."""
    arns = {found[0] for found in _ARN.finditer(value)} if "arn:" in value else set()
    return frozenset(arns.union(hosts(value) if "." in value else ()))


@lru_cache(maxsize=65536)
def _key_words(path: Path) -> frozenset[str]:
    return frozenset(word for step in path[-2:] for word in words(step))


def _is_step(name: str, path: Path) -> bool:
    """Whether a step of the path begins with these words: what stands below it is called after it."""
    return any(step.lower().replace("-", "").replace("_", "").startswith(name) for step in path)


def _about_itself(path: Path) -> bool:
    """Whether the key says that its value only describes. `PROFILE_URL` and `IMAGES_BUCKET` lead somewhere all the same;
    logs and images are kept in one place for all environments on purpose."""
    said = words(path[-1]) if path else []
    about = _NO_REFERENCES.intersection(said)
    if not about:
        return False
    leads = said[-1] == "bucket" or (said[-1] in _ADDRESSES and about.isdisjoint(_FROM_ONE_PLACE))
    return not leads or not about.isdisjoint(_LOGS)


def _is_word_of_code(host: str, value: str) -> bool:
    """`com.acme.production.Config` is a class; a host ends in a lower-case top-level domain."""
    last = host.rsplit(".", 1)[-1]
    return not last.islower() or host.split(".", 1)[0] in ("com", "org", "net", "io") or value.startswith("/")


def _is_file(value: str) -> bool:
    return (
        re.search(r"\.(?:ya?ml|json|log|conf|ini|toml|properties|rb|py|js|ts|sh|pem|crt|key|txt|env|xml|tf)\Z", value)
        is not None
    )
