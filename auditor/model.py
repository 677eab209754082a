"""The words of the product as frozen dataclasses. Everything else imports from here; this imports nothing of ours."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum, StrEnum
from fnmatch import fnmatchcase
from typing import Any, TypeAlias

# What JSON can say. `Any` inside, because a recursive alias costs more at every use than it finds.
Json: TypeAlias = Any
Path: TypeAlias = tuple[str, ...]
Spot: TypeAlias = tuple[str, str, str, str | None]


class Absent(Enum):
    """Absent is not null: a key that is not there differs from a key whose value is null."""

    ABSENT = "absent"

    def __repr__(self) -> str:
        return "ABSENT"


ABSENT = Absent.ABSENT


class Severity(StrEnum):
    """How much a finding matters. Compare with `rank`: higher is worse."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    INFO = "info"

    @property
    def rank(self) -> int:
        return {"critical": 4, "high": 3, "medium": 2, "low": 1, "info": 0}[self.value]


class Category(StrEnum):
    COMPUTE = "compute"
    DATABASE = "database"
    CONFIG = "config"
    DEPLOYMENT = "deployment"
    NETWORK = "network"
    SECURITY = "security"
    MESSAGING = "messaging"
    STORAGE = "storage"
    OPERATIONS = "operations"


class GapReason(StrEnum):
    ACCESS_DENIED = "access_denied"
    THROTTLED = "throttled"
    TIMEOUT = "timeout"
    UNREACHABLE = "unreachable"
    MALFORMED = "malformed"
    TRUNCATED = "truncated"
    UNSUPPORTED = "unsupported"


class Status(StrEnum):
    PENDING = "pending"
    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    WAIVED = "waived"
    RESOLVED = "resolved"
    REGRESSED = "regressed"


@dataclass(frozen=True, slots=True)
class Kind:
    """What a collector declares of one kind of resource. Patterns are dotted; `*` is one step, `**` any number of steps.

    keyed       list of objects -> the attribute (or `a+b`) that tells its items apart; the list becomes a map
    ordered     lists whose order has a meaning (a command line); every other list is compared as a set
    volatile    attributes that say nothing about parity (timestamps, generated ids, live counters); dropped
    secret      attributes whose values may be secret; fingerprinted where they are read
    references  attributes that say where a secret is kept, whatever their names promise; they stay readable
    verbatim    maps whose keys are data, not schema (environment variables, tags): matched, never respelled
    located     the identity is a file path, so a file that could not be read hides just this resource
    empty_matters  an empty list or map means something else than none (`egress: []` of a NetworkPolicy forbids all)
    compared    false where it tells how something was read, not what the environment is: kept, and never compared
    """

    name: str
    category: Category
    about: str
    cloudformation: str = ""
    keyed: Mapping[str, str] = field(default_factory=dict)
    ordered: tuple[str, ...] = ()
    volatile: tuple[str, ...] = ()
    secret: tuple[str, ...] = ()
    verbatim: tuple[str, ...] = ()
    located: bool = False
    references: tuple[str, ...] = ()
    empty_matters: bool = False
    compared: bool = True


@dataclass(frozen=True, slots=True)
class Resource:
    """One thing as its source describes it: not normalised, but already free of secrets once it left `collect.py`.

    identity    the name people know it by (`orders-staging`), unique per kind, source and region
    source      the label of the source it was read from (`aws:111122223333`, `files:deploy/staging`)
    refs        every other handle by which resources of the same environment may point to it (id, ARN, URL)
    component   the deployable it is part of, where known (a service's name)
    location    where a person finds it: an ARN, a URL, `path/to/file.yaml:12`
    """

    kind: str
    identity: str
    attributes: Mapping[str, Json]
    source: str = ""
    region: str | None = None
    account: str | None = None
    parent: str | None = None
    refs: tuple[str, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)
    component: str | None = None
    location: str | None = None


def spot(resource: Resource) -> Spot:
    """What tells a resource from all others of its environment."""
    return resource.kind, resource.identity, resource.source, resource.region


@dataclass(frozen=True, slots=True)
class Gap:
    """Something that could not be observed, and why. What it covers is unknown: neither missing nor equal.

    kind        glob over kinds (`aws.rds.instance`, `aws.*`, `*`)
    resource    the one resource concerned, or all below a folder (`secret/orders/`); None: the whole listing
    attribute   the top-level attribute that is unknown of a resource that was read otherwise
    listings    how many listings were never begun because a whole source gave no access; 0: not known, at least one
    """

    environment: str
    source: str
    kind: str
    reason: GapReason
    detail: str
    region: str | None = None
    resource: str | None = None
    attribute: str | None = None
    location: str | None = None
    listings: int = 0

    def covers(self, kind: str, identity: str | None = None, *, located: bool = False) -> bool:
        """Whether a resource of `kind` called `identity`, not seen, may be hidden behind this gap."""
        if self.attribute is not None or not fnmatchcase(kind, self.kind):
            return False
        if self.resource is None or self.resource == identity:
            return True
        # A file that could not be read may hold anything that is not named after its file.
        return self.kind != kind and not located


@dataclass(frozen=True, slots=True)
class Listing:
    """A complete, fully paginated, successful listing of one kind (or glob of kinds) in one source and region.

    It may still have lost single resources: those are gaps with a resource."""

    source: str
    kind: str
    region: str | None = None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything seen, and not seen, of one environment at one time."""

    id: str
    environment: str
    taken_at: datetime
    resources: tuple[Resource, ...]
    gaps: tuple[Gap, ...]
    listings: tuple[Listing, ...]
    accounts: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()


class MatchMethod(StrEnum):
    CONFIG = "config"
    TAG = "tag"
    IDENTITY = "identity"
    ALIAS = "alias"
    ONLY_CANDIDATE = "only_candidate"
    SIMILARITY = "similarity"


@dataclass(frozen=True, slots=True)
class Side:
    """One side of a finding. `value` is JSON, or ABSENT; never a secret. `declared` is where code declares the resource."""

    environment: str
    identity: str | None
    value: Json | Absent
    location: str | None = None
    declared: str | None = None


@dataclass(frozen=True, slots=True)
class RuleRef:
    """Which rule decided, from which file and line, and which rules it overrode (`policy/id`, most recent first)."""

    policy: str
    id: str
    file: str
    line: int
    overrode: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Escalation:
    """What a rule says of age: a finding that has been open for `after` is at least `to`."""

    after: timedelta
    to: Severity


@dataclass(frozen=True, slots=True)
class Breach:
    """What an audit says of one place, before the history is looked at: a finding without a life.

    `kind` and `identity` are in normal form, so the fingerprint survives ids, positions and values.
    `cause` is equal for breaches that one cause explains; they are shown as one group with members. It is a sentence
    that counts them; `cause_key` names the same cause for as long as it lasts, however many there are.
    `owner` is whom the resource's owner tag names, the right one's where both have it.
    `sides` are `left` and `right`, or only one where a value is wrong whatever the other side holds.
    """

    fingerprint: str
    rule: RuleRef
    severity: Severity
    category: Category
    kind: str
    identity: str
    path: Path
    left: Side
    right: Side
    message: str
    about: str
    remediation: str
    matched_by: MatchMethod | None
    confidence: float
    tolerated_for: timedelta = timedelta(0)
    cause: str | None = None
    suggestion: str | None = None
    cause_key: str | None = None
    owner: str | None = None
    escalation: tuple[Escalation, ...] = ()
    escalated_from: Severity | None = None
    reach: int = 0
    sides: tuple[str, ...] = ("left", "right")


@dataclass(frozen=True, slots=True)
class Author:
    """Who made a change, as the environment's own records tell; `unknown` says why they do not.

    principal  whoever did it: a role session (`deploy/ada`), a user, a service
    event      what was called (`rds:ModifyDBInstance`)
    through    how: `console`, `api`, or the AWS service that did it on somebody's behalf
    ask_again  whether what is unknown now may be known later: the next audit asks again
    """

    principal: str | None = None
    event: str | None = None
    at: datetime | None = None
    through: str | None = None
    event_id: str | None = None
    unknown: str = ""
    ask_again: bool = False


@dataclass(frozen=True, slots=True)
class Moved:
    """Where the two histories parted: which side changed, between which two of its own snapshots.

    side         `left`, `right`, or `both` where both changed between the same two looks
    environment  whose change it was, and whose are all other fields; of `both` it is the right one
    after        when the last snapshot was taken that still held `old`
    by           when the first one was taken that held `new`; `snapshot` is its id
    old, new     as the source spells them, ABSENT for none; of a resource that came or went one of them is `true`
    agreed       whether both sides agreed until then; False where they were apart already, or a value is wrong by itself
    author       None: nobody was asked
    """

    side: str
    environment: str
    after: datetime
    by: datetime
    old: Json | Absent
    new: Json | Absent
    snapshot: str
    agreed: bool = True
    author: Author | None = None


FLAPS_FROM = 3
"""What came back so often within 24 hours flaps."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A breach with its life. `moved` says which side changed last and when; None where the histories do not tell.

    `opened_at` is when it last became open or regressed; None while it never was. `returns` counts how often it came
    back within the 24 hours before it was last seen: from three times on it flaps."""

    breach: Breach
    status: Status
    first_seen: datetime
    last_seen: datetime
    moved: Moved | None = None
    opened_at: datetime | None = None
    returns: int = 0

    @property
    def flaps(self) -> bool:
        return self.returns >= FLAPS_FROM


@dataclass(frozen=True, slots=True)
class SourceCoverage:
    """What was observed of one source. `observed` of `expected` listings, fractions for listings with lost resources."""

    environment: str
    source: str
    expected: int
    observed: float


@dataclass(frozen=True, slots=True)
class Coverage:
    """The share of what should have been observed that was, 0 to 1; 0 where nothing was compared."""

    ratio: float
    left: int
    right: int
    matched: int
    unmatched_left: int
    unmatched_right: int
    sources: tuple[SourceCoverage, ...] = ()


@dataclass(frozen=True, slots=True)
class Tally:
    """What an audit did not find fault with in one category.

    matched   pairs of resources of which nothing was found
    expected  differences that a rule calls normal
    unknown   places, and whole listings, that gaps hide
    """

    matched: int = 0
    expected: int = 0
    unknown: int = 0


@dataclass(frozen=True, slots=True)
class Audit:
    """One run over one pair: all that reports, metrics and notices are made of.

    `score` is None where nothing was compared, else 0 to 1; `scores` the same by category.
    `expected` counts differences that a rule calls normal (`ignore`, or within tolerance): they are not findings.
    `unknown` counts places that gaps hide. `tallies` says what was not found fault with, by category.
    """

    id: str
    left: str
    right: str
    started_at: datetime
    finished_at: datetime
    policies: tuple[str, ...]
    score: float | None
    scores: Mapping[Category, float]
    coverage: Coverage
    findings: tuple[Finding, ...]
    gaps: tuple[Gap, ...]
    expected: int = 0
    unknown: int = 0
    notes: tuple[str, ...] = ()
    tallies: Mapping[Category, Tally] = field(default_factory=dict)

    @property
    def complete(self) -> bool:
        return not self.gaps and self.coverage.ratio >= 1.0
