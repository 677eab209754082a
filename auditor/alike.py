"""Whether two values that are spelled differently say the same of two environments.

The question is only asked of a left and a right value from the same place, because the answer often lies in both: what
is left of `registerstgtmp` and `registerpdtmp` once `stg` and `pd` are taken out agrees, so they are two names for one thing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

from auditor.aligned import Aligner, least_beside, may_be_cut
from auditor.days import is_time, tells_when
from auditor.literals import places_in
from auditor.model import Json
from auditor.names import EnvironmentNames
from auditor.networks import alike_networks
from auditor.sealed import are_sealed
from auditor.spelled import Spellings, told_by_kind
from auditor.values import canonical, same_version, words

_UUID = r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"
_IDS = re.compile(
    rf"(?<![0-9A-Za-z])(?:{_UUID}|(?:[a-z]{{1,10}}-)?[a-z]{{1,10}}-(?=[0-9a-f]*[0-9])(?:[0-9a-f]{{17}}|[0-9a-f]{{8}})|"
    r"key/[0-9a-f-]{36}|0x[0-9a-fA-F]{40})(?![0-9A-Za-z-])"
)
_ARN_PLACE = re.compile(r"(?<=:)([a-z]{2}(?:-[a-z]+)+-[0-9])?:([0-9]{12}|aws)?(?=:)")
_QUEUE_PLACE = re.compile(r"(?<=[./])([a-z0-9-]+)\.amazonaws\.com/[0-9]{12}(?=/)")
_REFERENCE = re.compile(r"\A([a-z0-9]+(?:\.[a-z0-9_]+)+)/(.+)\Z")
_RESOLVED = re.compile(r"\baws(?:\.[a-z0-9_]+){2}/(?=[A-Za-z0-9])")
# Twelve digits in a name are an account's number, unless they are a date and a time.
_ACCOUNT = re.compile(r"(?<=[A-Za-z0-9][-_./])(?!20[0-9]{2}(?:0[1-9]|1[0-2])[0-3])[0-9]{12}(?=[-_./]|\Z)")
_CACHE_ROLE = re.compile(r"\b(?:master|replica|clustercfg)\.")
_DEFAULT_PORT = re.compile(r":(?:5432|3306|6379|27017|443|80)(?=[/,]|\Z)")
_SCHEME = re.compile(r"\A([a-z][a-z0-9+.-]*)://")
_REGISTRY_PLACE = re.compile(r"(?<![0-9])[0-9]{12}\.dkr\.ecr\.([a-z0-9-]+)\.amazonaws\.com")
_AWS_HOST = re.compile(
    r"(?<![\w-])(?P<name>[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)?)\.(?:cluster-|proxy-)?(?P<reads>ro-)?(?:custom-)?[a-z0-9]{6,14}\."
    r"(?:(?:ng|cfg|[0-9]{4})\.){0,2}(?P<region>[a-z]{2}(?:-[a-z]+)+-[0-9]|[a-z]{3,4}[0-9])"
    r"\.(?P<service>rds|cache|docdb|neptune|redshift|es)\.amazonaws\.com"
)
# An API's id is made up by AWS, and tells no more than that it is another account's.
_API_HOST = re.compile(r"(?<![\w.-])[a-z0-9]{10}\.(?=execute-api\.[a-z0-9-]+\.amazonaws\.com)")
# A cluster's readers answer other questions than its writer.
_READER = re.compile(r"\.cluster-ro-[a-z0-9]+\.")
_REGION = re.compile(
    r"(?<![a-z0-9])(?:us|eu|ap|ca|sa|me|af|il|mx|cn)(?:-gov|-iso[a-z]?)?-(?:north|south|east|west|central)(?:east|west)?-[0-9](?![0-9a-z])"
)
_HOST = re.compile(
    r"(?<![\w.{-])(?:[a-zA-Z0-9](?:[a-zA-Z0-9_-]*[a-zA-Z0-9])?\.)+[a-zA-Z][a-zA-Z0-9-]*[a-zA-Z](?![\w@.-]*@|[\w-])"
)
# What may stand before an environment's name in a question that asks for nothing else: `is_prod`, `running in prod`.
_ASKS = re.compile(r"\A(?:(?:is|are|we|runs?|running|in|on|the|env|environment) )*\Z")
_ASKED_FOR = frozenset({"", " env", " environment", " mode", " deployment", " stage"})
_EMAIL = re.compile(r"\A[^@\s]+@[^@\s]+\.[A-Za-z]+\Z")
_PHONE = re.compile(r"\A\+?[0-9][0-9 ()-]{8,16}\Z")
_FILE_ENDINGS = frozenset(
    "py yml yaml json ini rb sh js mjs ts txt conf cfg xml toml pem crt key jar war zip tgz gz log sql md html css env "
    "properties tf tfvars lock so service sock csv".split()
)
_COMMON_LABELS = frozenset(
    "internal local localhost com net org gov edu io app apps cloud svc cluster amazonaws aws azure api www http https "
    "service services co uk eu us de fr ca dev test example host url public private elb rds cache".split()
)
# Letters by which account and subscription codes tell stages apart (`s189t01`, `s189p01`).
_STAGE_LETTERS = {"prod": "pl", "staging": "stnqu", "test": "tq", "dev": "d"}
_ID_WORDS = frozenset({"id", "ids", "uuid", "uuids", "guid", "guids", "sid", "uid", "uids"})
_PLAN_WORDS = frozenset({"plan", "plans", "sku", "tier", "edition"})
_PHONE_WORDS = frozenset({"phone", "number", "sms", "tel", "telephone", "mobile", "msisdn", "fax"})
_OPAQUE = re.compile(r"\A(?:(?=.*[0-9])[A-Za-z0-9_-]{6,64}|[A-Z]{1,3}-[A-Z0-9]{6,16})\Z")
_WORDS = re.compile(r"[A-Za-z0-9]+|\{[a-z]+\}|[<>=!*]+")
_SECRET = "{secret:"
_FINGERPRINT = re.compile(r"\{secret:[0-9a-f]+(?::placeholder)?\}")


@dataclass(frozen=True)
class Pair:
    """The names of both sides, as one yardstick for what differs in name only."""

    left: EnvironmentNames
    right: EnvironmentNames

    @cached_property
    def aligner(self) -> Aligner:
        return Aligner(self.left, self.right)

    def alike(self, left: Json, right: Json, key: str = "") -> bool:
        """Whether the two scalars, found under `key`, differ in nothing but names, ids, accounts, regions and endpoints.

        `null`, booleans and numbers are alike only when equal, except numbers that are ids.
        """
        left, right = canonical(left, key), canonical(right, key)
        if left == right and type(left) is type(right):
            return True
        if isinstance(left, bool) and isinstance(right, bool):
            return self._says_which_environment(left, right, key)
        if isinstance(left, bool) or isinstance(right, bool) or left is None or right is None:
            return False
        if isinstance(left, int | float) and isinstance(right, int | float):
            return left == right or _is_id_key(key)
        if isinstance(left, str) and isinstance(right, str):
            return self._alike_text(left, right, key)
        return False

    def alike_lists(self, left: Sequence[Json], right: Sequence[Json], key: str = "") -> bool:
        """Whether two lists of scalars are alike as sets: every item has its counterpart, and none is left over.

        Lists of domains are alike, too, when they have nothing in common and one side's all carry its name: staging has
        domains of its own, production those of its customers.
        """
        lonely_left, lonely_right = self.lonely(left, right, key)
        if not lonely_left and not lonely_right:
            return True
        texts = [item for item in (*left, *right) if isinstance(item, str)]
        if not left or not right or len(texts) < len(left) + len(right):
            return False
        if all(self.left.is_name(str(a)) for a in left) and all(self.right.is_name(str(b)) for b in right):
            return True
        if not all(map(is_host, texts)) or any(self.same_text(str(a), str(b)) for a in left for b in right):
            return False
        own = all(self._is_own(str(item), self.left) for item in left)
        return own or all(self._is_own(str(item), self.right) for item in right)

    def lonely(self, left: Sequence[Json], right: Sequence[Json], key: str = "") -> tuple[list[Json], list[Json]]:
        """The items of each list without a counterpart in the other. Equal items are paired first, then alike ones."""
        rest = list(right)
        lonely: list[Json] = []
        for item in left:
            spelled = canonical(item, key)
            found = next((i for i, other in enumerate(rest) if canonical(other, key) == spelled), None)
            if found is None:
                lonely.append(item)
            else:
                del rest[found]
        alone: list[Json] = []
        for item in lonely:
            found = next((i for i, other in enumerate(rest) if self.alike(item, other, key)), None)
            if found is None:
                alone.append(item)
            else:
                del rest[found]
        return alone, rest

    def same_name(self, left: str, right: str) -> bool:
        """Whether two names (keys, identities) are one name, each spelled as its environment spells it.

        Each environment has its own address plan: `tcp/443/10.1.0.0/16` and `tcp/443/10.2.0.0/16` are one rule.
        """
        if left == right or self.same_text(left, right):
            return True
        for ours, theirs in zip(told_by_kind(left), told_by_kind(right), strict=True):
            if ours != left and theirs != right and self.same_text(ours, theirs):
                return True
        one, other = self._ours.name(left), self._theirs.name(right)
        if self._glued(one.bare, other.bare):
            return True
        # Laid side by side they were already, where neither may have lost its end and nothing else was replaced.
        laid = one.placed == self._ours.of(left).placed and other.placed == self._theirs.of(right).placed
        return not (laid and not may_be_cut(one.placed, other.placed)) and self.aligner.same(
            one.placed, other.placed, cut=True
        )

    def unqualified(self, left: Json, right: Json) -> bool:
        """Of two alike values: whether the right carries its environment's name and the left, otherwise the same, none."""
        if not isinstance(left, str) or not isinstance(right, str) or left == right:
            return False
        if not self.right.spans(right) or self.left.carried_by(left) or hosts(left):
            return False
        if not left or left.lower() in self.left.weak or left.startswith(_SECRET):
            return False
        a, b = self.left.placed(slotted(left)), self.right.placed(slotted(right))
        return a != b and self.aligner.lacking(a, b)

    def _says_which_environment(self, left: bool, right: bool, key: str) -> bool:
        """`production: false` and `production: true`: the key asks for the environment, and both answer truly."""
        if left == right:
            return True
        asked = " ".join(words(key.rpartition("/")[2].rpartition(".")[2]))
        spans = self.right.spans(asked) if right else self.left.spans(asked)
        # `production_checks`, `use_stage_cache` and `debug_prod` are switches of their own.
        return any(_ASKS.match(asked[:start]) and asked[end:] in _ASKED_FOR for start, end in spans)

    # -- text ---------------------------------------------------------------------------------------------------

    def _alike_text(self, left: str, right: str, key: str) -> bool:
        if _FINGERPRINT.fullmatch(left) and _FINGERPRINT.fullmatch(right):
            return True
        if places_in(left) != places_in(right):
            # What one of them leaves open is no name that the other spells out.
            return False
        key_words = frozenset(words(key))
        if key_words & _PLAN_WORDS:
            # `basic-sandbox` against `basic` is another plan, not another environment's.
            return self.left.neutral(left) == self.right.neutral(right)
        if _schemes(left) != _schemes(right) or bool(_READER.search(left)) != bool(_READER.search(right)):
            # The same host, spoken to in another way.
            return False
        if (
            self.same_text(left, right)
            or self._refers_alike(left, right)
            or self._is_affix(left, right)
            or self._is_affix(right, left)
            or are_sealed(left, right)
        ):
            return True
        if _is_id_key(key) and _OPAQUE.match(left) and _OPAQUE.match(right):
            return True
        if key_words & _PHONE_WORDS and _PHONE.match(left) and _PHONE.match(right):
            return True
        if is_time(left) and is_time(right):
            return tells_when(key_words, left, right)
        if "version" in key_words and same_version(left, right):
            return True
        if alike_networks(left, right, own="{env}" in key):
            return True
        if "," in left and "," in right and "\n" not in left + right:
            return self._alike_enumerations(left, right, key)
        return self._alike_endpoints(left, right)

    def same_text(self, left: str, right: str) -> bool:
        """Whether two texts differ in nothing but names, ids, accounts, regions and generated parts of addresses."""
        if self.left.neutral(left) == self.right.neutral(right):
            return True
        one, other = self._ours.of(left), self._theirs.of(right)
        if one.placed == other.placed or (one.is_name and other.is_name):
            return True
        named = one.named or other.named
        if named and one.own == other.own and (one.own or (one.named and other.named)):
            return True
        if one.thing == other.thing and one.thing and (named or one.own != other.own):
            return True
        if named and self._same_but_for_stage_letters(one.thing, other.thing):
            return True
        return self._glued(one.placed, other.placed) or self.aligner.same(one.placed, other.placed)

    def _refers_alike(self, left: str, right: str) -> bool:
        """Two references to resources of one kind (`aws.ec2.security_group/web-stg`) that are one name; or a reference and
        the address of such a thing, which the other snapshot does not hold."""
        a, b = _REFERENCE.match(left), _REFERENCE.match(right)
        if a is not None and b is not None and a[1] == b[1]:
            return self.same_name(a[2], b[2])
        if bool(_RESOLVED.search(left)) == bool(_RESOLVED.search(right)):
            return False
        return self.same_text(_by_name(left), _by_name(right))

    def _is_affix(self, text: str, other: str) -> bool:
        """`-staging` against nothing: what is put after, or before, the names of one environment alone."""
        bare = text.strip("-_.")
        return not other and text != bare and any(names.is_name(bare) for names in (self.left, self.right))

    def _same_but_for_stage_letters(self, left: str, right: str) -> bool:
        """`s189t01 kv` and `s189p01 kv`: codes in which one letter, between digits, stands for the stage."""
        ours, theirs = left.split(" "), right.split(" ")
        if len(ours) != len(theirs) or ours == theirs:
            return False
        letters = self._letters
        return all(a == b or _differ_in_one_of(a, b, letters) for a, b in zip(ours, theirs, strict=True))

    def _glued(self, left: str, right: str) -> bool:
        """Names inside words: what remains around a name of the left must be what surrounds a name of the right."""
        found = self._ours.around(left)
        if not found:
            return False
        other = right.lower()
        strong, names = self._others
        for token, before, after in found:
            if len(other) < len(before) + len(after) or not (other.startswith(before) and other.endswith(after)):
                continue
            middle = other[len(before) : len(other) - len(after)]
            if middle in names and len(before) + len(after) >= least_beside(token, middle, known=middle in strong):
                return True
        return False

    @cached_property
    def _ours(self) -> Spellings:
        return Spellings(self.left, slotted)

    @cached_property
    def _theirs(self) -> Spellings:
        return Spellings(self.right, slotted)

    @cached_property
    def _letters(self) -> tuple[str, str]:
        return _STAGE_LETTERS.get(self.left.stage, ""), _STAGE_LETTERS.get(self.right.stage, "")

    @cached_property
    def _others(self) -> tuple[frozenset[str], frozenset[str]]:
        """Names of the right as they stand within words: those that always mean it, and all, with none at all."""
        strong = frozenset(token.replace("-", "") for token in self.right.tokens)
        return strong, strong | {token.replace("-", "") for token in self.right.weak} | {""}

    def _alike_enumerations(self, left: str, right: str, key: str) -> bool:
        """`a,b,c` as a set. Lists of ids are data of the environment, however many there are."""
        a = sorted({part.strip(" \t\\") for part in _IDS.sub("{id}", left).split(",")} - {""})
        b = sorted({part.strip(" \t\\") for part in _IDS.sub("{id}", right).split(",")} - {""})
        if a == b or all("{id}" in part for part in (*a, *b)):
            return True
        return self.alike_lists(a, b, key)

    def _alike_endpoints(self, left: str, right: str) -> bool:
        """The same text around hosts that belong to each environment."""
        hosts_a, hosts_b = hosts(left), hosts(right)
        if not hosts_a or len(hosts_a) != len(hosts_b):
            return False
        rest_a, rest_b = left, right
        for a, b in zip(hosts_a, hosts_b, strict=True):
            if not self._alike_hosts(a, b):
                return False
            rest_a, rest_b = rest_a.replace(a, "{host}", 1), rest_b.replace(b, "{host}", 1)
        return rest_a == rest_b or self.same_text(rest_a, rest_b)

    def _alike_hosts(self, left: str, right: str) -> bool:
        if self.same_text(left, right):
            return True
        if not (self._is_own(left, self.left) or self._is_own(right, self.right)):
            return False
        # A host that carries its environment's name still has to be the host of the same thing.
        return bool(_significant(left, self.left) & _significant(right, self.right))

    @staticmethod
    def _is_own(host: str, names: EnvironmentNames) -> bool:
        if names.spans(host):
            return True
        return bool(frozenset(re.split(r"[-_.]", host.lower())) & frozenset(names.weak) - {"p", "s", "d", "t", "st"})


@lru_cache(maxsize=65536)
def hosts(text: str) -> tuple[str, ...]:
    """The host names in `text`, in order; file names (`app.py`) are none."""
    found = _HOST.findall(text) if len(text) < 20_000 else []
    return tuple(host for host in found if host.rsplit(".", 1)[1].lower() not in _FILE_ENDINGS)


def is_host(text: str) -> bool:
    """Whether the whole text is a host name, a URL or an address in e-mail."""
    bare = re.sub(r"\A[a-z][a-z0-9+.-]*://", "", text).rstrip("/")
    return hosts(bare) == (bare,) or bool(_EMAIL.match(text))


@lru_cache(maxsize=65536)
def slotted(text: str) -> str:
    """`text` with ids, accounts, regions inside longer text, secrets and generated host parts replaced by what they are."""
    if ".amazonaws.com" in text:
        text = _QUEUE_PLACE.sub("{region}.amazonaws.com/{account}", text)
        text = _AWS_HOST.sub(
            lambda m: f"{m['name']}.{m['reads'] or ''}{{generated}}.{m['service']}.amazonaws.com", text
        )
        text = _API_HOST.sub("{generated}.", text)
    text = _IDS.sub("{id}", text)
    if _SECRET in text:
        text = _FINGERPRINT.sub("{secret}", text)
    if "arn:" in text:
        text = _ARN_PLACE.sub("{region}:{account}", text)
    text = _REGISTRY_PLACE.sub("{account}.dkr.ecr.{region}.amazonaws.com", text)
    if len(text) > 16:
        text = _ACCOUNT.sub("{account}", _REGION.sub("{region}", text))
    return text


def _without(text: str, names: EnvironmentNames) -> str:
    """The words of `text` but for the environment's names, joined by blanks."""
    parts: list[str] = []
    end = 0
    for start, stop in names.spans(text):
        parts += [text[end:start], " "]
        end = stop
    return " ".join(_WORDS.findall("".join(parts) + text[end:]))


def _significant(host: str, names: EnvironmentNames) -> frozenset[str]:
    found = frozenset(re.split(r"[-_.0-9]+", _without(host, names).replace(" ", ".").lower()))
    return frozenset(word for word in found if len(word) > 2) - _COMMON_LABELS - frozenset(names.weak)


def _by_name(text: str) -> str:
    """Every address that AWS made, and every reference to a resource, as the name in it."""
    named = _RESOLVED.sub("", _AWS_HOST.sub(lambda m: m["name"], _CACHE_ROLE.sub("", text)))
    return _DEFAULT_PORT.sub("", named)


def _schemes(text: str) -> str | None:
    found = _SCHEME.match(text)
    return found[1] if found else None


def _differ_in_one_of(left: str, right: str, letters: tuple[str, str]) -> bool:
    """Whether two words of one length differ in one letter, next to digits alone, that is one of `letters` on its side."""
    if len(left) != len(right):
        return False
    places = [i for i, (a, b) in enumerate(zip(left.lower(), right.lower(), strict=True)) if a != b]
    if len(places) != 1:
        return False
    at = places[0]
    around = left[max(at - 1, 0) : at] + left[at + 1 : at + 2]
    return around.isdigit() and left[at].lower() in letters[0] and right[at].lower() in letters[1]


@lru_cache(maxsize=4096)
def _is_id_key(key: str) -> bool:
    found = words(key)
    return bool(found) and found[-1] in _ID_WORDS
