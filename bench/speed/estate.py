"""A generated estate of any size: what the listings of two environments would answer, always the same for one seed.

    estate = Estate(pairs=100_000)
    for answer in estate.answers(STAGING, "aws.rds.instance", "eu-west-1"): ...
    estate.write(folder)                                    # both environments, a file for each kind and region
    replace(estate, edition=Edition(2, drift=0.01))         # the same estate a while later

Both environments hold the same services; names, accounts, ids, ARNs and endpoints are each one's own. Resources of one
service refer to each other. Answers are made one at a time and never all held.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha512
from itertools import product
from pathlib import Path
from zlib import crc32

import orjson

from bench.speed import shapes, shapes_data, shapes_run
from bench.speed.shapes import Service, Shape, Turn

REGIONS = ("eu-west-1", "eu-central-1", "us-east-1", "ap-southeast-2")
SHAPES: dict[str, Shape] = {**shapes_run.SHAPES, **shapes_data.SHAPES, **shapes.SHAPES}
KINDS = tuple(SHAPES)
_WORDS = ("ledger", "basket", "parcel", "tariff", "claims", "search", "invoice", "roster", "beacon", "harbour", "media")
_ROLES = ("sync", "api", "worker", "gateway", "index", "mailer", "export")


@dataclass(frozen=True, slots=True)
class Side:
    """One environment: its name, the word its names carry, its account."""

    name: str
    word: str
    account: str


STAGING = Side("staging", "staging", "412903887105")
PROD = Side("prod", "production", "731904556120")


@dataclass(frozen=True, slots=True)
class Edition:
    """What happened since the first look, as shares of the estate (0 to 1). Editions of other numbers choose others.

    drift    resources of which the left side alone was changed: a finding each
    release  resources that both sides changed alike: a new version, a new setting
    ids      services that were made anew on both sides: other ids and ARNs, the same names
    new      resources that came on both sides, and that others may refer to
    """

    number: int = 1
    drift: float = 0.0
    release: float = 0.0
    ids: float = 0.0
    new: int = 0


@dataclass(frozen=True, slots=True)
class Estate:
    """`pairs` resources on either side, spread evenly over the kinds and regions. `alike`: both sides go by one side's
    names, so that nothing differs but drift."""

    pairs: int
    seed: int = 7
    edition: Edition = Edition()
    alike: bool = False

    def answers(self, side: Side, kind: str, region: str) -> Iterator[bytes]:
        """What one listing answers: one resource at a time, as JSON."""
        for at in self._places(kind, region):
            yield self._answer(side, kind, at)

    def write(self, folder: Path) -> int:
        """Write `FOLDER/SIDE/KIND.REGION`, an answer a line. Returns the bytes written."""
        size = 0
        for side, kind, region in product((STAGING, PROD), KINDS, REGIONS):
            (folder / side.name).mkdir(parents=True, exist_ok=True)
            with (folder / side.name / f"{kind}.{region}").open("wb") as file:
                for answer in self.answers(side, kind, region):
                    size += file.write(answer) + file.write(b"\n")
        return size

    def write_since(self, folder: Path, first: Path) -> None:
        """The same as `write`, in less time where `first` holds what the same estate's first edition wrote."""
        for side, kind, region in product((STAGING, PROD), KINDS, REGIONS):
            (folder / side.name).mkdir(parents=True, exist_ok=True)
            file = f"{kind}.{region}"
            with (first / side.name / file).open("rb") as old, (folder / side.name / file).open("wb") as new:
                for at in self._places(kind, region):
                    line = old.readline()
                    new.write(self._answer(side, kind, at) + b"\n" if not line or self._touched(at) else line)

    def _chosen(self, at: int, share: float, what: str) -> bool:
        """Whether resource (or service) `at` is among the `share` that this edition changes."""
        return share > 0 and crc32(f"{self.seed}/{self.edition.number}/{what}/{at}".encode()) < share * 2**32

    def _places(self, kind: str, region: str) -> Iterator[int]:
        """The numbers of the resources of one listing, in the order in which they are answered."""
        first = KINDS.index(kind)
        for at in range(first, self.pairs, len(KINDS)):
            if REGIONS[(at // len(KINDS)) % len(REGIONS)] == region:
                yield at
        if kind == shapes.NEWCOMERS and region == REGIONS[0]:
            turn = len(KINDS) * len(REGIONS)
            last = -(-self.pairs // turn) * turn + first
            yield from (last + at * turn for at in range(self.edition.new))

    def _touched(self, at: int) -> bool:
        edition = self.edition
        return (
            self._chosen(at, edition.drift, "drift")
            or self._chosen(at, edition.release, "release")
            or self._chosen(at // len(KINDS), edition.ids, "ids")
        )

    def _answer(self, side: Side, kind: str, at: int) -> bytes:
        number = at // len(KINDS)
        remade = self.edition.number if self._chosen(number, self.edition.ids, "ids") else 0
        seen_as = PROD if self.alike else side
        service = _service(self.seed, seen_as, number, remade)
        turn = Turn(
            digits=sha512(f"{self.seed}/{at}".encode()).hexdigest(),
            drift=self.edition.number if side is STAGING and self._chosen(at, self.edition.drift, "drift") else 0,
            release=self.edition.number if self._chosen(at, self.edition.release, "release") else 0,
        )
        return orjson.dumps(SHAPES[kind](service, turn))


def _service(seed: int, side: Side, number: int, remade: int) -> Service:
    return Service(
        name=f"{_WORDS[number % len(_WORDS)]}-{_ROLES[number % len(_ROLES)]}-{number:05}",
        number=number,
        word=side.word,
        account=side.account,
        region=REGIONS[number % len(REGIONS)],
        ids=sha512(f"{seed}/{side.name}/{number}/{remade}".encode()).hexdigest(),
    )
