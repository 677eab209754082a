"""Versions and image references: reading them, ordering them, and how far one lags behind the other."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

_VERSION = re.compile(
    r"\A(?:(?P<word>[A-Za-z][A-Za-z_.-]{0,30}?)[-_ /]?)?[vV]?"
    r"(?P<release>[0-9]{1,6}(?:[._][0-9]{1,9}){0,4})(?P<wild>\.[xX*])?"
    r"(?:[-.]?(?P<pre>alpha|beta|rc|pre|preview|dev|snapshot|milestone|m)[-.]?(?P<pre_number>[0-9]*))?"
    r"(?P<rest>[-+._ ~][0-9A-Za-z.+_~-]{0,60}|[a-z])?\Z",
    re.IGNORECASE,
)
_REF = re.compile(r"[?&](?:ref|version|tag)=(?P<ref>[^&#\s]+)")
_IMAGE = re.compile(
    # A template may leave the registry open: `${ECR_REGISTRY}/api:1.4.2`, `ACCOUNT_ID.dkr.ecr.REGION.amazonaws.com/api:1.4.2`.
    r"\A(?P<repository>(?:\$\{\w*(?i:REGISTRY|ECR|REPO|DOCKER|IMAGE|ACCOUNT|HUB)\w*\}[\w.${}-]*/"
    r"|[A-Z_]*(?:REGISTRY|ACCOUNT|PROJECT|HUB)[A-Z_]*[A-Z_a-z0-9.-]*/)?"
    r"(?:[a-z0-9.-]+(?::[0-9]+)?/)*[a-z0-9]+(?:[._/-]+[a-z0-9]+)*)"
    r"(?::(?P<tag>[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}))?(?:@(?P<digest>sha256:[0-9a-f]{64}))?\Z"
)
_COMMIT = re.compile(r"\A(?:sha-|git-)?(?=[0-9a-f]*[0-9])[0-9a-f]{7,64}\Z")
_PRE_ORDER = {"dev": 0, "snapshot": 1, "alpha": 2, "beta": 3, "milestone": 4, "m": 4, "pre": 5, "preview": 5, "rc": 6}
_FINAL = 9
_MUTABLE_TAGS = frozenset(
    "latest stable edge nightly main master develop development dev staging stage test prod production live current"
    " release preview canary next beta alpha rc snapshot lts default head mainline".split()
)


@dataclass(frozen=True, slots=True)
class Version:
    """A version: the word before it (`python3.11` -> `python`), its numbers, and its place before the final release."""

    word: str
    release: tuple[int, ...]
    pre: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Image:
    repository: str
    tag: str | None
    digest: str | None

    @property
    def mutable(self) -> bool:
        """Whether the same reference may mean other bytes tomorrow: no digest and a moving or missing tag."""
        return self.digest is None and (self.tag is None or is_mutable_tag(self.tag))


@lru_cache(maxsize=16384)
def parse_version(text: str) -> Version | None:
    """The version in `text` (`v1.2.3-rc.1`, `16`, `nodejs18.x`, `…?ref=v2.4.0`), None where there is none.

    A commit hash is no version: it has no order.
    """
    if len(text) > 300:
        return None
    ref = _REF.search(text)
    if ref is not None:
        return parse_version(ref["ref"])
    if len(text) > 100 or (_COMMIT.match(text) and not text.isdigit()) or (text.isdigit() and len(text) > 6):
        return None
    match = _VERSION.match(text)
    if match is None:
        return None
    if match["word"] and not _named(match["word"], text):
        return None
    release = tuple(int(part) for part in re.split(r"[._]", match["release"]))
    if match["rest"] and not match["rest"].startswith(("+", "-", " ", "~")) and not match["wild"]:
        release = (*release, *(int(number) for number in re.findall(r"[0-9]{1,9}", match["rest"])))
    pre = match["pre"]
    stage = (_PRE_ORDER[pre.lower()], int(match["pre_number"] or 0)) if pre else (_FINAL, 0)
    word = (match["word"] or "").lower().strip("-_./ ")
    return Version("" if word in _NO_NAME else word, release, stage)


def _named(word: str, text: str) -> bool:
    """`python3.11`, `postgres14`, `redis6.x`, `release-1.2`: a name with a version; not `server12` or `eu-west-1`."""
    bare = word.lower().strip("-_./ ")
    return bool(re.search(r"[0-9]\.[0-9xX*]", text)) or bare in _VERSIONED


_NO_NAME = frozenset({"v", "version", "rel", "release", "r", "engine"})
_VERSIONED = frozenset(
    "python nodejs node ruby java postgres postgresql aurora-postgresql mysql redis memcached valkey php go dotnet"
    " dotnetcore kafka opensearch elasticsearch v version rel release r engine debian ubuntu alpine".split()
)


def order(left: Version, right: Version) -> int | None:
    """-1, 0 or 1; None for versions of different things (`python3.11`, `nodejs18.x`). `16` equals `16.3`: less precise."""
    if left.word != right.word and left.word and right.word:
        return None
    length = min(len(left.release), len(right.release))
    a, b = left.release[:length], right.release[:length]
    if a != b:
        return -1 if a < b else 1
    if left.pre != right.pre:
        return -1 if left.pre < right.pre else 1
    longer = left.release[length:] or right.release[length:]
    # `2.0` against `2.0.1`: only a bare major (`16`) may stand for any release of it.
    if length >= 2 and any(longer):
        return -1 if len(left.release) < len(right.release) else 1
    return 0


def version_order(left: str, right: str) -> int | None:
    """The order of two texts as versions; None where one is none, or they are versions of different things."""
    a, b = parse_version(left), parse_version(right)
    return None if a is None or b is None else order(a, b)


def same_release(left: str, right: str, *, parts: int) -> bool | None:
    """Whether the first `parts` numbers agree, as far as both say them; None where one is no version."""
    a, b = parse_version(left), parse_version(right)
    if a is None or b is None:
        return None
    if a.word and b.word and a.word != b.word:
        return False
    length = min(parts, len(a.release), len(b.release))
    return a.release[:length] == b.release[:length]


def releases_between(behind: str, ahead: str) -> int | None:
    """How many releases apart two versions are, counted in the first number that differs; None where it cannot be told."""
    a, b = parse_version(behind), parse_version(ahead)
    if a is None or b is None or order(a, b) is None:
        return None
    length = max(len(a.release), len(b.release))
    for x, y in zip(_padded(a, length), _padded(b, length), strict=True):
        if x != y:
            return abs(y - x)
    return 0 if a.pre == b.pre else 1


def _padded(version: Version, length: int) -> tuple[int, ...]:
    return version.release + (0,) * (length - len(version.release))


@lru_cache(maxsize=16384)
def parse_image(text: str) -> Image | None:
    """A container image reference, None for other text: it must have a registry or a path, and a tag or a digest."""
    if len(text) > 500 or "://" in text or " " in text:
        return None
    match = _IMAGE.match(text)
    if match is None or ("/" not in match["repository"] and match["tag"] is None and match["digest"] is None):
        return None
    if match["tag"] is None and match["digest"] is None and not _registry(match["repository"]):
        return None
    if match["digest"] is None and "/" not in match["repository"] and _is_address(match["repository"], match["tag"]):
        return None
    return Image(match["repository"], match["tag"], match["digest"])


def _is_address(name: str, port: str | None) -> bool:
    """`db.internal:5432` is a host and a port, `redis:7` an image."""
    return bool(port) and str(port).isdigit() and (len(str(port)) > 2 or "." in name)


def _registry(repository: str) -> bool:
    host, _, path = repository.partition("/")
    return bool(path) and (
        ("." in host and "amazonaws" in host) or host in ("docker.io", "ghcr.io", "quay.io", "gcr.io")
    )


def is_mutable_tag(tag: str) -> bool:
    """Whether a tag moves by its nature: `latest`, `latest-staging`, `stable`, a branch, a bare major version."""
    lowered = tag.lower()
    if lowered.startswith("latest-") or lowered.endswith("-latest"):
        return True
    return lowered in _MUTABLE_TAGS or (lowered.removeprefix("v").isdigit() and len(lowered) <= 3)


def is_commit(text: str) -> bool:
    """Whether the text looks like a commit hash."""
    return _COMMIT.match(text) is not None
