"""What an environment calls itself, and finding those names in text.

An environment goes by several names (`staging`, `stg`, `pre-prod`), spelled in several ways (`STAGING_DB_URL`,
`ordersStaging`, `/stg/db`). `EnvironmentNames` finds them at delimiters and camel-case borders, never inside a word:
`prod` in `product` is no name. What is glued into a word is left to `alike.py`, which has both sides to compare.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache

# Words that mean a stage wherever they stand as a word of their own. Each group is owned as a whole by one environment.
_SYNONYMS: tuple[frozenset[str], ...] = (
    frozenset({"prod", "production", "prd", "prodn"}),
    frozenset({"staging", "stage", "stg", "stag", "stagging"}),
    frozenset({"preprod", "pre-prod", "preproduction", "pre-production", "pprod", "ppd", "preprd"}),
    frozenset({"nonprod", "non-prod", "nonproduction", "non-production", "nonlive", "non-live"}),
    frozenset({"test", "testing", "tst"}),
    frozenset({"qa"}),
    frozenset({"uat", "acceptance", "acc"}),
    frozenset({"sandbox", "sbx"}),
    frozenset({"dev", "development", "develop"}),
)
_STAGING_GROUPS = (1, 2, 3)
_PROD_GROUP = 0
# Words that mean a stage only where the other side, otherwise the same, has its own name in that place.
_WEAK: Mapping[str, frozenset[str]] = {
    "prod": frozenset({"live", "www", "pd", "p", "prd", "main", "apex", "public"}),
    "staging": frozenset(
        "pp ppad ppe pre test tst qa uat aat oat sit sandbox sbx s st beta np nprd rc int integration perf demo".split()
    ),
    "test": frozenset({"t", "qa"}),
    "dev": frozenset({"d", "local"}),
}
_REGION = re.compile(r"([a-z]{2})(?:-gov)?-([a-z]+)-([0-9])\Z")
_DIRECTIONS = (("north", "n"), ("south", "s"), ("east", "e"), ("west", "w"), ("central", "c"))
_ZONE = re.compile(r"\A([a-z]{2}(?:-[a-z]+)+-[0-9])([a-z])?\Z")


def stage_of(name: str) -> str:
    """The class of stage that an environment's name speaks of: `prod`, `staging`, `test`, `dev` or the name itself."""
    parts = {name.lower(), *re.split(r"[-_./ ]", name.lower())}
    for group in _SYNONYMS[2:4]:
        if name.lower() in group:
            return "staging"
    for index, stage in ((0, "prod"), (1, "staging"), (2, "staging"), (3, "staging"), (4, "test"), (8, "dev")):
        if parts & _SYNONYMS[index]:
            return stage
    return name.lower()


def is_production(names: EnvironmentNames) -> bool | None:
    """Whether an environment's own name or an alias says that it is production, or another stage; None: they say neither."""
    own = (names.name.lower(), *names.tokens)
    stages = {stage_of(token) for token in own}
    if "prod" in stages or "live" in own:
        return True
    known = frozenset().union(*_SYNONYMS)
    said = any(part in known for token in own for part in (token, *re.split(r"[-_./ ]", token)))
    return False if said else None


@dataclass(frozen=True)
class EnvironmentNames:
    """The names of one environment.

    tokens    lower-case words that always mean it, its own name first
    weak      words that mean it only where the other side shows that they do
    foreign   words that mean another environment; they shield (`pre-prod` never counts as `prod`)
    accounts  its cloud account ids, regions its cloud regions
    """

    name: str
    tokens: tuple[str, ...]
    weak: tuple[str, ...] = ()
    foreign: tuple[str, ...] = ()
    accounts: frozenset[str] = frozenset()
    regions: tuple[str, ...] = ()
    _cache: dict[str, str] = field(default_factory=dict, compare=False, repr=False, hash=False)

    @property
    def stage(self) -> str:
        return stage_of(self.name)

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        return _pattern_of((*self.tokens, *self.foreign))

    @cached_property
    def _own(self) -> frozenset[str]:
        return frozenset(_bare(token) for token in self.tokens)

    @cached_property
    def _places(self) -> re.Pattern[str] | None:
        parts = [rf"(?<![0-9]){account}(?![0-9])" for account in sorted(self.accounts)]
        parts += [rf"(?<![a-z0-9]){re.escape(region)}(?=[a-z]?(?![a-z0-9]))" for region in self.regions]
        codes = {code for region in self.regions for code in _codes(region)}
        parts += [rf"(?<![A-Za-z0-9])(?:{code}|{code.upper()})(?![A-Za-z0-9])" for code in sorted(codes)]
        return re.compile("|".join(parts)) if parts else None

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Where `text` names this environment, as half-open ranges in order."""
        if not self._may_name(text):
            return []
        return [match.span() for match in self._pattern.finditer(text) if _bare(match.group()) in self._own]

    def _may_name(self, text: str) -> bool:
        """Whether the beginning of one of the names stands anywhere in `text`: most texts need no closer look."""
        return self.may_be_in(text.lower())

    def may_be_in(self, lower: str) -> bool:
        """Whether the beginning of one of the names stands anywhere in a text in small letters."""
        # A loop, as this is asked of every text: a generator takes twice as long.
        for start in self._starts:  # noqa: SIM110
            if start in lower:
                return True
        return False

    @cached_property
    def _starts(self) -> tuple[str, ...]:
        starts = dict.fromkeys(re.split(r"[-_. ]", token)[0] or _bare(token) for token in self.tokens)
        # Where one stands that holds another of them, that other one stands, too.
        return tuple(start for start in starts if not any(one != start and one in start for one in starts))

    def is_name(self, text: str) -> bool:
        """Whether the whole of `text` is a name of this environment, a weak one included."""
        return text.lower() in self.weak or self.spans(text) == [(0, len(text))]

    def carried_by(self, text: str) -> bool:
        """Whether a word of `text` names this environment, a weak one of more than two letters included."""
        return bool(self.spans(text)) or any(
            len(word) > 2 and word in self.weak for word in re.split(r"[^a-z0-9]+", text.lower())
        )

    def mentioned_in(self, text: str) -> str | None:
        """The first word of `text` that names this environment, as it is spelled there; None when there is none."""
        spans = self.spans(text)
        return text[spans[0][0] : spans[0][1]] if spans else None

    def neutral(self, text: str) -> str:
        """`text` with this environment's names, accounts and regions replaced by `{env}`, `{account}`, `{region}`."""
        cached = self._cache.get(text)
        if cached is not None:
            return cached
        result = self._replace(text)
        if len(self._cache) < 200_000:
            self._cache[text] = result
        return result

    def _replace(self, text: str) -> str:
        parts: list[str] = []
        end = 0
        for start, stop in self.spans(text):
            parts += [text[end:start], "{env}"]
            end = stop
        return self.placed("".join(parts) + text[end:] if parts else text)

    def placed(self, text: str) -> str:
        """`text` with this environment's accounts and regions replaced, its names left as they are."""
        if self._places is None:
            return text
        for place in self._place_texts:
            if place in text:
                return self._places.sub(_place, text)
        return text

    @cached_property
    def _place_texts(self) -> tuple[str, ...]:
        """What stands in every text that names a place: most texts need no closer look."""
        codes = {spelled for region in self.regions for code in _codes(region) for spelled in (code, code.upper())}
        return (*sorted(self.accounts), *self.regions, *sorted(codes))

    def at(self, accounts: Iterable[str], regions: Sequence[str]) -> EnvironmentNames:
        """The same names, knowing also where the environment lives."""
        known = (*self.regions, *(region for region in regions if region not in self.regions))
        return EnvironmentNames(
            self.name, self.tokens, self.weak, self.foreign, self.accounts | frozenset(accounts), known
        )


def environment_names(
    name: str, aliases: Sequence[str] = (), others: Mapping[str, Sequence[str]] | None = None
) -> EnvironmentNames:
    """The names of `name`: itself, its aliases, and the field's usual words for its stage that no other environment claims.

    `others` maps every other configured environment to its aliases.
    """
    others = others or {}
    own = _unique([name.lower(), *(alias.lower() for alias in aliases)])
    claimed = {word.lower() for other, names in others.items() for word in (other, *names)}
    stage = stage_of(name)
    groups = {"prod": (_PROD_GROUP,), "staging": _STAGING_GROUPS, "test": (4,), "dev": (8,)}.get(stage, ())
    tokens = list(own)
    for index in groups:
        group = _SYNONYMS[index]
        if not group & claimed or group & set(own):
            tokens += sorted(group - claimed)
    # Of an environment whose stage has no usual short names, the first letter may be one: `u` of `uat`.
    weak = sorted(_WEAK.get(stage, frozenset({own[0][:1]})) - claimed - set(tokens))
    foreign: list[str] = sorted(claimed)
    for group in _SYNONYMS:
        if not group & set(tokens):
            foreign += sorted(group)
    return EnvironmentNames(name, tuple(_unique(tokens)), tuple(weak), tuple(_unique(foreign)))


def _place(found: re.Match[str]) -> str:
    return "{account}" if found.group().isdigit() else "{region}"


def _codes(region: str) -> list[str]:
    """What names make of a region: `euw1` and `ew1` of `eu-west-1`, `apse2` and `as2` of `ap-southeast-2`."""
    match = _REGION.match(region)
    if match is None:
        return []
    land, direction, number = match.groups()
    short = "".join(letter for word, letter in _DIRECTIONS if re.match(word, direction))
    both = [letter for word, letter in _DIRECTIONS if word in direction]
    return [f"{land}{''.join(both) or short}{number}", f"{land[0]}{(both or [short])[0]}{number}"]


def zone(text: str) -> tuple[str, str] | None:
    """Region and zone letter of a cloud region or zone name (`eu-west-1b` -> `eu-west-1`, `b`), None for other text."""
    match = _ZONE.match(text)
    return (match.group(1), match.group(2) or "") if match else None


def _unique(items: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(item for item in items if item))


@lru_cache(maxsize=4096)
def _bare(token: str) -> str:
    return re.sub(r"[-_. ]", "", token.lower())


def _pattern_of(tokens: Iterable[str]) -> re.Pattern[str]:
    """One pattern for all spellings: `pre-prod` also as `preprod`, `PRE_PROD`, `PreProd`; longest first, at word borders."""
    variants: dict[str, list[str]] = defaultdict(list)
    for token in sorted(set(tokens), key=lambda item: (-len(_bare(item)), item)):
        plain = [part for part in re.split(r"[-_. ]", token) if part]
        if not plain:
            continue
        parts = [re.escape(part) for part in plain]
        join = r"[-_. ]?"
        lower = join.join(parts)
        upper = join.join(part.upper() for part in parts)
        tail = "".join(f"{join}[{part[0].upper()}{part[0]}]{part[1:]}" for part in parts[1:])
        # Two that begin differently cannot match in one place, so each place is only tried with those of its letter.
        spelled_first = {spelled[0] for spelled in (plain[0], plain[0].upper(), plain[0].capitalize())}
        first = "".join(map(re.escape, sorted(spelled_first)))
        variants[first] += [
            rf"(?<![A-Za-z]){lower}(?![a-z])",
            rf"(?<![A-Za-z]){upper}(?![A-Za-z])",
            rf"(?<![A-Z]){parts[0].capitalize()}{tail}(?![a-z])",
        ]
    groups = [f"(?=[{first}])(?:{'|'.join(spelled)})" for first, spelled in variants.items()]
    return re.compile("|".join(groups)) if groups else re.compile(r"(?!)")
