"""Which bytes are behind the tags in use: the digest that ECR has now for each image that something here runs by tag.

Asked through DescribeImages, which tells and pulls nothing: a pull may have ECR fetch from the registry that it mirrors."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from auditor.errors import CollectError
from auditor.model import Gap, GapReason
from collectors.aws._codes import NotOfferedError, code_of
from collectors.aws.base import AwsKind, Document

if TYPE_CHECKING:
    from collectors.aws._reader import Reader

_OPERATION = "DescribeImages"
_AT_ONCE = 100  # images that DescribeImages takes
_MOST_TAGS = 300  # of one repository; who runs more of them has revisions that nobody cleaned up
_REGISTRY = re.compile(
    r"(?P<account>[0-9]{12})\.dkr[.-]ecr(?:-fips)?\.(?P<region>[a-z0-9-]+)"
    r"\.(?:amazonaws\.com(?:\.cn)?|on\.aws|on\.amazonwebservices\.com\.cn)\Z"
)
_NO_REPOSITORY, _NO_IMAGE = "RepositoryNotFoundException", "ImageNotFoundException"
_MAY_PASS = (GapReason.THROTTLED, GapReason.TIMEOUT, GapReason.UNREACHABLE)


@dataclass(frozen=True, slots=True)
class Repository:
    """A repository as images name it: `111122223333.dkr.ecr.eu-west-1.amazonaws.com/acme/api`."""

    host: str
    name: str

    @property
    def registry(self) -> tuple[str, str]:
        """Account and region."""
        found = _REGISTRY.match(self.host)
        if found is None:  # `tagged` makes no other
            raise ValueError(self.host)
        return found["account"], found["region"]


def tagged(image: str) -> tuple[Repository, str] | None:
    """The repository in ECR and the tag that an image names; None where it lies elsewhere or is pinned by digest."""
    host, slash, rest = image.strip().partition("/")
    if not slash or "@" in rest or _REGISTRY.match(host) is None:
        return None
    above, separator, last = rest.rpartition("/")
    name, _, tag = last.partition(":")
    return (Repository(host, f"{above}{separator}{name}"), tag or "latest") if name else None


def images(document: Any) -> Iterator[str]:
    """Every `image` in a document, wherever it stands."""
    if isinstance(document, Mapping):
        for key, value in document.items():
            if key == "image" and isinstance(value, str):
                yield value
            else:
                yield from images(value)
    elif isinstance(document, list | tuple):
        for item in document:
            yield from images(item)


@dataclass
class _InUse:
    tags: defaultdict[Repository, set[str]] = field(default_factory=lambda: defaultdict(set))
    failed: CollectError | None = None

    def add(self, document: Document) -> None:
        for image in images(document):
            if (found := tagged(image)) is not None:
                self.tags[found[0]].add(found[1])


def read_images(reader: Reader, users: Sequence[AwsKind]) -> Iterator[Document | Gap]:
    """A document per repository, of which `users` run something by tag: `images` says by tag whether it exists, and its
    digest. Raises CollectError at the end where what is run could not be read, since more may be in use then."""
    enabled = {kind.name for kind in reader.options.enabled()}
    used = _InUse()
    for kind in users:
        if kind.name in enabled:
            _look(reader.of(kind), used)
    yield from _digests(reader, used)
    if used.failed is not None:
        raise used.failed


def _look(reader: Reader, used: _InUse) -> None:
    listing = (
        reader.kind.read(reader)
        if reader.kind.read is not None
        else reader.items(reader.kind.operation, reader.kind.result)
    )
    try:
        for document in listing:
            if isinstance(document, Gap):
                used.failed = used.failed or CollectError(document.reason, document.detail)
            else:
                used.add(document)
    except NotOfferedError:
        return
    except CollectError as error:
        used.failed = used.failed or error


def _digests(reader: Reader, used: _InUse) -> Iterator[Document | Gap]:
    """One gap per repository that may not be read. One that is too busy twice in a row ends it: the next will be, too."""
    failures = 0
    seen: dict[str, int] = {}
    for repository in sorted(used.tags, key=lambda each: (each.name, each.registry[0] != reader.account, each.host)):
        seen[repository.name] = seen.get(repository.name, 0) + 1
        number = seen[repository.name]
        identity = repository.name if number == 1 else f"{repository.name}#{number}"
        try:
            yield _document(reader, identity, repository, sorted(used.tags[repository]))
        except CollectError as error:
            failures = failures + 1 if error.reason in _MAY_PASS else 0
            if failures > 1:
                raise
            told = CollectError(error.reason, f"{repository.host}/{repository.name}: {error.detail}")
            yield reader.gap(told, resource=identity)
        else:
            failures = 0


def _document(reader: Reader, identity: str, repository: Repository, tags: Sequence[str]) -> Document:
    if len(tags) > _MOST_TAGS:
        raise CollectError(GapReason.TRUNCATED, f"{len(tags)} tags are in use; at most {_MOST_TAGS} are looked up")
    known = _known(reader.of(reader.kind, region=repository.registry[1]), repository, tags)
    images = {tag: {"exists": tag in known, "digest": known.get(tag)} for tag in tags}
    return {"identity": identity, "repository": f"{repository.host}/{repository.name}", "images": images}


def _known(reader: Reader, repository: Repository, tags: Sequence[str]) -> dict[str, str]:
    """Tag -> digest of those that exist."""
    found: dict[str, str] = {}
    for start in range(0, len(tags), _AT_ONCE):
        part = tags[start : start + _AT_ONCE]
        several = _asked(reader, repository, part)
        if several is None and len(part) > 1:
            # One that is gone has all of them refused, and only the message says which.
            singles = [_asked(reader, repository, [tag]) for tag in part]
            several = {tag: digest for each in singles if each is not None for tag, digest in each.items()}
        found |= several or {}
    return found


def _asked(reader: Reader, repository: Repository, tags: Sequence[str]) -> dict[str, str] | None:
    """Tag -> digest; None where one of them is gone, or all with their repository."""
    account, _ = repository.registry
    wanted = [{"imageTag": tag} for tag in tags]
    try:
        details = list(
            reader.items(
                _OPERATION, "imageDetails", registryId=account, repositoryName=repository.name, imageIds=wanted
            )
        )
    except CollectError as error:
        if error.__cause__ is not None and code_of(error.__cause__) in (_NO_REPOSITORY, _NO_IMAGE):
            return None
        raise
    return {
        str(tag): str(detail["imageDigest"])
        for detail in details
        for tag in detail.get("imageTags") or ()
        if detail.get("imageDigest")
    }
