"""What a rule can expect: each `expect` of a policy as a small object that says whether values meet it.

An expectation compares the two sides (`between`), looks at one value (`of`), or both. Where it has nothing to say - a
version asked of a text, a ratio of a value that is missing - it answers None, and the rule does not apply.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING, Any

from auditor.condition_functions import magnitude_order
from auditor.conditions import Condition, Told, unheard
from auditor.makes import same_make
from auditor.model import ABSENT, Absent, Path
from auditor.placeholders import is_constant, is_placeholder, is_settled
from auditor.sizes import same_architecture, same_family
from auditor.value_types import is_secret, number, secrets_in
from auditor.values import canonical, words
from auditor.versions import is_mutable_tag, parse_image, same_release, version_order

if TYPE_CHECKING:
    from auditor.model import Json
    from auditor.overlap import Overlap
    from auditor.places import Place
    from auditor.promotion import Lag
    from auditor.references import Target

_BARE_IMAGE = re.compile(r"[a-z0-9]+(?:[._/-]+[a-z0-9]+)*\Z")
_NAMING_WORDS = frozenset({"secret", "secrets", "from", "keys"})


class Family(Enum):
    """When an expectation is asked: of differences, of every value, or of both."""

    IGNORE = "ignore"
    COMPARE = "compare"
    CHECK = "check"
    BOTH = "both"


@dataclass(frozen=True, slots=True)
class Leaf:
    """One side's value: typed (`form`) and as its source spells it (`raw`); ABSENT in both where there is none."""

    form: Json | Absent
    raw: Json | Absent

    @property
    def present(self) -> bool:
        return self.raw is not ABSENT


@dataclass(frozen=True, slots=True)
class Question:
    """What an expectation is asked about. `left` is the subject: where a rule names an environment, that side.

    `target` is the environment that a reference must not lead to; `lag` how far left is behind right and `lead` how far
    right is behind left, where that was asked and is known; `qualified` whether each side carries its environment's name, where that was asked.
    `overlap` is how many of the subject's values stand on the other side, where that was asked and both were sampled.
    `told` hears why an expression has no answer.
    """

    path: Path
    left: Leaf
    right: Leaf
    now: datetime
    versions: bool = False
    target: Target | None = None
    lag: Lag | None = None
    lead: Lag | None = None
    qualified: tuple[bool, bool] | None = None
    overlap: Overlap | None = None
    variables: Callable[[], Mapping[str, Any]] = dict
    told: Told = unheard


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether the values meet the expectation, and why not, as the end of a sentence."""

    met: bool
    reason: str = ""


MET = Verdict(True)


@dataclass(frozen=True, slots=True)
class Expectation:
    """One `expect:` of a rule. `concern` is equal for checks that the last matching rule decides between them; `uses` are
    the identifiers in an expression. `clears` tells of a place, by a glance at its values, that they cannot fail it."""

    name: str
    family: Family
    argument: Json = None
    between: Callable[[Question], Verdict | None] | None = None
    of: Callable[[Leaf, Question], Verdict | None] | None = None
    concern: str = ""
    uses: frozenset[str] = frozenset()
    clears: Callable[[Place], bool] | None = None

    def compare(self, question: Question) -> Verdict | None:
        """The verdict on a difference; per-side expectations must be met by every side that has a value."""
        if self.between is not None:
            return self.between(question)
        verdicts = [self.judge_one(leaf, question) for leaf in (question.left, question.right) if leaf.present]
        known = [verdict for verdict in verdicts if verdict is not None]
        return next((verdict for verdict in known if not verdict.met), known[0] if known else None)

    def judge_one(self, leaf: Leaf, question: Question) -> Verdict | None:
        """The verdict on one side's value; of a list, the first item that fails."""
        if self.of is None or not leaf.present or leaf.form is None:
            return None
        if isinstance(leaf.raw, list) and isinstance(leaf.form, list) and len(leaf.raw) == len(leaf.form):
            items = [self.of(Leaf(form, raw), question) for form, raw in zip(leaf.form, leaf.raw, strict=True)]
            known = [verdict for verdict in items if verdict is not None]
            return next((verdict for verdict in known if not verdict.met), known[0] if known else None)
        return self.of(leaf, question)


def both_present(question: Question) -> bool:
    """Whether both sides have a value that is not null."""
    return all(leaf.present and leaf.form is not None for leaf in (question.left, question.right))


def value_order(question: Question) -> int | None:
    """-1, 0 or 1 as left is less than, equal to or more than right, by versions where the rule speaks of versions."""
    if not both_present(question):
        return None
    left, right = question.left, question.right
    if question.versions or "version" in words(question.path[-1] if question.path else ""):
        by_version = version_order(str(left.raw), str(right.raw))
        if by_version is not None:
            return by_version
    by_magnitude = magnitude_order(left.form, right.form)
    return by_magnitude if by_magnitude is not None else version_order(str(left.raw), str(right.raw))


def _equal(question: Question) -> Verdict:
    return Verdict(question.left.form == question.right.form, "they differ")


def _differ(question: Question) -> Verdict | None:
    """Compared as spelled: `orders-{env}` is one form, but two names.

    That two values are not one is no excuse for whatever else differs in them, so it speaks of values of one make only."""
    left, right = question.left, question.right
    if not both_present(question) or left.raw in ("", "*") or left.raw == [] or isinstance(left.raw, dict | bool):
        return None
    if left.raw != right.raw:
        return MET if same_make(left.raw, right.raw) else None
    return Verdict(False, "both environments share it")


def _own_secrets(question: Question) -> Verdict | None:
    """Of texts that hold secrets, such as connection strings; what else differs in them is for other rules to say."""
    left, right = question.left.raw, question.right.raw
    if not (isinstance(left, str) and isinstance(right, str)):
        return None
    shared = set(secrets_in(left)) & set(secrets_in(right))
    return Verdict(False, "one secret stands in both") if shared else None


def _release(parts: int, name: str) -> Callable[[Question], Verdict | None]:
    def between(question: Question) -> Verdict | None:
        if not both_present(question):
            return None
        same = same_release(str(question.left.raw), str(question.right.raw), parts=parts)
        return None if same is None else Verdict(same, f"they are not of one {name} version")

    return between


def _not_ahead(question: Question) -> Verdict | None:
    found = value_order(question)
    return None if found is None else Verdict(found <= 0, "it is ahead")


def _not_behind(question: Question) -> Verdict | None:
    found = value_order(question)
    return None if found is None else Verdict(found >= 0, "it is behind")


def _of_both(test: Callable[[str, str], bool | None], reason: str) -> Callable[[Question], Verdict | None]:
    def between(question: Question) -> Verdict | None:
        if not both_present(question):
            return None
        same = test(str(question.left.raw), str(question.right.raw))
        return None if same is None else Verdict(same, reason)

    return between


def _items(leaf: Leaf) -> set[str] | None:
    """The members of a list or a map as comparable text; nothing where the value is absent; None for a scalar."""
    if not leaf.present or leaf.form is None:
        return set()
    if isinstance(leaf.form, Mapping):
        return set(leaf.form)
    return {repr(item) for item in leaf.form} if isinstance(leaf.form, list) else None


def _subset(question: Question) -> Verdict | None:
    left, right = _items(question.left), _items(question.right)
    if left is None or right is None:
        one_sided = question.left.present != question.right.present
        return Verdict(not question.left.present, "there is more of it") if one_sided else None
    return Verdict(left <= right, "there is more of it")


def _swapped(question: Question) -> Question:
    return Question(question.path, question.right, question.left, question.now, question.versions)


def _superset(question: Question) -> Verdict | None:
    verdict = _subset(_swapped(question))
    return None if verdict is None else Verdict(verdict.met, "there is less of it")


def _both_or_neither(question: Question) -> Verdict:
    return Verdict(question.left.present == question.right.present, "only one of them has it")


def _qualified(question: Question) -> Verdict | None:
    if not both_present(question) or question.qualified is None:
        return None
    left, right = question.qualified
    return Verdict(False, "it does not carry the environment's name") if right and not left else None


def _no_placeholder(leaf: Leaf, question: Question) -> Verdict | None:
    value = leaf.raw
    if not isinstance(value, str):
        return None
    if is_secret(value):
        return Verdict(":placeholder}" not in value, "a placeholder was left in place")
    # A secret is rightly called by its key: `secrets: {DB_PASSWORD: DB_PASSWORD}`.
    named = any(word in _NAMING_WORDS for step in question.path[:-1] for word in words(step))
    key = question.path[-1] if question.path and not named else None
    return Verdict(not is_placeholder(value, key), "a placeholder was left in place")


def _immutable_tag(leaf: Leaf, question: Question) -> Verdict | None:
    if not isinstance(leaf.raw, str):
        return None
    image = parse_image(leaf.raw)
    if image is not None:
        return Verdict(not image.mutable, f"its tag `{image.tag or 'latest'}` moves")
    key = question.path[-1] if question.path else ""
    if words(key)[-1:] == ("tag",):
        return Verdict(not is_mutable_tag(leaf.raw), f"the tag `{leaf.raw}` moves")
    # Only under this key can a bare name be told from any other word.
    return Verdict(False, "its tag `latest` moves") if key == "image" and _BARE_IMAGE.match(leaf.raw) else None


def no_reference(leaf: Leaf, question: Question) -> Verdict | None:
    if question.target is None:
        return None
    found = question.target.referred_by(leaf.raw, question.path)
    return MET if found is None else Verdict(False, f"it refers to {found}")


def holds(condition: Condition) -> Callable[[Question], Verdict | None]:
    return lambda question: Verdict(condition.holds(question.variables(), question.told), "")


def constant(test: Callable[[Leaf], bool | None], reason: str) -> Callable[[Leaf, Question], Verdict | None]:
    def of(leaf: Leaf, _: Question) -> Verdict | None:
        met = test(leaf)
        return None if met is None else Verdict(met, reason)

    return of


def same_value(leaf: Leaf, wanted: Json) -> bool:
    """Whether a value is the one written in a policy; text without regard to case."""
    spelled = (leaf.form, leaf.raw)
    if isinstance(wanted, bool) or isinstance(leaf.form, bool):
        return any(value is wanted for value in spelled) or str(leaf.form).lower() == str(wanted).lower()
    return wanted in spelled or str(leaf.raw).lower() == str(wanted).lower()


def at_least(leaf: Leaf, wanted: Json) -> bool | None:
    """Whether a value is a number, version or size that is not below the one in the policy; None if not comparable."""
    a, b = number(leaf.form), _magnitude(wanted)
    if a is not None and b is not None:
        return a >= b
    found = magnitude_order(str(leaf.raw), str(wanted))
    return None if found is None else found >= 0


def _magnitude(wanted: Json) -> float | None:
    """The number that a policy writes, as `2Gi` and `30d` too, which are numbers in normal form."""
    plain = number(wanted)
    return plain if plain is not None else number(canonical(wanted))


def at_most(leaf: Leaf, wanted: Json) -> bool | None:
    """Whether a value is a number, version or size that is not above the one in the policy; None if not comparable."""
    a, b = number(leaf.form), _magnitude(wanted)
    if a is not None and b is not None:
        return a <= b
    found = magnitude_order(str(leaf.raw), str(wanted))
    return None if found is None else found <= 0


def ratio(least: float | None, most: float | None) -> Callable[[Question], Verdict | None]:
    def between(question: Question) -> Verdict | None:
        left, right = number(question.left.form), number(question.right.form)
        if left is None or right is None:
            return None
        ratio = 1.0 if left == right else left / right if right else float("inf")
        text = f"the ratio is {ratio:.3g}"
        return Verdict((least is None or ratio >= least) and (most is None or ratio <= most), text)

    return between


def _stays(place: Place) -> bool:
    for value in (place.left.raw, place.right.raw):
        for text in value if isinstance(value, list) else (value,):
            if isinstance(text, str) and ((image := parse_image(text)) is None or image.mutable):
                return False
    return True


def _waits_for_nothing(place: Place) -> bool:
    path = place.named or place.path
    named = bool(path) and is_constant(path[-1])
    for value in (place.left.raw, place.right.raw):
        for text in value if isinstance(value, list) else (value,):
            if isinstance(text, str) and not is_settled(text, named=named):
                return False
    return True


def _is_apart(place: Place) -> bool:
    return bool(place.left.raw != place.right.raw)


def _holds_no_secret(place: Place) -> bool:
    return not (isinstance(place.left.raw, str) and "{secret:" in place.left.raw)


BARE: Mapping[str, Expectation] = {
    item.name: item
    for item in (
        Expectation("equal", Family.COMPARE, between=_equal),
        Expectation("ignore", Family.IGNORE),
        Expectation("differ", Family.BOTH, between=_differ, concern="differ", clears=_is_apart),
        Expectation("own_secrets", Family.BOTH, between=_own_secrets, concern="own_secrets", clears=_holds_no_secret),
        Expectation("same_major", Family.COMPARE, between=_release(1, "major")),
        Expectation("same_minor", Family.COMPARE, between=_release(2, "minor")),
        Expectation("not_ahead", Family.COMPARE, between=_not_ahead),
        Expectation("not_behind", Family.COMPARE, between=_not_behind),
        Expectation("at_least", Family.COMPARE, between=_not_behind),
        Expectation("same_family", Family.COMPARE, between=_of_both(same_family, "they are not of one family")),
        Expectation(
            "same_architecture", Family.COMPARE, between=_of_both(same_architecture, "they run different machine code")
        ),
        Expectation("subset", Family.COMPARE, between=_subset),
        Expectation("superset", Family.COMPARE, between=_superset),
        Expectation("qualified", Family.BOTH, between=_qualified, concern="qualified"),
        Expectation("both_or_neither", Family.COMPARE, between=_both_or_neither),
        Expectation(
            "no_placeholder",
            Family.CHECK,
            of=_no_placeholder,
            concern="no_placeholder",
            clears=_waits_for_nothing,
        ),
        Expectation("immutable_tag", Family.CHECK, of=_immutable_tag, concern="immutable_tag", clears=_stays),
    )
}
