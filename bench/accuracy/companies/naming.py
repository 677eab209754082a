"""How a company calls things: what its two environments go by, and where in a name that stands."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import TypeVar

from bench.accuracy.companies.words import COMPANIES, REGION_CODES, REGIONS

Choice = TypeVar("Choice")

# What stands in names for staging and for production; what the two are called in the configuration; and the aliases
# that somebody who configures the product has to name, because nobody else calls an environment so.
TOKENS: tuple[tuple[tuple[str, ...], tuple[str, ...], str, str, tuple[str, ...]], ...] = (
    (("staging",), ("production",), "staging", "production", ()),
    (("staging",), ("prod",), "staging", "prod", ()),
    (("stg",), ("prod",), "staging", "prod", ()),
    (("stg",), ("prd",), "staging", "prod", ()),
    (("stage",), ("live",), "staging", "prod", ("live",)),
    (("stage",), ("prod",), "stage", "prod", ()),
    (("preprod",), ("prod",), "preprod", "prod", ()),
    (("pre-prod",), ("prod",), "staging", "prod", ()),
    (("nonprod",), ("prod",), "staging", "prod", ()),
    (("staging", "stage", "stg"), ("production", "prod"), "staging", "prod", ()),
    (("stage", "preprod"), ("prod", "prd"), "staging", "production", ()),
    (("staging", "preprod", "pre-prod"), ("prod", "live"), "staging", "prod", ()),
    (("uat",), ("prod",), "uat", "prod", ()),
    (("acc",), ("prd",), "staging", "prod", ("acc",)),
    (("mirror",), ("prod",), "staging", "prod", ("mirror",)),
    (("rc",), ("live",), "staging", "prod", ("rc", "live")),
    (("stg1",), ("prod1",), "staging", "prod", ("stg1", "prod1")),
)
SCHEMES = (
    "suffix prefix company-prefix company-suffix company-last glued glued-prefix camel camel-prefix snake upper dotted"
    " bare-production letter region-code several-schemes no-token numbered"
).split()
DOMAINS = "subdomain hyphen token-both other-domain www".split()


def stable(*parts: object) -> Random:
    """A generator of its own for everything that is drawn, so that one more draw somewhere moves nothing elsewhere."""
    return Random("\x1f".join(map(str, parts)))


@dataclass(frozen=True)
class Naming:
    """The way in which one company names. `shared` says that both environments live in one account."""

    seed: int
    company: str
    scheme: str
    tokens: tuple[tuple[str, ...], tuple[str, ...]]
    environments: tuple[str, str]
    aliases: tuple[str, ...]
    domains: str
    accounts: tuple[str, str]
    regions: tuple[tuple[str, ...], tuple[str, ...]]
    cloud: bool = True

    @property
    def shared(self) -> bool:
        return self.accounts[0] == self.accounts[1]


@dataclass(frozen=True)
class Side:
    """One environment: `index` 0 is what rehearses, 1 is production."""

    naming: Naming
    index: int

    @property
    def prod(self) -> bool:
        return self.index == 1

    @property
    def environment(self) -> str:
        return self.naming.environments[self.index]

    @property
    def account(self) -> str:
        return self.naming.accounts[self.index]

    @property
    def regions(self) -> tuple[str, ...]:
        return self.naming.regions[self.index]

    @property
    def token(self) -> str:
        """The commonest name of the environment."""
        return self.naming.tokens[self.index][0]

    def pick(self, left: Choice, right: Choice) -> Choice:
        return right if self.prod else left

    def own(self, *key: object) -> Random:
        """What is drawn for this environment alone: ids, secrets, addresses."""
        return stable(self.naming.seed, "side", self.index, *key)

    def token_of(self, uid: str) -> str:
        """What the environment is called in the name of one thing; some have several words for it."""
        return stable(self.naming.seed, "token", self.index, uid).choice(self.naming.tokens[self.index])

    def name(self, what: str, uid: str = "", region: str = "") -> str:
        """What `what` is called here. `uid` tells things of one name apart where a company names each its own way."""
        scheme = self.naming.scheme
        if scheme == "several-schemes":
            others = [each for each in SCHEMES if each not in ("several-schemes", "no-token", "letter", "numbered")]
            scheme = stable(self.naming.seed, "scheme", uid or what).choice(others)
        return self._named(scheme, what, self.token_of(uid or what), region or self.regions[0])

    def plain_name(self, what: str, uid: str = "") -> str:
        """The same in small letters, digits and hyphens, which is all that some things take."""
        name = re.sub(r"[^A-Za-z0-9-]", "-", self.name(what, uid))
        return (
            re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", name) if self.naming.scheme.startswith("camel") else name
        ).lower()

    def bucket(self, what: str) -> str:
        """Names of buckets are unique in all the world, so the environment, or its account, is always in them."""
        name = f"{self.naming.company}-{what}"
        return f"{name}-{self.account}" if self.naming.scheme == "no-token" else self.plain_name(name, f"bucket/{what}")

    def table_name(self, what: str, uid: str = "") -> str:
        """What a database is called inside: small letters, digits and underscores."""
        return self.plain_name(what, uid).replace("-", "_")

    def path(self, *parts: str) -> str:
        """A name in a tree: `/acme/stg/orders/url`."""
        # Without the environment in it, only another account tells one entry from the other.
        token = () if self.naming.scheme == "no-token" and self.naming.cloud else (self.token,)
        return "/" + "/".join((self.naming.company, *token, *parts))

    def host(self, what: str) -> str:
        """Where the world reaches it."""
        company, token = self.naming.company, self.token
        staging, production = {
            "subdomain": (f"{what}.{token}.{company}.example", f"{what}.{company}.example"),
            "hyphen": (f"{what}-{token}.{company}.example", f"{what}.{company}.example"),
            "token-both": (f"{what}.{token}.{company}.example", f"{what}.{token}.{company}.example"),
            "other-domain": (f"{what}.{company}-{token}.example", f"{what}.{company}.example"),
            "www": (f"{what}.{token}.{company}.example", f"{what}.www.{company}.example"),
        }[self.naming.domains]
        return self.pick(staging, production)

    def inside(self, what: str) -> str:
        """Where other services reach it."""
        return f"{what}.{self.token}.{self.naming.company}.internal"

    def arn(self, service: str, resource: str, region: str = "") -> str:
        return f"arn:aws:{service}:{region or self.regions[0]}:{self.account}:{resource}"

    def id(self, prefix: str, uid: str) -> str:
        """A generated id as AWS makes them: `sg-0a1b...`, 17 hexadecimal digits."""
        return f"{prefix}-0{self.own('id', prefix, uid).getrandbits(64):016x}"

    def secret(self, uid: str) -> str:
        """A secret that only this environment has."""
        letters = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789"
        return "".join(self.own("secret", uid).choices(letters, k=28))

    def _named(self, scheme: str, what: str, token: str, region: str) -> str:
        company, bare = self.naming.company, re.sub(r"[-_.]", "", token)
        letter = self.pick("u" if self.environment == "uat" else "s", "p")
        match scheme:
            case "suffix":
                return f"{what}-{token}"
            case "prefix":
                return f"{token}-{what}"
            case "company-prefix":
                return f"{company}-{token}-{what}"
            case "company-suffix":
                return f"{company}-{what}-{token}"
            case "company-last":
                return f"{what}-{token}-{company}"
            case "glued":
                return what.replace("-", "") + bare
            case "glued-prefix":
                return bare + what.replace("-", "")
            case "camel":
                return camel(what) + camel(token)
            case "camel-prefix":
                return camel(token) + camel(what)
            case "snake":
                return f"{what}_{token}".replace("-", "_")
            case "upper":
                return f"{what}-{token}".upper()
            case "dotted":
                return f"{what}.{token}.{company}"
            case "bare-production":
                return self.pick(f"{what}-{token}", what)
            case "letter":
                return f"{company}-{letter}-{what}"
            case "region-code":
                return f"{REGION_CODES[region]}-{token}-{what}"
            case "numbered":
                return f"{what}-{token}01"
            case _:
                return what


def camel(text: str) -> str:
    return "".join(part[:1].upper() + part[1:] for part in re.split(r"[-_. ]", text))


def draw_naming(seed: int, *, cloud: bool) -> Naming:
    """The naming of one company. `cloud` says whether it has accounts at all."""
    random = stable(seed, "naming")
    left, right, staging, prod, aliases = random.choice(TOKENS)
    scheme = SCHEMES[seed % len(SCHEMES)]
    # A name without the environment in it needs an account, or at least a folder, of its own.
    apart = scheme == "no-token" or random.random() < 0.65
    accounts = [f"{random.randrange(10**11, 10**12)}" for _ in range(2)]
    home: Sequence[str] = random.sample(REGIONS, k=random.choice((1, 1, 1, 2)))
    away = home
    if cloud and random.random() < 0.25:
        # Of two regions here and two others there, nobody could say which belongs to which.
        home = home[:1]
        away = random.sample([region for region in REGIONS if region not in home], k=1)
    return Naming(
        seed=seed,
        company=random.choice(COMPANIES),
        scheme=scheme,
        tokens=(left, right),
        environments=(staging, prod),
        aliases=aliases,
        domains=random.choice(DOMAINS),
        accounts=(accounts[0], accounts[1] if apart else accounts[0]),
        regions=(tuple(home), tuple(away)),
        cloud=cloud,
    )
